//! One upstream call: from a step of the plan to an answer that may be given to the caller, or a failure with its class.

mod refusal;
mod unread;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fairlead_route::Amendments;
use fairlead_snapshot::{FailureClass, Timeouts};
use fairlead_translate::converse::Family;
use fairlead_wire::redact::Redactor;
use fairlead_wire::sse::begins_events;
use http::HeaderMap;
use tokio::time::Instant;

use crate::answer::recovery::Recoverable;
use crate::answer::stream::{StreamAnswer, StreamTerms};
use crate::answer::{Committed, Patience, broken};
use crate::clock;
use crate::codec::{Codec, Identity, Made, Read};
use crate::dispatch::job::Job;
use crate::failure::{Deadline, Failure};
use crate::headers;
use crate::surface::Operation;
use crate::upstream::Upstream;
use crate::upstream::authorization::Authorization;
use crate::upstream::betas::{Betas, FLAGS};
use crate::upstream::http1::Cut;
use crate::upstream::source::Source;
use crate::upstream::ticket::Permission;
use crate::upstream::transport::{self, Carried, Content, Outbound, Reply, Way};

/// Of an error answer this much is read.
const MAX_ERROR: usize = 64 * 1024;

/// What one attempt is made with.
pub(crate) struct Try<'a> {
    /// The request.
    pub job: &'a Job,
    /// The provider.
    pub upstream: &'a Arc<Upstream>,
    /// Between what the caller and the provider speak.
    pub codec: Codec,
    /// The body, where it had to be made.
    pub made: Option<&'a Made>,
    /// The upstream's name of the model.
    pub model: &'a str,
    /// The credential.
    pub authorization: Option<Authorization>,
    /// What the target changes in requests.
    pub amendments: Option<&'a Amendments>,
    /// The rule's timeouts over the provider's.
    pub timeouts: Timeouts,
    /// How long a new connection may take.
    pub connect: Duration,
    /// How long the first content of a stream, or the first byte of a body, may take.
    pub first_within: Duration,
    /// The permission to make it.
    pub pass: &'a Permission,
    /// What of the trace goes along.
    pub trace: Carried,
}

impl Try<'_> {
    /// Sends the request and waits until the answer can be given to the caller.
    ///
    /// # Errors
    /// A failure; nothing has reached the caller then.
    pub(crate) async fn run(&self) -> Result<Committed, Failure> {
        let total = Deadline::total(self.job.deadline);
        let sent = Instant::now();
        let first = self.first(sent);
        let asks_usage = self.upstream.reports_stream_usage();
        let mut reply = self.send(asks_usage, None, total, first).await?;
        self.pass.answered(&reply.headers);
        if !reply.status.is_success() {
            let refusal = self.read_refusal(reply, first).await;
            let without = self.made.and_then(|made| made.without_usage());
            let injected = match self.made {
                Some(_) => without.is_some(),
                None => self.job.edits.may_ask_usage(),
            };
            if !(asks_usage && injected && refusal.names_stream_options()) {
                return Err(self.refused(refusal));
            }
            // It is the gateway that has asked for this, not the caller.
            reply = self.send(false, without.as_ref(), total, first).await?;
            if !reply.status.is_success() {
                let refusal = self.read_refusal(reply, first).await;
                return Err(self.refused(refusal));
            }
            self.upstream.takes_no_stream_usage();
        }
        if headers::is_coded(&reply.headers) {
            return Err(Failure::new(
                FailureClass::ProtocolError,
                "it compressed an answer that was asked for without compression",
            ));
        }
        if self.job.stream && !self.is_whole(&reply) {
            return self.stream(reply, first).await;
        }
        if self.is_unread(&reply) {
            return self.unread(reply, first).await;
        }
        self.whole(reply, first, total).await
    }

    async fn send(
        &self,
        ask_usage: bool,
        instead: Option<&Bytes>,
        total: Deadline,
        first: Deadline,
    ) -> Result<Reply, Failure> {
        let outbound = self.outbound(ask_usage, instead);
        transport::send(&outbound, &self.way(), total, first).await
    }

    /// What is sent; `instead` of the body that was made, if it is.
    fn outbound<'a>(&'a self, ask_usage: bool, instead: Option<&'a Bytes>) -> Outbound<'a> {
        let job = self.job;
        Outbound {
            operation: self.codec.sent,
            stream: job.stream,
            headers: &job.headers,
            betas: self.betas(),
            trace: &self.trace,
            content_type: job.content_type.as_ref(),
            content: match instead.or(self.made.map(|made| &made.body)) {
                Some(body) => Content::Made(body),
                None => Content::Edited {
                    edits: &job.edits,
                    body: &job.body,
                    ask_usage,
                },
            },
            model: self.model,
            authorization: self.authorization.as_ref(),
            amendments: self.amendments,
            beyond: None,
        }
    }

    /// What becomes of flags for Anthropic's API. The query is for who is asked as the caller has asked.
    fn betas(&self) -> Betas {
        let flagged = self.job.headers.contains_key(FLAGS);
        Betas {
            query: self.job.betas && self.codec.is_identity(),
            vertex: flagged && self.upstream.has_publishers(),
            large_window: flagged && self.upstream.facts(self.model).has_large_window(),
        }
    }

    /// Whether an answer comes whole though a stream was asked for: some models of images and audio do not stream, and say nothing of it.
    fn is_whole(&self, reply: &Reply) -> bool {
        self.codec.sent.is_passed() && !headers::is(&reply.headers, "text/event-stream")
    }

    fn way(&self) -> Way<'_> {
        Way {
            upstream: self.upstream,
            pool: &self.job.worker.pool,
            drivers: &self.job.worker.drivers,
            connect: self.connect,
            server: self.pass.server().map(|server| &server.endpoint),
            anew: self.pass.probes(),
        }
    }

    fn patience(&self) -> Patience {
        Patience {
            idle: self.timeouts.idle,
            deadline: self.job.deadline,
        }
    }

    /// When the first content of a stream, or the first byte of a body, must have come.
    fn first(&self, sent: Instant) -> Deadline {
        Deadline::total(self.job.deadline)
            .or_at(sent + self.first_within, FailureClass::FirstTokenTimeout)
    }

    async fn stream(&self, mut reply: Reply, first: Deadline) -> Result<Committed, Failure> {
        let mut begun = None;
        if !headers::is(&reply.headers, self.codec.sent.stream_type()) {
            if self.codec.sent == Operation::Converse {
                return Err(self.not_a_stream(reply, Bytes::new(), first).await);
            }
            // Some servers do not say so, and send one all the same.
            let (beginning, is_stream) = first.wait(beginning(&mut reply.body)).await??;
            if !is_stream {
                return Err(self.not_a_stream(reply, beginning, first).await);
            }
            begun = Some(beginning);
        }
        let terms = StreamTerms {
            // Translated, a stream has as many as its dialect can be asked for.
            choices: if self.codec.is_identity() {
                self.job.choices
            } else {
                1
            },
            codec: self.codec,
            identity: self.identity(),
            patience: self.patience(),
            redactor: self.redactor().cloned(),
            transcript: self.job.policy.transcript(),
            is_rest: self.job.policy.is_rest(),
            memory: self.job.memory(),
        };
        let mut answer = StreamAnswer::new(terms, reply, begun);
        answer.until_content(first).await?;
        if self.job.policy.hold {
            answer.until_whole(&self.job.memory()).await?;
        }
        Ok(Committed::Stream(Box::new(Recoverable::new(answer))))
    }

    /// A stream was asked for and something else came: an error object in a success, or a server that cannot stream.
    async fn not_a_stream(&self, mut reply: Reply, begun: Bytes, first: Deadline) -> Failure {
        let failure = Failure::new(
            FailureClass::ProtocolError,
            "it answered a streamed request with something that is no stream",
        );
        let body = match first
            .wait(read_up_to(&mut reply.body, begun, MAX_ERROR))
            .await
        {
            Ok(Ok((body, true))) => body,
            Ok(_) => return failure,
            Err(timeout) => return timeout,
        };
        match self.codec.whole(&body, &self.identity()) {
            Read::Error(facts) => self.error_in_success(&facts, &reply.headers, body),
            Read::Complete(..) | Read::Nothing | Read::Malformed => failure,
        }
    }

    /// What the answer is told to be where the provider does not say.
    fn identity(&self) -> Identity {
        let wants_usage = self.job.caller_wants_usage;
        let holds_cache = self.upstream.counts_cache_as_input();
        if self.codec.is_identity() && !self.codec.tells_of_failure() {
            return Identity {
                wants_usage,
                holds_cache,
                ..Identity::default()
            };
        }
        Identity {
            id: format!("{:016x}", fastrand::u64(..)),
            model: self.model.to_owned(),
            created: u64::try_from(clock::unix_seconds()).unwrap_or(0),
            wants_usage,
            echo: self
                .made
                .map(|made| Arc::clone(&made.echo))
                .unwrap_or_default(),
            names: self
                .made
                .map(|made| Arc::clone(&made.names))
                .unwrap_or_default(),
            estimated_input: self.made.map_or(0, |made| made.estimated_input),
            vectors: self.made.map(|made| made.vectors).unwrap_or_default(),
            family: Family::of(self.upstream.behind(self.model)),
            holds_cache,
            recoded: None,
        }
    }

    /// What cuts our credential out of what the provider says: some repeat it.
    fn redactor(&self) -> Option<&Arc<Redactor>> {
        self.authorization.as_ref()?.redactor.as_ref()
    }

    /// The headers that the caller sees.
    fn shown(&self, headers: &HeaderMap) -> HeaderMap {
        headers::for_caller(headers, self.redactor().map(AsRef::as_ref))
    }

    /// An error as the caller sees it.
    fn redact(&self, error: Bytes) -> Bytes {
        match self.redactor() {
            Some(redactor) => redactor.cut(error),
            None => error,
        }
    }
}

/// Reads as much of a body as it takes to see whether it is a stream of events; says whether it is.
async fn beginning(source: &mut Source) -> Result<(Bytes, bool), Failure> {
    let mut body = BytesMut::new();
    loop {
        if let Some(is_stream) = begins_events(&body) {
            return Ok((body.freeze(), is_stream));
        }
        match source.chunk().await {
            Some(Ok(chunk)) => body.extend_from_slice(&chunk),
            Some(Err(_)) => return Err(broken()),
            None => return Ok((body.freeze(), false)),
        }
    }
}

/// Reads a body of which some has been read up to `most` bytes; says whether that was all.
async fn read_up_to(source: &mut Source, begun: Bytes, most: usize) -> Result<(Bytes, bool), Cut> {
    let mut body = BytesMut::from(begun);
    while let Some(chunk) = source.chunk().await {
        body.extend_from_slice(&chunk?);
        if body.len() > most {
            body.truncate(most);
            return Ok((body.freeze(), false));
        }
    }
    Ok((body.freeze(), true))
}

fn no_room() -> Failure {
    Failure::without_memory("the gateway has no memory left to hold the answer")
}
