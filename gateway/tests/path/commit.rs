//! `commit: Complete`: a stream is held until it is whole, so that it may break anywhere and another target still answers; and
//! `onClientGone: Finish`: it is read to its end even if its caller hangs up.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Gateway, KEY, serve, streamed};

const COMPLETE: &str = "stream: {commit: Complete}, timeouts: {idle: 200ms}";
const FINISH: &str = "stream: {onClientGone: Finish}";

async fn gateway(a: &Provider, spare: &Provider, rule: &str) -> Gateway {
    let more = "retries: {maxRetries: 0}";
    serve([
        provider("a", &a.base_url(), more),
        provider("spare", &spare.base_url(), more),
        caller(),
        chain("chat", &["a", "spare"], rule),
    ])
    .await
}

#[tokio::test]
async fn a_stream_that_breaks_anywhere_falls_back() {
    let words = ["word "; 10];
    let broken = [
        (Play::words(words).cut_after(10), "reset"),
        (Play::words(words).cut_after(2), "reset"),
        (Play::words(words).reset_after(9), "reset"),
        (Play::words(words).hang_after(10), "idle_timeout"),
    ];
    for (play, class) in broken {
        let (a, spare) = (
            Provider::always(play).await,
            Provider::always(Play::words(["Spa", "re."])).await,
        );
        let gateway = gateway(&a, &spare, COMPLETE).await;
        let answer = gateway.ask(&streamed("chat")).await;
        assert!(
            answer.done() && answer.content() == "Spare.",
            "{}",
            answer.text()
        );
        assert_eq!(answer.attempts(), format!("a={class}, spare=ok"));
        assert!(!answer.text().contains("word"), "{}", answer.text());
    }
}

#[tokio::test]
async fn a_stream_that_does_not_break_is_passed_on_whole() {
    let (a, spare) = (
        Provider::always(Play::words(["a"; 200]).every(Duration::from_millis(1))).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&a, &spare, COMPLETE).await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert!(
        answer.done() && answer.content() == "a".repeat(200),
        "{}",
        answer.text()
    );
    let line = gateway.access(|line| line["stream"] == true).await;
    assert_eq!(
        (&line["complete"], &line["gen_ai.usage.output_tokens"]),
        (&json!(true), &json!(200))
    );
}

/// Takes longer than anything else here: the time after which there is company is not for anyone to set.
#[tokio::test]
async fn a_caller_has_company_while_a_stream_is_held() {
    let slow = Play::words(["a"; 8]).every(Duration::from_millis(1_600));
    let (a, spare) = (
        Provider::always(slow).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&a, &spare, "stream: {commit: Complete}").await;
    let answer = gateway.ask(&streamed("chat")).await;
    let text = answer.text();
    assert!(
        answer.done() && answer.content() == "a".repeat(8) && text.starts_with(": waiting"),
        "{text}"
    );
    assert!(text.contains("\n: x-fairlead-attempts: a=ok\n"), "{text}");
    let (before, _) = text.split_once("data: ").unwrap();
    assert!(
        !before.contains("\n\n"),
        "some readers take a blank line for an empty event: {text}"
    );
}

#[tokio::test]
async fn what_is_too_large_to_hold_is_passed_on() {
    let large = "x".repeat(900_000);
    let words = [large.as_str(); 6];
    let (a, spare) = (
        Provider::always(Play::words(words).cut_after(7)).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&a, &spare, COMPLETE).await;
    let answer = gateway.ask(&streamed("chat")).await;
    assert_eq!(
        (answer.attempts(), answer.content().len(), spare.requests()),
        ("a=ok", 6 * large.len(), 0)
    );
    assert!(answer.events().last().unwrap().contains("\"error\""));
}

/// Asks for a stream, reads one piece of it if there is one within a moment, and hangs up.
async fn hang_up(gateway: &Gateway, a: &Provider) {
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .body(streamed("chat").to_string());
    let content = async { request.send().await.unwrap().chunk().await };
    let asked = async {
        a.until(|a| a.requests() == 1).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    tokio::select! {
        _ = content => {}
        () = asked => {}
    }
}

async fn line_of(gateway: &Gateway) -> Value {
    gateway.access(|line| line["stream"] == true).await
}

#[tokio::test]
async fn a_stream_without_a_caller_is_read_to_its_end() {
    let words = Play::words(["a"; 10]).every(Duration::from_millis(40));
    let (after_content, before_content) = (words.clone(), words.after(Duration::from_millis(400)));
    for play in [after_content, before_content] {
        let (a, spare) = (
            Provider::always(play).await,
            Provider::always(Play::chat("Spare.")).await,
        );
        let gateway = gateway(&a, &spare, FINISH).await;
        hang_up(&gateway, &a).await;
        let line = line_of(&gateway).await;
        assert_eq!(
            (
                &line["error.type"],
                &line["complete"],
                &line["gen_ai.usage.output_tokens"]
            ),
            (&json!("client_gone"), &json!(false), &json!(10)),
            "{line}"
        );
        assert_eq!((a.abandoned(), spare.requests()), (0, 0));
    }
}

#[tokio::test]
async fn without_a_rule_that_says_so_the_provider_is_hung_up_on() {
    let (a, spare) = (
        Provider::always(Play::words(["a"; 10]).every(Duration::from_millis(40))).await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&a, &spare, "").await;
    hang_up(&gateway, &a).await;
    let line = line_of(&gateway).await;
    assert_eq!(
        (&line["error.type"], &line["gen_ai.usage.output_tokens"]),
        (&json!("client_gone"), &Value::Null),
        "{line}"
    );
    a.until(|a| a.abandoned() == 1).await;
}
