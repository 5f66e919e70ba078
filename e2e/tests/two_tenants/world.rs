//! An API server, an operator and a gateway, each a process of its own, and what the tenant that is attacked has in it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_e2e::{
    ApiServer, Caller, Client, Completion, Connections, NAMESPACE, PATIENCE, Program, Write, grant,
    own_address,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use super::tricks;

/// The programs, and how to speak to them.
pub(crate) struct World {
    pub(crate) operator: Program,
    /// What the chart gives the operator, in MiB.
    pub(crate) memory_limit: f64,
    gateway: Program,
    caller: Caller,
    server: ApiServer,
    _folder: TempDir,
}

/// The values of the keys of the tenant that is attacked.
pub(crate) struct Keys {
    /// The one whose value has leaked.
    pub(crate) caller: String,
    /// The one that the operator has made.
    pub(crate) made: String,
    /// The one that is suspended with every other edit.
    pub(crate) guest: String,
}

impl World {
    /// Installs what the charts grant, and starts an operator and a gateway with it.
    pub(crate) async fn start() -> Result<Self> {
        let server = ApiServer::start().await?;
        let client = server.client();
        for name in [NAMESPACE, "victim", "hostile"] {
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            create(client, &namespace).await?;
        }
        grant(client, "fairlead-crds", "fairlead-crds", NAMESPACE, &[]).await?;
        grant(client, "fairlead", "fairlead", NAMESPACE, &[]).await?;
        let folder = TempDir::with_prefix("fairlead-e2e-")?;
        let [listen, operator_admin, gateway_admin] = free_addresses(own_address()?)?;
        create(client, &endpoints(gateway_admin)).await?;
        let operator = operator(&server, folder.path(), operator_admin, gateway_admin).await?;
        let gateway = gateway(&server, folder.path(), listen, gateway_admin).await?;
        Ok(Self {
            operator,
            memory_limit: memory_limit()?,
            gateway,
            caller: Caller::new(listen, "", Connections::Kept)?,
            server,
            _folder: folder,
        })
    }

    pub(crate) fn client(&self) -> &Client {
        self.server.client()
    }

    /// An error if one of the programs has ended.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        self.operator.must_run()?;
        self.gateway.must_run()
    }

    /// Makes what the tenant has, and waits until the gateway serves it.
    pub(crate) async fn settle_in(&mut self) -> Result<Keys> {
        let client = self.client();
        let guest = "guest-of-the-victim-0123456789abcdef";
        let upstream = json!({"type": "OpenAI", "credentials": [{"name": "a", "secretRef": {"name": "upstream"}}]});
        let key = |kind: &str, secret: &str| json!({"key": {"type": kind, "secretRef": {"name": secret}}});
        for object in [
            secret("upstream", "credential", "upstream-of-the-victim"),
            secret("caller", "virtual-key", tricks::VALUE),
            secret("guest", "virtual-key", guest),
            object("victim", "LLMProvider", "own", &upstream),
            object(
                "victim",
                "LLMProvider",
                "sim",
                &json!({"type": "Simulated"}),
            ),
            object(
                "victim",
                "VirtualKey",
                "caller",
                &key("SecretRef", "caller"),
            ),
            object("victim", "VirtualKey", "made", &key("Generate", "made-key")),
            guest_key(0),
            rule(0),
        ] {
            create(client, &object).await?;
        }
        let made = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "victim", "name": "made-key"}});
        let began = Instant::now();
        let made = loop {
            let secret = client.get(&made).await?.body;
            if let Some(value) = secret["data"]["apiKey"].as_str() {
                break String::from_utf8(STANDARD.decode(value)?)?;
            }
            ensure!(began.elapsed() < PATIENCE, "{}", self.operator.log_end());
            sleep(Duration::from_millis(50)).await;
        };
        let keys = Keys {
            caller: tricks::VALUE.to_owned(),
            made,
            guest: guest.to_owned(),
        };
        let began = Instant::now();
        // The gateway does not listen before there is something to serve.
        while !matches!(self.ask(&keys.made, "chat").await, Ok(answer) if answer.status == 200) {
            ensure!(
                began.elapsed() < PATIENCE,
                "nothing is served: {}\n{}",
                self.operator.log_end(),
                self.gateway.log_end()
            );
            sleep(Duration::from_millis(50)).await;
        }
        Ok(keys)
    }

    /// Asks the gateway.
    pub(crate) async fn ask(&self, key: &str, model: &str) -> Result<Completion> {
        self.caller.with_key(key).chat(model).await
    }

    /// Edits a rule, and suspends a key or lets it be used again. How long it takes until the gateway answers so.
    pub(crate) async fn edit_and_ask(&self, keys: &Keys, edit: u32) -> Result<Duration> {
        let (rule, guest) = (rule(edit), guest_key(edit));
        let began = Instant::now();
        for object in [&rule, &guest] {
            self.replace_spec(object).await?;
        }
        let model = rule["spec"]["targets"][0]["model"].as_str();
        let guests = if guest["spec"]["suspended"] == true {
            401
        } else {
            200
        };
        loop {
            let answer = self.ask(&keys.caller, "chat").await?;
            ensure!(answer.status == 200, "the victim is refused: {answer:?}");
            let guest = self.ask(&keys.guest, "chat").await?.status;
            if answer.model.as_deref() == model && guest == guests {
                return Ok(began.elapsed());
            }
            ensure!(
                began.elapsed() < PATIENCE,
                "edit {edit} is not enforced: {answer:?}, {guest}\n{}\n{}",
                self.operator.log_end(),
                self.gateway.log_end()
            );
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Again where the operator has written the status in between.
    async fn replace_spec(&self, object: &Value) -> Result<()> {
        loop {
            let mut now = self.client().get(object).await?.body;
            now["spec"] = object["spec"].clone();
            let answer = self.client().replace(&now, Write::Stored).await?;
            if answer.status != 409 {
                ensure!(answer.is_success(), "{}", answer.message());
                return Ok(());
            }
        }
    }

    /// How many ConfigMaps there are.
    pub(crate) async fn shards(&self) -> Result<usize> {
        let maps = self.client().list("v1", "configmaps", NAMESPACE).await?;
        Ok(maps.len())
    }
}

async fn operator(
    server: &ApiServer,
    folder: &Path,
    admin: SocketAddr,
    gateway_admin: SocketAddr,
) -> Result<Program> {
    let account = server.kubeconfig_of(NAMESPACE, "fairlead-operator").await?;
    let arguments = [
        format!("--namespace={NAMESPACE}"),
        "--identity=one".to_owned(),
        "--lease-seconds=3".to_owned(),
        format!("--admin={admin}"),
        format!("--gateway-admin-port={}", gateway_admin.port()),
    ];
    Program::start("fairlead-operator", &arguments, &account, folder)
}

async fn gateway(
    server: &ApiServer,
    folder: &Path,
    listen: SocketAddr,
    admin: SocketAddr,
) -> Result<Program> {
    let account = server.kubeconfig_of(NAMESPACE, "fairlead-gateway").await?;
    let arguments = [
        "serve".to_owned(),
        "--kubernetes".to_owned(),
        format!("--gateway-namespace={NAMESPACE}"),
        format!("--listen={listen}"),
        format!("--admin={admin}"),
        "--access-log=off".to_owned(),
    ];
    Program::start("fairlead-gateway", &arguments, &account, folder)
}

/// Held together while they are looked for, so that they differ.
fn free_addresses(of: SocketAddr) -> Result<[SocketAddr; 3]> {
    let listen = || TcpListener::bind((of.ip(), 0)).context("no free port");
    let held = [listen()?, listen()?, listen()?];
    let [listen, operator, gateway] = held.each_ref().map(TcpListener::local_addr);
    Ok([listen?, operator?, gateway?])
}

/// What a controller would say of the gateway's Service.
fn endpoints(admin: SocketAddr) -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"namespace": NAMESPACE, "name": "gateway-1", "labels": {"kubernetes.io/service-name": "fairlead-gateway"}},
        "endpoints": [{"addresses": [admin.ip()], "conditions": {"ready": true}}],
    })
}

fn memory_limit() -> Result<f64> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/fairlead/values.yaml");
    let values: Value = serde_saphyr::from_str(&fs::read_to_string(path)?)?;
    let limit = values["operator"]["resources"]["limits"]["memory"].as_str();
    let mebibytes = limit.and_then(|limit| limit.strip_suffix("Mi"));
    Ok(mebibytes.context("no limit in Mi")?.parse()?)
}

/// The rule that is edited: its model names the edit.
pub(crate) fn rule(edit: u32) -> Value {
    let target =
        json!({"name": "a", "providerRef": {"name": "sim"}, "model": format!("edit-{edit}")});
    object(
        "victim",
        "RoutingRule",
        "chat",
        &json!({"match": {"models": ["chat"]}, "targets": [target]}),
    )
}

fn guest_key(edit: u32) -> Value {
    let spec = json!({"key": {"type": "SecretRef", "secretRef": {"name": "guest"}}, "suspended": edit % 2 == 1});
    object("victim", "VirtualKey", "guest", &spec)
}

fn secret(name: &str, label: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "victim", "name": name, "labels": {"fairlead.dev/secret": label}}, "stringData": {"apiKey": value}})
}

pub(crate) fn object(namespace: &str, kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec})
}

async fn create(client: &Client, object: &Value) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = client.create(object, Write::Stored).await?;
        if answer.is_success() {
            return Ok(());
        }
        // Definitions are not served at once.
        let retry = answer.status == 404 && began.elapsed() < PATIENCE;
        ensure!(
            retry,
            "{}: {}",
            object["metadata"]["name"],
            answer.message()
        );
        sleep(Duration::from_millis(100)).await;
    }
}
