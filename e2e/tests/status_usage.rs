//! How limits stand, in statuses of a real API server, as a scripted gateway says it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::{
    ApiServer, NAMESPACE, Operator, PATIENCE, Published, Write, condition, own_address,
};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const PAUSE: Duration = Duration::from_millis(100);

/// A gateway that enforces every index and says how the limits of two objects stand, a page each.
struct Gateway {
    address: SocketAddr,
    generation: Arc<AtomicU64>,
    tasks: JoinSet<()>,
}

impl Gateway {
    async fn start() -> Result<Self> {
        let listener = TcpListener::bind((own_address()?.ip(), 0)).await?;
        let address = listener.local_addr()?;
        let generation = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        let now = Arc::clone(&generation);
        tasks.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                // Whoever hangs up asks again.
                let _ = answer(socket, now.load(Ordering::Relaxed)).await;
            }
        });
        Ok(Self {
            address,
            generation,
            tasks,
        })
    }

    fn enforces(&self, published: &Published) {
        let generation = published.generation();
        self.generation.store(generation, Ordering::Relaxed);
    }

    fn endpoints(&self) -> Value {
        json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"namespace": NAMESPACE, "name": "gateway-1", "labels": {"kubernetes.io/service-name": "fairlead-gateway"}},
            "endpoints": [{"addresses": [self.address.ip()], "conditions": {"ready": true}}],
        })
    }
}

/// One question, one answer, one connection.
async fn answer(mut socket: TcpStream, generation: u64) -> Result<()> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        ensure!(socket.read_buf(&mut head).await? > 0, "hung up");
    }
    let head = String::from_utf8_lossy(&head);
    let path = head.split(' ').nth(1).unwrap_or_default();
    let line = |level: &str, holder: &str, kind: &str, unit: &str, used: &str| {
        format!(
            r#"{{"level":"{level}","holder":"{holder}","name":"month","kind":"{kind}","unit":"{unit}","limit":100,"used":{used},"remaining":0,"window":{{"start":"2026-11-01T00:00:00Z","end":"2026-12-01T00:00:00Z"}}}}"#
        )
    };
    let page = |line: String, next: &str| {
        format!(r#"{{"generation":{generation},"limits":[{line}]{next}}}"#)
    };
    let body = match path {
        "/usage" => page(
            line("team", "search/research", "budget", "usd", "83.250000001"),
            r#","next":"team/search/research""#,
        ),
        "/usage?after=team/search/research" => {
            page(line("key", "search/app", "rate_limit", "requests", "7"), "")
        }
        _ => format!(
            r#"{{"generation":{generation},"formats":[1,2],"readsAdminSecret":true,"countsAlone":false}}"#
        ),
    };
    let answer = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    socket.write_all(answer.as_bytes()).await?;
    Ok(())
}

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": "search", "name": name}, "spec": spec})
}

/// Again while the definitions are not served yet.
async fn create(server: &ApiServer, object: &Value) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = server.client().create(object, Write::Stored).await?;
        if answer.is_success() {
            return Ok(());
        }
        let again = answer.status == 404 && began.elapsed() < PATIENCE;
        ensure!(again, "{}", answer.message());
        sleep(PAUSE).await;
    }
}

/// Waits until an object's status has a usage.
async fn usage(server: &ApiServer, object: &Value) -> Result<Value> {
    let began = Instant::now();
    loop {
        let now = server.client().get(object).await?.body;
        if now["status"]["usage"].is_object() {
            return Ok(now["status"]["usage"].clone());
        }
        ensure!(began.elapsed() < PATIENCE, "there is no usage: {now}");
        sleep(PAUSE).await;
    }
}

fn team() -> Value {
    let budget = json!({"name": "month", "amount": "100", "period": "Monthly"});
    object("Team", "research", &json!({"budgets": [budget]}))
}

fn app() -> Value {
    let rate = json!({"name": "month", "unit": "Requests", "limit": 100, "per": "1m"});
    let key = json!({"type": "Generate", "secretRef": {"name": "app"}});
    object(
        "VirtualKey",
        "app",
        &json!({"key": key, "rateLimits": [rate]}),
    )
}

fn free() -> Value {
    object("Team", "free", &json!({}))
}

/// An API server with the definitions and these objects, and an operator that asks this gateway.
async fn start(gateway: &Gateway) -> Result<(ApiServer, Operator)> {
    let server = ApiServer::start().await?;
    for name in [NAMESPACE, "search"] {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        create(&server, &namespace).await?;
    }
    for crd in fairlead_crds::all() {
        create(&server, &serde_json::to_value(&crd)?).await?;
    }
    for object in [gateway.endpoints(), team(), app(), free()] {
        create(&server, &object).await?;
    }
    let port = gateway.address.port().to_string();
    let more = ["--gateway-admin-port", &port];
    let operator = Operator::start(server.kubeconfig(), "one", &more).await?;
    Ok((server, operator))
}

#[tokio::test]
async fn usage_stands_beside_the_conditions_and_neither_takes_the_other_away() -> Result<()> {
    let mut gateway = Gateway::start().await?;
    let (server, operator) = start(&gateway).await?;
    let published = Published::until(server.client(), "published with the key", |now| {
        now.entry("keys", "search/app")
            .is_some_and(|key| !key["digest"].is_null())
    })
    .await?;
    gateway.enforces(&published);

    let told = usage(&server, &team()).await?;
    assert_eq!(
        told["tightest"],
        json!({"limit": "month", "usedPercent": 83, "resetsAt": "2026-12-01T00:00:00Z"})
    );
    assert_eq!(told["budgets"][0]["used"], "83.250000001");
    assert_eq!(told["budgets"][0]["remaining"], "16.749999999");
    let told = usage(&server, &app()).await?;
    assert_eq!(told["rateLimits"][0]["used"], 7);
    for object in [team(), free()] {
        condition(server.client(), &object, "Programmed", "True").await?;
    }
    let now = server.client().get(&free()).await?.body;
    assert_eq!(now["status"]["usage"], Value::Null, "it has no limits");

    // An edit turns the conditions, and leaves the usage.
    let mut edited = server.client().get(&team()).await?.body;
    edited["spec"]["budgets"][0]["amount"] = json!("200");
    let answer = server.client().replace(&edited, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    let published = Published::until(server.client(), "published again", |now| {
        now.generation() > published.generation()
    })
    .await?;
    gateway.enforces(&published);
    condition(server.client(), &team(), "Programmed", "True").await?;
    let told = usage(&server, &team()).await?;
    assert_eq!(told["budgets"][0]["used"], "83.250000001");

    // A gateway that says nothing takes nothing away.
    gateway.tasks.shutdown().await;
    let told = condition(server.client(), &team(), "Programmed", "True").await;
    told.context("still programmed: it had reached this version")?;
    usage(&server, &team()).await?;
    operator.stop().await
}
