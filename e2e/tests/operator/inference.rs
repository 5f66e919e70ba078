//! InferencePools: a cluster may have them from the beginning, later, or never; their ready pods are published as they come and go.

use anyhow::{Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{
    ApiServer, NAMESPACE, Operator, PATIENCE, Published, Write, condition, inference_pools,
};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{AT_ONCE, create, edit, server_with_crds};

fn inference_pool(app: &str) -> Value {
    json!({
        "apiVersion": "inference.networking.k8s.io/v1",
        "kind": "InferencePool",
        "metadata": {"namespace": NAMESPACE, "name": "llama"},
        "spec": spec(app),
    })
}

fn spec(app: &str) -> Value {
    json!({
        "selector": {"matchLabels": {"app": app}},
        "targetPorts": [{"number": 8000}],
        "endpointPickerRef": {"name": "picker", "port": {"number": 9002}},
    })
}

fn provider() -> Value {
    json!({
        "apiVersion": "fairlead.dev/v1alpha1",
        "kind": "LLMProvider",
        "metadata": {"namespace": NAMESPACE, "name": "pool"},
        "spec": {"type": "VLLM", "allowPrivateNetwork": true, "endpoints": {"inferencePoolRef": {"name": "llama"}}},
    })
}

fn pod(namespace: &str, name: &str, app: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"namespace": namespace, "name": name, "labels": {"app": app}},
        "spec": {"containers": [{"name": "server", "image": "example.com/vllm"}]},
    })
}

/// Says of a pod what its kubelet would.
async fn report(server: &ApiServer, pod: &Value, address: &str, ready: bool) -> Result<()> {
    let mut now = server.client().get(pod).await?.body;
    let ready = if ready { "True" } else { "False" };
    now["status"] = json!({
        "phase": "Running",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "conditions": [{"type": "Ready", "status": ready}],
    });
    let answer = server.client().replace_status(&now).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

async fn run_pod(server: &ApiServer, pod: &Value, address: &str, ready: bool) -> Result<()> {
    create(server, pod).await?;
    report(server, pod, address, ready).await
}

/// The servers that are published.
async fn published(server: &ApiServer, what: &str, addresses: &[&str]) -> Result<()> {
    let wanted = json!(addresses);
    let name = format!("{NAMESPACE}/pool");
    let is = |now: &Published| {
        let entry = now.entry("providers", &name);
        entry.is_some_and(|entry| entry["endpoints"]["addresses"] == wanted)
    };
    Published::until(server.client(), what, is).await?;
    Ok(())
}

async fn install(server: &ApiServer) -> Result<()> {
    create(server, &inference_pools()).await?;
    let began = Instant::now();
    let probe = inference_pool("probe");
    while !server
        .client()
        .create(&probe, Write::DryRun)
        .await
        .is_ok_and(|answer| answer.is_success())
    {
        ensure!(began.elapsed() < PATIENCE, "the definition is not served");
        sleep(AT_ONCE / 100).await;
    }
    Ok(())
}

/// Waits until it is told that there are no such objects. Before the operator has heard that, nothing is known of them, which it says too.
async fn not_installed(server: &ApiServer) -> Result<()> {
    let began = Instant::now();
    loop {
        let told = condition(server.client(), &provider(), "ResolvedRefs", "False").await?;
        assert_eq!(told["reason"], "InferencePoolNotFound");
        let said = told["message"].as_str().unwrap_or_default();
        if said.contains("is not installed") {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{said}");
        sleep(AT_ONCE / 100).await;
    }
}

#[tokio::test]
async fn a_cluster_has_inference_pools_once_they_are_installed_and_their_ready_pods_are_published()
-> Result<()> {
    let server = server_with_crds().await?;
    for namespace in [NAMESPACE, "search"] {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": "default"}});
        create(&server, &account).await?;
    }
    create(&server, &provider()).await?;
    let operator = Operator::start(server.kubeconfig(), "one", &[]).await?;
    not_installed(&server).await?;

    install(&server).await?;
    let [one, two] = ["llama-0", "llama-1"].map(|name| pod(NAMESPACE, name, "llama"));
    run_pod(&server, &one, "10.0.0.1", true).await?;
    run_pod(&server, &two, "10.0.0.2", false).await?;
    // Neither of these is the pool's.
    run_pod(&server, &pod(NAMESPACE, "web-0", "web"), "10.0.0.9", true).await?;
    run_pod(
        &server,
        &pod("search", "llama-0", "llama"),
        "10.0.1.1",
        true,
    )
    .await?;
    create(&server, &inference_pool("llama")).await?;
    published(&server, "the ready pod", &["10.0.0.1:8000"]).await?;
    condition(server.client(), &provider(), "ResolvedRefs", "True").await?;

    let began = Instant::now();
    report(&server, &two, "10.0.0.2", true).await?;
    let both = ["10.0.0.1:8000", "10.0.0.2:8000"];
    published(&server, "the other pod", &both).await?;
    results::record(&[Figure::at_most(
        "pods: from an InferencePool's pod to the index",
        began.elapsed().as_secs_f64(),
        "s",
        1.0,
    )])?;
    report(&server, &one, "10.0.0.1", false).await?;
    published(&server, "the one that is ready", &["10.0.0.2:8000"]).await?;

    // What it selects is another thing now, and back.
    edit(&server, &inference_pool("llama"), spec("web")).await?;
    published(&server, "others", &["10.0.0.9:8000"]).await?;
    edit(&server, &inference_pool("llama"), spec("nobody")).await?;
    let told = condition(server.client(), &provider(), "ResolvedRefs", "False").await?;
    assert_eq!(told["reason"], "NoReadyEndpoints");
    published(&server, "nobody", &[]).await?;
    edit(&server, &inference_pool("llama"), spec("llama")).await?;
    published(&server, "them again", &["10.0.0.2:8000"]).await?;

    // Whoever leads next never sees it empty.
    operator.stop().await?;
    let operator = Operator::start(server.kubeconfig(), "two", &[]).await?;
    report(&server, &one, "10.0.0.1", true).await?;
    published(&server, "both", &both).await?;
    server.client().delete(&inference_pool("llama")).await?;
    let told = condition(server.client(), &provider(), "ResolvedRefs", "False").await?;
    assert_eq!(told["reason"], "InferencePoolNotFound");
    published(&server, "no pool", &[]).await?;
    operator.stop().await
}
