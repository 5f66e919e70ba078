//! What is occupied: by streams in which nothing happens, after a start, on disk.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::ask::{Ask, Pace};
use crate::book::Book;
use crate::helper::Helper;
use crate::peer::fairlead::{self, Amounts, Setup, Tls, folder};
use crate::peer::{Peer, nginx};
use crate::statistics::precise;
use crate::turn::written;
use crate::usage::{descriptors, memory};
use crate::world::World;

/// Descriptors that are left for other things than streams, of which each takes two: more than a gateway keeps to itself.
const OTHER_DESCRIPTORS: usize = 2_000;

/// How often memory is measured at most: each time with a process of its own.
const ROUNDS: usize = 3;

/// Kilobytes of a megabyte.
const KILO: f64 = 1000.0;

/// What a stream occupies that has begun and of which nothing comes; what a second of it costs.
pub(super) async fn idle(world: &World, book: &mut Book) -> Result<()> {
    for _ in 0..world.plan.rounds(ROUNDS) {
        for (wanted, scenario) in [(1_000, "idle-1000"), (10_000, "idle-10000")] {
            let floor = nginx::with_room(world, false, 2 * wanted).await?;
            held(world, scenario, "nginx", &floor, wanted, book).await?;
            drop(floor);
            for (who, tls) in [("fairlead", Tls::None), ("fairlead-tls", Tls::Upstream)] {
                let mut setup = Setup::usual(world);
                setup.tls = tls;
                let gateway = fairlead::start(world, "fairlead", setup).await?;
                held(world, scenario, who, &gateway, wanted, book).await?;
            }
        }
    }
    Ok(())
}

async fn held(
    world: &World,
    scenario: &str,
    who: &str,
    peer: &Peer,
    wanted: usize,
    book: &mut Book,
) -> Result<()> {
    // Where a process may not have as many descriptors, as many streams as fit.
    let room = descriptors(peer.pid())?.saturating_sub(OTHER_DESCRIPTORS) / 2;
    let streams = wanted.min(room).to_string();
    sleep(world.plan.rest()).await;
    let before = memory(peer.pid())?.resident;
    let request = written(peer, Ask::stream(Pace::Held))?;
    let address = peer.address.to_string();
    let holder = Helper::start(&[
        "hold".as_ref(),
        address.as_ref(),
        request.as_os_str(),
        streams.as_ref(),
    ])?;
    let streams = precise(holder.line.parse().context("how many are held")?);
    sleep(world.plan.rest() / 2).await;
    let after = memory(peer.pid())?.resident;
    let (cpu, watched) = (world.meter.cpu(peer.pid())?, world.plan.rest() / 2);
    sleep(watched).await;
    let cpu = world.meter.cpu(peer.pid())?.saturating_sub(cpu);
    book.note(scenario, who, "streams", streams);
    book.note(scenario, who, "resident", after);
    book.note(
        scenario,
        who,
        "per_stream",
        (after - before) * KILO / streams,
    );
    book.note(
        scenario,
        who,
        "busy",
        cpu.as_secs_f64() * 100.0 / watched.as_secs_f64(),
    );
    Ok(())
}

/// How long it takes from the start until the gateway says that it is ready, and what it occupies when nothing happens.
pub(super) async fn start(world: &World, book: &mut Book) -> Result<()> {
    let usual = Setup::usual(world);
    for _ in 0..world.plan.rounds(usize::MAX) {
        let home = TempDir::new()?;
        copied(&world.plan.quickstart, &folder(home.path()))?;
        let plan = fairlead::plan(world, "quickstart", home, String::new(), usual).await?;
        let began = Instant::now();
        let gateway = plan.start().await?;
        book.note(
            "start",
            "quickstart",
            "ready",
            began.elapsed().as_secs_f64(),
        );
        sleep(world.plan.rest()).await;
        book.note(
            "start",
            "quickstart",
            "resident",
            memory(gateway.pid())?.resident,
        );
    }
    for (who, keys, rounds) in [("large", 10_000, ROUNDS), ("huge", 50_000, 1)] {
        let mut setup = usual;
        setup.amounts = Amounts {
            keys,
            rules: 1000,
            providers: 14,
        };
        for _ in 0..world.plan.rounds(rounds) {
            // Files are written before, so that the clock does not run while they are.
            let plan = fairlead::prepared(world, who, setup).await?;
            let began = Instant::now();
            let gateway = plan.start().await?;
            book.note("start", who, "ready", began.elapsed().as_secs_f64());
            sleep(world.plan.long_rest()).await;
            let memory = memory(gateway.pid())?;
            book.note("start", who, "resident", memory.resident);
            book.note("start", who, "resident_most", memory.peak);
        }
    }
    Ok(())
}

/// The YAML of a folder, in another one.
fn copied(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir(to)?;
    let entries = fs::read_dir(from).with_context(|| format!("{}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            fs::copy(&path, to.join(path.file_name().context("a name")?))?;
        }
    }
    Ok(())
}

/// The size of the gateway's program without its symbols, in megabytes.
pub(super) fn binary(world: &World, book: &mut Book) -> Result<()> {
    let home = TempDir::new()?;
    let stripped = home.path().join("stripped");
    let status = Command::new("strip")
        .arg("-o")
        .arg(&stripped)
        .arg(world.gateway()?)
        .status();
    ensure!(
        status.context("strip is not there (binutils)")?.success(),
        "strip failed"
    );
    let size = |path: &Path| anyhow::Ok(precise(fs::metadata(path)?.len()) / 1e6);
    book.note("binary", "fairlead", "size", size(&stripped)?);
    book.note(
        "binary",
        "fairlead",
        "size_unstripped",
        size(&world.gateway()?)?,
    );
    Ok(())
}
