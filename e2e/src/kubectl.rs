//! What tests say to a cluster, by the kubectl that users have too.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::process::Command;

use crate::watch::Watch;
use crate::{command, tools};

/// kubectl with a cluster and perhaps a namespace.
#[derive(Debug, Clone)]
pub struct Kubectl {
    program: PathBuf,
    kubeconfig: OsString,
    namespace: Option<String>,
    user: Option<String>,
}

impl Kubectl {
    /// For the cluster that this kubeconfig names.
    pub fn new(program: impl Into<PathBuf>, kubeconfig: impl Into<OsString>) -> Self {
        Self {
            program: program.into(),
            kubeconfig: kubeconfig.into(),
            namespace: None,
            user: None,
        }
    }

    /// The same as another user, who may do what RBAC says and no more.
    #[must_use]
    pub fn acting_as(&self, user: &str) -> Self {
        Self {
            user: Some(user.to_owned()),
            ..self.clone()
        }
    }

    /// The one that this repository pins, for the cluster that this kubeconfig names.
    ///
    /// # Errors
    /// When it cannot be built.
    pub fn pinned(kubeconfig: impl Into<OsString>) -> Result<Self> {
        let program = tools::kubernetes(&["kubectl"])?.join("kubectl");
        Ok(Self::new(program, kubeconfig))
    }

    /// The same in this namespace.
    #[must_use]
    pub fn within(&self, namespace: &str) -> Self {
        Self {
            namespace: Some(namespace.to_owned()),
            ..self.clone()
        }
    }

    /// The namespace it is in; `default` unless told otherwise.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or("default")
    }

    /// Runs any command; what it printed.
    ///
    /// # Errors
    /// With kubectl's complaint.
    pub async fn run(&self, arguments: &[&str]) -> Result<String> {
        command::output(self.command().args(arguments)).await
    }

    /// Applies a text of YAML documents.
    ///
    /// # Errors
    /// With kubectl's complaint: the API server's refusal, for one.
    pub async fn apply(&self, yaml: &str) -> Result<String> {
        command::output_of(self.command().args(["apply", "-f", "-"]), yaml).await
    }

    /// Applies a file or the files of a folder.
    ///
    /// # Errors
    /// As [`Kubectl::apply`].
    pub async fn apply_file(&self, path: &Path) -> Result<String> {
        command::output(self.command().args(["apply", "-f"]).arg(path)).await
    }

    /// Waits until something holds: `what` is `pod/hello` or `deployment/x`, `condition` is what `--for=` takes, such as
    /// `condition=Ready`, `create`, `delete`, `jsonpath={.status.readyReplicas}=2`.
    ///
    /// # Errors
    /// When it does not within the time.
    pub async fn wait(&self, what: &str, condition: &str, within: Duration) -> Result<()> {
        let condition = format!("--for={condition}");
        let timeout = format!("--timeout={}s", within.as_secs().max(1));
        self.run(&["wait", what, &condition, &timeout]).await?;
        Ok(())
    }

    /// Waits until a rollout is done: `what` is `deployment/x`.
    ///
    /// # Errors
    /// When it is not within the time.
    pub async fn rolled_out(&self, what: &str, within: Duration) -> Result<()> {
        let timeout = format!("--timeout={}s", within.as_secs().max(1));
        self.run(&["rollout", "status", what, &timeout]).await?;
        Ok(())
    }

    /// One object, such as `pod/hello`, or `None` if there is none of that name.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn get(&self, what: &str) -> Result<Option<Value>> {
        let arguments = ["get", what, "--ignore-not-found", "-o", "json"];
        let text = self.run(&arguments).await?;
        if text.trim().is_empty() {
            return Ok(None);
        }
        serde_json::from_str(&text)
            .map(Some)
            .with_context(|| format!("kubectl get {what}: not JSON"))
    }

    /// The objects of a kind that a label selector picks; all for an empty one.
    ///
    /// # Errors
    /// When the API server cannot be asked.
    pub async fn list(&self, kind: &str, selector: &str) -> Result<Vec<Value>> {
        let arguments = ["get", kind, "-l", selector, "-o", "json"];
        let mut list: Value = serde_json::from_str(&self.run(&arguments).await?)
            .with_context(|| format!("kubectl get {kind}: not JSON"))?;
        serde_json::from_value(list["items"].take())
            .with_context(|| format!("kubectl get {kind}: not a list"))
    }

    /// Deletes an object and waits until it is gone. It is no error if there is none.
    ///
    /// # Errors
    /// With kubectl's complaint.
    pub async fn delete(&self, what: &str) -> Result<()> {
        self.run(&["delete", what, "--ignore-not-found"]).await?;
        Ok(())
    }

    /// Every state of an object from now on, for as long as the value lives: `what` is as for [`Kubectl::get`].
    ///
    /// # Errors
    /// When kubectl cannot be run.
    pub fn watch(&self, what: &str) -> Result<Watch> {
        let mut command = self.command();
        command.args(["get", what, "--watch", "-o", "json"]);
        Watch::start(command)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("KUBECONFIG", &self.kubeconfig);
        if let Some(user) = &self.user {
            command.args(["--as", user]);
        }
        if let Some(namespace) = &self.namespace {
            command.args(["--namespace", namespace]);
        }
        command
    }
}
