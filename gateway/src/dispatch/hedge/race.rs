//! Two attempts side by side: who wins, who is waited for, who is dropped. Knows nothing of attempts but how they ended.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// How a race ended.
#[derive(Debug, PartialEq)]
pub(super) enum Raced<T> {
    /// The first was over before a second began.
    Alone(T),
    /// The first won, or ended it; the second was dropped.
    First(T),
    /// The second won; the first was dropped.
    Second(T),
    /// Neither was dropped: both failed, or one failed and the other then won.
    Both(T, T),
}

/// What a race needs to know of an outcome.
pub(super) trait Racer {
    /// Whether it is an answer.
    fn won(&self) -> bool;
    /// Whether it is a failure after which nobody else is to be asked.
    fn ends_all(&self) -> bool;
}

/// Runs `first`, and beside it `second` once `delay` is over, with the permission for it, if it `may`.
pub(super) async fn race<T: Racer, P, S: Future<Output = T>>(
    first: impl Future<Output = T>,
    delay: Duration,
    may: impl FnOnce() -> Option<P>,
    second: impl FnOnce(P) -> S,
) -> Raced<T> {
    let mut first = pin!(first);
    if let Ok(done) = tokio::time::timeout(delay, first.as_mut()).await {
        return Raced::Alone(done);
    }
    let Some(permission) = may() else {
        return Raced::Alone(first.await);
    };
    let mut second = pin!(second(permission));
    tokio::select! {
        biased;
        one = first.as_mut() => {
            if one.won() || one.ends_all() {
                return Raced::First(one);
            }
            Raced::Both(one, second.await)
        }
        two = second.as_mut() => {
            if two.won() {
                return Raced::Second(two);
            }
            let one = first.await;
            // The second has been told of already; that it came first is of no interest to the caller.
            Raced::Both(one, two)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    use tokio::time::Instant;

    #[derive(Debug, PartialEq, Clone, Copy)]
    enum End {
        Won,
        Failed,
        Refused,
    }

    impl Racer for End {
        fn won(&self) -> bool {
            *self == Self::Won
        }

        fn ends_all(&self) -> bool {
            *self == Self::Refused
        }
    }

    async fn after(seconds: u64, end: End) -> End {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
        end
    }

    /// The outcome and the seconds it took; the delay is 10 s.
    async fn raced(first: (u64, End), second: (u64, End)) -> (Raced<End>, u64) {
        let began = Instant::now();
        let raced = race(
            after(first.0, first.1),
            Duration::from_secs(10),
            || Some(()),
            |()| after(second.0, second.1),
        )
        .await;
        (raced, began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_to_commit_wins_and_the_other_is_not_waited_for() {
        use End::{Failed, Refused, Won};
        let table = [
            ((5, Won), (1, Won), Raced::Alone(Won), 5),
            ((5, Failed), (1, Won), Raced::Alone(Failed), 5),
            ((15, Won), (60, Won), Raced::First(Won), 15),
            ((60, Won), (5, Won), Raced::Second(Won), 15),
            ((60, Won), (5, Failed), Raced::Both(Won, Failed), 60),
            ((60, Won), (5, Refused), Raced::Both(Won, Refused), 60),
            ((15, Failed), (10, Won), Raced::Both(Failed, Won), 20),
            ((15, Refused), (10, Won), Raced::First(Refused), 15),
            ((15, Failed), (10, Failed), Raced::Both(Failed, Failed), 20),
        ];
        for (first, second, end, seconds) in table {
            assert_eq!(
                raced(first, second).await,
                (end, seconds),
                "{first:?} {second:?}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_that_may_not_is_never_started() {
        let started = Cell::new(false);
        let second = |()| async {
            started.set(true);
            End::Won
        };
        let delay = Duration::from_secs(10);
        let raced = race(after(20, End::Won), delay, || None, second).await;
        assert_eq!((raced, started.get()), (Raced::Alone(End::Won), false));
    }
}
