//! Whose health copies say nothing of, and whom they are not sent to.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fairlead_faults::{Play, Provider};
use futures_util::future::join_all;
use serde_json::json;

use super::{has, mirroring};
use crate::harness::yaml::{caller, chain, provider, rule, secret};
use crate::harness::{World, always, millis, seconds, settled, whole};
use crate::tests::pool::pool;

#[tokio::test(start_paused = true)]
async fn a_copy_says_nothing_of_the_health_of_its_target() {
    for play in [
        Play::status(500),
        Play::status(401),
        Play::status(429).header("retry-after", "60"),
    ] {
        let (a, b) = (always(Play::chat("A.")), always(play));
        let world = World::serve(&[
            provider("a", &a.base_url(), ""),
            provider(
                "b",
                &b.base_url(),
                "health: {consecutiveFailures: 1}, credentials: [{name: one, secretRef: {name: one}}]",
            ),
            secret("one", "credential", "apiKey: sk-one"),
            caller(),
            mirroring(", model: m", ""),
            rule(
                "direct",
                "match: {models: [direct]}, targets: [{name: b, providerRef: {name: b}, model: m}], retries: {maxRetries: 0}",
            ),
        ]);
        for _ in 0..5 {
            assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
            settled().await;
        }
        assert_eq!(b.requests(), 5);
        assert_eq!(world.breaker("b", "m"), "closed");
        assert_eq!(
            world.health("b")["state"].as_str().unwrap_or("closed"),
            "closed"
        );
        // Whoever is waited for finds out by itself.
        world.ask(&whole("direct")).await;
        assert_eq!(b.requests(), 6);
    }
}

#[tokio::test(start_paused = true)]
async fn no_copy_goes_to_a_target_that_is_down_and_none_finds_out_whether_it_is_back() {
    let (a, b) = (always(Play::chat("A.")), always(Play::status(500)));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider(
            "b",
            &b.base_url(),
            "health: {consecutiveFailures: 1, probeInterval: 5s}",
        ),
        caller(),
        mirroring(", model: m", ""),
        rule(
            "direct",
            "match: {models: [direct]}, targets: [{name: b, providerRef: {name: b}, model: m}], retries: {maxRetries: 0}",
        ),
    ]);
    world.ask(&whole("direct")).await;
    assert_eq!(world.breaker("b", "m"), "open");
    for _ in 0..3 {
        tokio::time::sleep(seconds(6)).await;
        world.ask(&whole("chat")).await;
        settled().await;
    }
    assert_eq!(b.requests(), 1);
    has(&world, &["outcome=\"unhealthy\",original=\"ok\"} 3"]);
}

#[tokio::test(start_paused = true)]
async fn a_mirror_by_the_name_of_a_target_says_nothing_of_that_target() {
    let [a, next] = [(); 2].map(|()| always(Play::chat("A.").after(millis(100))));
    let slow = always(Play::chat("S.").after(seconds(30)));
    let target = |name: &str| format!("{{name: {name}, providerRef: {{name: {name}}}, model: m}}");
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("next", &next.base_url(), ""),
        provider("slow", &slow.base_url(), ""),
        caller(),
        rule(
            "chat",
            &format!(
                "match: {{models: [chat]}}, strategy: {{type: Adaptive, adaptive: {{}}}}, targets: [{}, {}], \
                 mirror: [{{name: next, providerRef: {{name: slow}}, model: m, percent: 100, maxInFlight: 50}}]",
                target("a"),
                target("next")
            ),
        ),
    ]);
    let body = whole("chat");
    let asked = (0..600).map(|number| {
        let (world, body) = (&world, &body);
        async move {
            tokio::time::sleep(millis(number * 100)).await;
            world.ask(body).await.status
        }
    });
    assert!(join_all(asked).await.iter().all(|status| *status == 200));
    assert!(slow.requests() >= 50, "{}", slow.requests());
    let told = world.judged("chat", "next");
    assert_eq!(
        (&told["state"], &told["inFlight"]),
        (&json!("healthy"), &json!(0)),
        "{told}"
    );
    assert!(told["share"].as_f64().unwrap() > 0.45, "{told}");
    assert!(next.requests() > 250, "{}", next.requests());
}

#[tokio::test(start_paused = true)]
async fn a_copy_says_nothing_of_the_credential_it_is_sent_with() {
    let (a, b) = (
        always(Play::chat("A.")),
        Provider::in_process(|seen| {
            let copied = seen.header("x-copy").is_some();
            Play::chat("B.").after(seconds(if copied { 30 } else { 1 }))
        }),
    );
    let credentials = "credentialStrategy: Adaptive, credentials: [\
         {name: one, secretRef: {name: one}}, {name: two, secretRef: {name: two}}]";
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), credentials),
        secret("one", "credential", "apiKey: sk-one-0123456789"),
        secret("two", "credential", "apiKey: sk-two-0123456789"),
        caller(),
        mirroring(
            ", model: m, headers: {set: [{name: x-copy, value: \"1\"}]}",
            "",
        ),
        chain("m", &["b"], ""),
    ]);
    // So that something is kept of the model.
    assert_eq!(world.ask(&whole("m")).await.status, 200);
    for _ in 0..10 {
        world.ask(&whole("chat")).await;
    }
    settled().await;
    assert_eq!(b.requests(), 11);
    let told = &world.health("b")["models"]["m"]["judgedCredentials"];
    for name in ["one", "two"] {
        assert_eq!(told[name]["inFlight"], 0, "{told}");
    }
    tokio::time::sleep(seconds(40)).await;
    let told = &world.health("b")["models"]["m"]["judgedCredentials"];
    for name in ["one", "two"] {
        assert_eq!(told[name]["state"], "healthy", "{told}");
    }
}

/// A pool `pool`, whose every request for `chat` at `a` is copied to it.
fn before_pool(a: &Provider, servers: &[&Provider], health: &str) -> World {
    World::serve(&[
        provider("a", &a.base_url(), ""),
        pool(
            servers,
            &format!("retries: {{maxRetries: 0}}, health: {{{health}}}"),
        ),
        caller(),
        rule(
            "chat",
            "match: {models: [chat]}, targets: [{name: a, providerRef: {name: a}}], \
             mirror: [{name: next, providerRef: {name: pool}, model: m, percent: 100}]",
        ),
        chain("m", &["pool"], ""),
    ])
}

/// The first of many conversations.
fn first_turn(model: &str, number: usize) -> serde_json::Value {
    json!({"model": model, "messages": [{"role": "user", "content": format!("Conversation {number}.")}]})
}

async fn ask_each(world: &World, model: &str, conversations: usize) {
    for number in 0..conversations {
        world.ask(&first_turn(model, number)).await;
        settled().await;
    }
}

fn state(world: &World, server: &Provider) -> String {
    let servers = &world.health("pool")["servers"];
    let state = &servers[server.address().to_string()]["state"];
    state.as_str().unwrap_or_default().to_owned()
}

#[tokio::test(start_paused = true)]
async fn no_copy_goes_to_a_server_that_is_coming_back() {
    let broken = Arc::new(AtomicUsize::new(1));
    let is_broken = Arc::clone(&broken);
    let coming = Provider::in_process(move |_| match is_broken.load(Ordering::SeqCst) {
        0 => Play::chat("P."),
        _ => Play::status(500),
    });
    let (a, well) = (always(Play::chat("A.")), always(Play::chat("P.")));
    let health = "consecutiveFailures: 3, probeInterval: 5s, rampUp: 10m";
    let world = before_pool(&a, &[&coming, &well], health);
    ask_each(&world, "m", 40).await;
    assert_eq!(state(&world, &coming), "open");
    broken.store(0, Ordering::SeqCst);
    tokio::time::sleep(seconds(6)).await;
    ask_each(&world, "m", 40).await;
    assert_eq!(state(&world, &coming), "ramping");
    // Half of its requests would come to it now.
    tokio::time::sleep(seconds(300)).await;
    let (of_coming, of_well) = (coming.requests(), well.requests());
    ask_each(&world, "chat", 60).await;
    assert_eq!(coming.requests(), of_coming);
    assert_eq!(well.requests(), of_well + 60);
}

#[tokio::test(start_paused = true)]
async fn no_copy_goes_to_a_server_that_is_left_alone_however_many_are() {
    let broken = [(); 3].map(|()| always(Play::status(500)));
    let (a, well) = (always(Play::chat("A.")), always(Play::chat("P.")));
    let [one, two, three] = broken.each_ref();
    let health = "consecutiveFailures: 3, probeInterval: 1h";
    let world = before_pool(&a, &[one, two, three, &well], health);
    ask_each(&world, "m", 120).await;
    assert!(broken.iter().all(|server| state(&world, server) == "open"));
    let before: usize = broken.iter().map(Provider::requests).sum();
    ask_each(&world, "chat", 60).await;
    let after: usize = broken.iter().map(Provider::requests).sum();
    assert_eq!(after, before);
}

#[tokio::test(start_paused = true)]
async fn where_no_server_is_well_there_is_no_copy() {
    let (a, gone) = (always(Play::chat("A.")), always(Play::chat("P.")));
    let world = before_pool(&a, &[&gone], "consecutiveFailures: 5, probeInterval: 1h");
    let address = gone.address().to_string();
    gone.stop().await;
    world.ask(&whole("m")).await;
    let health = world.health("pool");
    assert_eq!(
        (
            &health["servers"][&address]["state"],
            &health["connections"]["state"]
        ),
        (&json!("open"), &json!("closed"))
    );
    assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
    settled().await;
    has(&world, &["outcome=\"unhealthy\",original=\"ok\"} 1"]);
}
