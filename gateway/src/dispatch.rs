//! From a plan to an answer: one attempt after the other until one can be given to the caller.

pub(crate) mod attempt;
pub(crate) mod continuation;
pub(crate) mod hedge;
pub(crate) mod job;
pub(crate) mod mirror;
mod step;
pub(crate) mod verdict;

use fairlead_route::{Plan, Step};
use fairlead_snapshot::FailureClass;

use crate::answer::Outcome;
use crate::answer::Unanswered;
use crate::failure::{Failure, Own, Skip};
use crate::observe::record::{Attempt, Record};
use job::Job;
use step::try_at_last;
use verdict::verdict;

/// Works through the plan. Job and plan are apart, for futures that hold them are as large. The record comes back with every attempt in it; the request's memory is given back when this returns.
pub(crate) async fn dispatch(job: Box<Job>, plan: Box<Plan>, mut record: Record) -> Outcome {
    let mut failures: Vec<Failure> = Vec::new();
    let mut at = 0;
    while let Some(step) = plan.steps.get(at).filter(|_| !job.is_spent()) {
        let applies = |failure| applies(&job, &plan, step, failure, &record.attempts);
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
        match try_at_last(&job, &plan, at, &mut record.attempts).await {
            Ok(committed) => return (record, Ok(continuation::arm(committed, job, plan, at))),
            Err(failure) => failures.push(failure),
        }
    }
    let refusal = verdict(failures);
    record.error = Some(match &refusal {
        Unanswered::Own(rejection) => rejection.code(),
        Unanswered::Provider(_, class) => class.as_str(),
    });
    (record, Err(refusal))
}

/// Whether a step is for the failure of the attempt before it.
fn applies(job: &Job, plan: &Plan, step: &Step, failure: &Failure, attempts: &[Attempt]) -> bool {
    let listed = step.on.as_ref().map(|on| {
        let by_status = failure
            .status
            .is_some_and(|status| on.status_codes.contains(&status));
        by_status || on.classes.contains(&failure.class)
    });
    let over = ends_all(failure);
    let by_itself = || failure.falls_back() && !too_long_for(job, plan, step, attempts);
    !over && listed.unwrap_or_else(by_itself)
}

/// Whether nothing is tried after a failure, whatever a rule says.
fn ends_all(failure: &Failure) -> bool {
    failure.skip == Some(Skip::Rejected)
        || failure.own == Some(Own::Memory)
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
            .is_some_and(|failure| failure.falls_back() && !ends_all(failure))
}

/// Whether a target has found the request too long that takes as much as this one does. Where both windows are known they say so, else only
/// another model may help; a rule that lists the class knows better.
fn too_long_for(job: &Job, plan: &Plan, step: &Step, attempts: &[Attempt]) -> bool {
    let window = |step: &Step| job.upstream(step)?.facts(&step.model).window();
    let mut refused = attempts
        .iter()
        .filter(|attempt| attempt.class == Some(FailureClass::ContextTooLong));
    refused.any(|attempt| {
        let mut steps = plan.steps.iter();
        let at = steps.find(|step| step.target == attempt.target && step.model == attempt.model);
        match at.and_then(window).zip(window(step)) {
            Some((refused, next)) => next <= refused,
            None => attempt.model == step.model,
        }
    })
}
