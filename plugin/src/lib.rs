//! `kubectl fairlead`: how an installation does, for people at a terminal.
//!
//! Each command asks ([`session`] the API server as the user, [`reach`] the gateways' admin ports), makes a [`output::Report`] of it - a table, and
//! the same as data - and prints that. What configuration means is said by the compiler and the gateway's own `explain`, never told again here.

pub mod args;
mod checked;
pub mod complete;
mod error;
mod explain;
mod exposition;
mod health;
mod keys;
mod logs;
mod objects;
mod output;
mod reach;
mod session;
mod status;
mod table;
mod top;
mod usage;

use std::ffi::OsString;
use std::io::Write;

pub use error::Error;

use clap::Parser as _;

use args::{Args, Command};
use output::Report;
use reach::Reach;
use session::Session;

/// Reads a command line, the name of the program first.
///
/// # Errors
/// It cannot be understood, or asks for help.
pub fn parse<W: Into<OsString> + Clone>(
    words: impl IntoIterator<Item = W>,
) -> Result<Args, clap::Error> {
    Args::try_parse_from(words)
}

/// An error as it may be printed: what a gateway or the API server has said stands in it, and must not steer the terminal.
#[must_use]
pub fn shown(error: &Error) -> String {
    table::plain_lines(&error.to_string())
}

/// Runs a command; whether its exit code is 0.
///
/// # Errors
/// What went wrong, in words that say what to do.
pub async fn run(args: Args, out: &mut (dyn Write + Send)) -> Result<bool, Error> {
    let place = args.place;
    let format = place.output;
    let report = match args.command {
        Command::Status(args) => {
            status::status(&Session::open(&place).await?, &place, &args).await?
        }
        Command::Top(args) => return top::top(&reach(&place).await?, format, &args, out).await,
        Command::Health(args) => health::health(&reach(&place).await?, &args).await?,
        Command::Explain(args) => explain::explain(&place, &args).await?,
        Command::Logs(args) => return logs::logs(&place, &args, out).await,
        Command::Usage(args) => usage::usage(&place, &args).await?,
        Command::Keys(args) => keys::keys(&Session::open(&place).await?, &place, &args).await?,
        Command::Check(args) => checked::check(&place, &args)?,
        Command::Render(args) => checked::render(&place, &args, format)?,
    };
    print(&report, format, out)
}

fn print(
    report: &Report,
    format: args::Format,
    out: &mut (dyn Write + Send),
) -> Result<bool, Error> {
    report.write(format, out)?;
    Ok(report.good)
}

/// The gateways: those that are named, or those of the cluster.
async fn reach(place: &args::Place) -> Result<Reach, Error> {
    if place.gateway.is_empty() {
        Reach::pods(&Session::open(place).await?, place).await
    } else {
        Reach::direct(place)
    }
}
