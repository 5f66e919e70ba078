//! The credentials of one model that have been throttled or refused. One that never was has no entry, so a healthy model costs a request a
//! single look at a count.
//!
//! By model, and not for a provider as a whole: rate limits are counted by model, and a credential that may not use one model may use the
//! others. A caller who asks for a model that the account does not have must not stop everybody else.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::RwLock;

use crate::rest::{CredentialHealth, CredentialState};

/// Values change, and old ones stay behind: beyond this many those that are usable again are forgotten.
const MANY: usize = 64;

/// How the credentials of a model do.
#[derive(Debug, Default)]
pub struct Credentials {
    count: AtomicUsize,
    known: RwLock<HashMap<Arc<str>, Arc<CredentialHealth>>>,
}

impl Credentials {
    /// How a credential does; `None`: there was never anything wrong with it. The identity tells one value from another.
    #[must_use]
    pub fn get(&self, identity: &str) -> Option<Arc<CredentialHealth>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        self.known.read().get(identity).map(Arc::clone)
    }

    /// The entry of a credential with which something is wrong now.
    #[must_use]
    pub fn trouble(&self, identity: &Arc<str>, now: Duration) -> Arc<CredentialHealth> {
        let mut known = self.known.write();
        if known.len() >= MANY {
            known.retain(|_, health| health.state(now).0 != CredentialState::Usable);
        }
        let health = Arc::clone(known.entry(Arc::clone(identity)).or_default());
        self.count.store(known.len(), Ordering::Release);
        health
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asker::Asker;

    #[test]
    fn a_credential_is_known_from_its_first_trouble_on() {
        let credentials = Credentials::default();
        let (one, two): (Arc<str>, Arc<str>) = ("one 1".into(), "one 2".into());
        assert!(credentials.get(&one).is_none());
        credentials
            .trouble(&one, Duration::ZERO)
            .refused(Duration::ZERO);
        let known = credentials.get(&one).unwrap();
        assert!(known.ready(Duration::ZERO, Asker::ONE).is_err());
        assert!(
            credentials.get(&two).is_none(),
            "a renewed value is another"
        );
    }

    #[test]
    fn values_of_old_are_forgotten() {
        let credentials = Credentials::default();
        for number in 0..1_000 {
            let identity: Arc<str> = format!("one {number}").into();
            let now = Duration::from_secs(number);
            credentials
                .trouble(&identity, now)
                .throttled(now, Duration::from_secs(1));
        }
        assert!(credentials.known.read().len() <= MANY);
    }
}
