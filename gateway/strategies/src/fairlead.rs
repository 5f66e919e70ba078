//! The gateway's own strategies, with its real breakers and rests: Adaptive, Weighted and RoundRobin.

mod guards;

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::adaptive::{Adaptive, Ask as Draw, Candidate, Flight, Recorder, Settings};
use fairlead_health::{Accounts, Allowance};

use crate::scenario::Scenario;
use crate::strategy::{Ask, News, Strategy};
use guards::Guards;

/// 2^64 divided by the golden ratio, made odd: the gateway's sequences step by it.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A target of a scenario has one account.
const ONLY: &str = "only";

/// The Adaptive strategy.
pub struct AdaptiveStrategy {
    settings: Settings,
    adaptive: Option<Adaptive>,
    recorders: Vec<Arc<Recorder>>,
    accounts: Vec<Arc<Accounts>>,
    flights: Vec<Option<Flight>>,
    /// How many of the targets are there.
    there: usize,
    guards: Guards,
    turn: u64,
    random: fastrand::Rng,
}

impl AdaptiveStrategy {
    /// With these settings.
    #[must_use]
    pub fn new(scenario: &Scenario, settings: Settings, seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        Self {
            settings,
            adaptive: None,
            recorders: scenario.targets.iter().map(|_| Arc::default()).collect(),
            accounts: scenario.targets.iter().map(|_| Arc::default()).collect(),
            flights: Vec::new(),
            there: 0,
            guards: Guards::new(scenario),
            turn: random.u64(..),
            random,
        }
    }

    /// The candidates that are there, as a configuration would name them. Those that come later stand at the end.
    fn candidates(&mut self, ask: &Ask<'_>) {
        let targets = ask.scenario.targets.iter().enumerate();
        let there: Vec<usize> = targets
            .map(|(at, _)| at)
            .filter(|at| ask.world.is_there(ask.scenario, *at))
            .collect();
        if there.len() == self.there {
            return;
        }
        self.there = there.len();
        let candidates = there
            .into_iter()
            .map(|at| Candidate {
                name: at.to_string().into(),
                weight: ask.scenario.targets[at].weight,
                places: 0,
                recorder: Arc::clone(&self.recorders[at]),
                accounts: Some(Arc::clone(&self.accounts[at])),
                provider: None,
            })
            .collect();
        let next = match &self.adaptive {
            Some(adaptive) => adaptive.succeed(self.settings, candidates, ask.now()),
            None => Adaptive::new(self.settings, candidates, ask.now()),
        };
        self.adaptive = Some(next);
    }
}

impl Strategy for AdaptiveStrategy {
    fn pick(&mut self, ask: &mut Ask<'_>) -> Option<usize> {
        self.candidates(ask);
        let now = ask.now();
        let adaptive = self.adaptive.as_ref()?;
        adaptive.tick(now);
        self.turn = self.turn.wrapping_add(STEP);
        let second = self.random.u64(..);
        let draw = Draw {
            now,
            stream: true,
            probes: true,
            first: self.turn,
            second,
        };
        let guards = &self.guards;
        let permitted = |at: usize| {
            if ask.is_open(at) {
                guards.share(at, now)
            } else {
                0
            }
        };
        let at = adaptive
            .pick(permitted, &draw)
            .map(|pick| pick.position)
            .or_else(|| ask.open().first().copied())?;
        if self.flights.len() <= ask.slot {
            self.flights.resize_with(ask.slot + 1, || None);
        }
        self.flights[ask.slot] = Some(self.recorders[at].begin(true));
        self.guards.admit(at, ask.slot, now);
        Some(at)
    }

    fn tell(&mut self, at: usize, slot: usize, now: Duration, news: News) {
        self.guards.tell(at, slot, now, news);
        let Some(flight) = self.flights.get_mut(slot) else {
            return;
        };
        match news {
            News::First { after, told } => {
                if let Some(told) = told {
                    let told = Allowance {
                        left: told.left,
                        until: told.until,
                    };
                    self.accounts[at].told(&ONLY.into(), 1, told, now);
                }
                if let Some(flight) = flight {
                    flight.answered(after, 0);
                }
            }
            News::Complete {
                first,
                whole,
                tokens,
            } => {
                if let Some(flight) = flight.take() {
                    flight.complete(tokens, first, whole);
                }
            }
            News::Fault => {
                if let Some(mut flight) = flight.take() {
                    flight.failed();
                }
            }
            News::Refused(_) => *flight = None,
        }
    }

    fn share(&self, at: usize) -> Option<u32> {
        self.adaptive.as_ref().map(|adaptive| adaptive.share(at))
    }
}

/// Weighted, or RoundRobin, which is the same with equal weights.
pub struct Even {
    is_weighted: bool,
    guards: Guards,
    turn: u64,
}

impl Even {
    /// By the configured weights.
    #[must_use]
    pub fn weighted(scenario: &Scenario, seed: u64) -> Self {
        Self {
            is_weighted: true,
            guards: Guards::new(scenario),
            turn: fastrand::Rng::with_seed(seed).u64(..),
        }
    }

    /// By turns.
    #[must_use]
    pub fn round_robin(scenario: &Scenario, seed: u64) -> Self {
        Self {
            is_weighted: false,
            ..Self::weighted(scenario, seed)
        }
    }
}

impl Strategy for Even {
    fn pick(&mut self, ask: &mut Ask<'_>) -> Option<usize> {
        let now = ask.now();
        let open = ask.open();
        let weight = |at: usize| {
            let weight = if self.is_weighted {
                ask.scenario.targets[at].weight
            } else {
                1
            };
            u64::from(weight) * u64::from(self.guards.share(at, now))
        };
        let total: u64 = open.iter().map(|at| weight(*at)).sum();
        self.turn = self.turn.wrapping_add(STEP);
        let mut point = (u128::from(self.turn) * u128::from(total)) >> 64;
        let drawn = open.iter().copied().find(|at| {
            let weight = u128::from(weight(*at));
            let falls = point < weight;
            point = point.saturating_sub(weight);
            falls
        });
        let at = drawn.or_else(|| open.first().copied())?;
        self.guards.admit(at, ask.slot, now);
        Some(at)
    }

    fn tell(&mut self, at: usize, slot: usize, now: Duration, news: News) {
        self.guards.tell(at, slot, now, news);
    }
}
