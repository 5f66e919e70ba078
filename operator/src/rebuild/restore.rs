//! Restore: what somebody else made of the index is written anew, as soon as the watch shows it.

use std::time::Duration;

use fairlead_snapshot::{ObjectName, names};
use tokio::time::Instant;

use super::{Leadership, Rebuild};
use crate::live::{Live, LiveError};

/// How often that is done at most: two that write one index would never end.
const BETWEEN: Duration = Duration::from_secs(5);

impl Rebuild {
    /// Whether the watch shows an index that this leader did not write. It may only be late.
    pub(super) fn is_contested(&self, led: &Leadership) -> bool {
        let Some((_, ours)) = &led.live.index else {
            // It is written as soon as there is something to publish, and one that is there by then is found out.
            return false;
        };
        let recent = led
            .restored
            .is_some_and(|restored| restored.elapsed() < BETWEEN);
        let name = names::index(&self.publisher.gateway_name);
        let name = ObjectName::new(&self.publisher.namespace, name);
        let seen = self.watched.index.get(&name);
        !recent && seen.is_none_or(|seen| is_later(&seen, ours))
    }

    /// Asks the API server itself, and restores what somebody else changed.
    pub(super) async fn restore_if_changed(&self, led: &mut Leadership) -> Result<(), LiveError> {
        let Some((_, version)) = &led.live.index else {
            return Ok(());
        };
        if self.publisher.is_live(version).await? {
            return Ok(());
        }
        self.restore(led).await
    }

    /// Takes for live what somebody else made of it, so that it is written anew. What this leader published stays the last accepted version of
    /// everything: nobody else says what that was.
    pub(super) async fn restore(&self, led: &mut Leadership) -> Result<(), LiveError> {
        let publisher = &self.publisher;
        let found = Live::read(
            &publisher.client,
            &publisher.namespace,
            &publisher.gateway_name,
        )
        .await?;
        tracing::warn!("what is published was changed by someone else; it is written anew");
        led.restored = Some(Instant::now());
        led.damaged = true;
        let before = std::mem::replace(&mut led.live, Live::nothing());
        let remembered = before.snapshot.is_some();
        led.live = Live {
            generation: found.generation.max(before.generation),
            index: found.index,
            snapshot: before.snapshot.or(found.snapshot),
            // What a newer version wrote is not ours to write over.
            lost: found.lost.filter(|lost| lost.is_newer() || !remembered),
        };
        Ok(())
    }
}

/// Whether one version of an object is later than another. They are numbers that rise; should they be something else, any other is later.
fn is_later(version: &str, than: &str) -> bool {
    match (version.parse::<u64>(), than.parse::<u64>()) {
        (Ok(version), Ok(than)) => version > than,
        _ => version != than,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_is_late_shows_nothing_new() {
        assert!(!is_later("9", "10"));
        assert!(!is_later("10", "10"));
        assert!(is_later("11", "10"));
        assert!(is_later("x", "10"));
    }
}
