//! How many instructions a request takes: counted by callgrind, so that it is the same on a busy machine. Each of what a request is made of has a
//! budget, and whoever passes one has to look why (source of the format: the valgrind manual, callgrind format specification).

mod profile;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::Parser as _;
use serde::Serialize;
use tokio::time::sleep;

use crate::answer::Kind;
use crate::ask::{Ask, Pace};
use crate::peer::Peer;
use crate::peer::fairlead::{self, Setup};
use crate::plan::Plan;
use crate::say;
use crate::statistics::precise;
use crate::turn::{Entry, Load, drive};
use crate::world::World;
use profile::Profile;

/// What is counted.
#[derive(Debug, clap::Args)]
pub(crate) struct Instructions {
    /// The gateway to count in: a build of the profile `quick`, for which the budgets are.
    #[arg(long)]
    gateway: PathBuf,
    /// Where the figures go, as JSON.
    #[arg(long, default_value = "target/bench/instructions.json")]
    results: PathBuf,
}

/// A function and what it may take for one request, callees included; without a name, all there is.
struct Budget {
    what: &'static str,
    function: Option<&'static str>,
    most: f64,
}

const fn budget(what: &'static str, function: &'static str, most: f64) -> Budget {
    Budget {
        what,
        function: Some(function),
        most,
    }
}

const fn all(most: f64) -> Budget {
    Budget {
        what: "all of it, on every thread",
        function: None,
        most,
    }
}

/// A whole answer. About a seventh above what was counted when they were last set; of all there is two fifths, for what is done whether anybody asks or
/// not is more for each request the slower the machine is.
const WHOLE: [Budget; 8] = [
    all(185_000.0),
    budget(
        "understand and route it",
        "fairlead_gateway::pipeline::understand",
        17_000.0,
    ),
    budget(
        "send it and read the answer",
        "fairlead_gateway::dispatch::dispatch::{{closure}}",
        56_000.0,
    ),
    budget(
        "look through the answer",
        "fairlead_gateway::codec::Codec::whole",
        10_000.0,
    ),
    budget(
        "describe and settle it",
        "fairlead_gateway::answer::respond::answer",
        22_000.0,
    ),
    budget(
        "take of its limits",
        "fairlead_gateway::govern::Governor::take_granted",
        8_000.0,
    ),
    budget(
        "count it",
        "fairlead_gateway::observe::metrics::Metrics::finished",
        4_500.0,
    ),
    budget("copy memory", "memcpy", 15_500.0),
];

/// A stream of 64 chunks in a burst.
const STREAM: [Budget; 1] = [all(950_000.0)];

/// A figure beside its budget.
#[derive(Serialize)]
struct Row {
    scenario: &'static str,
    what: &'static str,
    /// Instructions a request; nothing where the compiler has made the function part of another, which is in the sum of all.
    instructions: Option<f64>,
    most: f64,
    is_kept: bool,
}

/// How long the load lasts before anything is counted, and while it is.
const TIMES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(4));
/// What is told of the last requests follows them by this long at most.
const AFTER: Duration = Duration::from_millis(300);
/// Connections of the load.
const CONNECTIONS: usize = 8;

impl Instructions {
    /// Counts, and says whether every budget was kept.
    pub(crate) async fn count(self) -> Result<ExitCode> {
        let mut plan = OnlyPlan::parse_from(["bench"]).plan;
        plan.gateway = Some(self.gateway);
        plan.request_log = crate::plan::RequestLog::Memory;
        plan.connections = CONNECTIONS;
        let world = World::start(plan)?;
        let mut setup = Setup::usual(&world);
        setup.is_counted = true;
        let mut rows = Vec::new();
        for (scenario, ask, budgets) in [
            ("whole answer", Ask::plain(Kind::Whole), &WHOLE[..]),
            ("stream of 64 chunks", Ask::stream(Pace::Burst), &STREAM[..]),
        ] {
            let gateway = fairlead::start(&world, "fairlead", setup).await?;
            let profile = profiled(&world, &gateway, ask).await?;
            for Budget {
                what,
                function,
                most,
            } in budgets
            {
                let instructions = match function {
                    Some(function) => profile.of(function),
                    None => Some(profile.all()),
                };
                rows.push(Row {
                    scenario,
                    what,
                    instructions,
                    most: *most,
                    is_kept: instructions.is_none_or(|counted| counted <= *most),
                });
            }
        }
        tell(&rows, &self.results)
    }
}

/// The options of a run, as they are when none is given.
#[derive(clap::Parser)]
struct OnlyPlan {
    #[command(flatten)]
    plan: Plan,
}

async fn profiled(world: &World, gateway: &Peer, ask: Ask) -> Result<Profile> {
    let mut entry = Entry::new(world, gateway, ask);
    entry.load = Load::Own { keys: 1 };
    let (before, counted) = TIMES;
    entry.amount.length = before;
    drive(world, &entry, entry.amount).await?;
    control(gateway, &["--instr=on"])?;
    entry.amount.length = counted;
    let outcome = drive(world, &entry, entry.amount).await?;
    sleep(AFTER).await;
    control(gateway, &["--instr=off"])?;
    control(gateway, &["--dump"])?;
    let dump = gateway.home.path().join("callgrind.out.1");
    let text = std::fs::read_to_string(&dump)
        .with_context(|| format!("callgrind wrote no {}", dump.display()))?;
    Profile::read(&text, precise(outcome.requests))
}

fn control(gateway: &Peer, arguments: &[&str]) -> Result<()> {
    let mut command = Command::new("callgrind_control");
    command.args(arguments).arg(gateway.pid().to_string());
    let status = command.stdout(Stdio::null()).status();
    let status = status.context("callgrind_control is not there; install the package valgrind")?;
    ensure!(status.success(), "callgrind_control {arguments:?} failed");
    Ok(())
}

fn tell(rows: &[Row], results: &Path) -> Result<ExitCode> {
    for row in rows {
        let kept = if row.is_kept { "" } else { "  PASSED" };
        let counted = row
            .instructions
            .map_or("-".to_owned(), |counted| format!("{counted:.0}"));
        say(&format!(
            "{counted:>9} of {:>9.0}  {}, {}{kept}",
            row.most, row.scenario, row.what
        ));
    }
    if let Some(folder) = results.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(results, serde_json::to_string_pretty(rows)?)?;
    if rows.iter().all(|row| row.is_kept) {
        return Ok(ExitCode::SUCCESS);
    }
    say(
        "A budget was passed: find out why (callgrind_annotate), or say in its commit why it has to be more.",
    );
    Ok(ExitCode::FAILURE)
}
