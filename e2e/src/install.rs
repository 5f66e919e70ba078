//! Fairlead, installed as users do it: by its charts, from images of the built programs. And the people who use it, each with no more
//! rights than the charts give them.

use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

use crate::client::Client;
use crate::cluster::Cluster;
use crate::helm::Release;
use crate::image::Image;
use crate::kubectl::Kubectl;
use crate::pods::Pod;
use crate::{say, tools};

/// Where the release is.
pub const NAMESPACE: &str = "fairlead-system";
/// For what takes a pod or two.
const SOON: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(50);
/// A member of the platform team: the cluster's role `admin` in the release's namespace.
const PLATFORM: &str = "platform";
/// A member of some other team: the cluster's role `edit` in one namespace.
const TENANT: &str = "tenant";
/// Images that the node has, and pods small enough for four gateways on two cores. All else as the chart has it.
const VALUES: [&str; 7] = [
    "operator.image.repository=fairlead-operator",
    "operator.image.tag=e2e",
    "operator.image.pullPolicy=Never",
    "gateway.image.repository=fairlead-gateway",
    "gateway.image.tag=e2e",
    "gateway.image.pullPolicy=Never",
    "gateway.resources.requests.cpu=50m",
];

/// The installation that all tests of a process share, one after the other.
static SHARED: Mutex<Option<Installation>> = Mutex::const_new(None);

/// Fairlead in a cluster: two operators and two gateways, ready.
#[derive(Debug, Clone)]
pub struct Installation {
    /// The cluster, for what only its administrator can do.
    pub cluster: Cluster,
    /// From the first helm command to the last pod ready.
    pub installed_in: Duration,
}

/// An installation that nobody else uses meanwhile.
#[derive(Debug)]
pub struct Turn {
    installation: Installation,
    _guard: MutexGuard<'static, Option<Installation>>,
}

impl std::ops::Deref for Turn {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.installation
    }
}

impl Installation {
    /// Waits for a turn; the first one installs.
    ///
    /// # Errors
    /// When there is no cluster, a program is not built, or a pod does not become ready.
    pub async fn take() -> Result<Turn> {
        let mut guard = SHARED.lock().await;
        let installation = match &*guard {
            Some(installation) => installation.clone(),
            None => guard.insert(Self::install().await?).clone(),
        };
        Ok(Turn {
            installation,
            _guard: guard,
        })
    }

    async fn install() -> Result<Self> {
        let cluster = Cluster::connect()?;
        for name in ["fairlead-operator", "fairlead-gateway"] {
            cluster.load(&Image::built(name)?).await?;
        }
        let upstream = Image::built("fairlead-e2e-upstream")?;
        cluster
            .load(&upstream.named("fairlead-upstream:e2e"))
            .await?;
        let began = Instant::now();
        let mut installation = Self {
            cluster,
            installed_in: Duration::ZERO,
        };
        let definitions = Release {
            name: "fairlead-crds",
            namespace: NAMESPACE,
            chart: &tools::workspace().join("charts/fairlead-crds"),
            values: &[],
        };
        installation.cluster.helm().install(&definitions).await?;
        installation.release("fairlead", NAMESPACE, &[]).await?;
        installation.installed_in = began.elapsed();
        installation.bind(NAMESPACE, "admin", PLATFORM).await?;
        say(&format!(
            "installed in {:.1} s",
            installation.installed_in.as_secs_f64()
        ));
        Ok(installation)
    }

    /// Installs or upgrades a release of the product, with further values, and waits until its pods are ready.
    ///
    /// # Errors
    /// With helm's complaint.
    pub async fn release(&self, name: &str, namespace: &str, values: &[&str]) -> Result<()> {
        let release = Release {
            name,
            namespace,
            chart: &tools::workspace().join("charts/fairlead"),
            values: &[&VALUES, values].concat(),
        };
        self.cluster.helm().install(&release).await?;
        Ok(())
    }

    /// kubectl as a member of the platform team, in the release's namespace.
    #[must_use]
    pub fn platform(&self) -> Kubectl {
        self.cluster.kubectl().within(NAMESPACE).acting_as(PLATFORM)
    }

    /// The same person without kubectl, for what is asked thousands of times.
    ///
    /// # Errors
    /// When the kubeconfig cannot be understood, or has no token.
    pub async fn platform_client(&self) -> Result<Client> {
        let view = [
            "config",
            "view",
            "--raw",
            "--flatten",
            "--minify",
            "-o",
            "json",
        ];
        let config = self.cluster.kubectl().run(&view).await?;
        let client = Client::of_config(&serde_json::from_str(&config)?)?;
        Ok(client.acting_as(PLATFORM))
    }

    /// kubectl as somebody who may edit in this namespace and nowhere else.
    ///
    /// # Errors
    /// When the role cannot be bound.
    pub async fn tenant(&self, namespace: &str) -> Result<Kubectl> {
        self.bind(namespace, "edit", TENANT).await?;
        Ok(self.cluster.kubectl().within(namespace).acting_as(TENANT))
    }

    /// Runs scripted providers under these names in the release's namespace.
    ///
    /// # Errors
    /// When one does not come up.
    pub async fn upstreams(&self, names: &[&str]) -> Result<()> {
        let platform = self.platform();
        for name in names {
            platform.apply(&upstream(name)).await?;
        }
        for name in names {
            let deployment = format!("deployment/{name}");
            platform.rolled_out(&deployment, SOON).await?;
        }
        Ok(())
    }

    /// The gateways that run and are not about to end.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn gateways(&self) -> Result<Vec<Pod>> {
        self.pods("gateway").await
    }

    /// The operators that run and are not about to end.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn operators(&self) -> Result<Vec<Pod>> {
        self.pods("operator").await
    }

    /// Waits until there are exactly so many gateways, and none that is still ending.
    ///
    /// # Errors
    /// When it takes over two minutes.
    pub async fn settled(&self, component: &str, count: usize) -> Result<()> {
        let platform = self.platform();
        let began = Instant::now();
        loop {
            let all = platform.list("pods", &selector(component)).await?;
            if all.len() == count && self.pods(component).await?.len() == count {
                return Ok(());
            }
            anyhow::ensure!(
                began.elapsed() < SOON,
                "there are {} pods of the {component} instead of {count} after {SOON:?}",
                all.len()
            );
            sleep(PAUSE).await;
        }
    }

    /// The value of a Secret, as its readers have it.
    ///
    /// # Errors
    /// When there is none, or it is not text.
    pub async fn secret(&self, kubectl: &Kubectl, name: &str, key: &str) -> Result<String> {
        let secret = kubectl.get(&format!("secret/{name}")).await?;
        let data =
            secret.with_context(|| format!("there is no Secret {name}"))?["data"][key].take();
        let bytes = STANDARD.decode(data.as_str().unwrap_or_default())?;
        Ok(String::from_utf8(bytes)?)
    }

    /// What a gateway says on its admin port under this path.
    ///
    /// # Errors
    /// When it does not answer, or refuses.
    pub async fn admin(&self, gateway: &Pod, path: &str) -> Result<String> {
        let token = self
            .secret(&self.platform(), "fairlead-default-admin", "token")
            .await?;
        let http = reqwest::Client::builder().no_proxy().build()?;
        let url = format!("http://{}:9090{path}", gateway.address);
        let answer = http.get(url).bearer_auth(token).send().await?;
        Ok(answer.error_for_status()?.text().await?)
    }

    /// The operator that leads.
    ///
    /// # Errors
    /// When the Lease cannot be read.
    pub async fn leader(&self) -> Result<String> {
        let lease = self
            .cluster
            .kubectl()
            .within(NAMESPACE)
            .get("lease/fairlead-default-operator")
            .await?
            .unwrap_or(Value::Null);
        let holder = lease["spec"]["holderIdentity"].as_str();
        Ok(holder.unwrap_or_default().to_owned())
    }

    async fn pods(&self, component: &str) -> Result<Vec<Pod>> {
        self.cluster.pods(NAMESPACE, &selector(component)).await
    }

    async fn bind(&self, namespace: &str, role: &str, user: &str) -> Result<()> {
        let binding = format!(
            "{{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {{name: {user}}}, \
             roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {role}}}, \
             subjects: [{{apiGroup: rbac.authorization.k8s.io, kind: User, name: {user}}}]}}"
        );
        let kubectl = self.cluster.kubectl().within(namespace);
        kubectl.apply(&binding).await?;
        Ok(())
    }
}

fn selector(component: &str) -> String {
    format!("app.kubernetes.io/instance=fairlead,app.kubernetes.io/component={component}")
}

fn upstream(name: &str) -> String {
    format!(
        "\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{upstream: {name}}}}}
  template:
    metadata: {{labels: {{upstream: {name}}}}}
    spec:
      terminationGracePeriodSeconds: 1
      containers:
      - name: upstream
        image: fairlead-upstream:e2e
        imagePullPolicy: Never
        args: [--name, {name}]
        ports: [{{name: http, containerPort: 8080}}]
        readinessProbe: {{httpGet: {{path: /v1/models, port: http}}, periodSeconds: 1}}
---
apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec:
  selector: {{upstream: {name}}}
  ports: [{{port: 80, targetPort: http}}]
"
    )
}
