//! A second attempt at the next target while the first is silent; the first to commit wins, the other is dropped, which closes its
//! connection.
//!
//! A step of the plan is tried through [`step`]. Without a hedge in the rule that is all; with one, the next step is started beside it when
//! the first has been silent for the delay, as long as the rule's credit lasts. A loser is an attempt with the outcome `hedged`: it says
//! nothing of the target's health.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use fairlead_route::{Plan, RuleRef, Step};
use smallvec::SmallVec;
use tokio::time::Instant;

use crate::attempt::Committed;
use crate::dispatch::Job;
use crate::failure::Failure;
use crate::hold::Pass;
use crate::record::{Attempt, Attempts, Record};
use crate::visit::try_step;

/// What became of a step and, if there was a hedge, of the step after it.
pub struct Stepped {
    /// The answer, and the position of the step that gave it.
    pub answer: Option<(Committed, usize)>,
    /// The failures, in order of the plan.
    pub failures: SmallVec<[Failure; 2]>,
    /// The position of the step to go on with.
    pub next: usize,
}

/// Tries the step at a position of the plan, hedged if the rule says so. The attempts go into the record, that of a winner last.
pub async fn step(job: &Job, plan: &Plan, at: usize, record: &mut Record) -> Option<Stepped> {
    let first = plan.steps.get(at)?;
    let Some(second) = Second::of(job, plan, at) else {
        let outcome = try_step(job, first, plan.rule.as_ref(), &mut record.attempts).await;
        return Some(Stepped::by(outcome, at));
    };
    Some(hedged(job, first, &second, at, record).await)
}

async fn hedged(
    job: &Job,
    first: &Step,
    second: &Second<'_>,
    at: usize,
    record: &mut Record,
) -> Stepped {
    let began = Instant::now();
    let (mut of_first, mut of_second) = (Attempts::new(), Attempts::new());
    let rule = Some(second.rule);
    let raced = Box::pin(race(
        try_step(job, first, rule, &mut of_first),
        second.after,
        || second.rule.hedges.take(),
        try_step(job, second.step, rule, &mut of_second),
    ))
    .await;
    let told = match &raced {
        Raced::Alone(_) => None,
        Raced::First(_) => {
            let since = began + second.after;
            of_second.push(Attempt::hedged(job, second.step, since, &of_second));
            Some("lost")
        }
        Raced::Second(_) => {
            of_first.push(Attempt::hedged(job, first, began, &of_first));
            Some("won")
        }
        Raced::Both(_, two) if two.is_ok() => Some("won"),
        Raced::Both(..) => Some("failed"),
    };
    if let Some(outcome) = told {
        job.worker.shared.observe.metrics.hedged(outcome);
    }
    let first_answers = matches!(&raced, Raced::First(_) | Raced::Both(Ok(_), _));
    let (before, after) = if first_answers {
        (of_second, of_first)
    } else {
        (of_first, of_second)
    };
    record.attempts.extend(before.into_iter().chain(after));
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

/// Whether nothing is known to speak against trying a target.
fn is_up(job: &Job, step: &Step) -> bool {
    let provider = step.provider.filter(|_| step.problem.is_none());
    provider
        .and_then(|provider| job.runtime.upstreams.get(provider.0))
        .is_some_and(|upstream| Pass::ready(upstream, &upstream.health.model(&step.model)).is_ok())
}

/// How long a target's answers usually take to begin, all but the slowest of them; `None` while too few are known.
fn usual_silence(job: &Job, first: &Step) -> Option<Duration> {
    let upstream = job.runtime.upstreams.get(first.provider?.0)?;
    let model = upstream.health.model(&first.model);
    model.latency(job.stream).percentile(95)
}

/// How a race ended.
#[derive(Debug, PartialEq)]
enum Raced<T> {
    /// The first was over before a second began.
    Alone(T),
    /// The first won, or ended it; the second was dropped.
    First(T),
    /// The second won; the first was dropped.
    Second(T),
    /// Neither was dropped: both failed, or one failed and the other then won.
    Both(T, T),
}

/// What a race needs to know of an outcome.
trait Racer {
    /// Whether it is an answer.
    fn won(&self) -> bool;
    /// Whether it is a failure after which nobody else is to be asked.
    fn ends_all(&self) -> bool;
}

impl Racer for Result<Committed, Failure> {
    fn won(&self) -> bool {
        self.is_ok()
    }

    fn ends_all(&self) -> bool {
        self.as_ref()
            .is_err_and(|failure| !failure.class.falls_back())
    }
}

/// Runs `first`, and beside it `second` once `delay` is over, if it `may`.
async fn race<T: Racer>(
    first: impl Future<Output = T>,
    delay: Duration,
    may: impl FnOnce() -> bool,
    second: impl Future<Output = T>,
) -> Raced<T> {
    let mut first = pin!(first);
    if let Ok(done) = tokio::time::timeout(delay, first.as_mut()).await {
        return Raced::Alone(done);
    }
    if !may() {
        return Raced::Alone(first.await);
    }
    let mut second = pin!(second);
    tokio::select! {
        biased;
        one = first.as_mut() => {
            if one.won() || one.ends_all() {
                return Raced::First(one);
            }
            Raced::Both(one, second.await)
        }
        two = second.as_mut() => {
            if two.won() {
                return Raced::Second(two);
            }
            let one = first.await;
            // The second has been told of already; that it came first is of no interest to the caller.
            Raced::Both(one, two)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[derive(Debug, PartialEq, Clone, Copy)]
    enum End {
        Won,
        Failed,
        Refused,
    }

    impl Racer for End {
        fn won(&self) -> bool {
            *self == Self::Won
        }

        fn ends_all(&self) -> bool {
            *self == Self::Refused
        }
    }

    async fn after(seconds: u64, end: End) -> End {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        end
    }

    /// The outcome and the seconds it took; the delay is 10 s.
    async fn raced(first: (u64, End), second: (u64, End)) -> (Raced<End>, u64) {
        let began = Instant::now();
        let raced = race(
            after(first.0, first.1),
            Duration::from_secs(10),
            || true,
            after(second.0, second.1),
        )
        .await;
        (raced, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_commit_wins_and_the_other_is_not_waited_for() {
        use End::{Failed, Refused, Won};
        let table = [
            ((5, Won), (1, Won), Raced::Alone(Won), 5),
            ((5, Failed), (1, Won), Raced::Alone(Failed), 5),
            ((15, Won), (60, Won), Raced::First(Won), 15),
            ((60, Won), (5, Won), Raced::Second(Won), 15),
            ((60, Won), (5, Failed), Raced::Both(Won, Failed), 60),
            ((60, Won), (5, Refused), Raced::Both(Won, Refused), 60),
            ((15, Failed), (10, Won), Raced::Both(Failed, Won), 20),
            ((15, Refused), (10, Won), Raced::First(Refused), 15),
            ((15, Failed), (10, Failed), Raced::Both(Failed, Failed), 20),
        ];
        for (first, second, end, seconds) in table {
            assert_eq!(
                raced(first, second).await,
                (end, seconds),
                "{first:?} {second:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_that_may_not_is_never_started() {
        let started = Cell::new(false);
        let second = async {
            started.set(true);
            End::Won
        };
        let delay = Duration::from_secs(10);
        let raced = race(after(20, End::Won), delay, || false, second).await;
        assert_eq!((raced, started.get()), (Raced::Alone(End::Won), false));
    }
}
