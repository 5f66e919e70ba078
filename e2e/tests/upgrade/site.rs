//! An installation of processes: an API server, an operator, two gateways behind a relay, each of them replaced as a cluster would.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use fairlead_e2e::{ApiServer, Caller, Connections, NAMESPACE, PATIENCE, Published, Write};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::process::{Running, Version};
use crate::relay::relayed;

/// The value of the caller's key.
pub(crate) const KEY: &str = "sk-caller-0123456789abcdef0123456789";
/// How many gateways there are.
const GATEWAYS: usize = 2;
/// Where gateways listen, each at an address of its own.
pub(crate) const PORT: u16 = 8080;
/// Where their admin ports are.
const ADMIN: u16 = 9090;
/// Where the operator's admin port is.
const OPERATOR_ADMIN: &str = "127.0.0.1:9190";
/// Between two looks.
pub(crate) const PAUSE: Duration = Duration::from_millis(50);

struct Gateway {
    running: Running,
    address: IpAddr,
}

/// The installation.
pub(crate) struct Site {
    server: ApiServer,
    folder: TempDir,
    operator: Option<Running>,
    gateways: Vec<Gateway>,
    ready: Arc<Mutex<Vec<IpAddr>>>,
    relay: SocketAddr,
    /// They end with the site.
    _tasks: JoinSet<()>,
    started: usize,
    edits: u32,
}

fn object(namespace: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec})
}

fn rule(model: &str, namespace: &str, more: &Value) -> Value {
    let mut spec = json!({
        "match": {"models": [model]},
        "targets": [{"name": "sim", "providerRef": {"name": "sim"}}],
    });
    if let (Some(spec), Some(more)) = (spec.as_object_mut(), more.as_object()) {
        spec.extend(more.clone());
    }
    object(namespace, "RoutingRule", model, &spec)
}

fn objects() -> Vec<Value> {
    let imposed = json!({"precedence": "Override", "scope": {"type": "Global"}});
    let labels = json!({"fairlead.dev/secret": "virtual-key"});
    let mut objects = vec![
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "search", "name": "caller", "labels": labels}, "stringData": {"apiKey": KEY}}),
        object(
            "search",
            "VirtualKey",
            "caller",
            &json!({"key": {"type": "SecretRef", "secretRef": {"name": "caller"}}}),
        ),
        rule("chat", "search", &json!({})),
    ];
    for namespace in [NAMESPACE, "search"] {
        objects.push(object(
            namespace,
            "LLMProvider",
            "sim",
            // Said, but what the first version had where nobody said it.
            &json!({"type": "Simulated", "timeouts": {"firstToken": "120s"}}),
        ));
    }
    for model in ["imposed", "imposed-before"] {
        objects.push(rule(model, NAMESPACE, &imposed));
    }
    objects
}

impl Site {
    /// An API server with the CRDs and the objects.
    pub(crate) async fn start() -> Result<Self> {
        let server = ApiServer::start().await?;
        for name in [NAMESPACE, "search"] {
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            create(&server, &namespace).await?;
        }
        for crd in fairlead_crds::all() {
            create(&server, &serde_json::to_value(crd)?).await?;
        }
        for object in objects() {
            create_when_served(&server, &object).await?;
        }
        let ready: Arc<Mutex<Vec<IpAddr>>> = Arc::default();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let relay = listener.local_addr()?;
        let mut tasks = JoinSet::new();
        tasks.spawn(relayed(listener, Arc::clone(&ready)));
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4", "endpoints": [],
            "metadata": {"namespace": NAMESPACE, "name": "gateways", "labels": {"kubernetes.io/service-name": "fairlead-gateway"}},
        });
        create(&server, &slice).await?;
        Ok(Self {
            server,
            folder: TempDir::with_prefix("fairlead-upgrade-")?,
            operator: None,
            gateways: Vec::new(),
            ready,
            relay,
            _tasks: tasks,
            started: 0,
            edits: 0,
        })
    }

    /// Where requests go.
    pub(crate) fn address(&self) -> SocketAddr {
        self.relay
    }

    pub(crate) fn caller(&self) -> Result<Caller> {
        Caller::new(self.relay, KEY, Connections::Fresh)
    }

    /// Replaces the operator.
    pub(crate) async fn operator(&mut self, version: Version) -> Result<()> {
        if let Some(old) = self.operator.take() {
            old.end().await?;
        }
        let name = format!("operator-{}", self.started);
        let arguments = [
            "--namespace",
            NAMESPACE,
            "--identity",
            &name,
            "--lease-seconds",
            "3",
            "--admin",
            OPERATOR_ADMIN,
        ];
        let running = self.run(version, "fairlead-operator", &arguments)?;
        let ready = running.until_ready(OPERATOR_ADMIN).await;
        self.operator = Some(running);
        ready
    }

    /// Replaces the gateways one by one: the next is ready before the one before it goes.
    pub(crate) async fn gateways(&mut self, version: Version) -> Result<()> {
        for _ in 0..GATEWAYS {
            let address = self.free_address()?;
            let kept = self.folder.path().join(format!("kept-{}", self.started));
            let (listen, admin) = (format!("{address}:{PORT}"), format!("{address}:{ADMIN}"));
            let arguments = [
                "serve",
                "--kubernetes",
                "--gateway-namespace",
                NAMESPACE,
                "--last-good-dir",
                &kept.to_string_lossy(),
                "--listen",
                &listen,
                "--admin",
                &admin,
                "--access-log",
                "off",
                "--drain-delay",
                "2",
            ];
            let running = self.run(version, "fairlead-gateway", &arguments)?;
            self.gateways.push(Gateway { running, address });
            // A cluster knows the endpoint before it is ready.
            self.tell_endpoints().await?;
            if let Some(gateway) = self.gateways.last() {
                gateway.running.until_ready(&admin).await?;
            }
            self.ready.lock().push(address);
            self.tell_endpoints().await?;
            if self.gateways.len() > GATEWAYS {
                let old = self.gateways.remove(0);
                self.ready.lock().retain(|ready| *ready != old.address);
                self.tell_endpoints().await?;
                old.running.end().await?;
            }
        }
        Ok(())
    }

    /// Edits an imposed rule so that it is not acceptable; its last accepted version is in force before and after.
    pub(crate) async fn spoil(&mut self, name: &str, matches: &Value) -> Result<()> {
        Published::until(self.server.client(), "the rule", |now| {
            now.entry("rules", &format!("{NAMESPACE}/{name}")).is_some()
        })
        .await?;
        let rule = object(NAMESPACE, "RoutingRule", name, &Value::Null);
        self.edit(&rule, |spec| spec["match"] = matches.clone())
            .await?;
        fairlead_e2e::condition(self.server.client(), &rule, "Accepted", "False").await?;
        Ok(())
    }

    /// Edits a rule and waits until every gateway enforces it.
    pub(crate) async fn edit_and_wait(&mut self, when: &str) -> Result<()> {
        self.edits += 1;
        let priority = self.edits;
        let rule = object("search", "RoutingRule", "chat", &Value::Null);
        self.edit(&rule, |spec| spec["priority"] = priority.into())
            .await?;
        let published = Published::until(self.server.client(), when, |now| {
            now.entry("rules", "search/chat")
                .is_some_and(|rule| rule["priority"] == priority)
        })
        .await?;
        let (began, generation) = (Instant::now(), published.generation());
        fairlead_e2e::say(&format!(
            "{when}: generation {generation}, format {}",
            published.index["format"]
        ));
        for gateway in &self.gateways {
            while enforces(gateway.address).await.unwrap_or_default() < generation {
                ensure!(
                    began.elapsed() < PATIENCE,
                    "{when}: {} does not enforce generation {generation}",
                    gateway.address
                );
                sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Edits an object, again should the operator have written its status in between.
    async fn edit(&self, object: &Value, change: impl Fn(&mut Value)) -> Result<()> {
        let began = Instant::now();
        loop {
            let mut now = self.server.client().get(object).await?.body;
            change(&mut now["spec"]);
            let answer = self.server.client().replace(&now, Write::Stored).await?;
            if answer.is_success() {
                return Ok(());
            }
            ensure!(
                answer.status == 409 && began.elapsed() < PATIENCE,
                "{}",
                answer.message()
            );
        }
    }

    fn free_address(&self) -> Result<IpAddr> {
        let taken: Vec<IpAddr> = self
            .gateways
            .iter()
            .map(|gateway| gateway.address)
            .collect();
        (2..10)
            .map(|last| IpAddr::V4(Ipv4Addr::new(10, 97, 0, last)))
            .find(|address| !taken.contains(address))
            .context("no address is free")
    }

    fn run(&mut self, version: Version, name: &str, arguments: &[&str]) -> Result<Running> {
        self.started += 1;
        let log = format!("{name}-{}.log", self.started);
        let log = self.folder.path().join(log);
        Running::start(version, name, arguments, self.server.kubeconfig(), log)
    }

    async fn tell_endpoints(&self) -> Result<()> {
        let ready = self.ready.lock().clone();
        let endpoint = |gateway: &Gateway| {
            let pod = gateway.address.to_string();
            json!({"addresses": [pod], "conditions": {"ready": ready.contains(&gateway.address)}})
        };
        let endpoints: Vec<Value> = self.gateways.iter().map(endpoint).collect();
        let slice = json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"namespace": NAMESPACE, "name": "gateways"}});
        let mut now = self.server.client().get(&slice).await?.body;
        now["endpoints"] = endpoints.into();
        let answer = self.server.client().replace(&now, Write::Stored).await?;
        ensure!(answer.is_success(), "{}", answer.message());
        Ok(())
    }
}

async fn create(server: &ApiServer, object: &Value) -> Result<()> {
    let answer = server.client().create(object, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

/// A kind is served a moment after its CRD was made.
async fn create_when_served(server: &ApiServer, object: &Value) -> Result<()> {
    let began = Instant::now();
    while let Err(error) = create(server, object).await {
        if began.elapsed() > PATIENCE {
            bail!("{error:#}");
        }
        sleep(PAUSE).await;
    }
    Ok(())
}

/// The generation that a gateway says it enforces.
async fn enforces(address: IpAddr) -> Result<u64> {
    let text = reqwest::get(format!("http://{address}:{ADMIN}/metrics"))
        .await?
        .text()
        .await?;
    let value = text
        .lines()
        .find_map(|line| line.strip_prefix("fairlead_config_generation "));
    Ok(value.context("no generation")?.parse()?)
}
