//! What all strategies come to in all scenarios.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};

use fairlead_health::adaptive::Settings;
use fairlead_strategies::fairlead::{AdaptiveStrategy, Even};
use fairlead_strategies::oracle::Oracle;
use fairlead_strategies::rivals::{Bifrost, LowestLatency, SimpleShuffle};
use fairlead_strategies::run::{Outcome, run};
use fairlead_strategies::scenario::Scenario;
use fairlead_strategies::scenarios;
use fairlead_strategies::strategy::Strategy;

/// Who takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Oracle,
    Adaptive,
    /// Adaptive on four replicas that share nothing.
    Replicas,
    Weighted,
    RoundRobin,
    LiteLlmShuffle,
    LiteLlmLatency,
    Bifrost,
}

pub(crate) const ALL: [Who; 8] = [
    Who::Oracle,
    Who::Adaptive,
    Who::Replicas,
    Who::Weighted,
    Who::RoundRobin,
    Who::LiteLlmShuffle,
    Who::LiteLlmLatency,
    Who::Bifrost,
];

/// Those that it is held against. Weighted and RoundRobin are the gateway's own, with its breakers and rests.
pub(crate) const RIVALS: [Who; 5] = [
    Who::Weighted,
    Who::RoundRobin,
    Who::LiteLlmShuffle,
    Who::LiteLlmLatency,
    Who::Bifrost,
];

/// A fault is as bad as so many milliseconds of waiting: whoever meets one waits, and pays, once more.
const FAULT: f64 = 1_000.0;

impl Who {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Oracle => "oracle",
            Self::Adaptive => "adaptive",
            Self::Replicas => "adaptive, four replicas",
            Self::Weighted => "weighted",
            Self::RoundRobin => "round robin",
            Self::LiteLlmShuffle => "LiteLLM simple-shuffle",
            Self::LiteLlmLatency => "LiteLLM latency-based",
            Self::Bifrost => "Bifrost adaptive",
        }
    }

    fn replicas(self, scenario: &Scenario, seed: u64) -> Vec<Box<dyn Strategy>> {
        let adaptive = |seed| -> Box<dyn Strategy> {
            Box::new(AdaptiveStrategy::new(scenario, Settings::default(), seed))
        };
        match self {
            Self::Oracle => vec![Box::new(Oracle)],
            Self::Adaptive => vec![adaptive(seed)],
            Self::Replicas => (0..4).map(|number| adaptive(seed * 4 + number)).collect(),
            Self::Weighted => vec![Box::new(Even::weighted(scenario, seed))],
            Self::RoundRobin => vec![Box::new(Even::round_robin(scenario, seed))],
            Self::LiteLlmShuffle => vec![Box::new(SimpleShuffle::new(scenario, seed))],
            Self::LiteLlmLatency => vec![Box::new(LowestLatency::new(scenario, seed))],
            Self::Bifrost => vec![Box::new(Bifrost::new(scenario, seed))],
        }
    }
}

/// What one strategy comes to in one scenario, a run for each seed.
#[derive(Debug, Clone)]
pub(crate) struct Figures {
    pub(crate) runs: Vec<Outcome>,
}

impl Figures {
    fn sum(&self, of: impl Fn(&Outcome) -> f64) -> f64 {
        self.runs.iter().map(of).sum()
    }

    fn requests(&self) -> f64 {
        self.sum(|run| run.requests as f64)
    }

    /// Milliseconds to the first token, in the mean.
    pub(crate) fn first(&self) -> f64 {
        1_000.0 * self.sum(|run| run.waited) / self.requests()
    }

    /// The share of requests that met a fault.
    pub(crate) fn faulted(&self) -> f64 {
        self.sum(|run| (run.faulted + run.lost) as f64) / self.requests()
    }

    /// What a request costs.
    pub(crate) fn cost(&self) -> f64 {
        self.sum(|run| run.cost) / self.requests()
    }
}

/// All of it.
pub(crate) struct Table {
    pub(crate) scenarios: Vec<Scenario>,
    /// By scenario, then in the order of [`ALL`].
    pub(crate) figures: Vec<Vec<Figures>>,
}

impl Table {
    /// Everybody in every scenario, with each of these seeds, on as many threads as there are cores.
    pub(crate) fn run(seeds: Range<u64>, brief: bool) -> Self {
        let scenarios = scenarios::all(brief);
        let jobs: Vec<(usize, usize, u64)> = (0..scenarios.len())
            .flat_map(|at| (0..ALL.len()).map(move |who| (at, who)))
            .flat_map(|(at, who)| seeds.clone().map(move |seed| (at, who, seed)))
            .collect();
        let next = Arc::new(AtomicUsize::new(0));
        let (sender, receiver) = mpsc::channel();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let (sender, next, jobs, scenarios) =
                    (sender.clone(), Arc::clone(&next), &jobs, &scenarios);
                scope.spawn(move || {
                    while let Some((at, who, seed)) = jobs.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let scenario = &scenarios[*at];
                        let outcome = run(scenario, *seed, ALL[*who].replicas(scenario, *seed));
                        sender.send(((*at, *who, *seed), outcome)).unwrap();
                    }
                });
            }
        });
        drop(sender);
        let mut all: Vec<_> = receiver.into_iter().collect();
        all.sort_by_key(|(at, _)| *at);
        let mut figures = vec![vec![Figures { runs: Vec::new() }; ALL.len()]; scenarios.len()];
        for ((at, who, _), outcome) in all {
            figures[at][who].runs.push(outcome);
        }
        Self { scenarios, figures }
    }

    pub(crate) fn of(&self, scenario: usize, who: Who) -> &Figures {
        let at = ALL.iter().position(|one| *one == who).unwrap();
        &self.figures[scenario][at]
    }

    /// The position of a scenario.
    pub(crate) fn position(&self, name: &str) -> usize {
        let mut scenarios = self.scenarios.iter();
        scenarios.position(|one| one.name == name).unwrap()
    }

    /// How bad a strategy is, an oracle being 1: the time to the first token, with something for each fault, and what it costs more than with the
    /// oracle.
    pub(crate) fn loss(&self, scenario: usize, who: Who) -> f64 {
        let waited = |figures: &Figures| figures.first() + FAULT * figures.faulted();
        let (figures, oracle) = (self.of(scenario, who), self.of(scenario, Who::Oracle));
        waited(figures) / waited(oracle) + (figures.cost() / oracle.cost() - 1.0).max(0.0)
    }

    pub(crate) fn print(&self) {
        for (at, scenario) in self.scenarios.iter().enumerate() {
            println!("{}", scenario.name);
            let oracle = self.of(at, Who::Oracle);
            for who in ALL {
                let figures = self.of(at, who);
                println!(
                    "  {:28} first {:7.1} ms x{:5.3}  faulted {:6.3} %  cost {:5.2}  {}",
                    who.name(),
                    figures.first(),
                    figures.first() / oracle.first(),
                    100.0 * figures.faulted(),
                    figures.cost(),
                    figures.runs[0]
                        .shares
                        .last()
                        .map(|shares| format!("{shares:?}"))
                        .unwrap_or_default(),
                );
            }
        }
    }
}
