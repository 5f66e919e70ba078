//! What one attempt has reserved, from before it is sent until it is known what it used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use fairlead_admit::estimate::Learned;
use fairlead_admit::money::{Parts, Tariff};
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::Usage;

use super::holds::{Amounts, Holds};
use crate::surface::Operation;

/// What an attempt has reserved. It is settled once: by what its answer says, or, dropped, by what it must have used.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(super) holds: Holds,
    pub(super) tariff: Tariff,
    /// What is known of such requests; `None`: nothing is limited, and nobody asks.
    pub(super) learned: Option<Arc<Learned>>,
    /// The length of the request, in bytes.
    pub(super) bytes: u64,
    /// What the prompt alone is expected to use.
    pub(super) prompt: Amounts,
    /// What is held.
    pub(super) expected: Amounts,
    /// Where what was spent is added up.
    pub(super) bill: Arc<Bill>,
    pub(super) sent: bool,
    pub(super) open: bool,
}

/// What an attempt used, as far as anybody knows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// What the provider said.
    pub parts: Option<Parts>,
    /// Whether it said so at the end of the answer.
    pub whole: bool,
    /// About how many tokens of the answer came by.
    pub seen: u64,
}

impl Used {
    /// Of an answer in one piece, of so many bytes. Where nobody says, its text is most of it.
    #[must_use]
    pub(crate) fn of_whole(usage: Option<Usage>, operation: Option<Operation>, bytes: usize) -> Self {
        const BYTES_A_TOKEN: usize = 4;
        let writes = usage.is_none() && operation.is_some_and(Operation::writes_text);
        let seen = if writes { bytes / BYTES_A_TOKEN } else { 0 };
        Self {
            parts: usage.map(|usage| usage.parts()),
            whole: true,
            seen: u64::try_from(seen).unwrap_or(0),
        }
    }
}

/// What a request has cost so far, over all its attempts.
#[derive(Debug, Default)]
pub(crate) struct Bill {
    nanos: AtomicI64,
    estimated: AtomicBool,
    unknown: AtomicBool,
}

/// What a request has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Nano-USD.
    pub nanos: i64,
    /// Whether some of it is an estimate, for nobody has said what was used.
    pub estimated: bool,
}

impl Cost {
    /// The same in USD, for what adds up in floats.
    #[must_use]
    pub(crate) fn usd(self) -> f64 {
        Duration::from_nanos(self.nanos.unsigned_abs()).as_secs_f64()
    }
}

impl Bill {
    fn add(&self, nanos: i64, estimated: bool) {
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        if estimated {
            self.estimated.store(true, Ordering::Relaxed);
        }
    }

    /// What it comes to; `None`: what something costs is not known.
    #[must_use]
    pub(crate) fn cost(&self) -> Option<Cost> {
        (!self.unknown.load(Ordering::Relaxed)).then(|| Cost {
            nanos: self.nanos.load(Ordering::Relaxed),
            estimated: self.estimated.load(Ordering::Relaxed),
        })
    }
}

impl Reservation {
    /// The request goes out now.
    pub(crate) fn goes_out(&mut self) {
        self.sent = true;
    }

    /// About so many tokens of the answer came by: more may be held than was expected.
    pub(crate) fn comes_by(&mut self, seen: u64) {
        let seen_tokens = i64::try_from(seen).unwrap_or(i64::MAX);
        if seen_tokens <= self.expected.output || self.holds.is_empty() {
            return;
        }
        let Some(learned) = &self.learned else { return };
        let output = learned.beyond(seen).max(seen.saturating_add(1));
        let nanos = self.tariff.output(output).unwrap_or(0);
        self.expected.output = i64::try_from(output).unwrap_or(i64::MAX);
        self.expected.nanos = self.prompt.nanos.saturating_add(nanos);
        self.holds.raise(self.expected);
    }

    /// The answer has ended.
    pub(crate) fn settle(&mut self, used: &Used) {
        self.close(used);
    }

    /// The attempt has failed: what was refused cost nothing, what may have been worked on is owed.
    pub(crate) fn failed(&mut self, class: FailureClass, refused: bool) {
        if refused || !may_have_worked(class) {
            self.open = false;
            let holds = std::mem::take(&mut self.holds);
            // A provider counts what it was asked, whatever it answered.
            if self.sent {
                holds.settle(Amounts::default());
            } else {
                holds.cancel();
            }
        } else {
            self.close(&Used::default());
        }
    }

    fn close(&mut self, used: &Used) {
        if !std::mem::replace(&mut self.open, false) {
            return;
        }
        let holds = std::mem::take(&mut self.holds);
        if !self.sent {
            holds.cancel();
            return;
        }
        let (amounts, estimated) = self.amounts(used);
        match amounts {
            Some(amounts) => {
                self.bill.add(amounts.nanos, estimated);
                holds.settle(amounts);
            }
            None => {
                self.bill.unknown.store(true, Ordering::Relaxed);
                // What cannot be priced is charged as it was expected.
                holds.settle(self.expected);
            }
        }
    }

    /// What was used, and whether it is an estimate; `None`: it has no price.
    fn amounts(&self, used: &Used) -> (Option<Amounts>, bool) {
        let told = used.parts.filter(|_| used.whole);
        let Some(parts) = told else {
            return (self.estimated(used), true);
        };
        let nanos = self.tariff.cost(&parts);
        let tokens = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let (input, output) = (parts.input_total(), parts.output_total());
        if let Some(learned) = &self.learned {
            learned.settle(self.bytes, nanos.unwrap_or(0), input, output);
        }
        let amounts = nanos.map(|nanos| Amounts {
            nanos,
            input: tokens(input),
            output: tokens(output),
            prompt_nanos: 0,
        });
        (amounts, false)
    }

    /// The prompt is owed once it was sent, and what came by of the answer.
    fn estimated(&self, used: &Used) -> Option<Amounts> {
        let tokens = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let told = used.parts.as_ref();
        let output = used.seen.max(told.map_or(0, Parts::output_total));
        let (input, prompt) = match told.filter(|parts| parts.input_total() > 0) {
            Some(parts) => (tokens(parts.input_total()), self.tariff.cost(&parts.prompt())?),
            None => (self.prompt.input, self.prompt.nanos),
        };
        Some(Amounts {
            nanos: prompt.saturating_add(self.tariff.output(output)?),
            input,
            output: tokens(output),
            prompt_nanos: 0,
        })
    }
}

/// Whether a provider may have worked on what failed so.
fn may_have_worked(class: FailureClass) -> bool {
    !matches!(
        class,
        FailureClass::Connect | FailureClass::Unavailable | FailureClass::BadCredential
    )
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.close(&Used::default());
    }
}
