//! Five failed sign-ins a minute from one place: a guess costs twelve seconds. A try is counted before anybody is asked, so that a hundred at once
//! are no more than five, and given back when it turns out good.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

/// So many failures of one place in [`WINDOW`].
const MOST: u32 = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// So many places are remembered; those that come then share one.
const PLACES: usize = 1_024;
/// From a place with too many failures a token that comes with a request is still looked at, this often.
const EVEN_SO: Duration = Duration::from_secs(1);
/// So many tokens that were good are remembered, each for so long since: they are no guesses.
const GOOD: usize = 1_024;
const GOOD_FOR: Duration = Duration::from_secs(600);

/// Failures, by where they came from.
#[derive(Debug, Default)]
pub(crate) struct Tries {
    failures: Mutex<HashMap<Option<IpAddr>, Failures>>,
    good: Mutex<HashMap<[u8; 32], Instant>>,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Instant,
    count: u32,
    /// When a token was looked at even so.
    even_so: Option<Instant>,
}

/// A try that is counted as a failure unless it is given back.
#[derive(Debug)]
#[must_use]
pub(crate) struct Try<'a> {
    /// Nothing is to be given back where nothing was counted.
    counted: Option<(&'a Tries, Option<IpAddr>)>,
}

impl Tries {
    /// One more try from this place; or how long it has to wait.
    pub(crate) fn begin(&self, from: Option<IpAddr>) -> Result<Try<'_>, Duration> {
        let mut all = self.failures.lock();
        all.retain(|_, failures| failures.since.elapsed() < WINDOW);
        let place = known(&all, place(from));
        let failures = all.entry(place).or_insert_with(|| Failures {
            since: Instant::now(),
            count: 0,
            even_so: None,
        });
        if failures.count >= MOST {
            return Err(WINDOW.saturating_sub(failures.since.elapsed()));
        }
        failures.count += 1;
        Ok(Try {
            counted: Some((self, place)),
        })
    }

    /// The same of a token that comes with a request, as a program sends it: one that was good lately is no guess, and others from there keep
    /// none out that turns out good.
    pub(crate) fn begin_shown(
        &self,
        from: Option<IpAddr>,
        token: &str,
    ) -> Result<Try<'_>, Duration> {
        let was_good = self
            .good
            .lock()
            .get(&digest(token))
            .is_some_and(|at| at.elapsed() < GOOD_FOR);
        if was_good {
            return Ok(Try { counted: None });
        }
        let wait = match self.begin(from) {
            Ok(begun) => return Ok(begun),
            Err(wait) => wait,
        };
        let mut all = self.failures.lock();
        let place = known(&all, place(from));
        let failures = all.get_mut(&place).ok_or(wait)?;
        if failures.even_so.is_some_and(|at| at.elapsed() < EVEN_SO) {
            return Err(wait);
        }
        failures.even_so = Some(Instant::now());
        Ok(Try { counted: None })
    }

    /// Remembers whether a token that came with a request was good.
    pub(crate) fn shown(&self, token: &str, is_good: bool) {
        let (digest, mut good) = (digest(token), self.good.lock());
        if !is_good {
            good.remove(&digest);
            return;
        }
        if good.len() >= GOOD {
            good.retain(|_, at| at.elapsed() < GOOD_FOR);
        }
        if good.len() < GOOD || good.contains_key(&digest) {
            good.insert(digest, Instant::now());
        }
    }
}

impl Try<'_> {
    /// It was no failure.
    pub(crate) fn forgive(self) {
        let Some((tries, place)) = self.counted else {
            return;
        };
        if let Some(failures) = tries.failures.lock().get_mut(&place) {
            failures.count = failures.count.saturating_sub(1);
        }
    }
}

fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token).into()
}

/// A place that there is room for.
fn known(all: &HashMap<Option<IpAddr>, Failures>, place: Option<IpAddr>) -> Option<IpAddr> {
    (all.contains_key(&place) || all.len() < PLACES)
        .then_some(place)
        .flatten()
}

/// Whoever has one address of IPv6 has at least 2^64 of them.
fn place(from: Option<IpAddr>) -> Option<IpAddr> {
    match from? {
        IpAddr::V4(four) => Some(IpAddr::V4(four)),
        IpAddr::V6(six) => match six.to_ipv4_mapped() {
            Some(four) => Some(IpAddr::V4(four)),
            None => Some(IpAddr::V6((u128::from(six) >> 64 << 64).into())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([10, 0, 0, last]))
    }

    fn waits(tries: &Tries, from: Option<IpAddr>) -> Option<Duration> {
        match tries.begin(from) {
            Ok(begun) => {
                begun.forgive();
                None
            }
            Err(wait) => Some(wait),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn five_failures_a_minute_and_nobody_else_waits_for_them() {
        let tries = Tries::default();
        for _ in 0..MOST {
            assert_eq!(waits(&tries, at(1)), None);
            drop(tries.begin(at(1)));
        }
        assert_eq!(waits(&tries, at(1)), Some(WINDOW));
        assert_eq!(waits(&tries, at(2)), None);
        tokio::time::advance(WINDOW).await;
        assert_eq!(waits(&tries, at(1)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hundred_tries_at_once_are_no_more_than_five() {
        let tries = Tries::default();
        let begun: Vec<_> = (0..100).map(|_| tries.begin(at(1))).collect();
        assert_eq!(begun.iter().filter(|begun| begun.is_ok()).count(), 5);
        for one in begun.into_iter().flatten() {
            one.forgive();
        }
        assert_eq!(waits(&tries, at(1)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_failures_of_others_keep_no_good_token_out() {
        let tries = Tries::default();
        for _ in 0..MOST {
            drop(tries.begin(at(1)));
        }
        // Looked at once a second, for it may be good; and then it is no guess any more.
        assert!(tries.begin_shown(at(1), "good").is_ok());
        assert!(tries.begin_shown(at(1), "good").is_err());
        tries.shown("good", true);
        for _ in 0..10 {
            assert!(tries.begin_shown(at(1), "good").is_ok());
        }
        assert!(tries.begin_shown(at(1), "guess").is_err());
        tokio::time::advance(EVEN_SO).await;
        assert!(tries.begin_shown(at(1), "guess").is_ok());
        tries.shown("good", false);
        assert!(tries.begin_shown(at(1), "good").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn places_without_end_fill_no_memory_and_share_what_is_left() {
        let tries = Tries::default();
        for at in 0..u32::try_from(3 * PLACES).unwrap() {
            drop(tries.begin(Some(IpAddr::V4(at.into()))));
        }
        assert!(tries.failures.lock().len() <= PLACES + 1);
        assert!(tries.begin(Some(IpAddr::from([255, 0, 0, 1]))).is_err());
        for at in 0..3 * GOOD {
            tries.shown(&at.to_string(), true);
        }
        assert_eq!(tries.good.lock().len(), GOOD);
    }

    #[tokio::test(start_paused = true)]
    async fn one_network_of_ipv6_is_one_place() {
        let tries = Tries::default();
        for last in 0..MOST {
            let address: IpAddr = format!("2001:db8::{last}").parse().unwrap();
            drop(tries.begin(Some(address)));
        }
        assert!(tries.begin("2001:db8::ffff".parse().ok()).is_err());
        assert!(tries.begin("2001:db8:0:1::1".parse().ok()).is_ok());
    }
}
