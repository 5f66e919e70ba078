//! One request on its way to an answer.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fairlead_health::Asker;
use fairlead_record::Trace;
use fairlead_route::{Plan, Step};
use fairlead_snapshot::FailureClass;
use fairlead_translate::embeddings::Coding;
use fairlead_wire::openai::request::Edits;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::answer::policy::StreamPolicy;
use crate::codec::Found;
use crate::govern::Governed;
use crate::memory::{Permit, Share};
use crate::observe::record::{Attempt, Attempts};
use crate::runtime::Runtime;
use crate::surface::Operation;
use crate::upstream::Upstream;
use crate::worker::Worker;

/// However many targets, retries and credentials there are, no request is sent more often than this.
const MAX_ATTEMPTS: u32 = 16;

/// Everything an answer is made from. Owned, so that a stream can outlive the handler that began it.
#[derive(Debug)]
pub(crate) struct Job {
    /// The core that serves the request.
    pub worker: Arc<Worker>,
    /// The configuration the request started with; it is kept to the end.
    pub runtime: Arc<Runtime>,
    /// Who asks.
    pub asker: Asker,
    /// The operation.
    pub operation: Operation,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// How many choices were asked for.
    pub choices: u64,
    /// Whether the caller asked for the usage of a stream.
    pub caller_wants_usage: bool,
    /// The caller's headers that go to the provider.
    pub headers: HeaderMap,
    /// Whether the caller's query asks for what Anthropic's API does not have for everybody.
    pub betas: bool,
    /// The media type of the body; `None`: JSON.
    pub content_type: Option<HeaderValue>,
    /// The caller's body.
    pub body: Bytes,
    /// What is changed in it for an upstream.
    pub edits: Edits,
    /// The end of the whole request.
    pub deadline: Instant,
    /// The memory that the body occupies.
    pub permit: Permit,
    /// How its stream is treated.
    pub policy: StreamPolicy,
    /// How vectors are to be written, if they are asked for and that is said.
    pub coding: Option<Coding>,
    /// What it refers to that only one provider has, if it does.
    pub kept: Option<Kept>,
    /// What a server of a pool is chosen by: what its prompt begins with.
    pub prefix: Option<u64>,
    /// What it needs of a model, once somebody had to look.
    pub needs: Found,
    /// How many attempts have been sent for it.
    pub sent: AtomicU32,
    /// What it has to keep.
    pub governed: Arc<Governed>,
    /// Whether it is the copy of another, for a mirror: nobody waits for its answer, and it must be at nobody's expense.
    pub copy: bool,
    /// What follows when it goes out, if anything does: copies of it.
    pub due: Option<Box<dyn Due>>,
    /// Where in a trace it stands, where spans of its own are sent along.
    pub trace: Option<Trace>,
}

/// What follows when a request goes out.
pub(crate) trait Due: fmt::Debug + Send + Sync {
    /// An attempt of the request goes out. It follows on the first of them.
    fn goes_out(&self, job: &Job, plan: &Plan);
}

/// A member of a request that refers to what a provider keeps.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kept {
    /// Its name.
    pub member: &'static str,
    /// Whether the request comes to the same account each time: only then is what was kept there found again.
    pub held: bool,
}

impl Kept {
    /// Why a target that speaks as the caller does cannot be asked, if it cannot: `home` says whether it is the one that the conversation is at.
    #[must_use]
    pub(crate) fn refusal(self, home: bool) -> Option<String> {
        let Self { member, held } = self;
        let why = match (held, home) {
            (true, true) => return None,
            (true, false) => "what it refers to is kept by another provider",
            (false, _) => {
                "what it refers to is kept by one account of one provider, and nothing holds the conversation to it; have spec.affinity of type Header set on the routing rule and send the header, or ask one provider with one credential"
            }
        };
        Some(format!("{member} ({why})"))
    }
}

impl Job {
    /// Whether as many attempts have been sent as one request may have.
    #[must_use]
    pub(crate) fn is_spent(&self) -> bool {
        self.sent.load(Ordering::Relaxed) >= MAX_ATTEMPTS
    }

    /// The memory that it may take for answers.
    #[must_use]
    pub(crate) fn memory(&self) -> Share {
        let memory = &self.worker.shared.memory;
        if self.copy {
            memory.spare()
        } else {
            memory.of(self.asker)
        }
    }

    /// The provider of a step; `None` where it is missing.
    #[must_use]
    pub(crate) fn upstream(&self, step: &Step) -> Option<&Arc<Upstream>> {
        self.runtime.upstreams.get(step.provider?.0)
    }

    /// An attempt at a step that ended now, after so long.
    pub(crate) fn attempt(
        &self,
        step: &Step,
        class: Option<FailureClass>,
        took: Duration,
    ) -> Attempt {
        let upstream = self.upstream(step);
        Attempt {
            target: Arc::clone(&step.target),
            provider: upstream.map(|upstream| Arc::clone(&upstream.label)),
            system: upstream.map(|upstream| Arc::clone(&upstream.system)),
            model: Arc::clone(&step.model),
            server: None,
            class,
            hedged: false,
            skip: None,
            own: false,
            queued: None,
            dropped: None,
            clamped: None,
            sent: false,
            under_way: false,
            hedge: false,
            resend: 0,
            address: None,
            credential: None,
            status: None,
            span: None,
            began: Instant::now(),
            took,
            content: None,
            ended: None,
            tokens: None,
            response_id: None,
            response_model: None,
            cost: None,
            reservation: None,
        }
    }

    /// Notes that a step which began at `since` was dropped because another was quicker: with the attempt that was under way, or, where it had
    /// not come to one, with none of which anything was sent.
    pub(crate) fn lost(&self, step: &Step, since: Instant, attempts: &mut Attempts) {
        if let Some(attempt) = attempts.last_mut().filter(|attempt| attempt.under_way) {
            attempt.loses();
            return;
        }
        let earlier = attempts.iter().map(|attempt| attempt.took).sum();
        let took = since.elapsed().saturating_sub(earlier);
        attempts.push(Attempt {
            hedged: true,
            began: Instant::now() - took,
            ended: Some(Instant::now()),
            ..self.attempt(step, None, took)
        });
    }
}
