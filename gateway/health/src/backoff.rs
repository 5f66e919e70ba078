//! How long to pause before the next attempt at the same provider.
//!
//! Full jitter: anything between nothing and a limit that doubles each time. Of the usual schemes it spreads the callers of a provider that
//! has just failed the most, for the least work in total (source: Exponential Backoff And Jitter, AWS Architecture Blog, 2015).

use std::time::Duration;

use fairlead_snapshot::Retries;

/// The pause before the retry of this number, 0 being the first. `random` is any number, each as likely as the others.
#[must_use]
pub fn pause(retries: &Retries, retry: u32, random: u64) -> Duration {
    let limit = retries
        .initial_backoff
        .saturating_mul(2_u32.saturating_pow(retry))
        .min(retries.max_backoff);
    let nanos = (limit.as_nanos().saturating_mul(u128::from(random))) >> 64;
    u64::try_from(nanos).map_or(limit, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRIES: Retries = Retries {
        max_retries: 5,
        initial_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_millis(700),
        max_retry_after: Duration::from_secs(5),
    };

    #[test]
    fn the_limit_doubles_up_to_the_most() {
        let longest: Vec<u128> = (0..6)
            .map(|retry| pause(&RETRIES, retry, u64::MAX).as_micros())
            .collect();
        assert_eq!(
            longest,
            [99_999, 199_999, 399_999, 699_999, 699_999, 699_999]
        );
        assert!(pause(&RETRIES, u32::MAX, u64::MAX) < RETRIES.max_backoff);
    }

    #[test]
    fn pauses_are_spread_over_all_of_it() {
        let mut random = fastrand::Rng::with_seed(1);
        let pauses: Vec<Duration> = (0..10_000)
            .map(|_| pause(&RETRIES, 0, random.u64(..)))
            .collect();
        for tenth in 0..10_u32 {
            let (from, to) = (
                RETRIES.initial_backoff * tenth / 10,
                RETRIES.initial_backoff * (tenth + 1) / 10,
            );
            let share = pauses
                .iter()
                .filter(|pause| (from..to).contains(pause))
                .count();
            assert!((900..1_100).contains(&share), "{share} in tenth {tenth}");
        }
    }
}
