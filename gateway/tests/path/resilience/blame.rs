//! What a caller or the gateway itself has done speaks against no target: somebody else, who asks beside it, notices nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fairlead_faults::{Play, Provider, Seen};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::harness::yaml::{caller, chain, key, provider, rule, secret};
use crate::harness::{Gateway, KEY, eventually, serve, streamed, whole};

/// The key of the one who notices nothing.
const OTHER: &str = "sk-bystander-0123456789abcdef012345678";
const LEFT_ALONE: &str =
    "retries: {maxRetries: 0}, health: {consecutiveFailures: 3, probeInterval: 1s, rampUp: 0s}";

/// A gateway over one provider, for a caller and somebody else.
async fn gateway(a: &Provider, more: &str, rules: &str) -> Gateway {
    let one = secret("one", "credential", "apiKey: value-one");
    serve([
        provider("a", &a.base_url(), more),
        one,
        caller(),
        key("bystander", OTHER, ""),
        chain("chat", &["a"], ""),
        rules.to_owned(),
    ])
    .await
}

/// Another caller's request whose caller gives up on it.
async fn given_up(gateway: &Gateway, body: &Value) {
    let request = gateway.post("/v1/chat/completions").bearer_auth(KEY);
    let _ = tokio::time::timeout(Duration::from_millis(20), request.json(body).send()).await;
}

/// The same with a time of its own that is too short.
async fn hurried(gateway: &Gateway, body: &Value) {
    let request = gateway.post("/v1/chat/completions").bearer_auth(KEY);
    let request = request.header("x-fairlead-timeout-ms", "1").json(body);
    let _ = request.send().await;
}

/// A provider that answers after a moment, as all do, once it is well.
async fn mended_later() -> (Provider, Arc<AtomicBool>) {
    let broken = Arc::new(AtomicBool::new(true));
    let is_broken = Arc::clone(&broken);
    let a = Provider::start(move |_| {
        if is_broken.load(Ordering::SeqCst) {
            Play::status(500)
        } else {
            Play::chat("A.").after(Duration::from_millis(100))
        }
    })
    .await;
    (a, broken)
}

#[tokio::test]
async fn callers_who_never_wait_for_an_answer_do_not_keep_a_target_out() {
    for hangs_up in [false, true] {
        let (a, broken) = mended_later().await;
        let gateway = gateway(&a, LEFT_ALONE, "").await;
        for _ in 0..3 {
            gateway.ask_as(OTHER, &whole("chat")).await;
        }
        assert_eq!(
            gateway.ask_as(OTHER, &whole("chat")).await.attempts(),
            "a=unhealthy"
        );
        broken.store(false, Ordering::SeqCst);
        let chat = whole("chat");
        let trouble = async {
            loop {
                if hangs_up {
                    given_up(&gateway, &chat).await;
                } else {
                    hurried(&gateway, &chat).await;
                }
            }
        };
        let bystander = async {
            let began = Instant::now();
            eventually("somebody else is answered", async || {
                let answer = gateway.ask_as(OTHER, &whole("chat")).await;
                (answer.status == 200).then_some(())
            })
            .await;
            began.elapsed()
        };
        let took = tokio::select! {
            took = bystander => took,
            () = trouble => unreachable!("it goes on for ever"),
        };
        assert!(
            took < Duration::from_secs(4),
            "{took:?}, hangs up: {hangs_up}"
        );
    }
}

#[tokio::test]
async fn a_404_shows_that_a_provider_can_be_reached() {
    let a = Provider::start(|seen| match seen.model().as_str() {
        "chat" => Play::chat("A."),
        _ => Play::status(404),
    })
    .await;
    let gateway = gateway(&a, LEFT_ALONE, "").await;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let documents = [
        provider("a", &format!("http://{address}/v1"), LEFT_ALONE),
        caller(),
        chain("chat", &["a"], ""),
    ];
    gateway.edit("all.yaml", &documents.concat()).await;
    for _ in 0..3 {
        assert_eq!(gateway.ask(&whole("chat")).await.attempts(), "a=connect");
    }
    // It is back, and the first who asks wants a model that it does not have.
    let _back = Provider::builder()
        .listen(address, |seen: &Seen| match seen.model().as_str() {
            "chat" => Play::chat("A."),
            _ => Play::status(404),
        })
        .await
        .unwrap();
    eventually("it is asked again", async || {
        let answer = gateway.ask(&whole("a/nothing")).await;
        (answer.attempts() == "default/a=unavailable").then_some(())
    })
    .await;
    assert_eq!(gateway.ask(&whole("chat")).await.attempts(), "a=ok");
}

#[tokio::test]
async fn invented_names_fill_nothing_that_others_share() {
    let a = Provider::start(|seen| match seen.model().as_str() {
        "chat" | "late" => Play::chat("A."),
        "locked" => Play::status(401),
        _ => Play::status(404),
    })
    .await;
    let credentials =
        "credentials: [{name: one, secretRef: {name: one}}], retries: {maxRetries: 0}";
    let gateway = gateway(&a, credentials, &chain("late", &["a"], "")).await;
    for number in 0..600 {
        let name = format!("a/invented-{number}");
        assert_eq!(gateway.ask(&whole(&name)).await.status, 404);
    }
    assert_eq!(gateway.ask(&whole("a/locked")).await.status, 502);
    for model in ["late", "chat", "a/late"] {
        let answer = gateway.ask_as(OTHER, &whole(model)).await;
        assert_eq!(answer.status, 200, "{model}: {}", answer.text());
    }
    let metrics = gateway.metrics().await;
    assert!(
        metrics.contains("gen_ai_request_model=\"late\"")
            && metrics.contains("gen_ai_request_model=\"_other\"")
            && !metrics.contains("invented"),
        "{metrics}"
    );
}

#[tokio::test]
async fn names_that_stand_in_the_configuration_are_labels_however_many_others_came_before() {
    let a = Provider::always(Play::chat("A.")).await;
    let gateway = gateway(&a, "", "").await;
    for number in 0..1_050 {
        gateway.ask(&whole(&format!("a/invented-{number}"))).await;
    }
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    gateway.out.until_count(1_051).await;
    let metrics = gateway.metrics().await;
    assert!(
        metrics.contains("gen_ai_request_model=\"chat\"") && !metrics.contains("invented"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_tried_credential_is_accepted_at_its_first_content() {
    let refuses = Arc::new(AtomicBool::new(true));
    let refusing = Arc::clone(&refuses);
    let a = Provider::start(move |_| {
        if refusing.load(Ordering::SeqCst) {
            Play::status(401)
        } else {
            Play::words(["Hel", "lo."]).hang_after(3)
        }
    })
    .await;
    let credentials =
        "credentials: [{name: one, secretRef: {name: one}}], retries: {maxRetries: 0}";
    let gateway = gateway(&a, credentials, "").await;
    assert_eq!(
        gateway.ask(&whole("chat")).await.attempts(),
        "a=bad_credential"
    );
    refuses.store(false, Ordering::SeqCst);
    // It works again; the one who tries it hangs up after the content.
    eventually("it is tried", async || {
        let request = gateway.post("/v1/chat/completions").bearer_auth(KEY);
        let mut response = request.json(&streamed("chat")).send().await.unwrap();
        if response.status() != 200 {
            return None;
        }
        let piece = response.chunk().await.unwrap().unwrap();
        assert!(String::from_utf8_lossy(&piece).contains("Hel"));
        Some(())
    })
    .await;
    let request = gateway.post("/v1/chat/completions").bearer_auth(OTHER);
    let response = request.json(&streamed("chat")).send().await.unwrap();
    assert_eq!(response.status(), 200, "it was taken");
}

#[tokio::test]
async fn an_answer_that_is_more_than_is_taken_speaks_against_nobody() {
    let choice = |index: u64| json!({"choices": [{"index": index, "delta": {"content": "x"}}]});
    let many: Vec<String> = (0..300).map(|index| choice(index).to_string()).collect();
    let a = Provider::start(move |seen| {
        if seen.json()["user"] == "greedy" {
            Play::events(many.iter().map(String::as_str))
        } else {
            Play::chat("A.")
        }
    })
    .await;
    let gateway = gateway(&a, LEFT_ALONE, "").await;
    for _ in 0..5 {
        let mut body = streamed("chat");
        body["user"] = json!("greedy");
        let answer = gateway.ask(&body).await;
        assert!(!answer.done(), "{}", answer.text());
    }
    let answer = gateway.ask_as(OTHER, &whole("chat")).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn the_share_of_a_target_that_is_down_goes_to_all_others() {
    let down = Provider::always(Play::status(500)).await;
    let well = Provider::always(Play::chat("A.")).await;
    let target = |name: &str| format!("{{name: {name}, providerRef: {{name: {name}}}}}");
    let names = ["a", "b", "c", "d"];
    let targets = names.map(target).join(", ");
    let of = |name: &str| if name == "b" { &down } else { &well };
    let health = "retries: {maxRetries: 0}, health: {consecutiveFailures: 2, probeInterval: 1h}";
    let gateway = serve([
        names
            .map(|name| provider(name, &of(name).base_url(), health))
            .concat(),
        caller(),
        rule(
            "even",
            &format!(
                "match: {{models: [chat]}}, strategy: {{type: Weighted}}, targets: [{targets}]"
            ),
        ),
    ])
    .await;
    eventually("its breaker is open", async || {
        gateway.ask(&whole("chat")).await;
        (down.requests() == 2).then_some(())
    })
    .await;
    let mut counts = std::collections::BTreeMap::<String, usize>::new();
    for _ in 0..150 {
        let attempts = gateway.ask(&whole("chat")).await.attempts().to_owned();
        *counts.entry(attempts).or_default() += 1;
    }
    assert_eq!(counts.len(), 3, "{counts:?}");
    assert!(
        counts.values().all(|count| (47..=53).contains(count)),
        "{counts:?}"
    );
}

#[tokio::test]
async fn a_model_that_the_rules_provider_does_not_list_is_not_found() {
    let a = Provider::always(Play::chat("A.")).await;
    let gateway = gateway(&a, "models: [{name: other}]", "").await;
    let answer = gateway.ask(&whole("chat")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (404, "unknown_model"),
        "{}",
        answer.text()
    );
    assert!(
        answer.message().contains("default/chat"),
        "{}",
        answer.message()
    );
}
