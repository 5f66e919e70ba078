//! Runs a command with a Kubernetes cluster: the one of `$KUBECONFIG`, or a node brought up for it and taken down after it.
//!
//! The exit code is the command's; 1 if it could not be run, 64 for a command line that cannot be understood.

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{Node, dump, node, output_folder, say};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::timeout;

/// The most that a node may take to be ready, in seconds; far above what it takes.
const READY: f64 = 180.0;
/// How long a command may take to end after a signal.
const GRACE: Duration = Duration::from_secs(10);
/// `EX_USAGE` (source: sysexits.h).
const USAGE: u8 = 64;

/// Runs a command with a Kubernetes cluster.
///
/// With KUBECONFIG set, the command runs as it is. Otherwise a node is brought up on this machine (as root), and the command finds
/// KUBECONFIG, kubectl and helm on the PATH, FAIRLEAD_E2E_LOAD (a command that loads an image archive into the node) and
/// FAIRLEAD_E2E_CONTROL (a folder: while a file `stop-apiserver` is in it, the API server is down).
#[derive(Debug, Parser)]
#[command(name = "fairlead-e2e-node")]
struct Args {
    /// Where the logs of the node's components go; absent: target/e2e/node
    #[arg(long, value_name = "DIR")]
    keep_logs: Option<PathBuf>,
    /// Be the first process of the node; for the program itself
    #[arg(long, hide = true)]
    inside: bool,
    /// The command and its arguments
    #[arg(last = true, required_unless_present = "inside")]
    command: Vec<OsString>,
}

// One thread: the node's processes end with the thread that started them.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help is no error; nothing can be done about a closed terminal.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    match run(&args).await {
        Ok(code) => code,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<ExitCode> {
    if args.inside {
        node::inside::serve().await?;
        return Ok(ExitCode::SUCCESS);
    }
    if std::env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty()) {
        let status = start(&args.command, Vec::new())?.wait().await?;
        return Ok(code(status));
    }
    let logs = match &args.keep_logs {
        Some(folder) => std::path::absolute(folder)?,
        None => output_folder().join("node"),
    };
    with_node(&args.command, &logs).await
}

async fn with_node(command: &[OsString], logs: &Path) -> Result<ExitCode> {
    let mut node = Node::start(logs, told_to_end())
        .await
        .with_context(|| format!("no node; the logs are in {}", logs.display()))?;
    let seconds = node.started_in().as_secs_f64();
    say(&format!("the node is ready after {seconds:.1} s"));
    results::record(&[Figure::at_most("node ready", seconds, "s", READY)])?;

    let status = match start(command, node.environment()?) {
        Ok(child) => attend(&mut node, child).await,
        Err(error) => Err(error),
    };
    if !matches!(&status, Ok(status) if status.success()) {
        tell_what_became(&node, logs).await;
    }
    node.stop().await?;
    Ok(code(status?))
}

/// Waits for the command; ends it on a signal, and tells when the node breaks.
async fn attend(node: &mut Node, mut child: Child) -> Result<ExitStatus> {
    let mut whole = true;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?),
            error = node.tend(), if whole => {
                say(&format!("the node is broken: {error:#}"));
                whole = false;
            }
            () = told_to_end() => return end(&mut child).await,
        }
    }
}

fn start(command: &[OsString], environment: Vec<(&str, OsString)>) -> Result<Child> {
    let [program, arguments @ ..] = command else {
        anyhow::bail!("there is no command to run");
    };
    let mut command = Command::new(program);
    command.args(arguments).envs(environment).kill_on_drop(true);
    if !std::io::stdin().is_terminal() {
        // So that all it starts can be ended with it. At a terminal the shell sees to that, and a group of its own could not read.
        command.process_group(0);
    }
    command
        .spawn()
        .with_context(|| format!("cannot run {}", program.display()))
}

/// Politely, then not.
async fn end(child: &mut Child) -> Result<ExitStatus> {
    if let Some(id) = child.id() {
        say("ending the command");
        let group = if std::io::stdin().is_terminal() {
            id.to_string()
        } else {
            format!("-{id}")
        };
        for signal in ["TERM", "KILL"] {
            Command::new("sh")
                .args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", signal, &group])
                .status()
                .await?;
            if let Ok(status) = timeout(GRACE, child.wait()).await {
                return Ok(status?);
            }
        }
    }
    Ok(child.wait().await?)
}

async fn told_to_end() {
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate)] = signals else {
        // Then a signal ends this process at once, and the node with it.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

async fn tell_what_became(node: &Node, logs: &Path) {
    let kubectl = node.kubectl();
    let pods = kubectl.run(&["get", "pods", "-A", "-o", "wide"]).await;
    say(&pods.unwrap_or_else(|error| format!("{error:#}")));
    let path = logs.join("cluster.log");
    let written = std::fs::write(&path, dump(&kubectl, None).await);
    match written {
        Ok(()) => say(&format!(
            "pods, events and their logs are in {}, the components' logs beside it",
            path.display()
        )),
        Err(error) => say(&format!("cannot write {}: {error}", path.display())),
    }
}

fn code(status: ExitStatus) -> ExitCode {
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    // Ended by a signal: there is no better number.
    code.map_or(ExitCode::FAILURE, ExitCode::from)
}
