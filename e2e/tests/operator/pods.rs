//! The pods of Services: they are published as they come and go, those of the provider's own Service and no others.

use anyhow::{Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{ApiServer, NAMESPACE, Operator, Published, Write, condition};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{create, server_with_crds};

fn slice(namespace: &str, name: &str, service: &str, addresses: &[&str]) -> Value {
    let endpoints: Vec<Value> = addresses
        .iter()
        .map(|address| json!({"addresses": [address], "conditions": {"ready": true}}))
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"namespace": namespace, "name": name, "labels": {"kubernetes.io/service-name": service}},
        "addressType": "IPv4",
        "ports": [{"name": "http", "port": 8000, "protocol": "TCP"}],
        "endpoints": endpoints,
    })
}

fn pool() -> Value {
    json!({
        "apiVersion": "fairlead.dev/v1alpha1",
        "kind": "LLMProvider",
        "metadata": {"namespace": NAMESPACE, "name": "pool"},
        "spec": {"type": "VLLM", "allowPrivateNetwork": true, "endpoints": {"serviceRef": {"name": "vllm", "port": 8000}}},
    })
}

/// The pods that are published.
fn published(now: &Published) -> Value {
    let entry = now.entry("providers", &format!("{NAMESPACE}/pool"));
    entry.map_or(Value::Null, |entry| entry["endpoints"]["addresses"].clone())
}

async fn replace(server: &ApiServer, slice: &Value) -> Result<()> {
    let mut next = slice.clone();
    let now = server.client().get(slice).await?.body;
    next["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"].clone();
    let answer = server.client().replace(&next, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

#[tokio::test]
async fn pods_are_published_within_a_second_of_coming_and_going_and_foreign_ones_never()
-> Result<()> {
    let server = server_with_crds().await?;
    // The flood: slices of other Services, and of one of the same name elsewhere.
    for number in 0..100 {
        let name = format!("other-{number}");
        create(&server, &slice(NAMESPACE, &name, &name, &["10.9.9.9"])).await?;
    }
    create(&server, &slice("search", "vllm-1", "vllm", &["10.8.8.8"])).await?;
    create(&server, &pool()).await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    let told = condition(server.client(), &pool(), "ResolvedRefs", "False").await?;
    assert_eq!(told["reason"], "ServiceNotFound");
    create(&server, &slice(NAMESPACE, "vllm-1", "vllm", &["10.0.0.1"])).await?;
    let one = json!(["10.0.0.1:8000"]);
    Published::until(server.client(), "the pod", |now| published(now) == one).await?;
    condition(server.client(), &pool(), "ResolvedRefs", "True").await?;

    let mut slowest = 0.0_f64;
    for round in 0..5 {
        let address = format!("10.0.1.{round}");
        let began = Instant::now();
        let both = slice(NAMESPACE, "vllm-1", "vllm", &["10.0.0.1", &address]);
        replace(&server, &both).await?;
        let wanted = json!(["10.0.0.1:8000", format!("{address}:8000")]);
        Published::until(server.client(), "the other pod", |now| {
            published(now) == wanted
        })
        .await?;
        slowest = slowest.max(began.elapsed().as_secs_f64());
    }
    results::record(&[Figure::at_most(
        "pods: from a slice to the index",
        slowest,
        "s",
        1.0,
    )])?;

    // Whoever leads next keeps what is there until it has listed it.
    operator.stop().await?;
    let operator = Operator::start(server.kubeconfig(), "two", &[]).await?;
    let address = "10.0.2.1";
    replace(&server, &slice(NAMESPACE, "vllm-1", "vllm", &[address])).await?;
    let last = json!([format!("{address}:8000")]);
    Published::until(server.client(), "the last pod", |now| {
        assert_ne!(published(now), json!([]), "the pool never looks empty");
        published(now) == last
    })
    .await?;
    server
        .client()
        .delete(&slice(NAMESPACE, "vllm-1", "vllm", &[]))
        .await?;
    Published::until(server.client(), "nobody", |now| published(now) == json!([])).await?;
    operator.stop().await
}
