//! A credential that must be left alone for a while: throttled, it rests until the provider said; refused, it is benched, and tried again
//! once after pauses that double.
//!
//! A credential whose value changes is another one, so a renewed key is used at once.
//!
//! The trial of a benched credential is a permission of which there is one: it counts as refused in advance, is forgiven at the first word that
//! is no refusal of the credential, and is given back where there is no word at all.

use std::time::Duration;

use serde::Serialize;

use crate::asker::{Asker, Fruitless};
use crate::millis;
use crate::sync::{AtomicU64, Ordering};

/// The longest that a throttled credential rests, whatever the provider says.
const LONGEST_REST: Duration = Duration::from_secs(60);
/// The first pause of a refused credential.
const FIRST_BENCH: Duration = Duration::from_secs(5);
/// The longest pause of a refused credential.
const LONGEST_BENCH: Duration = Duration::from_secs(600);

const STRIKE_BITS: u32 = 6;
const STRIKES_MOST: u64 = (1 << STRIKE_BITS) - 1;

/// How a credential does at one model, shared by all cores. Packed: until when it is left alone (ms), how often in a row it was refused (6 bits).
#[derive(Debug, Default)]
pub struct CredentialHealth {
    word: AtomicU64,
    fruitless: Fruitless,
}

/// The one trial of a benched credential; told of, or given back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trial {
    /// What taking it has made of the word.
    taken: u64,
    /// How often the credential had been refused before it.
    strikes: u64,
}

/// How a credential stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialState {
    /// It is used.
    Usable,
    /// It rests because the provider limits its rate.
    Resting,
    /// It is left alone because the provider refuses it.
    Benched,
}

impl CredentialHealth {
    /// Whether it may be used; if it is benched and its pause is over, one asker gets it as a trial and the others wait for another pause.
    ///
    /// # Errors
    /// The time until which it is left alone.
    pub fn admit(&self, now: Duration, asker: Asker) -> Result<Option<Trial>, Duration> {
        let word = self.word.load(Ordering::Acquire);
        self.open_to(word, now, asker)?;
        let (_, strikes) = unpack(word);
        if strikes == 0 {
            return Ok(None);
        }
        // Whoever tries it counts as refused in advance; if it is taken, all is forgiven.
        let next = now + bench(strikes);
        let taken = pack(millis(next), (strikes + 1).min(STRIKES_MOST));
        self.word
            .compare_exchange(word, taken, Ordering::AcqRel, Ordering::Relaxed)
            .map(|_| Some(Trial { taken, strikes }))
            .map_err(|_| next)
    }

    /// Whether [`Self::admit`] would permit it, without taking anything.
    ///
    /// # Errors
    /// The time until which it is left alone.
    pub fn ready(&self, now: Duration, asker: Asker) -> Result<(), Duration> {
        self.open_to(self.word.load(Ordering::Acquire), now, asker)
    }

    /// Whoever gave back a trial lets the others go first for as long as a first pause.
    fn open_to(&self, word: u64, now: Duration, asker: Asker) -> Result<(), Duration> {
        let (until, strikes) = unpack(word);
        let waits = strikes != 0 && self.fruitless.was(asker);
        let due = Duration::from_millis(until) + if waits { FIRST_BENCH } else { Duration::ZERO };
        if millis(now) < millis(due) {
            Err(due)
        } else {
            Ok(())
        }
    }

    /// Gives back a trial that was never sent: it is as if it had not been taken. Says whether there was anything to give back.
    pub fn give_back(&self, trial: Trial, now: Duration) -> bool {
        let before = pack(millis(now), trial.strikes);
        // Where a word has come meanwhile, that counts.
        self.word
            .compare_exchange(trial.taken, before, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok()
    }

    /// Gives back a trial that was sent and about which the provider has said nothing. Anybody but `asker` may try at once.
    pub fn abandon(&self, trial: Trial, now: Duration, asker: Asker) {
        if self.give_back(trial, now) {
            self.fruitless.note(asker);
        }
    }

    /// The provider limits its rate for `time` more.
    pub fn throttled(&self, now: Duration, time: Duration) {
        let rested = millis(now + time.min(LONGEST_REST));
        let _ = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                let (until, strikes) = unpack(word);
                (rested > until).then(|| pack(rested, strikes))
            });
    }

    /// The provider has refused it.
    pub fn refused(&self, now: Duration) {
        let _ = self
            .word
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                let (until, strikes) = unpack(word);
                // Requests in flight together are refused together, and a trial was counted when it began.
                (strikes == 0).then(|| pack(until.max(millis(now + bench(0))), 1))
            });
    }

    /// The provider has taken it.
    pub fn accepted(&self) {
        let word = self.word.load(Ordering::Relaxed);
        // A rest is not ended by what was answered before it began.
        if unpack(word).1 != 0 {
            self.fruitless.forget();
            let _ = self
                .word
                .compare_exchange(word, 0, Ordering::AcqRel, Ordering::Relaxed);
        }
    }

    /// How it stands at `now`, and until when.
    #[must_use]
    pub fn state(&self, now: Duration) -> (CredentialState, Option<Duration>) {
        let (until, strikes) = unpack(self.word.load(Ordering::Relaxed));
        let waits = millis(now) < until;
        let state = match (strikes, waits) {
            (0, false) => CredentialState::Usable,
            (0, true) => CredentialState::Resting,
            _ => CredentialState::Benched,
        };
        (state, waits.then(|| Duration::from_millis(until)))
    }
}

/// The pause after the first refusal, or so many after it.
fn bench(strikes: u64) -> Duration {
    let doubled = u32::try_from(strikes.min(16)).map_or(u32::MAX, |strikes| 1 << strikes);
    FIRST_BENCH.saturating_mul(doubled).min(LONGEST_BENCH)
}

fn pack(until: u64, strikes: u64) -> u64 {
    (until << STRIKE_BITS) | strikes
}

fn unpack(word: u64) -> (u64, u64) {
    (word >> STRIKE_BITS, word & STRIKES_MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Asker = Asker::ONE;
    const TWO: Asker = Asker::TWO;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// One that was refused at the beginning, when its pause is over, with its trial.
    fn tried() -> (CredentialHealth, Trial) {
        let credential = CredentialHealth::default();
        credential.refused(at(0));
        let trial = credential.admit(at(5), ONE).unwrap().unwrap();
        (credential, trial)
    }

    #[test]
    fn a_trial_that_says_nothing_is_given_back_and_the_pause_does_not_double() {
        let (credential, trial) = tried();
        assert!(credential.admit(at(6), TWO).is_err(), "one at a time");
        credential.abandon(trial, at(6), ONE);
        let trial = credential.admit(at(6), TWO).unwrap().unwrap();
        credential.give_back(trial, at(6));
        assert!(credential.admit(at(6), TWO).unwrap().is_some());
        assert_eq!(credential.ready(at(6), TWO), Err(at(16)), "10 s as before");
    }

    #[test]
    fn who_finds_out_nothing_lets_the_others_go_first() {
        let (credential, trial) = tried();
        credential.abandon(trial, at(6), ONE);
        assert_eq!(credential.admit(at(6), ONE), Err(at(11)));
        assert_eq!(credential.ready(at(10), ONE), Err(at(11)));
        assert!(credential.admit(at(11), ONE).unwrap().is_some());
    }

    #[test]
    fn a_trial_that_was_answered_is_not_given_back_any_more() {
        let (credential, trial) = tried();
        credential.accepted();
        credential.abandon(trial, at(6), ONE);
        assert_eq!(credential.state(at(6)), (CredentialState::Usable, None));
        assert_eq!(credential.admit(at(6), ONE), Ok(None));
    }

    #[test]
    fn a_throttled_credential_rests_until_its_reset_and_a_minute_at_most() {
        let credential = CredentialHealth::default();
        assert_eq!(credential.admit(at(0), ONE), Ok(None));
        credential.throttled(at(0), at(7));
        assert_eq!(credential.admit(at(6), ONE), Err(at(7)));
        assert_eq!(
            credential.state(at(6)),
            (CredentialState::Resting, Some(at(7)))
        );
        assert_eq!(credential.admit(at(7), ONE), Ok(None));
        assert_eq!(credential.admit(at(7), ONE), Ok(None), "everyone may again");
        credential.throttled(at(10), at(3_600));
        assert_eq!(credential.ready(at(10), ONE), Err(at(70)));
    }

    #[test]
    fn a_shorter_rest_does_not_end_a_longer_one() {
        let credential = CredentialHealth::default();
        credential.throttled(at(0), at(30));
        credential.throttled(at(1), at(1));
        credential.accepted();
        assert_eq!(credential.ready(at(2), ONE), Err(at(30)));
    }

    #[test]
    fn a_refused_credential_is_tried_once_after_pauses_that_double_up_to_ten_minutes() {
        let credential = CredentialHealth::default();
        let mut now = at(100);
        let mut pauses = Vec::new();
        for _ in 0..10 {
            credential.refused(now);
            let next = credential.ready(now, ONE).unwrap_err();
            pauses.push((next - now).as_secs());
            now = next;
            assert!(credential.admit(now, ONE).unwrap().is_some());
            assert!(credential.admit(now, ONE).is_err(), "one asker gets it");
        }
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]);
    }

    #[test]
    fn refusals_in_flight_together_are_one() {
        let credential = CredentialHealth::default();
        (0..50).for_each(|_| credential.refused(at(0)));
        assert_eq!(credential.ready(at(1), ONE), Err(at(5)));
    }

    #[test]
    fn a_credential_that_works_again_is_forgiven() {
        let credential = CredentialHealth::default();
        credential.refused(at(0));
        assert_eq!(credential.state(at(1)).0, CredentialState::Benched);
        assert!(credential.admit(at(5), ONE).unwrap().is_some());
        credential.accepted();
        assert_eq!(credential.state(at(5)), (CredentialState::Usable, None));
        credential.refused(at(6));
        assert_eq!(credential.ready(at(6), ONE), Err(at(11)));
    }

    #[test]
    fn of_many_threads_one_gets_a_benched_credential() {
        for _ in 0..200 {
            let credential = CredentialHealth::default();
            credential.refused(at(0));
            let start = std::sync::Barrier::new(4);
            let admitted: usize = std::thread::scope(|scope| {
                let askers: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| {
                            start.wait();
                            usize::from(credential.admit(at(5), ONE).is_ok())
                        })
                    })
                    .collect();
                askers.into_iter().map(|asker| asker.join().unwrap()).sum()
            });
            assert_eq!(admitted, 1);
        }
    }
}
