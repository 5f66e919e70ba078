//! The cluster that tests run on, as the environment tells it: a kubeconfig, and a way to load an image.
//!
//! Tests reach pods and Services by their addresses, so they run on a node or where its addresses are routed to, as on the machine
//! around [`Node`](crate::Node).

use std::env;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use futures_util::FutureExt as _;
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::helm::Helm;
use crate::image::Image;
use crate::kubectl::Kubectl;
use crate::node::STOP_API_SERVER;
use crate::pods::Pod;
use crate::{command, dump, say};

/// How long a new Service may take to be routed to, or the API server to come and go.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(100);
/// For one attempt to connect.
const CONNECT: Duration = Duration::from_secs(1);

/// What the environment says about the cluster.
#[derive(Debug, Clone)]
pub struct Cluster {
    kubectl: Kubectl,
    helm: Helm,
    /// The words of a command that takes an archive's path as its last.
    load: Option<String>,
    control: Option<PathBuf>,
}

impl Cluster {
    /// From `KUBECONFIG`, `FAIRLEAD_E2E_LOAD` and `FAIRLEAD_E2E_CONTROL`.
    ///
    /// # Errors
    /// When there is no kubeconfig.
    pub fn connect() -> Result<Self> {
        let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let kubeconfig: OsString = set("KUBECONFIG").context(
            "KUBECONFIG is not set; run `make e2e`, or `fairlead-e2e-node -- COMMAND` for a cluster of your own",
        )?;
        Ok(Self {
            kubectl: Kubectl::new("kubectl", &kubeconfig),
            helm: Helm::new(kubeconfig),
            load: set("FAIRLEAD_E2E_LOAD").and_then(|words| words.into_string().ok()),
            control: set("FAIRLEAD_E2E_CONTROL").map(PathBuf::from),
        })
    }

    /// As the kubeconfig's user, in no particular namespace.
    #[must_use]
    pub fn kubectl(&self) -> &Kubectl {
        &self.kubectl
    }

    /// As the kubeconfig's user.
    #[must_use]
    pub fn helm(&self) -> &Helm {
        &self.helm
    }

    /// Makes an image known to the cluster's nodes.
    ///
    /// # Errors
    /// When it cannot be packed, or no way to load one is known.
    pub async fn load(&self, image: &Image) -> Result<()> {
        let load = self.load.as_ref().context(
            "FAIRLEAD_E2E_LOAD is not set; set it to a command that loads the image archive named after it, such as `kind load image-archive` or `k3d image import`",
        )?;
        let folder = tempfile::tempdir()?;
        let archive = folder.path().join("image.tar");
        image.pack(&archive)?;
        let mut words = load.split_whitespace();
        let mut command = Command::new(words.next().context("FAIRLEAD_E2E_LOAD is blank")?);
        command::output(command.args(words).arg(&archive)).await?;
        Ok(())
    }

    /// Where a Service is reached on its first port, once it is.
    ///
    /// # Errors
    /// When there is no such Service, or nothing says yes or no at its address within a minute.
    pub async fn service_address(&self, namespace: &str, name: &str) -> Result<SocketAddr> {
        let kubectl = self.kubectl.within(namespace);
        let service = kubectl.get(&format!("service/{name}")).await?;
        let service = service.with_context(|| format!("there is no Service {namespace}/{name}"))?;
        let spec = &service["spec"];
        let address = spec["clusterIP"].as_str().unwrap_or_default();
        let address: IpAddr = address
            .parse()
            .with_context(|| format!("Service {namespace}/{name} has no address of its own"))?;
        let port = spec["ports"][0]["port"].as_u64().unwrap_or_default();
        let address = SocketAddr::new(address, u16::try_from(port)?);
        timeout(PATIENCE, routed(address)).await.with_context(|| {
            format!("{address} cannot be reached from here; run the tests on a node of the cluster, or route its Services' addresses to one")
        })?;
        Ok(address)
    }

    /// The pods that a selector picks, as far as they run and are not about to end.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn pods(&self, namespace: &str, selector: &str) -> Result<Vec<Pod>> {
        let kubectl = self.kubectl.within(namespace);
        let pods = kubectl.list("pods", selector).await?;
        Ok(pods.iter().filter_map(Pod::running).collect())
    }

    /// Runs a test in a namespace of its own, which is deleted afterwards. If the test fails, what is there is told first.
    ///
    /// # Errors
    /// With what the test fails with, or when the namespace cannot be made.
    pub async fn with_temp_namespace<T>(
        &self,
        test: impl AsyncFnOnce(&Kubectl) -> Result<T>,
    ) -> Result<T> {
        let name = format!("e2e-{}", random_name()?);
        self.kubectl.run(&["create", "namespace", &name]).await?;
        let kubectl = self.kubectl.within(&name);
        let outcome = caught(test(&kubectl)).await;
        if !matches!(&outcome, Ok(Ok(_))) {
            say(&dump(&self.kubectl, Some(&name)).await);
        }
        let delete = ["delete", "namespace", &name, "--wait=false"];
        self.kubectl.run(&delete).await?;
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs a part of a test while there is no API server. It comes back with all it had stored, whatever becomes of the test.
    ///
    /// # Errors
    /// With what the test fails with, or when the API server is none that we can stop, or does not come back.
    pub async fn without_api_server<T>(&self, test: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
        let control = self.control.as_ref().context(
            "FAIRLEAD_E2E_CONTROL is not set: this API server cannot be stopped; unset KUBECONFIG for a cluster whose can",
        )?;
        let order = control.join(STOP_API_SERVER);
        std::fs::write(&order, "")?;
        let outcome = caught(async {
            self.until_served(false).await?;
            test().await
        })
        .await;
        std::fs::remove_file(order)?;
        self.until_served(true).await?;
        outcome.unwrap_or_else(|panic| resume_unwind(panic))
    }

    async fn until_served(&self, served: bool) -> Result<()> {
        let as_wanted = async {
            let ask = ["get", "--raw", "/readyz", "--request-timeout=2s"];
            while self.kubectl.run(&ask).await.is_ok() != served {
                sleep(PAUSE).await;
            }
        };
        match timeout(PATIENCE, as_wanted).await {
            Ok(()) => Ok(()),
            Err(_) if served => bail!("the API server has not come back within {PATIENCE:?}"),
            Err(_) => bail!("the API server still answers after {PATIENCE:?}"),
        }
    }
}

/// A failed assertion as a value, for what has to be done after it.
async fn caught<T>(test: impl Future<Output = T>) -> std::thread::Result<T> {
    AssertUnwindSafe(test).catch_unwind().await
}

/// Until something accepts or refuses: a Service without pods refuses.
async fn routed(address: SocketAddr) {
    loop {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(_)) => return,
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => return,
            Ok(Err(_)) | Err(_) => sleep(PAUSE).await,
        }
    }
}

fn random_name() -> Result<String> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
