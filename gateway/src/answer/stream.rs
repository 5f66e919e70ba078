//! A streamed answer: held until its first content, then passed on event by event, and ended as it really ended. A rule may want it held
//! until it is whole, or gone on with by another target where it breaks.

mod failed;
mod framing;
mod gathering;
mod incoming;
mod outgoing;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlead_wire::openai::{Told, Usage};
use fairlead_wire::redact::Redactor;
use fairlead_wire::sse::Event;
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;

use failed::{protocol, too_much};
use gathering::Gathering;
use incoming::Incoming;

use super::progress::{Progress, Verdict};
use super::transcript::Transcript;
use super::{Patience, broken};
use crate::codec::{Codec, Identity};
use crate::failure::{Deadline, Failure};
use crate::govern::reservation::Used;
use crate::headers;
use crate::judges::Tokens;
use crate::memory::{Permit, Share};
use crate::surface::Surface;
use crate::upstream::ticket::Ticket;
use crate::upstream::transport::Reply;

/// A stream that is held until it is whole is passed on once it is larger than this.
const MAX_HELD: usize = 4 * 1024 * 1024;
/// Who takes longer to take what is there is away.
const AWAY: Duration = Duration::from_secs(1);
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
    gathering: Gathering,
    /// How it broke while there was still something ready.
    broken: Option<Failure>,
    /// The memory of a stream that is held until it is whole.
    permit: Option<Permit>,
    /// The memory of what is kept of a translated one.
    kept: Option<Permit>,
    memory: Share,
    patience: Patience,
    /// Until when the answer must have moved on.
    moved_on_by: Deadline,
    /// When its first content came.
    content_at: Option<Instant>,
    /// When the caller was last given something.
    left: Instant,
    /// Whether it once took very long to take that.
    was_away: bool,
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
            incoming: Some(Incoming::new(
                reply.body,
                begun,
                terms.codec.sent,
                terms.memory.clone(),
            )),
            progress: Progress::new(
                terms.codec.events(&terms.identity),
                terms.choices,
                terms.identity.wants_usage,
            ),
            surface: terms.codec.surface(),
            same: terms.codec.is_identity(),
            ready: VecDeque::new(),
            held: 0,
            gathering: Gathering::default(),
            broken: None,
            permit: None,
            kept: None,
            memory: terms.memory,
            moved_on_by: Deadline::total(terms.patience.deadline),
            patience: terms.patience,
            content_at: None,
            left: Instant::now(),
            was_away: false,
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
        self.content_at = Some(self.left);
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
        self.was_away |= self.left.elapsed() > AWAY;
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
            match self.broken.take() {
                Some(failure) => return Err(failure),
                None => self.advance().await?,
            }
        }
        self.gather().await;
        Ok(())
    }

    /// What it calls itself, and why it ended; told once.
    pub(super) fn told(&mut self) -> Told {
        std::mem::take(&mut self.progress.told)
    }

    /// When its first content came.
    pub(super) fn content_at(&self) -> Option<Instant> {
        self.content_at
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
        let tokens = self.tokens();
        if let Some(mut ticket) = self.ticket.take() {
            ticket.settle(failure, tokens);
        }
    }

    /// What this attempt has used so far. Where the provider does not say, each piece is about a token. Nothing, where the caller was away for long:
    /// then it was not the provider who took the time.
    pub(super) fn tokens(&self) -> Tokens {
        let told = Tokens::of(self.progress.usage.as_ref());
        let output = match told.output {
            _ if self.was_away => 0,
            0 => self.progress.pieces,
            output => output,
        };
        Tokens { output, ..told }
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

    /// What this attempt has used so far.
    pub(super) fn used(&self) -> Used {
        Used {
            parts: self.progress.usage.and_then(|usage| usage.parts.told()),
            whole: self.progress.complete(),
            seen: self.progress.pieces,
            in_pieces: true,
        }
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

    /// Reads one piece, within its time. Whatever ends the stream well ends it here.
    async fn advance(&mut self) -> Result<(), Failure> {
        let step = match self.moved_on_by.wait(self.read()).await {
            Ok(step) => step,
            Err(timeout) => Err(timeout),
        };
        self.came(step)
    }

    /// A piece was read, or none could be.
    fn came(&mut self, step: Result<Progressed, Failure>) -> Result<(), Failure> {
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
                Ok(self.progress.is_over())
            }
            Verdict::Drop => Ok(false),
            Verdict::End => Ok(true),
            Verdict::Malformed(what) => Err(protocol(what)),
            Verdict::TooMuch(what) => Err(too_much(what)),
            Verdict::Error(facts) => Err(self.reported(&facts, event.data)),
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
}
