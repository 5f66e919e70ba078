//! What limits cost: CPU of a request with all of them beside one with none, however many keys there are; and calls of the store.

mod load;

use std::time::Duration;

use tokio::time::Instant;

use crate::callers::{Crowd, Until};
use crate::fleet::{PRICES, ROUGH, World, budget, holder};
use crate::full;
use crate::harness::yaml::{ONCE, chain, object, provider};
use crate::harness::{Gateway, Setup};
use crate::redis::Server;
use crate::results::{about_at_most, at_most, count};
use load::{Upstream, turn};

/// What a machine that is busy may add: figures are judged by their own bound, the test by so many times that.
const BUSY: f64 = 5.0;
/// What a build without optimisation costs.
const PLAIN: f64 = 40.0;

const SMALL: usize = 300;
const LARGE: usize = 100_000;

/// What a request without limits took where the bounds were set, in microseconds (docs/performance.md).
const BARE: f64 = 35.0;

/// What a slower machine takes longer for everything, it may take longer for limits.
fn slack(bare: f64) -> f64 {
    let plain = if cfg!(debug_assertions) { PLAIN } else { 1.0 };
    BUSY * (bare / BARE).max(plain)
}

/// A key without limits, and one with six of them, on four levels.
fn documents(upstream: &Upstream) -> String {
    let amount = |name: &str| {
        format!(
            "budgets: [{{name: {name}, amount: \"1000000\", period: Monthly, timeZone: Europe/Berlin}}]"
        )
    };
    let rate = |unit: &str| {
        format!("rateLimits: [{{name: rate, unit: {unit}, limit: 1000000000, per: 1m}}]")
    };
    let price = format!("{ONCE}, {}", PRICES[0].field());
    [
        provider("free", &upstream.base_url(), &price),
        provider(
            "held",
            &upstream.base_url(),
            &format!("{price}, {}", amount("provider")),
        ),
        object(
            "Organization",
            "company",
            &format!("namespaceSelector: {{}}, {}", amount("organization")),
        ),
        object(
            "Team",
            "research",
            &format!(
                "organizationRef: {{name: company}}, {}, {}",
                amount("team"),
                rate("Tokens")
            ),
        ),
        holder("bare", ""),
        holder(
            "limited",
            &format!(
                "teamRef: {{name: research}}, {}, {}",
                amount("key"),
                rate("Requests")
            ),
        ),
        chain("bare", &["free"], ""),
        chain("limited", &["held"], ""),
    ]
    .concat()
}

/// A gateway on a store, with so many keys that nobody uses beside those that are used.
async fn gateway(upstream: &Upstream, store: &Server, others: usize) -> Gateway {
    let mut setup = Setup::new().file("all.yaml", &documents(upstream));
    // No namespace may hold all of them.
    for (space, numbers) in (0..others).collect::<Vec<_>>().chunks(5000).enumerate() {
        let keys = numbers.iter().map(|number| {
            holder(
                &format!("space-{space}/filler-{number}"),
                &budget("1.00", ""),
            )
        });
        setup = setup.file(&format!("space-{space}.yaml"), &keys.collect::<String>());
    }
    let url = format!("valkey://127.0.0.1:{}", store.port);
    setup
        .arguments(&["--store", &url, "--store-journal", "{}/journal"])
        .arguments(&[
            "--store-prefix",
            &format!("others-{others}"),
            "--access-log",
            "off",
        ])
        .start()
        .await
}

/// The middle one.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn rounds() -> (usize, Duration) {
    if full() {
        (9, Duration::from_secs(2))
    } else {
        (9, Duration::from_millis(500))
    }
}

/// What the limits add to a request of this size, in microseconds of CPU.
async fn added(gateway: &Gateway, bytes: usize) -> (f64, f64) {
    let (rounds, time) = rounds();
    let (mut bare, mut more) = (Vec::new(), Vec::new());
    for key in ["bare", "limited"] {
        turn(gateway, key, bytes, time / 2).await;
    }
    for _ in 0..rounds {
        let without = turn(gateway, "bare", bytes, time).await;
        let with = turn(gateway, "limited", bytes, time).await;
        bare.push(without);
        more.push(with - without);
    }
    (median(bare), median(more))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn six_limits_on_four_levels_add_microseconds_whatever_the_size() {
    let (upstream, store) = (Upstream::start().await, Server::start(&[]));
    let gateway = gateway(&upstream, &store, 0).await;
    let (bare, small) = added(&gateway, SMALL).await;
    let (large_bare, large) = added(&gateway, LARGE).await;
    println!("bare {bare:.1} + {small:.1} us, at 100 KB {large_bare:.1} + {large:.1} us");
    about_at_most("six limits at 0.3 KB: added", small, "us", 3.0, slack(bare));
    about_at_most("six limits at 100 KB: added", large, "us", 3.6, slack(bare));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn nothing_grows_with_the_number_of_keys() {
    let many = if full() { 50_000 } else { 1_000 };
    let (upstream, store) = (Upstream::start().await, Server::start(&[]));
    let few = gateway(&upstream, &store, 100).await;
    let more = gateway(&upstream, &store, many).await;
    let (rounds, time) = rounds();
    let mut ratios = Vec::new();
    for round in 0..=rounds {
        let beside = turn(&few, "limited", SMALL, time).await;
        let ratio = turn(&more, "limited", SMALL, time).await / beside;
        if round > 0 {
            ratios.push(ratio);
        }
    }
    about_at_most(
        &format!("a request with {many} keys, of one with 100"),
        median(ratios),
        "times",
        1.1,
        2.0,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn the_store_is_called_once_a_second_for_what_is_in_use() {
    let rate = "rateLimits: [{name: rate, unit: Tokens, limit: 1000000000, per: 1m}]";
    let keys = holder("busy", &format!("{}, {rate}", budget("100000", "")));
    let world = World::start(4, ROUGH, &keys).await;
    let seconds = if full() { 30 } else { 6 };
    let (before, began) = (world.scripts(), Instant::now());
    let calls = Crowd::mixed("busy", 16, Until::Passed(Duration::from_secs(seconds)))
        .call(&world.addresses)
        .await;
    let took = began.elapsed().as_secs_f64();
    // What is idle is given back within a second or two, and then nobody calls any more.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let called = world.scripts() - before;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after = world.scripts() - before - called;
    assert!(calls.len() > 100, "{}", calls.len());
    let each = f64::from(u32::try_from(called).unwrap()) / 8.0;
    // First use, when more is asked for again and again until it is enough; and at the end, what is settled last and what is given back.
    at_most(
        &format!("calls of the store in {seconds} s, for each counter of each gateway"),
        each,
        "calls",
        took + 6.0,
    );
    at_most(
        "calls of the store when nothing is asked",
        count(usize::try_from(after).unwrap()),
        "calls",
        0.0,
    );
    world.balanced("busy").await;
}
