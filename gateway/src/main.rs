//! The command line of the gateway. Exit codes: 0, 1 for what went wrong, 64 for a command line that cannot be understood.

use std::io::Write as _;
use std::process::ExitCode;

use clap::Parser as _;
use fairlead_gateway::args::{Args, Command};
use fairlead_gateway::check::Printed;
use fairlead_gateway::{app, check, import};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `EX_USAGE` (source: sysexits.h).
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Help and version are no errors; nothing can be done about a closed terminal.
            let _ = error.print();
            return if error.use_stderr() {
                ExitCode::from(USAGE)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let _log = fairlead_process::log::begin();
    let outcome = match &args.command {
        Command::Serve(serve) => app::serve(serve).map(|()| true),
        #[cfg(all(feature = "console", feature = "kubernetes"))]
        Command::Console(console) => fairlead_gateway::console::run(console).map(|()| true),
        Command::Check(folder) => check::check(folder).map(|printed| print(&printed)),
        Command::Explain(explain) => check::explain(explain).map(|printed| print(&printed)),
        Command::Providers => Ok(print(&import::providers())),
        Command::Audit { file, anchor, .. } => {
            check::audit(file, anchor.as_deref()).map(|printed| print(&printed))
        }
        Command::Import(args) => import::import(args).map(|printed| print(&printed)),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn print(printed: &Printed) -> bool {
    // A reader that has gone away wants no more.
    let _ = std::io::stdout().write_all(printed.text.as_bytes());
    printed.good
}
