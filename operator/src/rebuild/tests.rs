//! The loop against an API server in memory, by a clock that stands still while something is done: hours take seconds.

mod api;
mod rotation;

use std::collections::BTreeSet;

use clap::Parser as _;
use fairlead_snapshot::ObjectName;
use k8s_openapi::ByteString;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::watcher::Event;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use self::api::FakeApi;
use super::*;
use crate::replicas::Replica;
use crate::watch::kinds;
use crate::watch::resource::{self, Resource};
use crate::watch::shelf::{Shelf, Source};

struct World {
    api: FakeApi,
    watched: Arc<Watched>,
    metrics: Arc<Metrics>,
    replicas: watch::Sender<Replicas>,
    reports: watch::Receiver<Option<Arc<Report>>>,
    trouble: watch::Receiver<Option<String>>,
    _leading: watch::Sender<bool>,
    reads_of_all: watch::Sender<Option<u32>>,
    _tasks: JoinSet<()>,
}

impl World {
    /// A leader that has seen an empty cluster, and a provider with a credential in it.
    async fn new() -> Self {
        let api = FakeApi::with_crds();
        let fixed = [
            "fairlead-operator",
            "--namespace",
            "own",
            "--identity",
            "me",
        ];
        let args = Args::try_parse_from(fixed).unwrap();
        let (watched, metrics) = (Arc::new(Watched::new(&args)), Arc::default());
        complete(&watched);
        let crds = Crds::new(api.client());
        let (_leading, leading) = watch::channel(true);
        let (replicas, seen) = watch::channel(Arc::default());
        let (reports, reported) = watch::channel(None);
        let (trouble, troubled) = watch::channel(None);
        let (reads_of_all, reads) = watch::channel(None);
        let channels = Channels {
            leading,
            replicas: seen,
            reads,
            held: watch::Sender::new(None),
            generation: watch::Sender::new(0),
            reports,
            trouble,
        };
        let publisher = Publisher {
            client: api.client(),
            namespace: "own".to_owned(),
            gateway_name: "default".to_owned(),
        };
        let mut _tasks = JoinSet::new();
        crds.now().await;
        _tasks.spawn(crds.clone().look());
        _tasks.spawn(Rebuild::new(&args, publisher, &watched, &metrics, &crds, channels).run());
        let world = Self {
            api,
            watched,
            metrics,
            replicas,
            reports: reported,
            trouble: troubled,
            _leading,
            reads_of_all,
            _tasks,
        };
        world.secret(0);
        let credentials = json!([{"name": "a", "secretRef": {"name": "upstream"}}]);
        let spec = json!({"type": "OpenAI", "credentials": credentials});
        world.apply("LLMProvider", "own", &spec);
        world
    }

    fn secret(&self, round: u32) {
        let value = ByteString(format!("credential-{round}").into_bytes());
        let secret = json!({"metadata": {"namespace": "team", "name": "upstream", "labels": {"fairlead.dev/secret": "credential"}}, "data": {"apiKey": value}});
        let event = Event::Apply(serde_json::from_value(secret).unwrap());
        let mut source = Source::new(None);
        self.watched
            .secrets
            .take(&mut source, event, resource::secret);
        self.watched.changed.notify_one();
    }

    fn rule(&self, round: u32) {
        let target =
            json!({"name": "a", "providerRef": {"name": "own"}, "weight": round % 1000 + 1});
        self.apply("RoutingRule", "chat", &json!({"targets": [target]}));
    }

    fn apply(&self, kind: &str, name: &str, spec: &Value) {
        self.event(kind, name, spec, Event::Apply);
    }

    fn delete(&self, kind: &str, name: &str) {
        self.event(kind, name, &json!({}), Event::Delete);
    }

    fn event(
        &self,
        kind: &str,
        name: &str,
        spec: &Value,
        event: impl Fn(DynamicObject) -> Event<DynamicObject>,
    ) {
        let (api, shelf) = &self.watched.resources[kind];
        let object = object(api, name, spec);
        shelf.take(&mut Source::new(None), event(object), |object| {
            Resource::read(api, object)
        });
        self.watched.changed.notify_one();
    }

    /// One gateway that enforces this generation.
    fn enforces(&self, generation: u64) {
        self.replicas.send_replace(Arc::new(vec![Replica {
            pod: "one".to_owned(),
            enforces: Some(generation),
            format: Some(fairlead_snapshot::FORMAT),
            reads_admin_secret: true,
            alone_since: None,
            unreachable_since: None,
        }]));
    }

    fn index(&self) -> Value {
        let maps = self.api.all("configmaps");
        let text = maps
            .get("fairlead-default-index")
            .map(|map| &map["data"]["index.json"]);
        text.and_then(Value::as_str)
            .map(|text| serde_json::from_str(text).unwrap())
            .unwrap_or_default()
    }

    fn generation(&self) -> u64 {
        self.index()["generation"].as_u64().unwrap_or_default()
    }

    /// The shards there are.
    fn shards(&self) -> BTreeSet<String> {
        let maps = self.api.all("configmaps").into_keys();
        maps.filter(|name| name != "fairlead-default-index")
            .collect()
    }

    /// The shards that the index names.
    fn named(&self) -> BTreeSet<String> {
        let index = self.index();
        let sections = index["shards"].as_object().unwrap().clone();
        let of = |(section, digests): (String, Value)| {
            let digests = digests.as_array().unwrap().clone();
            digests.into_iter().map(move |digest| {
                format!("fairlead-default-{section}-{}", digest.as_str().unwrap())
            })
        };
        sections.into_iter().flat_map(of).collect()
    }

    fn credentials(&self) -> usize {
        let secrets = self.api.all("secrets");
        let parts = secrets
            .iter()
            .filter(|(name, _)| name.starts_with("fairlead-default-credentials"));
        parts
            .filter_map(|(_, secret)| secret["data"].as_object())
            .map(serde_json::Map::len)
            .sum()
    }
}

fn object(api: &ApiResource, name: &str, spec: &Value) -> DynamicObject {
    let object = json!({"apiVersion": api.api_version, "kind": api.kind, "metadata": {"namespace": "team", "name": name, "uid": name, "generation": 1}, "spec": spec});
    serde_json::from_value(object).unwrap()
}

/// As if every watch had listed nothing.
fn complete(watched: &Watched) {
    for kind in kinds() {
        list(&watched.resources[&kind.kind].1, |object| {
            Resource::read(&kind, object)
        });
    }
    list(&watched.secrets, resource::secret);
    list(&watched.namespaces, resource::namespace);
    list(&watched.endpoints, fairlead_admin_client::endpoints);
    list(&watched.index, resource::version);
}

fn list<K, T: crate::watch::kept::Item>(
    shelf: &Shelf<T>,
    read: impl Fn(K) -> Option<(ObjectName, T)>,
) {
    let mut source = Source::new(None);
    shelf.take(&mut source, Event::Init, &read);
    shelf.take(&mut source, Event::InitDone, &read);
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn an_edit_a_second_for_forty_minutes_leaves_few_shards_and_credentials() {
    let world = World::new().await;
    let (mut shards, mut credentials) = (0, 0);
    for round in 1..=2400 {
        world.rule(round);
        world.secret(round);
        sleep(SECOND).await;
        // It is never where the index is: there is always one more edit.
        world.enforces(world.generation().saturating_sub(3));
        shards = shards.max(world.shards().len());
        credentials = credentials.max(world.credentials());
    }
    assert!(world.generation() >= 2400, "{}", world.generation());
    assert!(
        shards < 300,
        "two edits a second for two minutes, and {shards} shards"
    );
    assert!(
        (100..150).contains(&credentials),
        "one edit a second for two minutes, and {credentials} credentials"
    );
    assert!(world.named().is_subset(&world.shards()));
    assert!(world.metrics.shards_unread.get() > 100);
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_stuck_does_not_have_shards_pile_up() {
    let world = World::new().await;
    sleep(SECOND).await;
    world.enforces(1);
    for round in 1..=900 {
        world.rule(round);
        sleep(SECOND).await;
    }
    let shards = world.shards();
    assert!((400..520).contains(&shards.len()), "{}", shards.len());
    assert!(world.named().is_subset(&shards));
}

#[tokio::test(start_paused = true)]
async fn a_rollback_to_what_was_taken_away_writes_it_anew() {
    let world = World::new().await;
    let mut first = BTreeSet::new();
    for round in [1, 2, 1] {
        world.rule(round);
        sleep(SECOND).await;
        assert!(world.named().is_subset(&world.shards()), "round {round}");
        if round == 1 {
            first = world.named();
        }
        world.enforces(world.generation());
        sleep(SECOND * 200).await;
        if round == 2 {
            assert!(!first.is_subset(&world.shards()), "nothing was taken away");
        }
    }
    assert_eq!(world.named(), first);
}

#[tokio::test(start_paused = true)]
async fn what_one_gateway_cannot_read_is_not_written_while_it_is_there() {
    let world = World::new().await;
    let format = async |reads| {
        world.reads_of_all.send_replace(reads);
        sleep(SECOND * 10).await;
        world.index()["format"].as_u64().unwrap()
    };
    assert_eq!(format(None).await, 1, "nothing needs more");
    let spec = json!({"type": "OpenAI", "httpVersion": "HTTP2"});
    world.apply("LLMProvider", "shared", &spec);
    for (reads, written) in [(Some(1), 1), (Some(2), 2), (Some(1), 1), (Some(2), 2)] {
        assert_eq!(format(reads).await, written);
    }
}

#[tokio::test(start_paused = true)]
async fn statuses_are_reported_while_nothing_can_be_published() {
    let world = World::new().await;
    world.rule(1);
    sleep(SECOND).await;
    let live = world.generation();
    world.api.refuse(Some("/configmaps"));
    world.apply("Team", "late", &json!({}));
    world.apply("LLMProvider", "late", &json!({"type": "Simulated"}));
    sleep(SECOND * 10).await;
    assert_eq!(world.generation(), live);
    let report = world.reports.borrow().clone().unwrap();
    let late = ("LLMProvider".to_owned(), ObjectName::new("team", "late"));
    assert!(
        report
            .verdicts
            .iter()
            .any(|it| it.name == late.1 && it.is_good())
    );
    let since = report.ledger.since(&late).map(|(generation, _)| generation);
    assert_eq!(since, Some(live + 1), "no gateway enforces it");
    world.api.refuse(None);
    sleep(SECOND * 10).await;
    assert_eq!(world.generation(), live + 1);
}

#[tokio::test(start_paused = true)]
async fn crds_that_are_deleted_take_nothing_along_that_is_published() {
    let world = World::new().await;
    world.rule(1);
    sleep(SECOND).await;
    world.enforces(world.generation());
    let before = (world.index(), world.shards(), world.credentials());
    world.api.mark_crd("llmproviders");
    world.delete("LLMProvider", "own");
    sleep(SECOND).await;
    let told = world.trouble.borrow().clone().unwrap();
    assert!(told.contains("being deleted"), "{told}");
    world.api.delete_crd("llmproviders");
    sleep(SECOND * 600).await;
    let told = world.trouble.borrow().clone().unwrap();
    assert!(told.contains("is missing"), "{told}");
    world.api.install_crds();
    sleep(SECOND * 600).await;
    let told = world.trouble.borrow().clone().unwrap();
    assert!(told.contains("apply yours anew"), "{told}");
    assert_eq!((world.index(), world.shards(), world.credentials()), before);
    world.apply("LLMProvider", "own", &json!({"type": "Simulated"}));
    sleep(SECOND).await;
    assert_eq!(*world.trouble.borrow(), None);
    assert!(world.generation() > before.0["generation"].as_u64().unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_object_that_somebody_deletes_is_gone_at_once() {
    let world = World::new().await;
    world.rule(1);
    sleep(SECOND).await;
    let before = world.named();
    world.delete("RoutingRule", "chat");
    sleep(SECOND).await;
    assert_eq!(*world.trouble.borrow(), None);
    assert_eq!(world.index()["shards"]["rules"], json!([]));
    assert_ne!(world.named(), before);
}

#[tokio::test(start_paused = true)]
async fn pods_that_never_rest_have_everything_compiled_a_few_times_a_second_and_hold_up_no_edit() {
    let world = World::new().await;
    sleep(SECOND).await;
    let rebuilds = || -> u64 {
        let text = world.metrics.render();
        let mut counts = text
            .lines()
            .filter_map(|line| line.strip_prefix("fairlead_operator_rebuild_seconds_count "));
        counts.next().unwrap().parse().unwrap()
    };
    let before = rebuilds();
    let churn = async {
        for _ in 0..1000 {
            world.watched.pods.changed.notify_one();
            sleep(Duration::from_millis(10)).await;
        }
    };
    let edits = async {
        for round in 1..=4 {
            sleep(SECOND * 2).await;
            let generation = world.generation();
            world.rule(round);
            sleep(Duration::from_millis(100)).await;
            assert!(
                world.generation() > generation,
                "it waits for nobody's pods"
            );
        }
    };
    tokio::join!(churn, edits);
    let count = rebuilds() - before;
    assert!((20..=45).contains(&count), "in ten seconds {count}");
}
