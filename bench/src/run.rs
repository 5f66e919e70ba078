//! The run: start everything, take turns, judge.
//!
//! Turns alternate between the processes under test, so that whatever else the machine does meets them alike; a warm-up turn each
//! is not counted.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::ValueEnum;

use crate::Plan;
use crate::answer::Kind;
use crate::cpu::Clock;
use crate::load::Outcome;
use crate::peer::Peer;
use crate::report::{Report, Turn};

/// Measures all there is to measure; the exit code says whether every bound was kept.
pub(crate) async fn run(plan: &Plan) -> Result<ExitCode> {
    let upstream = Upstream::start()?;
    let mut peers = vec![Peer::nginx(upstream.address).await?];
    if let Some(binary) = &plan.gateway {
        peers.push(Peer::fairlead(binary, upstream.address).await?);
    }
    let clock = Clock::new()?;
    let mut report = Report::default();
    for kind in [Kind::Whole, Kind::Stream] {
        for peer in &peers {
            turn(plan, &clock, peer, kind, Duration::from_secs(1))?;
        }
        for _ in 0..plan.rounds {
            for peer in &peers {
                let turn = turn(plan, &clock, peer, kind, Duration::from_secs(plan.seconds))?;
                report.add(kind, peer.name, turn);
            }
        }
    }
    report.print(&mut std::io::stdout())?;
    report.save(&plan.results)?;
    Ok(if report.kept_its_bounds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// One process under load for that long: what the load saw and what it cost the process.
fn turn(plan: &Plan, clock: &Clock, peer: &Peer, kind: Kind, length: Duration) -> Result<Turn> {
    let before = clock.of(peer.pid())?;
    let outcome =
        load(plan, peer, kind, length).with_context(|| format!("load on {}", peer.name))?;
    let spent = clock.of(peer.pid())?.saturating_sub(before);
    Ok(Turn {
        outcome,
        cpu: spent,
    })
}

/// Runs the load in a process of its own.
fn load(plan: &Plan, peer: &Peer, kind: Kind, length: Duration) -> Result<Outcome> {
    let kind = kind.to_possible_value().context("a kind has a name")?;
    let output = Command::new(std::env::current_exe()?)
        .args(["load", "--kind", kind.get_name()])
        .args(["--address", &peer.address.to_string()])
        .args(["--connections", &plan.connections.to_string()])
        .args(["--millis", &length.as_millis().to_string()])
        .stderr(Stdio::inherit())
        .output()?;
    ensure!(
        output.status.success(),
        "it failed; what it said stands above"
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The fixed upstream, in a process of its own.
struct Upstream {
    address: SocketAddr,
    child: Child,
    /// Kept open: the child would fail to write to a closed one.
    _said: BufReader<ChildStdout>,
}

impl Upstream {
    fn start() -> Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("upstream")
            .stdout(Stdio::piped())
            .spawn()?;
        let mut said = BufReader::new(child.stdout.take().context("the upstream's output")?);
        let mut line = String::new();
        said.read_line(&mut line)?;
        Ok(Self {
            address: line.trim().parse().context("the upstream's address")?,
            child,
            _said: said,
        })
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
