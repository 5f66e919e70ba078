//! Where gateways are: the endpoints of their Service, watched.

use std::collections::HashMap;

use fairlead_admin_client::{Endpoint, endpoints};
use fairlead_snapshot::ObjectName;
use futures_util::TryStreamExt as _;
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::runtime::WatchStreamExt as _;
use kube::runtime::watcher::{self, Event, watcher};
use kube::{Api, Client};
use parking_lot::Mutex;
use tokio::sync::watch;

use super::Where;

/// How long a watch lasts before it is begun anew, in seconds.
const WATCH: u32 = 60;
/// So many gateways are asked and followed; more than this nobody has.
const MOST: usize = 256;

type Slices = HashMap<ObjectName, Vec<(Endpoint, bool)>>;

/// Where they are.
pub(in crate::console) struct Places {
    api: Api<EndpointSlice>,
    service: String,
    slices: Mutex<Slices>,
    /// `None`: not known yet.
    told: watch::Sender<Option<Where>>,
}

impl Places {
    /// The endpoints of a Service, of which none is known yet.
    #[must_use]
    pub(in crate::console) fn new(client: &Client, namespace: &str, service: &str) -> Self {
        Self {
            api: Api::namespaced(client.clone(), namespace),
            service: service.to_owned(),
            slices: Mutex::default(),
            told: watch::Sender::new(None),
        }
    }

    /// Each gateway.
    #[must_use]
    pub(super) fn all(&self) -> Where {
        self.told.borrow().clone().unwrap_or_default()
    }

    /// Whether it was listed where they are.
    #[must_use]
    pub(super) fn is_complete(&self) -> bool {
        self.told.borrow().is_some()
    }

    /// Tells of changes.
    #[must_use]
    pub(super) fn subscribe(&self) -> watch::Receiver<Option<Where>> {
        self.told.subscribe()
    }

    /// Watches for ever. An interruption takes nobody away.
    pub(super) async fn run(&self) {
        let label = format!("kubernetes.io/service-name={}", self.service);
        let config = watcher::Config::default().labels(&label).timeout(WATCH);
        let events = watcher(self.api.clone(), config).default_backoff();
        let mut events = std::pin::pin!(events);
        let mut listed = Slices::new();
        loop {
            match events.try_next().await {
                Ok(Some(event)) => self.take(event, &mut listed),
                Ok(None) => return,
                Err(error) => {
                    tracing::warn!("where gateways are cannot be watched: {error}; trying again");
                }
            }
        }
    }

    /// Takes an event in; `listed`: what of a new list has come so far.
    pub(super) fn take(&self, event: Event<EndpointSlice>, listed: &mut Slices) {
        match event {
            Event::Init => listed.clear(),
            Event::InitApply(slice) => listed.extend(endpoints(slice)),
            Event::InitDone => {
                *self.slices.lock() = std::mem::take(listed);
                self.tell();
            }
            Event::Apply(slice) => {
                self.slices.lock().extend(endpoints(slice));
                self.tell();
            }
            Event::Delete(slice) => {
                if let Some((name, _)) = endpoints(slice) {
                    self.slices.lock().remove(&name);
                }
                self.tell();
            }
        }
    }

    fn tell(&self) {
        let all: Where = {
            let slices = self.slices.lock();
            let all = slices.values().flatten().cloned();
            // While a slice takes another's place an endpoint may stand in both: one of them is enough.
            all.take(MOST).collect()
        };
        self.told.send_if_modified(|told| {
            let differs = told.as_ref() != Some(&all);
            *told = Some(all);
            differs
        });
    }
}
