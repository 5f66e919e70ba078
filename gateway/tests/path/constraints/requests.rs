//! What a tenant may send so that a constraint with a condition does not see it for what it is.

use fairlead_faults::Play;
use serde_json::json;

use super::{TENANT, World, constraint, is_error, is_refused, words, world_under};
use crate::harness::{Answer, whole};

async fn when(condition: &str) -> World {
    let constraint = constraint(&format!(", match: {{when: '{condition}'}}"));
    world_under(&constraint, words, "").await
}

async fn with_headers(world: &World, headers: &[(&str, &[u8])]) -> Answer {
    let mut request = world.gateway.post("/v1/chat/completions");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.bearer_auth(TENANT);
    Answer::to(request.body(whole("outside/m").to_string())).await
}

#[tokio::test]
async fn a_header_spelt_otherwise_or_sent_twice() {
    let world = when(r#"request.headers["x-data"] != "public""#).await;
    for headers in [
        &[][..],
        &[("x-data", &b""[..])][..],
        &[("x-data", &b"Public"[..])],
        &[("x-data", &b"public,public"[..])],
        &[("x-data", &b"public"[..]), ("x-data", &b"public"[..])],
        &[("x-data", &b"public"[..]), ("X-Data", &b"pii"[..])],
        &[("x_data", &b"public"[..])],
    ] {
        is_refused(&with_headers(&world, headers).await);
    }
    world.held().await;
    let world = when(r#"request.headers["x-data"].contains("pii")"#).await;
    for headers in [
        &[("X-DATA", &b"pii"[..])][..],
        &[("x-data", &b"public"[..]), ("X-Data", &b"pii"[..])],
        &[("x-data", &b"pii"[..]), ("x-data", &b"public"[..])],
    ] {
        is_refused(&with_headers(&world, headers).await);
    }
    world.held().await;
}

#[tokio::test]
async fn a_header_that_is_no_text() {
    let world = when(r#"request.headers["x-data"].contains("pii")"#).await;
    for headers in [
        &[("x-data", &b"pii\xff"[..])][..],
        &[("x-data", &b"public"[..]), ("x-data", &b"\xff"[..])],
    ] {
        is_error(&with_headers(&world, headers).await, "a header");
    }
    world.held().await;
}

#[tokio::test]
async fn a_parameter_that_has_no_one_reading() {
    let world = when(r#"request.params.user == "patient" || request.params.seed > 5"#).await;
    for members in [
        r#""user":"patient\ud800","seed":1"#,
        r#""user":"x","seed":1e999"#,
        r#""user":{"a":1,"a":2},"seed":9007199254740993e400"#,
        r#""user":"x","USER":"patient","seed":1"#,
        r#""user":"x","u\u0073er\u0000":"patient","seed":1"#,
        r#""user":"x","seed":"9""#,
    ] {
        let body = format!(r#"{{"model":"outside/m","messages":[],{members}}}"#);
        is_error(&world.send(&body).await, members);
    }
    for members in [
        r#""user":"\u0070atient","seed":1"#,
        r#""us\u0065r":"patient","seed":1"#,
        r#""user":"patient","seed":1e999"#,
        r#""user":"x","seed":5.5"#,
    ] {
        let body = format!(r#"{{"model":"outside/m","messages":[],{members}}}"#);
        is_refused(&world.send(&body).await);
    }
    for members in [
        r#""user":"x","user":"patient""#,
        r#""user":"x","us\u0065r":"patient""#,
    ] {
        let body = format!(r#"{{"model":"outside/m","messages":[],{members}}}"#);
        let answer = world.send(&body).await;
        assert!([400, 503].contains(&answer.status), "{}", answer.text());
    }
    world.held().await;
}

#[tokio::test]
async fn a_model_said_otherwise() {
    let constraint = constraint(", match: {models: [n, \"secret-*\"]}");
    let world = world_under(&constraint, words, "").await;
    for model in [
        "n",
        "outside/n",
        "open/n",
        "open/secret-1",
        "open/of-others/secret-1",
    ] {
        is_refused(&world.ask(&whole(model)).await);
    }
    for body in [
        r#"{"model":"inside/m","Model":"outside/n","messages":[]}"#,
        r#"{"model":"inside/m","model":"outside/n","messages":[]}"#,
        r#"{"mod\u0065l":"outside/n","model":"inside/m","messages":[]}"#,
    ] {
        assert_eq!(world.send(body).await.status, 400, "{body}");
    }
    is_refused(
        &world
            .send(r#"{"model":"outside\/\u006e","messages":[]}"#)
            .await,
    );
    // What Claude Code writes behind a name is no part of it.
    for wish in ["[1m]", "[1M]", "[1m][1m]"] {
        let body = json!({"model": format!("open/n{wish}"), "max_tokens": 9, "messages": [{"role": "user", "content": "Hi."}]});
        let request = world.gateway.post("/v1/messages").bearer_auth(TENANT);
        let answer = Answer::to(request.body(body.to_string())).await;
        assert_eq!(answer.status, 403, "{}", answer.text());
    }
    assert_eq!(world.outside.requests(), 0);
    // For other names there is no constraint.
    let answer = world.ask(&whole("outside/m")).await;
    assert_eq!(answer.content(), "Outside.", "{}", answer.text());
}

#[tokio::test]
async fn what_passes_through_where_a_condition_asks_for_the_body() {
    let constraint = constraint(", match: {models: [n], when: 'request.stream'}");
    let world = world_under(&constraint, |_| Play::answer(200, &[], "inside"), "").await;
    for provider in ["outside", "inside"] {
        let path = format!("/passthrough/default/{provider}/files");
        is_error(&world.gateway.get_as(TENANT, &path).await, provider);
    }
    assert_eq!(world.inside.requests(), 0);
    world.held().await;
    let world = when(r#"request.headers["x-data"] != "public""#).await;
    let path = "/passthrough/default/outside/files";
    is_refused(&world.gateway.get_as(TENANT, path).await);
    world.held().await;
}

#[tokio::test]
async fn a_condition_that_can_be_told_lets_by_who_it_is_not_for() {
    let world = when(r#"request.headers["x-data"] != "public""#).await;
    let answer = with_headers(&world, &[("x-data", b"public")]).await;
    assert_eq!(answer.content(), "Outside.", "{}", answer.text());
    let request = world
        .gateway
        .post("/passthrough/default/outside/files")
        .header("x-data", "public");
    let answer = Answer::to(request.bearer_auth(TENANT)).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(world.outside.requests(), 2);
}

#[tokio::test]
async fn an_image_that_is_said_otherwise() {
    let world = when("request.needs.images").await;
    let said = |part: &str| {
        format!(r#"{{"model":"outside/m","messages":[{{"role":"user","content":[{part}]}}]}}"#)
    };
    for part in [
        r#"{"type":"image_url","image_url":{"url":"https://a/b.png"}}"#,
        r#"{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}"#,
    ] {
        is_refused(&world.send(&said(part)).await);
    }
    for part in [
        r#"{"typ\u0065":"\u0069mage_url","image_url":{"url":"https://a/b.png"}}"#,
        r#"{"type":"input_image","image_url":"https://a/b.png"}"#,
        r#"{"type":"video_url","video_url":{"url":"https://a/b.png"}}"#,
        r#"{"type":"file","file":{"file_id":"file-1"}}"#,
        r#"{"type":"text","type":"image_url","text":"a","image_url":{"url":"https://a/b.png"}}"#,
    ] {
        let answer = world.send(&said(part)).await;
        assert!(
            [403, 503].contains(&answer.status),
            "{part}: {}",
            answer.text()
        );
    }
    let both = r#"{"model":"outside/m","messages":[],"Messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b"}}]}]}"#;
    assert_eq!(world.send(both).await.status, 400);
    assert_eq!(world.outside.requests(), 0);
    let answer = world.ask(&whole("outside/m")).await;
    assert_eq!(answer.content(), "Outside.", "{}", answer.text());
}
