//! An installation that a console shows: an API server with what the charts grant, an operator, two gateways, and two tenants. Whatever belongs to
//! the tenant `shop` has [`MARK`] in its name.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_e2e::{
    ApiServer, Caller, Connections, Gateway, Lent, NAMESPACE, Operator, PATIENCE, Program, Write,
    condition, free_port, grant, own_address,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::browser::Browser;

/// In the names of everything that a viewer of `search` must not see.
pub(crate) const MARK: &str = "zebra";
/// What tokens to sign in with are made for.
pub(crate) const AUDIENCE: &str = "fairlead-console";
/// Between two looks.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

const OBJECTS: &str = r#"
{kind: Organization, metadata: {namespace: fairlead-system, name: all}, spec: {namespaceSelector: {}}}
---
{kind: RoutingRule, metadata: {namespace: fairlead-system, name: platform}, spec: {scope: {type: Global}, match: {models: [anybody]},
  targets: [{name: one, providerRef: {namespace: shop, name: zebra-llm}, model: fast}]}}
---
{kind: LLMProvider, metadata: {namespace: search, name: sim}, spec: {type: Simulated, models: [{name: fast, price: {inputPerMillion: "1", outputPerMillion: "2"}}]}}
---
{kind: Team, metadata: {namespace: search, name: web}, spec: {organizationRef: {name: all}, budgets: [{name: month, amount: "10", period: Monthly}]}}
---
{kind: RoutingRule, metadata: {namespace: search, name: chat}, spec: {priority: 10, match: {models: [chat]}, targets: [{name: only, providerRef: {name: sim}, model: fast}]}}
---
{kind: VirtualKey, metadata: {namespace: search, name: app}, spec: {teamRef: {name: web}, key: {type: Generate, secretRef: {name: app}}, rateLimits: [{name: rpm, unit: Requests, limit: 1000, per: 1h}]}}
---
{kind: LLMProvider, metadata: {namespace: shop, name: zebra-llm}, spec: {type: Simulated, models: [{name: fast}],
  access: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: fairlead-system}}}}}}
---
{kind: LLMProvider, metadata: {namespace: shop, name: zebra-private}, spec: {type: Simulated, models: [{name: zebra-fast, price: {inputPerMillion: "1", outputPerMillion: "2"}}]}}
---
{kind: Team, metadata: {namespace: shop, name: zebra-team}, spec: {organizationRef: {name: all}, budgets: [{name: zebra-month, amount: "10", period: Monthly}]}}
---
{kind: RoutingRule, metadata: {namespace: shop, name: zebra-rule}, spec: {logging: {content: Full}, match: {models: [zebra-chat]}, targets: [{name: zebra-only, providerRef: {name: zebra-private}, model: zebra-fast}]}}
---
{kind: RoutingRule, metadata: {namespace: shop, name: zebra-broken}, spec: {match: {models: [zebra-2]}, targets: [{name: zebra-gone, providerRef: {name: zebra-missing}}]}}
---
{kind: LLMProvider, metadata: {namespace: shop, name: zebra-failing}, spec: {type: Simulated, models: [{name: zebra-fast}], simulated: {errorPercent: 100}}}
---
{kind: RoutingRule, metadata: {namespace: shop, name: zebra-failed}, spec: {match: {models: [zebra-3]}, targets: [{name: zebra-fails, providerRef: {name: zebra-failing}, model: zebra-fast}]}}
---
{kind: VirtualKey, metadata: {namespace: shop, name: zebra-key}, spec: {teamRef: {name: zebra-team}, key: {type: Generate, secretRef: {name: zebra-key}}}}
"#;

/// Those that are good, by which one sees that all are in force.
const GOOD: [(&str, &str, &str); 4] = [
    ("RoutingRule", "search", "chat"),
    ("VirtualKey", "search", "app"),
    ("RoutingRule", "shop", "zebra-rule"),
    ("VirtualKey", "shop", "zebra-key"),
];

pub(crate) struct World {
    pub(crate) server: ApiServer,
    operator: Operator,
    pub(crate) gateways: Vec<(String, Gateway)>,
    /// What both gateways count on.
    _store: Program,
    store_url: String,
    /// `None`: it is just being begun anew.
    console: Option<Program>,
    /// Where browsers connect.
    pub(crate) pages: SocketAddr,
    /// Where its probes and metrics are.
    probes: SocketAddr,
    admin_port: u16,
    lent: Vec<Lent>,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        let server = installed().await?;
        let folder = TempDir::with_prefix("fairlead-console-")?;
        let admin_port = free_port()?;
        let operator = server.kubeconfig_of(NAMESPACE, "fairlead-operator").await?;
        let port = admin_port.to_string();
        let operator = Operator::start(&operator, "one", &["--gateway-admin-port", &port]).await?;
        let store_port = free_port()?;
        let store = store(store_port, folder.path())?;
        let (pages, probes) = (free()?, free()?);
        let console = console(&server, folder.path(), admin_port, (pages, probes), "Off").await?;
        let mut world = Self {
            server,
            operator,
            gateways: Vec::new(),
            _store: store,
            store_url: format!("valkey://127.0.0.1:{store_port}"),
            console: Some(console),
            pages,
            probes,
            admin_port,
            lent: Vec::new(),
            folder,
        };
        world.add_gateway("gateway-1", own_address()?.ip()).await?;
        world.lend_and_add("gateway-2").await?;
        for (kind, namespace, name) in GOOD {
            let object = object(kind, namespace, name);
            condition(world.server.client(), &object, "Programmed", "True").await?;
        }
        world.accounts().await?;
        world.console_ready().await?;
        Ok(world)
    }

    /// One more gateway, at an address of its own.
    pub(crate) async fn lend_and_add(&mut self, name: &str) -> Result<()> {
        let lent = Lent::one()?;
        let ip = lent.ip();
        self.lent.push(lent);
        self.add_gateway(name, ip).await
    }

    async fn add_gateway(&mut self, name: &str, ip: IpAddr) -> Result<()> {
        let folder = self.folder.path().join(name);
        std::fs::create_dir_all(&folder)?;
        let account = self
            .server
            .kubeconfig_of(NAMESPACE, "fairlead-gateway")
            .await?;
        let place = (name, ip);
        let client = self.server.client();
        let more = ["--store", &self.store_url, "--log-content", "Full"];
        let gateway =
            Gateway::start_as(client, &account, &folder, place, self.admin_port, &more).await?;
        self.gateways.push((name.to_owned(), gateway));
        Ok(())
    }

    /// Ends the console and begins it anew: nobody is signed in any more. `apply`: whether rules may be written.
    pub(crate) async fn restart_console(&mut self, apply: &str) -> Result<()> {
        let places = (self.pages, self.probes);
        // The old one has to let go of its ports first.
        self.console = None;
        let folder = self.folder.path();
        let fresh = console(&self.server, folder, self.admin_port, places, apply).await?;
        self.console = Some(fresh);
        self.console_ready().await
    }

    async fn console_ready(&mut self) -> Result<()> {
        let url = format!("http://{}/readyz", self.probes);
        let began = Instant::now();
        while !reqwest::get(&url)
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            let console = self.console.as_mut().context("no console")?;
            console.must_run()?;
            ensure!(
                began.elapsed() < PATIENCE,
                "the console is not ready; its log ends with:\n{}",
                console.log_end()
            );
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// A metric of the console, by its name without `fairlead_console_`.
    pub(crate) async fn metric(&self, name: &str) -> Result<f64> {
        let url = format!("http://{}/metrics", self.probes);
        let text = reqwest::get(url).await?.text().await?;
        let name = format!("fairlead_console_{name} ");
        let value = text.lines().find_map(|line| line.strip_prefix(&name));
        Ok(value
            .with_context(|| format!("no {name}: {text}"))?
            .parse()?)
    }

    /// What it has logged.
    pub(crate) fn console_log(&self) -> Result<String> {
        Ok(std::fs::read_to_string(
            self.folder.path().join("fairlead-gateway.log"),
        )?)
    }

    pub(crate) fn browser(&self) -> Result<Browser> {
        Browser::at(self.pages)
    }

    /// A token to sign in with.
    pub(crate) async fn token(&self, namespace: &str, account: &str) -> Result<String> {
        self.server
            .client()
            .token_for(namespace, account, &[AUDIENCE])
            .await
    }

    /// Somebody who has signed in.
    pub(crate) async fn viewer(&self, namespace: &str, account: &str) -> Result<Browser> {
        let token = self.token(namespace, account).await?;
        self.browser()?.signed_in(&token).await
    }

    /// Who looks: a lead of `search`, an auditor of all and one of `search`, one who may see requests and not what they cost, and one who may see nothing.
    async fn accounts(&self) -> Result<()> {
        for (namespace, name) in [
            ("search", "lead"),
            (NAMESPACE, "auditor"),
            ("search", "reader"),
            ("search", "half"),
            ("search", "nobody"),
        ] {
            let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": namespace, "name": name}});
            create(&self.server, &account).await?;
        }
        create(&self.server, &binding()).await?;
        let rbac = "rbac.authorization.k8s.io";
        let rules = json!([{"apiGroups": ["fairlead.dev"], "resources": ["virtualkeys/requests"], "verbs": ["get"]}]);
        let metadata = json!({"namespace": "search", "name": "half"});
        for object in [
            json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": metadata, "rules": rules}),
            json!({
                "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": metadata,
                "roleRef": {"apiGroup": rbac, "kind": "Role", "name": "half"},
                "subjects": [{"kind": "ServiceAccount", "namespace": "search", "name": "half"}],
            }),
            json!({
                "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"namespace": "search", "name": "reader"},
                "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "fairlead-console-auditor"},
                "subjects": [{"kind": "ServiceAccount", "namespace": "search", "name": "reader"}],
            }),
            json!({
                "apiVersion": format!("{rbac}/v1"), "kind": "ClusterRoleBinding", "metadata": {"name": "auditor"},
                "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "fairlead-console-auditor"},
                "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": "auditor"}],
            }),
        ] {
            create(&self.server, &object).await?;
        }
        Ok(())
    }

    /// The value of a key, as it stands in the Secret of its name.
    pub(crate) async fn value(&self, namespace: &str, key: &str) -> Result<String> {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": key}});
        let secret = self.server.client().get(&secret).await?.body;
        let value = secret["data"]["apiKey"].as_str().context("no apiKey")?;
        Ok(String::from_utf8(STANDARD.decode(value)?)?)
    }

    /// So many requests of a key to each gateway.
    pub(crate) async fn call(&self, key: &str, model: &str, count: usize) -> Result<()> {
        for (name, gateway) in &self.gateways {
            let caller = Caller::new(gateway.address(), key, Connections::Fresh)?;
            for _ in 0..count {
                let answer = caller.chat(model).await?;
                ensure!(answer.status == 200, "{name}: {answer:?}");
            }
        }
        Ok(())
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.operator.stop().await
    }
}

/// What makes the lead of `search` one.
pub(crate) fn binding() -> Value {
    let rbac = "rbac.authorization.k8s.io";
    json!({
        "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": {"namespace": "search", "name": "lead"},
        "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": "fairlead-console-lead"},
        "subjects": [{"kind": "ServiceAccount", "namespace": "search", "name": "lead"}],
    })
}

/// An API server with the charts' rights and everybody's objects.
async fn installed() -> Result<ApiServer> {
    let server = ApiServer::start().await?;
    for name in [NAMESPACE, "search", "shop"] {
        let metadata = json!({"name": name, "labels": {"kubernetes.io/metadata.name": name}});
        create(
            &server,
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}),
        )
        .await?;
    }
    let client = server.client();
    grant(client, "fairlead-crds", "fairlead-crds", NAMESPACE, &[]).await?;
    grant(
        client,
        "fairlead",
        "fairlead",
        NAMESPACE,
        &["console.enabled=true"],
    )
    .await?;
    for mut object in serde_saphyr::from_multiple::<Value>(OBJECTS)? {
        object["apiVersion"] = "fairlead.dev/v1alpha1".into();
        create(&server, &object).await?;
    }
    Ok(server)
}

/// What both gateways count on.
fn store(port: u16, folder: &Path) -> Result<Program> {
    let store = [
        "--port",
        &port.to_string(),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--maxmemory-policy",
        "noeviction",
    ];
    Program::installed(
        "redis-server",
        "redis-server",
        &store.map(str::to_owned),
        folder,
    )
}

pub(crate) fn object(kind: &str, namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": namespace, "name": name}})
}

fn free() -> Result<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)))
}

async fn account(server: &ApiServer) -> Result<PathBuf> {
    server.kubeconfig_of(NAMESPACE, "fairlead-console").await
}

async fn console(
    server: &ApiServer,
    folder: &Path,
    admin_port: u16,
    (pages, probes): (SocketAddr, SocketAddr),
    apply: &str,
) -> Result<Program> {
    let account = account(server).await?;
    #[rustfmt::skip]
    let arguments = [
        "console", "--gateway-namespace", NAMESPACE, "--gateway-admin-port", &admin_port.to_string(), "--listen", &pages.to_string(),
        "--admin", &probes.to_string(), "--callers-at", "http://fairlead-gateway.fairlead-system.svc", "--trusted-proxies", "127.0.0.0/8",
        "--apply", apply,
    ]
    .map(str::to_owned);
    Program::start("fairlead-gateway", &arguments, &account, folder)
}

/// Again while the definitions are not served yet.
pub(crate) async fn create(server: &ApiServer, object: &Value) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = server.client().create(object, Write::Stored).await?;
        if answer.is_success() {
            return Ok(());
        }
        let again = answer.status == 404 && began.elapsed() < PATIENCE;
        ensure!(
            again,
            "{}: {}",
            object["metadata"]["name"],
            answer.message()
        );
        sleep(PAUSE).await;
    }
}
