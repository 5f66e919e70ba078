//! Changes come in bursts; what follows from them is done once a burst is over.

use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

/// Waits until nothing has changed for `quiet`; a burst that does not end is cut short after `longest`.
pub async fn settled(changed: &Notify, quiet: Duration, longest: Duration) {
    let over = async { while timeout(quiet, changed.notified()).await.is_ok() {} };
    // Cut short or over: either way it is time.
    let _ = timeout(longest, over).await;
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::time::{Instant, sleep};

    use super::*;

    const QUIET: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_millis(500);

    #[tokio::test(start_paused = true)]
    async fn a_burst_is_waited_for_and_one_without_end_is_cut_short() {
        for (changes, ends_ms) in [(0, 50), (3, 170), (1_000, 500)] {
            let changed = Arc::new(Notify::new());
            let began = Instant::now();
            tokio::select! {
                () = settled(&changed, QUIET, LONGEST) => {}
                () = async {
                    for _ in 0..changes {
                        sleep(Duration::from_millis(40)).await;
                        changed.notify_one();
                    }
                    std::future::pending::<()>().await;
                } => {}
            }
            assert_eq!(began.elapsed().as_millis(), ends_ms, "{changes} changes");
        }
    }
}
