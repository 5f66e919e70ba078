//! What neither a caller nor a provider can do to others by way of translation.

use fairlead_faults::{Play, Provider, Step};
use serde_json::json;

use super::{CREDENTIAL, anthropic, ask, asking, before, claude, events, names, said, stream};
use crate::harness::yaml::{KEY, ONCE, caller, chain};
use crate::harness::{Answer, streamed, whole};

/// A member of another API means nothing: it neither multiplies the choices of a stream nor is it missed.
#[tokio::test]
async fn a_number_of_choices_is_read_where_it_means_something() {
    let (a, b) = (claude().await, Provider::always(Play::chat("Well.")).await);
    let gateway = before(&a, &b, "onUnsupported: Drop").await;
    let mut body = asking("only-b", true);
    body["n"] = json!(5);
    let answer = ask(&gateway, &body).await;
    assert_eq!(
        names(&answer).pop().as_deref(),
        Some("message_stop"),
        "{}",
        answer.text()
    );
    let mut body = streamed("only-a");
    body["n"] = json!(2);
    let answer = gateway.ask(&body).await;
    assert!(answer.done(), "{}", answer.text());
}

/// A server that refuses to be asked for usage is asked without, whoever the caller is.
#[tokio::test]
async fn a_translated_stream_is_asked_again_without_its_usage() {
    let refusal = json!({"error": {"message": "Unknown member stream_options.", "type": "invalid_request_error"}});
    let b = Provider::start(move |seen: &fairlead_faults::Seen| {
        if seen.include_usage() {
            Play::json(400, &refusal)
        } else {
            Play::chat("Well.")
        }
    })
    .await;
    let a = claude().await;
    let gateway = before(&a, &b, "").await;
    for requests in [2, 3] {
        let answer = ask(&gateway, &asking("only-b", true)).await;
        assert_eq!(
            (answer.attempts(), said(&answer).as_str()),
            ("b=ok", "Well."),
            "{}",
            answer.text()
        );
        assert_eq!(b.requests(), requests, "it is remembered");
    }
}

/// The path names the model of a request of Gemini's; a body that names another is not passed on to who may go by that.
#[tokio::test]
async fn a_body_cannot_name_another_model_than_its_path() {
    let (a, b) = (claude().await, Provider::always(Play::chat("B.")).await);
    let gateway = before(&a, &b, "").await;
    for name in ["model", "Model"] {
        let body = json!({name: "models/dearer", "contents": [{"parts": [{"text": "Hi."}]}]});
        let request = gateway.post("/v1beta/models/only-b:generateContent");
        let answer = Answer::to(request.header("x-goog-api-key", KEY).body(body.to_string())).await;
        assert_eq!((answer.status, b.requests()), (400, 0), "{}", answer.text());
        assert!(answer.message().contains("model"), "{}", answer.text());
    }
    // The key may stand in the query, and only here.
    let body = json!({"contents": [{"parts": [{"text": "Hi."}]}]}).to_string();
    let path = format!("/v1beta/models/only-b:generateContent?key={KEY}");
    let answer = Answer::to(gateway.post(&path).body(body.clone())).await;
    assert_eq!(
        answer.json()["candidates"][0]["content"]["parts"][0]["text"],
        "B.",
        "{}",
        answer.text()
    );
    let path = format!("/v1/messages?key={KEY}");
    assert_eq!(Answer::to(gateway.post(&path).body(body)).await.status, 401);
    assert!(!gateway.out.so_far().concat().contains(KEY));
}

/// One caller's body that is nothing but small objects takes no more memory than there is for all, and another one notices nothing.
#[tokio::test]
async fn a_body_that_would_grow_a_hundredfold_is_refused() {
    let a = claude().await;
    let documents = [
        anthropic("a", &a.base_url(), ONCE),
        caller(),
        chain("only-a", &["a"], ""),
    ];
    let setup = crate::harness::Setup::new().file("all.yaml", &documents.concat());
    let gateway = setup
        .arguments(&["--max-memory-bytes", "200000000"])
        .start()
        .await;
    assert_eq!(gateway.ask(&whole("only-a")).await.status, 200);
    let before = gateway.resident();
    let blocks = vec![r#"{"type":"x"}"#; 1_000_000].join(",");
    let body =
        format!(r#"{{"model":"only-a","messages":[{{"role":"user","content":[{blocks}]}}]}}"#);
    let request = gateway.post("/v1/chat/completions").bearer_auth(KEY);
    let answer = Answer::to(request.body(body)).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "overloaded"),
        "{}",
        answer.message()
    );
    let grown = gateway.resident().saturating_sub(before) / (1024 * 1024);
    assert!(grown < 256, "{grown} MiB for a body of 13 MB");
    assert_eq!(gateway.ask(&whole("only-a")).await.attempts(), "a=ok");
    assert_eq!(a.requests(), 2);
}

/// An event from which our credential is cut keeps its name: Anthropic's clients go by that.
#[tokio::test]
async fn an_event_from_which_the_credential_is_cut_keeps_its_name() {
    let mut all = events();
    all[3].1["delta"]["text"] = json!(format!("Hel{CREDENTIAL}"));
    let a = Provider::always(stream(&all, Step::End)).await;
    let b = Provider::always(Play::chat("B.")).await;
    let gateway = before(&a, &b, "").await;
    let answer = ask(&gateway, &asking("only-a", true)).await;
    assert!(!answer.text().contains(CREDENTIAL), "{}", answer.text());
    assert_eq!(names(&answer).len(), all.len(), "{}", answer.text());
    assert_eq!(said(&answer), "Hel[redacted]lo.");
    let answer = gateway.ask(&streamed("only-a")).await;
    assert_eq!(answer.content(), "Hel[redacted]lo.", "{}", answer.text());
}
