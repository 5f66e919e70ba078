//! What a request costs in the gateway, beside what it costs in nginx, on this machine and in one run.
//!
//! ```text
//! load --> the process under test --> the fixed upstream
//!                  |
//!                  +--> a collector that keeps nothing
//! ```
//!
//! All of them are processes of their own on loopback, started here, so that the CPU time of each can be told apart. The load is `oha`; upstream,
//! collector and what `oha` cannot do are subcommands of this program. `docs/benchmarks.md` says what is measured and how.

mod answer;
mod ask;
mod book;
mod bounds;
mod helper;
mod hold;
mod instructions;
mod load;
mod oha;
mod peer;
mod plan;
mod report;
mod run;
mod scenario;
mod sections;
mod sink;
mod statistics;
mod tls;
mod turn;
mod upstream;
mod usage;
mod wire;
mod world;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use plan::Plan;
use report::Report;

#[derive(Parser)]
#[command(about = "What a request costs in the gateway, beside nginx")]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    plan: Plan,
}

#[derive(Subcommand)]
enum Command {
    /// Writes the tables of a run that was saved into a page, or prints them.
    Report {
        /// What was saved.
        #[arg(long, default_value = "target/bench/results.json")]
        results: PathBuf,
        /// The page. Absent: they are printed.
        #[arg(long)]
        markdown: Option<PathBuf>,
    },
    /// Counts the instructions of a request by callgrind, beside a budget of each part.
    Instructions(instructions::Instructions),
    /// Answers every request alike; prints its addresses, the second of them of TLS.
    #[command(hide = true)]
    Upstream { certificate: PathBuf, key: PathBuf },
    /// Takes traces and metrics and keeps nothing; prints its address.
    #[command(hide = true)]
    Sink,
    /// Asks as fast as it is answered; prints what came of it as JSON.
    #[command(hide = true)]
    Load(load::Load),
    /// Opens streams and holds them; prints how many have begun.
    #[command(hide = true)]
    Hold {
        address: SocketAddr,
        request: PathBuf,
        streams: usize,
    },
}

/// The value of a key, always of the same length. The first is what most requests are asked with.
pub(crate) fn key(number: usize) -> String {
    format!("sk-fairlead-bench-{number:020}")
}

/// Tells whoever started the run.
pub(crate) fn say(text: &str) {
    // Whoever does not listen any more misses it.
    let _ = writeln!(std::io::stdout(), "{text}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<ExitCode> {
    let cli = Cli::parse();
    match cli.command {
        Some(Command::Report { results, markdown }) => {
            let report = Report::read(&results)?;
            match markdown {
                Some(page) => report.renew(&page)?,
                None => say(&report.markdown()),
            }
        }
        Some(Command::Upstream { certificate, key }) => {
            upstream::serve(&certificate, &key).await?;
        }
        Some(Command::Instructions(instructions)) => return instructions.count().await,
        Some(Command::Sink) => sink::serve().await?,
        Some(Command::Load(load)) => load::drive(load).await?,
        Some(Command::Hold {
            address,
            request,
            streams,
        }) => hold::hold(address, &request, streams).await?,
        None => return run::run(cli.plan).await,
    }
    Ok(ExitCode::SUCCESS)
}
