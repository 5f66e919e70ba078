//! One step of a plan: a place at its provider, the breakers' permission, a credential, and as many attempts as its retries allow.
//!
//! A target that should not be tried now is skipped, which is a failure like any other but that nothing was sent. At last, when nobody else
//! has answered, one that is coming back is tried whosever turn it is, and one whose credentials rest is waited for.

mod credential;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fairlead_health::{ModelHealth, backoff};
use fairlead_route::{ProviderIndex, RuleRef, Step};
use fairlead_snapshot::{FailureClass, Overflow, Problem, Retries};
use tokio::time::Instant;

use crate::attempt::{Committed, Try};
use crate::clock;
use crate::dispatch::Job;
use crate::failure::{Failure, Skip};
use crate::hold::{Hold, Pass};
use crate::record::{Attempt, Attempts};
use crate::upstream::Upstream;
use crate::upstream::gate::Slot;

/// A step whose provider is there.
struct Visit<'a> {
    job: &'a Job,
    step: &'a Step,
    rule: Option<&'a RuleRef>,
    provider: ProviderIndex,
    upstream: &'a Arc<Upstream>,
    model: Arc<ModelHealth>,
    retries: Retries,
    /// Whether nobody else is left to try.
    last: bool,
    /// How long it stood in line.
    queued: Option<Duration>,
    /// The credentials that were sent, a bit each.
    used: u32,
    attempts: &'a mut Attempts,
}

/// Tries one step of a plan. Its attempts are noted as they end, so that they are known even if this is dropped.
pub(crate) async fn try_step(
    job: &Job,
    step: &Step,
    rule: Option<&RuleRef>,
    attempts: &mut Attempts,
) -> Result<Committed, Failure> {
    visit(job, step, rule, attempts, false).await
}

/// Tries one that was skipped, now that nobody else is left.
pub(crate) async fn try_at_last(
    job: &Job,
    step: &Step,
    rule: Option<&RuleRef>,
    attempts: &mut Attempts,
) -> Result<Committed, Failure> {
    visit(job, step, rule, attempts, true).await
}

async fn visit(
    job: &Job,
    step: &Step,
    rule: Option<&RuleRef>,
    attempts: &mut Attempts,
    last: bool,
) -> Result<Committed, Failure> {
    let (provider, upstream) = match provider(job, step) {
        Ok(found) => found,
        Err(failure) => {
            attempts.push(Attempt::new(job, step, Some(failure.class), Duration::ZERO));
            return Err(failure);
        }
    };
    let retries = &upstream.provider.retries;
    let mut visit = Visit {
        job,
        step,
        rule,
        provider,
        upstream,
        model: upstream.health.model(&step.model),
        retries: rule.map_or(*retries, |rule| rule.retries.over(retries)),
        last,
        queued: None,
        used: 0,
        attempts,
    };
    visit.run().await
}

/// The provider of a step, if it is there.
fn provider<'a>(job: &'a Job, step: &Step) -> Result<(ProviderIndex, &'a Arc<Upstream>), Failure> {
    let missing = |problem| Failure::new(FailureClass::Unavailable, sentence(problem));
    if let Some(problem) = step.problem {
        return Err(missing(problem));
    }
    let provider = step.provider.ok_or_else(|| missing(Problem::NotFound))?;
    let upstream = job.runtime.upstreams.get(provider.0);
    Ok((
        provider,
        upstream.ok_or_else(|| missing(Problem::NotFound))?,
    ))
}

impl Visit<'_> {
    async fn run(&mut self) -> Result<Committed, Failure> {
        let slot = match Pass::ready(self.upstream, &self.model) {
            Ok(()) => self.enter().await,
            Err(skipped) => Err(skipped),
        };
        let slot = slot.map_err(|skipped| self.skip(skipped))?;
        self.upstream.health.retries.request(clock::uptime());
        let mut last_failure = None;
        let mut retries = 0;
        loop {
            let (pass, credential) = match self.permit().await {
                Ok(permitted) => permitted,
                // A retry that is no longer permitted leaves the failure before it as it was.
                Err(skipped) => return Err(last_failure.unwrap_or_else(|| self.skip(skipped))),
            };
            let failure = match self.attempt(credential, pass.probes()).await {
                Ok(committed) => {
                    self.hold(Hold::new(pass, slot));
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

    /// A place at the provider, waited for if there is a line to wait in.
    async fn enter(&mut self) -> Result<Slot, Failure> {
        let full = || Failure::skipped(Skip::Full, FailureClass::Overloaded);
        let gate = &self.upstream.gate;
        if let Some(slot) = gate.enter(self.upstream.limit()) {
            return Ok(slot);
        }
        let overflow = self
            .upstream
            .provider
            .concurrency
            .map(|limit| limit.overflow);
        let queue = match overflow {
            Some(Overflow::Queue(queue)) => queue,
            Some(Overflow::Reject) => {
                return Err(Failure::skipped(Skip::Rejected, FailureClass::Overloaded));
            }
            Some(Overflow::Fallback) | None => return Err(full()),
        };
        let mut turn = gate.line_up(queue.length).ok_or_else(full)?;
        let began = Instant::now();
        let until = self.job.deadline.min(began + queue.wait);
        let slot = tokio::time::timeout_at(until, turn.slot()).await;
        self.queued = Some(began.elapsed());
        slot.ok().flatten().ok_or_else(full)
    }

    /// The breakers' permission and a credential. At last, credentials that rest are waited for, once.
    async fn permit(&self) -> Result<(Pass, Option<usize>), Failure> {
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

    fn permit_now(&self) -> Result<(Pass, Option<usize>), Failure> {
        let pass = Pass::ask(self.upstream, &self.model, self.last)?;
        match self.credential() {
            Ok(None) => Ok((pass, None)),
            Ok(Some(at)) => {
                let identity = self.upstream.identity(at).map(Arc::clone);
                Ok((pass.with(identity), Some(at)))
            }
            Err(skipped) => {
                pass.give_back();
                Err(skipped)
            }
        }
    }

    async fn attempt(
        &mut self,
        credential: Option<usize>,
        probes: bool,
    ) -> Result<Committed, Failure> {
        let timeouts = &self.upstream.provider.timeouts;
        let began = Instant::now();
        self.job.sent.fetch_add(1, Ordering::Relaxed);
        self.used |= credential.map_or(0, credential::bit);
        let attempt = Try {
            job: self.job,
            upstream: self.upstream,
            model: &self.step.model,
            authorization: credential.and_then(|at| self.upstream.authorization(at)),
            timeouts: self
                .rule
                .map_or(*timeouts, |rule| rule.timeouts.over(timeouts)),
            anew: probes,
        };
        let outcome = attempt.run().await;
        let class = outcome.as_ref().err().map(|failure| failure.class);
        let took = began.elapsed();
        self.note(Attempt::new(self.job, self.step, class, took));
        // A stream that is held until it is whole says nothing of when it began.
        if outcome.is_ok() && !self.job.terms.hold {
            self.model.latency(self.job.stream).note(took);
        }
        outcome
    }

    /// How long to wait before the target is asked again; `None`: it is not.
    fn pause(&self, failure: &Failure, retries: &mut u32) -> Option<Duration> {
        if self.job.is_spent() {
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
        let pause = match failure.class {
            FailureClass::Reset | FailureClass::ServerError => {
                backoff::pause(&self.retries, *retries, fastrand::u64(..))
            }
            FailureClass::RateLimited => failure
                .retry_after
                .filter(|time| *time <= self.retries.max_retry_after)?,
            FailureClass::Connect
            | FailureClass::FirstTokenTimeout
            | FailureClass::IdleTimeout
            | FailureClass::TotalTimeout
            | FailureClass::Overloaded
            | FailureClass::ProtocolError
            | FailureClass::BadCredential
            | FailureClass::ContextTooLong
            | FailureClass::ContentFiltered
            | FailureClass::BadRequest
            | FailureClass::ClientGone
            | FailureClass::Unavailable => return None,
        };
        let in_time = Instant::now() + pause < self.job.deadline;
        let permitted = *retries < self.retries.max_retries
            && in_time
            && self.upstream.health.retries.withdraw(clock::uptime());
        *retries += 1;
        permitted.then_some(pause)
    }

    fn skip(&mut self, skipped: Failure) -> Failure {
        // What is skipped at last was skipped before, and is in the list.
        if !self.last {
            self.note(Attempt {
                skip: skipped.skip,
                ..Attempt::new(self.job, self.step, Some(skipped.class), Duration::ZERO)
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

    fn hold(&mut self, hold: Hold) {
        if let Some(answered) = self.attempts.last_mut() {
            answered.hold = Some(hold);
        }
    }
}

fn sentence(problem: Problem) -> &'static str {
    match problem {
        Problem::NotFound => "its LLMProvider does not exist",
        Problem::NotPermitted => "its LLMProvider does not admit this namespace",
        Problem::ModelNotOffered => "its LLMProvider does not offer the model",
    }
}
