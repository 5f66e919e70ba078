//! At whose expense copies are.

use super::{has, mirroring};
use crate::harness::yaml::{KEY, caller, chain, key, provider, rule};
use crate::harness::{OTHER, PRICE, World, always, millis, seconds, two_cents, whole};

fn used(world: &World, level: &str, limit: &str) -> String {
    let metrics = world.metrics();
    let line = metrics.lines().find(|line| {
        line.starts_with("fairlead_limit_used{")
            && line.contains(&format!("level=\"{level}\""))
            && line.contains(&format!("limit=\"{limit}\""))
    });
    line.and_then(|line| line.rsplit(' ').next())
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn what_copies_cost_is_the_providers_and_the_callers_only_where_it_is_said() {
    for (more, own) in [
        ("", "0.02"),
        (", charge: Provider", "0.02"),
        (", charge: Caller", "0.04"),
    ] {
        let (a, b) = (always(two_cents()), always(two_cents()));
        // Room for both: of a key that nothing is known of as much is reserved as 4,096 tokens cost.
        let budget = "budgets: [{name: day, amount: \"100\", period: Daily}]";
        let world = World::serve(&[
            provider("a", &a.base_url(), PRICE),
            provider("b", &b.base_url(), &format!("{PRICE}, {budget}")),
            key("caller", KEY, budget),
            mirroring(more, ""),
        ]);
        let answer = world.ask(&whole("chat")).await;
        assert_eq!(answer.header("x-fairlead-cost-usd"), "0.02");
        tokio::time::sleep(seconds(2)).await;
        assert_eq!(
            (
                used(&world, "key", "day").as_str(),
                used(&world, "provider", "day").as_str()
            ),
            (own, "0.02"),
            "{more}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_budget_that_is_used_up_sends_no_copy_and_answers_all_the_same() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let world = World::serve(&[
        provider("a", &a.base_url(), PRICE),
        provider(
            "b",
            &b.base_url(),
            &format!("{PRICE}, budgets: [{{name: day, amount: \"0.02\", period: Daily}}]"),
        ),
        caller(),
        mirroring("", ""),
    ]);
    for _ in 0..3 {
        assert_eq!(world.ask(&whole("chat")).await.status, 200);
        tokio::time::sleep(millis(10)).await;
    }
    assert_eq!((a.requests(), b.requests()), (3, 1));
    has(&world, &["outcome=\"limited\",original=\"ok\"} 2"]);
}

#[tokio::test(start_paused = true)]
async fn a_tenants_copies_count_towards_the_limits_of_its_own_keys() {
    let (a, b) = (always(two_cents()), always(two_cents()));
    let open = format!("{PRICE}, access: {{namespaces: {{from: All}}}}");
    let own = "sk-tenant-0123456789abcdef0123456789";
    let spec = "match: {models: [chat]}, targets: [{name: a, providerRef: {name: a, namespace: default}}], \
        mirror: [{name: next, providerRef: {name: b, namespace: default}, percent: 100}]";
    let world = World::serve(&[
        provider("a", &a.base_url(), &open),
        provider("b", &b.base_url(), &open),
        key(
            "search/tenant",
            own,
            "budgets: [{name: day, amount: \"100\", period: Daily}]",
        ),
        rule("search/chat", spec),
    ]);
    world.ask_as(own, &whole("chat")).await;
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(used(&world, "key", "day"), "0.04");
}

#[tokio::test(start_paused = true)]
async fn a_copy_takes_nothing_from_its_original_that_stands_in_line() {
    let (a, b) = (
        always(two_cents().after(seconds(5))),
        always(two_cents().after(seconds(1))),
    );
    let world = World::serve(&[
        provider(
            "a",
            &a.base_url(),
            &format!("{PRICE}, concurrency: {{maxInFlight: 1, queue: {{wait: 60s}}}}"),
        ),
        provider("b", &b.base_url(), PRICE),
        key(
            "caller",
            KEY,
            "budgets: [{name: day, amount: \"0.03\", period: Daily}]",
        ),
        key("other", OTHER, ""),
        mirroring(", charge: Caller", ""),
        chain("direct", &["a"], ""),
    ]);
    let (first, second) = (whole("direct"), whole("chat"));
    let (_, answer) = tokio::join!(world.ask_as(OTHER, &first), world.ask(&second));
    assert_eq!((answer.status, answer.took()), (200, seconds(10)));
    tokio::time::sleep(seconds(5)).await;
    assert_eq!(b.requests(), 0);
    has(&world, &["outcome=\"limited\",original=\"ok\"} 1"]);
    assert_eq!(used(&world, "key", "day"), "0.02");
}

#[tokio::test(start_paused = true)]
async fn of_what_never_goes_out_there_is_no_copy() {
    let (a, b) = (
        always(two_cents().after(seconds(5))),
        always(two_cents().after(seconds(1))),
    );
    let world = World::serve(&[
        provider(
            "a",
            &a.base_url(),
            &format!("{PRICE}, concurrency: {{maxInFlight: 1, overflow: Reject}}"),
        ),
        provider("b", &b.base_url(), PRICE),
        caller(),
        mirroring("", ""),
        chain("direct", &["a"], ""),
    ]);
    let (first, second) = (whole("direct"), whole("chat"));
    let (_, refused) = tokio::join!(world.ask(&first), world.ask(&second));
    assert_eq!((refused.status, refused.took()), (503, seconds(0)));
    tokio::time::sleep(seconds(5)).await;
    assert_eq!(b.requests(), 0);
    assert!(!world.metrics().contains("fairlead_mirror_copies_total{"));
}
