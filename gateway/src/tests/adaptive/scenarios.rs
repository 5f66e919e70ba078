//! The real gateway in the last two scenarios of the simulator, under paused time: what its providers do is what the simulator's targets do, with
//! the same luck, and the oracle is the simulator's.
//!
//! A plain test runs what can be run without optimizations: a tenth of an hour at one request a second, and a tenth of 5,000 requests a second at
//! targets with a tenth of the room. `make strategies` (`FAIRLEAD_STRATEGIES=full`) runs the hour, and 5,000 a second for half a minute: the times
//! of the simulator's own are 90 s.

#[path = "../../../tests/path/harness/results.rs"]
#[expect(
    dead_code,
    reason = "this suite stands on a part of what the other ones need"
)]
mod results;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use fairlead_faults::{Moment, Play, Provider, Reply, Seen, Step};
use fairlead_strategies::oracle::Oracle;
use fairlead_strategies::run::run;
use fairlead_strategies::scenario::{GOOD, Nature, Scenario, Target};
use fairlead_strategies::scenarios;
use fairlead_strategies::world::{Fate, Luck, World as Truth};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use super::judged;
use crate::harness::World;
use crate::harness::yaml::{caller, provider};
use crate::observe::record::Entry;

/// How much longer the first token may take in the mean than with an oracle, as for the simulated one.
const FIRST: f64 = 1.15;
/// How much more often an answer may meet a fault than with an oracle, in parts of a hundred beyond 1.3 times.
const FAULTS_BEYOND: f64 = 0.1;
const SEED: u64 = 1;

fn full() -> bool {
    std::env::var("FAIRLEAD_STRATEGIES").is_ok_and(|how| how == "full")
}

/// What is true of the targets while the gateway asks them.
struct Stage {
    scenario: Scenario,
    began: Instant,
    truth: Mutex<Truth>,
    /// When requests that are at targets end.
    ends: Mutex<BinaryHeap<Reverse<(Duration, usize)>>>,
    /// How often each request has been sent.
    attempts: Mutex<HashMap<u64, u64>>,
}

impl Stage {
    fn new(scenario: &Scenario) -> Arc<Self> {
        Arc::new(Self {
            scenario: scenario.clone(),
            began: Instant::now(),
            truth: Mutex::new(Truth::new(scenario)),
            ends: Mutex::default(),
            attempts: Mutex::default(),
        })
    }

    /// What a target does with a request, which is known by its number.
    fn play(&self, at: usize, seen: &Seen) -> Play {
        let number = seen.json()["seed"].as_u64().unwrap();
        let attempt = {
            let mut attempts = self.attempts.lock();
            let attempt = attempts.entry(number).or_default();
            std::mem::replace(attempt, *attempt + 1)
        };
        let now = self.began.elapsed();
        let (mut truth, mut ends) = (self.truth.lock(), self.ends.lock());
        while let Some(Reverse((end, target))) = ends.peek().copied()
            && end <= now
        {
            ends.pop();
            truth.in_flight[target] -= 1;
        }
        truth.now = now;
        let luck = Luck::of(SEED, number, attempt);
        let (play, whole) = match truth.send(&self.scenario, at, &luck) {
            Fate::Answer {
                first,
                whole,
                tokens,
            } => {
                let reply = Reply::words(["A", "B"]).usage(10, 0, tokens);
                // All that comes after the first token comes in one piece.
                let rest = [Step::Pause(whole.saturating_sub(first))];
                let play = Play::from(reply).after(first);
                (play.insert(Moment::Content, rest), whole)
            }
            Fate::Fault(after) => (Play::status(500).after(after), after),
            Fate::Refused(after, _) => (Play::status(429).after(after), after),
        };
        ends.push(Reverse((now + whole, at)));
        play
    }
}

/// What a run has come to.
#[derive(Default)]
struct Came {
    requests: u32,
    waited: f64,
    faulted: u32,
    lost: u32,
    /// How many ended in which error.
    errors: BTreeMap<&'static str, u32>,
    /// How many were sent to each target first.
    firsts: HashMap<Arc<str>, u32>,
}

impl Came {
    fn take(&mut self, entry: &Entry) {
        self.requests += 1;
        self.waited += entry.first_token.unwrap_or(entry.duration).as_secs_f64();
        self.faulted += u32::from(entry.attempts.len() > 1);
        self.lost += u32::from(!entry.complete);
        if let Some(error) = entry.error {
            *self.errors.entry(error).or_default() += 1;
        }
        if let Some(first) = entry.attempts.first() {
            *self.firsts.entry(Arc::clone(&first.target)).or_default() += 1;
        }
    }

    fn first_ms(&self) -> f64 {
        1_000.0 * self.waited / f64::from(self.requests)
    }

    fn faulted(&self) -> f64 {
        f64::from(self.faulted + self.lost) / f64::from(self.requests)
    }

    fn share(&self, target: &str) -> f64 {
        let had = self.firsts.get(target).copied().unwrap_or(0);
        f64::from(had) / f64::from(self.requests)
    }
}

/// Sends the requests of a scenario through a gateway.
async fn through_the_gateway(scenario: &Scenario) -> Came {
    let stage = Stage::new(scenario);
    let names: Vec<String> = (0..scenario.targets.len())
        .map(|at| format!("t{at}"))
        .collect();
    let providers: Vec<Provider> = (0..names.len())
        .map(|at| {
            let stage = Arc::clone(&stage);
            Provider::in_process(move |seen| stage.play(at, seen))
        })
        .collect();
    let mut documents: Vec<String> = names
        .iter()
        .zip(&providers)
        .map(|(name, one)| provider(name, &one.base_url(), "retries: {maxRetries: 0}"))
        .collect();
    let targets: Vec<(&str, u32)> = names
        .iter()
        .zip(&scenario.targets)
        .map(|(name, target)| (name.as_str(), target.weight))
        .collect();
    documents.extend([caller(), judged("chat", &targets, "", "")]);
    // Some three thousand requests wait at a time: what is looked at is where they go, not who has to be refused.
    let world = World::serve_within(4 << 30, &documents);
    let mut came = Came::default();
    let mut pending = FuturesUnordered::new();
    let mut random = fastrand::Rng::with_seed(SEED);
    let (mut next, mut number) = (Duration::ZERO, 0_u64);
    while next < scenario.length || !pending.is_empty() {
        let arrives = tokio::time::sleep_until(stage.began + next);
        tokio::select! {
            () = arrives, if next < scenario.length => {
                let body = json!({
                    "model": "chat", "stream": true, "seed": number,
                    "messages": [{"role": "user", "content": "Hi."}],
                });
                let world = &world;
                pending.push(async move { world.ask(&body).await.status });
                number += 1;
                let rate = (scenario.rate)(next.as_secs_f64());
                next += Duration::from_secs_f64(-(1.0 - random.f64()).ln() / rate);
            }
            Some(_) = pending.next() => {}
        }
        while let Some(entry) = world.ended() {
            came.take(&entry);
        }
    }
    while let Some(entry) = world.ended() {
        came.take(&entry);
    }
    came
}

/// Holds a run against the simulator's oracle.
fn claim(what: &str, scenario: &Scenario, came: &Came) {
    let oracle = run(scenario, SEED, vec![Box::new(Oracle)]);
    assert!(!came.errors.contains_key("overloaded"), "{:?}", came.errors);
    let requests = oracle.requests as f64;
    let first = 1_000.0 * oracle.waited / requests;
    let faulted = (oracle.faulted + oracle.lost) as f64 / requests;
    println!(
        "{what}: {} requests, first token {:.1} ms beside {first:.1} ms, faulted {:.3} % beside {:.3} %, {:?}, {:?}",
        came.requests,
        came.first_ms(),
        100.0 * came.faulted(),
        100.0 * faulted,
        came.firsts,
        came.errors
    );
    let name = |figure: &str| format!("real gateway, {what}: {figure}");
    let first = results::at_most(
        &name("time to the first token"),
        came.first_ms() / first,
        "times the oracle's",
        FIRST,
    );
    let faults = results::at_most(
        &name("answers that met a fault"),
        100.0 * (came.faulted() - 1.3 * faulted),
        "% beyond 1.3 times the oracle's",
        FAULTS_BEYOND,
    );
    assert!(first && faults, "see above");
}

fn scenario(name: &str) -> Scenario {
    let all = scenarios::all(false);
    all.into_iter().find(|one| one.name == name).unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_request_a_second() {
    let mut scenario = scenario("1 request a second");
    if !full() {
        scenario.length = Duration::from_secs(1_200);
    }
    let came = through_the_gateway(&scenario).await;
    claim("1 request a second", &scenario, &came);
    assert!(came.share("t2") < 0.2, "{:?}", came.firsts);
}

#[tokio::test(start_paused = true)]
async fn five_thousand_requests_a_second() {
    let mut scenario = scenario("5,000 requests a second");
    let what = if full() {
        scenario.length = Duration::from_secs(30);
        "5,000 requests a second"
    } else {
        scenario.length = Duration::from_secs(20);
        scenario.rate = |now| if now.fract() < 0.02 { 2_500.0 } else { 459.18 };
        scenario.targets = [tenth_wide, tenth_wide, tenth_wide, tenth_narrow]
            .map(Target::of)
            .into();
        "500 requests a second"
    };
    let came = through_the_gateway(&scenario).await;
    claim(what, &scenario, &came);
    let narrow = came.share("t3");
    assert!(narrow < 0.2, "{:?}", came.firsts);
}

fn tenth_wide(_: f64) -> Nature {
    Nature {
        token: 10.0,
        capacity: 600.0,
        ..GOOD
    }
}

fn tenth_narrow(_: f64) -> Nature {
    Nature {
        capacity: 150.0,
        ..tenth_wide(0.0)
    }
}
