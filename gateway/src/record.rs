//! The record of one request: begun when its head arrives, finished when its answer's body ends, however it ends; that of an answer in one
//! piece ends when the piece is handed to the connection.
//!
//! Whoever holds the record last finishes it by dropping it; that is how a caller that hangs up is noticed.

use std::sync::Arc;
use std::time::Duration;

use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::Usage;
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::failure::Skip;
use crate::hold::Hold;
use crate::observe::Observe;
use crate::surface::Operation;
use crate::worker::ActiveRequest;

/// What is known of a request so far.
#[derive(Debug)]
pub struct Record {
    /// Identifies the request in the access log and to the caller.
    pub id: u64,
    /// When its head arrived.
    pub started: Instant,
    /// The operation; `None` where the path is none of ours.
    pub operation: Option<Operation>,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// The key, `namespace/name`.
    pub key: Option<Arc<str>>,
    /// The model as the caller asked for it.
    pub model: Option<Box<str>>,
    /// The rule that took the request, `namespace/name`.
    pub rule: Option<Arc<str>>,
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
    /// From the start to the first content.
    pub first_token: Option<Duration>,
    /// Whether the caller got all of the answer.
    pub complete: bool,
    observe: Arc<Observe>,
    _active: ActiveRequest,
}

/// Attempts, in order.
pub type Attempts = SmallVec<[Attempt; 2]>;

/// One attempt.
#[derive(Debug)]
pub struct Attempt {
    /// The target's name.
    pub target: Arc<str>,
    /// The provider's `namespace/name`; `None` where it is missing.
    pub provider: Option<Arc<str>>,
    /// `gen_ai.provider.name`.
    pub system: &'static str,
    /// The upstream's name of the model.
    pub model: Arc<str>,
    /// How it failed; `None`: it did not.
    pub class: Option<FailureClass>,
    /// Whether it was dropped because another one beside it was quicker.
    pub hedged: bool,
    /// Why nothing was sent, where nothing was; `class` is then the failure that it counts as.
    pub skip: Option<Skip>,
    /// How long it waited for a place at the provider, if it had to.
    pub queued: Option<Duration>,
    /// How long it took, until its answer could be given or it failed.
    pub took: Duration,
    /// What it holds until its answer has ended.
    pub hold: Option<Hold>,
}

impl Attempt {
    /// The outcome as headers, logs and metrics show it.
    #[must_use]
    pub fn outcome(&self) -> &'static str {
        let good = if self.hedged { "hedged" } else { "ok" };
        let outcome = self.class.map_or(good, FailureClass::as_str);
        self.skip.map_or(outcome, Skip::as_str)
    }
}

impl Record {
    /// Begins the record of a request that arrived now.
    #[must_use]
    pub fn begin(observe: &Arc<Observe>, active: ActiveRequest) -> Self {
        Self {
            id: fastrand::u64(..),
            started: Instant::now(),
            operation: None,
            stream: false,
            key: None,
            model: None,
            rule: None,
            attempts: SmallVec::new(),
            trace: None,
            status: 0,
            error: None,
            usage: None,
            first_token: None,
            complete: false,
            observe: Arc::clone(observe),
            _active: active,
        }
    }

    /// The attempts as the header `x-fairlead-attempts` lists them: `primary=rate_limited, spare=ok`.
    #[must_use]
    pub fn attempts_header(&self) -> String {
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
    pub fn answered(&self) -> Option<&Attempt> {
        self.attempts
            .last()
            .filter(|attempt| attempt.class.is_none() && !attempt.hedged)
    }

    /// What a hedge's loser is taken to have used: it read the same input as whoever answered and counted it; what it wrote by the time it was
    /// dropped nobody tells.
    #[must_use]
    pub fn lost_input_tokens(&self, attempt: &Attempt) -> Option<u64> {
        self.usage
            .filter(|_| attempt.hedged)
            .and_then(|usage| usage.input_tokens)
    }

    /// Notes that the first content goes to the caller now.
    pub fn content_begins(&mut self) {
        if self.first_token.is_none() {
            self.first_token = Some(self.started.elapsed());
        }
    }

    /// The failure of an answer that had begun.
    pub fn cut(&mut self, class: FailureClass) {
        self.error = Some(class.as_str());
        self.broke_off(class);
    }

    /// The attempt that was answering failed. Somebody else may go on.
    pub fn broke_off(&mut self, class: FailureClass) {
        if let Some(attempt) = self.attempts.last_mut()
            && attempt.class.is_none()
        {
            attempt.class = Some(class);
            if let Some(mut hold) = attempt.hold.take() {
                hold.settle(Some(class));
            }
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.complete && self.error.is_none() {
            self.error = Some(FailureClass::ClientGone.as_str());
        }
        if self.complete
            && let Some(hold) = self.attempts.last_mut().and_then(|last| last.hold.as_mut())
        {
            hold.settle(None);
        }
        let observe = Arc::clone(&self.observe);
        observe.finished(self);
    }
}
