//! An installation that the plugin is asked about: an API server, an operator, a gateway, and a tenant with a key.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_e2e::{
    ApiServer, Caller, Connections, Gateway, NAMESPACE, Operator, PATIENCE, Write, condition,
    free_port,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::PAUSE;

pub(crate) struct World {
    pub(crate) server: ApiServer,
    operator: Operator,
    gateway: Gateway,
    folder: TempDir,
}

/// An object of the tenant, by its name.
pub(crate) fn object(kind: &str, name: &str) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": "search", "name": name}})
}

fn objects() -> Vec<Value> {
    let with = |kind: &str, name: &str, spec: Value| {
        let mut object = object(kind, name);
        object["spec"] = spec;
        object
    };
    let rate = json!({"name": "rpm", "unit": "Requests", "limit": 1000, "per": "1h"});
    let key =
        json!({"key": {"type": "Generate", "secretRef": {"name": "app"}}, "rateLimits": [rate]});
    let targets = json!([{"name": "only", "providerRef": {"name": "sim"}, "model": "fast"}]);
    let mut organization = with("Organization", "all", json!({"namespaceSelector": {}}));
    organization["metadata"]["namespace"] = NAMESPACE.into();
    vec![
        with(
            "LLMProvider",
            "sim",
            json!({"type": "Simulated", "models": [{"name": "fast"}]}),
        ),
        with(
            "RoutingRule",
            "chat",
            json!({"match": {"models": ["chat"]}, "targets": targets}),
        ),
        with("VirtualKey", "app", key),
        organization,
    ]
}

impl World {
    pub(crate) async fn start() -> Result<Self> {
        let server = ApiServer::start().await?;
        for name in [NAMESPACE, "search"] {
            let namespace =
                json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
            create(&server, &namespace).await?;
        }
        for crd in fairlead_crds::all() {
            create(&server, &serde_json::to_value(&crd)?).await?;
        }
        for object in objects() {
            create(&server, &object).await?;
        }
        let folder = TempDir::with_prefix("fairlead-kubectl-")?;
        let admin = free_port()?;
        let more = ["--gateway-admin-port", &admin.to_string()];
        let operator = Operator::start(server.kubeconfig(), "one", &more).await?;
        let gateway =
            Gateway::start(server.client(), server.kubeconfig(), folder.path(), admin).await?;
        for (kind, name) in [
            ("LLMProvider", "sim"),
            ("RoutingRule", "chat"),
            ("VirtualKey", "app"),
        ] {
            condition(server.client(), &object(kind, name), "Programmed", "True").await?;
        }
        let mut organization = object("Organization", "all");
        organization["metadata"]["namespace"] = NAMESPACE.into();
        condition(server.client(), &organization, "Programmed", "True").await?;
        let world = Self {
            server,
            operator,
            gateway,
            folder,
        };
        let secret = world
            .secret(NAMESPACE, "fairlead-default-admin", "token")
            .await?;
        fs::write(world.token_file(), secret)?;
        Ok(world)
    }

    fn token_file(&self) -> PathBuf {
        self.folder.path().join("admin-token")
    }

    /// Where the gateway logs.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("fairlead-gateway.log")
    }

    /// What the plugin prints of the gateway by its address, as the administrator; whether its exit code is 0.
    pub(crate) async fn tell(&self, words: &[&str]) -> Result<(bool, String)> {
        let (admin, token) = (self.gateway.admin().to_string(), self.token_file());
        let mut all = words.to_vec();
        let asks_gateways = ["status", "top", "health", "usage"].contains(&words[0]);
        if asks_gateways {
            let token = token.to_str().context("not text")?;
            all.extend(["--gateway", &admin, "--admin-token-file", token]);
        }
        run(self.server.kubeconfig(), &all).await
    }

    /// The same as data.
    pub(crate) async fn tell_data(&self, words: &[&str]) -> Result<(bool, Value)> {
        let (good, text) = self.tell(&[words, &["-o", "json"]].concat()).await?;
        Ok((good, serde_json::from_str(&text)?))
    }

    /// What it prints of the cluster to somebody else.
    pub(crate) async fn tell_as(
        &self,
        kubeconfig: &Path,
        words: &[&str],
    ) -> Result<(bool, String)> {
        run(kubeconfig, words).await
    }

    /// Somebody with these rights in the tenant's namespace; the kubeconfig.
    pub(crate) async fn account(&self, name: &str, rules: &Value) -> Result<PathBuf> {
        let metadata = json!({"namespace": "search", "name": name});
        let rbac = "rbac.authorization.k8s.io";
        for object in [
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
            json!({"apiVersion": format!("{rbac}/v1"), "kind": "Role", "metadata": metadata, "rules": rules}),
            json!({
                "apiVersion": format!("{rbac}/v1"), "kind": "RoleBinding", "metadata": metadata,
                "roleRef": {"apiGroup": rbac, "kind": "Role", "name": name},
                "subjects": [{"kind": "ServiceAccount", "namespace": "search", "name": name}],
            }),
        ] {
            create(&self.server, &object).await?;
        }
        self.server.kubeconfig_of("search", name).await
    }

    pub(crate) async fn edit(&self, object: &Value, change: impl Fn(&mut Value)) -> Result<()> {
        loop {
            let mut now = self.server.client().get(object).await?.body;
            change(&mut now["spec"]);
            let answer = self.server.client().replace(&now, Write::Stored).await?;
            if answer.is_success() {
                return Ok(());
            }
            // The operator writes statuses meanwhile.
            ensure!(answer.status == 409, "{}", answer.message());
        }
    }

    /// The value of a key, as it stands in the Secret of its name.
    pub(crate) async fn value(&self, key: &str) -> Result<String> {
        self.secret("search", key, "apiKey").await
    }

    async fn secret(&self, namespace: &str, name: &str, key: &str) -> Result<String> {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": name}});
        let secret = self.server.client().get(&secret).await?.body;
        let value = secret["data"][key]
            .as_str()
            .with_context(|| format!("no {key} in {name}"))?;
        Ok(String::from_utf8(STANDARD.decode(value)?)?)
    }

    pub(crate) fn caller(&self, value: &str) -> Result<Caller> {
        Caller::new(self.gateway.address(), value, Connections::Fresh)
    }

    /// Waits until the gateway answers this key so.
    pub(crate) async fn answers(&self, value: &str, status: u16) -> Result<()> {
        let caller = self.caller(value)?;
        let began = Instant::now();
        loop {
            let answer = caller.chat("chat").await?;
            if answer.status == status {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "not {status}: {answer:?}");
            sleep(PAUSE).await;
        }
    }

    pub(crate) async fn stop(self) -> Result<()> {
        self.operator.stop().await
    }
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

/// Runs the plugin in this process.
async fn run(kubeconfig: &Path, words: &[&str]) -> Result<(bool, String)> {
    let kubeconfig = kubeconfig.to_str().context("not text")?;
    let place = ["kubectl-fairlead", "--kubeconfig", kubeconfig];
    let args = fairlead_plugin::parse(place.iter().chain(words))?;
    let mut out = Vec::new();
    let good = fairlead_plugin::run(args, &mut out).await?;
    Ok((good, String::from_utf8(out)?))
}
