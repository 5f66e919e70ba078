//! From a plan to an answer: one attempt after the other until one can be given to the caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use fairlead_route::{Plan, Step};
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::request::Edits;
use http::HeaderMap;
use tokio::time::Instant;

use crate::attempt::Committed;
use crate::continuation;
use crate::failure::{Failure, Refused, Skip};
use crate::hedge;
use crate::memory::Permit;
use crate::record::{Attempt, Record};
use crate::reject::Rejection;
use crate::relay::terms::Terms;
use crate::runtime::Runtime;
use crate::surface::Operation;
use crate::verdict::verdict;
use crate::visit::try_at_last;
use crate::worker::Worker;

/// However many targets, retries and credentials there are, no request is sent more often than this.
const MAX_ATTEMPTS: u32 = 16;

/// Everything an answer is made from. Owned, so that a stream can outlive the handler that began it.
#[derive(Debug)]
pub struct Job {
    /// The core that serves the request.
    pub worker: Arc<Worker>,
    /// The configuration the request started with; it is kept to the end.
    pub runtime: Arc<Runtime>,
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
    /// The caller's body.
    pub body: Bytes,
    /// What is changed in it for an upstream.
    pub edits: Edits,
    /// The end of the whole request.
    pub deadline: Instant,
    /// The memory that the body occupies.
    pub permit: Permit,
    /// How its stream is treated.
    pub terms: Terms,
    /// How many attempts have been sent for it.
    pub sent: AtomicU32,
}

impl Job {
    /// Whether as many attempts have been sent as one request may have.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.sent.load(Ordering::Relaxed) >= MAX_ATTEMPTS
    }
}

/// How a request ended that no target could answer.
#[derive(Debug)]
pub enum Refusal {
    /// In the gateway's words.
    Own(Rejection),
    /// In the provider's words.
    Provider(Box<Refused>, FailureClass),
}

/// Works through the plan. The record comes back with every attempt in it; the request's memory is given back when this returns.
pub async fn dispatch(
    job: Job,
    plan: Plan,
    mut record: Record,
) -> (Record, Result<Committed, Refusal>) {
    let mut failures: Vec<Failure> = Vec::new();
    let mut at = 0;
    while let Some(step) = plan.steps.get(at).filter(|_| !job.is_spent()) {
        let applies = |failure| applies(step, failure, &record.attempts);
        if !failures.last().is_none_or(applies) {
            at += 1;
            continue;
        }
        let Some(stepped) = hedge::step(&job, &plan, at, &mut record).await else {
            break;
        };
        if let Some((committed, at)) = stepped.answer {
            return (record, Ok(continuation::arm(committed, job, plan, at)));
        }
        failures.extend(stepped.failures);
        at = stepped.next;
    }
    for (at, step) in plan.steps.iter().enumerate() {
        if !may_yet(step, &failures, &record.attempts) || job.is_spent() {
            continue;
        }
        let rule = plan.rule.as_ref();
        match try_at_last(&job, step, rule, &mut record.attempts).await {
            Ok(committed) => return (record, Ok(continuation::arm(committed, job, plan, at))),
            Err(failure) => failures.push(failure),
        }
    }
    let refusal = verdict(failures);
    record.error = Some(match &refusal {
        Refusal::Own(rejection) => rejection.code(),
        Refusal::Provider(_, class) => class.as_str(),
    });
    (record, Err(refusal))
}

/// Whether a step is for the failure of the attempt before it.
fn applies(step: &Step, failure: &Failure, attempts: &[Attempt]) -> bool {
    let listed = step.on.as_ref().map(|on| {
        let by_status = failure
            .status
            .is_some_and(|status| on.status_codes.contains(&status));
        by_status || on.classes.contains(&failure.class)
    });
    let over = ends_all(failure);
    let by_itself = || failure.class.falls_back() && !too_long_for(&step.model, attempts);
    !over && listed.unwrap_or_else(by_itself)
}

/// Whether nothing is tried after a failure, whatever a rule says.
fn ends_all(failure: &Failure) -> bool {
    failure.skip == Some(Skip::Rejected)
        || matches!(
            failure.class,
            FailureClass::TotalTimeout | FailureClass::ClientGone
        )
}

/// Whether a step that was skipped may be tried now that all others have failed.
fn may_yet(step: &Step, failures: &[Failure], attempts: &[Attempt]) -> bool {
    let skipped = attempts
        .iter()
        .any(|attempt| attempt.target == step.target && attempt.skip.is_some_and(Skip::may_yet));
    skipped
        && failures
            .last()
            .is_some_and(|failure| failure.class.falls_back() && !ends_all(failure))
}

/// Whether a target has found the request too long for this model. Context windows are not known, so only another model may help; a rule
/// that lists the class knows better.
fn too_long_for(model: &str, attempts: &[Attempt]) -> bool {
    attempts.iter().any(|attempt| {
        attempt.class == Some(FailureClass::ContextTooLong) && *attempt.model == *model
    })
}

impl Attempt {
    /// An attempt at a step that ended now, after so long.
    pub(crate) fn new(job: &Job, step: &Step, class: Option<FailureClass>, took: Duration) -> Self {
        let upstream = step
            .provider
            .and_then(|provider| job.runtime.upstreams.get(provider.0));
        Self {
            target: Arc::clone(&step.target),
            provider: upstream.map(|upstream| Arc::clone(&upstream.label)),
            system: upstream.map_or("", |upstream| upstream.system()),
            model: Arc::clone(&step.model),
            class,
            hedged: false,
            skip: None,
            queued: None,
            took,
            hold: None,
        }
    }

    /// One that began at `since`, or when those `before` it at the same target had failed, and was dropped because another was quicker.
    pub(crate) fn hedged(job: &Job, step: &Step, since: Instant, before: &[Self]) -> Self {
        let earlier = before.iter().map(|attempt| attempt.took).sum();
        Self {
            hedged: true,
            ..Self::new(job, step, None, since.elapsed().saturating_sub(earlier))
        }
    }
}
