//! The first process of the node: starts and stops programs as it is told, and says when one ends.
//!
//! It knows nothing of Kubernetes. It ends when the other side goes away, and the kernel ends everything else with it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::sandbox::{Order, Program, Report};
use crate::process::Process;

/// Between two looks at whether the programs still run.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until standard input ends.
///
/// # Errors
/// When standard output is gone.
pub async fn serve() -> Result<()> {
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    let mut pause = tokio::time::interval(PAUSE);
    let mut running: Vec<Process> = Vec::new();
    say(&Report::Up)?;
    loop {
        tokio::select! {
            line = orders.next_line() => {
                let Some(line) = line? else { return Ok(()) };
                if let Err(error) = obey(&serde_json::from_str(&line)?, &mut running) {
                    say(&Report::Failed(format!("{error:#}")))?;
                }
            }
            _ = pause.tick() => {
                for error in ended(&mut running) {
                    say(&Report::Ended(error))?;
                }
            }
        }
    }
}

fn obey(order: &Order, running: &mut Vec<Process>) -> Result<()> {
    match order {
        Order::Cover(folders) => folders.iter().try_for_each(cover),
        Order::Start(program) => {
            running.push(start(program)?);
            Ok(())
        }
        Order::Stop(name) => {
            // Dropping one kills it.
            running.retain(|process| process.name() != name);
            Ok(())
        }
    }
}

/// The folder itself has to exist on the machine; if it did not, it is left there, empty.
fn cover(folder: &PathBuf) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let status = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "mode=0755", "fairlead-e2e"])
        .arg(folder)
        .status()
        .context("cannot run mount")?;
    ensure!(status.success(), "cannot mount over {}", folder.display());
    Ok(())
}

fn start(program: &Program) -> Result<Process> {
    Process::start(
        &program.name,
        &program.binary,
        &program.arguments,
        Path::new(&program.logs),
    )
}

/// Takes those that have ended out of the list, with their last words.
fn ended(running: &mut Vec<Process>) -> Vec<String> {
    let mut errors = Vec::new();
    running.retain_mut(|process| match process.must_run() {
        Ok(()) => true,
        Err(error) => {
            errors.push(error.to_string());
            false
        }
    });
    errors
}

fn say(report: &Report) -> Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, report)?;
    writeln!(out)?;
    out.flush()?;
    Ok(())
}
