//! One provider answers nothing and its queue is full: the callers of another one are none the slower.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider};
use tokio::task::JoinSet;

use super::load::{Caller, Sample, percentile};
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Gateway, eventually, serve, whole};
use crate::results;

/// Callers that want the stuck provider: more than may be in flight and wait together.
const CROWD: usize = 80;
const IN_FLIGHT: usize = 10;
const QUEUED: usize = 50;
/// After this time those who were refused ask again.
const AGAIN: Duration = Duration::from_millis(500);
const RATE: u32 = 200;
/// Rounds with and without the crowd take turns; the median of their figures stands for them, so that what else the machine does in some of
/// them does not count.
const ROUND: Duration = Duration::from_millis(1_500);
const ROUNDS: usize = 15;
/// A machine that does other things moves more; the figure itself is in the results.
const TOLERANCE: f64 = 5.0;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a minute; make faults runs it, and make test runs that"]
async fn a_provider_that_is_stuck_slows_no_other() {
    let (stuck, well) = (
        Provider::always(Play::silent()).await,
        Provider::always(Play::chat("All is well.")).await,
    );
    let gateway = gateway(&stuck, &well).await;
    let good = Caller::of(&gateway, &whole("well"));
    let wanting = Caller::of(&gateway, &whole("stuck"));
    good.steadily(RATE, ROUND).await;
    let (mut alone, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        alone.push(good.steadily(RATE, ROUND).await);
        let crowd = crowd(&wanting, &stuck).await;
        beside.push(good.steadily(RATE, ROUND).await);
        drop(crowd);
        stuck
            .until(|stuck| stuck.abandoned() == stuck.requests())
            .await;
    }
    let mut samples = beside.iter().chain(&alone).flatten();
    assert!(samples.all(|sample| sample.answered));
    let good = moved("p50", &alone, &beside, 50, 5.0) & moved("p99", &alone, &beside, 99, 25.0);
    assert!(good, "see the results for by how much");
}

async fn gateway(stuck: &Provider, well: &Provider) -> Gateway {
    let limits = format!(
        "concurrency: {{maxInFlight: {IN_FLIGHT}, queue: {{length: {QUEUED}, wait: 60s}}}}"
    );
    serve([
        provider("stuck", &stuck.base_url(), &limits),
        provider("well", &well.base_url(), ""),
        chain("stuck", &["stuck"], ""),
        chain("well", &["well"], ""),
        caller(),
    ])
    .await
}

/// Callers that ask again and again until they are dropped, once the provider has as many as it may and the queue is full.
async fn crowd(wanting: &Caller, stuck: &Provider) -> JoinSet<()> {
    let before = stuck.requests();
    let refused = Arc::new(AtomicUsize::new(0));
    let mut crowd = JoinSet::new();
    for _ in 0..CROWD {
        let (caller, refused) = (wanting.clone(), Arc::clone(&refused));
        crowd.spawn(async move {
            loop {
                caller.ask().await;
                refused.fetch_add(1, Ordering::Relaxed);
                tokio::time::sleep(AGAIN).await;
            }
        });
    }
    let expected = CROWD - IN_FLIGHT - QUEUED;
    eventually("the queue is full", async || {
        let full = refused.load(Ordering::Relaxed) >= expected;
        (full && stuck.requests() >= before + IN_FLIGHT).then_some(())
    })
    .await;
    crowd
}

/// By how many per cent a percentile is above what it is without the stuck provider.
fn moved(
    name: &str,
    alone: &[Vec<Sample>],
    beside: &[Vec<Sample>],
    hundredths: usize,
    most: f64,
) -> bool {
    let (alone, beside) = (median(alone, hundredths), median(beside, hundredths));
    let moved = (beside / alone - 1.0) * 100.0;
    let figure = format!("stuck provider: {name} of the others moves by");
    results::at_most(&figure, moved, "%", most);
    moved <= most * TOLERANCE
}

/// The median of a percentile over all rounds, in seconds.
fn median(rounds: &[Vec<Sample>], hundredths: usize) -> f64 {
    let mut figures: Vec<_> = rounds
        .iter()
        .map(|round| percentile(round, hundredths))
        .collect();
    figures.sort_unstable();
    figures[figures.len() / 2].as_secs_f64()
}
