//! A budget of which 64 callers use as much as they can, in made-up time. Deterministic: one seed, one outcome.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use fairlead_admit::estimate::{Estimates, Learned, Used};
use fairlead_admit::money::{self, Price};
use fairlead_snapshot::ModelPrice;
use fairlead_wire::usage::Parts;

const CALLERS: usize = 64;
/// A caller that was refused comes again after so long, milliseconds.
const AGAIN: u64 = 1_000;

const FIRST_TOKEN: u64 = 800;
const MS_A_TOKEN: u64 = 12;
pub(crate) const USD: i64 = 1_000_000_000;

/// What callers ask for.
#[derive(Clone, Copy)]
pub(crate) struct Demand {
    /// Median of the input in tokens, and sigma of its logarithm.
    input: (f64, f64),
    /// How much of it comes from a cache.
    cached: f64,
    output: (f64, f64),
    /// `max_tokens`, or the model's limit.
    ceiling: u64,
    price: &'static ModelPrice,
}

pub(crate) const CHAT: Demand = Demand {
    input: (1_500.0, 1.2),
    cached: 0.0,
    output: (300.0, 1.2),
    ceiling: 16_384,
    price: &ModelPrice::Tokens {
        input: 2_500_000,
        cached_input: None,
        cache_write: None,
        output: 10_000_000,
        reasoning: None,
    },
};

pub(crate) const AGENT: Demand = Demand {
    input: (30_000.0, 0.8),
    cached: 0.8,
    output: (350.0, 1.3),
    ceiling: 32_000,
    price: &ModelPrice::Tokens {
        input: 3_000_000,
        cached_input: Some(300_000),
        cache_write: None,
        output: 15_000_000,
        reasoning: None,
    },
};

/// What is reserved.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Rule {
    /// Nothing: the charge comes afterwards.
    Nothing,
    /// As many tokens as the request allows.
    Whole,
    /// What was learned, raised while a stream runs, and the last one through.
    Learned,
}

/// What came of it: shares of the budget, and of the requests that were made until the last answer had ended.
#[derive(Clone, Copy, Default)]
pub(crate) struct Outcome {
    pub(crate) usable: f64,
    pub(crate) over: f64,
    pub(crate) refused_wrongly: f64,
}

#[derive(Clone, Copy)]
struct Asked {
    bytes: u64,
    parts: Parts,
    cost: i64,
}

struct Flight {
    asked: Asked,
    reserved: i64,
    /// The length of its answer that is reserved for, and when it began.
    expects: u64,
    since: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Ask,
    Pass,
    End,
}

struct World {
    demand: Demand,
    rule: Rule,
    limit: i64,
    used: i64,
    reserved: i64,
    learned: Arc<Learned>,
    random: fastrand::Rng,
    waiting: Vec<Option<Asked>>,
    flights: Vec<Option<Flight>>,
    events: BinaryHeap<Reverse<(u64, usize, Event)>>,
    asked: u64,
    wrong: u64,
}

/// One run until nothing is left, after as many attempts as `warm` have been seen.
pub(crate) fn run(demand: Demand, rule: Rule, limit: i64, warm: usize, seed: u64) -> Outcome {
    let mut world = World {
        demand,
        rule,
        limit,
        used: 0,
        reserved: 0,
        learned: Estimates::default().of(1, 1),
        random: fastrand::Rng::with_seed(seed),
        waiting: vec![None; CALLERS],
        flights: std::iter::repeat_with(|| None).take(CALLERS).collect(),
        events: BinaryHeap::new(),
        asked: 0,
        wrong: 0,
    };
    for _ in 0..warm {
        let asked = world.draw();
        world.learn(&asked);
    }
    for caller in 0..CALLERS {
        let at = world.random.u64(0..AGAIN);
        world.events.push(Reverse((at, caller, Event::Ask)));
    }
    world.play();
    let share = |part: i64| part as f64 / limit as f64;
    Outcome {
        usable: share(world.used.min(limit)),
        over: share((world.used - limit).max(0)),
        refused_wrongly: world.wrong as f64 / world.asked.max(1) as f64,
    }
}

/// The mean of some runs.
pub(crate) fn mean(seeds: u64, run: impl Fn(u64) -> Outcome) -> Outcome {
    let mut sum = Outcome::default();
    for seed in 0..seeds {
        let one = run(seed);
        sum.usable += one.usable / seeds as f64;
        sum.over += one.over / seeds as f64;
        sum.refused_wrongly += one.refused_wrongly / seeds as f64;
    }
    sum
}

impl World {
    fn play(&mut self) {
        let mut in_vain = 0;
        // Enough in vain one after the other while nothing is reserved: what is left is less than anybody needs.
        while in_vain < 4 * CALLERS
            && let Some(Reverse((now, caller, event))) = self.events.pop()
        {
            match event {
                Event::Ask => {
                    let began = self.ask(now, caller);
                    let stuck = !began && self.flights.iter().all(Option::is_none);
                    in_vain = if stuck { in_vain + 1 } else { 0 };
                }
                Event::Pass => self.pass(caller),
                Event::End => self.end(now, caller),
            }
        }
    }

    fn ask(&mut self, now: u64, caller: usize) -> bool {
        let asked = match self.waiting[caller].take() {
            Some(asked) => asked,
            None => self.draw(),
        };
        let price = Price::Own(self.demand.price);
        let estimate = self.learned.before(asked.bytes, Some(self.demand.ceiling));
        let input = self
            .learned
            .input_cost_before(asked.bytes, price)
            .expect("a price");
        let (need, expects) = match self.rule {
            Rule::Nothing => (0, u64::MAX),
            Rule::Whole => (
                input + self.output(self.demand.ceiling),
                self.demand.ceiling,
            ),
            Rule::Learned => {
                let need = self
                    .learned
                    .cost_before(asked.bytes, Some(self.demand.ceiling), price);
                (need.expect("a price"), estimate.output_tokens)
            }
        };
        let truly = self.used
            + self
                .flights
                .iter()
                .flatten()
                .map(|flight| flight.asked.cost)
                .sum::<i64>();
        let fits = match self.rule {
            Rule::Nothing => self.used < self.limit,
            Rule::Whole | Rule::Learned => self.used + self.reserved + need <= self.limit,
        };
        let last =
            self.rule == Rule::Learned && self.reserved == 0 && self.used + input <= self.limit;
        let would_fit = truly + asked.cost <= self.limit;
        // Once nothing is in flight and nothing would fit, asking tells nothing.
        self.asked += u64::from(fits || last || would_fit || truly > self.used);
        if !fits && !last {
            self.wrong += u64::from(would_fit);
            self.waiting[caller] = Some(asked);
            self.events.push(Reverse((now + AGAIN, caller, Event::Ask)));
            return false;
        }
        self.reserved += need;
        let output = asked.parts.whole_output().expect("told");
        self.events.push(Reverse((
            now + FIRST_TOKEN + output * MS_A_TOKEN,
            caller,
            Event::End,
        )));
        self.flights[caller] = Some(Flight {
            asked,
            reserved: need,
            expects,
            since: now,
        });
        self.watch(caller);
        true
    }

    /// Looks again when the stream passes what is reserved for.
    fn watch(&mut self, caller: usize) {
        let flight = self.flights[caller].as_ref().expect("in flight");
        let output = flight.asked.parts.whole_output().expect("told");
        if flight.expects < output {
            let at = flight.since + FIRST_TOKEN + flight.expects * MS_A_TOKEN;
            self.events.push(Reverse((at, caller, Event::Pass)));
        }
    }

    fn pass(&mut self, caller: usize) {
        let passed = self.flights[caller].as_ref().expect("in flight").expects;
        // It has one more than was expected.
        let expects = self.learned.beyond(passed + 1).min(self.demand.ceiling);
        let more = self.output(expects) - self.output(passed);
        let flight = self.flights[caller].as_mut().expect("in flight");
        flight.expects = expects;
        flight.reserved += more;
        self.reserved += more;
        self.watch(caller);
    }

    fn end(&mut self, now: u64, caller: usize) {
        let flight = self.flights[caller].take().expect("in flight");
        self.reserved -= flight.reserved;
        self.used += flight.asked.cost;
        self.learn(&flight.asked);
        self.events.push(Reverse((now, caller, Event::Ask)));
    }

    fn output(&self, tokens: u64) -> i64 {
        money::output_cost(1, tokens, Price::Own(self.demand.price)).expect("a price")
    }

    fn learn(&self, asked: &Asked) {
        let price = Price::Own(self.demand.price);
        self.learned.settle(&Used {
            bytes: asked.bytes,
            input_nanos: money::input_cost(&asked.parts, price),
            input_tokens: asked.parts.whole_input(),
            output_tokens: asked.parts.whole_output(),
            reasoning_tokens: 0,
            pieces: 0,
        });
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most some hundred thousand"
    )]
    fn draw(&mut self) -> Asked {
        let demand = self.demand;
        let input = self.log_normal(demand.input).clamp(16.0, 120_000.0);
        let cached = input * demand.cached;
        let output = self
            .log_normal(demand.output)
            .clamp(1.0, demand.ceiling as f64) as u64;
        // Not every text has four bytes a token.
        let bytes = (input * self.log_normal((4.0, 0.15))) as u64;
        let parts = Parts {
            input: Some((input - cached) as u64),
            cache_read: Some(cached as u64),
            output: Some(output),
            ..Parts::default()
        };
        let cost = money::cost(&parts, Price::Own(demand.price)).expect("a price");
        Asked { bytes, parts, cost }
    }

    fn log_normal(&mut self, (median, sigma): (f64, f64)) -> f64 {
        let (one, two) = (1.0 - self.random.f64(), self.random.f64());
        let normal = (-2.0 * one.ln()).sqrt() * (std::f64::consts::TAU * two).cos();
        median * (sigma * normal).exp()
    }
}
