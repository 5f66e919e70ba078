//! A cluster that Argo CD syncs the example to: an API server, the operator with what the chart grants it, and a gateway.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_e2e::{
    ApiServer, ArgoCd, Caller, Completion, Connections, Gateway, NAMESPACE, Operator, Write,
    condition, free_port, in_repository, say,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Duration, Instant, sleep};

/// The Application of the resources.
pub(crate) const RESOURCES: &str = "fairlead-resources";
/// All of them, in the order of their waves, and their files.
const APPLICATIONS: [(&str, &str); 3] = [
    ("fairlead-crds", "1-definitions.yaml"),
    ("fairlead", "2-fairlead.yaml"),
    (RESOURCES, "3-resources.yaml"),
];
/// Where they are.
const EXAMPLE: &str = "examples/argocd";

pub(crate) struct World {
    pub(crate) argocd: ArgoCd,
    /// What the rule takes at present.
    pub(crate) model: String,
    server: ApiServer,
    operator: Option<Operator>,
    gateway: Option<Gateway>,
    folder: TempDir,
}

/// Whether an Application is Healthy, and that with this commit.
pub(crate) fn healthy_at(status: &Value, commit: &str) -> bool {
    status["sync"]["revision"] == commit
        && status["sync"]["status"] == "Synced"
        && status["health"]["status"] == "Healthy"
}

/// How one resource of an Application does.
pub(crate) fn resource_health(status: &Value, kind: &str, name: &str) -> Value {
    let all = status["resources"].as_array().into_iter().flatten();
    let found = all
        .into_iter()
        .find(|one| one["kind"] == kind && one["name"] == name);
    found.map_or(Value::Null, |one| one["health"].clone())
}

impl World {
    /// Applies the example as its README says.
    pub(crate) async fn start() -> Result<Self> {
        let server = ApiServer::start().await?;
        let argocd = ArgoCd::start(&server).await?;
        let apps = in_repository(EXAMPLE).join("apps");
        argocd.configure(&apps.join("argocd-cm.yaml")).await?;
        for (_, file) in APPLICATIONS {
            argocd.apply(&apps.join(file)).await?;
        }
        Ok(Self {
            argocd,
            model: "from-git".to_owned(),
            server,
            operator: None,
            gateway: None,
            folder: TempDir::with_prefix("fairlead-argocd-gateway-")?,
        })
    }

    /// Healthy is not said before it is so: not without an operator, and not without a gateway.
    pub(crate) async fn becomes_healthy_only_with_a_gateway(&mut self) -> Result<()> {
        say("the first sync");
        let began = Instant::now();
        for (name, _) in APPLICATIONS {
            self.argocd
                .until(name, "synced", |status| {
                    status["sync"]["status"] == "Synced"
                        && status["operationState"]["phase"] == "Succeeded"
                })
                .await?;
        }
        say(&format!("all are synced after {:?}", began.elapsed()));
        self.waits("Waiting for the operator").await?;
        let kubeconfig = self
            .server
            .kubeconfig_of(NAMESPACE, "fairlead-operator")
            .await?;
        let admin = free_port()?;
        let more = ["--gateway-admin-port", &admin.to_string()];
        let operator = Operator::start(&kubeconfig, "one", &more).await?;
        operator.ready().await?;
        self.operator = Some(operator);
        self.waits("NoReadyReplicas: no gateway is ready").await?;
        let kubeconfig = self
            .server
            .kubeconfig_of(NAMESPACE, "fairlead-gateway")
            .await?;
        let client = self.server.client();
        let gateway = Gateway::start(client, &kubeconfig, self.folder.path(), admin).await?;
        self.gateway = Some(gateway);
        for name in ["fairlead-crds", RESOURCES] {
            self.argocd
                .until(name, "healthy", |status| {
                    status["health"]["status"] == "Healthy"
                })
                .await?;
        }
        let answer = self.chat("from-git").await?;
        ensure!(answer.status == 200, "{answer:?}");
        Ok(())
    }

    async fn waits(&mut self, message: &str) -> Result<()> {
        let told = json!({"status": "Progressing", "message": message});
        let is = |status: &Value| {
            let health = resource_health(status, "LLMProvider", "from-git");
            status["health"]["status"] == "Progressing"
                && health["status"] == told["status"]
                && health["message"] == told["message"]
        };
        self.argocd.until(RESOURCES, message, is).await?;
        Ok(())
    }

    pub(crate) async fn create(&self, object: &Value) -> Result<()> {
        let answer = self.server.client().create(object, Write::Stored).await?;
        ensure!(answer.is_success(), "{}", answer.message());
        Ok(())
    }

    pub(crate) fn caller(&self, key: &str) -> Result<Caller> {
        let gateway = self.gateway.as_ref().context("there is no gateway yet")?;
        Caller::new(gateway.address(), key, Connections::Fresh)
    }

    /// Asks for a model with the key of the example, as it stands in its Secret now.
    pub(crate) async fn chat(&self, model: &str) -> Result<Completion> {
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": NAMESPACE, "name": "from-git-key"}});
        let secret = self.server.client().get(&secret).await?.body;
        let value = secret["data"]["apiKey"].as_str().context("no key")?;
        let value = String::from_utf8(STANDARD.decode(value)?)?;
        self.caller(&value)?.chat(model).await
    }

    /// The status of every Application.
    pub(crate) async fn statuses(&self) -> Result<Vec<(&'static str, Value)>> {
        let mut all = Vec::new();
        for (name, _) in APPLICATIONS {
            all.push((name, self.argocd.read(name).await?["status"].clone()));
        }
        Ok(all)
    }

    /// When each Application was synced last, and which syncs there were.
    pub(crate) async fn operations(&self) -> Result<Vec<(Value, Value)>> {
        let statuses = self.statuses().await?.into_iter();
        let of = |(_, status): (&str, Value)| {
            (
                status["operationState"]["startedAt"].clone(),
                status["history"].clone(),
            )
        };
        Ok(statuses.map(of).collect())
    }

    /// Asks for another value of the example's key, as docs/keys.md says.
    pub(crate) async fn rotate_the_key(&self) -> Result<()> {
        let key = object("VirtualKey");
        self.edit(&key, |key| {
            key["metadata"]["annotations"]["fairlead.dev/rotate"] = "in a quiet minute".into();
        })
        .await?;
        let began = Instant::now();
        loop {
            let now = self.server.client().get(&key).await?.body;
            if now["status"]["key"]["rotatedAt"].is_string() {
                return Ok(());
            }
            ensure!(
                began.elapsed() < fairlead_e2e::PATIENCE,
                "it has not rotated: {now}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) async fn edit_rule_in_cluster(&self, matches: &Value) -> Result<()> {
        self.edit(&object("RoutingRule"), |rule| {
            rule["spec"]["match"] = matches.clone();
        })
        .await
    }

    pub(crate) async fn condition_of_rule(&self, kind: &str) -> Result<Value> {
        condition(self.server.client(), &object("RoutingRule"), kind, "False").await
    }

    /// Edits an object, again should the operator have written its status in between.
    async fn edit(&self, object: &Value, change: impl Fn(&mut Value)) -> Result<()> {
        loop {
            let mut now = self.server.client().get(object).await?.body;
            change(&mut now);
            let answer = self.server.client().replace(&now, Write::Stored).await?;
            if answer.is_success() {
                return Ok(());
            }
            ensure!(answer.status == 409, "{}", answer.message());
        }
    }

    /// Replaces a text in a file of the example and tells Argo CD; the commit.
    pub(crate) async fn push(&self, file: &str, from: &str, to: &str) -> Result<String> {
        let file = format!("{EXAMPLE}/{file}");
        let commit = self.argocd.repository().edit(&file, from, to)?;
        self.argocd.refresh(RESOURCES).await?;
        Ok(commit)
    }

    /// Adds a file to the example and tells Argo CD; the commit.
    pub(crate) async fn add(&self, file: &str, text: &str) -> Result<String> {
        let commit = self
            .argocd
            .repository()
            .add(&format!("{EXAMPLE}/{file}"), text)?;
        self.argocd.refresh(RESOURCES).await?;
        Ok(commit)
    }

    pub(crate) async fn stop(self) -> Result<()> {
        match self.operator {
            Some(operator) => operator.stop().await,
            None => Ok(()),
        }
    }
}

fn object(kind: &str) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": NAMESPACE, "name": "from-git"}})
}
