//! The servers that call themselves compatible: every one of them, whole and streamed, well and failing.

use fairlead_faults::{Play, Provider, Reply, Shape};
use serde_json::json;

use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{Gateway, serve, streamed, whole};

async fn gateway(a: &Provider) -> Gateway {
    serve([
        provider("a", &a.base_url(), ONCE),
        caller(),
        chain("chat", &["a"], ""),
    ])
    .await
}

#[tokio::test]
async fn every_compatible_server_answers_whole_and_streamed_and_its_usage_is_read() {
    for shape in Shape::ALL {
        let reply = Reply::words(["Hello", ",", " world", "."])
            .shape(shape)
            .reasoning(["Hm", "."])
            .usage(11, 3, 4);
        let a = Provider::always(reply.into()).await;
        let gateway = gateway(&a).await;
        for (stream, body) in [(false, whole("chat")), (true, streamed("chat"))] {
            let answer = gateway.ask(&body).await;
            assert_eq!(
                (answer.status, answer.content().as_str()),
                (200, "Hello, world."),
                "{shape:?} {}",
                answer.text()
            );
            assert!(
                answer.whole && (!stream || answer.done()),
                "{shape:?} {}",
                answer.text()
            );
            let line = gateway.access(|line| line["stream"] == stream).await;
            let counted = [
                &line["gen_ai.usage.input_tokens"],
                &line["gen_ai.usage.output_tokens"],
            ];
            assert_eq!(counted, [11, 4], "{shape:?} {line}");
            assert_eq!(line["complete"], true, "{shape:?} {line}");
        }
    }
}

#[tokio::test]
async fn every_compatible_server_passes_usage_to_a_caller_that_asked() {
    for shape in Shape::ALL {
        let a = Provider::always(Play::shape(shape)).await;
        let mut body = streamed("chat");
        body["stream_options"] = json!({"include_usage": true});
        let answer = gateway(&a).await.ask(&body).await;
        assert!(
            answer.done() && answer.text().contains("\"prompt_tokens\":10"),
            "{shape:?} {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn every_compatible_server_is_understood_when_it_fails() {
    let table = [
        (401, "bad_credential"),
        (429, "rate_limited"),
        (500, "server_error"),
        (503, "overloaded"),
    ];
    for shape in Shape::ALL {
        let a = Provider::start(move |seen| {
            Play::error(
                shape,
                seen.header("user-agent")
                    .and_then(|status| status.parse().ok())
                    .unwrap(),
            )
        })
        .await;
        let gateway = gateway(&a).await;
        for (status, class) in table {
            let request = gateway
                .post("/v1/chat/completions")
                .bearer_auth(crate::harness::KEY)
                .header("user-agent", status.to_string());
            let answer = crate::harness::Answer::to(request.body(whole("chat").to_string())).await;
            assert_eq!(
                answer.attempts(),
                format!("a={class}"),
                "{shape:?} {status} {}",
                answer.text()
            );
            let shown = if status == 401 { 502 } else { status };
            assert_eq!(answer.status, shown, "{shape:?}");
        }
    }
}
