//! One upstream call: from a step of the plan to an answer that may be given to the caller, or a failure with its class.

mod refusal;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fairlead_snapshot::{FailureClass, Timeouts};
use fairlead_wire::openai;
use fairlead_wire::openai::Answer;
use fairlead_wire::openai::Usage;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::time::Instant;

use crate::dispatch::Job;
use crate::failure::{Deadline, Failure};
use crate::headers;
use crate::memory::Permit;
use crate::relay::large::LargeAnswer;
use crate::relay::stream::StreamAnswer;
use crate::transport::{self, Reply};
use crate::upstream::Upstream;
use crate::upstream::source::Source;
pub(crate) use refusal::status_of;

/// A whole answer is held up to this size, so that a cut fails over; a larger one is passed on as it comes.
const MAX_HELD: usize = 4 * 1024 * 1024;
/// Of an error answer this much is read.
const MAX_ERROR: usize = 64 * 1024;

/// An answer that may be given to the caller.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the usual answer is not worth a box"
)]
pub enum Committed {
    /// All of it.
    Whole(WholeAnswer),
    /// The beginning of one that is too large to hold.
    Large(Box<LargeAnswer>),
    /// The beginning of a stream that has brought content.
    Stream(Box<StreamAnswer>),
}

/// An answer that was read to its end.
#[derive(Debug)]
pub struct WholeAnswer {
    /// The status, a success.
    pub status: StatusCode,
    /// The headers that callers may see.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// What the provider said of usage.
    pub usage: Option<Usage>,
}

/// What one attempt is made with.
pub struct Try<'a> {
    /// The request.
    pub job: &'a Job,
    /// The provider.
    pub upstream: &'a Arc<Upstream>,
    /// The upstream's name of the model.
    pub model: &'a str,
    /// The credential's header.
    pub authorization: Option<HeaderValue>,
    /// The rule's timeouts over the provider's.
    pub timeouts: Timeouts,
    /// Whether it takes a new connection: one that idles since before an outage is stale, and the request would be sent twice.
    pub anew: bool,
}

impl Try<'_> {
    /// Sends the request and waits until the answer can be given to the caller.
    ///
    /// # Errors
    /// A failure; nothing has reached the caller then.
    pub async fn run(&self) -> Result<Committed, Failure> {
        let total = Deadline::total(self.job.deadline);
        let sent = Instant::now();
        let first = self.first(sent);
        let reply = transport::send(self, total, first).await?;
        if let Some(encoding) = reply.headers.get(header::CONTENT_ENCODING)
            && encoding.as_bytes() != b"identity"
        {
            return Err(Failure::new(
                FailureClass::ProtocolError,
                "it compressed an answer that was asked for without compression",
            ));
        }
        if !reply.status.is_success() {
            return Err(self.refused(reply, first).await);
        }
        if self.job.stream {
            return self.stream(reply, first).await;
        }
        self.whole(reply, first, total).await
    }

    /// When the first content of a stream, or the first byte of a body, must have come.
    fn first(&self, sent: Instant) -> Deadline {
        let within = if self.job.stream {
            self.timeouts.first_token
        } else {
            self.timeouts.first_byte
        };
        Deadline::total(self.job.deadline).or_at(sent + within, FailureClass::FirstTokenTimeout)
    }

    async fn stream(&self, reply: Reply, first: Deadline) -> Result<Committed, Failure> {
        if !headers::is(&reply.headers, "text/event-stream") {
            return Err(self.not_a_stream(reply, first).await);
        }
        let mut answer = StreamAnswer::new(self, reply);
        first.wait(answer.until_content()).await??;
        if self.job.terms.hold {
            answer.until_whole(&self.job.worker.shared.memory).await?;
        }
        Ok(Committed::Stream(Box::new(answer)))
    }

    /// A stream was asked for and something else came: an error object in a success, or a server that cannot stream.
    async fn not_a_stream(&self, mut reply: Reply, first: Deadline) -> Failure {
        let failure = Failure::new(
            FailureClass::ProtocolError,
            "it answered a streamed request with something that is no stream",
        );
        let body = match first.wait(read_up_to(&mut reply.body, MAX_ERROR)).await {
            Ok(Ok((body, true))) => body,
            Ok(_) => return failure,
            Err(timeout) => return timeout,
        };
        match openai::answer(&body) {
            Ok(Answer::Error(_)) => self.error_in_success(reply.status, &reply.headers, body),
            Ok(Answer::Complete(_)) | Err(_) => failure,
        }
    }

    async fn whole(
        &self,
        reply: Reply,
        first: Deadline,
        total: Deadline,
    ) -> Result<Committed, Failure> {
        let Reply {
            status,
            headers,
            mut body,
        } = reply;
        let mut permit = self.permit(&body)?;
        let mut held = BytesMut::new();
        let mut only = None;
        let mut deadline = first;
        while let Some(chunk) = deadline.wait(body.chunk()).await? {
            let chunk = chunk.map_err(|_| broken())?;
            deadline = total.or_at(
                Instant::now() + self.timeouts.idle,
                FailureClass::IdleTimeout,
            );
            // The usual answer arrives in one piece, which then need not be copied.
            if held.is_empty() && only.is_none() {
                only = Some(chunk);
                continue;
            }
            held.extend_from_slice(&only.take().unwrap_or_default());
            held.extend_from_slice(&chunk);
            permit.grow_to(held.len()).map_err(|_| no_room())?;
            if held.len() > MAX_HELD {
                let large = LargeAnswer::new(
                    self,
                    status,
                    &headers,
                    held.freeze(),
                    body,
                    self.job.deadline,
                );
                return Ok(Committed::Large(Box::new(large)));
            }
        }
        let body = only.unwrap_or_else(|| held.freeze());
        match openai::answer(&body) {
            Ok(Answer::Complete(facts)) => {
                let headers = headers::for_caller(&headers);
                Ok(Committed::Whole(WholeAnswer {
                    status,
                    headers,
                    body,
                    usage: facts.usage,
                }))
            }
            Ok(Answer::Error(_)) => Err(self.error_in_success(status, &headers, body)),
            Err(_) => Err(Failure::new(
                FailureClass::ProtocolError,
                "its answer is not well-formed JSON",
            )),
        }
    }

    fn permit(&self, body: &Source) -> Result<Permit, Failure> {
        let announced = body
            .announced()
            .and_then(|length| usize::try_from(length).ok())
            .unwrap_or(0);
        self.job
            .worker
            .shared
            .memory
            .permit(announced.min(MAX_HELD))
            .map_err(|_| no_room())
    }

    /// Cuts our credential out of what the provider says: some repeat it.
    pub fn redact(&self, text: Bytes) -> Bytes {
        headers::redact(text, self.authorization.as_ref())
    }
}

/// Reads a body up to `most` bytes; says whether that was all.
async fn read_up_to(source: &mut Source, most: usize) -> Result<(Bytes, bool), hyper::Error> {
    let mut body = BytesMut::new();
    while let Some(chunk) = source.chunk().await {
        body.extend_from_slice(&chunk?);
        if body.len() > most {
            body.truncate(most);
            return Ok((body.freeze(), false));
        }
    }
    Ok((body.freeze(), true))
}

/// The failure of a body that ended before its end.
pub(crate) fn broken() -> Failure {
    Failure::new(
        FailureClass::Reset,
        "the connection broke before the answer was complete",
    )
}

fn no_room() -> Failure {
    Failure::new(
        FailureClass::Unavailable,
        "the gateway has no memory left to hold the answer",
    )
}

/// How long an attempt may go without anything that moves the answer on.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// Between two pieces.
    pub idle: Duration,
    /// The end of the whole request.
    pub deadline: Instant,
}

impl Patience {
    /// The deadline of the next piece, counted from now.
    #[must_use]
    pub fn next(self) -> Deadline {
        Deadline::total(self.deadline).or_at(Instant::now() + self.idle, FailureClass::IdleTimeout)
    }
}
