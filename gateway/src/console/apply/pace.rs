//! How often somebody may write: each of it is two questions to the API server and a line of the audit.

use std::collections::HashMap;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// So many of one user in [`WINDOW`].
const MOST: u32 = 30;
const WINDOW: Duration = Duration::from_secs(60);
/// So many users are remembered; those who come then wait.
const USERS: usize = 1_024;

/// How many of each user, and since when.
#[derive(Debug, Default)]
pub(super) struct Paces(Mutex<HashMap<String, (Instant, u32)>>);

impl Paces {
    /// One more of this user.
    ///
    /// # Errors
    /// After how many seconds it may be.
    pub(super) fn take(&self, user: &str) -> Result<(), u64> {
        let mut all = self.0.lock();
        all.retain(|_, (since, _)| since.elapsed() < WINDOW);
        let left = |since: Instant| WINDOW.saturating_sub(since.elapsed()).as_secs().max(1);
        if let Some((since, count)) = all.get_mut(user) {
            if *count >= MOST {
                return Err(left(*since));
            }
            *count += 1;
            return Ok(());
        }
        if all.len() >= USERS {
            return Err(WINDOW.as_secs());
        }
        all.insert(user.to_owned(), (Instant::now(), 1));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_writes_on_has_to_wait_and_nobody_else_has_to() {
        let paces = Paces::default();
        for _ in 0..MOST {
            paces.take("jane").unwrap();
        }
        tokio::time::advance(WINDOW / 2).await;
        assert_eq!(paces.take("jane"), Err(30));
        paces.take("joe").unwrap();
        tokio::time::advance(WINDOW / 2).await;
        paces.take("jane").unwrap();
        assert_eq!(paces.0.lock().len(), 2);
    }
}
