//! Answers that are good for some seconds, and no more of them than there is room for.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Answers, by what was asked.
#[derive(Debug)]
pub(super) struct Kept<K, V> {
    room: usize,
    all: Mutex<HashMap<K, (Instant, V)>>,
}

impl<K: Eq + Hash + Clone, V: Clone> Kept<K, V> {
    /// Room for so many.
    #[must_use]
    pub(super) fn of(room: usize) -> Self {
        Self {
            room: room.max(1),
            all: Mutex::default(),
        }
    }

    /// What was answered, if that is not longer ago.
    #[must_use]
    pub(super) fn get(&self, asked: &K, holds: Duration) -> Option<V> {
        let all = self.all.lock();
        let (since, answer) = all.get(asked)?;
        (since.elapsed() < holds).then(|| answer.clone())
    }

    /// Keeps an answer to what was asked then; the oldest gives way.
    pub(super) fn keep(&self, asked: K, answer: V, since: Instant) {
        let mut all = self.all.lock();
        if all.len() >= self.room && !all.contains_key(&asked) {
            let oldest = all.iter().min_by_key(|(_, (since, _))| *since);
            let oldest = oldest.map(|(key, _)| key.clone());
            oldest.and_then(|key| all.remove(&key));
        }
        all.insert(asked, (since, answer));
    }

    /// Forgets what is longer ago.
    pub(super) fn sweep(&self, holds: Duration) {
        self.all
            .lock()
            .retain(|_, (since, _)| since.elapsed() < holds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_holds_for_some_seconds_and_the_oldest_gives_way() {
        let kept = Kept::of(2);
        let holds = Duration::from_secs(10);
        for key in 0..3 {
            kept.keep(key, key, Instant::now());
            tokio::time::advance(Duration::from_secs(4)).await;
        }
        assert_eq!(
            [0, 1, 2].map(|key| kept.get(&key, holds)),
            [None, Some(1), Some(2)]
        );
        tokio::time::advance(Duration::from_secs(2)).await;
        assert_eq!(kept.get(&1, holds), None);
        kept.sweep(holds);
        assert_eq!(kept.all.lock().len(), 1);
    }
}
