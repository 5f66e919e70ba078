//! A provider to run as a pod: answers chat completions, whole and streamed, with its own name as the text.
//!
//! The requested model says how else: `slow` is a token every 500 ms for 20 s, `status-503` that status, `whoami` the `authorization`
//! field that reached it.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Parser;
use fairlead_e2e::say;
use fairlead_faults::{Play, Provider, Seen};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// Tokens of a slow answer, and the time before each.
const SLOW: (usize, Duration) = (40, Duration::from_millis(500));

/// A scripted provider.
#[derive(Debug, Parser)]
struct Args {
    /// What it answers with
    #[arg(long)]
    name: String,
    /// Where it listens, on every address
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let port = args.port;
    say(&format!("{} listens on port {port}", args.name));
    let provider = Provider::start(move |seen| play(&args.name, seen)).await;
    // The first process of a container is sent no signal that it does not ask for.
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        outcome = relay(port, provider.address()) => outcome?,
        _ = terminate.recv() => {}
    }
    Ok(ExitCode::SUCCESS)
}

fn play(name: &str, seen: &Seen) -> Play {
    match seen.model().as_str() {
        "slow" => Play::words(vec!["token "; SLOW.0]).every(SLOW.1),
        "whoami" => Play::chat(seen.header("authorization").unwrap_or("nobody")),
        model => match model.strip_prefix("status-").map(str::parse) {
            Some(Ok(status)) => Play::status(status),
            Some(Err(_)) | None => Play::chat(name),
        },
    }
}

/// From every address to the provider, which listens on loopback only.
async fn relay(port: u16, provider: SocketAddr) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port))
        .await
        .with_context(|| format!("cannot listen on port {port}"))?;
    let mut connections = JoinSet::new();
    loop {
        let (mut caller, _) = listener.accept().await?;
        connections.spawn(async move {
            let mut provider = TcpStream::connect(provider).await?;
            copy_bidirectional(&mut caller, &mut provider).await
        });
        while connections.try_join_next().is_some() {}
    }
}
