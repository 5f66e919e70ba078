//! The Adaptive strategy: how the requests of a rule are split among its candidates, by how these do now.
//!
//! Every few seconds a tick reads what [`Recorder`]s have counted, turns it into what is believed of each candidate and how firmly
//! (`evidence`), into a state (`condition`), and into shares (`share`, `motion`); between ticks a draw (`draw`) takes the shares as they are and looks at
//! nothing but what is in flight. Configured weights are priors: of two that do equally well, one of twice the weight has twice the share.
//!
//! Breakers, rests and gates stay in force beside it: what they do not permit has no share of a draw, whatever is believed of it.

mod condition;
mod draw;
mod evidence;
mod known;
mod motion;
mod reason;
mod recorder;
mod share;
mod standing;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::accounts::{Accounts, Allowance};
use crate::millis;
use crate::registry::ProviderHealth;
pub use condition::State;
use draw::{Chance, Chances, draw};
use known::{Known, Tick};
pub use reason::Reason;
pub use recorder::{Flight, Probe, Recorder};
pub use standing::Standing;

/// Shares are kept in millionths: what is explored of one of many candidates is less than a thousandth.
const WHOLE: u32 = 1_000_000;

/// How candidates are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// From one tick to the next.
    pub interval: Duration,
    /// How many of a thousand requests find out how those do that would get hardly any; 0: none.
    pub explore: u32,
    /// How many ticks a share takes to grow back; 0: it is back at once.
    pub ramp: u32,
    /// What counts how much.
    pub weights: Weights,
}

/// How much each thing counts against a candidate, in percent of what it does by default; 0: not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// Answers that fail.
    pub errors: u32,
    /// The time to the first token.
    pub first_token: u32,
    /// The time of each further token.
    pub per_token: u32,
    /// How much of what it may be sent it is sent.
    pub utilization: u32,
}

impl Weights {
    /// How much the time counts until an answer begins: one that comes whole is all of its tokens.
    pub(crate) fn of_time(&self, stream: bool) -> u32 {
        if stream {
            self.first_token
        } else {
            self.first_token.max(self.per_token)
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            explore: 20,
            ramp: 2,
            weights: Weights::default(),
        }
    }
}

impl Default for Weights {
    /// A caller waits for the first token; those after it come faster than they are read.
    fn default() -> Self {
        Self {
            errors: 100,
            first_token: 100,
            per_token: 50,
            utilization: 100,
        }
    }
}

/// What requests may be sent to.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// By which it is known again when the configuration changes.
    pub name: Arc<str>,
    /// Its configured weight.
    pub weight: u32,
    /// How many requests may be there at a time; 0: any number.
    pub places: u32,
    /// Where its requests are noted.
    pub recorder: Arc<Recorder>,
    /// The accounts that its model is asked with, whoever asks; `None`: it has no model of its own, or nothing is known of them.
    pub accounts: Option<Arc<Accounts>>,
    /// The provider whose places it takes, whoever takes them; `None`: they are its own.
    pub provider: Option<Arc<ProviderHealth>>,
}

/// A request, when a candidate is chosen for it.
#[derive(Debug, Clone, Copy)]
pub struct Ask {
    /// The time.
    pub now: Duration,
    /// Whether its answer is streamed.
    pub stream: bool,
    /// Whether it may find out if one that has failed is back: whether what becomes of it is noted.
    pub probes: bool,
    /// Any numbers, each as likely as the others, the first better from a sequence that spreads evenly.
    pub first: u64,
    /// The other one.
    pub second: u64,
}

/// The candidate that was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pick {
    /// Its position.
    pub position: usize,
    /// Whether it is only to find out how it does.
    pub explores: bool,
}

/// The candidates of one rule.
#[derive(Debug)]
pub struct Adaptive {
    settings: Settings,
    slots: Box<[Slot]>,
    /// When the next tick is due, in ms.
    due: AtomicU64,
    known: Mutex<Vec<Known>>,
}

/// What a draw reads of a candidate.
#[derive(Debug)]
struct Slot {
    candidate: Candidate,
    share: AtomicU32,
    /// The time to its first token as of the last tick, in microseconds, of answers that come whole and of streams, against which it is held
    /// whether it has become slow since then; 0: not known.
    believed: [AtomicU32; 2],
    /// How it stands, for people.
    standing: AtomicU64,
}

impl Adaptive {
    /// Of candidates of which nothing is believed yet: each has the share of its weight.
    #[must_use]
    pub fn new(settings: Settings, candidates: Vec<Candidate>, now: Duration) -> Self {
        let mut known: Vec<Known> = candidates.iter().map(Known::new).collect();
        known::judge(&mut known, &settings);
        Self::with(settings, candidates, known, now + settings.interval)
    }

    /// Of other candidates than before: of those that stay everything is kept, and the share of a new one grows. That is no look: where
    /// configurations follow each other, shares must not follow what is believed any faster.
    #[must_use]
    pub fn succeed(&self, settings: Settings, candidates: Vec<Candidate>, now: Duration) -> Self {
        let before = self.known.lock();
        let is_known = before.iter().any(Known::is_known);
        let names: Vec<&Arc<str>> = self.slots.iter().map(|slot| &slot.candidate.name).collect();
        let mut known: Vec<Known> = candidates
            .iter()
            .map(|candidate| {
                let at = names.iter().position(|name| **name == candidate.name);
                match at.and_then(|at| before.get(at)) {
                    Some(known) => known.of(candidate),
                    None if is_known => Known::newcomer(candidate),
                    None => Known::new(candidate),
                }
            })
            .collect();
        drop((names, before));
        if settings != self.settings || !self.is_of(&candidates) {
            known::share_out(&mut known, &settings);
        }
        // A configuration that changes all the time must not put off the next tick for ever.
        let due = Duration::from_millis(self.due.load(Ordering::Relaxed));
        Self::with(
            settings,
            candidates,
            known,
            due.min(now + settings.interval),
        )
    }

    fn with(
        settings: Settings,
        candidates: Vec<Candidate>,
        known: Vec<Known>,
        due: Duration,
    ) -> Self {
        let slot = |candidate| Slot {
            candidate,
            share: AtomicU32::new(0),
            believed: [AtomicU32::new(0), AtomicU32::new(0)],
            standing: AtomicU64::new(0),
        };
        let adaptive = Self {
            settings,
            slots: candidates.into_iter().map(slot).collect(),
            due: AtomicU64::new(millis(due)),
            known: Mutex::new(known),
        };
        adaptive.publish(&adaptive.known.lock());
        adaptive
    }

    /// Whether these are its candidates, as far as shares go by what is configured.
    fn is_of(&self, candidates: &[Candidate]) -> bool {
        let before = self.candidates();
        let same = before.zip(candidates).all(|(before, candidate)| {
            before.name == candidate.name && before.weight == candidate.weight
        });
        same && self.slots.len() == candidates.len()
    }

    /// Judges everybody anew, if it is time. Says whether it was. Cheap where it is not; of many who come at once one does it.
    pub fn tick(&self, now: Duration) -> bool {
        let due = self.due.load(Ordering::Relaxed);
        if millis(now) < due {
            return false;
        }
        let next = millis(now + self.settings.interval);
        let taken = self
            .due
            .compare_exchange(due, next, Ordering::AcqRel, Ordering::Relaxed);
        if taken.is_err() {
            return false;
        }
        let mut known = self.known.lock();
        let late = Duration::from_millis(millis(now).saturating_sub(due));
        let tick = Tick {
            now,
            took: self.settings.interval + late,
            interval: self.settings.interval,
            ramp: self.settings.ramp,
        };
        for (known, slot) in known.iter_mut().zip(&self.slots) {
            known.look(&slot.candidate, &tick);
        }
        known::judge(&mut known, &self.settings);
        self.publish(&known);
        for (known, slot) in known.iter().zip(&self.slots) {
            slot.candidate.recorder.wants_probe(known.wants_probe());
        }
        true
    }

    /// The candidate that a request is sent to. `permitted` says how much of its share one may have now, in thousandths. `None`: nobody may.
    #[must_use]
    pub fn pick(&self, permitted: impl Fn(usize) -> u32, ask: &Ask) -> Option<Pick> {
        let permitted: SmallVec = (0..self.slots.len()).map(permitted).collect();
        if let Some(position) = ask.probes.then(|| self.probe(&permitted)).flatten() {
            return Some(Pick {
                position,
                explores: true,
            });
        }
        let times_count = self.settings.weights.of_time(ask.stream) > 0;
        let chances = |weight: &dyn Fn(&Slot) -> u64| -> Chances {
            let slots = self.slots.iter().zip(&permitted);
            slots
                .map(|(slot, permitted)| Chance {
                    weight: weight(slot) * u64::from(*permitted),
                    in_flight: slot.candidate.recorder.in_flight(),
                    // Where times count nothing they must not count between ticks either.
                    pulse: if times_count {
                        slot.candidate.recorder.pulse(ask.stream)
                    } else {
                        0
                    },
                    believed: slot.believed(ask.stream),
                })
                .collect()
        };
        let share = |slot: &Slot| {
            if slot.is_spent(ask.now) {
                0
            } else {
                u64::from(slot.share.load(Ordering::Relaxed))
            }
        };
        let weight = |slot: &Slot| u64::from(slot.candidate.weight);
        let position = draw(&chances(&share), ask.first, ask.second)
            // Rather one that has failed, or whose account is spent, than nobody.
            .or_else(|| draw(&chances(&weight), ask.first, ask.second))?;
        Some(Pick {
            position,
            explores: self.explores(position),
        })
    }

    /// How the candidates stand, in their order.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        (0..self.slots.len())
            .filter_map(|at| self.standing(at))
            .collect()
    }

    /// How a candidate stands, as of the last tick.
    #[must_use]
    pub fn standing(&self, position: usize) -> Option<Standing> {
        let slot = self.slots.get(position)?;
        Some(Standing::unpacked(slot.standing.load(Ordering::Relaxed)))
    }

    /// Whether a candidate has no more than what finds out how it does.
    fn explores(&self, position: usize) -> bool {
        let share = self.slots.get(position).map(|slot| &slot.share);
        let share = share.map_or(0, |share| share.load(Ordering::Relaxed));
        let count = u32::try_from(self.slots.len()).unwrap_or(u32::MAX).max(1);
        share > 0 && share <= self.settings.explore * (WHOLE / 1000) / count
    }

    /// The share of a candidate, in thousandths.
    #[must_use]
    pub fn share(&self, position: usize) -> u32 {
        self.slots.get(position).map_or(0, |slot| {
            let share = slot.share.load(Ordering::Relaxed);
            (share + WHOLE / 2000) / (WHOLE / 1000)
        })
    }

    /// The candidates.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.slots.iter().map(|slot| &slot.candidate)
    }

    /// One that wants a probe and may be tried; whoever gets it is the only one.
    fn probe(&self, permitted: &[u32]) -> Option<usize> {
        let mut slots = self.slots.iter().zip(permitted);
        slots.position(|(slot, permitted)| *permitted > 0 && slot.candidate.recorder.lend_probe())
    }

    /// What a draw reads, from what is known.
    fn publish(&self, known: &[Known]) {
        for (known, slot) in known.iter().zip(&self.slots) {
            slot.share
                .store(parts(known.share, WHOLE), Ordering::Relaxed);
            for (held, believed) in slot
                .believed
                .iter()
                .zip(known.believed(&slot.candidate.recorder))
            {
                held.store(parts(believed, 1), Ordering::Relaxed);
            }
            let standing = known.standing().packed();
            slot.standing.store(standing, Ordering::Relaxed);
        }
    }
}

type SmallVec = smallvec::SmallVec<[u32; 16]>;

impl Slot {
    /// Whether the account has nothing left, those in flight counted.
    fn is_spent(&self, now: Duration) -> bool {
        let allowance = self.candidate.allowance(now);
        allowance.is_some_and(|allowance| allowance.left == 0)
    }

    fn believed(&self, stream: bool) -> u32 {
        let [whole, streams] = &self.believed;
        let believed = if stream { streams } else { whole };
        believed.load(Ordering::Relaxed)
    }
}

impl Candidate {
    /// What is left of its accounts; those of its requests that have no answer yet will be counted against it too. Of the others their answers
    /// have told.
    fn allowance(&self, now: Duration) -> Option<Allowance> {
        let told = self.accounts.as_ref()?.allowance(now)?;
        let waiting = self.recorder.waiting().into_iter().map(u64::from).sum();
        Some(Allowance {
            left: told.left.saturating_sub(waiting),
            ..told
        })
    }

    /// What all together have sent to its model and to its provider.
    fn sent(&self) -> [u64; 2] {
        let at_model = self.accounts.as_ref().map_or(0, |accounts| accounts.sent());
        let provider = self.provider.as_ref();
        [at_model, provider.map_or(0, |provider| provider.sent())]
    }
}

/// So many parts of a whole.
pub(crate) fn parts(share: f64, whole: u32) -> u32 {
    let parts = (share * f64::from(whole)).round();
    let parts = parts.clamp(0.0, f64::from(u32::MAX));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is within bounds"
    )]
    let parts = parts as u32;
    parts
}

#[cfg(test)]
mod tests;
