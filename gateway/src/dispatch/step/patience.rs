//! How long the first content of an attempt may take, and what is learned of how long it takes.

use std::time::Duration;

use fairlead_health::ModelHealth;
use fairlead_snapshot::{Dialect, FailureClass};
use memchr::memmem;

use super::{StepRun, origin};
use crate::answer::Committed;
use crate::failure::Failure;

/// Where somebody else can be asked, the first content may take so many times what all but one in a hundred take,
const TIMES_THE_SLOWEST: u32 = 4;
/// but this long whatever they take.
const LEARNED_LEAST: Duration = Duration::from_secs(10);

impl StepRun<'_> {
    /// Notes how long the first content took. One that was cut off for its silence was silent for at least so long: if only the others were
    /// known, what is usual would shrink with every cut.
    pub(super) fn learn(&mut self, outcome: &Result<Committed, Failure>, took: Duration) {
        let failure = outcome.as_ref().err();
        let class = failure.map(|failure| failure.class);
        let cut = class == Some(FailureClass::FirstTokenTimeout) && self.job.stream;
        // A stream that is held until it is whole says nothing of when it began.
        if self.job.policy.hold || !(class.is_none() || cut) {
            if let Some(failure) = failure {
                self.learn_failure(failure, took);
            }
            return;
        }
        if class.is_none() && self.model.is_none() {
            let (health, now) = (&self.upstream.health, self.upstream.now());
            self.model = Some(health.answered(&self.step.model, origin(self.step), now));
        }
        if let Some(model) = &self.model {
            model.latency(self.job.stream).note(took);
            let now = self.upstream.now();
            if class.is_none() {
                self.remember(model);
            }
            match outcome {
                // To count tokens takes no time, and says nothing of how long answers take.
                _ if self.job.operation.is_free() => {}
                Ok(Committed::Whole(whole)) => {
                    let usage = whole.usage.as_ref();
                    let tokens = usage.and_then(|usage| usage.output_tokens);
                    model.tempo.answered(now, took, tokens.unwrap_or(0));
                }
                Ok(Committed::Stream(_)) => model.tempo.streamed(now, took),
                // Of one that is passed on as it comes only the beginning was waited for.
                Ok(Committed::Large(_)) => {}
                Err(_) => model.tempo.failed(now, true, took),
            }
        }
    }

    /// Notes that the conversation was answered here, where that makes its next turn cheaper and somebody asks.
    fn remember(&self, model: &ModelHealth) {
        let minds = self.plan.rule.as_ref().is_some_and(|rule| rule.minds_cost);
        let Some(conversation) = self.step.conversation.filter(|_| minds) else {
            return;
        };
        let dialect = self.upstream.provider.protocol.dialect_of(&self.step.model);
        let body = &self.job.body;
        // These cache what they are told to cache, and nothing else.
        let told = match dialect {
            Dialect::Anthropic => memmem::find(body, b"\"cache_control\"").is_some(),
            Dialect::Converse => memmem::find(body, b"\"cachePoint\"").is_some(),
            Dialect::OpenAi | Dialect::Gemini => true,
        };
        if told {
            let (bytes, now) = (self.job.governed.bytes, self.upstream.now());
            model.conversations.note(conversation, bytes, now);
        }
    }

    /// Notes a failure, as far as it says how long callers wait there: a target that fails fast must not be taken for a quick one.
    fn learn_failure(&self, failure: &Failure, took: Duration) {
        use FailureClass as C;
        let says_nothing = failure.own.is_some() || self.job.operation.is_free();
        let Some(model) = self.model.as_ref().filter(|_| !says_nothing) else {
            return;
        };
        let (now, stream) = (self.upstream.now(), self.job.stream);
        // One server of several is left alone by itself, and callers wait no longer for it.
        let servers = self.upstream.servers();
        if servers.is_some_and(|servers| servers.stands(now)) {
            return;
        }
        if matches!(
            failure.class,
            C::BadRequest | C::ContentFiltered | C::ContextTooLong
        ) {
            model.tempo.refused(now, stream, took);
        } else if matches!(failure.class, C::ClientGone | C::TotalTimeout) {
            model.tempo.silent(now, stream, took);
        } else {
            model.tempo.failed(now, stream, took);
        }
    }

    /// How long the first content, or the first byte of a body, may take.
    pub(super) fn first_within(&self) -> Duration {
        let timeouts = &self.timeouts;
        // What is passed on as it came brings its first event when most of the work is done.
        if !self.job.stream || self.job.operation.is_passed() {
            return timeouts.first_byte;
        }
        let usual = if self.step.reasons {
            timeouts.first_token_reasoning
        } else {
            timeouts.first_token
        };
        let slowest = self
            .model
            .as_ref()
            .filter(|_| timeouts.first_token_learned)
            .and_then(|model| model.latency(true).slowest());
        match slowest.map(learned) {
            Some(learned) if learned < usual && self.others(FailureClass::FirstTokenTimeout) => {
                learned
            }
            _ => usual,
        }
    }
}

/// How long the first content may take where somebody else can be asked and all but one in a hundred take this long at most.
fn learned(slowest: Duration) -> Duration {
    slowest.saturating_mul(TIMES_THE_SLOWEST).max(LEARNED_LEAST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_bounds_the_wait_but_never_under_ten_seconds() {
        for (slowest, bound) in [(1, 10), (2, 10), (3, 12), (60, 240)] {
            let learned = learned(Duration::from_secs(slowest));
            assert_eq!(learned, Duration::from_secs(bound), "{slowest} s");
        }
    }
}
