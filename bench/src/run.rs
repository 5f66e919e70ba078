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
use crate::exchange::Exchange;
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
    for exchange in [Kind::Whole, Kind::Stream].map(Exchange::plain) {
        for peer in &peers {
            turn(plan, &clock, peer, exchange, Duration::from_secs(1))?;
        }
        for _ in 0..plan.rounds {
            for peer in &peers {
                let turn = turn(
                    plan,
                    &clock,
                    peer,
                    exchange,
                    Duration::from_secs(plan.seconds),
                )?;
                report.add(exchange.kind, peer.name, turn);
            }
        }
    }
    if let Some(gateway) = peers.get(1) {
        translated(plan, &clock, gateway, &mut report)?;
    }
    report.print(&mut std::io::stdout())?;
    report.save(&plan.results)?;
    Ok(if report.kept_its_bounds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// The gateway alone: what it costs to pass each dialect through, and to translate between them.
fn translated(plan: &Plan, clock: &Clock, gateway: &Peer, report: &mut Report) -> Result<()> {
    for kind in [Kind::Whole, Kind::Stream] {
        for exchange in Exchange::translated(kind) {
            turn(plan, clock, gateway, exchange, Duration::from_millis(500))?;
        }
        for _ in 0..plan.rounds {
            for exchange in Exchange::translated(kind) {
                let length = Duration::from_secs(plan.seconds);
                let turn = turn(plan, clock, gateway, exchange, length)?;
                report.add_translated(exchange, turn);
            }
        }
    }
    Ok(())
}

/// One process under load for that long: what the load saw and what it cost the process.
fn turn(
    plan: &Plan,
    clock: &Clock,
    peer: &Peer,
    exchange: Exchange,
    length: Duration,
) -> Result<Turn> {
    let before = clock.of(peer.pid())?;
    let outcome =
        load(plan, peer, exchange, length).with_context(|| format!("load on {}", peer.name))?;
    let spent = clock.of(peer.pid())?.saturating_sub(before);
    Ok(Turn {
        outcome,
        cpu: spent,
    })
}

/// Runs the load in a process of its own.
fn load(plan: &Plan, peer: &Peer, exchange: Exchange, length: Duration) -> Result<Outcome> {
    let named = |value: Option<clap::builder::PossibleValue>| {
        let value = value.context("it has a name")?;
        anyhow::Ok(value.get_name().to_owned())
    };
    let output = Command::new(std::env::current_exe()?)
        .args(["load", "--kind", &named(exchange.kind.to_possible_value())?])
        .args(["--surface", &named(exchange.surface.to_possible_value())?])
        .args(["--dialect", &named(exchange.dialect.to_possible_value())?])
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
