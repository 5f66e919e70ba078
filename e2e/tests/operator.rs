//! The operator against a real API server, without gateways: what it publishes, keeps, and does when others interfere.

#[path = "operator/inference.rs"]
mod inference;
#[path = "operator/pods.rs"]
mod pods;
#[path = "operator/rotation.rs"]
mod rotation;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{ApiServer, NAMESPACE, Operator, PATIENCE, Published, Write, condition};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

const NS: &str = NAMESPACE;
/// Far below the half minute after which the operator looks for itself.
const AT_ONCE: Duration = Duration::from_secs(10);

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
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
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
        Published::read(server.client()).await?,
        None,
        "nothing may be published before everything was listed"
    );
    let leases = server
        .client()
        .list("coordination.k8s.io/v1", "leases", NS)
        .await?;
    assert!(
        leases.is_empty(),
        "it must not keep one from leading that could: {leases:?}"
    );
    create(
        &server,
        &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "search"}}),
    )
    .await?;
    install_crds(&server).await?;
    Published::until(server.client(), "published once the CRDs are there", |_| {
        true
    })
    .await?;
    operator.stop().await
}

#[tokio::test]
async fn an_edit_that_is_not_acceptable_leaves_the_last_accepted_version_in_force_across_restarts()
-> Result<()> {
    let server = server_with_crds().await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let chat = object("RoutingRule", "chat", &Value::Null);
    let weight = |published: &Published| {
        published
            .entry("rules", "search/chat")
            .map(|rule| rule["targets"][0]["weight"].clone())
    };
    Published::until(server.client(), "the first version", |now| {
        weight(now) == Some(json!(1))
    })
    .await?;
    let mut bad = rule(2);
    bad["match"] = json!({"when": "request.headers["});
    edit(&server, &chat, bad).await?;
    let told = condition(server.client(), &chat, "Accepted", "False").await?;
    assert_eq!(told["reason"], "ConditionInvalid");
    condition(server.client(), &chat, "Programmed", "False").await?;
    operator.stop().await?;
    let operator = Operator::start(server.kubeconfig(), "two", &[]).await?;
    create(&server, &object("RoutingRule", "other", &rule(5))).await?;
    let after = Published::until(server.client(), "the other rule", |now| {
        now.entry("rules", "search/other").is_some()
    })
    .await?;
    assert_eq!(weight(&after), Some(json!(1)), "a restart forgets nothing");
    edit(&server, &chat, rule(3)).await?;
    Published::until(server.client(), "the mended version", |now| {
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
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    Published::until(server.client(), "a digest for the made key", |now| {
        now.entry("keys", "search/first")
            .is_some_and(|key| !key["digest"].is_null())
    })
    .await?;
    let told = condition(server.client(), &second, "ResolvedRefs", "False").await?;
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
async fn an_object_made_anew_under_its_name_gets_a_status_of_its_own() -> Result<()> {
    let server = server_with_crds().await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let team = object("Team", "again", &json!({}));
    // Nothing else changes between the status and the end of the first, so the operator has no cause to look at it again.
    for _ in 0..2 {
        create(&server, &team).await?;
        condition(server.client(), &team, "Accepted", "True").await?;
        server.client().delete(&team).await?;
    }
    operator.stop().await
}

#[tokio::test]
async fn what_somebody_deleted_is_published_anew_with_a_higher_generation() -> Result<()> {
    let server = server_with_crds().await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let before = Published::until(server.client(), "published", |now| {
        now.entry("rules", "search/chat").is_some()
    })
    .await?;
    let index = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NS, "name": "fairlead-default-index"}});
    server.client().delete(&index).await?;
    let after = Published::until(server.client(), "published anew", |now| {
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
async fn an_index_that_somebody_edited_is_written_anew_at_once() -> Result<()> {
    let server = server_with_crds().await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let before = Published::until(server.client(), "published", |now| {
        now.entry("rules", "search/chat").is_some()
    })
    .await?;
    // What counts is its last accepted version, which nothing but what is published remembers.
    let chat = object("RoutingRule", "chat", &Value::Null);
    let mut bad = rule(2);
    bad["match"] = json!({"when": "request.headers["});
    edit(&server, &chat, bad).await?;
    condition(server.client(), &chat, "Accepted", "False").await?;
    let index = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NS, "name": "fairlead-default-index"}});
    let mut forged = server.client().get(&index).await?.body;
    let text = forged["data"]["index.json"].as_str().context("no index")?;
    let mut content: Value = serde_json::from_str(text)?;
    content["shards"]["rules"] = json!([]);
    forged["data"]["index.json"] = json!(content.to_string());
    let answer = server.client().replace(&forged, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    let edited = Instant::now();
    let after = Published::until(server.client(), "written anew", |now| {
        now.generation() > before.generation()
    })
    .await?;
    let took = edited.elapsed();
    ensure!(took < AT_ONCE, "it took {took:?}");
    assert_eq!(
        after.entry("rules", "search/chat"),
        before.entry("rules", "search/chat")
    );
    operator.stop().await
}

#[tokio::test]
async fn a_key_whose_secret_is_deleted_gets_another_value_and_an_event_says_so() -> Result<()> {
    let server = server_with_crds().await?;
    let [key, bystander] =
        ["first", "second"].map(|name| object("VirtualKey", name, &generated(name)));
    create(&server, &key).await?;
    create(&server, &bystander).await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let digest = |now: &Published, name: &str| {
        let key = now.entry("keys", &format!("search/{name}"))?;
        key["digest"].as_str().map(str::to_owned)
    };
    let before = Published::until(server.client(), "both keys", |now| {
        digest(now, "first").is_some() && digest(now, "second").is_some()
    })
    .await?;
    // With the condition the hint is written, by which the operator knows that there was a value.
    for object in [&key, &bystander] {
        condition(server.client(), object, "Accepted", "True").await?;
    }
    let hint = || async {
        let key = server.client().get(&key).await?.body;
        anyhow::Ok(key["status"]["key"]["hint"].as_str().map(str::to_owned))
    };
    let began = Instant::now();
    while hint().await?.is_none() {
        ensure!(began.elapsed() < PATIENCE, "there is no hint");
        sleep(Duration::from_millis(50)).await;
    }
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "search", "name": "first"}});
    server.client().delete(&secret).await?;
    let after = Published::until(server.client(), "another value", |now| {
        digest(now, "first").is_some_and(|now| Some(now) != digest(&before, "first"))
    })
    .await?;
    assert_eq!(digest(&after, "second"), digest(&before, "second"));
    let events = || async {
        let events = server
            .client()
            .list("events.k8s.io/v1", "events", "search")
            .await?;
        let told = events
            .iter()
            .filter(|event| event["reason"] == "ValueReplaced");
        anyhow::Ok(
            told.map(|event| event["regarding"]["name"].clone())
                .collect::<Vec<_>>(),
        )
    };
    let began = Instant::now();
    while events().await?.is_empty() {
        ensure!(began.elapsed() < PATIENCE, "there is no event");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(events().await?, ["first"]);
    operator.stop().await
}

#[tokio::test]
async fn a_key_or_secret_that_is_being_deleted_is_refused_whatever_holds_it_back() -> Result<()> {
    let server = server_with_crds().await?;
    let names = ["key-goes", "secret-goes", "stays"];
    let secret = |name: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "search", "name": name, "finalizers": ["example.com/held"], "labels": {"fairlead.dev/secret": "virtual-key"}}, "stringData": {"apiKey": format!("{name:x<40}")}});
    let key = |name: &str| {
        let mut key = object(
            "VirtualKey",
            name,
            &json!({"key": {"type": "SecretRef", "secretRef": {"name": name}}}),
        );
        key["metadata"]["finalizers"] = json!(["example.com/held"]);
        key
    };
    for name in names {
        create(&server, &secret(name)).await?;
        create(&server, &key(name)).await?;
    }
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let has_value = |now: &Published, name: &str| {
        now.entry("keys", &format!("search/{name}"))
            .is_some_and(|key| !key["digest"].is_null())
    };
    Published::until(server.client(), "all keys", |now| {
        names.iter().all(|name| has_value(now, name))
    })
    .await?;
    server.client().delete(&key("key-goes")).await?;
    server.client().delete(&secret("secret-goes")).await?;
    let after = Published::until(server.client(), "both are refused", |now| {
        !has_value(now, "key-goes") && !has_value(now, "secret-goes")
    })
    .await?;
    assert!(has_value(&after, "stays"));
    let told = condition(server.client(), &key("key-goes"), "Programmed", "False").await?;
    assert_eq!(told["reason"], "Terminating");
    let told = condition(server.client(), &key("secret-goes"), "Ready", "False").await?;
    assert_eq!(told["reason"], "SecretKeyNotFound");
    operator.stop().await
}

#[tokio::test]
async fn nothing_of_an_applied_object_is_changed_but_its_status() -> Result<()> {
    let server = server_with_crds().await?;
    let namespaces = json!({"matchLabels": {"team": "search"}});
    let organization = json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "Organization", "metadata": {"namespace": NS, "name": "acme"}, "spec": {"namespaceSelector": namespaces}});
    let mut applied = vec![
        organization,
        object("Team", "t", &json!({})),
        object("VirtualKey", "made", &generated("made")),
        object("LLMProvider", "own", &json!({"type": "Simulated"})),
        object("RoutingRule", "own", &rule(1)),
    ];
    for object in &mut applied {
        object["metadata"]["labels"] = json!({"app.kubernetes.io/instance": "argo"});
        object["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": "1"});
        create(&server, object).await?;
    }
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    for object in &applied {
        condition(server.client(), object, "Accepted", "True").await?;
        let found = server.client().get(object).await?.body;
        assert_eq!(found["spec"], object["spec"]);
        assert_eq!(found["metadata"]["labels"], object["metadata"]["labels"]);
        let annotations = &found["metadata"]["annotations"];
        assert_eq!(*annotations, object["metadata"]["annotations"]);
        assert_eq!(found["metadata"]["generation"], 1);
        assert_eq!(found["metadata"]["finalizers"], Value::Null);
        let managed = found["metadata"]["managedFields"].as_array();
        let managed = managed.context("nobody manages it")?;
        let elsewhere = managed.iter().filter(|of| of["subresource"] != "status");
        assert_eq!(elsewhere.count(), 1, "{managed:?}");
    }
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "search", "name": "made"}});
    let made = server.client().get(&secret).await?.body;
    let labels = &made["metadata"]["labels"];
    assert_eq!(*labels, json!({"fairlead.dev/secret": "virtual-key"}));
    operator.stop().await
}

#[tokio::test]
async fn one_leads_and_the_other_takes_over_when_it_is_killed() -> Result<()> {
    let server = server_with_crds().await?;
    let first = Operator::start(server.kubeconfig(), "one", &[]).await?;
    Published::until(server.client(), "published", |_| true).await?;
    let second = Operator::start(server.kubeconfig(), "two", &[]).await?;
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"namespace": NS, "name": "fairlead-default-operator"}});
    let holder = || async {
        anyhow::Ok(server.client().get(&lease).await?.body["spec"]["holderIdentity"].clone())
    };
    sleep(Operator::LEASE * 2).await;
    assert_eq!(holder().await?, "one", "a leader that renews stays leader");
    let killed = Instant::now();
    first.kill().await;
    create(&server, &object("RoutingRule", "late", &rule(1))).await?;
    Published::until(server.client(), "the new leader publishes", |now| {
        now.entry("rules", "search/late").is_some()
    })
    .await?;
    let took = killed.elapsed();
    assert_eq!(holder().await?, "two");
    results::record(&[Figure::at_most(
        "operator: takeover after a kill, beyond the lease",
        took.as_secs_f64() - Operator::LEASE.as_secs_f64(),
        "s",
        5.0,
    )])?;
    ensure!(
        took < Operator::LEASE + Duration::from_secs(5),
        "it took {took:?}"
    );
    second.stop().await.context("the second operator")
}
