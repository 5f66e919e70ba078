//! What was written in requests: kept where both the rule and the installation say so, without secrets, over a restart, and read by whoever may, which is
//! told.

use fairlead_faults::{Provider, Reply};
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, Setup, eventually};

const SECRET: &str = "sk-proj-Zk3vT9qLw2Xy7Rb5Nf8H";

fn setup(a: &Provider, more: &[&str]) -> Setup {
    let documents = [
        provider("a", &a.base_url(), ""),
        caller(),
        chain("chat", &["a"], "logging: {content: Full}"),
        chain("quiet", &["a"], ""),
    ];
    Setup::new()
        .file("all.yaml", &documents.concat())
        .arguments(&["--state-dir", "{}/state"])
        .arguments(more)
}

async fn read(gateway: &Gateway, id: &str) -> (u16, String) {
    let token = std::fs::read_to_string(gateway.setup.path("state/admin-token")).unwrap();
    let asked = gateway.admin(&format!("/requests/{id}/content"));
    let answer = Answer::to(asked.bearer_auth(token.trim())).await;
    (answer.status, answer.text())
}

async fn kept(gateway: &Gateway, id: &str) -> Value {
    let text = eventually("it is kept", async || {
        let (status, text) = read(gateway, id).await;
        (status == 200).then_some(text)
    })
    .await;
    serde_json::from_str(&text).unwrap()
}

async fn ask(gateway: &Gateway, model: &str) -> String {
    let message = json!([{"role": "user", "content": format!("Use {SECRET}.")}]);
    let body = json!({"model": model, "messages": message, "stream": true});
    let answer = gateway.ask(&body).await;
    assert_eq!(answer.status, 200);
    answer.header("x-fairlead-request-id").to_owned()
}

/// Whether any file below a folder holds these bytes.
fn is_in(folder: &std::path::Path, bytes: &[u8]) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return is_in(&path, bytes);
        }
        let text = std::fs::read(&path).unwrap_or_default();
        text.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn content_is_kept_without_secrets_over_a_restart_and_each_reading_is_told() {
    let (first, second) = SECRET.split_at(9);
    let a = Provider::always(Reply::words(["It is ", first, second, "."]).into()).await;
    let gateway = setup(&a, &["--log-content", "full"]).start().await;
    let (id, quiet) = (ask(&gateway, "chat").await, ask(&gateway, "quiet").await);
    let content = kept(&gateway, &id).await;
    assert_eq!(content["answer"]["text"], "It is [redacted:key].");
    let sent: Value = serde_json::from_str(content["request"]["text"].as_str().unwrap()).unwrap();
    assert_eq!(sent["messages"][0]["content"], "Use [redacted:key].");
    assert_eq!(
        (&content["key"], &content["rule"]),
        (&json!("default/caller"), &json!("default/chat"))
    );
    let (status, words) = read(&gateway, &quiet).await;
    assert_eq!(status, 404);
    assert!(words.contains("its rule does not ask for it"), "{words}");
    let line = gateway
        .err
        .until(|line| line.contains("\"audit\":\"content.read\""))
        .await;
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["request_id"], &line["by"]),
        (&json!(id), &json!("the admin token"))
    );
    let anonymous = gateway.admin(&format!("/requests/{id}/content"));
    assert_eq!(anonymous.send().await.unwrap().status(), 401);
    let gateway = gateway.stop().await.start().await;
    assert_eq!(kept(&gateway, &id).await, content);
    let metrics = gateway.metrics().await;
    for line in [
        "fairlead_content_dropped_total 0",
        "fairlead_content_store_failing{store=\"sqlite\"} 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert!(!is_in(&gateway.setup.path("state"), SECRET.as_bytes()));
}

#[tokio::test]
async fn an_installation_that_says_nothing_keeps_nothing() {
    let a = Provider::always(Reply::words(["Hello."]).into()).await;
    let gateway = setup(&a, &[]).start().await;
    let id = ask(&gateway, "chat").await;
    let (status, words) = read(&gateway, &id).await;
    assert_eq!(status, 404);
    assert!(words.contains("--log-content"), "{words}");
    assert!(!gateway.setup.path("state/content").exists());
    assert!(!gateway.metrics().await.contains("fairlead_content"));
}
