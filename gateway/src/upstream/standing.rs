//! How a provider stands just now: its limit, and which of its credentials can be used.

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::{CredentialHealth, CredentialState, ModelHealth};
use fairlead_snapshot::FailureClass;

use super::Upstream;
use crate::clock;
use crate::failure::{Failure, Skip};

impl Upstream {
    /// The most requests at a time.
    #[must_use]
    pub fn limit(&self) -> u32 {
        let most = self.provider.concurrency.map(|limit| limit.max_in_flight);
        match self.adaptive() {
            Some(most) => self.health.limit.get(most),
            None => most.unwrap_or(u32::MAX),
        }
    }

    /// What an adaptive limit may grow to; `None`: the limit is fixed, or there is none.
    #[must_use]
    pub fn adaptive(&self) -> Option<u32> {
        let limit = self.provider.concurrency.filter(|limit| limit.adaptive)?;
        Some(limit.max_in_flight)
    }

    /// What makes a credential the same one after an edit.
    #[must_use]
    pub fn identity(&self, credential: usize) -> Option<&Arc<str>> {
        self.identities.get(credential)
    }

    /// Whether there is a value to send, and it neither rests nor is benched at a model.
    #[must_use]
    pub fn is_ready(&self, model: &ModelHealth, credential: usize) -> bool {
        let ready = || {
            let now = clock::uptime();
            self.troubled(model, credential)
                .is_none_or(|health| health.ready(now).is_ok())
        };
        let value = self.authorizations.get(credential);
        value.is_some_and(Option::is_some) && ready()
    }

    /// Takes a credential; of a benched one whose pause is over one asker has it.
    #[must_use]
    pub fn admits(&self, model: &ModelHealth, credential: usize) -> bool {
        let now = clock::uptime();
        self.troubled(model, credential)
            .is_none_or(|health| health.admit(now).is_ok())
    }

    /// How a credential does at a model and for how much longer, if there ever was anything wrong with it.
    #[must_use]
    pub fn credential_state(
        &self,
        model: &ModelHealth,
        credential: usize,
    ) -> Option<(CredentialState, Option<Duration>)> {
        let now = clock::uptime();
        let (state, until) = self.troubled(model, credential)?.state(now);
        Some((state, until.map(|until| until.saturating_sub(now))))
    }

    /// The failure of having no credential that is ready: refused ones count as refused, if there is none that only rests; where neither is
    /// the reason, there is no value to send.
    #[must_use]
    pub fn resting(&self, model: &ModelHealth) -> Failure {
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

    fn troubled(&self, model: &ModelHealth, credential: usize) -> Option<Arc<CredentialHealth>> {
        model.credentials.get(self.identity(credential)?)
    }
}
