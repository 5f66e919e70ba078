//! The first provider of a rule goes down and comes back, under load, while the second one is well.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider, Seen};
use tokio::time::{Instant, sleep_until};

use super::load::{Caller, Sample, percentile};
use crate::harness::yaml::{caller, provider, rule};
use crate::harness::{serve, whole};
use crate::results;

/// What the first provider does: it is well, or it fails in one of three ways, each for a third of the outage.
const WELL: u8 = 0;
/// It is well but slow, so that the gateway opens many connections to it: those that idle in the pools when it goes down are stale.
const SLOW: u8 = 4;
const RESETS: u8 = 1;
const OVERLOADED: u8 = 2;
const SILENT: u8 = 3;

/// An outage and what is configured for it.
struct Outage {
    name: &'static str,
    rate: u32,
    before: Duration,
    down: Duration,
    /// In this time after its end the first provider must have its whole share again.
    back_within: Duration,
    interval: Duration,
    ramp: Duration,
}

/// What happened, and when.
struct Story {
    samples: Vec<Sample>,
    /// When requests reached the first provider.
    asked: Vec<Instant>,
    down: Instant,
    up: Instant,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_not_noticed() {
    let millis = Duration::from_millis;
    let outage = Outage {
        name: "short outage",
        rate: 60,
        before: millis(500),
        down: millis(4_500),
        back_within: millis(6_000),
        interval: millis(500),
        ramp: millis(1_500),
    };
    outage.judge(&outage.play().await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "two minutes; make faults runs it, and make test runs that"]
async fn an_outage_of_a_minute_is_not_noticed() {
    let seconds = Duration::from_secs;
    let outage = Outage {
        name: "outage of 60 s under 200 requests/s",
        rate: 200,
        before: seconds(10),
        down: seconds(60),
        back_within: seconds(30),
        interval: seconds(5),
        ramp: seconds(10),
    };
    outage.judge(&outage.play().await);
}

fn first(state: &AtomicU8, _: &Seen) -> Play {
    match state.load(Ordering::Relaxed) {
        RESETS => Play::reset(),
        OVERLOADED => Play::status(503),
        SILENT => Play::silent(),
        SLOW => Play::chat("First.").after(Duration::from_millis(100)),
        _ => Play::chat("First."),
    }
}

impl Outage {
    async fn play(&self) -> Story {
        let state = Arc::new(AtomicU8::new(SLOW));
        let script = Arc::clone(&state);
        let origin = Instant::now();
        let a = Provider::start(move |seen| first(&script, seen)).await;
        let spare = Provider::always(Play::chat("Spare.")).await;
        let health = format!(
            "health: {{probeInterval: {}ms, rampUp: {}ms}}, timeouts: {{firstByte: {}ms}}",
            self.interval.as_millis(),
            self.ramp.as_millis(),
            self.interval.as_millis() / 2,
        );
        let targets =
            "{name: a, providerRef: {name: a}}, {name: spare, providerRef: {name: spare}}";
        let gateway = serve([
            provider("a", &a.base_url(), &health),
            provider("spare", &spare.base_url(), ""),
            rule(
                "chat",
                &format!(
                    "match: {{models: [chat]}}, strategy: {{type: Priority}}, targets: [{targets}]"
                ),
            ),
            caller(),
        ])
        .await;
        let caller = Caller::of(&gateway, &whole("chat"));
        futures_util::future::join_all((0..24).map(|_| caller.ask())).await;
        state.store(WELL, Ordering::Relaxed);
        let down = Instant::now() + self.before;
        let up = down + self.down;
        let faults = async {
            for (at, fault) in (0..).zip([RESETS, OVERLOADED, SILENT, WELL]) {
                sleep_until(down + self.down * at / 3).await;
                state.store(fault, Ordering::Relaxed);
            }
        };
        let time = self.before + self.down + self.back_within;
        let (samples, ()) = tokio::join!(caller.steadily(self.rate, time), faults);
        let asked = a.seen().iter().map(|seen| origin + seen.head_at).collect();
        Story {
            samples,
            asked,
            down,
            up,
        }
    }

    fn judge(&self, story: &Story) {
        let missed: Vec<_> = story
            .samples
            .iter()
            .filter(|sample| !sample.answered)
            .map(|sample| (sample.sent - story.down, &sample.attempts))
            .collect();
        let slowest = percentile(&story.samples, 100);
        let p99 = percentile(&story.samples, 99);
        let good = self.at_most(
            "requests without an answer",
            results::count(missed.len()),
            "requests",
            0.0,
        ) & self.at_most("slowest answer", slowest.as_secs_f64(), "s", 10.0)
            & self.at_most("p99 of answers", p99.as_secs_f64() * 1e3, "ms", 1_000.0)
            & self.judge_probes(story)
            & self.judge_return(story);
        assert!(
            good,
            "see the results; {} unanswered: {:?}",
            missed.len(),
            missed.first()
        );
    }

    fn judge_probes(&self, story: &Story) -> bool {
        let gap = self.least_gap(story).as_secs_f64();
        let interval = self.interval.as_secs_f64();
        let soon = story.down..story.down + self.interval.min(Duration::from_secs(1));
        let noticed = story.asked.iter().filter(|at| soon.contains(at)).count();
        results::at_least(
            &self.figure("time between two probes"),
            gap,
            "s",
            // Seen at the provider, where a probe that was late on a busy machine is nearer to the next.
            interval * 0.75,
        ) & self.at_most(
            "attempts before it was noticed",
            results::count(noticed),
            "attempts",
            60.0,
        )
    }

    fn judge_return(&self, story: &Story) -> bool {
        let back = self.back(story).unwrap_or(Duration::MAX).as_secs_f64();
        let early = self.share(story, self.returned(story), self.ramp / 5);
        self.at_most(
            "full share again after",
            back,
            "s",
            self.back_within.as_secs_f64(),
        ) & self.at_most(
            "share in the first fifth of the ramp",
            early * 100.0,
            "%",
            50.0,
        )
    }

    fn at_most(&self, figure: &str, value: f64, unit: &str, most: f64) -> bool {
        results::at_most(&self.figure(figure), value, unit, most)
    }

    fn figure(&self, name: &str) -> String {
        format!("{}: {name}", self.name)
    }

    /// The least time between two requests that reached the first provider once its breaker was open.
    fn least_gap(&self, story: &Story) -> Duration {
        let open = story.down + self.interval.min(Duration::from_secs(1));
        let probes: Vec<_> = story
            .asked
            .iter()
            .filter(|at| **at > open && **at < story.up)
            .collect();
        assert!(probes.len() > 2, "it was never probed: {probes:?}");
        let gaps = probes.windows(2).map(|pair| *pair[1] - *pair[0]);
        gaps.min().unwrap()
    }

    /// When the first provider answered again.
    fn returned(&self, story: &Story) -> Instant {
        let answers = story
            .samples
            .iter()
            .filter(|sample| sample.sent >= story.up && is_first(sample));
        answers
            .map(|sample| sample.sent)
            .min()
            .expect("it never came back")
    }

    /// How long after the outage the first provider had its whole share again.
    fn back(&self, story: &Story) -> Option<Duration> {
        let window = self.ramp / 10;
        let windows = (0..).map(|nth| story.up + window * nth);
        windows
            .take_while(|from| *from + window <= story.up + self.back_within)
            .find(|from| self.share(story, *from, window) >= 0.95)
            .map(|from| from + window - story.up)
    }

    /// The share of the requests sent in that time that the first provider answered.
    fn share(&self, story: &Story, from: Instant, time: Duration) -> f64 {
        let sent: Vec<_> = story
            .samples
            .iter()
            .filter(|sample| sample.sent >= from && sample.sent < from + time)
            .collect();
        let answered = sent.iter().filter(|sample| is_first(sample)).count();
        results::count(answered) / results::count(sent.len().max(1))
    }
}

fn is_first(sample: &Sample) -> bool {
    sample.provider == "default/a"
}
