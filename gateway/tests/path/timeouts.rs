//! How long things may take, and who may say so.

use std::time::Duration;

use fairlead_faults::{Framing, Play, Provider, Step};
use serde_json::Value;
use tokio::time::Instant;

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, KEY, serve, streamed, whole};

async fn gateway(a: &Provider, of_provider: &str, of_rule: &str) -> Gateway {
    let timeouts = |text: &str| {
        if text.is_empty() {
            String::new()
        } else {
            format!("timeouts: {{{text}}}")
        }
    };
    let spare = provider("spare", &a.base_url().replace("/v1", "/spare/v1"), "");
    let rules = [
        chain("chat", &["a", "spare"], &timeouts(of_rule)),
        chain("alone", &["a"], &timeouts(of_rule)),
    ]
    .concat();
    serve([
        provider("a", &a.base_url(), &timeouts(of_provider)),
        spare,
        caller(),
        rules,
    ])
    .await
}

/// Silent, but for the path of the spare provider.
async fn silent() -> Provider {
    Provider::start(|seen| {
        if seen.path.starts_with("/spare") {
            Play::chat("Spare.")
        } else {
            Play::silent()
        }
    })
    .await
}

async fn ask_within(gateway: &Gateway, body: &Value, millis: &str) -> Answer {
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .header("x-fairlead-timeout-ms", millis);
    Answer::to(request.body(body.to_string())).await
}

fn timed_out(answer: &Answer) -> bool {
    answer.status == 504
        && answer.code() == "provider_timeout"
        && answer.header("x-should-retry") == "false"
}

#[tokio::test]
async fn the_callers_time_ends_a_request_with_504() {
    let a = silent().await;
    let gateway = gateway(&a, "", "").await;
    for body in [whole("alone"), streamed("alone")] {
        let began = Instant::now();
        let answer = ask_within(&gateway, &body, "1000").await;
        assert!(timed_out(&answer), "{} {}", answer.status, answer.text());
        assert_eq!(answer.attempts(), "a=total_timeout");
        assert!(
            began.elapsed() >= Duration::from_secs(1) && began.elapsed() < Duration::from_secs(20),
            "{:?}",
            began.elapsed()
        );
    }
    a.until(|a| a.abandoned() == a.requests()).await;
}

#[tokio::test]
async fn the_callers_time_raises_nothing() {
    let a = silent().await;
    let gateway = gateway(&a, "", "total: 200ms").await;
    let began = Instant::now();
    let answer = ask_within(&gateway, &whole("chat"), "600000").await;
    assert!(
        timed_out(&answer) && began.elapsed() < Duration::from_secs(5),
        "{} {}",
        answer.status,
        answer.text()
    );
}

#[tokio::test]
async fn the_total_time_spans_all_attempts_and_ends_the_plan() {
    let a = silent().await;
    let answer = gateway(&a, "", "total: 200ms")
        .await
        .ask(&whole("chat"))
        .await;
    assert!(timed_out(&answer), "{} {}", answer.status, answer.text());
    assert_eq!(answer.attempts(), "a=total_timeout");
    // An attempt that leaves time for another one does not end the plan.
    let answer = gateway(&a, "firstByte: 100ms", "total: 10s")
        .await
        .ask(&whole("chat"))
        .await;
    assert_eq!(
        (answer.status, answer.attempts()),
        (200, "a=first_token_timeout, spare=ok")
    );
}

#[tokio::test]
async fn the_rules_time_goes_before_the_providers() {
    let a = silent().await;
    let gateway = gateway(
        &a,
        "firstByte: 10m, firstToken: 10m",
        "firstByte: 600ms, firstToken: 600ms",
    )
    .await;
    for body in [whole("chat"), streamed("chat")] {
        let answer = gateway.ask(&body).await;
        assert_eq!(
            (answer.status, answer.attempts()),
            (200, "a=first_token_timeout, spare=ok")
        );
    }
    for body in [whole("alone"), streamed("alone")] {
        let answer = gateway.ask(&body).await;
        assert!(
            timed_out(&answer) && answer.attempts() == "a=first_token_timeout",
            "{}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_role_and_comments_are_no_first_token() {
    let role = r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#;
    let head = Step::Head {
        status: 200,
        headers: vec![("content-type".into(), "text/event-stream".into())],
        framing: Framing::Chunked,
    };
    let mut steps = vec![head, Step::Event(role.into())];
    for _ in 0..100 {
        steps.extend([
            Step::Pause(Duration::from_millis(20)),
            Step::Comment("keep-alive".into()),
        ]);
    }
    steps.push(Step::Hang);
    let a = Provider::start(move |seen| {
        if seen.path.starts_with("/spare") {
            Play::chat("Spare.")
        } else {
            Play::steps(steps.clone())
        }
    })
    .await;
    let answer = gateway(&a, "firstToken: 150ms", "")
        .await
        .ask(&streamed("chat"))
        .await;
    assert_eq!(
        (answer.content().as_str(), answer.attempts()),
        ("Spare.", "a=first_token_timeout, spare=ok")
    );
}

#[tokio::test]
async fn a_stream_that_stalls_after_its_content_ends_with_an_error() {
    let a = Provider::always(Play::words(["Hel", "lo."]).hang_after(2)).await;
    let answer = gateway(&a, "idle: 150ms", "")
        .await
        .ask(&streamed("chat"))
        .await;
    assert!(
        answer.content() == "Hel" && !answer.text().contains("[DONE]"),
        "{}",
        answer.text()
    );
    assert!(
        answer.text().contains("\"code\":\"provider_error\"") && answer.text().contains("stalled"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn comments_do_not_keep_a_stream_alive() {
    let mut steps = vec![Step::Head {
        status: 200,
        headers: vec![("content-type".into(), "text/event-stream".into())],
        framing: Framing::Chunked,
    }];
    steps.push(Step::Event(
        r#"{"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#.into(),
    ));
    for _ in 0..100 {
        steps.extend([
            Step::Pause(Duration::from_millis(20)),
            Step::Comment("keep-alive".into()),
        ]);
    }
    steps.push(Step::Hang);
    let a = Provider::always(Play::steps(steps)).await;
    let began = Instant::now();
    let answer = gateway(&a, "idle: 200ms", "")
        .await
        .ask(&streamed("chat"))
        .await;
    assert!(
        answer.text().contains("stalled") && began.elapsed() < Duration::from_millis(1_800),
        "{:?} {}",
        began.elapsed(),
        answer.text()
    );
}

#[tokio::test]
async fn a_slow_stream_that_moves_on_is_not_cut() {
    let a = Provider::always(Play::words(["a"; 10]).every(Duration::from_millis(40))).await;
    let answer = gateway(&a, "idle: 300ms, firstToken: 300ms", "")
        .await
        .ask(&streamed("chat"))
        .await;
    assert!(
        answer.done() && answer.content() == "a".repeat(10),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_whole_answer_that_stalls_falls_back() {
    let body = r#"{"choices":[]}"#;
    let stalls = [
        Step::Head {
            status: 200,
            headers: vec![("content-type".into(), "application/json".into())],
            framing: Framing::Length(body.len()),
        },
        Step::Body(body[..5].to_owned().into()),
        Step::Hang,
    ];
    let a = Provider::start(move |seen| {
        if seen.path.starts_with("/spare") {
            Play::chat("Spare.")
        } else {
            Play::steps(stalls.clone())
        }
    })
    .await;
    let answer = gateway(&a, "idle: 150ms", "")
        .await
        .ask(&whole("chat"))
        .await;
    assert_eq!(
        (answer.content().as_str(), answer.attempts()),
        ("Spare.", "a=idle_timeout, spare=ok")
    );
}

#[tokio::test]
async fn the_total_time_ends_a_stream_too() {
    let a = Provider::always(Play::words(["a"; 1000]).every(Duration::from_millis(20))).await;
    let gateway = gateway(&a, "", "").await;
    let answer = ask_within(&gateway, &streamed("chat"), "2000").await;
    assert!(
        answer.status == 200 && !answer.text().contains("[DONE]"),
        "{}",
        answer.text()
    );
    assert!(
        answer
            .text()
            .contains("the time for the whole request was over"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_stream_passed_on_for_its_number_of_events_still_owes_its_content() {
    for (timeouts, told) in [
        ("idle: 300ms, total: 15s", "stalled"),
        ("firstToken: 400ms, total: 15s", "first content"),
    ] {
        let empty = r#"{"choices":[{"index":0,"delta":{}}]}"#;
        let a = Provider::always(Play::events([empty; 70]).hang_after(70)).await;
        let began = Instant::now();
        let answer = gateway(&a, timeouts, "").await.ask(&streamed("chat")).await;
        assert!(
            answer.text().contains(told) && began.elapsed() < Duration::from_secs(8),
            "{timeouts}: {:?} {}",
            began.elapsed(),
            answer.text()
        );
    }
}
