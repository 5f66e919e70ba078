//! When to fetch: ahead of expiry, and again after a failure.

use std::time::Duration;

/// A new token is fetched when a quarter of the life of the one in hand is left, but at most so much: an outage that is shorter is not noticed.
/// Not relative alone, because a token of a day would be thrown away after 18 hours; not fixed alone, because there are tokens of minutes.
const AHEAD_AT_MOST: Duration = Duration::from_secs(15 * 60);
/// Whatever a server says of its tokens, it is not asked more often.
const LEAST: Duration = Duration::from_secs(1);
/// However long a token is said to be good, whoever gave it may have withdrawn it since.
const MOST: Duration = Duration::from_secs(24 * 3600);

/// The first pause after a failure; it doubles with each,
const FIRST: Duration = Duration::from_secs(1);
/// up to this where the server has trouble and a good token is in hand,
const LONGEST_IN_HAND: Duration = Duration::from_secs(30);
/// up to this where there is none: that long requests fail after the trouble is over,
const LONGEST_WITHOUT: Duration = Duration::from_secs(10);
/// and up to this where something must be mended.
const LONGEST_LASTING: Duration = Duration::from_secs(60);
/// No server may ask for a longer pause.
const LONGEST_ASKED: Duration = Duration::from_secs(120);

/// How long after its arrival a token that is good for `left` is replaced. `random` takes off up to a quarter of what is ahead, so that
/// gateways that were started together do not all ask together.
pub(super) fn refresh_in(left: Duration, random: u64) -> Duration {
    let ahead = (left / 4).min(AHEAD_AT_MOST);
    let pause = left.saturating_sub(ahead);
    pause
        .saturating_sub(part(ahead / 4, random))
        .clamp(LEAST, MOST)
}

/// How it stands after a failure.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trouble {
    /// Failures in a row, this one included.
    pub(crate) failures: u32,
    /// Whether it may pass by itself.
    pub(crate) transient: bool,
    /// Whether a good token is in hand.
    pub(crate) in_hand: bool,
    /// How long the server wants to be left alone.
    pub(crate) asked: Option<Duration>,
}

/// How long to wait after a failure. Half of it is chance.
pub(crate) fn retry_in(trouble: Trouble, random: u64) -> Duration {
    let longest = match trouble {
        Trouble {
            transient: false, ..
        } => LONGEST_LASTING,
        Trouble { in_hand: true, .. } => LONGEST_IN_HAND,
        Trouble { .. } => LONGEST_WITHOUT,
    };
    let doubled = 2_u32.saturating_pow(trouble.failures.saturating_sub(1));
    let limit = FIRST.saturating_mul(doubled).min(longest);
    let pause = limit / 2 + part(limit / 2, random);
    pause.max(trouble.asked.unwrap_or_default().min(LONGEST_ASKED))
}

/// Anything between nothing and all of it.
pub(crate) fn part(whole: Duration, random: u64) -> Duration {
    let nanos = whole.as_nanos().saturating_mul(u128::from(random)) >> 64;
    u64::try_from(nanos).map_or(whole, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_token_is_replaced_a_quarter_of_its_life_before_its_end() {
        for (life, earliest, latest) in
            [(3600, 2475, 2700), (86_400, 85_275, 85_500), (100, 68, 75)]
        {
            assert_eq!(refresh_in(SECOND * life, 0), SECOND * latest);
            let early = refresh_in(SECOND * life, u64::MAX);
            assert!(
                early > SECOND * earliest && early < SECOND * latest,
                "{early:?}"
            );
        }
    }

    #[test]
    fn a_token_that_is_hardly_good_is_not_asked_for_all_the_time() {
        assert_eq!(refresh_in(Duration::ZERO, 0), SECOND);
        assert_eq!(refresh_in(SECOND, u64::MAX), SECOND);
    }

    #[test]
    fn a_token_that_is_good_for_ever_is_replaced_every_day() {
        assert_eq!(refresh_in(Duration::MAX, 0), SECOND * 86_400);
    }

    const TROUBLE: Trouble = Trouble {
        failures: 1,
        transient: true,
        in_hand: true,
        asked: None,
    };

    fn longest(trouble: Trouble) -> [f64; 8] {
        [1, 2, 3, 4, 5, 6, 7, u32::MAX].map(|failures| {
            let pause = retry_in(
                Trouble {
                    failures,
                    ..trouble
                },
                u64::MAX,
            );
            pause.as_secs_f64().round()
        })
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let (first, second) = ([1.0, 2.0, 4.0, 8.0, 16.0], [1.0, 2.0, 4.0, 8.0, 10.0]);
        assert_eq!(longest(TROUBLE)[..5], first);
        assert_eq!(longest(TROUBLE)[5..], [30.0; 3]);
        let lasting = longest(Trouble {
            transient: false,
            ..TROUBLE
        });
        assert_eq!(lasting[..5], first);
        assert_eq!(lasting[5..], [32.0, 60.0, 60.0]);
        let without = longest(Trouble {
            in_hand: false,
            ..TROUBLE
        });
        assert_eq!(without[..5], second);
        assert_eq!(without[5..], [10.0; 3]);
        assert_eq!(retry_in(TROUBLE, 0), SECOND / 2);
    }

    #[test]
    fn a_server_may_ask_for_two_minutes_and_no_more() {
        for (asked, pause) in [(90, 90), (9000, 120)] {
            let asked = Some(SECOND * asked);
            assert_eq!(retry_in(Trouble { asked, ..TROUBLE }, 0), SECOND * pause);
        }
    }
}
