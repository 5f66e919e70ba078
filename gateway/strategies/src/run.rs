//! One run of a scenario.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::scenario::Scenario;
use crate::strategy::{Ask, News, Strategy};
use crate::world::{Fate, Luck, World};

/// Shares are looked at this often.
const LOOK: Duration = Duration::from_secs(5);

/// What a run has come to.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How many requests.
    pub requests: u64,
    /// The sum of the times from the arrival of a request to its first token, whoever sent it at last, in seconds.
    pub waited: f64,
    /// How many of them met a fault or a refusal on their way.
    pub faulted: u64,
    /// How many had no answer at all.
    pub lost: u64,
    /// What they cost.
    pub cost: f64,
    /// By five seconds and target, how many requests were sent there first.
    pub firsts: Vec<Vec<u32>>,
    /// By five seconds and target, the share it was meant to have, in thousandths.
    pub shares: Vec<Vec<u32>>,
}

impl Outcome {
    /// Which part of the requests was sent to a target first, from one time to another, in seconds, in whole looks.
    #[must_use]
    pub fn share(&self, target: usize, from: f64, to: f64) -> f64 {
        let look = LOOK.as_secs_f64();
        let looks = self.firsts.iter().zip(0_u32..).filter(|(_, number)| {
            let begins = f64::from(*number) * look;
            begins >= from && begins + look <= to
        });
        let (had, all) = looks.fold((0, 0), |(had, all), (firsts, _)| {
            (had + firsts[target], all + firsts.iter().sum::<u32>())
        });
        f64::from(had) / f64::from(all.max(1))
    }

    /// The standard deviation of the share that moves most, from a time on, in parts of a hundred.
    #[must_use]
    pub fn unrest(&self, from: Duration) -> f64 {
        let looks = usize::try_from(from.as_secs() / LOOK.as_secs()).unwrap_or(0);
        let shares = self.shares.get(looks..).unwrap_or_default();
        let count = shares.len().max(1) as f64;
        let targets = shares.first().map_or(0, Vec::len);
        let deviation = |target: usize| {
            let of = || shares.iter().map(|shares| f64::from(shares[target]) / 10.0);
            let mean = of().sum::<f64>() / count;
            (of().map(|share| (share - mean).powi(2)).sum::<f64>() / count).sqrt()
        };
        (0..targets).map(deviation).fold(0.0, f64::max)
    }
}

/// Something that happens to the request in a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Arrival,
    Look,
    First(usize),
    Complete(usize),
    Fault(usize),
    Refused(usize),
}

/// A request in flight.
#[derive(Debug, Clone, Copy)]
struct Flight {
    number: u64,
    arrived: Duration,
    replica: usize,
    tried: u32,
    attempts: u64,
    at: usize,
    fate: Fate,
    is_first: bool,
}

struct Run<'a> {
    scenario: &'a Scenario,
    seed: u64,
    replicas: Vec<Box<dyn Strategy>>,
    world: World,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    count: u64,
    flights: Vec<Option<Flight>>,
    free: Vec<usize>,
    outcome: Outcome,
    arrivals: fastrand::Rng,
}

/// Runs a scenario through replicas that share the requests and nothing else.
#[must_use]
pub fn run(scenario: &Scenario, seed: u64, replicas: Vec<Box<dyn Strategy>>) -> Outcome {
    let mut run = Run {
        scenario,
        seed,
        replicas,
        world: World::new(scenario),
        events: BinaryHeap::new(),
        count: 0,
        flights: Vec::new(),
        free: Vec::new(),
        outcome: Outcome::default(),
        arrivals: fastrand::Rng::with_seed(seed),
    };
    run.at(Duration::ZERO, Event::Arrival);
    run.at(LOOK, Event::Look);
    while let Some(Reverse((now, _, event))) = run.events.pop() {
        run.world.now = now;
        run.happens(event);
    }
    run.outcome
}

impl Run<'_> {
    fn at(&mut self, time: Duration, event: Event) {
        self.count += 1;
        self.events.push(Reverse((time, self.count, event)));
    }

    fn happens(&mut self, event: Event) {
        match event {
            Event::Arrival => self.arrives(),
            Event::Look => self.looks(),
            Event::First(slot) => self.first(slot),
            Event::Complete(slot) => self.completes(slot),
            Event::Fault(slot) => self.fails(slot, News::Fault),
            Event::Refused(slot) => {
                let wait = match self.flights[slot].map(|flight| flight.fate) {
                    Some(Fate::Refused(_, wait)) => wait,
                    _ => Duration::ZERO,
                };
                self.fails(slot, News::Refused(wait));
            }
        }
    }

    fn arrives(&mut self) {
        let now = self.world.now;
        let rate = (self.scenario.rate)(now.as_secs_f64());
        let pause = -(1.0 - self.arrivals.f64()).ln() / rate;
        let next = now + Duration::from_secs_f64(pause);
        if next < self.scenario.length {
            self.at(next, Event::Arrival);
        }
        let number = self.outcome.requests;
        self.outcome.requests += 1;
        let flight = Flight {
            number,
            arrived: now,
            // Whatever is before the replicas spreads at random.
            replica: self.arrivals.usize(..self.replicas.len()),
            tried: 0,
            attempts: 0,
            at: 0,
            fate: Fate::Fault(Duration::ZERO),
            is_first: true,
        };
        let slot = self.free.pop().unwrap_or_else(|| {
            self.flights.push(None);
            self.flights.len() - 1
        });
        self.flights[slot] = Some(flight);
        self.send(slot);
    }

    fn send(&mut self, slot: usize) {
        let Some(mut flight) = self.flights[slot] else {
            return;
        };
        let mut ask = Ask {
            scenario: self.scenario,
            world: &mut self.world,
            tried: flight.tried,
            slot,
        };
        let Some(at) = self.replicas[flight.replica].pick(&mut ask) else {
            self.outcome.lost += 1;
            self.outcome.waited += (self.world.now - flight.arrived).as_secs_f64();
            self.leave(slot);
            return;
        };
        let luck = Luck::of(self.seed, flight.number, flight.attempts);
        let now = self.world.now;
        if flight.is_first {
            self.sent_first(now, at);
        }
        self.outcome.cost += self.scenario.targets[at].price;
        flight.fate = self.world.send(self.scenario, at, &luck);
        flight.at = at;
        flight.is_first = false;
        flight.attempts += 1;
        flight.tried |= 1 << at;
        self.flights[slot] = Some(flight);
        match flight.fate {
            Fate::Answer { first, whole, .. } => {
                self.at(now + first, Event::First(slot));
                self.at(now + whole, Event::Complete(slot));
            }
            Fate::Fault(after) => self.at(now + after, Event::Fault(slot)),
            Fate::Refused(after, _) => self.at(now + after, Event::Refused(slot)),
        }
    }

    fn sent_first(&mut self, now: Duration, at: usize) {
        let look = usize::try_from(now.as_secs() / LOOK.as_secs()).unwrap_or(0);
        let targets = self.scenario.targets.len();
        while self.outcome.firsts.len() <= look {
            self.outcome.firsts.push(vec![0; targets]);
        }
        self.outcome.firsts[look][at] += 1;
    }

    fn looks(&mut self) {
        let targets = 0..self.scenario.targets.len();
        let shares = targets.filter_map(|at| self.replicas[0].share(at));
        self.outcome.shares.push(shares.collect());
        let next = self.world.now + LOOK;
        if next < self.scenario.length {
            self.at(next, Event::Look);
        }
    }

    fn first(&mut self, slot: usize) {
        let Some(flight) = self.flights[slot] else {
            return;
        };
        let Fate::Answer { first, .. } = flight.fate else {
            return;
        };
        let waited = self.world.now - flight.arrived;
        self.outcome.waited += waited.as_secs_f64();
        self.outcome.faulted += u64::from(flight.attempts > 1);
        let news = News::First {
            after: first,
            told: self.world.told(flight.at),
        };
        self.tell(&flight, slot, news);
    }

    fn completes(&mut self, slot: usize) {
        let Some(flight) = self.flights[slot] else {
            return;
        };
        let Fate::Answer {
            first,
            whole,
            tokens,
        } = flight.fate
        else {
            return;
        };
        self.world.in_flight[flight.at] -= 1;
        let news = News::Complete {
            first,
            whole,
            tokens,
        };
        self.tell(&flight, slot, news);
        self.leave(slot);
    }

    fn fails(&mut self, slot: usize, news: News) {
        let Some(flight) = self.flights[slot] else {
            return;
        };
        if matches!(news, News::Fault) {
            self.world.in_flight[flight.at] -= 1;
        }
        self.tell(&flight, slot, news);
        self.send(slot);
    }

    fn tell(&mut self, flight: &Flight, slot: usize, news: News) {
        let now = self.world.now;
        self.replicas[flight.replica].tell(flight.at, slot, now, news);
    }

    fn leave(&mut self, slot: usize) {
        self.flights[slot] = None;
        self.free.push(slot);
    }
}
