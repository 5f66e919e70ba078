//! `import` and `providers`: what another gateway's file or the environment would be here, without serving anything.

use std::fmt::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use fairlead_start::{Import, Shown, variables};

use crate::args;
use crate::check::Printed;
use crate::config::start::variable;
use crate::config::written;

/// Where the gateway listens if nobody says otherwise.
const LISTEN: SocketAddr =
    SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// The providers that the environment names, with the variables that do.
#[must_use]
pub fn providers() -> Printed {
    let found = match variables(&variable, LISTEN, None) {
        Ok(found) => found,
        Err(error) => {
            return Printed {
                text: format!("{error}\n"),
                good: false,
            };
        }
    };
    let mut text = String::new();
    for source in &found.sources {
        // A string takes everything.
        let _ = writeln!(text, "{}: {}", source.provider, source.variables.join(", "));
    }
    for note in &found.notes {
        let _ = writeln!(text, "{note}");
    }
    Printed { text, good: true }
}

/// Makes resources of a file: prints them, or writes them where `--write-config` says.
///
/// # Errors
/// The file cannot be read or is no configuration that is known, or the folder cannot be written.
pub fn import(args: &args::Import) -> anyhow::Result<Printed> {
    let file = args.file.display().to_string();
    let text =
        std::fs::read_to_string(&args.file).with_context(|| format!("cannot read {file}"))?;
    let import = fairlead_start::import(&text, &variable)
        .with_context(|| format!("cannot import {file}"))?;
    let told = told(&file, &import);
    let text = match &args.write_config {
        Some(directory) => {
            let files = import.resources.files(Shown::Values);
            written::write(directory, &files)?;
            let names: Vec<&str> = files.iter().map(|file| file.name).collect();
            let directory = directory.display();
            format!(
                "{told}written to {directory}: {}\nGo on with: fairlead-gateway check {directory}\n",
                names.join(", ")
            )
        }
        None => {
            aside(&told);
            let files = import.resources.files(Shown::Nothing);
            let texts: Vec<String> = files.into_iter().map(|file| file.text).collect();
            texts.join("---\n")
        }
    };
    Ok(Printed { text, good: true })
}

/// What could not be carried over, and how much could.
fn told(file: &str, import: &Import) -> String {
    let mut text = String::new();
    for note in &import.notes {
        let _ = writeln!(text, "{file}: {note}");
    }
    let resources = &import.resources;
    let _ = writeln!(
        text,
        "{}: {} providers, {} rules, {} keys; {} things are not as they were, each with its reason above",
        import.from,
        resources.providers.len(),
        resources.rules.len(),
        resources.callers.len(),
        import.notes.len()
    );
    text
}

/// Beside the resources, which may go into a file.
#[expect(
    clippy::print_stderr,
    reason = "lines for the person who imports, not a log record"
)]
fn aside(told: &str) {
    eprint!("{told}");
}
