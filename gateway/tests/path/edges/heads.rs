//! Heads of requests: what they may say, where they may point, and what their answers say.

use fairlead_faults::{Play, Provider};
use reqwest::Method;
use serde_json::Value;

use super::setup;
use crate::harness::http2::over_http_2;
use crate::harness::raw::{converse, head};
use crate::harness::{Answer, KEY, whole};

#[tokio::test]
async fn a_head_that_can_be_read_in_two_ways_is_refused() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    let key = format!("authorization: Bearer {KEY}\r\n");
    let body = whole("chat").to_string();
    let length = format!("content-length: {}\r\n", body.len());
    let line = "POST /v1/chat/completions HTTP/1.1\r\n";
    for (what, text, status) in [
        ("no host", format!("{line}{key}{length}\r\n{body}"), 400),
        (
            "two hosts",
            format!("{line}host: a\r\nhost: b\r\n{key}{length}\r\n{body}"),
            400,
        ),
        (
            "a coding that is not understood",
            format!("{line}host: a\r\n{key}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
            501,
        ),
    ] {
        let answer = converse(&gateway, &text).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}"))
                && answer.contains("connection: close")
                && answer.contains("\"error\""),
            "{what}: {answer}"
        );
        gateway
            .access(|line| line["status"] == status && line["error.type"].is_string())
            .await;
    }
    assert_eq!(a.requests(), 0, "none of them reached the provider");
}

#[tokio::test]
async fn what_the_connection_header_names_and_further_lines_are_told_apart() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    let body = whole("chat").to_string();
    let more = format!(
        "user-agent: me\r\nconnection: close, user-agent\r\ntracestate: a=1\r\ntracestate: b=2\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = converse(&gateway, &head(&gateway, &more)).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let seen = &a.seen()[0];
    assert_eq!(seen.header("user-agent"), None);
    let lines: Vec<_> = seen
        .headers
        .iter()
        .filter(|(name, _)| name.as_str() == "tracestate")
        .map(|(_, value)| value.clone())
        .collect();
    assert_eq!(lines, ["a=1", "b=2"]);
}

#[tokio::test]
async fn a_refusal_says_what_its_status_must_say() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    let bare = Answer::to(gateway.post("/v1/chat/completions")).await;
    assert_eq!(bare.header("www-authenticate"), "Bearer");
    let wrong = gateway.ask_as("sk-nobody", &whole("chat")).await;
    assert_eq!(
        (wrong.status, wrong.header("www-authenticate")),
        (401, "Bearer error=\"invalid_token\"")
    );
    let get = gateway.get_as(KEY, "/v1/chat/completions").await;
    assert_eq!((get.status, get.header("allow")), (405, "POST"));
    let post = gateway.ask_at("/v1/models", &whole("chat")).await;
    assert_eq!((post.status, post.header("allow")), (405, "GET, HEAD"));
}

#[tokio::test]
async fn a_name_in_a_path_that_is_no_text_is_asked_for_a_key_and_written_down_like_any_other() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    let stranger = gateway.get_as("sk-nobody", "/v1/models/%ff").await;
    assert_eq!(
        (stranger.status, stranger.code().as_str()),
        (401, "invalid_key")
    );
    gateway.access(|line| line["status"] == 401).await;
    let known = gateway.get_as(KEY, "/v1/models/%ff").await;
    assert_eq!(
        (known.status, known.code().as_str()),
        (404, "unknown_model")
    );
    gateway.access(|line| line["status"] == 404).await;
    assert_eq!(gateway.get_as(KEY, "/v1/models/c%68at").await.status, 200);
}

#[tokio::test]
async fn a_slash_too_many_is_no_other_path() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    for path in ["//v1/chat/completions", "/v1/chat/completions/"] {
        let answer = gateway.ask_at(path, &whole("chat")).await;
        assert_eq!((answer.status, answer.content().as_str()), (200, "Hello."));
    }
    assert_eq!(gateway.get_as(KEY, "/v1/models/").await.status, 200);
}

#[tokio::test]
async fn web_pages_may_read_answers_only_where_the_command_line_says_so() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let page = "https://app.example";
    let closed = setup(&a, "").start().await;
    let open = setup(&a, "")
        .arguments(&["--cors-allow-origin", page])
        .start()
        .await;
    for (gateway, origin, readable) in [
        (&closed, page, false),
        (&open, page, true),
        (&open, "https://evil.example", false),
    ] {
        let asked = gateway
            .post("/v1/chat/completions")
            .header("origin", origin)
            .bearer_auth(KEY)
            .body(whole("chat").to_string());
        let answer = Answer::to(asked).await;
        let expected = if readable { page } else { "" };
        assert_eq!(
            (answer.status, answer.header("access-control-allow-origin")),
            (200, expected),
            "{origin}"
        );
        let preflight = reqwest::Client::builder()
            .no_proxy()
            .build()
            .unwrap()
            .request(Method::OPTIONS, gateway.url("/v1/chat/completions"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization, content-type",
            );
        let told = Answer::to(preflight).await;
        let expected = if readable {
            (204, "authorization, content-type")
        } else {
            (405, "")
        };
        assert_eq!(
            (told.status, told.header("access-control-allow-headers")),
            expected,
            "{origin}"
        );
    }
}

#[tokio::test]
async fn http_2_takes_as_many_fields_as_http_1() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, "").start().await;
    let ask = async |count: usize| {
        let mut fields: Vec<_> = (0..count)
            .map(|at| (format!("x-{at}"), "1".to_owned()))
            .collect();
        fields.push(("authorization".to_owned(), format!("Bearer {KEY}")));
        over_http_2(&gateway, &fields, whole("chat").to_string().into_bytes()).await
    };
    assert_eq!(ask(90).await.0, 200);
    let (status, body) = ask(400).await;
    assert!(
        status == 431 && body.contains("too_many_headers"),
        "{status} {body}"
    );
    let line: Value = gateway.access(|line| line["status"] == 431).await;
    assert_eq!(line["error.type"], "too_many_headers");
}
