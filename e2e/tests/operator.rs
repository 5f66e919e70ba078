//! The operator against a real API server, without gateways: what it publishes, keeps, and does when others interfere.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{ApiServer, NAMESPACE, Operator, PATIENCE, Published, Write, condition};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

const NS: &str = NAMESPACE;

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
