//! Watching one object: what was seen last is always there to be looked at, whoever looks late sees the newest.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use kube::Resource;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::time::Instant;

use super::api;
use crate::observe::Observe;

/// After this long, a trouble is told again.
const AGAIN: Duration = Duration::from_secs(300);

/// What a watch has seen last.
#[derive(Debug)]
pub(super) struct Seen<T> {
    /// `None`: the API server has not said anything yet; `Some(None)`: there is no such object.
    pub(super) object: Option<Option<Arc<T>>>,
    /// What is wrong with the watch.
    pub(super) trouble: Option<String>,
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self {
            object: self.object.clone(),
            trouble: self.trouble.clone(),
        }
    }
}

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self {
            object: None,
            trouble: None,
        }
    }
}

/// One object to watch.
pub(super) struct Watch<K, T> {
    /// Where objects of its kind are.
    pub(super) objects: kube::Api<K>,
    /// Its name.
    pub(super) name: String,
    /// What is kept of it.
    pub(super) keep: fn(K) -> T,
    /// Where troubles are counted.
    pub(super) observe: Arc<Observe>,
}

impl<K, T> Watch<K, T>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// Watches until the process ends. An interruption is no deletion: what was seen stays, and the trouble is told beside it.
    pub(super) async fn run(self, seen: watch::Sender<Seen<T>>) {
        let events = watcher(self.objects.clone(), api::by_name(&self.name)).default_backoff();
        let mut events = std::pin::pin!(events);
        // A first or renewed list becomes known when it is whole.
        let mut listed = None;
        let mut told = Told::default();
        loop {
            match events.try_next().await {
                Ok(Some(Event::Init)) => listed = None,
                Ok(Some(Event::InitApply(object))) => listed = Some(object),
                Ok(Some(Event::InitDone)) => self.saw(&seen, listed.take()),
                Ok(Some(Event::Apply(object))) => self.saw(&seen, Some(object)),
                Ok(Some(Event::Delete(_))) => self.saw(&seen, None),
                Ok(None) => break,
                Err(error) => self.failed(&seen, &mut told, &error),
            }
        }
    }

    fn saw(&self, seen: &watch::Sender<Seen<T>>, object: Option<K>) {
        let object = object.map(self.keep).map(Arc::new);
        seen.send_replace(Seen {
            object: Some(object),
            trouble: None,
        });
    }

    fn failed(&self, seen: &watch::Sender<Seen<T>>, told: &mut Told, error: &watcher::Error) {
        self.observe.metrics.config_failures.inc();
        let trouble = format!(
            "cannot watch the {} {}: {}",
            K::kind(&()),
            self.name,
            api::why_not_watched(error)
        );
        if told.is_news(&trouble) {
            tracing::warn!("{trouble}; trying again");
        }
        seen.send_if_modified(|seen| {
            let differs = seen.trouble.as_ref() != Some(&trouble);
            seen.trouble = Some(trouble);
            differs
        });
    }
}

/// What was said last. That a watch goes on again is not noticed until something changes, so the same trouble is news again after a while.
#[derive(Default)]
struct Told(Option<(String, Instant)>);

impl Told {
    fn is_news(&mut self, trouble: &str) -> bool {
        let old = self
            .0
            .as_ref()
            .is_some_and(|(said, when)| said == trouble && when.elapsed() < AGAIN);
        if !old {
            self.0 = Some((trouble.to_owned(), Instant::now()));
        }
        !old
    }
}
