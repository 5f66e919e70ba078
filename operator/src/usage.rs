//! How everybody's limits stand, asked of one ready gateway: they share a store, so that what one says is what all would.
//!
//! It goes into statuses and nowhere else. A gateway that does not answer is passed over for the next; while none answers, what was said last
//! stays. Gateways that count each for itself are not asked, for none of them knows the whole.

mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use self::standing::{Line, usages};
use crate::error::Chain;
use crate::gateways::{AskError, Gateways};
use crate::metrics::Metrics;
use crate::replicas::{Replica, Replicas};
use crate::report::ledger::Entry;
use crate::watch::Watched;
use crate::watch::resource::Endpoint;

/// The least time between two questions. Between two there are also twenty times as long as the first one took, so that no store and no gateway is
/// busy with them, however many limits there are.
const PAUSE: Duration = Duration::from_secs(15);
const REST: u32 = 20;
const LONGEST: Duration = Duration::from_secs(300);
/// How long all pages together may take.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most pages: far more than the largest installation has.
const PAGES: usize = 4_096;

/// How everybody's limits stood.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Standings {
    /// The oldest generation of the index that it enforced meanwhile; 0: none was asked yet.
    pub generation: u64,
    /// Of each object with budgets or rate limits, what its `status.usage` is to say.
    pub usages: BTreeMap<Entry, Value>,
}

/// A page of what a gateway says.
#[derive(Debug, Deserialize)]
struct Page {
    generation: u64,
    limits: Vec<Line>,
    /// What the next page is asked for with; absent: this was the last.
    #[serde(default)]
    next: Option<String>,
}

/// Why a gateway's word is not taken.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Ask(#[from] AskError),
    #[error("it comes to no end")]
    Endless,
}

/// Asks for ever.
pub(crate) struct Reader {
    gateways: Gateways,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    /// Whether the last question was answered by nobody.
    silent: bool,
}

impl Reader {
    /// A reader that has asked nobody yet.
    pub(crate) fn new(gateways: Gateways, watched: &Arc<Watched>, metrics: &Arc<Metrics>) -> Self {
        Self {
            gateways,
            watched: Arc::clone(watched),
            metrics: Arc::clone(metrics),
            silent: false,
        }
    }

    /// Asks for as long as this replica leads: `live` is the generation of the live index, 0 while it does not.
    pub(crate) async fn run(
        mut self,
        mut live: watch::Receiver<u64>,
        replicas: watch::Receiver<Replicas>,
        told: watch::Sender<Arc<Standings>>,
    ) {
        loop {
            if *live.borrow() == 0 {
                // What is known goes out of date while another replica writes.
                told.send_replace(Arc::default());
            }
            if live.wait_for(|generation| *generation > 0).await.is_err() {
                return;
            }
            let began = Instant::now();
            let mut pause = PAUSE;
            let apart = count_apart(&replicas.borrow());
            if !apart && let Some(standings) = self.ask().await {
                told.send_replace(Arc::new(standings));
                pause = (began.elapsed() * REST).clamp(PAUSE, LONGEST);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// What the first says that says everything.
    async fn ask(&mut self) -> Option<Standings> {
        self.gateways.prepare().await;
        let ready = self.ready();
        let mut silent = false;
        for endpoint in &ready {
            let read = tokio::time::timeout(PATIENCE, self.read(endpoint)).await;
            match read.unwrap_or(Err(ReadError::Endless)) {
                Ok(standings) => {
                    self.silent = false;
                    return Some(standings);
                }
                Err(error) => {
                    if let ReadError::Ask(error) = &error {
                        self.gateways.failed(error);
                    }
                    silent = true;
                    if !self.silent {
                        tracing::warn!(pod = endpoint.pod, error = %Chain(&error), "a gateway does not say how limits stand");
                    }
                }
            }
        }
        self.silent = silent;
        if silent {
            self.metrics.usage_failures.inc();
        }
        None
    }

    fn ready(&self) -> Vec<Endpoint> {
        let slices = self.watched.endpoints.items();
        let all = slices
            .iter()
            .flat_map(|(_, endpoints)| (**endpoints).clone());
        let ready = all.filter(|(_, ready)| *ready);
        let mut ready: Vec<_> = ready.map(|(endpoint, _)| endpoint).collect();
        ready.sort();
        ready.dedup();
        ready
    }

    async fn read(&self, endpoint: &Endpoint) -> Result<Standings, ReadError> {
        let at = Timestamp::now();
        let (mut lines, mut path, mut generation) = (Vec::new(), "/usage".to_owned(), u64::MAX);
        for _ in 0..PAGES {
            let page: Page = self.gateways.ask(endpoint, &path).await?;
            generation = generation.min(page.generation);
            lines.extend(page.limits);
            match page.next {
                Some(next) => path = format!("/usage?after={next}"),
                None => {
                    return Ok(Standings {
                        generation,
                        usages: usages(lines, at),
                    });
                }
            }
        }
        Err(ReadError::Endless)
    }
}

/// Whether there are several gateways of which one counts for itself: then none knows the whole.
fn count_apart(replicas: &[Replica]) -> bool {
    replicas.len() > 1 && replicas.iter().any(|replica| replica.alone_since.is_some())
}
