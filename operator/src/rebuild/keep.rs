//! Keep: put back what somebody took away, and take away, a little at a time, what nobody can want any more.

use std::collections::BTreeSet;

use fairlead_snapshot::{Credentials, Snapshot};
use tokio::time::Instant;

use super::{Leadership, Rebuild, TIDY};
use crate::error::Chain;
use crate::live::LiveError;

/// How many shards that the live index does not name are kept for gateways that are behind.
const MOST_SHARDS: usize = 500;
/// The same of credentials.
const MOST_CREDENTIALS: usize = 2000;
/// How many shards are deleted at a time, or more if more were written.
const AT_A_TIME: usize = 64;

impl Rebuild {
    /// What there is, and what of it the live index names.
    pub(super) async fn look(&self, led: &mut Leadership) -> kube::Result<()> {
        let (publisher, generation) = (&self.publisher, led.live.generation);
        let there = publisher.list_shards().await?;
        let index = led.live.index.as_ref();
        let named = index.map(|(index, _)| publisher.named(index));
        led.shards
            .seen(there, named.unwrap_or_default(), generation, Instant::now());
        let ids = led.live.snapshot.as_deref().map(ids).unwrap_or_default();
        publisher.look_into(&mut led.vault, ids, generation).await
    }

    /// Failures here harm nobody and are seen again in half a minute.
    pub(super) async fn tidy(&self, led: &mut Leadership, credentials: &Credentials) {
        if led.tidied.elapsed() < TIDY {
            return;
        }
        led.tidied = Instant::now();
        self.token().await;
        self.store_password().await;
        if let Err(error) = self.put_back(led).await {
            tracing::warn!(error = %Chain(&error), "cannot look at what is published");
            return;
        }
        let generation = led.live.generation;
        let kept = self.publisher.keep(&mut led.vault, credentials, generation);
        if let Err(error) = kept.await {
            tracing::warn!(error = %Chain(&error), "cannot put back the credentials");
        }
    }

    async fn put_back(&self, led: &mut Leadership) -> kube::Result<()> {
        self.look(led).await?;
        let Some((_, version)) = &led.live.index else {
            return Ok(());
        };
        if self.publisher.is_live(version).await? && led.shards.is_whole() {
            return Ok(());
        }
        let LiveError::Api(error) = match self.restore(led).await {
            Ok(()) => {
                self.watched.changed.notify_one();
                return self.look(led).await;
            }
            Err(error) => error,
        };
        Err(error)
    }

    /// Without the token nobody but the operator knows what gateways enforce, so it holds nothing up.
    pub(super) async fn token(&self) {
        let replicas = self.replicas.borrow().clone();
        let all_read_it =
            !replicas.is_empty() && replicas.iter().all(|replica| replica.reads_admin_secret);
        if let Err(error) = self.publisher.token(all_read_it).await {
            tracing::warn!(error = %Chain(&error), "cannot keep the token of the admin ports; it is tried again");
        }
    }

    /// Without the password the store and the gateways do not start; what is published does not depend on it.
    pub(super) async fn store_password(&self) {
        if !self.args.store_password {
            return;
        }
        if let Err(error) = self.publisher.store_password().await {
            tracing::warn!(error = %Chain(&error), "cannot keep the password of the store of counters; it is tried again");
        }
    }

    /// Takes away some of what nobody can want any more. Failures harm nobody; there is a next time.
    pub(super) async fn collect(&mut self) {
        let held = !*self.leading.borrow() || self.trouble.borrow().is_some();
        let Some(mut led) = self.led.take() else {
            return;
        };
        let held = held || led.live.lost.is_some() || self.held.borrow().is_some();
        if !held && let Err(error) = self.collect_from(&mut led).await {
            tracing::warn!(error = %Chain(&*error), "cannot take away what nobody reads any more");
        }
        let count = |count| i64::try_from(count).unwrap_or(i64::MAX);
        let metrics = &self.metrics;
        metrics.shards_unread.set(count(led.shards.unread()));
        let credentials = led.vault.things.unread();
        metrics.credentials_unread.set(count(credentials));
        self.led = Some(led);
    }

    async fn collect_from(
        &self,
        led: &mut Leadership,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let (lowest, now) = (self.lowest(), Instant::now());
        let mut due = led.shards.due(lowest, MOST_SHARDS, now);
        due.truncate(AT_A_TIME.max(led.written * 2));
        if !due.is_empty() {
            let deleted = self.publisher.delete_shards(&due, &mut led.shards).await?;
            self.metrics.shards_deleted.inc_by(deleted);
        }
        let due = led.vault.things.due(lowest, MOST_CREDENTIALS, now);
        if !due.is_empty() {
            self.publisher.forget(&mut led.vault, &due).await?;
        }
        Ok(())
    }

    /// The lowest generation that a ready gateway enforces; none of them ever goes back. A gateway that has not said so yet may enforce any. Where
    /// no gateway is ready, nobody is behind.
    fn lowest(&self) -> u64 {
        let replicas = self.replicas.borrow();
        let enforced = replicas.iter().map(|replica| replica.enforces);
        enforced
            .map(Option::unwrap_or_default)
            .min()
            .unwrap_or(u64::MAX)
    }
}

/// The values that a snapshot names.
fn ids(snapshot: &Snapshot) -> BTreeSet<String> {
    let providers = snapshot.providers.values();
    let values = providers.flat_map(|provider| provider.values());
    values.map(|(_, id)| id.to_string()).collect()
}
