//! `kubectl fairlead`. Exit codes: 0; 1 for what went wrong or was asked to be told so (`--fail-on`, `check`, `explain`); 64 for a command line that
//! cannot be understood.

use std::io::Write as _;
use std::process::ExitCode;

/// `EX_USAGE` (source: sysexits.h).
const USAGE: u8 = 64;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().collect();
    if words.get(1).is_some_and(|word| word == "__complete") {
        return complete(&words);
    }
    let args = match fairlead_plugin::parse(words) {
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
    match fairlead_plugin::run(args, &mut std::io::stdout()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Nobody is left to tell where this fails.
            let error = fairlead_plugin::shown(&error);
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn complete(words: &[std::ffi::OsString]) -> ExitCode {
    let words = words.iter().skip(2);
    let words: Vec<_> = words
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let text = fairlead_plugin::complete::complete(&words);
    // A shell that has gone away wants nothing more.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}
