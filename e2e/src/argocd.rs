//! Argo CD's application controller and repository server, as processes beside an API server, with a git repository that they read.
//!
//! Nothing of Argo CD is a pod here, so an API server is enough. What an Application ends at is told by its status, as everywhere.

mod repository;

use std::env;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

pub use self::repository::Repository;
use crate::process::Process;
use crate::{ApiServer, Client, PATIENCE, Write, tools};

/// Between two looks at an Application.
const PAUSE: Duration = Duration::from_millis(200);
/// The namespace of Argo CD, as `examples/argocd` has it.
const NAMESPACE: &str = "argocd";
/// How often an Application is compared anew without cause, in seconds: often, so that drift shows within a test.
const RESYNC: &str = "5";

/// A running Argo CD.
#[derive(Debug)]
pub struct ArgoCd {
    client: Client,
    repository: Repository,
    controller: Process,
    repo_server: Process,
    _redis: Process,
    _folder: TempDir,
}

/// The ports of its processes: they can be told none that is free.
struct Ports {
    redis: String,
    repo_server: String,
    repo_metrics: String,
    controller_metrics: String,
}

impl ArgoCd {
    /// Starts one for an API server, which gets its definitions and configuration.
    ///
    /// # Errors
    /// When something of it cannot be built, started or created.
    pub async fn start(server: &ApiServer) -> Result<Self> {
        let folder = TempDir::with_prefix("fairlead-argocd-")?;
        let path = folder.path();
        let binary = tools::argocd()?;
        let manifests = binary.with_file_name("manifests");
        for object in installation(&manifests)? {
            create_when_served(server.client(), &object).await?;
        }
        let ports = Ports::free()?;
        let repository = Repository::start(path)?;
        let redis = Process::start(
            "redis",
            &tools::on_path("redis-server", "redis-server")?,
            &["--bind", "127.0.0.1", "--save", "", "--port", &ports.redis].map(str::to_owned),
            path,
        )?;
        let start = |name: &str, arguments: &[&str]| -> Result<Process> {
            let link = path.join(name);
            std::os::unix::fs::symlink(&binary, &link)?;
            let arguments: Vec<String> = arguments.iter().map(|&text| text.to_owned()).collect();
            let variables = variables(path, server.kubeconfig())?;
            let variables: Vec<(&str, &Path)> = variables
                .iter()
                .map(|(name, value)| (*name, Path::new(value)))
                .collect();
            Process::start_with(name, &link, &arguments, &variables, path)
        };
        let redis_address = format!("127.0.0.1:{}", ports.redis);
        let repo_address = format!("127.0.0.1:{}", ports.repo_server);
        #[rustfmt::skip]
        let repo_server = start("argocd-repo-server", &[
            "--address", "127.0.0.1", "--port", &ports.repo_server, "--metrics-address", "127.0.0.1", "--metrics-port", &ports.repo_metrics,
            "--disable-tls", "--redis", &redis_address,
        ])?;
        #[rustfmt::skip]
        let controller = start("argocd-application-controller", &[
            "--namespace", NAMESPACE, "--repo-server", &repo_address, "--repo-server-plaintext", "--redis", &redis_address,
            "--metrics-port", &ports.controller_metrics, "--app-resync", RESYNC, "--app-resync-jitter", "0", "--persist-resource-health",
        ])?;
        Ok(Self {
            client: server.client().clone(),
            repository,
            controller,
            repo_server,
            _redis: redis,
            _folder: folder,
        })
    }

    /// The repository that it is to read.
    #[must_use]
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Adds keys to `argocd-cm`, as `kubectl patch` does with such a file.
    ///
    /// # Errors
    /// When the file holds no ConfigMap, or the API server refuses.
    pub async fn configure(&self, file: &Path) -> Result<()> {
        let patch: Value = serde_saphyr::from_str(&fs::read_to_string(file)?)?;
        let mut map = self.client.get(&patch).await?.body;
        for (key, value) in patch["data"].as_object().context("no data")? {
            map["data"][key] = value.clone();
        }
        let answer = self.client.replace(&map, Write::Stored).await?;
        ensure!(answer.is_success(), "{}", answer.message());
        Ok(())
    }

    /// Creates the Application of a file, which is to read this repository instead of the public one.
    ///
    /// # Errors
    /// When the file holds none, or the API server refuses it.
    pub async fn apply(&self, file: &Path) -> Result<()> {
        let mut application: Value = serde_saphyr::from_str(&fs::read_to_string(file)?)?;
        application["spec"]["source"]["repoURL"] = self.repository.url().into();
        application["spec"]["source"]["targetRevision"] = Repository::BRANCH.into();
        create_when_served(&self.client, &application).await
    }

    /// Says that the repository has changed, as its webhook would.
    ///
    /// # Errors
    /// When the API server refuses.
    pub async fn refresh(&self, application: &str) -> Result<()> {
        loop {
            let mut now = self.read(application).await?;
            now["metadata"]["annotations"]["argocd.argoproj.io/refresh"] = "normal".into();
            let answer = self.client.replace(&now, Write::Stored).await?;
            if answer.is_success() {
                return Ok(());
            }
            // The controller writes the same object.
            ensure!(answer.status == 409, "{}", answer.message());
        }
    }

    /// An Application as it is now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn read(&self, application: &str) -> Result<Value> {
        let object = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"namespace": NAMESPACE, "name": application}});
        let answer = self.client.get(&object).await?;
        ensure!(answer.is_success(), "{}", answer.message());
        Ok(answer.body)
    }

    /// Waits until an Application is `good`; `what` says in words what that is.
    ///
    /// # Errors
    /// When it is not within [`PATIENCE`], with its status; or when a process has stopped.
    pub async fn until(
        &mut self,
        application: &str,
        what: &str,
        good: impl Fn(&Value) -> bool,
    ) -> Result<Value> {
        let began = Instant::now();
        loop {
            let now = self.read(application).await?;
            if good(&now["status"]) {
                return Ok(now);
            }
            self.repo_server.must_run()?;
            self.controller.must_run()?;
            if began.elapsed() > PATIENCE {
                bail!(
                    "{application}, {what}: not within {PATIENCE:?}: {:#}\nthe controller's log ends with:\n{}",
                    now["status"],
                    self.controller.log_end()
                );
            }
            sleep(PAUSE).await;
        }
    }
}

impl Ports {
    /// Held together while they are looked for, so that they differ.
    fn free() -> Result<Self> {
        let listen = || TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1");
        let held = [listen()?, listen()?, listen()?, listen()?];
        let port = |at: usize| anyhow::Ok(held[at].local_addr()?.port().to_string());
        Ok(Self {
            redis: port(0)?,
            repo_server: port(1)?,
            repo_metrics: port(2)?,
            controller_metrics: port(3)?,
        })
    }
}

/// A kind is served a moment after its definition was made.
async fn create_when_served(client: &Client, object: &Value) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = client.create(object, Write::Stored).await?;
        if answer.is_success() {
            return Ok(());
        }
        let again = answer.status == 404 && began.elapsed() < PATIENCE;
        ensure!(again, "{}", answer.message());
        sleep(PAUSE).await;
    }
}

/// What both processes are told by their environment: the cluster of the kubeconfig counts as the one that they are in, helm is on the path, and
/// everything that they write is in the folder.
fn variables(folder: &Path, kubeconfig: &Path) -> Result<Vec<(&'static str, OsString)>> {
    let helm = tools::kubernetes(&["helm"])?;
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths(std::iter::once(helm).chain(env::split_paths(&path)))?;
    let own = |name: &str| -> Result<OsString> {
        let path = folder.join(name);
        fs::create_dir_all(&path)?;
        Ok(path.into())
    };
    Ok(vec![
        ("PATH", path),
        ("KUBECONFIG", kubeconfig.into()),
        ("ARGOCD_FAKE_IN_CLUSTER", "true".into()),
        ("ARGOCD_GPG_ENABLED", "false".into()),
        ("ARGOCD_TLS_DATA_PATH", own("tls")?),
        ("ARGOCD_SSH_DATA_PATH", own("ssh")?),
        ("HOME", own("home")?),
        ("TMPDIR", own("tmp")?),
    ])
}

/// Definitions and configuration as its own manifests have them, and what its server would have made at its first start.
fn installation(manifests: &Path) -> Result<Vec<Value>> {
    let mut objects =
        vec![json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}})];
    let mut files: Vec<PathBuf> = fs::read_dir(manifests)
        .with_context(|| format!("cannot read {}", manifests.display()))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.sort();
    for file in files {
        let text = fs::read_to_string(&file)?;
        let mut object: Value =
            serde_saphyr::from_str(&text).with_context(|| file.display().to_string())?;
        if object["kind"] != "CustomResourceDefinition" {
            object["metadata"]["namespace"] = NAMESPACE.into();
        }
        if object["kind"] == "Secret" {
            object["stringData"] = json!({"server.secretkey": "only-for-this-test"});
        }
        if object["metadata"]["name"] == "argocd-cm" {
            object["data"] = json!({});
        }
        objects.push(object);
    }
    let all = json!({"group": "*", "kind": "*"});
    objects.push(json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject", "metadata": {"namespace": NAMESPACE, "name": "default"},
        "spec": {"sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}], "clusterResourceWhitelist": [all]},
    }));
    Ok(objects)
}
