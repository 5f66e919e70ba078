//! What is counted stays counted when gateways are killed, and when the store is killed, paused, emptied or replaced.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use crate::books::{Line, compare};
use crate::callers::{Call, Crowd, Until};
use crate::fleet::{ROUGH, World, budget, holder};
use crate::full;
use crate::redis::{Sentinel, Server, say, until};
use crate::results::{at_least, at_most, count, usd};

const SECOND: Duration = Duration::from_secs(1);

/// What the dearest request may have reserved that has no line: a whole cold estimate, twice where it was hedged.
const RESERVED: i64 = 2 * (4096 * 27_501 + 3_000_000);

/// How many gateways are killed.
fn kills() -> usize {
    if full() { 30 } else { 5 }
}

/// Kills a gateway each second and starts it again, and tells the callers to stop when enough of them were.
async fn kill_by_turns(world: &mut World, keeps_journal: bool, stop: Arc<AtomicBool>) {
    let mut seconds = tokio::time::interval(SECOND);
    seconds.tick().await;
    for killed in 0..kills() {
        seconds.tick().await;
        world.replace(killed % 4, keeps_journal).await;
    }
    seconds.tick().await;
    stop.store(true, Ordering::Relaxed);
}

/// How many calls have left no line.
fn without_line(calls: &[Call], lines: &[Line]) -> usize {
    let known: HashSet<_> = lines.iter().map(|line| line.trace.as_str()).collect();
    let unknown = calls
        .iter()
        .filter(|call| !known.contains(call.trace.as_str()));
    unknown.count()
}

/// What is asked, beside what is used up.
fn keys() -> String {
    holder("sum", &budget("1000", "")) + &holder("soft", &budget("1.00", ""))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn nothing_is_lost_of_gateways_that_are_killed_and_keep_their_journal() {
    let mut world = World::start(4, ROUGH, &keys()).await;
    let (addresses, stop) = (world.addresses.clone(), Arc::new(AtomicBool::new(false)));
    let until = || Until::Stopped(Arc::clone(&stop));
    let (sum, mut soft, ()) = tokio::join!(
        Crowd::mixed("sum", 32, until()).call(&addresses),
        Crowd::mixed("soft", 32, until()).call(&addresses),
        kill_by_turns(&mut world, true, Arc::clone(&stop)),
    );
    let last = Crowd::mixed("soft", 32, Until::Refused(SECOND * 3));
    soft.extend(last.call(&addresses).await);
    let name = format!("{} gateways killed -9, journal kept", kills());
    for (key, calls) in [("sum", sum), ("soft", soft)] {
        let used = world.settled(key, "day").await;
        let all = world.lines(key);
        let lines: i64 = all.iter().map(|line| line.nanos).sum();
        let lost = used - world.stored(key);
        at_most(&format!("{name}: lost, {key}"), usd(lost), "USD", 0.0);
        let without = without_line(&calls, &all);
        println!(
            "{key}: used {used}, lines {lines}, {without} of {} calls without a line",
            calls.len()
        );
        assert!(lines <= used, "{key}: lines {lines}, used {used}");
        let reserved = RESERVED * i64::try_from(without).unwrap();
        assert!(
            used <= lines + reserved,
            "{key}: lines {lines}, used {used}, {without} without"
        );
        compare(&all, &world.vendors).holds();
    }
    let used = world.settled("soft", "day").await;
    at_least(
        &format!("{name}: budget of 1 USD usable"),
        usd(used) * 100.0,
        "%",
        99.0,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn of_gateways_that_vanish_with_their_journal_at_most_what_they_held_is_lost() {
    let mut world = World::start(4, ROUGH, &holder("sum", &budget("1000", ""))).await;
    let (addresses, stop) = (world.addresses.clone(), Arc::new(AtomicBool::new(false)));
    let (calls, ()) = tokio::join!(
        Crowd::mixed("sum", 32, Until::Stopped(Arc::clone(&stop))).call(&addresses),
        kill_by_turns(&mut world, false, stop),
    );
    // The dead count as lost after three seconds of silence.
    tokio::time::sleep(SECOND * 4).await;
    let (used, stored) = (world.settled("sum", "day").await, world.stored("sum"));
    let all = world.lines("sum");
    let lines: i64 = all.iter().map(|line| line.nanos).sum();
    println!("vanished: used and lost {used}, lines {lines}, used {stored}");
    assert!(lines <= used, "lines {lines}, used and lost {used}");
    // What was settled just before the end was told to the store, perhaps, and is in no line.
    let unseen = RESERVED * i64::try_from(without_line(&calls, &all)).unwrap();
    assert!(stored <= lines + unseen, "used {stored}, lines {lines}");
    at_most(
        &format!("{} gateways vanish, of a budget of 1000 USD: lost", kills()),
        usd(used - stored),
        "USD",
        200.0,
    );
}

/// How calls went that were sent in a time.
struct Spell {
    statuses: Vec<u16>,
    longest: Duration,
}

fn spell(calls: &[Call], from: Duration, to: Duration) -> Spell {
    let during: Vec<_> = calls
        .iter()
        .filter(|call| call.sent >= from && call.sent < to)
        .collect();
    let longest = during.iter().filter(|call| call.status == 503);
    let longest = longest
        .map(|call| call.answered.saturating_sub(call.sent))
        .max();
    Spell {
        statuses: during.iter().map(|call| call.status).collect(),
        longest: longest.unwrap_or_default(),
    }
}

impl Spell {
    fn with(&self, status: u16) -> usize {
        self.statuses.iter().filter(|one| **one == status).count()
    }
}

/// The keys of which one denies and one allows while the store is away.
fn either() -> String {
    holder("denies", &budget("1000", ""))
        + &holder("allows", &budget("1000", ", onStoreFailure: Allow"))
}

/// Both crowds, for so long, while something is done with the world.
async fn during(
    world: &mut World,
    time: Duration,
    storm: impl AsyncFnOnce(&mut World),
) -> [Vec<Call>; 2] {
    let addresses = world.addresses.clone();
    let (denied, allowed, ()) = tokio::join!(
        Crowd::mixed("denies", 16, Until::Passed(time)).call(&addresses),
        Crowd::mixed("allows", 16, Until::Passed(time)).call(&addresses),
        storm(world),
    );
    [denied, allowed]
}

/// After the store has come back, it is used, and all that was used is in it.
async fn recovered(world: &World, name: &str, calls: &[Vec<Call>; 2], back: Duration) {
    let [denied, allowed] = calls;
    let served = denied
        .iter()
        .filter(|call| call.status == 200 && call.sent >= back)
        .map(|call| call.sent)
        .min();
    let served = served.expect("nobody is served any more");
    at_most(
        &format!("{name}: until served again"),
        served.saturating_sub(back).as_secs_f64(),
        "s",
        10.0,
    );
    let late = spell(denied, back + SECOND * 5, Duration::MAX);
    assert_eq!(late.with(503), 0, "{:?}", late.statuses);
    assert!(late.with(200) > 0, "{:?}", late.statuses);
    assert_eq!(spell(allowed, Duration::ZERO, Duration::MAX).with(503), 0);
    for key in ["denies", "allows"] {
        world.balanced(key).await;
        compare(&world.lines(key), &world.vendors).holds();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn a_store_that_is_paused_is_done_without_as_declared_and_quickly() {
    let keys = either() + &holder("late", &budget("1000", ""));
    let mut world = World::start(4, ROUGH, &keys).await;
    let began = Instant::now();
    let mut late = Vec::new();
    let calls = during(&mut world, SECOND * 20, async |world| {
        tokio::time::sleep(SECOND * 2).await;
        world.store.pause();
        // Who has used nothing yet holds nothing.
        let mut crowd = Crowd::mixed("late", 8, Until::Passed(SECOND * 8));
        crowd.hang_up = 0;
        tokio::time::sleep(SECOND).await;
        late = crowd.call(&world.addresses).await;
        tokio::time::sleep_until(began + SECOND * 12).await;
        world.store.resume();
    })
    .await;
    let [_, allowed] = &calls;
    let served = spell(allowed, SECOND * 4, SECOND * 12);
    assert!(served.with(503) == 0, "{:?}", served.statuses);
    at_least(
        "store paused for 10 s: served where declared",
        count(served.with(200)),
        "requests",
        50.0,
    );
    assert!(late.len() > 20, "{late:?}");
    let refused = spell(&late, Duration::ZERO, Duration::MAX);
    assert_eq!(refused.with(503), late.len(), "{:?}", refused.statuses);
    let other = late
        .iter()
        .find(|call| !["store_unavailable", "overloaded_error"].contains(&&*call.code));
    assert!(other.is_none(), "{other:?}");
    at_most(
        "store paused for 10 s: the longest refusal of who has nothing left",
        refused.longest.as_secs_f64() * 1000.0,
        "ms",
        1250.0,
    );
    recovered(&world, "store paused for 10 s", &calls, SECOND * 12).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn a_store_that_is_killed_is_told_anew_whatever_it_has_forgotten() {
    for (forgets, name) in [
        (false, "store killed -9"),
        (true, "store killed -9, and its file gone"),
    ] {
        let mut world = World::start(4, ROUGH, &either()).await;
        let calls = during(&mut world, SECOND * 11, async |world| {
            tokio::time::sleep(SECOND * 3).await;
            world.store.kill();
            if forgets {
                world.store.forgets();
            }
            tokio::time::sleep(SECOND).await;
            tokio::task::block_in_place(|| world.store.resume_process());
        })
        .await;
        recovered(&world, name, &calls, SECOND * 4).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn a_store_that_fails_over_is_told_anew() {
    let master = Server::start(&["--appendfsync", "everysec"]);
    let replica_of = format!("127.0.0.1 {}", master.port);
    let follower = Server::start(&["--replicaof", &replica_of]);
    follower.until(&["INFO", "replication"], "master_link_status:up");
    let sentinel = Sentinel::watch(master.port);
    let url = format!("valkey+sentinel://127.0.0.1:{}/counters", sentinel.port);
    until(|| say(sentinel.port, &["SENTINEL", "MASTERS"]).contains("num-slaves\r\n$1\r\n1"));
    let mut world = World::on(master, &url, 4, ROUGH, &either()).await;
    let calls = during(&mut world, SECOND * 16, async |world| {
        tokio::time::sleep(SECOND * 3).await;
        world.store.kill();
    })
    .await;
    recovered(&world, "store failed over", &calls, SECOND * 3).await;
    drop(follower);
}
