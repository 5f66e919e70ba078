//! Streams that are cut, malformed or oddly framed: before the first content another target answers, after it the caller is told.

mod framing;

use std::time::Duration;

use fairlead_faults::{Framing, Play, Provider, Step};
use serde_json::{Value, json};

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Answer, Gateway, serve, streamed};

const ROLE: &str =
    r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#;
const HEL: &str = r#"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}"#;
const LO: &str = r#"{"choices":[{"index":0,"delta":{"content":"lo."},"finish_reason":null}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
const ERROR: &str =
    r#"{"error":{"message":"The engine broke.","type":"server_error","param":null,"code":"boom"}}"#;

async fn gateway(a: &Provider, spare: &Provider) -> Gateway {
    serve([
        provider("a", &a.base_url(), ONCE),
        provider("spare", &spare.base_url(), ONCE),
        caller(),
        chain("chat", &["a", "spare"], ""),
    ])
    .await
}

/// The answer to a streamed request, of which the first provider makes `play`.
async fn played(play: Play) -> Answer {
    let (a, spare) = (
        Provider::always(play).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    gateway(&a, &spare).await.ask(&streamed("chat")).await
}

fn fell_back(answer: &Answer, class: &str) -> bool {
    answer.status == 200
        && answer.done()
        && answer.content() == "Spare."
        && answer.attempts() == format!("a={class}, spare=ok")
}

/// The last event of a stream that broke off, which must be an error and not the end that a client waits for.
fn told(answer: &Answer) -> Value {
    let events = answer.events();
    assert!(
        answer.status == 200 && !events.contains(&"[DONE]".to_owned()),
        "{}",
        answer.text()
    );
    assert_eq!(
        answer.attempts(),
        "a=ok",
        "nobody else may go on with the answer"
    );
    let last: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert!(last["error"]["message"].is_string(), "{}", answer.text());
    last["error"].clone()
}

/// A stream of pieces that are written as they are.
fn raw(pieces: &[&str]) -> Play {
    let head = Step::Head {
        status: 200,
        headers: vec![(
            "content-type".into(),
            "text/event-stream; charset=utf-8".into(),
        )],
        framing: Framing::Chunked,
    };
    let pieces = pieces
        .iter()
        .map(|piece| Step::Body((*piece).to_owned().into()));
    Play::steps([vec![head], pieces.collect(), vec![Step::End]].concat())
}

#[tokio::test]
async fn a_stream_that_breaks_before_its_content_falls_back() {
    let broken = [
        (Play::words(["Hello", "."]).cut_after(0), "reset"),
        (Play::words(["Hello", "."]).cut_after(1), "reset"),
        (Play::words(["Hello", "."]).reset_after(1), "reset"),
        (Play::events([ROLE]), "reset"),
        (Play::events([ROLE, ERROR]), "server_error"),
        (Play::events([ERROR]), "server_error"),
        (Play::events([ROLE, "{\"choices\":["]), "protocol_error"),
        (Play::events([ROLE, "not JSON"]), "protocol_error"),
        (Play::events([ROLE, "[DONE]"]), "protocol_error"),
        (Play::events(["[DONE]"]), "protocol_error"),
        (Play::events([]), "reset"),
        (Play::json(200, &json!({"choices": []})), "protocol_error"),
        (
            Play::json(
                200,
                &json!({"error": {"message": "Slow down.", "code": "rate_limit_exceeded"}}),
            ),
            "rate_limited",
        ),
        (
            raw(&[&format!("data: {}\n\n", "x".repeat(1_100_000))]),
            "protocol_error",
        ),
        (
            raw(&[&format!("data: {}\n\n", "x".repeat(17 << 20))]),
            "protocol_error",
        ),
    ];
    for (play, class) in broken {
        let answer = played(play.clone()).await;
        assert!(
            fell_back(&answer, class),
            "{class}: {:?}\n{} {} {}",
            play,
            answer.status,
            answer.attempts(),
            answer.text()
        );
        assert!(
            !answer.text().contains(
                "assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\ndata: {\"choices\""
            ),
            "what was held is discarded"
        );
    }
}

#[tokio::test]
async fn a_stream_that_breaks_after_its_content_ends_with_an_error_and_without_done() {
    let broken = [
        Play::words(["Hel", "lo."]).cut_after(2),
        Play::words(["Hel", "lo."]).reset_after(2),
        Play::events([ROLE, HEL]),
        Play::events([ROLE, HEL, "{\"choices\":["]),
        Play::events([ROLE, HEL, "[DONE]"]),
        raw(&[&format!("data: {HEL}\n\n"), "data: {\"choices\""]),
    ];
    for play in broken {
        let answer = played(play.clone()).await;
        let error = told(&answer);
        assert_eq!(
            (answer.content().as_str(), error["code"].as_str()),
            ("Hel", Some("provider_error")),
            "{play:?}\n{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn an_error_that_a_provider_reports_after_its_content_is_told() {
    // Of its own failures a provider may say what is not for callers.
    let answer = played(Play::events([ROLE, HEL, ERROR])).await;
    assert_eq!(told(&answer)["code"], "provider_error");
    assert!(!answer.text().contains("engine"), "{}", answer.text());
    assert_eq!(answer.content(), "Hel");
    // What it says of the request is passed on.
    let filtered = r#"{"error":{"message":"Filtered.","type":"x","code":"content_filter"}}"#;
    let answer = played(Play::events([ROLE, HEL, filtered])).await;
    assert_eq!(told(&answer)["message"], "Filtered.");
}

#[tokio::test]
async fn a_missing_terminator_is_added_once_every_choice_has_finished() {
    let endings = [
        Play::events([ROLE, HEL, LO, STOP]),
        Play::words(["Hel", "lo."]).cut_after(4),
        raw(&[&format!("data: {HEL}\n\ndata: {LO}\n\ndata: {STOP}\n\n")]),
    ];
    for play in endings {
        let answer = played(play.clone()).await;
        assert!(
            answer.done() && answer.content() == "Hello.",
            "{play:?}\n{}",
            answer.text()
        );
        assert_eq!(
            answer
                .events()
                .iter()
                .filter(|event| *event == "[DONE]")
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn a_stream_of_several_choices_is_complete_when_all_have_finished() {
    let choice = |index: u64, finish: Value| {
        json!({"choices": [{"index": index, "delta": {"content": "x"}, "finish_reason": finish}]})
            .to_string()
    };
    let mut body = streamed("chat");
    body["n"] = json!(2);
    let ask = async |events: &[String]| {
        let events: Vec<&str> = events.iter().map(String::as_str).collect();
        let (a, spare) = (
            Provider::always(Play::events(events)).await,
            Provider::always(Play::chat("Spare.")).await,
        );
        gateway(&a, &spare).await.ask(&body).await
    };
    let (one, two) = (choice(0, json!("stop")), choice(1, json!("stop")));
    assert!(ask(&[one.clone(), two.clone()]).await.done());
    assert!(ask(&[one.clone(), two, "[DONE]".into()]).await.done());
    // Some servers ignore `n`: whoever says that this was all is believed, if nothing that has begun is missing.
    assert!(ask(&[one.clone(), "[DONE]".into()]).await.done());
    told(&ask(std::slice::from_ref(&one)).await);
    told(&ask(&[one.clone(), choice(1, Value::Null)]).await);
    told(&ask(&[one, choice(1, Value::Null), "[DONE]".into()]).await);
}

#[tokio::test]
async fn content_is_passed_on_as_it_comes() {
    let (a, spare) = (
        Provider::always(Play::words(["Hel", "lo."]).hang_after(2)).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&a, &spare).await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(crate::harness::KEY)
        .body(streamed("chat").to_string());
    let mut response = request.send().await.unwrap();
    let first = tokio::time::timeout(Duration::from_secs(5), response.chunk())
        .await
        .expect("content is held back")
        .unwrap()
        .unwrap();
    assert!(String::from_utf8_lossy(&first).contains("Hel"), "{first:?}");
    // The caller hangs up, and the provider sees it.
    drop(response);
    a.until(|a| a.abandoned() == 1).await;
    let line = gateway.access(|line| line["stream"] == true).await;
    assert_eq!(
        (&line["error.type"], &line["complete"]),
        (&json!("client_gone"), &json!(false)),
        "{line}"
    );
}

#[tokio::test]
async fn a_caller_that_hangs_up_before_the_content_is_noticed_too() {
    let (a, spare) = (
        Provider::always(Play::silent_after_head()).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&a, &spare).await;
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(crate::harness::KEY)
        .body(streamed("chat").to_string());
    tokio::select! {
        _ = request.send() => panic!("nothing has come yet"),
        () = a.until(|a| a.requests() == 1) => {}
    }
    a.until(|a| a.abandoned() == 1).await;
    assert_eq!(spare.requests(), 0);
}

#[tokio::test]
async fn more_than_may_be_held_commits_a_stream() {
    let many: Vec<&str> = std::iter::repeat_n(ROLE, 70).chain([ERROR]).collect();
    let answer = played(Play::events(many)).await;
    assert_eq!(told(&answer)["code"], "provider_error");
}
