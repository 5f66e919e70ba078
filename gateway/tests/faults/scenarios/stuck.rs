//! One provider answers nothing and its queue is full: the callers of another one are none the slower.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use tokio::task::JoinSet;

use super::load::{Caller, Sample, percentile};
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Gateway, eventually, serve, whole};
use crate::results;

/// Callers that want the stuck provider: more than may be in flight and wait together.
const CROWD: usize = 100;
const IN_FLIGHT: usize = 10;
const RATE: u32 = 150;
const ROUND: Duration = Duration::from_secs(4);
const ROUNDS: usize = 6;
/// A machine that does other things moves more; the figure itself is in the results.
const TOLERANCE: f64 = 5.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute; make faults runs it"]
async fn a_provider_that_is_stuck_slows_no_other() {
    let (stuck, well) = (
        Provider::always(Play::silent()).await,
        Provider::always(Play::chat("All is well.")).await,
    );
    let gateway = gateway(&stuck, &well).await;
    let good = Caller::of(&gateway, &whole("well"));
    good.steadily(RATE, ROUND / 4).await;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.extend(good.steadily(RATE, ROUND).await);
        let crowd = crowd(&gateway, &stuck).await;
        beside.extend(good.steadily(RATE, ROUND).await);
        drop(crowd);
        stuck
            .until(|stuck| stuck.abandoned() == stuck.requests())
            .await;
    }
    assert!(beside.iter().chain(&alone).all(|sample| sample.answered));
    let good = moved("p50", &alone, &beside, 50, 5.0) & moved("p99", &alone, &beside, 99, 25.0);
    assert!(good, "see the results for by how much");
}

async fn gateway(stuck: &Provider, well: &Provider) -> Gateway {
    let limits =
        format!("concurrency: {{maxInFlight: {IN_FLIGHT}, queue: {{length: 50, wait: 60s}}}}");
    serve([
        provider("stuck", &stuck.base_url(), &limits),
        provider("well", &well.base_url(), ""),
        chain("stuck", &["stuck"], ""),
        chain("well", &["well"], ""),
        caller(),
    ])
    .await
}

/// Callers that ask again and again until they are dropped, once the provider has as many as it may.
async fn crowd(gateway: &Gateway, stuck: &Provider) -> JoinSet<()> {
    let before = stuck.requests();
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let caller = Caller::of(gateway, &whole("stuck"));
        crowd.spawn(async move {
            loop {
                caller.ask().await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
    }
    eventually("the stuck provider has all it may have", async || {
        (stuck.requests() >= before + IN_FLIGHT).then_some(())
    })
    .await;
    crowd
}

/// By how many per cent a percentile is above what it is without the stuck provider.
fn moved(name: &str, alone: &[Sample], beside: &[Sample], hundredths: usize, most: f64) -> bool {
    let (alone, beside) = (
        percentile(alone, hundredths),
        percentile(beside, hundredths),
    );
    let moved = (beside.as_secs_f64() / alone.as_secs_f64() - 1.0) * 100.0;
    let figure = format!("stuck provider: {name} of the others moves by");
    results::at_most(&figure, moved, "%", most);
    moved <= most * TOLERANCE
}
