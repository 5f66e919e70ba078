//! Load at a steady rate, whatever comes back and however late, and what each request saw.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::harness::{Answer, Gateway, KEY};

/// What one request saw.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// When it was sent.
    pub(super) sent: Instant,
    /// How long its answer took, to its end.
    pub(super) took: Duration,
    /// Whether the answer was a whole one.
    pub(super) answered: bool,
    /// `x-fairlead-provider`.
    pub(super) provider: String,
    /// `x-fairlead-attempts`, to explain it; where it was not answered, all that is known.
    pub(super) attempts: String,
}

impl Sample {
    fn failed(sent: Instant, why: String) -> Self {
        Self {
            sent,
            took: sent.elapsed(),
            answered: false,
            provider: String::new(),
            attempts: why,
        }
    }
}

/// Requests over connections that are kept.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    client: reqwest::Client,
    url: Arc<str>,
    key: &'static str,
    /// They take turns.
    bodies: Arc<[String]>,
}

impl Caller {
    pub(super) fn of(gateway: &Gateway, body: &Value) -> Self {
        Self::with_key(gateway, KEY, std::slice::from_ref(body))
    }

    pub(super) fn with_key(gateway: &Gateway, key: &'static str, bodies: &[Value]) -> Self {
        Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: gateway.url("/v1/chat/completions").into(),
            key,
            bodies: bodies.iter().map(Value::to_string).collect(),
        }
    }

    pub(super) async fn ask(&self) -> Sample {
        self.ask_in_turn(0).await
    }

    async fn ask_in_turn(&self, turn: usize) -> Sample {
        let request = self.client.post(&*self.url).bearer_auth(self.key);
        let body = self.bodies[turn % self.bodies.len()].clone();
        let sent = Instant::now();
        let answer = match request.body(body).send().await {
            Ok(response) => Answer::of(response).await,
            Err(error) => return Sample::failed(sent, format!("{error:?}")),
        };
        let complete = answer.json()["choices"].is_array() || answer.done();
        if answer.status != 200 || !complete {
            let why = format!("{} {} {}", answer.status, answer.code(), answer.attempts());
            return Sample::failed(sent, why);
        }
        Sample {
            sent,
            took: sent.elapsed(),
            answered: true,
            provider: answer.header("x-fairlead-provider").to_owned(),
            attempts: answer.attempts().to_owned(),
        }
    }

    /// Asks `rate` times a second for so long, then waits for the last answer.
    pub(super) async fn steadily(&self, rate: u32, time: Duration) -> Vec<Sample> {
        self.until(rate, tokio::time::sleep(time)).await
    }

    /// Asks `rate` times a second until then, and waits for the last answer.
    pub(super) async fn until(&self, rate: u32, end: impl Future) -> Vec<Sample> {
        let mut ticks = interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let mut end = std::pin::pin!(end);
        let mut asking = JoinSet::new();
        loop {
            tokio::select! {
                _ = &mut end => break,
                _ = ticks.tick() => {}
            }
            let (caller, turn) = (self.clone(), asking.len());
            asking.spawn(async move { caller.ask_in_turn(turn).await });
        }
        asking.join_all().await
    }
}

/// The latency that so many of a hundred do not exceed.
pub(super) fn percentile(samples: &[Sample], hundredths: usize) -> Duration {
    let mut times: Vec<_> = samples.iter().map(|sample| sample.took).collect();
    times.sort_unstable();
    times[(times.len() - 1) * hundredths / 100]
}
