//! The same for streams.

use fairlead_faults::{Framing, Play, Provider, Seen, Step};
use serde_json::{Value, json};

use super::{gateway, played, refusing, saying};
use crate::harness::{Gateway, streamed};

const HEL: &str = r#"{"choices":[{"index":0,"delta":{"content":"Hel"},"finish_reason":null}]}"#;
const STOP: &str = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;

/// A stream of pieces that are written as they are.
fn raw(kind: &str, framing: Framing, pieces: &[&str], end: Step) -> Play {
    let head = Step::head(200, &[("content-type", kind)], framing);
    let pieces = pieces
        .iter()
        .map(|piece| Step::Body((*piece).to_owned().into()));
    Play::steps([vec![head], pieces.collect(), vec![end]].concat())
}

fn sse(pieces: &[&str]) -> Play {
    raw("text/event-stream", Framing::Chunked, pieces, Step::End)
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

#[tokio::test]
async fn a_refusal_told_inside_a_stream_moves_no_breaker() {
    let refusal = json!({"error": {"message": "Failed to call a function.", "type": "invalid_request_error", "code": "tool_use_failed"}});
    let (gateway, a, _spare) =
        refusing(sse(&[&format!("event: error\ndata: {refusal}\n\n")])).await;
    for _ in 0..3 {
        let answer = gateway.ask(&saying("BAD", streamed("alone"))).await;
        assert_eq!(
            (answer.status, answer.attempts(), answer.json()),
            (400, "a=bad_request", refusal.clone())
        );
        assert_eq!(gateway.ask(&streamed("alone")).await.attempts(), "a=ok");
    }
    assert_eq!(a.requests(), 6);
}

#[tokio::test]
async fn an_event_beyond_our_limit_blames_nobody_and_an_image_fits() {
    let image = |mib: usize| {
        let url = format!("data:image/png;base64,{}", "A".repeat(mib << 20));
        json!({"choices": [{"index": 0, "delta": {"images": [{"image_url": {"url": url}}]}, "finish_reason": null}]}).to_string()
    };
    let (gateway, _a, _spare) =
        refusing(sse(&[&event(&image(11)), &event(STOP), "data: [DONE]\n\n"])).await;
    let answer = gateway.ask(&saying("BAD", streamed("alone"))).await;
    assert!(
        answer.done() && answer.body.len() > 11 << 20,
        "{} bytes",
        answer.body.len()
    );
    let (gateway, _a, _spare) = refusing(sse(&[&event(&image(17)), &event(STOP)])).await;
    for _ in 0..2 {
        let answer = gateway.ask(&saying("BAD", streamed("alone"))).await;
        assert_eq!(
            (answer.status, answer.attempts()),
            (502, "a=protocol_error")
        );
        assert_eq!(gateway.ask(&streamed("alone")).await.attempts(), "a=ok");
    }
}

#[tokio::test]
async fn a_stream_is_one_whatever_it_is_called() {
    let words = [event(HEL), event(STOP), "data: [DONE]\n\n".to_owned()].concat();
    for kind in [
        "application/json",
        "text/plain; charset=utf-8",
        "application/octet-stream",
    ] {
        for pieces in [
            vec![words.as_str()],
            vec!["d", "a", &words[2..]],
            vec![": hi\n\n", &words],
        ] {
            let answer = played(
                raw(kind, Framing::Chunked, &pieces, Step::End),
                &streamed("chat"),
            )
            .await;
            assert_eq!(
                (answer.attempts(), answer.header("content-type")),
                ("a=ok", "text/event-stream"),
                "{kind}"
            );
            assert!(
                answer.done() && answer.content() == "Hel",
                "{}",
                answer.text()
            );
        }
    }
    let answer = played(
        raw("text/plain", Framing::Chunked, &["dat", "abase"], Step::End),
        &streamed("chat"),
    )
    .await;
    assert_eq!(answer.attempts(), "a=protocol_error, spare=ok");
}

#[tokio::test]
async fn the_last_event_counts_without_its_blank_line_unless_it_was_cut() {
    let begun = event(HEL);
    for last in [format!("data: {STOP}\n"), format!("data: {STOP}")] {
        for framing in [Framing::Chunked, Framing::Close] {
            let end = if framing == Framing::Close {
                Step::Close
            } else {
                Step::End
            };
            let answer = played(
                raw("text/event-stream", framing, &[&begun, &last], end),
                &streamed("chat"),
            )
            .await;
            assert!(
                answer.done() && answer.text().contains(STOP),
                "{}",
                answer.text()
            );
        }
        // The chunk that ends the body is missing.
        let cut = raw(
            "text/event-stream",
            Framing::Chunked,
            &[&begun, &last],
            Step::Close,
        );
        let answer = played(cut, &streamed("chat")).await;
        assert!(
            !answer.done() && answer.text().contains("\"error\""),
            "{}",
            answer.text()
        );
    }
    let half = raw(
        "text/event-stream",
        Framing::Chunked,
        &[&begun, &format!("data: {}", &STOP[..20])],
        Step::End,
    );
    assert!(!played(half, &streamed("chat")).await.done());
}

#[tokio::test]
async fn errors_in_any_frame_are_errors() {
    for (frame, class) in [
        (
            "{\"error\":{\"message\":\"Slow down.\",\"code\":429}}",
            "rate_limited",
        ),
        (
            "{\"error\":{\"message\":\"Slow down.\",\"code\":429}}\n\n",
            "rate_limited",
        ),
        (
            "error: {\"code\":503,\"message\":\"Busy.\"}\n\n",
            "overloaded",
        ),
        (
            "event: error\ndata: {\"message\":\"Busy.\",\"type\":\"overloaded_error\"}\n\n",
            "overloaded",
        ),
        ("event: error\ndata: upstream timed out\n\n", "server_error"),
        (
            "data: {\"code\":429,\"msg\":\"Slow down.\"}\n\n",
            "rate_limited",
        ),
        (
            "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\ndata: [DONE]\n\n",
            "server_error",
        ),
    ] {
        let answer = played(sse(&[frame]), &streamed("chat")).await;
        assert_eq!(
            (answer.attempts(), answer.content().as_str()),
            (format!("a={class}, spare=ok").as_str(), "Spare."),
            "{frame}"
        );
        // After content the caller is told, where its SDK looks for it.
        let a = Provider::always(sse(&[&event(HEL), frame])).await;
        let spare = Provider::always(Play::chat("Spare.")).await;
        let gateway = gateway(&a, &spare).await;
        let answer = gateway.ask(&streamed("chat")).await;
        let last: Value = serde_json::from_str(answer.events().last().unwrap()).unwrap();
        assert!(
            last["error"]["message"].is_string(),
            "{frame}\n{}",
            answer.text()
        );
        assert_eq!(
            (answer.attempts(), answer.done()),
            ("a=ok", false),
            "{frame}"
        );
        let line = gateway.access(|line| line["stream"] == true).await;
        assert_eq!(
            (&line["complete"], line["error.type"].as_str()),
            (&json!(false), Some(class)),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_cut_stream_of_two_prompts_is_not_told_as_whole() {
    let choice = |text, finish| {
        json!({"choices": [{"index": 0, "text": text, "finish_reason": finish}]}).to_string()
    };
    let one = [
        event(&choice("one", Value::Null)),
        event(&choice("", json!("stop"))),
    ]
    .concat();
    let cut = raw("text/event-stream", Framing::Chunked, &[&one], Step::Close);
    let (a, spare) = (
        Provider::always(cut).await,
        Provider::always(Play::status(500)).await,
    );
    let gateway = gateway(&a, &spare).await;
    let ask = async |prompt: Value| {
        let body = json!({"model": "alone", "prompt": prompt, "stream": true});
        gateway.ask_at("/v1/completions", &body).await
    };
    assert!(ask(json!(["a"])).await.done(), "all of one prompt");
    let answer = ask(json!(["a", "b"])).await;
    assert!(
        !answer.done() && answer.text().contains("\"error\""),
        "{}",
        answer.text()
    );
    let line = gateway.access(|line| line["complete"] == false).await;
    assert_eq!(line["error.type"], "reset", "{line}");
}

#[tokio::test]
async fn heartbeats_and_full_usage_chunks_reach_callers_as_they_should() {
    let usage = r#"{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2},"citations":["https://example.org"]}"#;
    let answer = played(
        sse(&[
            "data:\n\n",
            &event(HEL),
            "event: ping\ndata: \n\n",
            &event(STOP),
            &event(usage),
            "data: [DONE]\n\n",
        ]),
        &streamed("chat"),
    )
    .await;
    assert_eq!(
        answer.text(),
        [
            event(HEL),
            event(STOP),
            event(usage),
            "data: [DONE]\n\n".to_owned()
        ]
        .concat()
    );
}

/// A server that knows no `stream_options`, and says no to a model `bad` in words that name it.
fn strict(seen: &Seen) -> Play {
    let body = seen.json();
    if body.get("stream_options").is_some() || seen.model() == "bad" {
        let detail = json!([{"type": "extra_forbidden", "loc": ["body", "stream_options"], "msg": "Extra inputs are not permitted"}]);
        return Play::json(422, &json!({"detail": detail}));
    }
    Play::chat("A.")
}

async fn strict_gateway() -> (Gateway, Provider, Provider) {
    let (a, spare) = (
        Provider::start(strict).await,
        Provider::always(Play::status(500)).await,
    );
    (gateway(&a, &spare).await, a, spare)
}

#[tokio::test]
async fn a_server_that_refuses_our_wish_for_usage_is_asked_without_it() {
    let (gateway, a, _spare) = strict_gateway().await;
    for requests in [2, 3, 4] {
        let answer = gateway.ask(&streamed("alone")).await;
        assert_eq!(
            (answer.done(), answer.attempts()),
            (true, "a=ok"),
            "{}",
            answer.text()
        );
        assert_eq!(a.requests(), requests, "it is remembered");
    }
}

#[tokio::test]
async fn a_callers_own_wish_is_its_own_affair() {
    let (gateway, a, _spare) = strict_gateway().await;
    let mut body = streamed("alone");
    body["stream_options"] = json!({"include_usage": true});
    let answer = gateway.ask(&body).await;
    assert_eq!(
        (answer.status, answer.attempts(), a.requests()),
        (422, "a=bad_request", 1)
    );
    // Whoever has a provider speak of it changes nothing for the others.
    let answer = gateway.ask(&streamed("a/bad")).await;
    assert_eq!((answer.status, a.requests()), (422, 3));
    gateway.ask(&streamed("alone")).await;
    assert!(a.seen()[3].json().get("stream_options").is_some());
}
