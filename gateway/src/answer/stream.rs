//! A streamed answer: held until its first content, then passed on event by event, and ended as it really ended. A rule may want it held
//! until it is whole, or gone on with by another target where it breaks.

mod incoming;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::{ErrorFacts, Usage, error_body};
use fairlead_wire::redact::Redactor;
use fairlead_wire::sse::{Decoder, Event, framed};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use incoming::{Incoming, SMALL_EVENT};

use super::progress::{Progress, Verdict};
use super::told::{self, Telling};
use super::transcript::{Transcript, rejoined};
use super::{Patience, broken};
use crate::answer::classify::{judge, shown_status};
use crate::codec::{Codec, Identity};
use crate::failure::class::consequences;
use crate::failure::{Deadline, Failure, Own, UpstreamError};
use crate::headers;
use crate::memory::{Permit, Share};
use crate::surface::Surface;
use crate::upstream::ticket::Ticket;
use crate::upstream::transport::Reply;

/// A stream that is held until it is whole is passed on once it is larger than this.
const MAX_HELD: usize = 4 * 1024 * 1024;
/// Of a translated stream so much is kept at most.
const MAX_KEPT: usize = 32 * 1024 * 1024;
/// The code of an answer that broke off.
const CODE: &str = "provider_error";
/// The media type of a stream.
const EVENT_STREAM: &str = "text/event-stream";

/// A stream on its way to the caller.
#[derive(Debug)]
pub(crate) struct StreamAnswer {
    /// The headers that callers may see.
    pub headers: HeaderMap,
    /// `None`: nothing more is read.
    incoming: Option<Incoming>,
    progress: Progress,
    surface: Surface,
    /// Whether the provider speaks as the caller does.
    same: bool,
    /// Passed on with the next piece.
    ready: VecDeque<Bytes>,
    /// How many bytes have been put there.
    held: usize,
    /// The memory of a stream that is held until it is whole.
    permit: Option<Permit>,
    /// The memory of what is kept of a translated one.
    kept: Option<Permit>,
    memory: Share,
    patience: Patience,
    /// Until when the answer must have moved on.
    moved_on_by: Deadline,
    /// When the caller was last given something.
    left: Instant,
    redactor: Option<Arc<Redactor>>,
    /// What the caller has had, where somebody may have to go on with it.
    transcript: Option<Transcript>,
    /// Whether this is the rest of an answer that another attempt began.
    is_rest: bool,
    /// What its attempt holds until the stream has ended.
    ticket: Option<Ticket>,
    ended: bool,
}

/// What became of the stream.
enum Progressed {
    /// There may be something to pass on.
    On,
    /// It is complete.
    Complete,
}

/// What a stream is passed on by.
#[derive(Debug)]
pub(crate) struct StreamTerms {
    /// How many choices were asked for.
    pub choices: u64,
    /// Between what the caller and the provider speak.
    pub codec: Codec,
    /// What it is told to be where the provider does not say.
    pub identity: Identity,
    /// How long it may be silent.
    pub patience: Patience,
    /// What cuts the credential out wherever the provider repeats it.
    pub redactor: Option<Arc<Redactor>>,
    /// What the caller has had, where somebody may have to go on with it.
    pub transcript: Option<Transcript>,
    /// Whether this is the rest of an answer that another attempt began.
    pub is_rest: bool,
    /// What large events are counted in.
    pub memory: Share,
}

impl StreamAnswer {
    /// The stream of a reply whose head has come, and perhaps the beginning of its body.
    #[must_use]
    pub(crate) fn new(terms: StreamTerms, reply: Reply, begun: Option<Bytes>) -> Self {
        let mut headers = headers::for_caller(&reply.headers, terms.redactor.as_deref());
        if !headers::is(&headers, EVENT_STREAM) {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM));
        }
        Self {
            headers,
            incoming: Some(Incoming::new(reply.body, begun, terms.memory.clone())),
            progress: Progress::new(
                terms.codec.events(&terms.identity),
                terms.choices,
                terms.identity.wants_usage,
            ),
            surface: terms.codec.surface(),
            same: terms.codec.is_identity(),
            ready: VecDeque::new(),
            held: 0,
            permit: None,
            kept: None,
            memory: terms.memory,
            moved_on_by: Deadline::total(terms.patience.deadline),
            patience: terms.patience,
            left: Instant::now(),
            redactor: terms.redactor,
            transcript: terms.transcript,
            is_rest: terms.is_rest,
            ticket: None,
            ended: false,
        }
    }

    /// Reads until the stream has brought content; until then nothing of it may reach the caller.
    ///
    /// # Errors
    /// Any failure of the stream before its content, an error event among them.
    pub(crate) async fn until_content(&mut self, first: Deadline) -> Result<(), Failure> {
        self.moved_on_by = first;
        while !self.progress.committed() && !self.ended {
            if let Progressed::Complete = first.wait(self.read()).await?? {
                self.end();
            }
        }
        // One that is passed on because too much of it would have to be held still owes its first content.
        self.moved_on_by = self.moved_on_by.sooner(self.patience.next());
        self.left = Instant::now();
        Ok(())
    }

    /// Reads on until the stream is whole, or too large to be held; until then nothing of it may reach the caller.
    ///
    /// # Errors
    /// Any failure of the stream up to there.
    pub(crate) async fn until_whole(&mut self, memory: &Share) -> Result<(), Failure> {
        self.permit = memory.permit(0).ok();
        while !self.ended {
            let held = self.held;
            let fits = |permit: &mut Permit| held <= MAX_HELD && permit.grow_to(held).is_ok();
            if !self.permit.as_mut().is_some_and(fits) {
                break;
            }
            self.advance().await?;
        }
        self.left = Instant::now();
        Ok(())
    }

    /// The caller takes something again: the time in which it was not reading is not the provider's.
    pub(super) fn caller_is_back(&mut self) {
        self.moved_on_by = self
            .moved_on_by
            .later_by(self.left.elapsed(), self.patience.deadline);
    }

    /// Reads on until there is something for the caller, or the stream is over.
    ///
    /// # Errors
    /// The stream broke.
    pub(super) async fn fill(&mut self) -> Result<(), Failure> {
        while self.ready.is_empty() && !self.ended {
            self.advance().await?;
        }
        Ok(())
    }

    /// Whether nothing more is read.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// The same, and the caller has been given all.
    pub(super) fn is_given(&self) -> bool {
        self.ended && self.ready.is_empty()
    }

    /// What its attempt holds until the stream has ended.
    pub(super) fn hold(&mut self, ticket: Ticket) {
        self.ticket = Some(ticket);
    }

    /// The stream is whole (`None`), or has ended in a failure. Only the first word counts.
    pub(super) fn settle(&mut self, failure: Option<&Failure>) {
        if let Some(mut ticket) = self.ticket.take() {
            ticket.settle(failure);
        }
    }

    /// What the caller has had, where somebody may have to go on with it.
    pub(super) fn transcript(&self) -> Option<&Transcript> {
        self.transcript.as_ref()
    }

    /// What everyone together used who had a part in the answer, as far as it was reported.
    pub(super) fn usage(&self) -> Option<Usage> {
        let last = self.progress.usage;
        self.transcript
            .as_ref()
            .map_or(last, |transcript| transcript.usage(last))
    }

    /// The provider has broken off: nothing more is read from it. What the caller has had, where somebody may go on.
    pub(super) fn break_off(&mut self, failure: &Failure) -> Option<&Transcript> {
        self.transcript.as_ref()?;
        self.incoming = None;
        self.settle(Some(failure));
        let transcript = self.transcript.as_mut()?;
        transcript.cut(self.progress.usage);
        Some(transcript)
    }

    /// Goes on with the rest of the answer, after what is ready.
    pub(super) fn replace_by(&mut self, rest: Self) {
        let before = std::mem::replace(self, rest);
        for piece in before.ready.into_iter().rev() {
            self.ready.push_front(piece);
        }
    }

    /// An event without our credential; of a comment that repeats it nothing is left.
    fn clean(&self, event: Event) -> Option<Event> {
        let redactor = match &self.redactor {
            Some(redactor) if redactor.may_be_in(&event.raw) => redactor,
            _ => return Some(event),
        };
        let data = redactor.cut(event.data?);
        let mut raw = framed(std::iter::once(data.clone()));
        // Some readers go by the name.
        if let Some(name) = &event.name {
            raw = [b"event: ", name.as_ref(), b"\n", raw.as_ref()]
                .concat()
                .into();
        }
        Some(Event {
            raw,
            data: Some(data),
            name: event.name,
        })
    }

    /// Counts what is kept of a translated stream.
    fn count(&mut self) -> Result<(), Failure> {
        let kept = self.progress.kept();
        if kept <= SMALL_EVENT {
            return Ok(());
        }
        if kept > MAX_KEPT {
            return Err(too_much("its stream is longer than is translated"));
        }
        if self.kept.is_none() {
            self.kept = self.memory.permit(0).ok();
        }
        let fits = |permit: &mut Permit| permit.grow_to(kept).is_ok();
        if self.kept.as_mut().is_some_and(fits) {
            Ok(())
        } else {
            Err(no_room())
        }
    }

    /// Passes an event on, or what it has become.
    fn pass_on(&mut self, event: Event) -> Result<(), Failure> {
        if !self.progress.translates() {
            if let Some(event) = self.clean(event) {
                self.pass(event);
            }
            return Ok(());
        }
        let Some(mut written) = self.progress.take_written() else {
            return Ok(());
        };
        if self.transcript.is_none() {
            self.held += written.len();
            if written.len() > SMALL_EVENT {
                let permit = self.memory.permit(written.len());
                written = permit.map_err(|_| no_room())?.keep(written);
            }
            self.ready.push_back(written);
            return Ok(());
        }
        let mut decoder = Decoder::new(usize::MAX);
        decoder.push(written);
        while let Ok(Some(event)) = decoder.next() {
            self.pass(event);
        }
        Ok(())
    }

    /// Puts an event where the caller will find it. A comment is passed on without the blank line behind it, which some readers take for
    /// an empty event.
    fn pass(&mut self, mut event: Event) {
        if event.is_comment() {
            if self.surface == Surface::Gemini {
                // Its clients read nothing but data.
                return;
            }
            event.raw = event.without_blank_line();
        }
        self.held += event.raw.len();
        let Some(transcript) = &mut self.transcript else {
            self.ready.push_back(event.raw);
            return;
        };
        let seen = if self.is_rest {
            rejoined(&event, &transcript.identity)
        } else {
            Some(event.raw)
        };
        if let Some(data) = &event.data {
            transcript.take(data);
        }
        self.ready.extend(seen);
    }

    /// Reads one piece, within its time. Whatever ends the stream well ends it here.
    async fn advance(&mut self) -> Result<(), Failure> {
        let step = match self.moved_on_by.wait(self.read()).await {
            Ok(step) => step,
            Err(timeout) => Err(timeout),
        };
        match step {
            Ok(Progressed::On) => {}
            Ok(Progressed::Complete) => self.end(),
            // Nothing but the terminator is missing, and the provider keeps it to itself.
            Err(_) if self.progress.complete() => self.end(),
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// Reads one piece from the provider and looks at every event in it.
    async fn read(&mut self) -> Result<Progressed, Failure> {
        let Some(incoming) = &mut self.incoming else {
            return Ok(Progressed::Complete);
        };
        match incoming.read().await {
            Some(Ok(())) => {}
            Some(Err(_)) if self.progress.complete() => return Ok(Progressed::Complete),
            Some(Err(_)) => return Err(broken()),
            None => return self.at_end_of_body(),
        }
        while let Some(incoming) = &mut self.incoming
            && let Some(event) = incoming.next()?
        {
            if self.take(event)? {
                return Ok(Progressed::Complete);
            }
        }
        Ok(Progressed::On)
    }

    /// Takes one event; says whether it was the last.
    fn take(&mut self, event: Event) -> Result<bool, Failure> {
        if self.progress.translates() {
            // What is read of it is written anew, so that the credential has to be cut out before.
            return match self.clean(event) {
                Some(event) => self.judge(event),
                None => Ok(false),
            };
        }
        self.judge(event)
    }

    fn judge(&mut self, event: Event) -> Result<bool, Failure> {
        match self.progress.take(&event) {
            Verdict::Pass => {
                if self.progress.moved {
                    self.moved_on_by = self.patience.next();
                }
                self.count()?;
                self.pass_on(event)?;
                Ok(false)
            }
            Verdict::Drop => Ok(false),
            Verdict::End => Ok(true),
            Verdict::Malformed(what) => Err(protocol(what)),
            Verdict::TooMuch(what) => Err(too_much(what)),
            Verdict::Error(facts) => Err(self.reported(&facts, event.data)),
        }
    }

    /// What the provider says of its failure.
    fn reported(&self, facts: &ErrorFacts, data: Option<Bytes>) -> Failure {
        let judged = judge(None, Some(facts));
        let status = facts
            .status
            .and_then(|status| StatusCode::from_u16(status).ok())
            .unwrap_or_else(|| consequences(judged.class).status);
        let answer = judged.shown.then(|| {
            let telling = Telling {
                class: judged.class,
                status: status.as_u16(),
                surface: self.surface,
                same: self.same,
            };
            let body = told::as_event(facts, data, telling);
            let body = match &self.redactor {
                Some(redactor) => redactor.cut(body),
                None => body,
            };
            Box::new(UpstreamError {
                status: shown_status(judged.class, status),
                headers: HeaderMap::new(),
                body,
            })
        });
        Failure {
            status: Some(status.as_u16()),
            answer,
            ..Failure::new(judged.class, "it reported an error inside its stream")
        }
    }

    /// The body ended. Its last event may lack the blank line, if it is whole otherwise. Without `[DONE]` all is well if every choice has
    /// finished, and the missing terminator is added.
    fn at_end_of_body(&mut self) -> Result<Progressed, Failure> {
        let rest = self.incoming.as_mut().and_then(Incoming::rest);
        if let Some(event) = rest
            && self.take(event)?
        {
            return Ok(Progressed::Complete);
        }
        if self.progress.complete() {
            Ok(Progressed::Complete)
        } else {
            Err(broken())
        }
    }

    fn end(&mut self) {
        self.ready.extend(self.progress.end());
        self.ended = true;
        if let Some(incoming) = self.incoming.take() {
            incoming.finish();
        }
    }

    /// The answer breaks off after its beginning: the caller is told so in its own dialect.
    pub(super) fn fail(&mut self, failure: &Failure) {
        self.settle(Some(failure));
        self.incoming = None;
        self.ended = true;
        let its_words = failure.answer.as_ref().map(|answer| answer.body.clone());
        let ours = || {
            format!(
                "the provider failed in the middle of its answer: {}; what came so far is incomplete, send the request again",
                failure.detail
            )
        };
        let told = its_words.as_ref().and_then(|words| error_body(words));
        let message = told.and_then(|told| told.message).unwrap_or_else(ours);
        if let Some(event) = self.progress.fail(CODE, &message) {
            self.ready.push_back(event);
            return;
        }
        let object = its_words.unwrap_or_else(|| {
            let object = self.surface.error(502, CODE, "api_error", &message, None);
            object.into()
        });
        self.ready.push_back(self.surface.in_band(&object));
    }

    /// What is ready for the caller, as far as it goes into one piece; `None`: nothing is. A large event is a piece of its own: it is counted
    /// as long as it is not copied.
    pub(super) fn take_ready(&mut self) -> Option<Bytes> {
        self.left = Instant::now();
        let first = self.ready.pop_front()?;
        let small = |piece: &Bytes| piece.len() <= SMALL_EVENT;
        let more = self.ready.iter().take_while(|piece| small(piece)).count();
        let ready = if more == 0 || !small(&first) {
            first
        } else {
            let mut all = BytesMut::from(first);
            for piece in self.ready.drain(..more) {
                all.extend_from_slice(&piece);
            }
            all.freeze()
        };
        Some(match self.permit.take() {
            // What was held until it is whole is counted until it has left; what is still here goes soon after.
            Some(permit) => permit.keep(ready),
            None => ready,
        })
    }
}

fn protocol(detail: &'static str) -> Failure {
    Failure::new(FailureClass::ProtocolError, detail)
}

fn no_room() -> Failure {
    let detail = "the gateway has no memory left for its stream";
    Failure::new(FailureClass::Unavailable, detail).by(Own::Memory)
}

/// A limit of ours, for which the provider is not to blame.
fn too_much(detail: &'static str) -> Failure {
    protocol(detail).by(Own::Limit)
}
