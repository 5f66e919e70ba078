//! What a request costs in the gateway, beside what it costs in nginx, on this machine and in one run.
//!
//! Four processes on loopback: load -> the one under test -> a fixed upstream, and this one, which starts them, reads CPU times from
//! `/proc` and prints the tables. Load and upstream are subcommands of this program in processes of their own, so that their CPU
//! time is not counted. It ends with a failure if the gateway costs more than its bound.

mod answer;
mod cpu;
mod exchange;
mod load;
mod peer;
mod report;
mod run;
mod upstream;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use answer::{Kind, Speech};
use exchange::Exchange;

#[derive(Parser)]
#[command(about = "CPU per request of the gateway, beside nginx")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    plan: Plan,
}

/// What to measure, and how long.
#[derive(clap::Args)]
pub(crate) struct Plan {
    /// The gateway to measure; absent: nginx alone.
    #[arg(long)]
    gateway: Option<PathBuf>,
    /// How often each process takes its turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long a turn is, in seconds.
    #[arg(long, default_value_t = 3)]
    seconds: u64,
    /// How many connections the load keeps busy.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// Where the figures go, as JSON.
    #[arg(long, default_value = "target/bench/results.json")]
    results: PathBuf,
}

#[derive(Subcommand)]
enum Command {
    /// Answers every request alike; prints its address.
    #[command(hide = true)]
    Upstream,
    /// Asks as fast as it is answered; prints what came of it as JSON.
    #[command(hide = true)]
    Load {
        #[arg(long)]
        address: SocketAddr,
        #[arg(long)]
        kind: Kind,
        #[arg(long)]
        surface: Speech,
        #[arg(long)]
        dialect: Speech,
        #[arg(long)]
        connections: usize,
        #[arg(long)]
        millis: u64,
    },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Upstream) => upstream::serve().await?,
        Some(Command::Load {
            address,
            kind,
            surface,
            dialect,
            connections,
            millis,
        }) => {
            let exchange = Exchange {
                surface,
                dialect,
                kind,
            };
            load::drive(
                address,
                exchange,
                connections,
                Duration::from_millis(millis),
            )
            .await?;
        }
        None => return run::run(&cli.plan).await,
    }
    Ok(ExitCode::SUCCESS)
}
