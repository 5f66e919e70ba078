//! The scripted provider as a program: for trying a gateway by hand, and for drills (`docs/faults.md`).
//!
//! What it does with a request is said by the request itself - a model `fault:NAME`, a path `/play/NAME/…` - else by the script, else it
//! answers well.

mod journal;
mod script;

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use clap::Parser;
use fairlead_faults::{Dialect, Fault, Fits, Play, Provider, Seen, TEXT};
use serde_json::{Value, json};

use journal::Journal;
use script::Script;

/// An LLM provider that fails as it is told.
#[derive(Debug, Parser)]
#[command(name = "fairlead-faults", version)]
struct Args {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// What to do with requests that do not say it themselves (YAML).
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// Where one JSON line per request is appended; `-` is standard output.
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let args = Args::parse();
    let script = args.script.as_deref().map(Script::read).transpose()?;
    let script = Arc::new(script.unwrap_or_default());
    let mut builder = Provider::builder().early(|seen| {
        let fault = Fault::asked_by(seen).filter(|fault| fault.early)?;
        Some(fault.play(seen))
    });
    if let Some(path) = &args.log {
        let journal = Journal::open(path)?;
        builder = builder.watch(move |seen, played| journal.note(seen, played));
    }
    let provider = builder
        .listen(args.listen, move |seen| play(seen, &script))
        .await
        .with_context(|| {
            let address = args.listen;
            format!("cannot listen on {address}; choose another one with --listen")
        })?;
    writeln!(std::io::stdout(), "listening on {}", provider.base_url())?;
    tokio::signal::ctrl_c().await?;
    provider.stop().await;
    Ok(())
}

fn play(seen: &Seen, script: &Script) -> Play {
    if seen.method == "GET" && seen.path == "/faults" {
        return Play::json(200, &list());
    }
    if let Some(fault) = Fault::asked_by(seen) {
        return fault.play(seen);
    }
    if seen.model().starts_with("fault:") || seen.path.starts_with("/play/") {
        let message = "There is no fault of that name; GET /faults lists them.";
        return Play::json(
            404,
            &json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": "unknown_fault"}}),
        );
    }
    script
        .play(seen)
        .unwrap_or_else(|| Play::words(TEXT.split_inclusive(' ')))
}

fn list() -> Value {
    let faults = Fault::all().map(|fault| {
        let fits = match fault.fits {
            Fits::Both => "both",
            Fits::Whole => "whole",
            Fits::Streams => "streams",
        };
        let of = Dialect::all().filter(|dialect| {
            Fault::of(*dialect).any(|meant| meant.name == fault.name)
        });
        let of: Vec<_> = of.map(Dialect::name).collect();
        json!({"name": fault.name, "summary": fault.summary, "fits": fits, "early": fault.early, "of": of})
    });
    faults.collect()
}
