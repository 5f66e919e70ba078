//! The gateways: which index each ready one enforces, asked on its admin port.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use fairlead_snapshot::names;
use futures_util::future::join_all;
use k8s_openapi::api::core::v1::Secret;
use kube::{Api, Client};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::args::Args;
use crate::error::Chain;
use crate::metrics::Metrics;
use crate::watch::Watched;
use crate::watch::resource::Endpoint;

/// How often a gateway is asked that does not enforce the live index yet.
const EAGER: Duration = Duration::from_millis(100);
/// How often it is asked once it has been behind for [`PATIENCE`].
const PATIENT: Duration = Duration::from_secs(1);
/// How often gateways are asked that are where they should be.
const CALM: Duration = Duration::from_secs(10);
/// How long being behind is nothing special.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(2);

/// What is known of a ready gateway.
#[derive(Debug, Clone, PartialEq)]
pub struct Replica {
    /// Its pod.
    pub pod: String,
    /// The generation of the index it enforces; `None`: it has not said so yet.
    pub enforces: Option<u64>,
    /// The highest format it reads, if it said so.
    pub format: Option<u32>,
    /// Since when it cannot be asked; `None`: the last answer was good, or it was not asked yet.
    pub unreachable_since: Option<Instant>,
}

/// The ready gateways.
pub type Replicas = Arc<Vec<Replica>>;

/// What a gateway says on its admin port.
#[derive(Debug, Deserialize)]
struct Answer {
    generation: u64,
    #[serde(default)]
    formats: Vec<u32>,
}

/// Asks the gateways, as long as this replica leads.
pub struct Asker {
    args: Args,
    client: Client,
    http: reqwest::Client,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    token: Option<String>,
    known: BTreeMap<Endpoint, Replica>,
}

impl Asker {
    /// An asker that knows nobody.
    ///
    /// # Errors
    /// The HTTP client cannot be made.
    pub fn new(
        args: &Args,
        client: &Client,
        watched: &Arc<Watched>,
        metrics: &Arc<Metrics>,
    ) -> reqwest::Result<Self> {
        Ok(Self {
            args: args.clone(),
            client: client.clone(),
            // Pods are asked directly, whatever proxy the environment names.
            http: reqwest::Client::builder()
                .no_proxy()
                .timeout(ANSWER)
                .build()?,
            watched: Arc::clone(watched),
            metrics: Arc::clone(metrics),
            token: None,
            known: BTreeMap::new(),
        })
    }

    /// Asks for ever. `live`: the generation of the live index, 0 while this replica does not lead.
    pub async fn run(mut self, mut live: watch::Receiver<u64>, told: watch::Sender<Replicas>) {
        let mut behind_since = Instant::now();
        loop {
            let generation = *live.borrow_and_update();
            let mut pause = CALM;
            if generation > 0 {
                self.ask_all().await;
                let replicas: Vec<Replica> = self.known.values().cloned().collect();
                let current = replicas
                    .iter()
                    .filter(|replica| replica.enforces >= Some(generation))
                    .count();
                self.metrics
                    .replicas
                    .set(i64::try_from(replicas.len()).unwrap_or(i64::MAX));
                self.metrics
                    .replicas_current
                    .set(i64::try_from(current).unwrap_or(i64::MAX));
                if current < replicas.len() {
                    pause = if behind_since.elapsed() < PATIENCE {
                        EAGER
                    } else {
                        PATIENT
                    };
                } else {
                    behind_since = Instant::now();
                }
                told.send_if_modified(|old| {
                    let changed = **old != replicas;
                    if changed {
                        *old = Arc::new(replicas);
                    }
                    changed
                });
            }
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = live.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    behind_since = Instant::now();
                }
                () = self.watched.endpoints_changed.notified() => behind_since = Instant::now(),
            }
        }
    }

    async fn ask_all(&mut self) {
        if self.token.is_none() {
            self.token = self.read_token().await;
        }
        let slices = self.watched.endpoints.items();
        let ready: Vec<Endpoint> = slices
            .iter()
            .flat_map(|(_, endpoints)| (**endpoints).clone())
            .collect();
        self.known.retain(|endpoint, _| ready.contains(endpoint));
        let answers = join_all(ready.iter().map(|endpoint| self.ask(endpoint))).await;
        let now = Instant::now();
        for (endpoint, answer) in ready.into_iter().zip(answers) {
            let replica = self
                .known
                .entry(endpoint.clone())
                .or_insert_with(|| Replica {
                    pod: endpoint.pod,
                    enforces: None,
                    format: None,
                    unreachable_since: None,
                });
            match answer {
                Ok(answer) => {
                    replica.enforces = Some(answer.generation);
                    replica.format = answer.formats.into_iter().max();
                    replica.unreachable_since = None;
                }
                Err(error) => {
                    if error.status() == Some(reqwest::StatusCode::UNAUTHORIZED) {
                        // The token was made anew.
                        self.token = None;
                    }
                    if replica.unreachable_since.is_none() {
                        tracing::warn!(pod = replica.pod, error = %Chain(&error.without_url()), "a gateway cannot be asked what it enforces");
                        replica.unreachable_since = Some(now);
                    }
                }
            }
        }
    }

    async fn ask(&self, endpoint: &Endpoint) -> reqwest::Result<Answer> {
        let host = if endpoint.address.contains(':') {
            format!("[{}]", endpoint.address)
        } else {
            endpoint.address.clone()
        };
        let url = format!("http://{host}:{}/config", self.args.gateway_admin_port);
        let token = self.token.as_deref().unwrap_or_default();
        let answer = self.http.get(url).bearer_auth(token).send().await?;
        answer.error_for_status()?.json().await
    }

    async fn read_token(&self) -> Option<String> {
        let api: Api<Secret> = Api::namespaced(self.client.clone(), &self.args.namespace);
        let secret = api
            .get_opt(&names::credentials(&self.args.gateway_name))
            .await;
        let token = secret.ok()??.data?.remove(names::ADMIN_TOKEN_KEY)?;
        String::from_utf8(token.0).ok()
    }
}
