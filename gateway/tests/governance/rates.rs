//! Rates, at four gateways and with 64 callers: nearly all of them can be used, and within no interval more than that.

use std::time::Duration;

use crate::books::Line;
use crate::callers::{Crowd, Until};
use crate::fleet::{ROUGH, World, holder};
use crate::full;
use crate::harness::eventually;
use crate::results::{at_least, at_most};

const CALLERS: usize = 64;

/// How much has to be usable: a refusal is remembered for a second, which is much of a short interval.
fn usable() -> f64 {
    if full() { 95.0 } else { 75.0 }
}

/// What there is of requests and of tokens, and in which interval: less where it has to be used up in a shorter one.
fn limits() -> (u32, u32, Duration) {
    if full() {
        (500, 100_000, Duration::from_secs(60))
    } else {
        (100, 20_000, Duration::from_secs(10))
    }
}

/// The keys.
fn keys() -> String {
    let (requests, tokens, per) = limits();
    let rate = |unit: &str, limit: u32, per: u64| {
        format!("rateLimits: [{{name: rate, unit: {unit}, limit: {limit}, per: {per}s}}]")
    };
    let per = per.as_secs();
    [
        holder("hour", &rate("Requests", 200, 3600)),
        holder("requests", &rate("Requests", requests, per)),
        holder("tokens", &rate("Tokens", tokens, per)),
    ]
    .concat()
}

/// The most that began and ended within any interval of this length: all of that was admitted in it.
fn most_within(lines: &[Line], per: Duration, weigh: impl Fn(&Line) -> u64) -> u64 {
    // The clock of the lines has whole milliseconds.
    let per = per.as_secs_f64() * 1000.0 - 2.0;
    let within = |start: f64| -> u64 {
        let inside = lines
            .iter()
            .filter(|line| line.began >= start && line.ended < start + per);
        inside.map(&weigh).sum()
    };
    let most = lines.iter().map(|line| within(line.began)).max();
    most.unwrap_or(0)
}

/// The least that was begun in each of so many intervals, one after the other, from the first request on.
fn least_of(lines: &[Line], per: Duration, intervals: u8, weigh: impl Fn(&Line) -> u64) -> u64 {
    let per = per.as_secs_f64() * 1000.0;
    let first = lines.iter().map(|line| line.began).fold(f64::MAX, f64::min);
    let of = |number: u8| -> u64 {
        let start = first + per * f64::from(number);
        let inside = lines
            .iter()
            .filter(|line| line.began >= start && line.began < start + per);
        inside.map(&weigh).sum()
    };
    (0..intervals).map(of).min().unwrap_or(0)
}

fn part(of: u64, whole: u32) -> f64 {
    f64::from(u32::try_from(of).unwrap()) / f64::from(whole) * 100.0
}

/// What every gateway counts of the requests of the hour, once it is as many as there are lines.
async fn counted_everywhere(world: &World) -> i64 {
    let lines = || {
        let mut lines = world.lines("hour");
        lines.retain(|line| line.attempts > 0);
        i64::try_from(lines.len()).unwrap()
    };
    eventually(
        "every gateway counts as many requests as there are lines",
        async || {
            let lines = lines();
            for at in 0..world.gateways.len() {
                if world.used(at, "hour", "rate").await != Some(lines) {
                    return None;
                }
            }
            Some(lines)
        },
    )
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn rates_are_used_up_and_within_no_interval_passed() {
    let (limit, most, per) = limits();
    let world = World::start(4, ROUGH, &keys()).await;
    let passed = Until::Passed(per * 2 + per / 2);
    let mut tokens = Crowd::mixed("tokens", CALLERS, passed.clone());
    // What those have used is in no line.
    tokens.hang_up = 0;
    let (_, asked, _) = tokio::join!(
        Crowd::mixed("hour", CALLERS, Until::Passed(Duration::from_secs(8))).call(&world.addresses),
        Crowd::mixed("requests", CALLERS, passed).call(&world.addresses),
        tokens.call(&world.addresses),
    );
    let refused = asked.iter().filter(|call| call.status == 429).count();
    println!("requests: {} asked, {refused} refused", asked.len());
    let lines = |key: &str| {
        let mut lines = world.lines(key);
        lines.retain(|line| line.attempts > 0);
        lines
    };
    let at = format!("in {} s", per.as_secs());
    let one = |_: &Line| 1;
    let requests = lines("requests");
    at_most(
        &format!("{limit} requests {at}: most within any interval"),
        part(most_within(&requests, per, one), limit),
        "%",
        100.0,
    );
    at_least(
        &format!("{limit} requests {at}: usable"),
        part(least_of(&requests, per, 2, one), limit),
        "%",
        usable(),
    );
    let tokens = lines("tokens");
    let told = |line: &Line| line.tokens;
    at_most(
        &format!("{most} tokens {at}: most within any interval"),
        part(most_within(&tokens, per, told), most),
        "%",
        112.0,
    );
    at_least(
        &format!("{most} tokens {at}: usable"),
        part(least_of(&tokens, per, 2, told), most),
        "%",
        usable(),
    );
    let counted = counted_everywhere(&world).await;
    assert!(counted <= 200, "{counted}");
    at_least(
        "200 requests an hour: usable within 8 s",
        part(counted.unsigned_abs(), 200),
        "%",
        95.0,
    );
}
