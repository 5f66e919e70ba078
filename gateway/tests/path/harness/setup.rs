//! A gateway before it runs: its folders and its command line.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tempfile::TempDir;
use tokio::process::Command;

use super::{Gateway, PATIENCE};

/// Temporary folders with a configuration, and the arguments that are added to the usual ones.
#[derive(Debug)]
pub(crate) struct Setup {
    folder: TempDir,
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
    descriptors: Option<usize>,
}

impl Setup {
    /// An empty configuration.
    pub(crate) fn new() -> Self {
        Self::bare().arguments(&["--config-dir", "{}/config"])
    }

    /// A configuration that comes from an API server.
    #[cfg(feature = "kubernetes")]
    pub(crate) fn in_cluster() -> Self {
        Self::bare().arguments(&["--kubernetes"])
    }

    /// A command line that does not say where the configuration is.
    pub(crate) fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("config")).unwrap();
        Self {
            folder,
            arguments: Vec::new(),
            variables: Vec::new(),
            descriptors: None,
        }
    }

    /// With a file in its configuration.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        self.write(&format!("config/{name}"), text);
        self
    }

    /// With more arguments for `serve`. `{}` stands for the folder that holds all the others.
    pub(crate) fn arguments(mut self, more: &[&str]) -> Self {
        let folder = self.folder.path().display().to_string();
        self.arguments
            .extend(more.iter().map(|argument| argument.replace("{}", &folder)));
        self
    }

    /// With a variable in its environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With so many descriptors for the process.
    pub(crate) fn descriptors(mut self, most: usize) -> Self {
        self.descriptors = Some(most);
        self
    }

    /// The path of something in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file as editors do: beside its place, then renamed into it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        let directory = path.parent().unwrap();
        std::fs::create_dir_all(directory).unwrap();
        let draft = directory.join(".draft");
        std::fs::write(&draft, text).unwrap();
        std::fs::rename(draft, path).unwrap();
    }

    /// Starts the gateway and waits until it serves.
    pub(crate) async fn start(self) -> Gateway {
        let child = self
            .serve()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Gateway::of(child, self).await
    }

    /// The same, and nobody reads its access log.
    pub(crate) async fn start_unread(self) -> Gateway {
        let child = self
            .serve()
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Gateway::unread(child, self).await
    }

    /// Runs `serve` to its end, for a start that is refused.
    pub(crate) async fn refused(&self) -> Output {
        finish(self.serve()).await
    }

    /// Runs `check` or another command on the folder of the configuration.
    pub(crate) async fn run(&self, command: &str, more: &[&str]) -> Output {
        let mut process = gateway();
        process.arg(command).arg(self.path("config")).args(more);
        finish(process).await
    }

    /// Runs another command, with the variables of this setup. `{}` stands for the folder that holds all the others.
    pub(crate) async fn command(&self, arguments: &[&str]) -> Output {
        let folder = self.folder.path().display().to_string();
        let mut process = gateway();
        process
            .args(
                arguments
                    .iter()
                    .map(|argument| argument.replace("{}", &folder)),
            )
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        finish(process).await
    }

    fn limited(&self) -> Command {
        let Some(most) = self.descriptors else {
            return gateway();
        };
        let mut shell = quiet(Path::new("sh"));
        let script = format!("ulimit -n {most}; exec \"$0\" \"$@\"");
        shell.args(["-c", &script, env!("CARGO_BIN_EXE_fairlead-gateway")]);
        shell
    }

    fn serve(&self) -> Command {
        let mut command = self.limited();
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(&self.arguments)
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// The binary under test, with an environment that changes nothing about it.
fn gateway() -> Command {
    quiet(Path::new(env!("CARGO_BIN_EXE_fairlead-gateway")))
}

fn quiet(program: &Path) -> Command {
    let mut command = Command::new(program);
    for name in fairlead_start::read() {
        command.env_remove(name);
    }
    command
        .env("NO_COLOR", "1")
        .env_remove("RUST_LOG")
        .env_remove("POD_NAMESPACE")
        .env_remove("KUBERNETES_SERVICE_HOST")
        .env_remove("KUBECONFIG")
        .env_remove("HTTPS_PROXY")
        .env_remove("https_proxy")
        .env_remove("NO_PROXY")
        .env_remove("no_proxy")
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .env_remove("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
        .env_remove("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT")
        .env_remove("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")
        .kill_on_drop(true)
        .stdin(Stdio::null());
    command
}

async fn finish(mut command: Command) -> Output {
    tokio::time::timeout(PATIENCE, command.output())
        .await
        .expect("the command does not end")
        .unwrap()
}
