//! Keys that are rotated: both values in one Secret, once for each request, whoever leads.

use anyhow::{Result, ensure};
use fairlead_e2e::{ApiServer, Operator, PATIENCE, Published, Write};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{AT_ONCE, Duration, create, edit, generated, object, rule, server_with_crds};

/// Asks for a rotation.
async fn annotate(server: &ApiServer, key: &Value, request: &str) -> Result<()> {
    let mut now = server.client().get(key).await?.body;
    now["metadata"]["annotations"]["fairlead.dev/rotate"] = request.into();
    let answer = server.client().replace(&now, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

fn secret(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "search", "name": name}})
}

/// A key's part in what is published, once it has a value.
fn entry(now: &Published, name: &str) -> Option<Value> {
    let key = now.entry("keys", &format!("search/{name}"))?;
    (!key["digest"].is_null()).then(|| key.clone())
}

/// While no gateway has said what it reads, the operator goes on in the format that is live: this object has it begin with the newest.
async fn begin_with_the_newest_format(server: &ApiServer) -> Result<()> {
    let spec = json!({"type": "OpenAI", "httpVersion": "HTTP2"});
    create(server, &object("LLMProvider", "newest", &spec)).await
}

/// The keys of which an event says that they were rotated.
async fn rotated(server: &ApiServer) -> Result<Vec<Value>> {
    let events = server
        .client()
        .list("events.k8s.io/v1", "events", "search")
        .await?;
    let told = events.iter().filter(|event| event["reason"] == "Rotated");
    Ok(told
        .map(|event| event["regarding"]["name"].clone())
        .collect())
}

/// Waits until the object is as it should be.
async fn until(server: &ApiServer, object: &Value, good: impl Fn(&Value) -> bool) -> Result<Value> {
    let began = Instant::now();
    loop {
        let now = server.client().get(object).await?.body;
        if good(&now) {
            return Ok(now);
        }
        ensure!(
            began.elapsed() < PATIENCE,
            "{object}: still {}",
            now["metadata"]
        );
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_request_rotates_a_key_once_and_both_values_stand_in_one_secret() -> Result<()> {
    let server = server_with_crds().await?;
    begin_with_the_newest_format(&server).await?;
    let [key, bystander] =
        ["first", "second"].map(|name| object("VirtualKey", name, &generated(name)));
    create(&server, &key).await?;
    create(&server, &bystander).await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let before = Published::until(server.client(), "both keys", |now| {
        entry(now, "first").is_some() && entry(now, "second").is_some()
    })
    .await?;
    let old = server.client().get(&secret("first")).await?.body["data"]["apiKey"].clone();
    let began = Instant::now();
    annotate(&server, &key, "once").await?;
    let after = Published::until(server.client(), "the key with two values", |now| {
        entry(now, "first").is_some_and(|key| !key["previous"].is_null())
    })
    .await?;
    assert!(began.elapsed() < AT_ONCE);
    let (was, is) = (entry(&before, "first"), entry(&after, "first").unwrap());
    assert_eq!(is["previous"]["digest"], was.unwrap()["digest"]);
    assert_eq!(entry(&after, "second"), entry(&before, "second"));
    let held = server.client().get(&secret("first")).await?.body;
    assert_eq!(held["data"]["apiKey.previous"], old);
    assert_ne!(held["data"]["apiKey"], old);
    let says = &held["metadata"]["annotations"];
    assert_eq!(says["fairlead.dev/rotate"], "once");
    let told = until(&server, &key, |key| {
        !key["status"]["key"]["previousValidUntil"].is_null()
    })
    .await?;
    let told = &told["status"]["key"];
    assert_eq!(told["rotatedAt"], says["fairlead.dev/rotated-at"]);
    assert_eq!(
        told["previousValidUntil"],
        says["fairlead.dev/previous-until"]
    );
    // Whoever leads next finds that the request was served.
    operator.stop().await?;
    let operator = Operator::start(server.kubeconfig(), "two", &[]).await?;
    create(&server, &object("RoutingRule", "other", &rule(5))).await?;
    let later = Published::until(server.client(), "something else", |now| {
        now.entry("rules", "search/other").is_some()
    })
    .await?;
    assert_eq!(entry(&later, "first"), Some(is));
    assert_eq!(rotated(&server).await?, ["first"]);
    // In an emergency.
    let mut spec = generated("first");
    spec["rotation"] = json!({"overlap": "0s"});
    edit(&server, &key, spec).await?;
    let left = until(&server, &secret("first"), |secret| {
        secret["data"]["apiKey.previous"].is_null()
    })
    .await?;
    assert_eq!(left["data"]["apiKey"], held["data"]["apiKey"]);
    operator.stop().await
}

#[tokio::test]
async fn a_supplied_value_works_on_beside_its_successor_across_restarts() -> Result<()> {
    let server = server_with_crds().await?;
    begin_with_the_newest_format(&server).await?;
    let spec = json!({"key": {"type": "SecretRef", "secretRef": {"name": "ours"}}, "rotation": {"overlap": "1h"}});
    let key = object("VirtualKey", "supplied", &spec);
    let mut ours = secret("ours");
    ours["metadata"]["labels"] = json!({"fairlead.dev/secret": "virtual-key"});
    ours["stringData"] = json!({"apiKey": "a".repeat(40)});
    create(&server, &ours).await?;
    create(&server, &key).await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let before = Published::until(server.client(), "the key", |now| {
        entry(now, "supplied").is_some()
    })
    .await?;
    let before = entry(&before, "supplied").unwrap();
    ours["stringData"] = json!({"apiKey": "b".repeat(40)});
    let answer = server.client().replace(&ours, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    let after = Published::until(server.client(), "the new value", |now| {
        entry(now, "supplied").is_some_and(|key| key["digest"] != before["digest"])
    })
    .await?;
    let after = entry(&after, "supplied").unwrap();
    assert_eq!(after["previous"]["digest"], before["digest"]);
    operator.stop().await?;
    let operator = Operator::start(server.kubeconfig(), "two", &[]).await?;
    create(&server, &object("RoutingRule", "other", &rule(5))).await?;
    let later = Published::until(server.client(), "something else", |now| {
        now.entry("rules", "search/other").is_some()
    })
    .await?;
    assert_eq!(entry(&later, "supplied"), Some(after));
    operator.stop().await
}
