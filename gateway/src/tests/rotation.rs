//! A key that was rotated: for a while both of its values work, and both are the same key.

use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};

use fairlead_faults::{Play, Provider, Reply};

use crate::harness::yaml::{KEY, chain, key, provider};
use crate::harness::{OTHER, World, always, seconds, whole};

/// The value that the usual caller's key gets.
const NEW: &str = "sk-caller-renewed-0123456789abcdef01";

fn words() -> Provider {
    always(Play::from(Reply::words(["A."])))
}

/// A caller whose old value works an hour longer, beside one who is not rotated.
fn documents(upstream: &Provider, value: &str, more: &str) -> Vec<String> {
    vec![
        provider("a", &upstream.base_url(), ""),
        chain("chat", &["a"], ""),
        key(
            "caller",
            value,
            &format!(
                "rateLimits: [{{name: few, unit: Requests, limit: 3, per: 24h}}], rotation: {{overlap: 1h}}{more}"
            ),
        ),
        key("other", OTHER, ""),
    ]
}

/// What is said of a value that is refused; nothing of one that works.
async fn refused(world: &World, value: &str) -> Option<(u16, String)> {
    let request = Request::get("/v1/models")
        .header("authorization", format!("Bearer {value}"))
        .header("host", "gateway");
    let answer = world
        .ask_request(request.body(Full::default()).unwrap())
        .await;
    let status = answer.status;
    (status != 200).then(|| (status, answer.code()))
}

#[tokio::test(start_paused = true)]
async fn the_old_value_works_beside_the_new_one_until_its_very_second() {
    let upstream = words();
    let world = World::serve(&documents(&upstream, KEY, ""));
    assert_eq!(refused(&world, KEY).await, None);
    assert_eq!(
        refused(&world, NEW).await,
        Some((401, "invalid_key".to_owned()))
    );
    world.edit(&documents(&upstream, NEW, ""));
    // Whatever else changes meanwhile does not lengthen the time.
    tokio::time::sleep(seconds(1800)).await;
    world.edit(&documents(&upstream, NEW, ", suspended: false"));
    tokio::time::sleep(seconds(1799)).await;
    for value in [KEY, NEW, OTHER] {
        assert_eq!(refused(&world, value).await, None, "{value}");
    }
    tokio::time::sleep(seconds(1)).await;
    let rotated = Some((401, "key_rotated".to_owned()));
    assert_eq!(refused(&world, KEY).await, rotated);
    let told = world.ask_as(KEY, &whole("chat")).await.text();
    assert!(told.contains("was rotated"), "{told}");
    for value in [NEW, OTHER] {
        assert_eq!(refused(&world, value).await, None, "{value}");
    }
    // It is remembered what it was, however often is compiled.
    world.edit(&documents(&upstream, NEW, ""));
    assert_eq!(refused(&world, KEY).await, rotated);
}

#[tokio::test(start_paused = true)]
async fn both_values_use_up_the_limits_of_one_key_and_the_bystanders_are_their_own() {
    let upstream = words();
    let world = World::serve(&documents(&upstream, KEY, ""));
    assert_eq!(world.ask_as(KEY, &whole("chat")).await.status, 200);
    world.edit(&documents(&upstream, NEW, ""));
    assert_eq!(world.ask_as(KEY, &whole("chat")).await.status, 200);
    assert_eq!(world.ask_as(NEW, &whole("chat")).await.status, 200);
    for value in [KEY, NEW] {
        assert_eq!(
            world.ask_as(value, &whole("chat")).await.status,
            429,
            "{value}"
        );
    }
    assert_eq!(world.ask_as(OTHER, &whole("chat")).await.status, 200);
    let usage = async |value: &str| {
        let request = Request::get("/v1/usage")
            .header("authorization", format!("Bearer {value}"))
            .header("host", "gateway");
        let answer = world
            .ask_request(request.body(Full::default()).unwrap())
            .await;
        let told: Value = serde_json::from_str(&answer.text()).unwrap();
        (told["key"].clone(), told["limits"][0]["used"].clone())
    };
    let told = (json!("default/caller"), json!(3));
    assert_eq!(usage(KEY).await, told);
    assert_eq!(usage(NEW).await, told);
}

#[tokio::test(start_paused = true)]
async fn suspending_ends_both_and_brings_back_the_new_one_alone() {
    let upstream = words();
    let world = World::serve(&documents(&upstream, KEY, ""));
    world.edit(&documents(&upstream, NEW, ""));
    assert_eq!(refused(&world, KEY).await, None);
    world.edit(&documents(&upstream, NEW, ", suspended: true"));
    for value in [KEY, NEW] {
        let suspended = Some((401, "key_suspended".to_owned()));
        assert_eq!(refused(&world, value).await, suspended, "{value}");
    }
    world.edit(&documents(&upstream, NEW, ""));
    assert_eq!(refused(&world, NEW).await, None);
    assert_eq!(
        refused(&world, KEY).await,
        Some((401, "key_rotated".to_owned()))
    );
}
