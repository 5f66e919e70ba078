//! Five failed sign-ins a minute from one place: a guess costs twelve seconds.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// So many failures of one place in [`WINDOW`].
const MOST: u32 = 5;
const WINDOW: Duration = Duration::from_secs(60);
/// So many places are remembered; those that come then share one.
const PLACES: usize = 1_024;

/// Failures, by where they came from.
#[derive(Debug, Default)]
pub(crate) struct Tries(Mutex<HashMap<Option<IpAddr>, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    since: Instant,
    count: u32,
}

impl Tries {
    /// How long this place has to wait before it may try again; `None`: it may.
    pub(crate) fn wait(&self, from: Option<IpAddr>) -> Option<Duration> {
        let all = self.0.lock();
        let failures = all.get(&known(&all, place(from)))?;
        let passed = failures.since.elapsed();
        (failures.count >= MOST && passed < WINDOW).then(|| WINDOW.saturating_sub(passed))
    }

    /// Takes a failure down.
    pub(crate) fn failed(&self, from: Option<IpAddr>) {
        let mut all = self.0.lock();
        all.retain(|_, failures| failures.since.elapsed() < WINDOW);
        let place = known(&all, place(from));
        let failures = all.entry(place).or_insert_with(|| Failures {
            since: Instant::now(),
            count: 0,
        });
        failures.count = failures.count.saturating_add(1);
    }
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

    #[tokio::test(start_paused = true)]
    async fn five_failures_a_minute_and_nobody_else_waits_for_them() {
        let tries = Tries::default();
        let (bad, good) = (
            Some(IpAddr::from([10, 0, 0, 1])),
            Some(IpAddr::from([10, 0, 0, 2])),
        );
        for _ in 0..MOST {
            assert_eq!(tries.wait(bad), None);
            tries.failed(bad);
        }
        assert_eq!(tries.wait(bad), Some(WINDOW));
        assert_eq!(tries.wait(good), None);
        tokio::time::advance(WINDOW).await;
        assert_eq!(tries.wait(bad), None);
    }

    #[tokio::test(start_paused = true)]
    async fn places_without_end_fill_no_memory_and_share_what_is_left() {
        let tries = Tries::default();
        for at in 0..u32::try_from(3 * PLACES).unwrap() {
            tries.failed(Some(IpAddr::V4(at.into())));
        }
        assert!(tries.0.lock().len() <= PLACES + 1);
        assert!(tries.wait(Some(IpAddr::from([255, 0, 0, 1]))).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn one_network_of_ipv6_is_one_place() {
        let tries = Tries::default();
        for last in 0..MOST {
            let address: IpAddr = format!("2001:db8::{last}").parse().unwrap();
            tries.failed(Some(address));
        }
        assert!(tries.wait("2001:db8::ffff".parse().ok()).is_some());
        assert!(tries.wait("2001:db8:0:1::1".parse().ok()).is_none());
    }
}
