//! Copies of requests: what becomes of them and of their originals.

mod cost;
mod health;
mod places;
mod told;

use fairlead_faults::{Moment, Play, Provider};
use serde_json::json;

use crate::harness::yaml::{caller, object, provider, rule};
use crate::harness::{Held, PRICE, World, always, seconds, settled, streamed, two_cents, whole};
use crate::observe::record::Entry;

/// A rule for `chat` that asks `a` and copies all of it to `b`.
fn mirroring(more: &str, rest: &str) -> String {
    rule(
        "chat",
        &format!(
            "match: {{models: [chat]}}, targets: [{{name: a, providerRef: {{name: a}}}}], \
             mirror: [{{name: next, providerRef: {{name: b}}, percent: 100{more}}}]{rest}"
        ),
    )
}

fn world(a: &Provider, b: &Provider, of_b: &str, more: &str) -> World {
    World::serve(&[
        provider("a", &a.base_url(), PRICE),
        provider("b", &b.base_url(), of_b),
        caller(),
        mirroring(more, ""),
    ])
}

/// The entries of a request and of the copy of it, in whichever order they came.
fn both(world: &World) -> (Box<Entry>, Box<Entry>) {
    let (one, other) = (world.ended().unwrap(), world.ended().unwrap());
    assert!(world.ended().is_none());
    if one.mirrored.is_some() {
        (other, one)
    } else {
        (one, other)
    }
}

/// The line of copies of the usual mirror that were not made.
fn unsent(reason: &str, count: u32) -> String {
    format!(
        "fairlead_mirror_unsent_total{{rule=\"default/chat\",mirror=\"next\",reason=\"{reason}\"}} {count}"
    )
}

fn has(world: &World, lines: &[&str]) {
    let metrics = world.metrics();
    for line in lines {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_answered_measured_and_dropped() {
    for body in [whole("chat"), streamed("chat")] {
        let (a, b) = (
            always(two_cents().after(seconds(1))),
            always(two_cents().after(seconds(3))),
        );
        let world = world(&a, &b, PRICE, "");
        let answer = world.ask(&body).await;
        assert_eq!(
            (answer.attempts().as_str(), answer.took()),
            ("a=ok", seconds(1))
        );
        assert!(!format!("{:?}", answer.headers).contains("next"));
        tokio::time::sleep(seconds(5)).await;
        assert_eq!(
            (b.requests(), b.abandoned(), world.held()),
            (1, 0, Held::default())
        );
        let (original, copy) = both(&world);
        let mirrored = copy.mirrored.as_ref().unwrap();
        assert_eq!((mirrored.of, &*mirrored.mirror.name), (original.id, "next"));
        assert_eq!((mirrored.original.outcome, copy.error), ("ok", None));
        assert!(copy.complete && copy.duration >= seconds(3) && copy.duration < seconds(4));
        assert_eq!(copy.usage.unwrap().output_tokens, Some(1));
        assert_eq!(copy.cost.unwrap().nanos, 20_000_000);
        let side = |side: &str| format!("{{rule=\"default/chat\",mirror=\"next\",side=\"{side}\"");
        has(
            &world,
            &[
                "fairlead_mirror_copies_total{rule=\"default/chat\",mirror=\"next\",provider=\"default/b\",outcome=\"ok\",original=\"ok\"} 1",
                &format!(
                    "fairlead_mirror_compared_tokens_total{},gen_ai_token_type=\"input\"}} 10",
                    side("mirror")
                ),
                &format!(
                    "fairlead_mirror_compared_cost_usd_total{}}} 0.02",
                    side("original")
                ),
                &format!(
                    "fairlead_mirror_compared_duration_seconds_count{}}} 1",
                    side("mirror")
                ),
                "fairlead_mirror_cost_usd_total{rule=\"default/chat\",mirror=\"next\"} 0.02",
                // Whatever counts requests and attempts counts one.
                "gen_ai_server_request_duration_seconds_count{gen_ai_operation_name=\"chat\",gen_ai_provider_name=\"openai\",gen_ai_request_model=\"chat\",fairlead_provider=\"default/a\",error_type=\"\"} 1",
            ],
        );
        let metrics = world.metrics();
        assert!(!metrics.contains("fairlead_attempts_total{provider=\"default/b\""));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_of_what_becomes_of_a_copy_reaches_its_caller() {
    let plays = [
        Play::status(500),
        Play::status(429),
        Play::status(401),
        Play::reset(),
        Play::garbage(),
        Play::silent(),
        Play::words(["a", "b"]).cut_at(Moment::Content),
    ];
    for play in plays {
        for body in [whole("chat"), streamed("chat")] {
            let (a, b) = (always(Play::chat("A.")), always(play.clone()));
            let world = world(&a, &b, "", "");
            let answer = world.ask(&body).await;
            assert_eq!(
                (answer.status, answer.content().as_str(), answer.took()),
                (200, "A.", seconds(0))
            );
            tokio::time::sleep(seconds(700)).await;
            assert_eq!(
                (b.requests(), world.held()),
                (1, Held::default()),
                "sent once"
            );
            let (original, copy) = both(&world);
            assert_eq!(original.error, None);
            // Some answers that are cut are whole all the same, where they were not streamed.
            let failed = copy.error.is_some() || copy.complete;
            assert!(failed && copy.attempts.len() == 1, "{copy:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn when_its_caller_hangs_up_a_copy_ends() {
    for body in [whole("chat"), streamed("chat")] {
        let (a, b) = (always(Play::silent()), always(Play::silent()));
        let world = world(&a, &b, "", "");
        world.ask_and_leave_after(seconds(2), &body).await;
        settled().await;
        assert_eq!(
            (a.abandoned(), b.abandoned(), world.held()),
            (1, 1, Held::default())
        );
        let (original, copy) = both(&world);
        assert_eq!(
            (original.error, copy.error),
            (Some("client_gone"), Some("client_gone"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_what_failed_goes_on_and_both_are_told() {
    let (a, b) = (
        always(Play::status(400)),
        always(Play::chat("B.").after(seconds(2))),
    );
    let world = world(&a, &b, "", "");
    assert_eq!(world.ask(&whole("chat")).await.status, 400);
    tokio::time::sleep(seconds(3)).await;
    let (_, copy) = both(&world);
    assert_eq!(copy.mirrored.unwrap().original.outcome, "bad_request");
    assert!(
        copy.complete
            && !world
                .metrics()
                .contains("fairlead_mirror_compared_duration_seconds_count")
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_said_in_the_words_of_its_target_and_is_neither_hedged_nor_copied() {
    let (a, b) = (always(Play::chat("A.")), always(Play::status(500)));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        object(
            "LLMProvider",
            "b",
            &format!(
                "type: Anthropic, baseURL: \"{}\", allowPrivateNetwork: true",
                b.base_url()
            ),
        ),
        caller(),
        mirroring(
            ", model: claude, parameters: {overrides: {max_tokens: 7}}, headers: {set: [{name: x-copy, value: yes-it-is}]}",
            ", fallbacks: [{name: spare, providerRef: {name: a}}], hedge: {delay: 1ms, maxPercent: 100}",
        ),
        rule(
            "again",
            "match: {models: [claude]}, targets: [{name: b, providerRef: {name: b}}], mirror: [{name: more, providerRef: {name: a}, percent: 100}]",
        ),
    ]);
    world.ask(&whole("chat")).await;
    settled().await;
    let seen = b.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].path.ends_with("/messages"), "{}", seen[0].path);
    let body = seen[0].json();
    assert_eq!(
        (&body["model"], &body["max_tokens"]),
        (&json!("claude"), &json!(7))
    );
    assert_eq!(seen[0].header("x-copy"), Some("yes-it-is"));
    assert_eq!(a.requests(), 1);
}
