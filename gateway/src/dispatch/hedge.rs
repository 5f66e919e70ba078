//! A second attempt at the next target while the first is silent; the first to commit wins, the other is dropped, which closes its
//! connection.
//!
//! A step of the plan is tried through [`step`]. Without a hedge in the rule that is all; with one, the next step is started beside it when
//! the first has been silent for the delay, as long as the rule's credit lasts. A loser is an attempt with the outcome `hedged`: it says
//! nothing of the target's health.

mod race;

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::ModelHealth;
use fairlead_route::{Plan, RuleRef, Step};
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::answer::Committed;
use crate::dispatch::job::Job;
use crate::dispatch::step::{is_up, try_step};
use crate::failure::Failure;
use crate::observe::record::{Attempts, Record};
use race::{Raced, Racer, race};

/// What became of a step and, if there was a hedge, of the step after it.
pub(crate) struct Stepped {
    /// The answer, and the position of the step that gave it.
    pub answer: Option<(Committed, usize)>,
    /// The failures, in order of the plan.
    pub failures: SmallVec<[Failure; 2]>,
    /// The position of the step to go on with.
    pub next: usize,
}

/// Tries the step at a position of the plan, hedged if the rule says so. The attempts go into the record, that of a winner last.
pub(crate) async fn step(
    job: &Job,
    plan: &Plan,
    at: usize,
    record: &mut Record,
) -> Option<Stepped> {
    let first = plan.steps.get(at)?;
    let Some(second) = Second::of(job, plan, at) else {
        let outcome = try_step(job, plan, at, None, &mut record.attempts).await;
        return Some(Stepped::by(outcome, at));
    };
    Some(hedged(job, plan, first, &second, at, record).await)
}

async fn hedged(
    job: &Job,
    plan: &Plan,
    first: &Step,
    second: &Second<'_>,
    at: usize,
    record: &mut Record,
) -> Stepped {
    let began = Instant::now();
    let mut both = Both::of(record);
    let raced = Box::pin(race(
        try_step(job, plan, at, None, &mut both.first),
        second.after,
        || second.rule.hedges.take(),
        |paid| try_step(job, plan, at + 1, Some(paid), &mut both.second),
    ))
    .await;
    let told = match &raced {
        Raced::Alone(_) => None,
        Raced::First(_) => {
            let since = began + second.after;
            job.lost(second.step, since, &mut both.second);
            Some("lost")
        }
        Raced::Second(_) => {
            job.lost(first, began, &mut both.first);
            note_silence(job, first, began.elapsed());
            Some("won")
        }
        Raced::Both(_, two) if two.is_ok() => Some("won"),
        Raced::Both(..) => Some("failed"),
    };
    if let Some(outcome) = told {
        job.worker.shared.observe.metrics.hedged(outcome);
    }
    both.first_answers = matches!(&raced, Raced::First(_) | Raced::Both(Ok(_), _));
    drop(both);
    match raced {
        Raced::Alone(one) => Stepped::by(one, at),
        Raced::First(one) => Stepped {
            next: at + 2,
            ..Stepped::by(one, at)
        },
        Raced::Second(two) => Stepped::by(two, at + 1),
        Raced::Both(Ok(one), _) => Stepped::by(Ok(one), at),
        Raced::Both(Err(one), two) => {
            let mut stepped = Stepped::by(two, at + 1);
            stepped.failures.insert(0, one);
            stepped
        }
    }
}

/// The attempts of two that run side by side. They go into the record however this ends: also where the caller hangs up on both.
struct Both<'a> {
    record: &'a mut Record,
    first: Attempts,
    second: Attempts,
    /// Whether those of the first go last.
    first_answers: bool,
}

impl<'a> Both<'a> {
    fn of(record: &'a mut Record) -> Self {
        Self {
            record,
            first: Attempts::new(),
            second: Attempts::new(),
            first_answers: false,
        }
    }
}

impl Drop for Both<'_> {
    fn drop(&mut self) {
        for attempt in &mut self.second {
            attempt.hedge = true;
        }
        let (mut before, mut after) = (&mut self.first, &mut self.second);
        if self.first_answers {
            std::mem::swap(&mut before, &mut after);
        }
        self.record
            .attempts
            .extend(before.drain(..).chain(after.drain(..)));
    }
}

impl Stepped {
    /// What the outcome of one step comes to.
    fn by(outcome: Result<Committed, Failure>, at: usize) -> Self {
        let (answer, failure) = match outcome {
            Ok(committed) => (Some((committed, at)), None),
            Err(failure) => (None, Some(failure)),
        };
        Self {
            answer,
            failures: failure.into_iter().collect(),
            next: at + 1,
        }
    }
}

/// The second attempt that a step may get.
struct Second<'a> {
    rule: &'a RuleRef,
    step: &'a Step,
    /// How long the first may be silent.
    after: Duration,
}

impl<'a> Second<'a> {
    /// The next step, if it is not only for certain failures and nothing speaks against trying it; as soon as it is known how long the first
    /// may be silent. Every request of the rule counts for its share, once.
    fn of(job: &Job, plan: &'a Plan, at: usize) -> Option<Self> {
        let rule = plan.rule.as_ref()?;
        let hedge = rule.hedge.as_ref()?;
        if at == 0 {
            rule.hedges.pay_in(hedge.max_percent);
        }
        let step = plan
            .steps
            .get(at + 1)
            .filter(|step| step.on.is_none() && is_up(job, step))?;
        let after = hedge
            .delay
            .or_else(|| usual_silence(job, plan.steps.get(at)?))?;
        Some(Self { rule, step, after })
    }
}

/// A first that was dropped was silent for at least so long. If only those that won were known, the usual would shrink with every hedge.
fn note_silence(job: &Job, first: &Step, at_least: Duration) {
    if let Some(model) = known(job, first) {
        model.latency(job.stream).note(at_least);
    }
}

/// How long a target's answers usually take to begin, all but the slowest of them; `None` while too few are known.
fn usual_silence(job: &Job, first: &Step) -> Option<Duration> {
    known(job, first)?.latency(job.stream).percentile(95)
}

/// What is known of a target; nothing is said by streams that are held: their silence lasts as long as they are.
fn known(job: &Job, step: &Step) -> Option<Arc<ModelHealth>> {
    let upstream = job.upstream(step).filter(|_| !job.policy.hold)?;
    upstream.health.known(&step.model)
}

impl Racer for Result<Committed, Failure> {
    fn won(&self) -> bool {
        self.is_ok()
    }

    fn ends_all(&self) -> bool {
        self.as_ref().is_err_and(|failure| !failure.falls_back())
    }
}
