//! Turns: whoever is compared takes its turn in every round, so that whatever else the machine does meets all alike.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::time::{sleep, timeout};

use crate::ask::Ask;
use crate::book::Book;
use crate::key;
use crate::load::Outcome;
use crate::oha::{self, Amount, Target};
use crate::peer::Peer;
use crate::peer::fairlead::{folder, rules};
use crate::statistics::precise;
use crate::wire::is_complete;
use crate::world::World;

/// Who makes the load of a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Load {
    /// `oha`.
    Oha,
    /// `oha`, while the rules change every second.
    OhaWhileSwapping,
    /// Our own, with so many keys that take turns; tells the delays of chunks.
    Own {
        /// How many keys.
        keys: usize,
    },
}

/// One that takes its turn.
pub(crate) struct Entry<'a> {
    /// What the tables call it.
    pub(crate) who: String,
    /// The process.
    pub(crate) peer: &'a Peer,
    /// What it is asked.
    pub(crate) ask: Ask,
    /// By whom.
    pub(crate) load: Load,
    /// How many connections, at which rate.
    pub(crate) amount: Amount,
    /// Which key asks.
    pub(crate) key: usize,
    /// The place in the list of the one that it is compared with, in the same round.
    pub(crate) beside: usize,
}

impl<'a> Entry<'a> {
    /// A process under load by `oha` with the first key, beside the first in the list.
    pub(crate) fn new(world: &World, peer: &'a Peer, ask: Ask) -> Self {
        Self {
            who: peer.name.clone(),
            peer,
            ask,
            load: Load::Oha,
            amount: Amount {
                connections: world.plan.connections,
                rate: None,
                length: world.plan.turn(),
            },
            key: 0,
            beside: 0,
        }
    }
}

/// What a turn gave.
struct Turn {
    outcome: Outcome,
    /// Microseconds of CPU per request, of the process under test.
    cpu: f64,
}

/// How often rules change.
const SWAP: Duration = Duration::from_secs(1);

/// What an answer may take that is asked for on its own.
const PATIENCE: Duration = Duration::from_secs(20);

/// Every entry once in each round, in the order of the list and back; one turn each before that does not count. Of each turn it notes what it
/// cost, how many requests there were, what the load tells, and all of it beside another entry's: as `_x`, so many times, and `_more`.
pub(crate) async fn alternate(
    world: &World,
    scenario: &str,
    entries: &[Entry<'_>],
    book: &mut Book,
) -> Result<()> {
    for entry in entries {
        book.configured(&entry.peer.name, &entry.peer.configuration);
        prove(entry)
            .await
            .with_context(|| format!("one request to {}", entry.who))?;
        let amount = Amount {
            length: world.plan.warm_up(),
            ..entry.amount
        };
        take(world, entry, amount).await?;
    }
    for round in 0..world.plan.rounds(usize::MAX) {
        let mut turns: Vec<Option<Turn>> = entries.iter().map(|_| None).collect();
        let mut order: Vec<usize> = (0..entries.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for place in order {
            let entry = &entries[place];
            let turn = take(world, entry, entry.amount).await;
            turns[place] = Some(turn.with_context(|| format!("load on {}", entry.who))?);
        }
        let turns: Vec<Turn> = turns.into_iter().flatten().collect();
        for (entry, turn) in entries.iter().zip(&turns) {
            note(scenario, entry, turn, &turns[entry.beside], book);
        }
    }
    Ok(())
}

fn note(scenario: &str, entry: &Entry<'_>, turn: &Turn, beside: &Turn, book: &mut Book) {
    let rate = |turn: &Turn| precise(turn.outcome.requests) / turn.outcome.seconds;
    let mut compared = |what: &str, own: f64, other: f64| {
        book.note(scenario, &entry.who, what, own);
        book.note(scenario, &entry.who, &format!("{what}_x"), own / other);
        book.note(scenario, &entry.who, &format!("{what}_more"), own - other);
    };
    compared("cpu", turn.cpu, beside.cpu);
    compared("rate", rate(turn), rate(beside));
    for (name, own) in &turn.outcome.times {
        let other = beside.outcome.times.get(name).copied();
        compared(name, *own, other.unwrap_or(f64::NAN));
    }
    book.note(scenario, &entry.who, "errors", precise(turn.outcome.errors));
}

/// One process under load for that long.
async fn take(world: &World, entry: &Entry<'_>, amount: Amount) -> Result<Turn> {
    let before = world.meter.cpu(entry.peer.pid())?;
    let outcome = drive(world, entry, amount).await?;
    let spent = world.meter.cpu(entry.peer.pid())?.saturating_sub(before);
    entry.peer.empty_access_log()?;
    Ok(Turn {
        cpu: spent.as_secs_f64() * 1e6 / precise(outcome.requests),
        outcome,
    })
}

/// Puts load on a process; how many requests it answers a second is of use before it is compared with anything.
pub(crate) async fn drive(world: &World, entry: &Entry<'_>, amount: Amount) -> Result<Outcome> {
    let with_oha = async || {
        let body = entry.peer.home.path().join("body.json");
        fs::write(&body, entry.ask.body())?;
        let target = Target {
            url: &entry.peer.url(&entry.ask.path()),
            body: &body,
            key: &key(entry.key),
            headers: &entry.peer.headers,
            certificate: &world.certificate.certificate,
            least_bytes: entry.ask.least_bytes(),
        };
        oha::drive(world.oha(), &target, amount).await
    };
    match entry.load {
        Load::Oha => with_oha().await,
        Load::OhaWhileSwapping => tokio::select! {
            outcome = with_oha() => outcome,
            error = swap(entry.peer) => Err(error),
        },
        Load::Own { keys } => own(entry, amount, keys).await,
    }
}

/// Changes the rules every second, until it is dropped.
async fn swap(peer: &Peer) -> anyhow::Error {
    let path = folder(peer.home.path()).join("rules.yaml");
    for second in [20, 40].into_iter().cycle() {
        sleep(SWAP / 2).await;
        if let Err(error) = fs::write(&path, rules(second)) {
            return error.into();
        }
        sleep(SWAP / 2).await;
    }
    anyhow::anyhow!("it goes round for ever")
}

/// Writes the request as it goes over a connection; the file's path.
pub(crate) fn written(peer: &Peer, ask: Ask) -> Result<PathBuf> {
    let path = peer.home.path().join("request");
    fs::write(&path, ask.request(peer.address, &key(0)))?;
    Ok(path)
}

async fn own(entry: &Entry<'_>, amount: Amount, keys: usize) -> Result<Outcome> {
    let request = written(entry.peer, entry.ask)?;
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("load")
        .arg("--request")
        .arg(request)
        .args(["--address", &entry.peer.address.to_string()])
        .args(["--proof", entry.ask.surface.proof(entry.ask.kind)])
        .args(["--connections", &amount.connections.to_string()])
        .args(["--millis", &amount.length.as_millis().to_string()])
        .args(["--keys", &keys.to_string()])
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    let output = timeout(amount.length + PATIENCE, command.output())
        .await
        .context("the load did not end")??;
    ensure!(
        output.status.success(),
        "it failed; what it said stands above"
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Asks once and looks at the answer, which `oha` does not. Not over TLS, of which only the bytes are counted.
async fn prove(entry: &Entry<'_>) -> Result<()> {
    if entry.peer.is_secure {
        return Ok(());
    }
    let mut request = entry.ask.request(entry.peer.address, &key(entry.key));
    for header in &entry.peer.headers {
        let at = memchr::memmem::find(&request, b"\r\n").context("a line")? + 2;
        request.splice(at..at, format!("{header}\r\n").into_bytes());
    }
    let mut tcp = TcpStream::connect(entry.peer.address).await?;
    tcp.write_all(&request).await?;
    let mut answer = bytes::BytesMut::new();
    let read = async {
        while !is_complete(&answer)? {
            ensure!(
                tcp.read_buf(&mut answer).await? > 0,
                "the connection ended within an answer"
            );
        }
        anyhow::Ok(())
    };
    timeout(PATIENCE, read).await.context("no answer")??;
    let proof = entry.ask.surface.proof(entry.ask.kind).as_bytes();
    ensure!(
        memchr::memmem::find(&answer, proof).is_some(),
        "not what the upstream sends: {}",
        String::from_utf8_lossy(&answer)
    );
    Ok(())
}
