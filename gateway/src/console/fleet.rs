//! The gateways: where they are, how they do, and what they tell of requests as these end.
//!
//! They are asked while somebody looks, all at once and for everybody together; one that does not answer stays, and is said to be silent.

mod follow;
mod places;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairlead_admin_client::{AdminClient, AskError, Endpoint};
use fairlead_console::Feed;
use fairlead_record::content::Content;
use fairlead_record::{Ring, hex};
use futures_util::future::join_all;
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};

use super::limits::{self, Page};
use super::metrics::Metrics;
use crate::govern::report::Line;
use crate::told::providers::Report;
pub(super) use places::Places;

/// How often gateways are asked while somebody looks, and for how long after they have.
const EVERY: Duration = Duration::from_secs(3);
const LOOKED: Duration = Duration::from_secs(30);
/// Whoever looks first waits so long for the answers; a gateway has two seconds.
const PATIENCE: Duration = Duration::from_secs(3);

/// How all of them did, at one moment.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Each of them, by its name.
    pub(super) gateways: Vec<Gateway>,
    /// What each that answers says of its providers: `GET /health`.
    pub(super) reports: Vec<Report>,
    pub(super) at: Option<Instant>,
}

/// One of them.
#[derive(Debug)]
pub(super) struct Gateway {
    /// Its pod, or the address where none is named.
    pub(super) name: String,
    /// Whether it takes requests, as its Service says.
    pub(super) ready: bool,
    /// What it says of itself; or why it does not.
    pub(super) said: Result<Config, String>,
}

/// What a gateway says at `GET /config`, as far as it is shown.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Config {
    /// The generation.
    pub(super) generation: u64,
    /// The digest of it.
    #[serde(default)]
    pub(super) digest: String,
    /// Where it comes from.
    #[serde(default)]
    pub(super) source: Option<String>,
    /// Why a newer one is not in force.
    #[serde(default)]
    pub(super) error: Option<String>,
    /// Whether its counters can be reached.
    #[serde(default)]
    pub(super) store: Store,
    /// Whether it keeps them to itself.
    #[serde(default, rename = "countsAlone")]
    pub(super) counts_alone: bool,
}

/// How the counters of a gateway are.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Store {
    /// Whether they can be reached.
    #[serde(default)]
    pub(super) reachable: bool,
    /// What is wrong with them.
    #[serde(default)]
    pub(super) problem: Option<String>,
}

/// All gateways of the installation.
pub(super) struct Fleet {
    client: AdminClient,
    places: Places,
    seen: watch::Sender<Arc<Seen>>,
    looked: Mutex<Option<Instant>>,
    wanted: Notify,
    merged: Arc<follow::Merged>,
    told: Arc<Metrics>,
}

impl Fleet {
    /// Of which nothing is known yet. Requests are told to the feed, and to the ring where that is where they are kept.
    #[must_use]
    pub(super) fn new(
        client: AdminClient,
        places: Places,
        (feed, ring): (Arc<Feed>, Option<Arc<Ring>>),
        told: &Arc<Metrics>,
    ) -> Self {
        Self {
            client,
            places,
            seen: watch::Sender::new(Arc::default()),
            looked: Mutex::default(),
            wanted: Notify::new(),
            merged: Arc::new(follow::Merged::new(feed, ring, told)),
            told: Arc::clone(told),
        }
    }

    /// Asks and follows for ever.
    pub(super) async fn run(&self) {
        tokio::join!(
            self.places.run(),
            self.ask(),
            follow::all(&self.client, &self.places, &self.merged)
        );
    }

    /// Whether it is known where gateways are.
    #[must_use]
    pub(super) fn is_known(&self) -> bool {
        self.places.is_complete()
    }

    /// How they do; for who looks first in a while once they have been asked.
    pub(super) async fn look(&self) -> Arc<Seen> {
        *self.looked.lock() = Some(Instant::now());
        let mut seen = self.seen.subscribe();
        let is_fresh = |seen: &Arc<Seen>| {
            let fresh = |at: Instant| at.elapsed() < EVERY + PATIENCE;
            seen.at.is_some_and(fresh)
        };
        if is_fresh(&seen.borrow_and_update()) {
            return seen.borrow().clone();
        }
        self.wanted.notify_one();
        // What they said last is better than nothing.
        let _ = timeout(PATIENCE, seen.wait_for(is_fresh)).await;
        Arc::clone(&self.seen.borrow())
    }

    /// How the limits of a few stand, over all gateways, as one of them says that shares its counters with the others; of several that do not, each
    /// would say something else, and none is asked.
    ///
    /// # Errors
    /// None of them says so.
    pub(super) async fn limits(&self, holders: &[String]) -> Result<Vec<Line>, String> {
        if holders.is_empty() {
            return Ok(Vec::new());
        }
        let seen = self.look().await;
        let ready = |gateway: &&Gateway| gateway.ready;
        let alone = |gateway: &&Gateway| {
            let said = gateway.said.as_ref();
            said.is_ok_and(|config| config.counts_alone)
        };
        let several = seen.gateways.iter().filter(ready).count() > 1;
        if several && seen.gateways.iter().filter(ready).any(|one| alone(&one)) {
            return Err(
                "each gateway counts for itself, so that none knows how limits stand".to_owned(),
            );
        }
        let path = limits::path(holders);
        let mut why = "no gateway is ready".to_owned();
        for (endpoint, _) in self.places.all().into_iter().filter(|(_, ready)| *ready) {
            match self.client.ask::<Page>(&endpoint, &path).await {
                Ok(page) => return Ok(page.lines()),
                Err(error) => why = words(&error),
            }
        }
        Err(why)
    }

    /// What was written in a request, as the first gateway says that has it; `None`: none has.
    ///
    /// # Errors
    /// None has it, and one of them does not say.
    pub(super) async fn content(&self, id: u64) -> Result<Option<Content>, String> {
        self.client.prepare().await;
        let path = format!("/requests/{}/content", hex::text(&id.to_be_bytes()));
        let places = self.places.all();
        let asked = places
            .keys()
            .map(|endpoint| self.client.ask::<Content>(endpoint, &path));
        let mut why = None;
        for answer in join_all(asked).await {
            match answer {
                Ok(content) => return Ok(Some(content)),
                Err(AskError::Http(error))
                    if error.status().is_some_and(|status| status.as_u16() == 404) => {}
                Err(error) => why = Some(words(&error)),
            }
        }
        why.map_or(Ok(None), |why| {
            Err(format!("a gateway does not say what was written: {why}"))
        })
    }

    async fn ask(&self) {
        loop {
            tokio::select! {
                () = self.wanted.notified() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
            let is_looked_at = {
                let looked = self.looked.lock();
                looked.is_some_and(|looked| looked.elapsed() < LOOKED)
            };
            if is_looked_at {
                self.seen.send_replace(Arc::new(self.ask_all().await));
            }
        }
    }

    async fn ask_all(&self) -> Seen {
        self.client.prepare().await;
        let places = self.places.all();
        self.told.gateways.set(places.len().try_into().unwrap_or(0));
        let answers = join_all(places.keys().map(|endpoint| self.ask_one(endpoint))).await;
        let mut seen = Seen {
            at: Some(Instant::now()),
            ..Seen::default()
        };
        for ((endpoint, ready), answer) in places.into_iter().zip(answers) {
            let name = endpoint.pod;
            let said = answer.map(|(config, health)| {
                seen.reports.push((name.clone(), health));
                config
            });
            seen.gateways.push(Gateway { name, ready, said });
        }
        seen
    }

    async fn ask_one(&self, endpoint: &Endpoint) -> Result<(Config, Value), String> {
        let config = self.client.ask(endpoint, "/config");
        let health = self.client.ask(endpoint, "/health");
        tokio::try_join!(config, health).map_err(|error| words(&error))
    }
}

/// Where gateways are, and whether each takes requests.
type Where = BTreeMap<Endpoint, bool>;

/// Why one did not answer, in words that say nothing of its address.
fn words(error: &AskError) -> String {
    match error {
        AskError::Http(error) if error.is_timeout() => "it does not answer in time".to_owned(),
        AskError::Http(error) => match error.status() {
            Some(status) => format!("it refuses to answer ({})", status.as_u16()),
            None => "it cannot be reached".to_owned(),
        },
        AskError::Json(_) | AskError::TooLong(_) => error.to_string(),
    }
}
