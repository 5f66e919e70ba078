//! One step of a plan: a place at its provider, the breakers' permission, a credential, and as many attempts as its retries allow.
//!
//! A target that should not be tried now is skipped, which is a failure like any other but that nothing was sent. At last, when nobody else
//! has answered, one that is coming back is tried whosever turn it is, and one whose credentials rest is waited for.

mod content;
mod credential;
mod fit;
mod judged;
mod limits;
mod patience;
mod place;
mod servers;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fairlead_health::{ModelHealth, Origin, Withdrawal, backoff};
use fairlead_route::{Paid, Plan, ProviderIndex, Step};
use fairlead_snapshot::{FailureClass, Problem, Retries, Timeouts};
use tokio::time::Instant;

use crate::answer::Committed;
use crate::codec::{Codec, Made};
use crate::dispatch::attempt::Try;
use crate::dispatch::job::Job;
use crate::failure::class::{Repeat, consequences};
use crate::failure::{Failure, Own, Skip};
use crate::govern::reservation::Reservation;
use crate::observe::record::{Attempt, Attempts};
use crate::observe::trace;
use crate::upstream::Upstream;
use crate::upstream::servers::Visited;
use crate::upstream::ticket::{Permission, Ticket};
use crate::upstream::transport::Carried;
use credential::Chosen;

/// Where somebody else can be asked, an attempt that took longer is not repeated, however long it might have taken: models that reason may take
/// minutes, and a stream that is held may break after as long.
const LONG: Duration = Duration::from_secs(10);

/// A step whose provider is there.
struct StepRun<'a> {
    job: &'a Job,
    plan: &'a Plan,
    /// The position of the step in the plan.
    at: usize,
    step: &'a Step,
    provider: ProviderIndex,
    upstream: &'a Arc<Upstream>,
    /// What is known of the model, if anything is kept of it.
    model: Option<Arc<ModelHealth>>,
    timeouts: Timeouts,
    retries: Retries,
    /// Whether nobody else is left to try.
    last: bool,
    /// What was paid for the first attempt, where it is a second one beside another.
    paid: Option<Paid<'a>>,
    /// What was taken from the retry budget for the next attempt.
    retry: Option<Withdrawal<'a>>,
    /// How long the last attempt took.
    took: Duration,
    /// Whether that was more than half of its time.
    was_slow: bool,
    /// How long it stood in line.
    queued: Option<Duration>,
    /// The credentials that were sent, a bit each.
    used: u32,
    /// The servers of a pool that were visited.
    visited: Visited,
    /// How many of them may have begun with the request.
    begun: usize,
    /// What its answer was cut to, so that a budget is kept, in tokens.
    clamped: Option<u64>,
    attempts: &'a mut Attempts,
}

/// Tries the step at a position of the plan; `paid` goes with the first attempt. The attempts are noted as they end, so that they are known
/// even if this is dropped.
pub(crate) async fn try_step(
    job: &Job,
    plan: &Plan,
    at: usize,
    paid: Option<Paid<'_>>,
    attempts: &mut Attempts,
) -> Result<Committed, Failure> {
    run(job, plan, at, paid, attempts, false).await
}

/// Tries one that was skipped, now that nobody else is left.
pub(crate) async fn try_at_last(
    job: &Job,
    plan: &Plan,
    at: usize,
    attempts: &mut Attempts,
) -> Result<Committed, Failure> {
    run(job, plan, at, None, attempts, true).await
}

async fn run(
    job: &Job,
    plan: &Plan,
    at: usize,
    paid: Option<Paid<'_>>,
    attempts: &mut Attempts,
    last: bool,
) -> Result<Committed, Failure> {
    let step = plan
        .steps
        .get(at)
        .ok_or_else(|| missing(Problem::NotFound))?;
    let (provider, upstream) = match provider(job, step) {
        Ok(found) => found,
        Err(failure) => {
            attempts.push(Attempt {
                skip: failure.skip,
                ..job.attempt(step, Some(failure.class), Duration::ZERO)
            });
            return Err(failure);
        }
    };
    let (rule, provided) = (plan.rule.as_ref(), &upstream.provider);
    let health = &upstream.health;
    let model = if job.copy {
        health.known(&step.model)
    } else {
        health.model(&step.model, origin(step), upstream.now())
    };
    let mut run = StepRun {
        job,
        plan,
        at,
        step,
        provider,
        upstream,
        model,
        timeouts: rule.map_or(provided.timeouts, |rule| {
            rule.timeouts.over(&provided.timeouts)
        }),
        retries: rule.map_or(provided.retries, |rule| {
            rule.retries.over(&provided.retries)
        }),
        last,
        paid,
        retry: None,
        took: Duration::ZERO,
        was_slow: false,
        queued: None,
        used: 0,
        visited: Visited::new(),
        begun: 0,
        clamped: None,
        attempts,
    };
    run.run().await
}

/// The provider of a step, if it is there.
fn provider<'a>(job: &'a Job, step: &Step) -> Result<(ProviderIndex, &'a Arc<Upstream>), Failure> {
    if let Some(problem) = step.problem {
        return Err(missing(problem));
    }
    let provider = step.provider.ok_or_else(|| missing(Problem::NotFound))?;
    let upstream = job.upstream(step);
    Ok((
        provider,
        upstream.ok_or_else(|| missing(Problem::NotFound))?,
    ))
}

fn missing(problem: Problem) -> Failure {
    Failure {
        detail: sentence(problem),
        ..Failure::skipped(Skip::Unusable, FailureClass::Unavailable)
    }
}

/// Where the name of a step's model comes from.
fn origin(step: &Step) -> Origin {
    if step.configured {
        Origin::Configuration
    } else {
        Origin::Caller
    }
}

impl StepRun<'_> {
    async fn run(&mut self) -> Result<Committed, Failure> {
        // What cannot be asked at all first, what is made for nothing last.
        let codec = self.codec().map_err(|skipped| self.skip(skipped))?;
        let fits = self.fits().await;
        fits.map_err(|skipped| self.skip(skipped))?;
        self.affords().map_err(|skipped| self.skip(skipped))?;
        let ready = Permission::ready(self.upstream, self.model.as_deref(), self.job.asker);
        ready.map_err(|skipped| self.skip(skipped))?;
        let strict = self.strict();
        let strict = strict.map_err(|refusal| self.skip(Failure::limited(refusal)))?;
        let ceiling = strict.as_ref().map(|strict| strict.ceiling);
        self.clamped = strict
            .filter(|strict| strict.clamped)
            .map(|strict| strict.ceiling);
        let made = self.content(codec, ceiling).await;
        let made = made.map_err(|skipped| self.skip(skipped))?;
        let slot = self.enter().await;
        let slot = slot.map_err(|skipped| self.skip(skipped))?;
        if !self.job.copy {
            self.upstream.health.retries.request(self.upstream.now());
        }
        let mut last_failure = None;
        let mut retries = 0;
        loop {
            let (mut pass, credential, reservation) = match self.admitted(strict.as_ref()).await {
                Ok(admitted) => admitted,
                // A retry that is no longer permitted leaves the failure before it as it was.
                Err(skipped) => return Err(last_failure.unwrap_or_else(|| self.skip(skipped))),
            };
            let attempt = self.attempt(codec, made.as_ref(), credential, &mut pass, reservation);
            let failure = match attempt.await {
                Ok(mut committed) => {
                    let tokens = committed.tokens();
                    committed.hold(Ticket::new(pass, slot, tokens));
                    return Ok(committed);
                }
                Err(failure) => failure,
            };
            pass.failed(&failure);
            let Some(pause) = self.pause(&failure, &mut retries) else {
                return Err(failure);
            };
            tokio::time::sleep(pause).await;
            last_failure = Some(failure);
        }
    }

    /// The breakers' permission and a credential. At last, credentials that rest are waited for, once.
    async fn permit(&self) -> Result<(Permission, Option<Chosen>), Failure> {
        let skipped = match self.permit_now() {
            Err(skipped) if self.last && skipped.skip == Some(Skip::Resting) => skipped,
            permitted => return permitted,
        };
        let bearable = skipped.retry_after.filter(|wait| {
            *wait <= self.retries.max_retry_after && Instant::now() + *wait < self.job.deadline
        });
        let Some(wait) = bearable else {
            return Err(skipped);
        };
        tokio::time::sleep(wait).await;
        self.permit_now()
    }

    fn permit_now(&self) -> Result<(Permission, Option<Chosen>), Failure> {
        if self.job.copy {
            let (model, asker) = (self.model.as_ref(), self.job.asker);
            let pass = Permission::for_copy(self.upstream, model, asker)?;
            return Ok((pass, self.credential()?));
        }
        let whoever = self.last || self.step.drawn;
        let pass = Permission::ask(self.upstream, self.model.as_ref(), self.job.asker, whoever)?;
        Ok((pass, self.credential()?))
    }

    async fn attempt(
        &mut self,
        codec: Codec,
        made: Option<&Made>,
        credential: Option<Chosen>,
        pass: &mut Permission,
        mut reservation: Box<Reservation>,
    ) -> Result<Committed, Failure> {
        let began = Instant::now();
        let within = self.first_within();
        let authorization = self.authorization(credential).await?;
        self.goes_out(credential, pass);
        reservation.goes_out();
        if let Some(due) = &self.job.due {
            due.goes_out(self.job, self.plan);
        }
        let span = self.begins(began, credential, pass, made, reservation);
        let attempt = Try {
            job: self.job,
            upstream: self.upstream,
            codec,
            made,
            model: &self.step.model,
            authorization,
            amendments: self.step.amendments.as_deref(),
            timeouts: self.timeouts,
            connect: self.connect_within(),
            first_within: within,
            pass,
            trace: self.carried(span),
        };
        let outcome = attempt.run().await;
        let took = began.elapsed();
        self.took = took;
        self.was_slow = took > within.min(self.job.deadline - began) / 2;
        let class = outcome.as_ref().err().map(|failure| failure.class);
        if class == Some(FailureClass::BadCredential)
            && !self.job.copy
            && let Some(chosen) = credential
        {
            self.upstream.refused(chosen.at);
        }
        if let Some(attempt) = self.attempts.last_mut() {
            came_to(attempt, &outcome, took);
        }
        if !self.job.copy {
            self.learn(&outcome, took);
        }
        outcome
    }

    /// Whatever was taken for the attempt is used up now.
    fn goes_out(&mut self, credential: Option<Chosen>, pass: &mut Permission) {
        self.job.sent.fetch_add(1, Ordering::Relaxed);
        self.used |= credential.map_or(0, |chosen| credential::bit(chosen.at));
        if let Some(paid) = self.paid.take() {
            paid.spend();
        }
        if let Some(retry) = self.retry.take() {
            retry.spend();
        }
        let identity = credential.and_then(|chosen| self.upstream.identity(chosen.at));
        let trial = credential.and_then(|chosen| chosen.trial);
        let (identity, flights) = (identity.map(Arc::clone), self.flights(credential));
        pass.goes_out(identity, trial, self.job.stream, flights);
    }

    /// Notes the attempt as it goes out, so that it is known even if this is dropped. Its span, where the request is traced.
    fn begins(
        &mut self,
        began: Instant,
        credential: Option<Chosen>,
        pass: &Permission,
        made: Option<&Made>,
        reservation: Box<Reservation>,
    ) -> Option<[u8; 8]> {
        let earlier = self.attempts.iter();
        let earlier = earlier.filter(|one| one.sent && one.target == self.step.target);
        let resend = u32::try_from(earlier.count()).unwrap_or(u32::MAX);
        let span = self.job.trace.as_ref().map(|_| trace::span());
        self.note(Attempt {
            sent: true,
            under_way: true,
            resend,
            span,
            began,
            server: pass.server().map(|server| Arc::clone(&server.address)),
            address: self.upstream.address.clone(),
            credential: credential.and_then(|chosen| self.upstream.credential_name(chosen.at)),
            dropped: made.and_then(|made| made.dropped.clone()),
            clamped: self.clamped,
            reservation: Some(reservation),
            ..self.job.attempt(self.step, None, Duration::ZERO)
        });
        span
    }

    /// What of the trace goes along with the attempt.
    fn carried(&self, span: Option<[u8; 8]>) -> Carried {
        if !self.upstream.provider.is_told_of_traces() {
            return Carried::Nothing;
        }
        match (&self.job.trace, span) {
            (Some(trace), Some(span)) => Carried::Span(trace::traceparent(trace, span)),
            _ => Carried::AsItCame,
        }
    }

    /// Whether the plan has somebody else to ask after a failure of this class, as far as is known.
    fn others(&self, class: FailureClass) -> bool {
        let rest = self.plan.steps.get(self.at + 1..).unwrap_or_default();
        rest.iter().any(|step| {
            let meant = step
                .on
                .as_ref()
                .is_none_or(|on| on.classes.contains(&class));
            meant && is_up(self.job, step)
        })
    }

    /// How long to wait before the target is asked again; `None`: it is not.
    fn pause(&mut self, failure: &Failure, retries: &mut u32) -> Option<Duration> {
        if self.job.is_spent() || self.job.copy {
            return None;
        }
        let refused = matches!(
            failure.class,
            FailureClass::RateLimited | FailureClass::BadCredential
        );
        // Another credential is another account: asking it repeats nothing.
        if refused && self.other_credential() {
            return Some(Duration::ZERO);
        }
        if let Some(moves) = self.moves(failure) {
            return moves.then_some(Duration::ZERO);
        }
        // What takes so long is better asked of somebody else, in the time that is left.
        let is_long = self.took > LONG && self.others(failure.class);
        if self.was_slow || is_long || failure.own.is_some() {
            return None;
        }
        let backoff = || backoff::pause(&self.retries, *retries, fastrand::u64(..));
        let pause = match consequences(failure.class).repeat {
            Repeat::Never => return None,
            Repeat::Backoff => backoff(),
            Repeat::WhenTold => match failure.retry_after {
                Some(time) => Some(time).filter(|time| *time <= self.retries.max_retry_after)?,
                // How long is anybody's guess; somebody else need not guess.
                None if self.others(failure.class) => return None,
                None => backoff(),
            },
        };
        let in_time = Instant::now() + pause < self.job.deadline;
        if *retries >= self.retries.max_retries || !in_time {
            return None;
        }
        self.retry = Some(self.upstream.health.retries.withdraw(self.upstream.now())?);
        *retries += 1;
        Some(pause)
    }

    fn skip(&mut self, skipped: Failure) -> Failure {
        // What is skipped at last was skipped before, and is in the list.
        if !self.last {
            self.note(Attempt {
                skip: skipped.skip,
                own: skipped.own.is_some_and(Own::is_overload),
                ..self
                    .job
                    .attempt(self.step, Some(skipped.class), Duration::ZERO)
            });
        }
        skipped
    }

    fn note(&mut self, attempt: Attempt) {
        self.attempts.push(Attempt {
            queued: self.queued.take(),
            ..attempt
        });
    }
}

/// Notes what an attempt that was under way came to.
fn came_to(attempt: &mut Attempt, outcome: &Result<Committed, Failure>, took: Duration) {
    attempt.took = took;
    attempt.under_way = false;
    match outcome {
        Ok(committed) => {
            attempt.status = Some(committed.status());
            attempt.content = Some(committed.content_at().unwrap_or(attempt.began + took));
            attempt.ended = committed.is_whole().then(|| attempt.began + took);
        }
        Err(failure) => {
            attempt.class = Some(failure.class);
            attempt.own = failure.own.is_some_and(Own::is_overload);
            attempt.status = failure.status;
            let refused = failure.status.is_some();
            attempt.ends(|reservation| reservation.failed(failure.class, refused));
        }
    }
}

/// Whether nothing is known to speak against trying a target.
pub(crate) fn is_up(job: &Job, step: &Step) -> bool {
    let upstream = job.upstream(step).filter(|_| step.problem.is_none());
    upstream.is_some_and(|upstream| {
        let model = upstream.health.known(&step.model);
        Permission::ready(upstream, model.as_deref(), job.asker).is_ok()
    })
}

fn sentence(problem: Problem) -> &'static str {
    match problem {
        Problem::NotFound => "its LLMProvider does not exist",
        Problem::NotPermitted => "its LLMProvider does not admit this namespace",
        Problem::ModelNotOffered => "its LLMProvider does not offer the model",
    }
}
