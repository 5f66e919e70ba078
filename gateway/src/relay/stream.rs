//! A streamed answer: held until its first content, then passed on event by event, and ended as it really ended. A rule may want it held
//! until it is whole, or gone on with by another target where it breaks.

mod recovery;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai;
use fairlead_wire::sse::{Decoder, Event};
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use super::progress::{Progress, Verdict};
use super::said::{Said, framed};
use crate::attempt::{Patience, Try, broken, status_of};
use crate::classify::classify;
use crate::continuation::Resume;
use crate::failure::{Deadline, Failure, Refused};
use crate::headers;
use crate::memory::{Memory, Permit};
use crate::record::Record;
use crate::transport::Reply;
use crate::upstream::source::Source;

/// The largest event that is passed on.
const MAX_EVENT: usize = 1024 * 1024;
/// A stream that is held until it is whole is passed on once it is larger than this.
const MAX_HELD: usize = 4 * 1024 * 1024;
/// What ends a stream in the OpenAI dialect.
const DONE: &[u8] = b"data: [DONE]\n\n";

/// A stream on its way to the caller.
#[derive(Debug)]
pub struct StreamAnswer {
    /// The headers that callers may see.
    pub headers: HeaderMap,
    source: Option<Source>,
    decoder: Decoder,
    progress: Progress,
    /// Passed on with the next piece.
    ready: VecDeque<Bytes>,
    /// How many bytes have been put there.
    held: usize,
    /// The memory of a stream that is held until it is whole.
    permit: Option<Permit>,
    patience: Patience,
    /// Until when the answer must have moved on.
    moved_on_by: Deadline,
    /// When the caller was last given something.
    left: Instant,
    authorization: Option<HeaderValue>,
    /// What the caller has had, where somebody may have to go on with it.
    said: Option<Said>,
    /// Whether this is the rest of an answer that another attempt began.
    is_rest: bool,
    /// How to go on where it breaks.
    resume: Option<Box<Resume>>,
    ended: bool,
}

/// What became of the stream.
enum Progressed {
    /// There may be something to pass on.
    On,
    /// It is complete.
    Complete,
}

impl StreamAnswer {
    /// The stream of a reply whose head has come.
    #[must_use]
    pub fn new(attempt: &Try<'_>, reply: Reply) -> Self {
        let patience = Patience {
            idle: attempt.timeouts.idle,
            deadline: attempt.job.deadline,
        };
        Self {
            headers: headers::for_caller(&reply.headers),
            source: Some(reply.body),
            decoder: Decoder::new(MAX_EVENT),
            progress: Progress::new(attempt.job.choices, attempt.job.caller_wants_usage),
            ready: VecDeque::new(),
            held: 0,
            permit: None,
            patience,
            moved_on_by: Deadline::total(attempt.job.deadline),
            left: Instant::now(),
            authorization: attempt.authorization.clone(),
            said: attempt.job.terms.said(),
            is_rest: attempt.job.terms.is_rest(),
            resume: None,
            ended: false,
        }
    }

    /// Reads until the stream has brought content; until then nothing of it may reach the caller.
    ///
    /// # Errors
    /// Any failure of the stream before its content, an error event among them.
    pub async fn until_content(&mut self) -> Result<(), Failure> {
        while !self.progress.committed() && !self.ended {
            if let Progressed::Complete = self.read().await? {
                self.end();
            }
        }
        if self.progress.moved {
            self.moved_on_by = self.patience.next();
        }
        self.left = Instant::now();
        Ok(())
    }

    /// Reads on until the stream is whole, or too large to be held; until then nothing of it may reach the caller.
    ///
    /// # Errors
    /// Any failure of the stream up to there.
    pub async fn until_whole(&mut self, memory: &Arc<Memory>) -> Result<(), Failure> {
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

    /// The next piece for the caller; `None` when the stream is over. After the first content a failure is told in the stream itself, which
    /// then ends without `[DONE]`, unless somebody goes on.
    pub async fn next(&mut self, record: &mut Record) -> Option<Bytes> {
        record.content_begins();
        // The time in which the caller was not reading is not the provider's.
        self.moved_on_by = self
            .moved_on_by
            .later_by(self.left.elapsed(), self.patience.deadline);
        while self.ready.is_empty() && !self.ended {
            if let Err(failure) = self.advance().await
                && !self.go_on(&failure, record).await
            {
                self.fail(&failure, record);
            }
        }
        record.usage = self.usage();
        self.remember();
        if self.ready.is_empty() {
            return None;
        }
        if self.ended && record.error.is_none() {
            record.complete = true;
        }
        self.left = Instant::now();
        Some(self.take_ready())
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
        let Some(source) = &mut self.source else {
            return Ok(Progressed::Complete);
        };
        match source.chunk().await {
            Some(Ok(chunk)) => self.decoder.push(chunk),
            Some(Err(_)) if self.progress.complete() => return Ok(Progressed::Complete),
            Some(Err(_)) => return Err(broken()),
            None => return self.at_end_of_body(),
        }
        loop {
            match self.decoder.next() {
                Ok(Some(event)) => {
                    if self.take(event)? {
                        return Ok(Progressed::Complete);
                    }
                }
                Ok(None) => return Ok(Progressed::On),
                Err(_) => return Err(protocol("one event of its stream is larger than 1 MiB")),
            }
        }
    }

    /// Takes one event; says whether it was the last.
    fn take(&mut self, event: Event) -> Result<bool, Failure> {
        match self.progress.take(&event) {
            Verdict::Pass => {
                if self.progress.moved {
                    self.moved_on_by = self.patience.next();
                }
                self.pass(event);
                Ok(false)
            }
            Verdict::Drop => Ok(false),
            Verdict::End => Ok(true),
            Verdict::Malformed(what) => Err(protocol(what)),
            Verdict::Error(facts) => {
                let class = classify(None, Some(&facts));
                let status = facts
                    .status
                    .and_then(|status| http::StatusCode::from_u16(status).ok())
                    .unwrap_or_else(|| status_of(class));
                let body =
                    headers::redact(event.data.unwrap_or_default(), self.authorization.as_ref());
                let answer = Refused {
                    status,
                    headers: HeaderMap::new(),
                    body,
                };
                Err(Failure {
                    status: Some(answer.status.as_u16()),
                    answer: Some(Box::new(answer)),
                    ..Failure::new(class, "it reported an error inside its stream")
                })
            }
        }
    }

    /// The body ended without `[DONE]`: all is well if every choice has finished, and the missing terminator is added.
    fn at_end_of_body(&mut self) -> Result<Progressed, Failure> {
        if self.progress.complete() {
            Ok(Progressed::Complete)
        } else {
            Err(broken())
        }
    }

    fn end(&mut self) {
        self.ready.push_back(Bytes::from_static(DONE));
        self.ended = true;
        if let Some(source) = self.source.take() {
            source.finish();
        }
    }

    /// The answer breaks off after its beginning: the caller is told so in its own dialect.
    fn fail(&mut self, failure: &Failure, record: &mut Record) {
        record.cut(failure.class);
        self.source = None;
        self.ended = true;
        let own_words = failure
            .answer
            .as_ref()
            .filter(|_| failure.class != FailureClass::BadCredential)
            .map(|answer| answer.body.clone());
        let object = own_words.unwrap_or_else(|| {
            let message = format!("the provider failed in the middle of its answer: {}; what came so far is incomplete, send the request again", failure.detail);
            openai::render_error("provider_error", "api_error", &message, None).into()
        });
        self.ready.push_back(in_band(&object));
    }

    fn take_ready(&mut self) -> Bytes {
        self.permit = None;
        match self.ready.pop_front() {
            Some(only) if self.ready.is_empty() => only,
            first => {
                let mut all = BytesMut::new();
                for piece in first.into_iter().chain(self.ready.drain(..)) {
                    all.extend_from_slice(&piece);
                }
                all.freeze()
            }
        }
    }
}

/// An error object as the last event of a stream.
#[must_use]
pub fn in_band(object: &Bytes) -> Bytes {
    framed(std::iter::once(object.clone()))
}

fn protocol(detail: &'static str) -> Failure {
    Failure::new(FailureClass::ProtocolError, detail)
}
