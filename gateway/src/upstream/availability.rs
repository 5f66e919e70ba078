//! How a provider stands just now: its limit, and which of its credentials can be used.

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::{Asker, CredentialHealth, CredentialState, ModelHealth, Trial};
use fairlead_route::{Candidate, Table, Vitals};
use fairlead_snapshot::{FailureClass, Overflow};

use super::Upstream;
use super::authorization::Shown;
use crate::failure::{Failure, Skip};

impl Upstream {
    /// The most requests at a time.
    #[must_use]
    pub(crate) fn limit(&self) -> u32 {
        let most = self.provider.concurrency.map(|limit| limit.max_in_flight);
        match self.adaptive() {
            Some(most) => self.health.limit.get(most),
            None => most.unwrap_or(u32::MAX),
        }
    }

    /// What an adaptive limit may grow to; `None`: the limit is fixed, or there is none.
    #[must_use]
    pub(crate) fn adaptive(&self) -> Option<u32> {
        let limit = self.provider.concurrency.filter(|limit| limit.adaptive)?;
        Some(limit.max_in_flight)
    }

    /// What makes a credential the same one after an edit.
    #[must_use]
    pub(crate) fn identity(&self, credential: usize) -> Option<&Arc<str>> {
        self.identities.get(credential)
    }

    /// How many accounts it is asked with, at least one.
    #[must_use]
    pub(crate) fn accounts(&self) -> usize {
        let credentials = self.provider.credentials.iter().zip(&self.shown);
        let usable =
            credentials.filter(|(credential, shown)| credential.weight > 0 && shown.is_usable());
        usable.count().max(1)
    }

    /// How much of its share of the requests a target here may have now, in thousandths; nothing while it is down, full, or its credentials
    /// are to be left alone.
    #[must_use]
    pub(crate) fn standing(&self, table: &Table, target: Candidate<'_>, asker: Asker) -> u32 {
        let model = self.health.known(target.model);
        self.share(table, target, model.as_deref(), asker)
    }

    /// The same, with what has been measured, for an answer that is streamed or will have about so many tokens.
    #[must_use]
    pub(crate) fn vitals(
        &self,
        table: &Table,
        target: Candidate<'_>,
        asker: Asker,
        stream: bool,
        tokens: u32,
    ) -> Vitals {
        let model = self.health.known(target.model);
        let share = self.share(table, target, model.as_deref(), asker);
        let queued = self.gate.queued();
        let Some(model) = model else {
            // Of the model nothing is kept, but how many there are at the provider is known: while any is, no more are sent to find out.
            let busy = self.gate.in_flight().saturating_add(queued);
            return Vitals {
                share,
                busy,
                waiting: busy,
                ..Vitals::UNKNOWN
            };
        };
        let read = model.tempo.read(self.now(), stream, tokens);
        let expected = read.expected.map(|time| time.as_micros());
        Vitals {
            share,
            busy: read.busy.saturating_add(queued),
            waiting: read.waiting.saturating_add(queued),
            expected: expected.map(|micros| u64::try_from(micros).unwrap_or(u64::MAX)),
            stale: read.stale,
        }
    }

    fn share(
        &self,
        table: &Table,
        target: Candidate<'_>,
        model: Option<&ModelHealth>,
        asker: Asker,
    ) -> u32 {
        let (now, policy) = (self.now(), &self.provider.health);
        let reach = self.health.reach.breaker.share(now, policy, asker);
        let answers = model.map_or(1000, |model| {
            model.answers.breaker.share(now, policy, asker)
        });
        let ready = |at| self.is_ready(model, at, asker);
        let is_empty = self
            .servers()
            .is_some_and(|servers| servers.all().is_empty());
        if is_empty
            || self.is_full()
            || !table.has_credential(target.provider, target.requested, ready)
        {
            return 0;
        }
        reach * answers / 1000
    }

    /// Whether a request would neither be let in nor find a place in line, and goes on to another target for that.
    fn is_full(&self) -> bool {
        let Some(concurrency) = self.provider.concurrency else {
            return false;
        };
        let crowded = match concurrency.overflow {
            Overflow::Queue(queue) => self.gate.queued() >= queue.length,
            Overflow::Fallback => true,
            Overflow::Reject => false,
        };
        crowded && self.gate.in_flight() >= self.limit()
    }

    /// Whether there is a value to send, and it neither rests nor is benched at a model.
    #[must_use]
    pub(crate) fn is_ready(
        &self,
        model: Option<&ModelHealth>,
        credential: usize,
        asker: Asker,
    ) -> bool {
        let ready = || {
            let now = self.now();
            self.troubled(model, credential)
                .is_none_or(|health| health.ready(now, asker).is_ok())
        };
        let shown = self.shown.get(credential);
        shown.is_some_and(Shown::is_usable) && ready()
    }

    /// Takes a credential; of a benched one whose pause is over one asker has it, as a trial. `None`: somebody else has it.
    #[must_use]
    pub(crate) fn admits(
        &self,
        model: Option<&ModelHealth>,
        credential: usize,
        asker: Asker,
    ) -> Option<Option<Trial>> {
        match self.troubled(model, credential) {
            None => Some(None),
            Some(health) => health.admit(self.now(), asker).ok(),
        }
    }

    /// How a credential does at a model and for how much longer, if there ever was anything wrong with it.
    #[must_use]
    pub(crate) fn credential_state(
        &self,
        model: Option<&ModelHealth>,
        credential: usize,
    ) -> Option<(CredentialState, Option<Duration>)> {
        let now = self.now();
        let (state, until) = self.troubled(model, credential)?.state(now);
        Some((state, until.map(|until| until.saturating_sub(now))))
    }

    /// The failure of having no credential that is ready: refused ones count as refused, if there is none that only rests; where neither is
    /// the reason, there is no value to send.
    #[must_use]
    pub(crate) fn resting(&self, model: Option<&ModelHealth>) -> Failure {
        let states =
            || (0..self.identities.len()).filter_map(|at| self.credential_state(model, at));
        let any = |wanted| states().any(|(state, _)| state == wanted);
        let (skip, class) = if any(CredentialState::Resting) {
            (Skip::Resting, FailureClass::RateLimited)
        } else if any(CredentialState::Benched) {
            (Skip::Benched, FailureClass::BadCredential)
        } else {
            (Skip::Unusable, FailureClass::Unavailable)
        };
        let failure = Failure::skipped(skip, class);
        match states().filter_map(|(_, rest)| rest).min() {
            Some(rest) => failure.again_after(rest),
            None => failure,
        }
    }

    fn troubled(
        &self,
        model: Option<&ModelHealth>,
        credential: usize,
    ) -> Option<Arc<CredentialHealth>> {
        model?.credentials.get(self.identity(credential)?)
    }
}
