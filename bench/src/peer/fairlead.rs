//! The gateway, with everything on: keys, rules with conditions, weights, limits on four levels, metrics, traces, the request log, access lines.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use tempfile::TempDir;

pub(crate) use super::documents::{Amounts, rules};
use super::{Peer, Plan, documents, free_address};
use crate::helper::roomy;
use crate::world::World;

/// What is different from one gateway to another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// How much there is.
    pub(crate) amounts: Amounts,
    /// Whether one of the two providers fails half the time.
    pub(crate) is_flaky: bool,
    /// Whether callers and providers speak TLS.
    pub(crate) tls: Tls,
    /// Whether the request log is kept on disk, too.
    pub(crate) is_logged_on_disk: bool,
    /// Whether it runs under callgrind, on one core, to be counted when that is said.
    pub(crate) is_counted: bool,
}

/// Who speaks TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Nobody.
    None,
    /// Providers.
    Upstream,
    /// Callers and providers.
    Both,
}

impl Setup {
    /// As most is measured.
    pub(crate) fn usual(world: &World) -> Self {
        Self {
            amounts: Amounts {
                keys: 10,
                rules: 0,
                providers: 0,
            },
            is_flaky: false,
            tls: Tls::None,
            is_logged_on_disk: world.plan.request_log == crate::plan::RequestLog::Sqlite,
            is_counted: false,
        }
    }

    /// The same with so many keys and so many rules beside those that are used.
    pub(crate) fn with(mut self, keys: usize, rules: usize) -> Self {
        (self.amounts.keys, self.amounts.rules) = (keys, rules);
        self
    }
}

/// Where its configuration is, in its folder.
pub(crate) fn folder(home: &Path) -> PathBuf {
    home.join("config")
}

/// Starts it on a folder of resources.
pub(crate) async fn start(world: &World, name: &str, setup: Setup) -> Result<Peer> {
    let plan = prepared(world, name, setup).await?;
    plan.start().await.context("the gateway")
}

/// Writes the resources; what is left is to start it.
pub(crate) async fn prepared(world: &World, name: &str, setup: Setup) -> Result<Plan> {
    let home = TempDir::new()?;
    let config = folder(home.path());
    fs::create_dir(&config)?;
    let upstream = world.upstream(setup.tls != Tls::None);
    let certificate = match setup.tls {
        Tls::None => None,
        Tls::Upstream | Tls::Both => Some(world.certificate.pem()?),
    };
    let files = documents::files(
        upstream,
        certificate.as_deref(),
        setup.is_flaky,
        setup.amounts,
    );
    for (name, text) in &files {
        fs::write(config.join(name), text)?;
    }
    let configuration = files.into_iter().take(3).map(|(_, text)| text).collect();
    plan(world, name, home, configuration, setup).await
}

/// The command for a folder whose `config` is there.
pub(crate) async fn plan(
    world: &World,
    name: &str,
    home: TempDir,
    configuration: String,
    setup: Setup,
) -> Result<Plan> {
    let (address, admin) = (free_address().await?, free_address().await?);
    let mut command = if setup.is_counted {
        counted(&world.gateway()?, home.path())
    } else {
        roomy(world.gateway()?)
    };
    command
        .arg("serve")
        .arg("--config-dir")
        .arg(folder(home.path()));
    command.args([
        "--listen",
        &address.to_string(),
        "--admin",
        &admin.to_string(),
    ]);
    // The end of a measurement waits for nobody.
    command.args(["--drain-delay", "0", "--drain-timeout", "1"]);
    if setup.is_counted {
        command.args(["--cores", "1"]);
    }
    if setup.is_logged_on_disk {
        command.arg("--state-dir").arg(home.path().join("state"));
    }
    if setup.tls == Tls::Both {
        command
            .arg("--tls-cert")
            .arg(&world.certificate.certificate);
        command.arg("--tls-key").arg(&world.certificate.key);
    }
    command
        .env(
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            format!("http://{}", world.sink),
        )
        .env("OTEL_TRACES_SAMPLER_ARG", "0.01");
    Ok(Plan {
        name: name.to_owned(),
        command,
        address,
        admin: Some(admin),
        is_secure: setup.tls == Tls::Both,
        headers: Vec::new(),
        configuration,
        home,
        // 50,000 keys on a busy machine; under callgrind all takes fifty times as long.
        patience: Duration::from_secs(if setup.is_counted { 300 } else { 60 }),
    })
}

/// A program under callgrind, which counts nothing before it is told to.
fn counted(program: &Path, home: &Path) -> Command {
    let mut command = roomy("valgrind");
    let out = home.join("callgrind.out");
    command
        .args(["--tool=callgrind", "--instr-atstart=no"])
        .arg(format!("--callgrind-out-file={}", out.display()))
        .arg(program);
    command
}
