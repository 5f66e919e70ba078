//! Rules and providers that judge by how their candidates do: who gets the requests, who does not, and what is told of it.

mod credentials;
mod scenarios;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider, Reply};
use fairlead_route::ChosenBy;
use futures_util::future::join_all;
use serde_json::Value;

use crate::harness::yaml::{ONCE, caller, key, provider, rule};
use crate::harness::{Held, OTHER, World, always, millis, seconds, streamed, whole};

/// A rule that judges these providers, each with a weight; `more` are further fields.
fn judged(name: &str, targets: &[(&str, u32)], adaptive: &str, more: &str) -> String {
    let target = |(target, weight): &(&str, u32)| {
        format!("{{name: {target}, providerRef: {{name: {target}}}, model: m, weight: {weight}}}")
    };
    let targets: Vec<String> = targets.iter().map(target).collect();
    rule(
        name,
        &format!(
            "match: {{models: [{name}]}}, strategy: {{type: Adaptive, adaptive: {{{adaptive}}}}}, targets: [{}]{more}",
            targets.join(", ")
        ),
    )
}

/// A provider that answers after a time, and whose time and status can be changed.
struct Moody {
    provider: Provider,
    pause: Arc<AtomicU64>,
    status: Arc<AtomicU64>,
}

impl Moody {
    fn new(pause: u64) -> Self {
        let (pause, status) = (
            Arc::new(AtomicU64::new(pause)),
            Arc::new(AtomicU64::new(200)),
        );
        let (pauses, states) = (Arc::clone(&pause), Arc::clone(&status));
        let script = move |_: &_| {
            let status = u16::try_from(states.load(Ordering::SeqCst)).unwrap();
            let play = match status {
                200 => Play::from(Reply::words(["A", "B"])),
                status => Play::status(status),
            };
            play.after(millis(pauses.load(Ordering::SeqCst)))
        };
        Self {
            provider: Provider::in_process(script),
            pause,
            status,
        }
    }

    fn takes(&self, millis: u64) {
        self.pause.store(millis, Ordering::SeqCst);
    }

    fn answers(&self, status: u64) {
        self.status.store(status, Ordering::SeqCst);
    }

    fn document(&self, name: &str, more: &str) -> String {
        provider(name, &self.provider.base_url(), more)
    }
}

/// Sends requests, ten a second for so many seconds; says which part of them each provider was asked first.
async fn shares(world: &World, body: &Value, time: u64, names: &[&str]) -> Vec<f64> {
    let answers = asked(world, body, time).await;
    let first = |attempts: &String| {
        let first = attempts.split(',').next().unwrap_or_default();
        first.split('=').next().unwrap_or_default().to_owned()
    };
    let firsts: Vec<String> = answers.iter().map(first).collect();
    let share = |name: &&str| {
        let had = firsts.iter().filter(|first| first == name).count();
        f64::from(u32::try_from(had).unwrap()) / f64::from(u32::try_from(firsts.len()).unwrap())
    };
    names.iter().map(share).collect()
}

/// The attempts of requests, ten a second for so many seconds. Nobody waits for the one before.
async fn asked(world: &World, body: &Value, time: u64) -> Vec<String> {
    let requests = (0..time * 10).map(|number| async move {
        tokio::time::sleep(millis(number * 100)).await;
        world.ask(body).await.attempts()
    });
    join_all(requests).await
}

#[tokio::test(start_paused = true)]
async fn weights_are_priors_of_those_that_do_equally_well() {
    for body in [streamed("chat"), whole("chat")] {
        let (a, b) = (Moody::new(100), Moody::new(100));
        let world = World::serve(&[
            a.document("a", ""),
            b.document("b", ""),
            caller(),
            judged("chat", &[("a", 7), ("b", 3)], "", ""),
        ]);
        for _ in 0..4 {
            let had = shares(&world, &body, 20, &["a", "b"]).await;
            assert!((had[0] - 0.7).abs() < 0.04, "{had:?}");
        }
        let ended = world.ended().unwrap();
        assert_eq!(ended.chosen_by, Some(ChosenBy::Adaptive));
        assert_eq!(world.held(), Held::default());
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_target_is_left_within_two_looks_and_back_within_minutes() {
    for body in [streamed("chat"), whole("chat")] {
        let (a, b) = (Moody::new(200), Moody::new(200));
        let world = World::serve(&[
            a.document("a", ""),
            b.document("b", ""),
            caller(),
            judged("chat", &[("a", 1), ("b", 1)], "", ""),
        ]);
        asked(&world, &body, 20).await;
        a.takes(1_000);
        asked(&world, &body, 10).await;
        let had = shares(&world, &body, 30, &["a"]).await;
        assert!((0.001..0.05).contains(&had[0]), "{had:?} {body}");
        let told = world.judged("chat", "a");
        assert_eq!(told["state"], "degraded", "{told}");
        let reason = told["reason"].as_str().unwrap();
        assert!(reason.contains("times the best's"), "{told}");
        a.takes(200);
        asked(&world, &body, 180).await;
        let had = shares(&world, &body, 30, &["a"]).await;
        assert!(had[0] > 0.4, "{had:?} {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_target_is_left_within_two_looks_and_has_its_share_back_within_thirty_seconds() {
    // With breakers beside it, and by itself.
    for more in ["retries: {maxRetries: 0}", ONCE] {
        let targets = [Moody::new(100), Moody::new(100), Moody::new(100)];
        let mut documents: Vec<String> = targets
            .iter()
            .zip(["a", "b", "c"])
            .map(|(target, name)| target.document(name, more))
            .collect();
        documents.push(caller());
        documents.push(judged("chat", &[("a", 1), ("b", 1), ("c", 1)], "", ""));
        let world = World::serve(&documents);
        let body = streamed("chat");
        asked(&world, &body, 20).await;
        targets[2].answers(500);
        asked(&world, &body, 10).await;
        let before = targets[2].provider.requests();
        asked(&world, &body, 60).await;
        let probes = targets[2].provider.requests() - before;
        assert!((1..=13).contains(&probes), "{probes} {more}");
        assert_eq!(world.judged("chat", "c")["state"], "failed", "{more}");
        targets[2].answers(200);
        asked(&world, &body, 30).await;
        let had = shares(&world, &body, 30, &["c"]).await;
        assert!(had[0] > 0.3, "{had:?} {more}");
        let told = world.judged("chat", "c");
        assert_eq!(told["state"], "healthy", "{told}");
    }
}

#[tokio::test(start_paused = true)]
async fn few_failures_condemn_nobody() {
    let (a, b) = (Moody::new(100), Moody::new(100));
    let world = World::serve(&[
        a.document("a", ONCE),
        b.document("b", ONCE),
        caller(),
        judged("chat", &[("a", 1), ("b", 1)], "", ""),
    ]);
    let body = streamed("chat");
    a.answers(500);
    // One second: a has about five of them.
    for _ in 0..4 {
        world.ask(&body).await;
    }
    a.answers(200);
    tokio::time::sleep(seconds(6)).await;
    let told = world.judged("chat", "a");
    assert_ne!(told["state"], "failed", "{told}");
    asked(&world, &body, 60).await;
    let had = shares(&world, &body, 20, &["a"]).await;
    assert!(had[0] > 0.3, "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn it_is_told_which_score_state_and_reason_chose_a_target() {
    let (a, b) = (Moody::new(100), Moody::new(500));
    let world = World::serve(&[
        a.document("a", ""),
        b.document("b", ""),
        caller(),
        judged("chat", &[("a", 1), ("b", 1)], "", ""),
    ]);
    asked(&world, &streamed("chat"), 30).await;
    let told = world.judged("chat", "b");
    assert_eq!(told["state"], "degraded", "{told}");
    assert!(told["score"].as_f64().unwrap() < 0.1, "{told}");
    assert_eq!(told["inFlight"], 0, "{told}");
    let reason = told["reason"].as_str().unwrap();
    assert!(reason.starts_with("first token takes "), "{reason}");
    let text = world.metrics();
    for line in [
        "fairlead_target_score{rule=\"default/chat\",target=\"a\"} 1.0\n",
        "fairlead_target_state{rule=\"default/chat\",target=\"a\"} 0\n",
        "fairlead_target_state{rule=\"default/chat\",target=\"b\"} 1\n",
    ] {
        assert!(text.contains(line), "{line} {text}");
    }
    while world.ended().is_some() {}
    asked(&world, &streamed("chat"), 60).await;
    let entries: Vec<_> = std::iter::from_fn(|| world.ended()).collect();
    for entry in &entries {
        let standing = entry.standing.unwrap();
        let slow = &*entry.attempts[0].target == "b";
        let by = if slow {
            ChosenBy::Exploration
        } else {
            ChosenBy::Adaptive
        };
        assert_eq!(entry.chosen_by, Some(by), "{entry:?}");
        assert_eq!(standing.score < 100, slow, "{entry:?}");
    }
    let explored = entries
        .iter()
        .any(|entry| &*entry.attempts[0].target == "b");
    assert!(explored, "two of a hundred find out");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_explored_where_nothing_is_to_be_and_an_interval_is_kept() {
    let (a, b) = (Moody::new(100), Moody::new(100));
    let world = World::serve(&[
        a.document("a", ""),
        b.document("b", ""),
        caller(),
        judged(
            "chat",
            &[("a", 1), ("b", 1)],
            "interval: 1s, explorePercent: 0",
            "",
        ),
    ]);
    let body = streamed("chat");
    asked(&world, &body, 10).await;
    b.takes(2_000);
    asked(&world, &body, 6).await;
    let before = b.provider.requests();
    asked(&world, &body, 30).await;
    assert_eq!(b.provider.requests(), before);
}

#[tokio::test(start_paused = true)]
async fn what_was_learned_outlives_an_edit_and_who_joins_grows_into_its_share() {
    let targets = [Moody::new(100), Moody::new(800), Moody::new(100)];
    let documents = |count: usize, more: &[String]| -> Vec<String> {
        let all = targets.iter().zip(["a", "b", "c"]);
        let mut documents: Vec<String> = all
            .map(|(target, name)| target.document(name, ""))
            .collect();
        let three = [("a", 1), ("b", 1), ("c", 1)];
        documents.push(judged("chat", &three[..count], "rampUp: 20s", ""));
        documents.push(caller());
        documents.extend_from_slice(more);
        documents
    };
    let world = World::serve(&documents(2, &[]));
    let body = streamed("chat");
    asked(&world, &body, 30).await;
    world.edit(&documents(2, &[judged("other", &[("a", 1)], "", "")]));
    let had = shares(&world, &body, 20, &["b"]).await;
    assert!(had[0] < 0.05, "{had:?}");
    world.edit(&documents(3, &[]));
    let told = world.judged("chat", "c");
    assert_eq!(told["state"], "recovering", "{told}");
    let had = shares(&world, &body, 4, &["c"]).await;
    assert!(had[0] < 0.25, "{had:?}");
    asked(&world, &body, 40).await;
    let had = shares(&world, &body, 20, &["b", "c"]).await;
    assert!(had[0] < 0.05 && had[1] > 0.4, "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn edits_that_never_stop_do_not_put_off_the_next_look() {
    let (a, b) = (Moody::new(100), Moody::new(1_500));
    let documents = [
        a.document("a", ""),
        b.document("b", ""),
        caller(),
        judged("chat", &[("a", 1), ("b", 1)], "", ""),
    ];
    let world = World::serve(&documents);
    for _ in 0..30 {
        asked(&world, &streamed("chat"), 1).await;
        world.edit(&documents);
    }
    let had = shares(&world, &streamed("chat"), 10, &["b"]).await;
    assert!(had[0] < 0.06, "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn a_target_at_which_callers_give_up_is_left() {
    for knows_it in [true, false] {
        let (a, b) = (Moody::new(300), Moody::new(300));
        let world = World::serve(&[
            a.document("a", ""),
            b.document("b", ""),
            caller(),
            judged("chat", &[("a", 1), ("b", 1)], "", ""),
        ]);
        let body = streamed("chat");
        if knows_it {
            asked(&world, &body, 20).await;
        }
        a.takes(600_000);
        let leaving = (0..600).map(|number| {
            let (world, body) = (&world, &body);
            async move {
                tokio::time::sleep(millis(number * 100)).await;
                let _ = tokio::time::timeout(seconds(3), world.ask(body)).await;
            }
        });
        join_all(leaving).await;
        let before = a.provider.requests();
        asked_with_patience(&world, &body, 30).await;
        let had = a.provider.requests() - before;
        assert!(had <= 12, "{had} of 300, {knows_it}");
        assert_eq!(world.judged("chat", "a")["inFlight"], 0, "given back");
    }
}

/// Requests, ten a second for so many seconds, that are not waited for longer than three.
async fn asked_with_patience(world: &World, body: &Value, time: u64) {
    let leaving = (0..time * 10).map(|number| async move {
        tokio::time::sleep(millis(number * 100)).await;
        let _ = tokio::time::timeout(seconds(3), world.ask(body)).await;
    });
    join_all(leaving).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_left_of_an_account_is_spread_and_what_is_spent_is_left_alone() {
    let left = Arc::new(AtomicU64::new(30));
    let told = Arc::clone(&left);
    let a = Provider::in_process(move |_| {
        let now = told.load(Ordering::SeqCst);
        told.store(now.saturating_sub(1), Ordering::SeqCst);
        Play::chat("A.")
            .header("x-ratelimit-remaining-requests", &now.to_string())
            .header("x-ratelimit-reset-requests", "1m")
            .after(millis(100))
    });
    let b = always(Play::chat("B.").after(millis(100)));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), ""),
        caller(),
        judged("chat", &[("a", 1), ("b", 1)], "", ""),
    ]);
    let body = streamed("chat");
    asked(&world, &body, 30).await;
    // Half of 300 would be five times what there is.
    assert!(a.requests() <= 33, "{}", a.requests());
    let reason = world.judged("chat", "a")["reason"].to_string();
    assert!(reason.contains("of what it may be sent"), "{reason}");
    left.store(1_000_000, Ordering::SeqCst);
    tokio::time::sleep(seconds(61)).await;
    asked(&world, &body, 30).await;
    let had = shares(&world, &body, 20, &["a"]).await;
    assert!(had[0] > 0.4, "{had:?}");
}

#[tokio::test(start_paused = true)]
async fn neither_another_rule_nor_another_key_notices_what_one_rule_makes_of_a_target() {
    let (a, b) = (Moody::new(300), Moody::new(100));
    let impatient = ", timeouts: {firstToken: 200ms}";
    let world = World::serve(&[
        a.document("a", ONCE),
        b.document("b", ONCE),
        caller(),
        key("other", OTHER, ""),
        judged("hasty", &[("a", 1), ("b", 1)], "", impatient),
        judged(
            "calm",
            &[("a", 1), ("b", 1)],
            "weights: {firstToken: 0, perToken: 0, utilization: 0}",
            "",
        ),
        rule(
            "fixed",
            "match: {models: [fixed]}, targets: [\
             {name: a, providerRef: {name: a}, model: m}, {name: b, providerRef: {name: b}, model: m}]",
        ),
    ]);
    let (hasty, calm, fixed) = (streamed("hasty"), streamed("calm"), streamed("fixed"));
    let others = |body: Value| {
        let world = &world;
        let requests = (0..400).map(move |number| {
            let body = body.clone();
            async move {
                tokio::time::sleep(millis(number * 100)).await;
                let answer = world.ask_as(OTHER, &body).await;
                assert_eq!(answer.status, 200);
                answer.attempts()
            }
        });
        join_all(requests)
    };
    let (_, calm_attempts, fixed_attempts) =
        tokio::join!(asked(&world, &hasty, 40), others(calm), others(fixed));
    for attempts in [calm_attempts, fixed_attempts] {
        let by_a = attempts
            .iter()
            .filter(|attempts| *attempts == "a=ok")
            .count();
        assert!(by_a.abs_diff(200) <= 12, "{by_a}");
    }
    assert_eq!(world.judged("hasty", "a")["state"], "failed");
    let told = world.judged("calm", "a");
    assert_eq!(told["state"], "healthy", "{told}");
    assert_eq!(told["score"], 1.0, "{told}");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_with_requests_speaks_against_no_target() {
    let a = Moody::new(100);
    let b = Moody::new(100);
    let world = World::serve(&[
        a.document("a", ""),
        b.document("b", ""),
        caller(),
        judged("chat", &[("a", 1), ("b", 1)], "", ""),
    ]);
    let body = streamed("chat");
    asked(&world, &body, 20).await;
    a.answers(400);
    asked(&world, &body, 20).await;
    let told = world.judged("chat", "a");
    assert_eq!(told["state"], "healthy", "{told}");
    let share = told["share"].as_f64().unwrap();
    assert!((0.4..0.6).contains(&share), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_burst_within_a_look_does_not_go_to_one() {
    let slow = || always(Play::chat("A.").after(seconds(4)));
    let providers = [slow(), slow(), slow(), slow()];
    let names = ["a", "b", "c", "d"];
    let mut documents: Vec<String> = providers
        .iter()
        .zip(names)
        .map(|(one, name)| provider(name, &one.base_url(), ""))
        .collect();
    documents.push(caller());
    documents.push(judged("chat", &names.map(|name| (name, 1)), "", ""));
    let world = World::serve(&documents);
    let body = whole("chat");
    join_all((0..200).map(|_| world.ask(&body))).await;
    for one in &providers {
        assert!(one.requests().abs_diff(50) <= 6, "{}", one.requests());
    }
}

/// How long a look may be waited for at most, and what a time is: one that is measured with `tokio` ends when it does.
#[tokio::test(start_paused = true)]
async fn a_rule_without_requests_is_looked_at_when_somebody_asks() {
    let a = Moody::new(100);
    let world = World::serve(&[
        a.document("a", ONCE),
        caller(),
        judged("chat", &[("a", 1)], "", ""),
    ]);
    a.answers(500);
    for _ in 0..10 {
        world.ask(&streamed("chat")).await;
    }
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(world.judged("chat", "a")["state"], "failed");
}
