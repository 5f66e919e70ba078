//! Two tenants, one of them hostile, against a real API server, an operator and a gateway: whatever one does with its own objects, the other's
//! edits are enforced in seconds, revocations included, and the operator stays within the memory that the chart gives it.

#[path = "two_tenants/tricks.rs"]
mod tricks;
#[path = "two_tenants/world.rs"]
mod world;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{Published, condition, say};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::world::{Keys, World};

/// For how long the other tenant edits while it is attacked.
const ATTACK: Duration = Duration::from_secs(60);
/// Between two edits.
const PAUSE: Duration = Duration::from_millis(300);
/// In which time each edit is to be enforced, in seconds.
const BOUND: f64 = 5.0;
/// By how much a machine that does other things may be slower. The figure shows how it was.
const TOLERANCE: f64 = 5.0;
/// In which time the conditions of the last edit are to say so, in seconds.
const TOLD: f64 = 30.0;
/// More ConfigMaps than this are never kept: 500 shards that nobody reads any more, and what is live.
const SHARDS: u32 = 600;

/// What was seen of the attack.
#[derive(Debug)]
struct Seen {
    /// How long each edit took to be enforced.
    times: Vec<Duration>,
    /// How long it took until the conditions of the last one said so.
    told: Duration,
    /// How many ConfigMaps there were in the end.
    most: usize,
    /// How often something hostile was written.
    played: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_one_tenant_does_the_others_edits_are_enforced_in_time() -> Result<()> {
    let mut world = World::start().await?;
    let keys = world.settle_in().await?;
    let quiet = world.edit_and_ask(&keys, 1).await?;
    let seen = attack(&mut world, &keys).await?;
    check_keys(&world, &keys).await?;
    say(&format!("alone an edit was enforced in {quiet:?}"));
    judge(&seen, world.operator.peak_memory()?, world.memory_limit)
}

/// Has the hostile tenant play all its tricks while the other one edits.
async fn attack(world: &mut World, keys: &Keys) -> Result<Seen> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut hostile = JoinSet::new();
    for trick in tricks::ALL {
        hostile.spawn(trick.play(world.client().clone(), Arc::clone(&stop)));
    }
    let mut seen = Seen {
        times: Vec::new(),
        told: Duration::ZERO,
        most: 0,
        played: 0,
    };
    let (began, mut edit) = (Instant::now(), 1);
    while began.elapsed() < ATTACK {
        edit += 1;
        seen.times.push(world.edit_and_ask(keys, edit).await?);
        world.must_run()?;
        sleep(PAUSE).await;
    }
    seen.most = world.shards().await?;
    let last = Instant::now();
    condition(world.client(), &world::rule(edit), "Programmed", "True").await?;
    seen.told = last.elapsed();
    stop.store(true, Ordering::Relaxed);
    while let Some(outcome) = hostile.join_next().await {
        seen.played += outcome??;
    }
    Ok(seen)
}

fn judge(seen: &Seen, memory: f64, memory_limit: f64) -> Result<()> {
    let slowest = seen.times.iter().max().copied().unwrap_or_default();
    let of = |what: &str| format!("hostile tenant: {what}");
    let edits = seen.times.len();
    let figures = [
        Figure::within(
            &of("another tenant's slowest edit, enforced"),
            slowest,
            BOUND,
        ),
        Figure::no_fewer(&of("another tenant's edits"), edits, "edits", 5),
        Figure::within(
            &of("Programmed of another tenant's last edit"),
            seen.told,
            TOLD,
        ),
        Figure::at_most(
            &of("most memory of the operator"),
            memory,
            "MiB",
            memory_limit,
        ),
        Figure::no_more(&of("ConfigMaps kept"), seen.most, "objects", SHARDS),
        Figure::no_fewer(
            &of("objects and edits thrown at it"),
            seen.played,
            "writes",
            300,
        ),
    ];
    results::record(&figures)?;
    for figure in &figures {
        say(&format!("{figure:?}"));
    }
    let in_time = slowest.as_secs_f64() <= BOUND * TOLERANCE;
    let rest = figures.iter().skip(1).all(|figure| figure.ok);
    ensure!(in_time && rest, "{seen:?}");
    Ok(())
}

/// Nobody has taken the other tenant's keys over, and none of the hostile one's with the same value is in force.
async fn check_keys(world: &World, keys: &Keys) -> Result<()> {
    for key in [&keys.caller, &keys.made] {
        let answer = world.ask(key, "chat").await?;
        ensure!(answer.status == 200, "the victim's key: {answer:?}");
    }
    Published::until(world.client(), "no leaked value is in force", |now| {
        now.entry("keys", "hostile/takeover")
            .is_none_or(|key| key["digest"].is_null())
    })
    .await?;
    Ok(())
}
