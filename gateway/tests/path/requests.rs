//! The request log: what has ended is found again, through a restart too, and whatever becomes of its folder harms no request.

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, Setup, eventually, streamed, whole};

const PRICE: &str = "price: {inputPerMillion: \"1.00\", outputPerMillion: \"2.00\"}";

fn setup(failing: &Provider, good: &Provider) -> Setup {
    let documents = [
        provider("a", &failing.base_url(), ""),
        provider("b", &good.base_url(), PRICE),
        caller(),
        chain("chat", &["a", "b"], ""),
    ];
    Setup::new()
        .file("all.yaml", &documents.concat())
        .arguments(&["--state-dir", "{}/state"])
}

async fn told(gateway: &Gateway, path: &str) -> (u16, Value) {
    let token = std::fs::read_to_string(gateway.setup.path("state/admin-token")).unwrap();
    let asked = gateway.admin(path).bearer_auth(token.trim());
    let answer = Answer::to(asked).await;
    let body = serde_json::from_slice(answer.text().as_bytes()).unwrap_or(Value::Null);
    (answer.status, body)
}

/// The entries of a page, once there are so many.
async fn entries(gateway: &Gateway, query: &str, count: usize) -> Vec<Value> {
    let path = format!("/requests?{query}");
    eventually("the requests are in the log", async || {
        let (_, page) = told(gateway, &path).await;
        let entries = page["entries"].as_array()?.clone();
        (entries.len() >= count).then_some(entries)
    })
    .await
}

#[tokio::test]
async fn a_request_is_found_by_its_id_and_by_what_became_of_it_also_after_a_restart() {
    let (a, b) = (
        Provider::always(Play::status(503)).await,
        Provider::always(Play::chat("Hello.")).await,
    );
    let gateway = setup(&a, &b).start().await;
    let answer = gateway.ask(&whole("chat")).await;
    assert_eq!(answer.status, 200);
    let id = answer.header("x-fairlead-request-id").to_owned();
    assert_eq!(gateway.ask(&streamed("chat")).await.status, 200);
    assert_eq!(gateway.ask(&whole("nothing")).await.status, 404);
    let recovered = entries(&gateway, "outcome=recovered", 2).await;
    let ours = recovered.iter().find(|entry| entry["id"] == *id).unwrap();
    let outcomes = ours["attempts"].as_array().unwrap().iter();
    let outcomes: Vec<_> = outcomes.map(|attempt| attempt["outcome"].clone()).collect();
    assert_eq!(outcomes.last(), Some(&json!("ok")), "{ours}");
    assert!(
        outcomes.len() > 1 && ours["key"] == "default/caller",
        "{ours}"
    );
    assert_eq!(
        entries(&gateway, "status=404&text=NOTHING", 1).await.len(),
        1
    );
    let gateway = gateway.stop().await.start().await;
    let (status, one) = told(&gateway, &format!("/requests/{id}")).await;
    assert_eq!((status, &one["id"]), (200, &json!(id)));
    let (_, rows) = told(&gateway, "/requests/usage?by=key").await;
    assert_eq!(
        (&rows[0]["requests"], &rows[0]["recovered"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(rows[0]["cost_nanos"], cost(&recovered), "{rows}");
}

fn cost(entries: &[Value]) -> i64 {
    let nanos = entries
        .iter()
        .filter_map(|entry| entry["cost"]["nanos"].as_i64());
    nanos.sum()
}

#[tokio::test]
async fn who_has_no_admin_token_sees_none_and_what_is_not_understood_is_said() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, &a).start().await;
    for path in ["/requests", "/requests/0123456789abcdef", "/requests/usage"] {
        assert_eq!(
            gateway.admin(path).send().await.unwrap().status(),
            401,
            "{path}"
        );
    }
    for (path, status) in [
        ("/requests?modle=x", 400),
        ("/requests?outcome=good", 400),
        ("/requests/usage?by=week", 400),
        ("/requests/1", 400),
        ("/requests/0123456789abcdef", 404),
        ("/requests?key=none/none", 200),
        ("/requests/usage", 200),
    ] {
        assert_eq!(told(&gateway, path).await.0, status, "{path}");
    }
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_harms_no_request_and_is_told() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let setup = setup(&a, &a);
    std::fs::create_dir_all(setup.path("state")).unwrap();
    std::fs::write(setup.path("state/requests"), "no folder").unwrap();
    let gateway = setup.start().await;
    let id = gateway.ask(&whole("chat")).await;
    let id = id.header("x-fairlead-request-id").to_owned();
    eventually("it is told", async || {
        let text = gateway.metrics().await;
        text.contains("fairlead_request_log_failing{store=\"sqlite\"} 1")
            .then_some(())
    })
    .await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    // What is in memory is found all the same.
    let (status, _) = told(&gateway, &format!("/requests/{id}")).await;
    assert_eq!(status, 200);
    let (_, config) = told(&gateway, "/config").await;
    assert!(config["requests"]["problem"].is_string(), "{config}");
    assert_eq!(config["requests"]["astray"], 0, "{config}");
    std::fs::remove_file(gateway.setup.path("state/requests")).unwrap();
    assert_eq!(entries(&gateway, "key=default/caller", 2).await.len(), 2);
}

#[tokio::test]
async fn without_days_the_last_requests_are_in_memory_alone() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, &a)
        .arguments(&["--request-log-days", "0"])
        .start()
        .await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(entries(&gateway, "limit=5", 1).await.len(), 1);
    assert!(!gateway.setup.path("state/requests").exists());
    assert_eq!(told(&gateway, "/config").await.1["requests"], Value::Null);
}

#[tokio::test]
async fn decisions_are_chained_and_the_command_says_whether_they_hold() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = setup(&a, &a)
        .arguments(&["--audit-file", "{}/audit.jsonl"])
        .start()
        .await;
    gateway.edit("more.yaml", &chain("more", &["a"], "")).await;
    gateway
        .err
        .until(|line| line.contains("\"audit\":\"config.published\""))
        .await;
    let (_, config) = told(&gateway, "/config").await;
    let anchor = config["audit"]["hash"].as_str().unwrap().to_owned();
    let file = gateway.setup.path("audit.jsonl");
    let verify = |anchor: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fairlead-gateway"));
        command
            .args(["audit", "verify"])
            .arg(&file)
            .args(["--anchor", anchor]);
        command.output().unwrap()
    };
    let good = verify(&anchor);
    assert!(good.status.success(), "{good:?}");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replacen("published", "purblished", 1)).unwrap();
    let bad = verify(&anchor);
    assert_eq!(bad.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&bad.stdout).starts_with("line 1: "),
        "{bad:?}"
    );
}
