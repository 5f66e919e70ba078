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
    /// `x-fairlead-attempts`, to explain it.
    pub(super) attempts: String,
}

/// Requests over connections that are kept.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    client: reqwest::Client,
    url: Arc<str>,
    body: Arc<str>,
}

impl Caller {
    pub(super) fn of(gateway: &Gateway, body: &Value) -> Self {
        Self {
            client: reqwest::Client::builder().no_proxy().build().unwrap(),
            url: gateway.url("/v1/chat/completions").into(),
            body: body.to_string().into(),
        }
    }

    pub(super) async fn ask(&self) -> Sample {
        let request = self.client.post(&*self.url).bearer_auth(KEY);
        let sent = Instant::now();
        let answer = Answer::to(request.body(self.body.to_string())).await;
        let complete = answer.json()["choices"].is_array() || answer.done();
        Sample {
            sent,
            took: sent.elapsed(),
            answered: answer.status == 200 && complete,
            provider: answer.header("x-fairlead-provider").to_owned(),
            attempts: answer.attempts().to_owned(),
        }
    }

    /// Asks `rate` times a second for so long, then waits for the last answer.
    pub(super) async fn steadily(&self, rate: u32, time: Duration) -> Vec<Sample> {
        let mut ticks = interval(Duration::from_secs(1) / rate);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let end = Instant::now() + time;
        let mut asking = JoinSet::new();
        while Instant::now() < end {
            ticks.tick().await;
            let caller = self.clone();
            asking.spawn(async move { caller.ask().await });
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
