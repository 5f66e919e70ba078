//! The record of one request: begun when its head arrives, finished when its answer's body ends, however it ends; that of an answer in one
//! piece ends when the piece is handed to the connection.
//!
//! Whoever holds the record last finishes it by dropping it; that is how a caller that hangs up is noticed.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fairlead_route::ChosenBy;
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::Usage;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::clock;
use crate::failure::Skip;
use crate::govern::holds::{Amounts, Holds};
use crate::govern::reservation::{Bill, Cost, Reservation, Used};
use crate::govern::told::Rates;
use crate::observe::Observe;
use crate::surface::{Operation, Surface};

/// What is known of a request: so far, and in the end. The end is what every sink is given.
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Identifies the request in the access log and to the caller.
    pub id: u64,
    /// The operation; `None` where the path is none of ours.
    pub operation: Option<Operation>,
    /// Whose words the caller speaks.
    pub surface: Surface,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// The key, `namespace/name`.
    pub key: Option<Arc<str>>,
    /// The key's team.
    pub team: Option<Arc<str>>,
    /// The model as the caller asked for it.
    pub model: Option<Box<str>>,
    /// Whether that name stands in the configuration.
    pub configured: bool,
    /// The rule that took the request, `namespace/name`.
    pub rule: Option<Arc<str>>,
    /// The constraints that held for the request.
    pub constraints: Vec<Arc<str>>,
    /// What has put the first of its targets there; `None`: it has got none.
    pub chosen_by: Option<ChosenBy>,
    /// Every attempt, in order.
    pub attempts: Attempts,
    /// The trace that the caller's `traceparent` names.
    pub trace: Option<Box<str>>,
    /// The status the caller saw; 0 while there is none.
    pub status: u16,
    /// The gateway's own error code, or the class of the failure the caller saw.
    pub error: Option<&'static str>,
    /// Tokens, as the provider counted them.
    pub usage: Option<Usage>,
    /// What it has cost; `None`: nobody knows.
    pub cost: Option<Cost>,
    /// The budget for which cheaper targets were asked first, if one was.
    pub soft: Option<Arc<str>>,
    /// From the start to the first content.
    pub first_token: Option<Duration>,
    /// Whether the caller got all of the answer.
    pub complete: bool,
    /// From the head of the request to the end of its answer.
    pub duration: Duration,
    /// When the answer ended, in milliseconds since 1970.
    pub ended_unix_ms: i64,
}

/// The entry of a request that is being served. Reads and writes as the entry.
#[derive(Debug)]
pub(crate) struct Record {
    /// When the head of the request arrived.
    pub started: Instant,
    /// Apart, for every future of a request is as large as this.
    entry: Box<Entry>,
    /// What the attempt that answers has used so far.
    pub used: Box<Used>,
    /// What was taken for the request as a whole.
    pub holds: Option<Box<Holds>>,
    /// How its rates stand.
    pub rates: Option<Box<Rates>>,
    /// What its attempts cost.
    pub bill: Arc<Bill>,
    observe: Arc<Observe>,
    _active: ActiveRequest,
}

/// Attempts, in order.
pub(crate) type Attempts = SmallVec<[Attempt; 1]>;

/// One attempt.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// The target's name.
    pub target: Arc<str>,
    /// The provider's `namespace/name`; `None` where it is missing.
    pub provider: Option<Arc<str>>,
    /// `gen_ai.provider.name`; `None` where the provider is missing.
    pub system: Option<Arc<str>>,
    /// The upstream's name of the model.
    pub model: Arc<str>,
    /// The server that was asked, where the provider is a pool.
    pub server: Option<Arc<str>>,
    /// How it failed; `None`: it did not.
    pub class: Option<FailureClass>,
    /// Whether it was dropped because another one beside it was quicker.
    pub hedged: bool,
    /// Why nothing was sent, where nothing was; `class` is then the failure that it counts as.
    pub skip: Option<Skip>,
    /// Whether it failed for something that the gateway itself lacks.
    pub own: bool,
    /// How long it waited for a place at the provider, if it had to.
    pub queued: Option<Duration>,
    /// What could not be said to the provider.
    pub dropped: Option<Arc<str>>,
    /// What its answer was cut to, so that a budget is kept, in tokens.
    pub clamped: Option<u64>,
    /// How long it took, until its answer could be given or it failed.
    pub took: Duration,
    /// What is held for it until its answer has ended.
    pub reservation: Option<Box<Reservation>>,
}

impl Attempt {
    /// The outcome as headers, logs and metrics show it.
    #[must_use]
    pub(crate) fn outcome(&self) -> &'static str {
        let good = if self.hedged { "hedged" } else { "ok" };
        let outcome = self.class.map_or(good, FailureClass::as_str);
        if self.own {
            return "gateway_overloaded";
        }
        self.skip.map_or(outcome, Skip::as_str)
    }
}

impl Entry {
    /// The attempts as the header `x-fairlead-attempts` lists them: `primary=rate_limited, spare=ok`.
    #[must_use]
    pub(crate) fn attempts_header(&self) -> String {
        let mut text = String::with_capacity(32);
        for attempt in &self.attempts {
            if !text.is_empty() {
                text.push_str(", ");
            }
            text.push_str(&attempt.target);
            text.push('=');
            text.push_str(attempt.outcome());
        }
        text
    }

    /// The attempt that answered.
    #[must_use]
    pub(crate) fn answered(&self) -> Option<&Attempt> {
        self.attempts
            .last()
            .filter(|attempt| attempt.class.is_none() && !attempt.hedged)
    }

    /// What a hedge's loser is taken to have used: it read the same input as whoever answered and counted it; what it wrote by the time it was
    /// dropped nobody tells.
    #[must_use]
    pub(crate) fn lost_input_tokens(&self, attempt: &Attempt) -> Option<u64> {
        self.usage
            .filter(|_| attempt.hedged)
            .and_then(|usage| usage.input_tokens)
    }
}

impl Record {
    /// Begins the record of a request that arrived now.
    #[must_use]
    pub(crate) fn begin(observe: &Arc<Observe>, active: ActiveRequest) -> Self {
        let entry = Entry {
            id: fastrand::u64(..),
            ..Entry::default()
        };
        Self {
            started: Instant::now(),
            entry: Box::new(entry),
            used: Box::default(),
            holds: None,
            rates: None,
            bill: Arc::default(),
            observe: Arc::clone(observe),
            _active: active,
        }
    }

    /// Notes that the first content goes to the caller now.
    pub(crate) fn content_begins(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.started.elapsed());
        }
    }

    /// What the attempt that is answering has used so far.
    pub(crate) fn comes_by(&mut self, used: Used) {
        *self.used = used;
        let last = self.entry.attempts.last_mut();
        if let Some(reservation) = last.and_then(|last| last.reservation.as_mut()) {
            reservation.comes_by(used.seen);
        }
    }

    /// What the attempt that was answering has used is known as far as it will ever be.
    pub(crate) fn settle(&mut self) {
        let used = std::mem::take(&mut *self.used);
        let reservation = self
            .attempts
            .last_mut()
            .and_then(|last| last.reservation.take());
        if let Some(mut reservation) = reservation {
            reservation.settle(&used);
        }
        self.cost = self.bill.cost();
    }

    /// The failure of an answer that had begun.
    pub(crate) fn cut(&mut self, class: FailureClass) {
        self.error = Some(class.as_str());
        self.broke_off(class);
    }

    /// The attempt that was answering failed. Somebody else may go on.
    pub(crate) fn broke_off(&mut self, class: FailureClass) {
        if let Some(attempt) = self.attempts.last_mut()
            && attempt.class.is_none()
        {
            attempt.class = Some(class);
        }
    }
}

impl Deref for Record {
    type Target = Entry;

    fn deref(&self) -> &Entry {
        &self.entry
    }
}

impl DerefMut for Record {
    fn deref_mut(&mut self) -> &mut Entry {
        &mut self.entry
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.settle();
        if let Some(holds) = self.holds.take() {
            // What never went out leaves no trace.
            if self.attempts.iter().any(|attempt| attempt.skip.is_none()) {
                holds.settle(Amounts::default());
            } else {
                holds.cancel();
            }
        }
        let mut entry = std::mem::take(&mut self.entry);
        if !entry.complete && entry.error.is_none() {
            entry.error = Some(FailureClass::ClientGone.as_str());
        }
        entry.duration = self.started.elapsed();
        entry.ended_unix_ms = clock::unix_millis();
        self.observe.finished(entry);
    }
}

/// A request in flight, counted for as long as this lives.
#[derive(Debug)]
pub(crate) struct ActiveRequest(Arc<AtomicUsize>);

impl ActiveRequest {
    /// Counts one more.
    #[must_use]
    pub(crate) fn begin(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
