//! How a provider's answer is judged: what it says decides, in whatever form it comes, and what follows from one request harms no other.

mod streams;

use fairlead_faults::{Play, Provider, Seen};
use serde_json::{Value, json};

use crate::harness::yaml::{ONCE, caller, chain, provider, secret};
use crate::harness::{Answer, Gateway, serve, streamed, whole};

/// One failure is enough to be left alone.
const FRAGILE: &str = "retries: {maxRetries: 0}, health: {consecutiveFailures: 1}";
const CREDENTIAL: &str = "credentials: [{name: main, secretRef: {name: one}}]";

/// `chat` goes to a first provider and then to a spare one, `alone` only to the first. The first is left alone after one failure.
async fn gateway(a: &Provider, spare: &Provider) -> Gateway {
    serve([
        provider("a", &a.base_url(), &format!("{CREDENTIAL}, {FRAGILE}")),
        provider("spare", &spare.base_url(), ONCE),
        secret(
            "one",
            "credential",
            "apiKey: sk-upstream-that-nobody-may-see",
        ),
        caller(),
        chain("chat", &["a", "spare"], "") + &chain("alone", &["a"], ""),
    ])
    .await
}

/// A gateway whose first provider refuses what says `BAD` and answers everything else, and its two providers.
async fn refusing(refusal: Play) -> (Gateway, Provider, Provider) {
    let a = Provider::start(move |seen: &Seen| {
        if String::from_utf8_lossy(&seen.body).contains("BAD") {
            refusal.clone()
        } else {
            Play::chat("A.")
        }
    })
    .await;
    let spare = Provider::always(Play::chat("Spare.")).await;
    (gateway(&a, &spare).await, a, spare)
}

fn saying(words: &str, mut body: Value) -> Value {
    body["messages"][0]["content"] = words.into();
    body
}

fn text(status: u16, kind: &str, body: &str) -> Play {
    Play::answer(status, &[("content-type", kind)], body.to_owned())
}

/// The first provider makes `play`, the second answers.
async fn played(play: Play, body: &Value) -> Answer {
    let a = Provider::always(play).await;
    let spare = Provider::always(Play::chat("Spare.")).await;
    gateway(&a, &spare).await.ask(body).await
}

#[tokio::test]
async fn a_refusal_of_one_request_leaves_credential_and_target_to_all_others() {
    let flagged = json!({"code": "The caller does not have permission", "error": "Content violates usage guidelines. Failed check: X"});
    let too_dear = json!({"error": {"code": 402, "message": "This request requires more credits, or fewer max_tokens."}});
    let invalid = json!({"error": {"message": "No.", "type": "invalid_request_error", "code": "tool_use_failed"}}).to_string();
    for (refusal, attempts, status) in [
        (Play::json(403, &flagged), "a=content_filtered", 403),
        (Play::json(402, &too_dear), "a=bad_request", 402),
        (
            text(403, "text/html", "<h1>Blocked by the firewall</h1>"),
            "a=bad_request",
            403,
        ),
        (Play::status(402), "a=bad_request", 402),
        (Play::status(400), "a=bad_request", 400),
        (
            Play::json(200, &serde_json::from_str(&invalid).unwrap()),
            "a=bad_request",
            400,
        ),
    ] {
        let (gateway, a, _spare) = refusing(refusal.clone()).await;
        for _ in 0..3 {
            let answer = gateway.ask(&saying("BAD", whole("alone"))).await;
            assert_eq!(
                (answer.status, answer.attempts()),
                (status, attempts),
                "{refusal:?}\n{}",
                answer.text()
            );
            assert!(!answer.text().contains("firewall") && !answer.text().contains("credits"));
            // The bystander.
            assert_eq!(
                gateway.ask(&whole("alone")).await.attempts(),
                "a=ok",
                "{refusal:?}"
            );
        }
        assert_eq!(a.requests(), 6, "each is asked once");
    }
}

#[tokio::test]
async fn a_refused_request_is_not_sent_with_every_credential() {
    let a = Provider::always(text(403, "text/html", "<h1>No.</h1>")).await;
    let names = ["one", "two", "three"];
    let credential = |name| format!("{{name: {name}, secretRef: {{name: {name}}}}}");
    let credentials = names.map(credential).join(", ");
    let secrets = names.map(|name| secret(name, "credential", &format!("apiKey: value-{name}")));
    let gateway = serve([
        provider(
            "a",
            &a.base_url(),
            &format!("credentials: [{credentials}], {ONCE}"),
        ),
        secrets.concat(),
        caller(),
        chain("alone", &["a"], ""),
    ])
    .await;
    let answer = gateway.ask(&whole("alone")).await;
    assert_eq!((answer.status, answer.attempts()), (403, "a=bad_request"));
    assert_eq!(a.requests(), 1);
}

#[tokio::test]
async fn a_bad_key_is_known_by_what_is_said_of_it() {
    let google = json!([{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}]);
    let xai = json!({"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***yz."});
    for refusal in [google, xai] {
        let (gateway, _a, _spare) = refusing(Play::json(400, &refusal)).await;
        let answer = gateway.ask(&saying("BAD", whole("chat"))).await;
        assert_eq!(answer.attempts(), "a=bad_credential, spare=ok");
        let (gateway, _a, _spare) = refusing(Play::json(400, &refusal)).await;
        let answer = gateway.ask(&saying("BAD", whole("alone"))).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (502, "provider_credential")
        );
        assert!(!answer.text().contains("API key"), "{}", answer.text());
    }
}

/// Refusals that are no error object, and the status, code and `Retry-After` that a caller sees.
fn without_json() -> [(Play, u16, &'static str, &'static str); 8] {
    let sse =
        "data: {\"error\": {\"message\": \"internal\", \"type\": \"invalid_request_error\"}}\n\n";
    let page = |status| text(status, "text/html", "<html>internal</html>");
    let refused = |play, status| (play, status, "provider_refused", "");
    [
        refused(text(400, "text/plain", "internal: max_tokens"), 400),
        refused(text(400, "text/event-stream", sse), 400),
        refused(page(413), 413),
        refused(text(422, "text/plain", ""), 422),
        refused(Play::json(400, &json!({"error": {}})), 400),
        refused(page(400).header("content-encoding", "gzip"), 400),
        (
            page(429).header("retry-after", "60"),
            429,
            "rate_limited",
            "60",
        ),
        (
            page(503).header("retry-after", "7"),
            503,
            "provider_error",
            "7",
        ),
    ]
}

#[tokio::test]
async fn a_refusal_that_is_no_json_keeps_its_status_and_loses_its_words() {
    for (refusal, status, code, retry_after) in without_json() {
        for body in [whole("alone"), streamed("alone")] {
            let (gateway, _a, _spare) = refusing(refusal.clone()).await;
            let answer = gateway.ask(&saying("BAD", body)).await;
            let told = answer.text();
            assert_eq!(
                (
                    answer.status,
                    answer.code().as_str(),
                    answer.header("retry-after")
                ),
                (status, code, retry_after),
                "{refusal:?}\n{told}"
            );
            assert_eq!(answer.header("x-should-retry"), "false");
            assert!(!told.contains("internal"), "{told}");
        }
    }
}

#[tokio::test]
async fn words_about_our_account_are_ours_and_words_about_the_request_are_the_providers() {
    let error = |code: &str| json!({"error": {"message": "In organization org-7: no.", "type": "x", "param": null, "code": code}});
    for (status, code, shown, told) in [
        (429, "rate_limit_exceeded", 429, "rate_limited"),
        (402, "insufficient_quota", 429, "rate_limited"),
        (500, "boom", 500, "provider_error"),
        (529, "overloaded_error", 503, "provider_error"),
        (404, "model_not_found", 404, "provider_refused"),
        (401, "invalid_api_key", 502, "provider_credential"),
        (302, "moved", 502, "provider_error"),
    ] {
        let (gateway, _a, _spare) = refusing(Play::json(status, &error(code))).await;
        let answer = gateway.ask(&saying("BAD", whole("alone"))).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (shown, told),
            "{}",
            answer.text()
        );
        assert!(!answer.text().contains("org-7"), "{}", answer.text());
        assert_eq!(answer.header("location"), "");
    }
    for status in [400, 409, 413, 422] {
        let (gateway, _a, _spare) = refusing(Play::json(status, &error("invalid_value"))).await;
        let answer = gateway.ask(&saying("BAD", whole("alone"))).await;
        assert_eq!(
            (answer.status, answer.json()),
            (status, error("invalid_value"))
        );
    }
    // Nobody is to believe that this gateway does not know the caller's key.
    let (gateway, _a, _spare) = refusing(Play::json(400, &error("invalid_key"))).await;
    let answer = gateway.ask(&saying("BAD", whole("alone"))).await;
    assert_eq!(
        (
            answer.status,
            answer.code().as_str(),
            answer.message().as_str()
        ),
        (400, "provider_refused", "In organization org-7: no.")
    );
}

#[tokio::test]
async fn a_success_without_an_answer_is_none() {
    let unfinished =
        json!({"choices": [{"index": 0, "message": {"content": "Hel"}, "finish_reason": null}]});
    let failed = json!({"choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "error", "native_finish_reason": "network_error"}]});
    for (body, class) in [
        (json!({}), "protocol_error"),
        (json!({"detail": "Not Found"}), "protocol_error"),
        (
            json!({"id": "x", "choices": [], "usage": {"total_tokens": 1}}),
            "protocol_error",
        ),
        (unfinished, "protocol_error"),
        (
            json!({"choices": null, "base_resp": {"status_code": 1004, "status_msg": "login fail"}}),
            "bad_credential",
        ),
        (
            json!({"code": 429, "msg": "too many requests", "success": false}),
            "rate_limited",
        ),
        (failed, "server_error"),
    ] {
        let answer = played(Play::json(200, &body), &whole("chat")).await;
        assert_eq!(
            (answer.status, answer.attempts()),
            (200, format!("a={class}, spare=ok").as_str()),
            "{body}"
        );
    }
}

#[tokio::test]
async fn an_error_that_says_nothing_beside_a_good_answer_is_none() {
    let nothing = json!({"message": "", "type": "", "param": "", "code": null});
    for error in [nothing, json!({}), json!("")] {
        let good = json!({"choices": [{"index": 0, "message": {"content": "A."}, "finish_reason": "stop"}], "error": error});
        let answer = played(Play::json(200, &good), &whole("chat")).await;
        assert_eq!((answer.attempts(), answer.json()), ("a=ok", good));
    }
}

#[tokio::test]
async fn a_coding_that_is_none_is_none() {
    for coding in ["none", "None", "Identity", "identity", ""] {
        let play = Play::chat("A.").header("content-encoding", coding);
        for body in [whole("chat"), streamed("chat")] {
            let answer = played(play.clone(), &body).await;
            assert_eq!(
                (answer.attempts(), answer.content().as_str()),
                ("a=ok", "A."),
                "{coding:?}"
            );
        }
    }
}

#[tokio::test]
async fn more_choices_than_anyone_needs_are_refused_before_anybody_is_asked() {
    let (gateway, a, _spare) = refusing(Play::status(500)).await;
    for (n, status) in [(128, 200), (129, 400), (300, 400), (u32::MAX, 400)] {
        let mut body = streamed("alone");
        body["n"] = n.into();
        let answer = gateway.ask(&body).await;
        assert_eq!(answer.status, status, "{n}: {}", answer.text());
        assert!(status == 200 || answer.code() == "invalid_request");
    }
    let prompts =
        |count| json!({"model": "alone", "prompt": vec!["a"; count], "stream": true, "n": 4});
    let answer = gateway.ask_at("/v1/completions", &prompts(513)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "invalid_request")
    );
    assert_eq!(a.requests(), 1);
}

#[tokio::test]
async fn embeddings_go_up_as_they_came() {
    let strict = |seen: &Seen| {
        if seen.json().get("stream_options").is_some() {
            Play::status(400)
        } else {
            Play::chat("")
        }
    };
    let (a, spare) = (
        Provider::start(strict).await,
        Provider::always(Play::status(500)).await,
    );
    let gateway = gateway(&a, &spare).await;
    let body = json!({"model": "alone", "input": "x", "stream": true});
    let answer = gateway.ask_at("/v1/embeddings", &body).await;
    assert_eq!((answer.status, a.requests()), (200, 1), "{}", answer.text());
    assert_eq!(a.seen()[0].json(), body);
}
