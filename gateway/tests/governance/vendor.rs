//! A provider that keeps a ledger of its own, in its own prices: what it would put on its invoice for each request, and whether it has said so.
//!
//! What it answers is drawn from the name of the request's trace, so that a request is the same however its callers are scheduled.

mod answer;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fairlead_faults::{Ending, Moment, Play, Played, Provider, Seen};
use fastrand::Rng;
use parking_lot::Mutex;

pub(crate) use answer::{Prices, TIERS, Used};

/// A provider with a ledger.
pub(crate) struct Vendor {
    provider: Provider,
    ledger: Arc<Ledger>,
}

/// How its requests go.
#[derive(Clone, Copy)]
pub(crate) struct Temper {
    /// How many of a hundred are answered with 500.
    pub(crate) fails: u8,
    /// How many of a hundred streams are cut in the middle.
    pub(crate) cuts: u8,
    /// How many of a hundred begin late enough for a hedge.
    pub(crate) dawdles: u8,
    /// How long it thinks, otherwise, in milliseconds.
    pub(crate) thinks: u64,
    /// How long after each word, in microseconds.
    pub(crate) pause: u64,
    /// The median of an answer, in tokens.
    pub(crate) tokens: f64,
    /// Whether answers name tiers.
    pub(crate) tiers: bool,
}

/// What it would bill for one request.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The trace it came with.
    pub(crate) trace: String,
    /// Nano-USD.
    pub(crate) nanos: i64,
    /// Whether what was used has been told to the end.
    pub(crate) told: bool,
    /// Whether the peer had gone before.
    pub(crate) left: bool,
    /// What was used.
    pub(crate) used: Used,
}

#[derive(Default)]
struct Ledger(Mutex<HashMap<usize, Entry>>);

/// After this much silence another target is asked, where a rule hedges.
pub(crate) const HEDGE: Duration = Duration::from_millis(150);

impl Vendor {
    /// Starts one, with its prices for each of [`TIERS`].
    pub(crate) async fn start(name: &'static str, prices: [Prices; 3], temper: Temper) -> Self {
        let ledger = Arc::new(Ledger::default());
        let (writing, closing) = (Arc::clone(&ledger), Arc::clone(&ledger));
        let provider = Provider::builder()
            .watch(move |seen, played| closing.close(seen, played))
            .start(move |seen| {
                let (entry, play) = meet(name, &prices, temper, seen);
                writing.0.lock().insert(seen.sequence, entry);
                play
            })
            .await;
        Self { provider, ledger }
    }

    /// What a client is configured with.
    pub(crate) fn base_url(&self) -> String {
        self.provider.base_url()
    }

    /// The ledger, by trace.
    pub(crate) fn ledger(&self) -> Vec<Entry> {
        self.ledger.0.lock().values().cloned().collect()
    }
}

impl Ledger {
    fn close(&self, seen: &Seen, played: &Played) {
        if let Some(entry) = self.0.lock().get_mut(&seen.sequence) {
            entry.left = played.ending == Ending::Abandoned;
            entry.told &= played.ending == Ending::KeptAlive;
        }
    }
}

/// What becomes of a request.
fn meet(name: &str, prices: &[Prices; 3], temper: Temper, seen: &Seen) -> (Entry, Play) {
    let trace = seen
        .header("traceparent")
        .and_then(|trace| trace.get(3..35));
    let trace = trace.unwrap_or_default().to_owned();
    let seed = u64::from_str_radix(trace.get(16..).unwrap_or("0"), 16).unwrap_or(0);
    let mut random =
        Rng::with_seed(seed ^ name.bytes().fold(7, |sum, byte| sum * 31 + u64::from(byte)));
    let used = Used::draw(&mut random, seen, temper.tokens, temper.tiers);
    let fate = random.u8(..100);
    let thinks = Duration::from_millis(random.u64(0..=2 * temper.thinks));
    let mut entry = Entry {
        trace,
        nanos: bill(prices, &used),
        told: true,
        left: false,
        used,
    };
    let play = answer::play(&used, seen).every(Duration::from_micros(temper.pause));
    let fails = temper.fails;
    let cuts = fails + temper.cuts;
    if fate < fails {
        entry.nanos = 0;
        entry.told = false;
        return (entry, Play::status(500).after(thinks));
    }
    if fate < cuts && seen.streamed() {
        entry.used = used.half();
        entry.nanos = bill(prices, &entry.used);
        entry.told = false;
        return (entry, play.cut_at(Moment::Percent(50)).after(thinks));
    }
    if fate < cuts + temper.dawdles {
        return (entry, play.after(HEDGE * 2));
    }
    (entry, play.after(thinks))
}

/// By the tier that the answer names.
fn bill(prices: &[Prices; 3], used: &Used) -> i64 {
    let tier = TIERS.iter().position(|tier| used.tier == Some(*tier));
    prices[tier.unwrap_or(0)].bill(used)
}
