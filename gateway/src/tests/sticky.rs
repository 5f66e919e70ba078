//! Users who stay at one target of a split.

use fairlead_faults::Play;
use fairlead_route::ChosenBy;
use serde_json::json;

use crate::harness::yaml::{caller, provider, rule};
use crate::harness::{World, always, whole};

fn split(sticky: &str, weights: (u32, u32)) -> String {
    let (a, b) = weights;
    rule(
        "chat",
        &format!(
            "match: {{models: [chat]}}, strategy: {{type: Weighted, sticky: {sticky}}}, \
             targets: [{{name: a, providerRef: {{name: a}}, weight: {a}}}, {{name: b, providerRef: {{name: b}}, weight: {b}}}]"
        ),
    )
}

#[tokio::test(start_paused = true)]
async fn a_user_stays_whoever_names_them_and_however_weights_change() {
    for sticky in ["{type: Header, header: x-fairlead-user}", "{type: EndUser}"] {
        let (a, b) = (always(Play::chat("A.")), always(Play::chat("B.")));
        let documents = |weights| {
            [
                provider("a", &a.base_url(), ""),
                provider("b", &b.base_url(), ""),
                caller(),
                split(sticky, weights),
            ]
        };
        let world = World::serve(&documents((50, 50)));
        let mut homes = Vec::new();
        for user in 0..40 {
            let user = format!("user-{user}");
            let headers = [("x-fairlead-user", user.as_str())];
            let home = world.ask_with(&headers, &whole("chat")).await.attempts();
            for _ in 0..3 {
                let again = world.ask_with(&headers, &whole("chat")).await;
                assert_eq!(again.attempts(), home, "{user}");
            }
            homes.push((user, home));
        }
        let at_a = homes.iter().filter(|(_, home)| home == "a=ok").count();
        assert!((8..=32).contains(&at_a), "{at_a}");
        assert_eq!(world.ended().unwrap().chosen_by, Some(ChosenBy::Sticky));
        world.edit(&documents((20, 80)));
        for (user, home) in homes {
            let headers = [("x-fairlead-user", user.as_str())];
            let now = world.ask_with(&headers, &whole("chat")).await.attempts();
            assert!(now == home || now == "b=ok", "{user}: {home}, then {now}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_body_names_an_end_user_and_who_names_none_is_placed_as_usual() {
    let (a, b) = (always(Play::chat("A.")), always(Play::chat("B.")));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider("b", &b.base_url(), ""),
        caller(),
        split("{type: EndUser}", (1, 1)),
    ]);
    let named =
        json!({"model": "chat", "user": "ada", "messages": [{"role": "user", "content": "Hi."}]});
    let home = world.ask(&named).await.attempts();
    for _ in 0..10 {
        assert_eq!(world.ask(&named).await.attempts(), home);
    }
    let (before_a, before_b) = (a.requests(), b.requests());
    for _ in 0..20 {
        world.ask(&whole("chat")).await;
    }
    assert_eq!((a.requests() - before_a, b.requests() - before_b), (10, 10));
}

#[tokio::test(start_paused = true)]
async fn a_user_whose_target_is_down_is_answered_by_the_other_and_comes_back() {
    let (a, b) = (always(Play::status(500)), always(Play::chat("B.")));
    let documents = |at_a: &str| {
        [
            provider(
                "a",
                at_a,
                "health: {consecutiveFailures: 1, rampUp: 0s}, retries: {maxRetries: 0}",
            ),
            provider("b", &b.base_url(), ""),
            caller(),
            split("{type: Header, header: x-user}", (1_000_000, 1)),
        ]
    };
    let world = World::serve(&documents(&a.base_url()));
    let headers = [("x-user", "ada")];
    let first = world.ask_with(&headers, &whole("chat")).await;
    assert_eq!(first.attempts(), "a=server_error, b=ok");
    let second = world.ask_with(&headers, &whole("chat")).await;
    assert_eq!((second.status, second.content().as_str()), (200, "B."));
    let well = always(Play::chat("A."));
    world.edit(&documents(&well.base_url()));
    tokio::time::sleep(crate::harness::seconds(30)).await;
    world.ask_with(&headers, &whole("chat")).await;
    let back = world.ask_with(&headers, &whole("chat")).await;
    assert_eq!(back.attempts(), "a=ok");
}
