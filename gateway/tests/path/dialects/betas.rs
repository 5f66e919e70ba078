//! What callers of Anthropic's ask for by flags: passed on to who speaks as they do, and to nobody else.

use fairlead_faults::{Play, Provider};

use super::{anthropic, asking, before, claude};
use crate::harness::yaml::{KEY, ONCE, caller, rule};
use crate::harness::{Answer, Gateway, serve};

async fn ask_at(gateway: &Gateway, path: &str, model: &str, flags: &str) -> Answer {
    let request = gateway
        .post(path)
        .header("x-api-key", KEY)
        .header("anthropic-beta", flags);
    let answer = Answer::to(request.body(asking(model, false).to_string())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer
}

#[tokio::test]
async fn the_query_goes_to_who_speaks_as_the_caller_and_nothing_else_of_it() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    for (path, at_a) in [
        ("/v1/messages?beta=true", "/v1/messages?beta=true"),
        (
            "/anthropic/v1/messages?x=1&beta=true&key=sk-1",
            "/v1/messages?beta=true",
        ),
        ("/v1/messages?beta=1&x=beta=true", "/v1/messages"),
    ] {
        ask_at(&gateway, path, "only-a", "tools-2026").await;
        assert_eq!(a.seen().pop().unwrap().path, at_a, "{path}");
        ask_at(&gateway, path, "only-b", "tools-2026").await;
        assert_eq!(b.seen().pop().unwrap().path, "/v1/chat/completions");
    }
}

#[tokio::test]
async fn the_old_flag_of_the_large_window_goes_to_models_that_need_it() {
    let a = claude().await;
    let to = |name: &str, model: &str| {
        let target = format!("{{name: t, providerRef: {{name: a}}, model: {model}}}");
        rule(
            name,
            &format!("match: {{models: [{name}]}}, targets: [{target}]"),
        )
    };
    let gateway = serve([
        anthropic("a", &a.base_url(), ONCE),
        caller(),
        to("has-it", "claude-sonnet-4-6"),
        to("needs-it", "claude-sonnet-4-5"),
        to("unknown", "my-own"),
    ])
    .await;
    let old = "context-1m-2025-08-07";
    let among = format!("tools-2026,{old}");
    for (model, flags, sent) in [
        ("has-it", &*among, Some("tools-2026")),
        ("has-it", old, None),
        ("has-it", "tools-2026", Some("tools-2026")),
        ("needs-it", &*among, Some(&*among)),
        ("unknown", &*among, Some(&*among)),
    ] {
        ask_at(&gateway, "/v1/messages", model, flags).await;
        let seen = a.seen().pop().unwrap();
        assert_eq!(seen.header("anthropic-beta"), sent, "{model} {flags}");
    }
}
