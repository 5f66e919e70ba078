//! How everybody's limits stand, asked of one ready gateway: they share a store, so that what one says is what all would.
//!
//! It goes into statuses and nowhere else. A gateway that does not answer is passed over for the next; while none answers, what was said last
//! stays. Of gateways that count each for itself only what they make of providers is told, for none of them knows how limits stand as a whole.
//!
//! What was heard counts even if the rest was not: a page that nobody gives is asked for again at the next question, which goes on from there, and
//! those whose limits a gateway could not read stay as they were.

mod standing;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairlead_admin_client::{AdminClient, AskError, Endpoint};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;

use self::standing::{JudgedLine, Line, add_judged, entry_at, usages};
use crate::error::Chain;
use crate::metrics::Metrics;
use crate::replicas::{Replica, Replicas};
use crate::report::ledger::Entry;
use crate::watch::Watched;

/// The least time between two questions. Between two there are also twenty times as long as the first one took, so that no store and no gateway is
/// busy with them, however many limits there are.
const PAUSE: Duration = Duration::from_secs(15);
const REST: u32 = 20;
const LONGEST: Duration = Duration::from_secs(300);
/// Until all gateways have said what they enforce and whether they share a store.
const SOON: Duration = Duration::from_secs(1);
/// How long one question may take; the next goes on where it stopped.
const PATIENCE: Duration = Duration::from_secs(60);
/// The most pages: far more than the largest installation has.
const PAGES: usize = 4_096;

/// How everybody's limits stood.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Standings {
    /// The oldest generation of the index that it enforced meanwhile; 0: none was asked yet.
    pub generation: u64,
    /// Of each object with budgets or rate limits, what its `status.usage` is to say.
    pub usages: BTreeMap<Entry, Value>,
    /// Whether nothing is said of limits, so that who is not among them keeps what was said last.
    pub partial: bool,
}

/// A page of what a gateway says.
#[derive(Debug, Deserialize)]
struct Page {
    generation: u64,
    limits: Vec<Line>,
    /// How providers are judged, on the first page.
    #[serde(default)]
    judged: Vec<JudgedLine>,
    /// Whose limits could not all be read, `LEVEL/NAMESPACE/NAME`.
    #[serde(default)]
    unread: Vec<String>,
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

/// How far the pages have been read, and what they said.
#[derive(Debug)]
struct Round {
    /// Of the configurations that were enforced meanwhile the oldest.
    generation: u64,
    usages: BTreeMap<Entry, Value>,
    /// How providers are judged.
    judged: Vec<JudgedLine>,
    at: Timestamp,
    /// Those whose limits could not be read.
    unread: Vec<Entry>,
    /// What the next page is asked for with; `None`: it is the first.
    next: Option<String>,
    pages: usize,
}

/// Asks for ever.
pub(crate) struct Reader {
    gateways: AdminClient,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    /// Whether the last question was answered by nobody.
    silent: bool,
    round: Round,
    last: Standings,
}

impl Default for Round {
    fn default() -> Self {
        Self {
            generation: u64::MAX,
            usages: BTreeMap::new(),
            judged: Vec::new(),
            at: Timestamp::UNIX_EPOCH,
            unread: Vec::new(),
            next: None,
            pages: 0,
        }
    }
}

impl Standings {
    /// Of gateways of which none knows how limits stand: how they judge providers is each one's own all the same.
    fn without_limits(&mut self) {
        for usage in self.usages.values_mut() {
            if let Some(usage) = usage.as_object_mut() {
                usage.retain(|member, _| member == "judged" || member == "observedAt");
            }
        }
        self.usages.retain(|_, usage| usage["judged"].is_object());
        self.partial = true;
    }
}

impl Round {
    /// Takes in a page; whether it was the last.
    fn take(&mut self, page: Page, at: Timestamp) -> bool {
        self.generation = self.generation.min(page.generation);
        self.usages.extend(usages(page.limits, at));
        self.judged.extend(page.judged);
        self.at = at;
        let unread = page.unread.iter().filter_map(|place| entry_at(place));
        self.unread.extend(unread);
        self.next = page.next;
        self.pages += 1;
        self.next.is_none()
    }

    /// What is known of everybody once all pages are read: those that could not be read stay as they were.
    fn end(self, last: &Standings) -> Standings {
        let Self {
            generation,
            mut usages,
            judged,
            at,
            unread,
            ..
        } = self;
        for entry in unread {
            match last.usages.get(&entry) {
                Some(usage) => usages.insert(entry, usage.clone()),
                None => usages.remove(&entry),
            };
        }
        add_judged(&mut usages, &judged, at);
        Standings {
            generation,
            usages,
            partial: false,
        }
    }

    /// What is known of everybody so far; `None`: nothing new. Nobody is taken for one without limits only because a page is missing.
    fn so_far(&self, last: &Standings) -> Option<Standings> {
        if self.pages == 0 || last.generation == 0 {
            return None;
        }
        let mut usages = last.usages.clone();
        let new = self.usages.iter();
        usages.extend(new.map(|(entry, usage)| (entry.clone(), usage.clone())));
        add_judged(&mut usages, &self.judged, self.at);
        Some(Standings {
            generation: self.generation.min(last.generation),
            usages,
            partial: false,
        })
    }
}

impl Reader {
    /// A reader that has asked nobody yet.
    pub(crate) fn new(
        gateways: AdminClient,
        watched: &Arc<Watched>,
        metrics: &Arc<Metrics>,
    ) -> Self {
        Self {
            gateways,
            watched: Arc::clone(watched),
            metrics: Arc::clone(metrics),
            silent: false,
            round: Round::default(),
            last: Standings::default(),
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
                (self.round, self.last) = (Round::default(), Standings::default());
            }
            if live.wait_for(|generation| *generation > 0).await.is_err() {
                return;
            }
            let began = Instant::now();
            let word = word(&replicas.borrow());
            let pause = match word {
                Word::Unknown => SOON,
                Word::Apart | Word::Whole => {
                    if let Some(mut standings) = self.ask().await {
                        if word == Word::Apart {
                            standings.without_limits();
                        }
                        told.send_replace(Arc::new(standings));
                    }
                    (began.elapsed() * REST).clamp(PAUSE, LONGEST)
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// What they say, one after the other, each from where the one before fell silent; `None`: nothing that is new.
    async fn ask(&mut self) -> Option<Standings> {
        self.gateways.prepare().await;
        let until = Instant::now() + PATIENCE;
        let mut silent = false;
        for endpoint in &self.ready() {
            let read = tokio::time::timeout_at(until, self.read(endpoint)).await;
            match read.unwrap_or(Err(ReadError::Endless)) {
                Ok(()) => {
                    self.silent = false;
                    let round = std::mem::take(&mut self.round);
                    self.last = round.end(&self.last);
                    return Some(self.last.clone());
                }
                Err(error) => {
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
        self.round.so_far(&self.last)
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

    /// Reads on to the last page.
    async fn read(&mut self, endpoint: &Endpoint) -> Result<(), ReadError> {
        let at = Timestamp::now();
        while self.round.pages < PAGES {
            let next = self.round.next.as_ref();
            let path = next.map_or("/usage".to_owned(), |next| format!("/usage?after={next}"));
            let page: Page = self.gateways.ask(endpoint, &path).await?;
            if self.round.take(page, at) {
                return Ok(());
            }
        }
        self.round = Round::default();
        Err(ReadError::Endless)
    }
}

/// What one gateway's word is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    /// It knows the whole.
    Whole,
    /// There are several, of which one counts for itself: then none knows the whole.
    Apart,
    /// Not all have said yet whether they count for themselves.
    Unknown,
}

fn word(replicas: &[Replica]) -> Word {
    let is_alone = |replica: &Replica| replica.alone_since.is_some();
    if replicas.len() > 1 && replicas.iter().any(is_alone) {
        Word::Apart
    } else if replicas.is_empty() || replicas.iter().any(|replica| replica.enforces.is_none()) {
        Word::Unknown
    } else {
        Word::Whole
    }
}
