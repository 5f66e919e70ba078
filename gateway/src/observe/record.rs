//! The record of one request: begun when its head arrives, finished when its answer's body ends, however it ends; that of an answer in one
//! piece ends when the piece is handed to the connection.
//!
//! Whoever holds the record last finishes it by dropping it; that is how a caller that hangs up is noticed.

mod attempt;

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fairlead_health::adaptive::{Probe, Standing};
use fairlead_record::{Limit, Tag, Trace};
use fairlead_route::ChosenBy;
use fairlead_snapshot::{FailureClass, Logging};
use fairlead_wire::openai::{Told, Usage};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use tokio::time::Instant;

use crate::clock;
use crate::govern::holds::{Amounts, Holds};
use crate::govern::refusal::Refusal;
use crate::govern::reservation::{Bill, Cost, Used};
use crate::govern::told::Rates;
use crate::observe::Observe;
use crate::observe::content::{Capture, Over};
use crate::observe::mirror::{Mirrored, Mirroring};
use crate::surface::{Operation, Surface};
pub(crate) use attempt::{Attempt, Attempts};

/// What is known of a request: so far, and in the end. Of the end the recorder makes what every sink is given ([`super::entry`]).
#[derive(Debug, Default)]
pub(crate) struct Entry {
    /// Identifies the request in the access log and to the caller.
    pub id: u64,
    /// When its head arrived; `None` only where there is no request.
    pub began: Option<Instant>,
    /// The method.
    pub method: Option<Method>,
    /// The path as a pattern, of what is no operation; those have theirs.
    pub route: Option<&'static str>,
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
    pub model: Option<Arc<str>>,
    /// Whether that name stands in the configuration.
    pub configured: bool,
    /// The rule that took the request, `namespace/name`.
    pub rule: Option<Arc<str>>,
    /// The constraints that held for the request.
    pub constraints: Vec<Arc<str>>,
    /// The rules that held for it and after which matching went on.
    pub through: Vec<Arc<str>>,
    /// Of a copy, what it is a copy of.
    pub mirrored: Option<Box<Mirrored>>,
    /// What has put the first of its targets there; `None`: it has got none.
    pub chosen_by: Option<ChosenBy>,
    /// How the first of them stood then, under the strategy that goes by that.
    pub standing: Option<Standing>,
    /// Every attempt, in order.
    pub attempts: Attempts,
    /// Where in a trace it stands, if it does.
    pub trace: Option<Trace>,
    /// The status the caller saw; 0 while there is none.
    pub status: u16,
    /// The gateway's own error code, or the class of the failure the caller saw.
    pub error: Option<&'static str>,
    /// The limit that refused it, if one did.
    pub limit: Option<Box<Limit>>,
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
    /// Why the answer ended, of the first choice that did.
    pub finish_reason: Option<Arc<str>>,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body that were given to the caller.
    pub response_bytes: u64,
    /// The beginning of the caller's `user-agent`.
    pub user_agent: Option<Arc<str>>,
    /// What listed headers said.
    pub tags: Vec<Tag>,
    /// The generation of the configuration it was served with.
    pub generation: u64,
    /// From the head of the request to the end of its answer.
    pub duration: Duration,
    /// When the answer ended, in microseconds since 1970.
    pub ended_unix_us: i64,
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
    /// What it has to do with mirrors, if anything.
    pub mirroring: Option<Box<Mirroring>>,
    /// Whether it is to find out if its first target is back.
    pub probe: Option<Box<Probe>>,
    /// What was written in it, where that is kept.
    content: Option<Box<Capture>>,
    observe: Arc<Observe>,
    _active: ActiveRequest,
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
            .filter(|attempt| attempt.class.is_none() && !attempt.hedged && !attempt.under_way)
    }

    /// The attempt that answered, or else the last one for which anything was sent: of what was skipped nobody was asked.
    #[must_use]
    pub(crate) fn asked_last(&self) -> Option<&Attempt> {
        let sent = || self.attempts.iter().rev().find(|attempt| attempt.sent);
        self.answered().or_else(sent)
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
        let started = Instant::now();
        let entry = Entry {
            id: fastrand::u64(..),
            began: Some(started),
            ..Entry::default()
        };
        Self {
            started,
            entry: Box::new(entry),
            used: Box::default(),
            holds: None,
            rates: None,
            bill: Arc::default(),
            mirroring: None,
            probe: None,
            content: None,
            observe: Arc::clone(observe),
            _active: active,
        }
    }

    /// Notes what the head says of the request and its caller.
    pub(crate) fn head(&mut self, head: &Parts) {
        let Self { entry, observe, .. } = self;
        entry.method = Some(head.method.clone());
        entry.user_agent = user_agent(&head.headers);
        entry.tags = observe.tags.of(&head.headers);
        entry.trace = observe.tracing.begin(&head.headers);
    }

    /// Where in a trace it stands, if spans of its own are exported.
    #[must_use]
    pub(crate) fn spans(&self) -> Option<&Trace> {
        self.entry
            .trace
            .as_ref()
            .filter(|_| self.observe.tracing.is_on())
    }

    /// What the gateway says of a trace that it has begun, to whoever goes on with it.
    #[must_use]
    pub(crate) fn trace_state(&self) -> Option<HeaderValue> {
        self.observe.tracing.state(self.entry.trace.as_ref()?)
    }

    /// Notes what the answer calls itself and why it ended, as far as that was not known.
    pub(crate) fn is_told(&mut self, told: Told) {
        if let Some(last) = self.entry.attempts.last_mut() {
            last.response_id = told.id.or(last.response_id.take());
            last.response_model = told.model.or(last.response_model.take());
        }
        self.entry.finish_reason = told.finish_reason.or(self.entry.finish_reason.take());
    }

    /// Keeps what is written in it, as a rule wants and the installation lets it.
    pub(crate) fn keep_content(&mut self, logging: &Arc<Logging>, request: &Bytes) {
        let contents = self.observe.contents.as_ref();
        self.content = contents.map(|contents| contents.begin(logging, request));
    }

    /// Notes that a piece of the answer is given to the caller.
    pub(crate) fn gives(&mut self, piece: &[u8]) {
        let bytes = u64::try_from(piece.len()).unwrap_or(u64::MAX);
        self.response_bytes = self.response_bytes.saturating_add(bytes);
        if let Some(content) = &mut self.content {
            content.piece(piece);
        }
    }

    /// Notes that all of the answer, or what is said instead of one, is given to the caller.
    pub(crate) fn gives_whole(&mut self, body: &Bytes) {
        if let Some(content) = &mut self.content {
            content.whole(body);
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
        if let Some(last) = self.attempts.last_mut()
            && let Some(mut reservation) = last.reservation.take()
        {
            last.tokens = used.tokens();
            last.cost = reservation.settle(&used);
        }
        self.cost = self.bill.cost();
    }

    /// Notes why it was refused, and the limit for which it was.
    pub(crate) fn refused(&mut self, code: &'static str, limit: Option<&Refusal>) {
        self.error = Some(code);
        self.limit = limit.map(|refusal| Box::new(refusal.told()));
    }

    /// The failure of an answer that had begun.
    pub(crate) fn cut(&mut self, class: FailureClass) {
        self.error = Some(class.as_str());
        self.broke_off(class);
    }

    /// It is dropped for this, with whatever is under way.
    pub(crate) fn cut_off(&mut self, class: FailureClass) {
        self.leave_attempts(class);
        self.error = Some(class.as_str());
        self.complete = false;
    }

    /// Whatever is under way is dropped with the request, for nobody waits for it any more, or for this.
    fn leave_attempts(&mut self, class: FailureClass) {
        for attempt in self.entry.attempts.iter_mut().filter(|one| one.under_way) {
            attempt.class = Some(class);
            attempt.took = attempt.began.elapsed();
            attempt.ends(|reservation| reservation.settle(&Used::default()));
        }
    }

    /// The attempt that was answering failed. Somebody else may go on.
    pub(crate) fn broke_off(&mut self, class: FailureClass) {
        if let Some(attempt) = self.attempts.last_mut()
            && attempt.class.is_none()
        {
            attempt.class = Some(class);
            attempt.ended.get_or_insert_with(Instant::now);
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
        self.leave_attempts(FailureClass::ClientGone);
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
        entry.ended_unix_us = clock::unix_micros();
        if let Some((content, contents)) = self.content.take().zip(self.observe.contents.as_ref()) {
            let over = Over {
                id: entry.id,
                ended_unix_us: entry.ended_unix_us,
                key: entry.key.clone(),
                rule: entry.rule.clone(),
            };
            contents.finished(over, content);
        }
        match self.mirroring.take() {
            None => self.observe.finished(entry),
            Some(mirroring) => mirroring.finished(entry, &self.observe),
        }
    }
}

/// So much of a `user-agent` is kept, in bytes.
const USER_AGENT: usize = 64;

/// The beginning of what the caller's program calls itself.
fn user_agent(headers: &HeaderMap) -> Option<Arc<str>> {
    let value = headers.get(header::USER_AGENT)?.to_str().ok()?;
    value.get(..value.len().min(USER_AGENT)).map(Into::into)
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
