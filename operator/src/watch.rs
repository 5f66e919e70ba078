//! The watches: one for each kind, all namespaces at once or each of a list by itself.
//!
//! First in the flow. Every event only says that something changed; what there is stands on the shelves. A watch that fails goes on
//! from where it was, with a growing pause, and what it saw before stays.

pub(crate) mod inference;
pub(crate) mod kept;
pub(crate) mod pods;
pub(crate) mod resource;
pub(crate) mod shelf;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use fairlead_admin_client::Endpoint;
use fairlead_compile::Services;
use fairlead_crds::SECRET_LABEL;
use fairlead_crds::v1alpha1::{LLMProvider, Organization, RoutingRule, Team, VirtualKey};
use fairlead_snapshot::{ObjectName, Snapshot, names};
use futures_util::StreamExt as _;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::{WatchStreamExt as _, watcher};
use kube::{Api, Client};
use serde::de::DeserializeOwned;
use tokio::sync::Notify;
use tokio::task::JoinSet;

use self::inference::InferencePools;
use self::pods::Pods;
use self::resource::{LabelledSecret, Resource};
use self::shelf::{Shelf, Source};
use crate::api;
use crate::args::Args;
use crate::metrics::Metrics;

/// How long is waited for a list that has just begun: so many namespaces as there are begin together.
const MOMENT: Duration = Duration::from_millis(200);

/// Our kinds, in the order in which they are compiled.
#[must_use]
pub(crate) fn kinds() -> [ApiResource; 5] {
    [
        ApiResource::erase::<Organization>(&()),
        ApiResource::erase::<Team>(&()),
        ApiResource::erase::<LLMProvider>(&()),
        ApiResource::erase::<VirtualKey>(&()),
        ApiResource::erase::<RoutingRule>(&()),
    ]
}

/// Everything that is watched.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Custom resources of each kind.
    pub resources: BTreeMap<String, (ApiResource, Shelf<Resource>)>,
    /// Secrets that carry our label.
    pub secrets: Shelf<LabelledSecret>,
    /// The labels of namespaces.
    pub namespaces: Shelf<BTreeMap<String, String>>,
    /// The gateways' endpoints, and whether each is ready.
    pub endpoints: Shelf<Vec<(Endpoint, bool)>>,
    /// The version of the index, by its name.
    pub index: Shelf<String>,
    /// The pods of the Services that providers name.
    pub pods: Pods,
    /// The InferencePools that providers name, and their pods.
    pub inference_pools: InferencePools,
    /// Something that is compiled changed.
    pub changed: Notify,
    /// The gateways' endpoints changed.
    pub endpoints_changed: Notify,
    /// Somebody wrote the index: mostly the leader.
    pub index_changed: Notify,
}

impl Watched {
    /// Empty shelves for the watches that `args` asks for.
    #[must_use]
    pub(crate) fn new(args: &Args) -> Self {
        let sources = args.scopes().len();
        let shelf = |api: ApiResource| (api.kind.clone(), (api, Shelf::new(sources)));
        Self {
            resources: kinds().into_iter().map(shelf).collect(),
            secrets: Shelf::new(sources),
            namespaces: Shelf::new(sources),
            endpoints: Shelf::new(1),
            index: Shelf::new(1),
            pods: Pods::default(),
            inference_pools: InferencePools::default(),
            changed: Notify::new(),
            endpoints_changed: Notify::new(),
            index_changed: Notify::new(),
        }
    }

    /// What has not been listed yet.
    #[must_use]
    pub(crate) fn incomplete(&self) -> Vec<String> {
        let kinds = self.resources.values();
        let mut waiting: Vec<String> = kinds
            .filter(|(_, shelf)| !shelf.is_complete())
            .map(|(api, _)| api.kind.clone())
            .collect();
        let others = [
            ("Secret", self.secrets.is_complete()),
            ("Namespace", self.namespaces.is_complete()),
            ("EndpointSlice", self.endpoints.is_complete()),
            ("ConfigMap", self.index.is_complete()),
        ];
        waiting.extend(
            others
                .iter()
                .filter(|(_, complete)| !complete)
                .map(|(kind, _)| (*kind).to_owned()),
        );
        waiting
    }

    /// Watches from now on what providers name, now or in the version that is `live`. The lists that begin with it are waited for, for a moment: they
    /// are usually there at once.
    pub(crate) async fn want(&self, gateway_name: &str, live: Option<&Snapshot>) {
        let services = self.pods.want(&pods::wanted(self, gateway_name, live));
        let pools = inference::wanted(self, gateway_name, live);
        if self.inference_pools.want(&pools) || services {
            self.settled().await;
        }
    }

    /// Watches nothing of what providers name.
    pub(crate) fn want_nothing(&self) {
        self.pods.want(&pods::Wanted::new());
        self.inference_pools.want(&pods::Wanted::new());
    }

    async fn settled(&self) {
        let listed = async {
            while !(self.pods.is_settled() && self.inference_pools.is_settled()) {
                self.pods.changed.notified().await;
            }
        };
        // What is not there by then comes with a change of its own.
        let _ = tokio::time::timeout(MOMENT, listed).await;
    }

    /// What is known of the pods that providers name.
    #[must_use]
    pub(crate) fn services(&self) -> Services {
        Services {
            inference_pools: self.inference_pools.known(),
            ..self.pods.services()
        }
    }

    /// How many objects of our kinds have vanished so far.
    #[must_use]
    pub(crate) fn vanished(&self) -> u64 {
        let kinds = self.resources.values();
        kinds.map(|(_, shelf)| shelf.vanished()).sum()
    }

    /// An object of one of our kinds.
    #[must_use]
    pub(crate) fn resource(&self, kind: &str, name: &ObjectName) -> Option<Arc<Resource>> {
        self.resources.get(kind)?.1.get(name)
    }
}

/// Starts every watch.
pub(crate) fn start(
    tasks: &mut JoinSet<()>,
    client: &Client,
    args: &Args,
    watched: &Arc<Watched>,
    metrics: &Arc<Metrics>,
) {
    for scope in args.scopes() {
        for api in kinds() {
            tasks.spawn(resources(
                client.clone(),
                api,
                scope.clone(),
                Arc::clone(watched),
                Arc::clone(metrics),
            ));
        }
        let (shelves, counts) = (Arc::clone(watched), Arc::clone(metrics));
        let (secrets, config) = (
            scoped::<Secret>(client, scope.as_deref()),
            api::watched_in_small_pages().labels(SECRET_LABEL),
        );
        let seen = scope.clone();
        tasks.spawn(async move {
            let tell = || shelves.changed.notify_one();
            follow(
                secrets,
                config,
                seen,
                &shelves.secrets,
                resource::secret,
                tell,
                &counts,
            )
            .await;
        });
        tasks.spawn(namespaces(
            client.clone(),
            scope,
            Arc::clone(watched),
            Arc::clone(metrics),
        ));
    }
    tasks.spawn(pods::run(
        client.clone(),
        Arc::clone(watched),
        Arc::clone(metrics),
    ));
    tasks.spawn(inference::run(
        client.clone(),
        Arc::clone(watched),
        Arc::clone(metrics),
    ));
    tasks.spawn(index(
        client.clone(),
        args.clone(),
        Arc::clone(watched),
        Arc::clone(metrics),
    ));
    tasks.spawn(endpoints(
        client.clone(),
        args.clone(),
        Arc::clone(watched),
        Arc::clone(metrics),
    ));
}

fn resources(
    client: Client,
    kind: ApiResource,
    scope: Option<String>,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
) -> impl Future<Output = ()> {
    let api: Api<DynamicObject> = match &scope {
        Some(namespace) => Api::namespaced_with(client, namespace, &kind),
        None => Api::all_with(client, &kind),
    };
    async move {
        let Some((_, shelf)) = watched.resources.get(&kind.kind) else {
            return;
        };
        let tell = || watched.changed.notify_one();
        let read = |object| Resource::read(&kind, object);
        follow(
            api,
            api::watched_in_small_pages(),
            scope,
            shelf,
            read,
            tell,
            &metrics,
        )
        .await;
    }
}

async fn namespaces(
    client: Client,
    scope: Option<String>,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
) {
    let mut config = api::watched();
    if let Some(name) = &scope {
        config = config.fields(&format!("metadata.name={name}"));
    }
    let tell = || watched.changed.notify_one();
    follow(
        Api::<Namespace>::all(client),
        config,
        scope,
        &watched.namespaces,
        resource::namespace,
        tell,
        &metrics,
    )
    .await;
}

async fn endpoints(client: Client, args: Args, watched: Arc<Watched>, metrics: Arc<Metrics>) {
    let api: Api<EndpointSlice> = Api::namespaced(client, &args.namespace);
    let config = api::watched().labels(&format!(
        "kubernetes.io/service-name={}",
        args.gateway_service
    ));
    let tell = || watched.endpoints_changed.notify_one();
    follow(
        api,
        config,
        Some(args.namespace),
        &watched.endpoints,
        fairlead_admin_client::endpoints,
        tell,
        &metrics,
    )
    .await;
}

async fn index(client: Client, args: Args, watched: Arc<Watched>, metrics: Arc<Metrics>) {
    let maps: Api<ConfigMap> = Api::namespaced(client, &args.namespace);
    let name = names::index(&args.gateway_name);
    let config = api::watched().fields(&format!("metadata.name={name}"));
    let tell = || watched.index_changed.notify_one();
    follow(
        maps,
        config,
        Some(args.namespace),
        &watched.index,
        resource::version,
        tell,
        &metrics,
    )
    .await;
}

fn scoped<K>(client: &Client, namespace: Option<&str>) -> Api<K>
where
    K: kube::Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
{
    match namespace {
        Some(namespace) => Api::namespaced(client.clone(), namespace),
        None => Api::all(client.clone()),
    }
}

/// Whether the API server says 429, as it does where a resource was installed a moment ago.
fn is_asked_to_wait(error: &watcher::Error) -> bool {
    let status = match error {
        watcher::Error::InitialListFailed(kube::Error::Api(status))
        | watcher::Error::WatchStartFailed(kube::Error::Api(status))
        | watcher::Error::WatchFailed(kube::Error::Api(status)) => status,
        watcher::Error::WatchError(status) => status,
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => return false,
    };
    status.code == 429
}

/// One watch, for ever.
async fn follow<K, T>(
    api: Api<K>,
    config: watcher::Config,
    scope: Option<String>,
    shelf: &Shelf<T>,
    read: impl Fn(K) -> Option<(ObjectName, T)>,
    tell: impl Fn(),
    metrics: &Metrics,
) where
    K: kube::Resource + Clone + Debug + DeserializeOwned + Send + 'static,
    T: kept::Item,
{
    let what = api.resource_url().to_owned();
    let mut source = Source::new(scope);
    let mut events = watcher(api, config).default_backoff().boxed();
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                if shelf.take(&mut source, event, &read) {
                    tell();
                }
            }
            // Its cache is not filled yet, or it has much to do: the watcher comes again after a pause.
            Err(error) if is_asked_to_wait(&error) => {
                tracing::debug!(watch = what, error = %crate::error::Chain(&error), "the API server asks to come again");
            }
            Err(error) => {
                metrics.watch_failures.inc();
                tracing::warn!(watch = what, error = %crate::error::Chain(&error), "a watch failed; what it saw before stays in force");
                if shelf.fail() {
                    tell();
                }
            }
        }
    }
}
