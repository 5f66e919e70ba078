//! Bifrost's adaptive load balancing, from its documentation of January 2026 (docs.getbifrost.ai, Adaptive Load Balancing): every 5 s
//!
//! ```text
//! Score  = 0.5 P_error + 0.2 P_latency + 0.05 P_util - M_momentum
//! Weight = W_min + (1 - Score) (W_max - W_min), between 1 and 1000
//! ```
//!
//! P_error: 50 % of the last minute's error rate, 30 % of the last five minutes', 20 % of all; M_momentum takes 20 % of that penalty off 5 s after
//! the last error, 40 % after 10 s, 90 % after 30 s, all after 60 s. More than 2 % errors: Degraded, more than 5 % or a rate limit hit: Failed, less
//! than 2 % at half of the expected traffic: Healthy. A weighted random choice with a jitter of 5 %, and with 25 % probability a probe of a route that
//! may have recovered.
//!
//! What it does not say is read kindly: the latency is the time to the first token beside the best route's, as a part by which it is longer, 1 at
//! most; the utilization is the traffic beyond a fair share; the error rate is scaled so that 10 % is the full penalty; a Failed route has the least
//! weight until 5 s have passed without an error, and is Recovering then.

use std::collections::VecDeque;
use std::time::Duration;

use crate::rivals::weighted;
use crate::scenario::Scenario;
use crate::strategy::{Ask, News, Strategy};

const TICK: Duration = Duration::from_secs(5);
const JITTER: f64 = 0.05;
const EXPLORATION: f64 = 0.25;

/// One tick of a route.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    answered: f64,
    failed: f64,
    time: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Healthy,
    Degraded,
    Failed,
    Recovering,
}

#[derive(Debug, Clone)]
struct Route {
    /// The running tick last; five minutes.
    ticks: VecDeque<Counts>,
    ever: Counts,
    last_error: Option<Duration>,
    throttled: bool,
    state: State,
    weight: f64,
}

/// Bifrost's strategy.
pub struct Bifrost {
    routes: Vec<Route>,
    next: Duration,
    random: fastrand::Rng,
}

impl Bifrost {
    /// All routes at full weight.
    #[must_use]
    pub fn new(scenario: &Scenario, seed: u64) -> Self {
        let route = Route {
            ticks: VecDeque::from([Counts::default()]),
            ever: Counts::default(),
            last_error: None,
            throttled: false,
            state: State::Healthy,
            weight: 1_000.0,
        };
        Self {
            routes: vec![route; scenario.targets.len()],
            next: TICK,
            random: fastrand::Rng::with_seed(seed),
        }
    }

    fn tick(&mut self, now: Duration) {
        let best = self
            .routes
            .iter()
            .filter_map(Route::latency)
            .min_by(f64::total_cmp);
        let all: f64 = self.routes.iter().map(|route| route.recent(12).sum()).sum();
        let fair = all / self.routes.len() as f64;
        for route in &mut self.routes {
            let rate = route.error_rate();
            let relief = route
                .last_error
                .map_or(1.0, |last| relief(now.saturating_sub(last)));
            let error = (rate / 0.1).min(1.0);
            let latency = match (route.latency(), best) {
                (Some(latency), Some(best)) if best > 0.0 => (latency / best - 1.0).clamp(0.0, 1.0),
                _ => 0.0,
            };
            let utilization = if fair > 0.0 {
                (route.recent(12).sum() / fair - 1.0).clamp(0.0, 1.0)
            } else {
                0.0
            };
            let score = 0.5 * error * (1.0 - relief) + 0.2 * latency + 0.05 * utilization;
            route.state = route.judged(rate * (1.0 - relief), now);
            route.weight = if route.state == State::Failed {
                1.0
            } else {
                1.0 + (1.0 - score).clamp(0.0, 1.0) * 999.0
            };
            route.throttled = false;
            route.ticks.push_back(Counts::default());
            if route.ticks.len() > 60 {
                route.ticks.pop_front();
            }
        }
    }
}

/// Which part of the penalty of errors is taken off so long after the last.
fn relief(since: Duration) -> f64 {
    match since.as_secs() {
        0..5 => 0.0,
        5..10 => 0.2,
        10..30 => 0.4,
        30..60 => 0.9,
        _ => 1.0,
    }
}

impl Counts {
    fn sum(self) -> f64 {
        self.answered + self.failed
    }

    fn rate(self) -> f64 {
        if self.sum() > 0.0 {
            self.failed / self.sum()
        } else {
            0.0
        }
    }
}

impl Route {
    /// The last so many ticks.
    fn recent(&self, ticks: usize) -> Counts {
        self.ticks
            .iter()
            .rev()
            .take(ticks)
            .fold(Counts::default(), |sum, counts| Counts {
                answered: sum.answered + counts.answered,
                failed: sum.failed + counts.failed,
                time: sum.time + counts.time,
            })
    }

    fn error_rate(&self) -> f64 {
        0.5 * self.recent(12).rate() + 0.3 * self.recent(60).rate() + 0.2 * self.ever.rate()
    }

    /// The mean time to the first token of the last minute.
    fn latency(&self) -> Option<f64> {
        let recent = self.recent(12);
        (recent.answered > 0.0).then(|| recent.time / recent.answered)
    }

    fn judged(&self, rate: f64, now: Duration) -> State {
        let quiet = self
            .last_error
            .is_none_or(|last| now.saturating_sub(last) >= TICK);
        match self.state {
            _ if self.throttled => State::Failed,
            State::Failed if quiet => State::Recovering,
            State::Failed => State::Failed,
            _ if rate > 0.05 => State::Failed,
            _ if rate > 0.02 => State::Degraded,
            State::Healthy | State::Degraded | State::Recovering => State::Healthy,
        }
    }
}

impl Strategy for Bifrost {
    fn pick(&mut self, ask: &mut Ask<'_>) -> Option<usize> {
        while ask.now() >= self.next {
            let next = self.next;
            self.tick(next);
            self.next += TICK;
        }
        let open = ask.open();
        let recovering: Vec<usize> = open
            .iter()
            .copied()
            .filter(|at| self.routes[*at].state == State::Recovering)
            .collect();
        if !recovering.is_empty() && self.random.f64() < EXPLORATION {
            return recovering
                .get(self.random.usize(..recovering.len()))
                .copied();
        }
        let weights: Vec<f64> = open
            .iter()
            .map(|at| {
                let jitter = 1.0 + JITTER * (2.0 * self.random.f64() - 1.0);
                self.routes[*at].weight * jitter
            })
            .collect();
        weighted(&mut self.random, &weights).and_then(|at| open.get(at).copied())
    }

    fn tell(&mut self, at: usize, _slot: usize, now: Duration, news: News) {
        let route = &mut self.routes[at];
        let Some(tick) = route.ticks.back_mut() else {
            return;
        };
        match news {
            News::First { after, .. } => {
                for counts in [tick, &mut route.ever] {
                    counts.answered += 1.0;
                    counts.time += after.as_secs_f64();
                }
            }
            News::Complete { .. } => {}
            News::Fault | News::Refused(_) => {
                for counts in [tick, &mut route.ever] {
                    counts.failed += 1.0;
                }
                route.last_error = Some(now);
                route.throttled |= matches!(news, News::Refused(_));
            }
        }
    }
}
