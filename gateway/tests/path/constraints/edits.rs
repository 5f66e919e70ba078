//! Edits, by whomever and at whatever moment, and what is left in force when one is refused.

use std::time::Duration;

use fairlead_faults::{Play, Seen};

use super::{at, constraint, fails, is_refused, labelled, words, world};
use crate::harness::yaml::{object, rule};
use crate::harness::{streamed, whole};

fn chat() -> String {
    let spec = format!(
        "match: {{models: [chat]}}, targets: [{}], fallbacks: [{}]",
        at("inside"),
        at("outside")
    );
    rule("search/chat", &spec)
}

#[tokio::test]
async fn a_request_keeps_the_constraint_that_it_started_with() {
    let slow = |_: &Seen| Play::status(500).after(Duration::from_millis(700));
    let world = world(slow, &chat()).await;
    let (body, stream) = (whole("chat"), streamed("chat"));
    let asking = async { tokio::join!(world.ask(&body), world.ask(&stream)) };
    let lifting = async {
        world.inside.until(|inside| inside.requests() == 2).await;
        world.gateway.edit("constraint.yaml", "").await;
        assert_eq!(world.outside.requests(), 0);
    };
    let ((first, second), ()) = tokio::join!(asking, lifting);
    assert_eq!(
        (first.status, second.status),
        (500, 500),
        "{}",
        first.text()
    );
    assert_eq!(world.outside.requests(), 0, "it was reached");
    // Deleted, it is gone for those that come later.
    let answer = world.ask(&body).await;
    assert_eq!(answer.content(), "Outside.", "{}", answer.text());
}

#[tokio::test]
async fn a_constraint_holds_from_the_edit_on() {
    let world = world(words, "").await;
    world.gateway.edit("constraint.yaml", "").await;
    assert_eq!(world.ask(&whole("outside/m")).await.status, 200);
    world.gateway.edit("constraint.yaml", &constraint("")).await;
    for _ in 0..10 {
        is_refused(&world.ask(&whole("outside/m")).await);
    }
    assert_eq!(world.outside.requests(), 1);
}

#[tokio::test]
async fn an_edit_that_is_refused_leaves_the_constraint_as_it_was() {
    let world = world(words, "").await;
    for bad in [
        rule("eu-only", "precedence: Override"),
        constraint(", priority: 5"),
        constraint(", match: {when: 'request.of_a_later_version'}"),
        rule(
            "eu-only",
            "precedence: Override, constrain: {providerSelector: {}}",
        ),
        rule(
            "eu-only",
            "precedence: Override, constrain: {providerSelector: {matchExpressions: [{key: region, operator: Later}]}}",
        ),
        rule(
            "eu-only",
            "precedence: Override, constrain: {providerSelector: {matchLabels: {region: us}}}, later: true",
        ),
    ] {
        let before = world.gateway.err.count();
        let setup = &world.gateway.setup;
        setup.write("config/constraint.yaml", &bad);
        world
            .gateway
            .err
            .after(before, |line| {
                line.contains(
                    "RoutingRule default/eu-only: the last accepted version stays in force",
                )
            })
            .await;
        is_refused(&world.ask(&whole("outside/m")).await);
        assert_eq!(world.ask(&whole("m")).await.content(), "Inside.");
    }
    world.held().await;
}

#[tokio::test]
async fn labels_that_change() {
    let world = world(words, "").await;
    // The platform gives the label to another provider, too, and takes it away again.
    let simulated = |labels: &str| {
        labelled(
            labels,
            &object(
                "LLMProvider",
                "further",
                "type: Simulated, simulated: {text: Further.}, access: {namespaces: {from: All}}",
            ),
        )
    };
    world.gateway.edit("further.yaml", &simulated("a: b")).await;
    is_refused(&world.ask(&whole("further/x")).await);
    world
        .gateway
        .edit("further.yaml", &simulated("region: eu"))
        .await;
    let answer = world.ask(&whole("further/x")).await;
    assert_eq!(answer.content(), "Further.", "{}", answer.text());
    world
        .gateway
        .edit("further.yaml", &simulated("region: us"))
        .await;
    is_refused(&world.ask(&whole("further/x")).await);
    world.held().await;
}

#[tokio::test]
async fn an_edit_storm_opens_no_gap() {
    let world = world(fails, &chat()).await;
    let storm = async {
        for n in 0..12 {
            let other = rule(
                "other",
                &format!(
                    "priority: {n}, match: {{models: [other]}}, targets: [{}]",
                    at("inside")
                ),
            );
            world.gateway.edit("other.yaml", &other).await;
            let same = constraint(if n % 2 == 0 {
                ", match: {when: 'true'}"
            } else {
                ""
            });
            world.gateway.edit("constraint.yaml", &same).await;
        }
    };
    let asking = async {
        for n in 0..150 {
            let model = ["chat", "outside/m", "n"][n % 3];
            let answer = world.ask(&whole(model)).await;
            assert!(answer.status >= 400, "{}", answer.text());
        }
    };
    tokio::join!(storm, asking);
    world.held().await;
}
