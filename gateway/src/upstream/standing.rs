//! How a provider stands just now: its limit, and which of its credentials can be used.

use std::sync::Arc;

use fairlead_health::{CredentialHealth, CredentialState};
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

    /// How a credential does.
    #[must_use]
    pub fn credential_health(&self, credential: usize) -> Option<&Arc<CredentialHealth>> {
        self.credentials.get(credential)
    }

    /// Whether a credential neither rests nor is benched.
    #[must_use]
    pub fn is_ready(&self, credential: usize) -> bool {
        let health = self.credential_health(credential);
        health.is_some_and(|health| health.ready(clock::uptime()).is_ok())
    }

    /// Takes a credential; of a benched one whose pause is over one asker has it.
    #[must_use]
    pub fn admits(&self, credential: usize) -> bool {
        let health = self.credential_health(credential);
        health.is_some_and(|health| health.admit(clock::uptime()).is_ok())
    }

    /// The failure of having no credential that is ready: refused ones count as refused, if there is none that only rests.
    #[must_use]
    pub fn resting(&self) -> Failure {
        let now = clock::uptime();
        let states = || self.credentials.iter().map(|health| health.state(now));
        let rests = states().any(|(state, _)| state == CredentialState::Resting);
        let (skip, class) = if rests {
            (Skip::Resting, FailureClass::RateLimited)
        } else {
            (Skip::Benched, FailureClass::BadCredential)
        };
        let soonest = states().filter_map(|(_, until)| until).min();
        let failure = Failure::skipped(skip, class);
        match soonest {
            Some(until) => failure.again_after(until.saturating_sub(now)),
            None => failure,
        }
    }
}
