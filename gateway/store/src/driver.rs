//! The one task that speaks with the store: for who waits at once, for what is in use once a second, many in one pipeline.
//!
//! Those who wait are woken by a channel each and wait 250 ms at most, so that nothing here can hold up a request for longer. A store that
//! is away costs each of them nothing but a look.

mod here;
mod keep;
#[cfg(feature = "valkey")]
mod there;

use std::sync::Arc;
use std::time::Duration;

use fairlead_admit::lease::Now;
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior};

use crate::embedded::FileError;
use crate::part::Part;
use crate::place::Place;
use crate::registry::Registry;
use crate::shared::{Shared, Wake};
use crate::wheel::{STEP, Wheel};
#[cfg(feature = "valkey")]
use there::{Back, Patience};

/// How often something is forgotten, or looked after otherwise.
const HOUSEKEEPING: Duration = Duration::from_millis(250);
/// The embedded store's file is swept this often, in turns of housekeeping.
const SWEEP_TURNS: usize = 4 * 3600;
/// What woke the driver is taken in portions of this size.
const PORTION: usize = 1024;
/// Whose answer is waited for is looked at again after this, in milliseconds.
const IN_FLIGHT_MS: u64 = 60;
/// What is to be said again after a new process of the store is spread over this, in milliseconds.
const SPREAD_MS: u64 = 1_000;
/// A failure of single calls is said this often.
const SAY_AGAIN: Duration = Duration::from_secs(10);

/// The task.
#[derive(Debug)]
pub(crate) struct Driver {
    shared: Arc<Shared>,
    registry: Arc<Registry>,
    place: Place,
    inbox: mpsc::UnboundedReceiver<Wake>,
    wheel: Wheel<Arc<Part>>,
    flights: FuturesUnordered<BoxFuture<'static, Landed>>,
    /// Who was called while it was not yet known whether the store answers.
    early: Vec<Arc<Part>>,
    /// Who is asked for with the next step, so that many who wait cost one call.
    next: Vec<Arc<Part>>,
    /// Who waits for everything to be told, and what is left to be told.
    draining: Vec<oneshot::Sender<()>>,
    untold: Vec<Arc<Part>>,
    /// Whether the embedded store's file is being written.
    writing: bool,
    turn: usize,
    said: Option<Instant>,
    #[cfg(feature = "valkey")]
    patience: Patience,
}

/// What has come back.
#[derive(Debug)]
enum Landed {
    /// The embedded store's file is written, or cannot be.
    Written(Result<(), FileError>),
    #[cfg(feature = "valkey")]
    Back(Back),
}

enum Event {
    Woken(usize),
    Landed(Landed),
    Step,
    Housekeeping,
    Changed(bool),
}

impl Driver {
    pub(crate) fn new(
        shared: Arc<Shared>,
        registry: Arc<Registry>,
        place: Place,
        inbox: mpsc::UnboundedReceiver<Wake>,
    ) -> Self {
        Self {
            shared,
            registry,
            place,
            inbox,
            wheel: Wheel::new(),
            flights: FuturesUnordered::new(),
            early: Vec::new(),
            next: Vec::new(),
            draining: Vec::new(),
            untold: Vec::new(),
            writing: false,
            turn: 0,
            said: None,
            #[cfg(feature = "valkey")]
            patience: Patience::default(),
        }
    }

    /// For as long as it is polled.
    pub(crate) async fn run(mut self) {
        let mut steps = tokio::time::interval(STEP);
        steps.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut housekeeping = tokio::time::interval(HOUSEKEEPING);
        housekeeping.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut woken = Vec::with_capacity(PORTION);
        loop {
            let event = {
                let busy = self.is_busy();
                let Self {
                    shared,
                    place,
                    inbox,
                    flights,
                    ..
                } = &mut self;
                tokio::select! {
                    count = inbox.recv_many(&mut woken, PORTION) => Event::Woken(count),
                    Some(landed) = flights.next(), if !flights.is_empty() => Event::Landed(landed),
                    others = place.changed(&shared.link, shared.clock) => Event::Changed(others),
                    _ = steps.tick(), if busy => Event::Step,
                    _ = housekeeping.tick() => Event::Housekeeping,
                }
            };
            match event {
                // Nobody is left who could wake it.
                Event::Woken(0) => return,
                Event::Woken(_) => self.woken(woken.drain(..)),
                Event::Landed(landed) => self.landed(landed),
                Event::Step => self.step(),
                Event::Housekeeping => self.keep_house(),
                Event::Changed(others) => self.changed(others),
            }
        }
    }

    fn is_busy(&self) -> bool {
        !self.wheel.is_empty()
            || !self.next.is_empty()
            || !self.draining.is_empty()
            || (!self.writing && self.place.is_dirty())
    }

    fn now(&self) -> Now {
        self.shared.clock.now()
    }

    fn woken(&mut self, wakes: impl Iterator<Item = Wake>) {
        let mut called = Vec::new();
        for wake in wakes {
            match wake {
                Wake::Used(part) => self.follow(part),
                Wake::Called(part) => {
                    if part.may_track() {
                        self.follow(part.clone());
                    }
                    if part.is_short() {
                        self.next.push(part);
                    } else {
                        called.push(part);
                    }
                }
                Wake::Drain(done) => called.append(&mut self.drain(done)),
                Wake::Look(accounts, reader) => self.look(&accounts, reader),
            }
        }
        self.ask(called);
    }

    /// Looks at it when it is due.
    fn follow(&mut self, part: Arc<Part>) {
        let due = part.due();
        if let Some(due) = due {
            self.wheel.add(part, due);
        }
    }

    fn step(&mut self) {
        let now = millis(self.now());
        let mut due = Vec::new();
        let mut later = Vec::new();
        for part in self.wheel.turn(now) {
            match part.due() {
                Some(at) if part.is_flying() => later.push((part, at.max(now + IN_FLIGHT_MS))),
                Some(at) if at <= now => due.push(part),
                Some(at) => later.push((part, at)),
                None => {}
            }
        }
        for (part, at) in later {
            self.wheel.add(part, at);
        }
        let mut asking = std::mem::take(&mut self.next);
        if self.place.is_connected() {
            asking.extend(due.iter().cloned());
        }
        self.ask(asking);
        for part in due {
            self.follow(part);
        }
        self.write();
        self.finish_drain();
    }

    /// The way to the store is another than before.
    fn changed(&mut self, others: bool) {
        if others {
            self.say_all_again();
        }
        let early = std::mem::take(&mut self.early);
        self.ask(early);
    }

    /// The store's process is new: whoever it may have forgotten says where it stands.
    fn say_all_again(&mut self) {
        let now = millis(self.now());
        let counters = self.registry.all();
        let parts = counters.iter().flat_map(|counter| counter.parts());
        for (at, part) in parts.enumerate() {
            if part.may_track() {
                let spread = u64::try_from(at).unwrap_or(0) * 20 % SPREAD_MS;
                self.wheel.add(part, now + spread);
            }
        }
    }

    fn keep_house(&mut self) {
        self.turn = self.turn.wrapping_add(1);
        self.registry.tidy(self.turn, self.now());
        if self.turn.is_multiple_of(SWEEP_TURNS) {
            self.sweep();
        }
    }

    fn landed(&mut self, landed: Landed) {
        match landed {
            Landed::Written(result) => {
                self.writing = false;
                if let Err(error) = result {
                    self.say(&format!("what was counted cannot be written: {error}"));
                }
                self.finish_drain();
            }
            #[cfg(feature = "valkey")]
            Landed::Back(back) => self.back(back),
        }
    }

    /// A failure that is like the one before is not said each time.
    fn say(&mut self, problem: &str) {
        if self.said.is_none_or(|said| said.elapsed() >= SAY_AGAIN) {
            self.said = Some(Instant::now());
            tracing::warn!(problem, "the store of counters fails");
        }
    }
}

fn millis(now: Now) -> u64 {
    u64::try_from(now.mono.as_millis()).unwrap_or(u64::MAX)
}
