//! The requests of all gateways in one stream, each of them once: of every gateway what it tells as requests end, and at first, and after a break,
//! its last ones beside.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlead_admin_client::{AdminClient, AskError, Endpoint};
use fairlead_console::Feed;
use fairlead_process::Pause;
use fairlead_record::filter::LARGEST_PAGE;
use fairlead_record::{Entry, Page, Ring};
use futures_util::StreamExt as _;
use parking_lot::Mutex;
use serde::Deserialize;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::Instant;

use super::{Places, Where, words};
use crate::console::metrics::Metrics;

/// Between two attempts at a gateway.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(15);
/// So many ids are remembered: as many requests as are kept, and what comes again while two gateways are asked.
const IDS: usize = 20_000;

/// Where requests go that were told.
pub(super) struct Merged {
    feed: Arc<Feed>,
    ring: Option<Arc<Ring>>,
    ids: Mutex<Ids>,
    told: Arc<Metrics>,
}

/// The ids that have been, the oldest first.
#[derive(Default)]
struct Ids {
    known: HashSet<u64>,
    order: VecDeque<u64>,
}

/// A line of a gateway that is no request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Skipped {
    skipped: u64,
}

impl Ids {
    /// Whether it has not been yet.
    fn is_new(&mut self, id: u64) -> bool {
        if !self.known.insert(id) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > IDS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        true
    }
}

impl Merged {
    pub(super) fn new(feed: Arc<Feed>, ring: Option<Arc<Ring>>, told: &Arc<Metrics>) -> Self {
        Self {
            feed,
            ring,
            ids: Mutex::default(),
            told: Arc::clone(told),
        }
    }

    /// Takes a request, unless it was told before.
    pub(super) fn take(&self, entry: Arc<Entry>) {
        if !self.ids.lock().is_new(entry.id) {
            return;
        }
        self.told.requests.inc();
        if let Some(ring) = &self.ring {
            ring.push(Arc::clone(&entry));
        }
        self.feed.push(entry);
    }

    /// Takes a line. One that is not understood, of a gateway of another version, is left out and counted.
    pub(super) fn take_line(&self, line: &Bytes) {
        if let Ok(Skipped { skipped }) = serde_json::from_slice(line) {
            self.told.skipped.inc_by(skipped);
        } else if let Ok(entry) = serde_json::from_slice::<Entry>(line) {
            self.take(Arc::new(entry));
        } else {
            self.told.skipped.inc();
        }
    }
}

/// Follows whoever there is, for ever.
pub(super) async fn all(client: &AdminClient, places: &Places, merged: &Arc<Merged>) {
    let mut changes = places.subscribe();
    let mut tasks = JoinSet::new();
    let mut followed: HashMap<Endpoint, AbortHandle> = HashMap::new();
    loop {
        let there: Where = changes.borrow_and_update().clone().unwrap_or_default();
        followed.retain(|endpoint, task| {
            let stays = there.contains_key(endpoint);
            if !stays {
                task.abort();
            }
            stays
        });
        for endpoint in there.into_keys() {
            followed.entry(endpoint).or_insert_with_key(|endpoint| {
                tasks.spawn(one(client.clone(), endpoint.clone(), Arc::clone(merged)))
            });
        }
        // Those that were ended leave nothing behind.
        while tasks.try_join_next().is_some() {}
        if changes.changed().await.is_err() {
            return;
        }
    }
}

/// Follows one gateway until it is no more; what it does not say for a while it is asked for afterwards.
async fn one(client: AdminClient, endpoint: Endpoint, merged: Arc<Merged>) {
    let mut pause = Pause::between(PAUSE, LONGEST);
    let mut said = None;
    loop {
        client.prepare().await;
        let began = Instant::now();
        let why = match follow(&client, &endpoint, &merged).await {
            Ok(()) => "it has ended the stream".to_owned(),
            Err(error) => words(&error),
        };
        if began.elapsed() > LONGEST {
            pause.reset();
        }
        if said.as_ref() != Some(&why) {
            tracing::warn!(
                gateway = endpoint.pod,
                "a gateway does not tell of requests: {why}; asking again"
            );
            said = Some(why);
        }
        tokio::time::sleep(pause.grow()).await;
    }
}

/// First the stream, then a page of what was before: what ends between the two is in both, and told once.
async fn follow(
    client: &AdminClient,
    endpoint: &Endpoint,
    merged: &Merged,
) -> Result<(), AskError> {
    let lines = client.lines(endpoint, "/requests/live").await?;
    let mut lines = std::pin::pin!(lines);
    let _followed = Followed::begin(&merged.told);
    let path = format!("/requests?limit={LARGEST_PAGE}");
    let before: Page = client.ask(endpoint, &path).await?;
    for entry in before.entries.into_iter().rev() {
        merged.take(entry);
    }
    while let Some(line) = lines.next().await {
        merged.take_line(&line?);
    }
    Ok(())
}

/// One more gateway is followed, for as long as it lives.
struct Followed(Arc<Metrics>);

impl Followed {
    fn begin(told: &Arc<Metrics>) -> Self {
        told.followed.inc();
        Self(Arc::clone(told))
    }
}

impl Drop for Followed {
    fn drop(&mut self) {
        self.0.followed.dec();
    }
}
