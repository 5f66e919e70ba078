//! The operator against a real API server, without gateways: what it publishes, keeps, and does when others interfere.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser as _;
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{ApiServer, Write};
use fairlead_operator::Args;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// How long anything may take that should take a moment.
const PATIENCE: Duration = Duration::from_secs(60);
/// The shortest lease there is, in seconds.
const LEASE: u64 = 3;
const NS: &str = "fairlead-system";

/// An operator in this process.
struct Operator {
    end: oneshot::Sender<()>,
    task: JoinSet<Result<()>>,
    admin: std::net::SocketAddr,
}

impl Operator {
    async fn start(server: &ApiServer, identity: &str) -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(server.kubeconfig())?;
        let config =
            kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
        let admin = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let args = Args::try_parse_from([
            "fairlead-operator",
            "--namespace",
            NS,
            "--identity",
            identity,
            "--lease-seconds",
            &LEASE.to_string(),
            "--admin",
            &admin.to_string(),
        ])?;
        let (end, ended) = oneshot::channel::<()>();
        let client = kube::Client::try_from(config)?;
        let until = async {
            // The sender is either used or dropped.
            let _ = ended.await;
            Ok(())
        };
        let mut task = JoinSet::new();
        task.spawn(fairlead_operator::run_until(client, args, until));
        Ok(Self { end, task, admin })
    }

    /// Ends as after SIGTERM.
    async fn stop(mut self) -> Result<()> {
        // An operator that has ended already tells so below.
        let _ = self.end.send(());
        timeout(PATIENCE, self.task.join_next())
            .await?
            .context("no task")??
    }

    /// Ends as after SIGKILL.
    async fn kill(mut self) {
        self.task.shutdown().await;
    }

    async fn readiness(&self) -> Result<(u16, String)> {
        let answer = reqwest::get(format!("http://{}/readyz", self.admin)).await?;
        Ok((answer.status().as_u16(), answer.text().await?))
    }
}

/// What is published: the index, and the text of every shard by its name.
#[derive(Debug, Clone, PartialEq)]
struct Published {
    index: Value,
    shards: BTreeMap<String, Value>,
}

async fn published(server: &ApiServer) -> Result<Option<Published>> {
    let list = server.client().list("v1", "configmaps", NS).await?;
    let mut found = Published {
        index: Value::Null,
        shards: BTreeMap::new(),
    };
    for map in list {
        let name = map["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if let Some(text) = map["data"]["index.json"].as_str() {
            found.index = serde_json::from_str(text)?;
        } else if let Some(text) = map["data"]["shard.json"].as_str() {
            found.shards.insert(name, serde_json::from_str(text)?);
        }
    }
    Ok((!found.index.is_null()).then_some(found))
}

impl Published {
    fn generation(&self) -> u64 {
        self.index["generation"].as_u64().unwrap_or_default()
    }

    /// The entry of an object in the live shards.
    fn entry(&self, section: &str, name: &str) -> Option<&Value> {
        let digests = self.index["shards"][section].as_array()?;
        digests.iter().find_map(|digest| {
            let shard = self
                .shards
                .get(&format!("fairlead-default-{section}-{}", digest.as_str()?))?;
            match shard.as_array() {
                Some(rules) => rules.iter().find(|rule| rule["name"] == name),
                None => shard.get(name),
            }
        })
    }
}

/// Waits until what is published is as it should be.
async fn until(
    server: &ApiServer,
    what: &str,
    good: impl Fn(&Published) -> bool,
) -> Result<Published> {
    let began = Instant::now();
    loop {
        let now = published(server).await?;
        match now {
            Some(now) if good(&now) => return Ok(now),
            now if began.elapsed() > PATIENCE => {
                bail!("{what}: not within {PATIENCE:?}; published: {now:?}")
            }
            _ => sleep(Duration::from_millis(50)).await,
        }
    }
}

/// Waits until an object has a condition of this status; returns it.
async fn condition(server: &ApiServer, object: &Value, kind: &str, status: &str) -> Result<Value> {
    let began = Instant::now();
    loop {
        let now = server.client().get(object).await?.body;
        let conditions = now["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = conditions.into_iter().find(|condition| {
            condition["type"] == kind
                && condition["status"] == status
                && condition["observedGeneration"] == now["metadata"]["generation"]
        });
        match found {
            Some(found) => return Ok(found),
            None if began.elapsed() > PATIENCE => {
                bail!("{kind} is not {status} within {PATIENCE:?}: {now}")
            }
            None => sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn create(server: &ApiServer, object: &Value) -> Result<()> {
    let answer = server.client().create(object, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

/// Replaces the spec of an object.
async fn edit(server: &ApiServer, object: &Value, spec: Value) -> Result<()> {
    let mut now = server.client().get(object).await?.body;
    now["spec"] = spec;
    let answer = server.client().replace(&now, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": "search", "name": name}, "spec": spec})
}

fn rule(weight: u32) -> Value {
    json!({"targets": [{"name": "a", "providerRef": {"name": "sim"}, "weight": weight}]})
}

fn generated(secret: &str) -> Value {
    json!({"key": {"type": "Generate", "secretRef": {"name": secret}}})
}

async fn server_with_crds() -> Result<ApiServer> {
    let server = ApiServer::start().await?;
    for name in [NS, "search"] {
        create(
            &server,
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
        )
        .await?;
    }
    install_crds(&server).await?;
    create(
        &server,
        &object("LLMProvider", "sim", &json!({"type": "Simulated"})),
    )
    .await?;
    create(&server, &object("RoutingRule", "chat", &rule(1))).await?;
    Ok(server)
}

async fn install_crds(server: &ApiServer) -> Result<()> {
    for crd in fairlead_crds::all() {
        create(server, &serde_json::to_value(&crd)?).await?;
    }
    let probe = object("Team", "probe", &json!({}));
    let began = Instant::now();
    while !server
        .client()
        .create(&probe, Write::DryRun)
        .await
        .is_ok_and(|answer| answer.is_success())
    {
        ensure!(began.elapsed() < PATIENCE, "the CRDs are not served");
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

#[tokio::test]
async fn is_not_ready_without_the_crds_and_names_the_command() -> Result<()> {
    let server = ApiServer::start().await?;
    create(
        &server,
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}}),
    )
    .await?;
    let operator = Operator::start(&server, "one").await?;
    let began = Instant::now();
    loop {
        match operator.readiness().await {
            Ok((503, text))
                if text
                    .contains("is missing; install it: helm upgrade --install fairlead-crds") =>
            {
                break;
            }
            outcome => ensure!(began.elapsed() < PATIENCE, "{outcome:?}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(
        published(&server).await?,
        None,
        "nothing may be published before everything was listed"
    );
    create(
        &server,
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "search"}}),
    )
    .await?;
    install_crds(&server).await?;
    until(&server, "published once the CRDs are there", |_| true).await?;
    operator.stop().await
}

#[tokio::test]
async fn an_edit_that_is_not_acceptable_leaves_the_last_accepted_version_in_force_across_restarts()
-> Result<()> {
    let server = server_with_crds().await?;
    let operator = Operator::start(&server, "one").await?;
    let chat = object("RoutingRule", "chat", &Value::Null);
    let weight = |published: &Published| {
        published
            .entry("rules", "search/chat")
            .map(|rule| rule["targets"][0]["weight"].clone())
    };
    until(&server, "the first version", |now| {
        weight(now) == Some(json!(1))
    })
    .await?;
    let mut bad = rule(2);
    bad["match"] = json!({"when": "request.headers["});
    edit(&server, &chat, bad).await?;
    let told = condition(&server, &chat, "Accepted", "False").await?;
    assert_eq!(told["reason"], "ConditionInvalid");
    condition(&server, &chat, "Programmed", "False").await?;
    operator.stop().await?;
    let operator = Operator::start(&server, "two").await?;
    create(&server, &object("RoutingRule", "other", &rule(5))).await?;
    let after = until(&server, "the other rule", |now| {
        now.entry("rules", "search/other").is_some()
    })
    .await?;
    assert_eq!(weight(&after), Some(json!(1)), "a restart forgets nothing");
    edit(&server, &chat, rule(3)).await?;
    until(&server, "the mended version", |now| {
        weight(now) == Some(json!(3))
    })
    .await?;
    operator.stop().await
}

#[tokio::test]
async fn a_key_is_made_once_and_never_adopts_what_somebody_else_has() -> Result<()> {
    let server = server_with_crds().await?;
    let taken = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "search", "name": "taken"}, "stringData": {"apiKey": "x".repeat(40)}});
    create(&server, &taken).await?;
    let (first, second) = (
        object("VirtualKey", "first", &generated("made")),
        object("VirtualKey", "second", &generated("taken")),
    );
    create(&server, &first).await?;
    create(&server, &second).await?;
    let operator = Operator::start(&server, "one").await?;
    until(&server, "a digest for the made key", |now| {
        now.entry("keys", "search/first")
            .is_some_and(|key| !key["digest"].is_null())
    })
    .await?;
    let told = condition(&server, &second, "ResolvedRefs", "False").await?;
    assert_eq!(told["reason"], "Conflict");
    let made = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "search", "name": "made"}});
    let secret = server.client().get(&made).await?.body;
    assert_eq!(secret["metadata"]["annotations"], Value::Null);
    assert_eq!(secret["metadata"]["ownerReferences"][0]["name"], "first");
    let hint = || async {
        let key = server.client().get(&first).await?.body;
        anyhow::Ok(key["status"]["key"]["hint"].as_str().map(str::to_owned))
    };
    let told = timeout(PATIENCE, async {
        loop {
            if let Some(hint) = hint().await? {
                return anyhow::Ok(hint);
            }
            sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(told.await??.len(), 7);
    let after = server.client().get(&taken).await?.body;
    assert_eq!(
        after["metadata"]["ownerReferences"],
        Value::Null,
        "it is not adopted"
    );
    operator.stop().await
}

#[tokio::test]
async fn what_somebody_deleted_is_published_anew_with_a_higher_generation() -> Result<()> {
    let server = server_with_crds().await?;
    let operator = Operator::start(&server, "one").await?;
    let before = until(&server, "published", |now| {
        now.entry("rules", "search/chat").is_some()
    })
    .await?;
    let index = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NS, "name": "fairlead-default-index"}});
    server.client().delete(&index).await?;
    let after = until(&server, "published anew", |now| {
        now.generation() > before.generation()
    })
    .await?;
    assert_eq!(
        after.entry("rules", "search/chat"),
        before.entry("rules", "search/chat")
    );
    operator.stop().await
}

#[tokio::test]
async fn one_leads_and_the_other_takes_over_when_it_is_killed() -> Result<()> {
    let server = server_with_crds().await?;
    let first = Operator::start(&server, "one").await?;
    until(&server, "published", |_| true).await?;
    let second = Operator::start(&server, "two").await?;
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"namespace": NS, "name": "fairlead-default-operator"}});
    let holder = || async {
        anyhow::Ok(server.client().get(&lease).await?.body["spec"]["holderIdentity"].clone())
    };
    sleep(Duration::from_secs(LEASE) * 2).await;
    assert_eq!(holder().await?, "one", "a leader that renews stays leader");
    let killed = Instant::now();
    first.kill().await;
    create(&server, &object("RoutingRule", "late", &rule(1))).await?;
    until(&server, "the new leader publishes", |now| {
        now.entry("rules", "search/late").is_some()
    })
    .await?;
    let took = killed.elapsed();
    assert_eq!(holder().await?, "two");
    results::record(&[Figure::at_most(
        "operator: takeover after a kill, beyond the lease",
        took.as_secs_f64() - Duration::from_secs(LEASE).as_secs_f64(),
        "s",
        5.0,
    )])?;
    ensure!(took < Duration::from_secs(LEASE + 5), "it took {took:?}");
    second.stop().await.context("the second operator")
}
