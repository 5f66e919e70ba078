//! What stands between a strategy and a target in the gateway: a breaker, and a credential that rests when it was throttled.

use std::time::Duration;

use fairlead_health::rest::CredentialHealth;
use fairlead_health::{Admission, Asker, Breaker, Outcome, Token};
use fairlead_snapshot::Health;

use crate::scenario::Scenario;
use crate::strategy::News;

/// Callers are not told apart.
const ASKER: Asker = Asker::new(1);

/// The guards of all targets, and the permissions of the requests in flight.
pub(crate) struct Guards {
    policy: Health,
    breakers: Vec<Breaker>,
    credentials: Vec<CredentialHealth>,
    tokens: Vec<Option<Token>>,
}

impl Guards {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let count = scenario.targets.len();
        Self {
            policy: Health::default(),
            breakers: (0..count).map(|_| Breaker::default()).collect(),
            credentials: (0..count).map(|_| CredentialHealth::default()).collect(),
            tokens: Vec::new(),
        }
    }

    /// How much of its share a target may have, in thousandths.
    pub(crate) fn share(&self, at: usize, now: Duration) -> u32 {
        if self.credentials[at].ready(now, ASKER).is_err() {
            return 0;
        }
        self.breakers[at].share(now, &self.policy, ASKER)
    }

    /// A request is let through; one that was chosen although its target is down is sent all the same, for there was nobody else.
    pub(crate) fn admit(&mut self, at: usize, slot: usize, now: Duration) {
        if self.tokens.len() <= slot {
            self.tokens.resize(slot + 1, None);
        }
        self.tokens[slot] = match self.breakers[at].admit(now, &self.policy, ASKER) {
            Admission::Allowed(token) | Admission::Probe(token) | Admission::Spared(token) => {
                Some(token)
            }
            Admission::Refused { .. } => None,
        };
    }

    pub(crate) fn tell(&mut self, at: usize, slot: usize, now: Duration, news: News) {
        let outcome = match news {
            News::First { .. } => Outcome::Success,
            News::Fault => Outcome::Failure,
            News::Refused(wait) => {
                self.credentials[at].throttled(now, wait);
                Outcome::Alive
            }
            News::Complete { .. } => return,
        };
        if let Some(token) = self.tokens.get_mut(slot).and_then(Option::take) {
            self.breakers[at].tell(token, outcome, now, &self.policy);
        }
    }
}
