//! Whole answers: held until they are complete, so that a cut one falls over; passed on as they come when they are too large to hold.

use fairlead_faults::{Framing, Play, Provider, Step};
use serde_json::{Value, json};

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Answer, Gateway, serve, whole};

const MIB: usize = 1024 * 1024;

async fn gateway(a: &Provider, spare: &Provider) -> Gateway {
    serve([
        provider("a", &a.base_url(), ONCE),
        provider("spare", &spare.base_url(), ONCE),
        caller(),
        chain("chat", &["a", "spare"], ""),
    ])
    .await
}

async fn played(play: Play) -> Answer {
    let (a, spare) = (
        Provider::always(play).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    gateway(&a, &spare).await.ask(&whole("chat")).await
}

/// A chat completion of about so many bytes, and its content.
fn completion(bytes: usize) -> (String, String) {
    let content = "x".repeat(bytes);
    let choice = json!({"index": 0, "message": {"role": "assistant", "content": content}, "finish_reason": "stop"});
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 9, "total_tokens": 12});
    (
        json!({"object": "chat.completion", "choices": [choice], "usage": usage}).to_string(),
        content,
    )
}

/// The pieces of an answer that says it has `length` bytes.
fn pieces(body: &str, length: usize, end: Step) -> Play {
    let head = Step::Head {
        status: 200,
        headers: vec![("content-type".into(), "application/json".into())],
        framing: Framing::Length(length),
    };
    let pieces = body
        .as_bytes()
        .chunks(64 * 1024)
        .map(|piece| Step::Body(piece.to_vec().into()));
    Play::steps([vec![head], pieces.collect(), vec![end]].concat())
}

#[tokio::test]
async fn an_answer_that_is_no_answer_falls_back() {
    let (body, _) = completion(100);
    let cut = |end| pieces(&body[..50], body.len(), end);
    let table = [
        (cut(Step::Close), "reset"),
        (cut(Step::Reset), "reset"),
        (Play::chat("Hello.").cut_after(0), "reset"),
        (
            Play::json(200, &json!({"error": {"message": "No.", "code": "boom"}})),
            "server_error",
        ),
        (
            Play::json(200, &json!({"error": {"message": "No.", "code": 429}})),
            "rate_limited",
        ),
        (
            Play::json(
                200,
                &json!({"object": "error", "message": "No.", "code": 500}),
            ),
            "server_error",
        ),
        (
            Play::json(
                200,
                &json!({"choices": [{"index": 0, "error": {"message": "No.", "code": 503}}]}),
            ),
            "overloaded",
        ),
        (
            Play::answer(
                200,
                &[("content-type", "application/json")],
                body[..50].to_owned(),
            ),
            "protocol_error",
        ),
        (
            Play::answer(200, &[("content-type", "text/html")], "<h1>Welcome</h1>"),
            "protocol_error",
        ),
        (
            Play::chat("Hello.").header("content-encoding", "gzip"),
            "protocol_error",
        ),
    ];
    for (play, class) in table {
        let answer = played(play.clone()).await;
        let seen = (
            answer.status,
            answer.content(),
            answer.attempts().to_owned(),
        );
        assert_eq!(
            seen,
            (200, "Spare.".to_owned(), format!("a={class}, spare=ok")),
            "{play:?}"
        );
    }
}

#[tokio::test]
async fn an_error_in_a_success_is_told_as_an_error_when_nobody_else_answers() {
    let a = Provider::always(Play::json(
        200,
        &json!({"error": {"message": "Slow down.", "code": 429}}),
    ))
    .await;
    let gateway = serve([
        provider("a", &a.base_url(), ONCE),
        caller(),
        chain("chat", &["a"], ""),
    ])
    .await;
    let answer = gateway.ask(&whole("chat")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (429, "rate_limited")
    );
}

#[tokio::test]
async fn an_answer_passes_byte_for_byte() {
    let odd = "{ \"choices\":[ {\"message\":{\"content\":\"\\u00e9 ü\"},\"finish_reason\":\"stop\",\"x\":1.50} ],\n\"future\":[1e3] }\n";
    let answer = played(Play::answer(
        200,
        &[
            ("content-type", "application/json"),
            ("x-request-id", "req_1"),
            ("set-cookie", "a=b"),
            ("x-ratelimit-limit", "9"),
        ],
        odd,
    ))
    .await;
    assert_eq!((answer.status, answer.text().as_str()), (200, odd));
    assert_eq!(
        (
            answer.header("x-request-id"),
            answer.header("set-cookie"),
            answer.header("x-ratelimit-limit")
        ),
        ("req_1", "", "")
    );
}

#[tokio::test]
async fn an_answer_over_4_mib_passes_and_its_usage_is_read() {
    let (body, content) = completion(6 * MIB);
    let a = Provider::always(pieces(&body, body.len(), Step::End)).await;
    let spare = Provider::always(Play::chat("Spare.")).await;
    let gateway = gateway(&a, &spare).await;
    let answer = gateway.ask(&whole("chat")).await;
    assert!(
        answer.status == 200 && answer.whole && answer.content() == content,
        "{} {} bytes",
        answer.status,
        answer.body.len()
    );
    let line = gateway.access(|line| line["status"] == 200).await;
    assert_eq!(
        (&line["gen_ai.usage.output_tokens"], &line["complete"]),
        (&json!(9), &Value::Bool(true)),
        "{line}"
    );
}

#[tokio::test]
async fn a_cut_within_4_mib_falls_back_and_one_beyond_breaks_the_callers_connection() {
    let (body, _) = completion(6 * MIB);
    let answer = played(pieces(&body[..3 * MIB], body.len(), Step::Close)).await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "a=reset, spare=ok")
    );
    let answer = played(pieces(&body[..5 * MIB], body.len(), Step::Close)).await;
    assert_eq!(
        (answer.status, answer.whole, answer.attempts()),
        (200, false, "a=ok"),
        "{} bytes",
        answer.body.len()
    );
    assert!(answer.body.len() >= 4 * MIB, "{} bytes", answer.body.len());
}

#[tokio::test]
async fn a_connection_that_the_provider_closed_while_idle_costs_nothing() {
    let (a, spare) = (
        Provider::always(Play::chat("Hello.").header("connection", "close")).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let closing = gateway(&a, &spare).await;
    for _ in 0..20 {
        assert_eq!(closing.ask(&whole("chat")).await.attempts(), "a=ok");
    }
    // Says nothing of closing, and closes before it has read a second request.
    let a = Provider::always(Play::chat("Hello.").cut_after(1)).await;
    let silent = gateway(&a, &spare).await;
    for _ in 0..20 {
        assert_eq!(silent.ask(&whole("chat")).await.attempts(), "a=ok");
        // The end of the connection arrives.
        tokio::task::yield_now().await;
    }
    assert_eq!((spare.requests(), a.requests()), (0, 20));
}

#[tokio::test]
async fn connections_to_a_provider_are_used_again() {
    let (a, spare) = (
        Provider::always(Play::chat("Hello.")).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&a, &spare).await;
    for _ in 0..20 {
        assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
        assert!(gateway.ask(&crate::harness::streamed("chat")).await.done());
    }
    assert_eq!(a.requests(), 40);
    // One for each core, and one more for each answer whose end was not yet read when the next request came.
    assert!(
        a.connections() <= 8,
        "{} connections for 40 requests",
        a.connections()
    );
}
