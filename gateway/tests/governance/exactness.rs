//! Four gateways, 64 callers, everything mixed: what may be used is used, nothing beyond that, and three books agree.

use std::time::Duration;

use crate::books::compare;
use crate::callers::{Call, Crowd, Until};
use crate::fleet::{ROUGH, World, budget, holder};
use crate::full;
use crate::results::{at_least, at_most, count, usd};

const DOLLAR: i64 = 1_000_000_000;
const CALLERS: usize = 64;

/// Of the calls of a crowd, how many have this status.
fn with(calls: &[Call], status: u16) -> usize {
    calls.iter().filter(|call| call.status == status).count()
}

/// Nothing unforeseen became of any call.
fn nothing_else(calls: &[Call]) {
    let strange = |call: &&Call| !matches!(call.status, 0 | 200 | 429 | 500 | 502);
    let strange: Vec<_> = calls.iter().filter(strange).take(3).collect();
    assert!(strange.is_empty(), "{strange:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_used_up_and_three_books_agree() {
    let keys = [
        holder("soft", &budget("1.00", "")),
        holder("other", &budget("1000", "")),
    ];
    let world = World::start(4, ROUGH, &keys.concat()).await;
    let crowd = Crowd::mixed("soft", CALLERS, Until::Refused(Duration::from_secs(3)));
    let bystander = Crowd::mixed("other", 2, Until::Passed(Duration::from_secs(5)));
    let (calls, others) = tokio::join!(
        crowd.call(&world.addresses),
        bystander.call(&world.addresses)
    );
    nothing_else(&calls);
    let used = world.balanced("soft").await;
    let compared = compare(&world.lines("soft"), &world.vendors);
    println!(
        "soft: {} USD, {} answered, {} refused, exact {}, estimated {} {:?}",
        usd(used),
        with(&calls, 200),
        with(&calls, 429),
        compared.exact,
        compared.estimated,
        compared.estimate
    );
    assert!(compared.wrong.is_empty(), "{} wrong of {}: {:#?}", compared.wrong.len(), compared.exact, &compared.wrong[..3.min(compared.wrong.len())]);
    at_least("budget of 1 USD: usable", usd(used) * 100.0, "%", 99.0);
    at_most("budget of 1 USD, not strict: over", (usd(used) - 1.0).max(0.0) * 100.0, "%", 12.0);
    at_most("budget of 1 USD: refusals of the bystander", count(with(&others, 429)), "requests", 0.0);
    nothing_else(&others);
    world.balanced("other").await;
    let _ = (full(), DOLLAR);
}
