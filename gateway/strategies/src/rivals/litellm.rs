//! `LiteLLM`'s `simple-shuffle` and `latency-based-routing`, with its cooldowns (source: docs.litellm.ai, Router - Load Balancing: "picks a
//! deployment based on the provided rpm, tpm or weight, if none randomly"; "picks the deployment with the lowest response time", for streams the
//! time to the first token, averaged over what is cached of it: ten answers, an hour, buffer 0, one that was not used yet first. Retries,
//! fallbacks and cooldowns: a 429 cools a deployment down at once, more than half of a minute's requests failing does, for five seconds).

use std::collections::VecDeque;
use std::time::Duration;

use crate::rivals::weighted;
use crate::scenario::Scenario;
use crate::strategy::{Ask, News, Strategy};

const COOLDOWN: Duration = Duration::from_secs(5);
/// Of fewer requests in a minute no share is judged.
const FEWEST: u32 = 5;
const KEPT: usize = 10;
const TTL: Duration = Duration::from_secs(3_600);

/// Who is cooling down.
#[derive(Debug, Clone, Copy, Default)]
struct Cooldown {
    until: Duration,
    minute: u64,
    answered: u32,
    failed: u32,
}

impl Cooldown {
    fn tell(&mut self, now: Duration, news: News) {
        let minute = now.as_secs() / 60;
        if self.minute != minute {
            *self = Self {
                until: self.until,
                minute,
                ..Self::default()
            };
        }
        match news {
            News::First { .. } => self.answered += 1,
            News::Complete { .. } => {}
            News::Refused(_) => self.until = now + COOLDOWN,
            News::Fault => {
                self.failed += 1;
                let all = self.answered + self.failed;
                if all >= FEWEST && self.failed * 2 > all {
                    self.until = now + COOLDOWN;
                }
            }
        }
    }
}

/// Those that are not cooling down, or all where all are.
fn warm(ask: &Ask<'_>, cooldowns: &[Cooldown]) -> Vec<usize> {
    let open = ask.open();
    let warm: Vec<usize> = open
        .iter()
        .copied()
        .filter(|at| cooldowns[*at].until <= ask.now())
        .collect();
    if warm.is_empty() { open } else { warm }
}

/// `simple-shuffle`.
pub struct SimpleShuffle {
    cooldowns: Vec<Cooldown>,
    random: fastrand::Rng,
}

impl SimpleShuffle {
    /// With the weights of the scenario.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        Self {
            cooldowns: vec![Cooldown::default(); scenario.targets.len()],
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

impl Strategy for SimpleShuffle {
    fn pick(&mut self, ask: &mut Ask<'_>) -> Option<usize> {
        let warm = warm(ask, &self.cooldowns);
        let weights: Vec<f64> = warm
            .iter()
            .map(|at| {
                let target = &ask.scenario.targets[*at];
                // Requests a minute go before weights, where they are known.
                target
                    .account
                    .map_or(f64::from(target.weight), |account| account.a_minute)
            })
            .collect();
        weighted(&mut self.random, &weights).and_then(|at| warm.get(at).copied())
    }

    fn tell(&mut self, at: usize, _slot: usize, now: Duration, news: News) {
        self.cooldowns[at].tell(now, news);
    }
}

/// `latency-based-routing`.
pub struct LowestLatency {
    cooldowns: Vec<Cooldown>,
    times: Vec<VecDeque<(Duration, f64)>>,
    random: fastrand::Rng,
}

impl LowestLatency {
    /// With nothing known.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        Self {
            cooldowns: vec![Cooldown::default(); scenario.targets.len()],
            times: vec![VecDeque::new(); scenario.targets.len()],
            random: fastrand::Rng::with_seed(seed),
        }
    }
}

impl Strategy for LowestLatency {
    fn pick(&mut self, ask: &mut Ask<'_>) -> Option<usize> {
        let mut warm = warm(ask, &self.cooldowns);
        self.random.shuffle(&mut warm);
        let mean = |at: usize| {
            let recent = self.times[at]
                .iter()
                .filter(|(noted, _)| *noted + TTL > ask.now());
            let (count, sum) = recent.fold((0.0, 0.0), |(count, sum), (_, time)| {
                (count + 1.0, sum + time)
            });
            if count > 0.0 { sum / count } else { 0.0 }
        };
        warm.into_iter()
            .min_by(|one, two| mean(*one).total_cmp(&mean(*two)))
    }

    fn tell(&mut self, at: usize, _slot: usize, now: Duration, news: News) {
        self.cooldowns[at].tell(now, news);
        if let News::First { after, .. } = news {
            let times = &mut self.times[at];
            if times.len() >= KEPT {
                times.pop_front();
            }
            times.push_back((now, after.as_secs_f64()));
        }
    }
}
