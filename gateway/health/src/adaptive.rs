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

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use serde::Serialize;

use crate::millis;
pub use condition::State;
use draw::{Chance, Chances, draw};
use known::Known;
pub use reason::Reason;
pub use recorder::{Flight, Recorder};

/// Shares are kept in millionths: what is explored of one of many candidates is less than a thousandth.
const WHOLE: u32 = 1_000_000;

/// How candidates are judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// From one tick to the next.
    pub interval: Duration,
    /// How many of a thousand requests find out how those do that would get hardly any; 0: none.
    pub explore: u32,
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

impl Default for Settings {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(5),
            explore: 20,
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
}

/// How a candidate stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its share of the requests, in thousandths.
    pub share: u32,
    /// How it does beside the best, whose score is 1000.
    pub score: u32,
    /// Its state.
    pub state: State,
    /// What decides its share.
    pub reason: Reason,
}

/// The candidates of one rule.
#[derive(Debug)]
pub struct Adaptive {
    settings: Settings,
    slots: Box<[Slot]>,
    /// When the next tick is due, in ms.
    due: AtomicU64,
    /// How many slots want a probe.
    probes: AtomicU32,
    known: Mutex<Vec<Known>>,
}

/// What a draw reads of a candidate.
#[derive(Debug)]
struct Slot {
    candidate: Candidate,
    share: AtomicU32,
    /// The time to its first token as of the last tick, in microseconds; 0: not known.
    believed: AtomicU32,
    probe: AtomicBool,
}

impl Adaptive {
    /// Of candidates of which nothing is believed yet: each has the share of its weight.
    #[must_use]
    pub fn new(settings: Settings, candidates: Vec<Candidate>, now: Duration) -> Self {
        let known = candidates.iter().map(Known::new).collect();
        Self::with(settings, candidates, known, now)
    }

    /// Of other candidates than before: of those that stay everything is kept, and the share of a new one grows.
    #[must_use]
    pub fn succeed(&self, settings: Settings, candidates: Vec<Candidate>, now: Duration) -> Self {
        let before = self.known.lock();
        let is_known = before.iter().any(Known::is_known);
        let names: Vec<&Arc<str>> = self.slots.iter().map(|slot| &slot.candidate.name).collect();
        let known = candidates
            .iter()
            .map(|candidate| {
                let at = names.iter().position(|name| **name == candidate.name);
                match at.and_then(|at| before.get(at)) {
                    Some(known) => known.clone(),
                    None if is_known => Known::newcomer(candidate),
                    None => Known::new(candidate),
                }
            })
            .collect();
        drop(names);
        Self::with(settings, candidates, known, now)
    }

    fn with(
        settings: Settings,
        candidates: Vec<Candidate>,
        known: Vec<Known>,
        now: Duration,
    ) -> Self {
        let slot = |candidate| Slot {
            candidate,
            share: AtomicU32::new(0),
            believed: AtomicU32::new(0),
            probe: AtomicBool::new(false),
        };
        let adaptive = Self {
            settings,
            slots: candidates.into_iter().map(slot).collect(),
            due: AtomicU64::new(millis(now + settings.interval)),
            probes: AtomicU32::new(0),
            known: Mutex::new(known),
        };
        adaptive.publish(&mut adaptive.known.lock());
        adaptive
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
        let took = self.settings.interval + late;
        for (known, slot) in known.iter_mut().zip(&self.slots) {
            known.look(&slot.candidate, now, took, self.settings.interval);
        }
        self.publish(&mut known);
        true
    }

    /// The position of the candidate that a request is sent to. `permitted` says how much of its share one may have now, in thousandths; `first`
    /// and `second` are any numbers, each as likely as the others, the first better from a sequence that spreads evenly. `None`: nobody may.
    #[must_use]
    pub fn pick(
        &self,
        permitted: impl Fn(usize) -> u32,
        now: Duration,
        first: u64,
        second: u64,
    ) -> Option<usize> {
        let permitted: SmallVec = (0..self.slots.len()).map(permitted).collect();
        if self.probes.load(Ordering::Relaxed) > 0
            && let Some(probed) = self.probe(&permitted)
        {
            return Some(probed);
        }
        let chances = |weight: &dyn Fn(&Slot) -> u64| -> Chances {
            let slots = self.slots.iter().zip(&permitted);
            slots
                .map(|(slot, permitted)| Chance {
                    weight: weight(slot) * u64::from(*permitted),
                    in_flight: slot.candidate.recorder.in_flight(),
                    pulse: slot.candidate.recorder.pulse(),
                    believed: slot.believed.load(Ordering::Relaxed),
                })
                .collect()
        };
        let share = |slot: &Slot| {
            if slot.is_spent(now) {
                0
            } else {
                u64::from(slot.share.load(Ordering::Relaxed))
            }
        };
        draw(&chances(&share), first, second)
            // Rather one that has failed, or whose account is spent, than nobody.
            .or_else(|| {
                draw(
                    &chances(&|slot| u64::from(slot.candidate.weight)),
                    first,
                    second,
                )
            })
    }

    /// How the candidates stand, in their order.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        self.known.lock().iter().map(Known::standing).collect()
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
        let mut wanting = self.slots.iter().zip(permitted);
        let at = wanting.position(|(slot, permitted)| {
            *permitted > 0 && slot.probe.swap(false, Ordering::Relaxed)
        })?;
        self.probes.fetch_sub(1, Ordering::Relaxed);
        Some(at)
    }

    /// Shares and probes, from what is known.
    fn publish(&self, known: &mut [Known]) {
        known::judge(known, &self.settings);
        for (known, slot) in known.iter().zip(&self.slots) {
            slot.share
                .store(parts(known.share, WHOLE), Ordering::Relaxed);
            slot.believed
                .store(parts(known.believed(), 1), Ordering::Relaxed);
            let wants = known.wants_probe();
            let wanted = slot.probe.swap(wants, Ordering::Relaxed);
            if wants && !wanted {
                self.probes.fetch_add(1, Ordering::Relaxed);
            } else if wanted && !wants {
                self.probes.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }
}

type SmallVec = smallvec::SmallVec<[u32; 16]>;

impl Slot {
    /// Whether the account has nothing left, those in flight counted.
    fn is_spent(&self, now: Duration) -> bool {
        let allowance = self.candidate.recorder.allowance(now);
        allowance.is_some_and(|allowance| allowance.left == 0)
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
