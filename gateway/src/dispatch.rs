//! From a plan to an answer: one attempt after the other until one can be given to the caller.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlead_route::{CredentialChoice, Plan, RuleRef, Step};
use fairlead_snapshot::{FailureClass, Problem};
use fairlead_wire::openai::request::Edits;
use http::HeaderMap;
use smallvec::{SmallVec, smallvec};
use tokio::time::Instant;

use crate::attempt::{Committed, Try};
use crate::continuation;
use crate::failure::{Failure, Refused};
use crate::hedge;
use crate::memory::Permit;
use crate::record::{Attempt, Record};
use crate::reject::Rejection;
use crate::relay::terms::Terms;
use crate::runtime::Runtime;
use crate::surface::Operation;
use crate::worker::Worker;

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
    while let Some(step) = plan.steps.get(at) {
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
            .status()
            .is_some_and(|status| on.status_codes.contains(&status));
        by_status || on.classes.contains(&failure.class)
    });
    let over = matches!(
        failure.class,
        FailureClass::TotalTimeout | FailureClass::ClientGone
    );
    let by_itself = || failure.class.falls_back() && !too_long_for(&step.model, attempts);
    !over && listed.unwrap_or_else(by_itself)
}

/// Whether a target has found the request too long for this model. Context windows are not known, so only another model may help; a rule
/// that lists the class knows better.
fn too_long_for(model: &str, attempts: &[Attempt]) -> bool {
    attempts.iter().any(|attempt| {
        attempt.class == Some(FailureClass::ContextTooLong) && *attempt.model == *model
    })
}

/// What became of one step of a plan.
pub(crate) struct Tried {
    /// The attempts, in order.
    pub(crate) attempts: SmallVec<[Attempt; 1]>,
    /// The answer, or the failure of the last of them.
    pub(crate) outcome: Result<Committed, Failure>,
}

/// Tries one step of a plan.
pub(crate) async fn try_step(job: &Job, step: &Step, rule: Option<&RuleRef>) -> Tried {
    let began = Instant::now();
    let outcome = attempt(job, step, rule).await;
    let class = outcome.as_ref().err().map(|failure| failure.class);
    Tried {
        attempts: smallvec![Attempt::new(job, step, class, began.elapsed())],
        outcome,
    }
}

async fn attempt(job: &Job, step: &Step, rule: Option<&RuleRef>) -> Result<Committed, Failure> {
    if let Some(problem) = step.problem {
        return Err(Failure::new(FailureClass::Unavailable, sentence(problem)));
    }
    let missing = || Failure::new(FailureClass::Unavailable, sentence(Problem::NotFound));
    let provider = step.provider.ok_or_else(missing)?;
    let upstream = job.runtime.upstreams.get(provider.0).ok_or_else(missing)?;
    let authorization = match job.runtime.table.credential(provider, &step.requested) {
        CredentialChoice::NotNeeded => None,
        CredentialChoice::Use(index) => {
            Some(upstream.authorization(index).ok_or_else(no_credential)?)
        }
        CredentialChoice::NoneUsable => return Err(no_credential()),
    };
    let timeouts = &upstream.provider.timeouts;
    let timeouts = rule.map_or(*timeouts, |rule| rule.timeouts.over(timeouts));
    Try {
        job,
        upstream,
        model: &step.model,
        authorization,
        timeouts,
    }
    .run()
    .await
}

fn no_credential() -> Failure {
    Failure::new(
        FailureClass::Unavailable,
        "the Secret of its credential is missing or cannot be used, or no credential is for this model",
    )
}

fn sentence(problem: Problem) -> &'static str {
    match problem {
        Problem::NotFound => "its LLMProvider does not exist",
        Problem::NotPermitted => "its LLMProvider does not admit this namespace",
        Problem::ModelNotOffered => "its LLMProvider does not offer the model",
    }
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
            took,
        }
    }

    /// One that was dropped because another was quicker.
    pub(crate) fn hedged(job: &Job, step: &Step, took: Duration) -> Self {
        Self {
            hedged: true,
            ..Self::new(job, step, None, took)
        }
    }
}

/// What the caller is told when nothing answered: a refusal that ends the plan is told as it came; else the first target's error, passing
/// over refused credentials, which are not the caller's business.
fn verdict(mut failures: Vec<Failure>) -> Refusal {
    if failures
        .iter()
        .all(|failure| failure.class == FailureClass::BadCredential)
    {
        return Refusal::Own(Rejection::ProviderCredential);
    }
    let final_word = failures
        .last()
        .is_some_and(|failure| !failure.class.falls_back());
    let told = if final_word {
        failures.pop()
    } else {
        failures
            .into_iter()
            .find(|failure| failure.class != FailureClass::BadCredential)
    };
    let Some(failure) = told else {
        return Refusal::Own(Rejection::ProviderCredential);
    };
    if let Some(answer) = failure.answer {
        return Refusal::Provider(answer, failure.class);
    }
    Refusal::Own(match failure.class {
        FailureClass::Unavailable => Rejection::NoHealthyTarget(failure.detail.to_owned()),
        FailureClass::FirstTokenTimeout
        | FailureClass::IdleTimeout
        | FailureClass::TotalTimeout => Rejection::ProviderTimeout(failure.detail),
        FailureClass::Connect
        | FailureClass::Reset
        | FailureClass::RateLimited
        | FailureClass::Overloaded
        | FailureClass::ServerError
        | FailureClass::ProtocolError
        | FailureClass::BadCredential
        | FailureClass::ContextTooLong
        | FailureClass::ContentFiltered
        | FailureClass::BadRequest
        | FailureClass::ClientGone => Rejection::ProviderError(failure.detail.to_owned()),
    })
}
