//! What a request costs beside what it costs in the floor, or beside another request of the gateway's.

use anyhow::{Context, Result, ensure};
use tokio::time::sleep;

use crate::answer::{Kind, Speech};
use crate::ask::{Ask, Pace, Prompt};
use crate::book::Book;
use crate::peer::fairlead::{self, Setup, Tls};
use crate::peer::others::Other;
use crate::peer::{Peer, nginx};
use crate::turn::{Entry, alternate};
use crate::usage::memory;
use crate::world::World;

/// Connections of paced streams: each is busy for 0.6 s.
const PACED_CONNECTIONS: usize = 128;

pub(super) async fn whole(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    sleep(world.plan.rest()).await;
    for peer in [&floor, &gateway] {
        book.note(
            "whole",
            &peer.name,
            "resident",
            memory(peer.pid())?.resident,
        );
    }
    beside(
        world,
        "whole",
        [&floor, &gateway],
        Ask::plain(Kind::Whole),
        book,
    )
    .await?;
    for peer in [&floor, &gateway] {
        let memory = memory(peer.pid())?;
        book.note("whole", &peer.name, "resident_after", memory.resident);
        book.note("whole", &peer.name, "resident_most", memory.peak);
    }
    everything_was_on(world, &gateway, book).await
}

/// That what is said to be on has done something: metrics, lines, traces, entries of the log.
async fn everything_was_on(world: &World, gateway: &Peer, book: &mut Book) -> Result<()> {
    // Batches are sent after a second, and kept after 0.2 s.
    sleep(std::time::Duration::from_secs(2)).await;
    let metrics = [
        ("fairlead_otlp_exported_total", "signal=\"traces\"", "spans"),
        (
            "fairlead_otlp_dropped_total",
            "signal=\"traces\"",
            "spans_dropped",
        ),
        ("fairlead_request_log_written_total", "", "entries"),
        ("fairlead_request_log_dropped_total", "", "entries_dropped"),
        ("fairlead_access_lines_dropped_total", "", "lines_dropped"),
    ];
    for (metric, label, what) in metrics {
        book.note(
            "on",
            &gateway.name,
            what,
            gateway.metric(metric, label).await?,
        );
    }
    let was_on = |what: &str| book.median("on", &gateway.name, what).unwrap_or_default() > 0.0;
    ensure!(was_on("spans"), "no trace was exported");
    let setup = Setup::usual(world);
    ensure!(
        !setup.is_logged_on_disk || was_on("entries"),
        "nothing was kept in the request log"
    );
    Ok(())
}

pub(super) async fn prompt(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    let mut ask = Ask::plain(Kind::Whole);
    ask.prompt = Prompt::Long;
    beside(world, "prompt", [&floor, &gateway], ask, book).await
}

pub(super) async fn burst(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    beside(
        world,
        "burst",
        [&floor, &gateway],
        Ask::stream(Pace::Burst),
        book,
    )
    .await
}

pub(super) async fn paced(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    let entries = [&floor, &gateway].map(|peer| {
        let mut entry = Entry::new(world, peer, Ask::stream(Pace::Paced));
        entry.amount.connections = PACED_CONNECTIONS;
        entry
    });
    alternate(world, "paced", &entries, book).await
}

pub(super) async fn tls(world: &World, book: &mut Book) -> Result<()> {
    let floor = nginx::start(world, true).await?;
    let mut setup = Setup::usual(world);
    setup.tls = Tls::Both;
    let gateway = fairlead::start(world, "fairlead", setup).await?;
    beside(
        world,
        "tls",
        [&floor, &gateway],
        Ask::plain(Kind::Whole),
        book,
    )
    .await
}

/// The gateway alone: what it costs to put an answer into other words, beside one that it passes on.
pub(super) async fn translated(world: &World, book: &mut Book) -> Result<()> {
    let gateway = fairlead::start(world, "fairlead", Setup::usual(world)).await?;
    for (scenario, kind) in [
        ("translated-whole", Kind::Whole),
        ("translated-burst", Kind::Stream),
    ] {
        let pairs = [
            ("passed", Speech::OpenAi, Speech::OpenAi),
            ("by-anthropic", Speech::OpenAi, Speech::Anthropic),
            ("by-gemini", Speech::OpenAi, Speech::Gemini),
            ("to-anthropic", Speech::Anthropic, Speech::OpenAi),
        ];
        let entries = pairs.map(|(who, surface, dialect)| {
            let mut ask = Ask::plain(kind);
            (ask.surface, ask.dialect) = (surface, dialect);
            let mut entry = Entry::new(world, &gateway, ask);
            who.clone_into(&mut entry.who);
            entry
        });
        alternate(world, scenario, &entries, book).await?;
    }
    Ok(())
}

/// Two gateways, of which one has a provider that fails half the time: what that costs, and that no caller sees it.
pub(super) async fn failing(world: &World, book: &mut Book) -> Result<()> {
    let mut setup = Setup::usual(world);
    let sound = fairlead::start(world, "sound", setup).await?;
    setup.is_flaky = true;
    let failing = fairlead::start(world, "failing", setup).await?;
    beside(
        world,
        "failing",
        [&sound, &failing],
        Ask::plain(Kind::Whole),
        book,
    )
    .await
}

/// Two gateways, of which one keeps finished requests on disk.
pub(super) async fn request_log(world: &World, book: &mut Book) -> Result<()> {
    let mut setup = Setup::usual(world);
    setup.is_logged_on_disk = false;
    let memory = fairlead::start(world, "memory", setup).await?;
    setup.is_logged_on_disk = true;
    let disk = fairlead::start(world, "disk", setup).await?;
    beside(
        world,
        "request-log",
        [&memory, &disk],
        Ask::plain(Kind::Whole),
        book,
    )
    .await
}

/// Other gateways beside the same floor; what cannot be started or does not answer is told and left out.
pub(super) async fn others(world: &World, book: &mut Book) -> Result<()> {
    let (floor, gateway) = pair(world).await?;
    for other in Other::ALL.into_iter().filter(|other| other.is_installed()) {
        let measured = async {
            let peer = other.plan(world).await?.start().await?;
            for (kind, scenario) in [
                (Kind::Whole, "others-whole"),
                (Kind::Stream, "others-burst"),
            ] {
                let entries =
                    [&floor, &gateway, &peer].map(|peer| Entry::new(world, peer, Ask::plain(kind)));
                alternate(world, scenario, &entries, book).await?;
            }
            book.note(
                "others-whole",
                &peer.name,
                "resident",
                memory(peer.pid())?.resident,
            );
            anyhow::Ok(())
        };
        // It is no fault of the gateway's, so that it is no problem of the run.
        if let Err(error) = measured
            .await
            .with_context(|| format!("{} is left out", other.name()))
        {
            crate::say(&format!("{error:#}"));
        }
    }
    Ok(())
}

/// The floor and the gateway.
pub(super) async fn pair(world: &World) -> Result<(Peer, Peer)> {
    let floor = nginx::start(world, false).await?;
    let gateway = fairlead::start(world, "fairlead", Setup::usual(world)).await?;
    Ok((floor, gateway))
}

async fn beside(
    world: &World,
    scenario: &str,
    peers: [&Peer; 2],
    ask: Ask,
    book: &mut Book,
) -> Result<()> {
    let entries = peers.map(|peer| Entry::new(world, peer, ask));
    alternate(world, scenario, &entries, book).await
}
