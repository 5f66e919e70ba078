//! What is published and cannot be read: nothing is written over it, that is told, and what stood in it comes back with it.

use std::time::Duration;

use anyhow::{Result, ensure};
use fairlead_e2e::{ApiServer, NAMESPACE, Operator, PATIENCE, Published, Write, condition};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

const NS: &str = NAMESPACE;
/// Long enough for several tries to publish.
const WHILE: Duration = Duration::from_secs(3);

async fn create(server: &ApiServer, object: &Value) -> Result<()> {
    let answer = server.client().create(object, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

async fn replace(server: &ApiServer, object: &Value) -> Result<()> {
    let answer = server.client().replace(object, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": NS, "name": name}, "spec": spec})
}

fn rule(name: &str) -> Value {
    let spec = json!({
        "precedence": "Override",
        "scope": {"type": "Global"},
        "targets": [{"name": "a", "providerRef": {"name": "sim"}}],
    });
    object("RoutingRule", name, &spec)
}

/// An API server with an imposed rule that was published and then edited so that it is not acceptable, and no operator.
async fn with_a_last_accepted_version() -> Result<ApiServer> {
    let server = ApiServer::start().await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NS}});
    create(&server, &namespace).await?;
    for crd in fairlead_crds::all() {
        create(&server, &serde_json::to_value(crd)?).await?;
    }
    let began = Instant::now();
    let provider = object("LLMProvider", "sim", &json!({"type": "Simulated"}));
    for object in [provider, rule("imposed")] {
        // A kind is served a moment after its CRD was made.
        while let Err(error) = create(&server, &object).await {
            ensure!(began.elapsed() < PATIENCE, "{error:#}");
            sleep(Duration::from_millis(50)).await;
        }
    }
    let operator = Operator::start(server.kubeconfig(), "before", &[]).await?;
    Published::until(server.client(), "the rule", is_imposed).await?;
    let mut spoilt = server.client().get(&rule("imposed")).await?.body;
    spoilt["spec"]["match"] = json!({"when": "request.headers["});
    replace(&server, &spoilt).await?;
    condition(server.client(), &spoilt, "Accepted", "False").await?;
    operator.stop().await?;
    Ok(server)
}

fn is_imposed(published: &Published) -> bool {
    published.entry("rules", &format!("{NS}/imposed")).is_some()
}

fn index() -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NS, "name": "fairlead-default-index"}})
}

/// The text of the index.
async fn text(server: &ApiServer) -> Result<String> {
    let map = server.client().get(&index()).await?.body;
    Ok(map["data"]["index.json"]
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

async fn write_text(server: &ApiServer, text: &str) -> Result<()> {
    let mut map = server.client().get(&index()).await?.body;
    map["data"]["index.json"] = text.into();
    replace(server, &map).await
}

/// Waits until the operator is not ready, and returns what it says.
async fn unready(operator: &Operator, words: &str) -> Result<String> {
    let began = Instant::now();
    loop {
        // It may not listen yet.
        let (status, told) = operator.readiness().await.unwrap_or_default();
        if status == 503 && told.contains(words) {
            return Ok(told);
        }
        ensure!(began.elapsed() < PATIENCE, "{status}: {told}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// What stood in the index holds again once it can be read, for the rule that only it remembers too.
async fn goes_on(server: &ApiServer, operator: &Operator, good: &str, name: &str) -> Result<()> {
    write_text(server, good).await?;
    let after = Published::until(server.client(), "it goes on", |now| {
        now.entry("rules", &format!("{NS}/{name}")).is_some()
    })
    .await?;
    ensure!(is_imposed(&after), "{after:?}");
    operator.ready().await
}

#[tokio::test]
async fn what_a_newer_version_published_stays_and_the_lease_is_left_to_it() -> Result<()> {
    let server = with_a_last_accepted_version().await?;
    let good = text(&server).await?;
    let newer = good.replacen("\"format\":1", "\"format\":99,\"shape\":\"new\"", 1);
    write_text(&server, &newer).await?;
    let operator = Operator::start(server.kubeconfig(), "older", &[]).await?;
    create(&server, &rule("late")).await?;
    unready(&operator, "has format 99").await?;
    sleep(WHILE).await;
    assert_eq!(text(&server).await?, newer);
    let lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"namespace": NS, "name": "fairlead-default-operator"}});
    let lease = server.client().get(&lease).await?.body;
    assert_eq!(lease["spec"]["holderIdentity"], "", "{lease}");
    unready(&operator, "has format 99").await?;
    goes_on(&server, &operator, &good, "late").await?;
    operator.stop().await
}

#[tokio::test]
async fn a_leader_writes_nothing_over_what_a_newer_version_publishes_meanwhile() -> Result<()> {
    let server = with_a_last_accepted_version().await?;
    let operator = Operator::start(server.kubeconfig(), "older", &[]).await?;
    operator.ready().await?;
    create(&server, &rule("first")).await?;
    Published::until(server.client(), "it leads", |now| {
        now.entry("rules", &format!("{NS}/first")).is_some()
    })
    .await?;
    let good = text(&server).await?;
    let newer = good.replacen("\"format\":1", "\"format\":99,\"shape\":\"new\"", 1);
    write_text(&server, &newer).await?;
    create(&server, &rule("late")).await?;
    unready(&operator, "has format 99").await?;
    sleep(WHILE).await;
    assert_eq!(text(&server).await?, newer);
    goes_on(&server, &operator, &good, "late").await?;
    operator.stop().await
}

#[tokio::test]
async fn an_index_that_says_nothing_stays_and_what_can_be_told_is_told() -> Result<()> {
    let server = with_a_last_accepted_version().await?;
    let good = text(&server).await?;
    write_text(&server, "{").await?;
    let operator = Operator::start(server.kubeconfig(), "after", &[]).await?;
    create(&server, &rule("late")).await?;
    let told = unready(&operator, "the index cannot be read").await?;
    ensure!(
        told.contains(&format!("RoutingRule {NS}/imposed")),
        "{told}"
    );
    condition(server.client(), &rule("late"), "Accepted", "True").await?;
    sleep(WHILE).await;
    assert_eq!(text(&server).await?, "{");
    assert!((operator.metric("fairlead_operator_held").await? - 1.0).abs() < f64::EPSILON);
    goes_on(&server, &operator, &good, "late").await?;
    operator.stop().await
}

#[tokio::test]
async fn a_shard_that_is_gone_is_written_anew_only_where_nothing_depended_on_it() -> Result<()> {
    let server = with_a_last_accepted_version().await?;
    let rules = serde_json::from_str::<Value>(&text(&server).await?)?;
    let digest = rules["shards"]["rules"][0]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let shard = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": NS, "name": format!("fairlead-default-rules-{digest}")}});
    server.client().delete(&shard).await?;
    let operator = Operator::start(server.kubeconfig(), "after", &[]).await?;
    let told = unready(&operator, "is missing").await?;
    ensure!(
        told.contains(&format!("RoutingRule {NS}/imposed")),
        "{told}"
    );
    let mut mended = server.client().get(&rule("imposed")).await?.body;
    mended["spec"] = rule("imposed")["spec"].clone();
    replace(&server, &mended).await?;
    Published::until(server.client(), "it is written anew", is_imposed).await?;
    operator.ready().await?;
    operator.stop().await
}
