//! The console of a gateway: what it tells of requests, rules and limits that were, and to whom.

mod bounds;

use fairlead_faults::{Play, Provider, Reply};
use http::StatusCode;
use serde_json::{Value, json};

use crate::harness::yaml::{chain, key, object, provider};
use crate::harness::{Gateway, KEY, eventually, streamed, whole};

/// Whoever is signed in, by what they have shown.
struct Console<'a> {
    gateway: &'a Gateway,
    cookie: String,
}

impl<'a> Console<'a> {
    async fn open(gateway: &'a Gateway, with: &Value) -> Option<Self> {
        let answer = post(gateway, "session").json(with).send().await.unwrap();
        let cookie = answer.headers().get("set-cookie")?.to_str().unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Some(Self { gateway, cookie })
    }

    async fn operator(gateway: &'a Gateway) -> Self {
        let token = std::fs::read_to_string(gateway.setup.path("state/admin-token")).unwrap();
        Self::open(gateway, &json!({"token": token})).await.unwrap()
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = self.gateway.admin(&format!("/api/v1/{path}"));
        told(
            request
                .header("cookie", &self.cookie)
                .header("x-fairlead-console", "1"),
        )
        .await
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        told(
            post(self.gateway, path)
                .header("cookie", &self.cookie)
                .json(body),
        )
        .await
    }

    /// The requests that are kept, once there are so many.
    async fn requests(&self, count: usize) -> Vec<Value> {
        eventually("requests are kept", async || {
            let (_, page) = self.post("requests", &json!({})).await;
            let entries = page["entries"].as_array().unwrap().clone();
            (entries.len() >= count).then_some(entries)
        })
        .await
    }

    /// What the holder of a key sees, once the first of its limits has counted so much: counters are told of within a second.
    async fn mine_with(&self, used: u32) -> Value {
        let used = Value::from(used.to_string());
        eventually("what was used is counted", async || {
            let (_, mine) = self.get("mine").await;
            (mine["limits"][0]["used"] == used).then_some(mine)
        })
        .await
    }
}

fn post(gateway: &Gateway, path: &str) -> reqwest::RequestBuilder {
    let client = reqwest::Client::new();
    let url = format!("http://{}/api/v1/{path}", gateway.admin);
    client.post(url).header("x-fairlead-console", "1")
}

async fn told(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    (status, answer.json().await.unwrap_or(Value::Null))
}

const OTHER: &str = "sk-fairlead-other-0123456789abcdef0123456789";

/// A gateway whose first provider refuses, a key with a limit and one without.
async fn gateway(bad: &Provider, good: &Provider) -> Gateway {
    let documents = [
        provider("bad", &bad.base_url(), ""),
        provider("good", &good.base_url(), ""),
        key(
            "caller",
            KEY,
            "rateLimits: [{name: rpm, unit: Requests, limit: 600, per: 1m}]",
        ),
        key("other", OTHER, ""),
        chain("chat", &["bad", "good"], ""),
        object(
            "RoutingRule",
            "broken",
            "match: {models: [broken]}, targets: [{name: none, providerRef: {name: none}}]",
        ),
    ];
    crate::harness::Setup::new()
        .file("all.yaml", &documents.concat())
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await
}

async fn providers() -> (Provider, Provider) {
    let reply = Reply::words(["Hello", "."]).usage(20, 5, 2);
    let refuses = Provider::always(Play::status(429)).await;
    (refuses, Provider::always(reply.into()).await)
}

#[tokio::test]
async fn a_request_is_kept_with_each_of_its_attempts_and_counted() {
    let (bad, good) = providers().await;
    let gateway = gateway(&bad, &good).await;
    let console = Console::operator(&gateway).await;
    gateway.ask(&streamed("chat")).await;
    let request = console.requests(1).await.remove(0);
    let attempts = request["attempts"].as_array().unwrap();
    let outcomes: Vec<_> = attempts.iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(outcomes, ["rate_limited", "ok"], "{request}");
    assert!(
        attempts[0]["ended_us"].as_u64() <= attempts[1]["started_us"].as_u64(),
        "{request}"
    );
    let id = request["id"].as_str().unwrap();
    let (status, one) = console.get(&format!("requests/{id}")).await;
    assert_eq!((status, &one), (StatusCode::OK, &request));
    let (_, overview) = console.get("overview").await;
    let recovered = overview["pulse"]["recovered"].as_array().unwrap();
    assert_eq!(
        recovered.iter().filter_map(Value::as_u64).sum::<u64>(),
        1,
        "{overview}"
    );
    assert_eq!(overview["standing"]["objectsNotOk"], 1);
    let (_, usage) = console.post("usage", &json!({"by": ["key"]})).await;
    assert_eq!(usage[0]["key"], "default/caller");
    assert_eq!(usage[0]["input_tokens"], 20, "{usage}");
}

#[tokio::test]
async fn the_pages_tell_what_is_in_force() {
    let (bad, good) = providers().await;
    let gateway = gateway(&bad, &good).await;
    let console = Console::operator(&gateway).await;
    gateway.ask(&whole("chat")).await;
    let (_, providers) = console.get("providers").await;
    assert_eq!(providers[0]["name"], "default/bad", "{providers}");
    assert_eq!(providers[0]["rules"], json!(["default/chat"]));
    // A rate limit speaks against nobody, so that only the one that answered has anything to tell.
    let last = |at: usize| &providers[at]["health"][0]["report"]["models"]["chat"]["last10s"];
    assert_eq!(last(0)["failures"], 0, "{providers}");
    assert_eq!(last(1)["requests"], 1, "{providers}");
    let (_, rules) = console.get("rules").await;
    let chat = rules
        .as_array()
        .unwrap()
        .iter()
        .find(|rule| rule["name"] == "default/chat");
    assert_eq!(
        chat.unwrap()["targets"][0]["provider"],
        "default/bad",
        "{rules}"
    );
    let (_, keys) = console.get("keys").await;
    assert_eq!(keys["limits"][0]["limit"], "600", "{keys}");
    let (_, configuration) = console.get("configuration").await;
    assert_eq!(
        configuration["objects"][0]["name"], "default/broken",
        "{configuration}"
    );
    assert_eq!(
        configuration["objects"][0]["unresolved"][0]["reason"],
        "ProviderNotFound"
    );
    let (_, catalog) = console
        .post("catalog", &json!({"text": "claude-sonnet"}))
        .await;
    assert!(catalog["total"].as_u64().unwrap() > 0, "{catalog}");
}

#[tokio::test]
async fn a_request_that_is_thought_of_is_explained_by_what_is_in_force() {
    let (bad, good) = providers().await;
    let gateway = gateway(&bad, &good).await;
    let console = Console::operator(&gateway).await;
    let question = json!({"key": "default/caller", "body": {"model": "chat"}});
    let (status, told) = console.post("explain", &question).await;
    assert_eq!(status, StatusCode::OK, "{told}");
    assert_eq!(told["taken"], "default/chat");
    let targets = told["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| &step["target"]);
    assert_eq!(targets.collect::<Vec<_>>(), ["bad", "good"], "{told}");
    assert_eq!(told["limits"][0]["name"], "rpm", "{told}");
    for (body, status, says) in [
        (
            json!({"key": "default/nobody", "body": {"model": "chat"}}),
            StatusCode::NOT_FOUND,
            "no key default/nobody",
        ),
        (
            json!({"key": "default/caller", "body": {}}),
            StatusCode::BAD_REQUEST,
            "body.model is missing",
        ),
    ] {
        let (told_status, told) = console.post("explain", &body).await;
        assert_eq!(told_status, status);
        assert!(
            told["error"]["message"].as_str().unwrap().contains(says),
            "{told}"
        );
    }
    // Nothing was sent anywhere.
    assert_eq!((bad.requests(), good.requests()), (0, 0));
}

#[tokio::test]
async fn a_rule_that_is_being_written_is_compiled_tried_and_not_put_in_force() {
    let (bad, good) = providers().await;
    let gateway = gateway(&bad, &good).await;
    let console = Console::operator(&gateway).await;
    gateway.ask(&whole("chat")).await;
    console.requests(1).await;
    let form = |provider: &str| json!({"namespace": "default", "name": "chat", "models": ["chat"], "targets": [{"name": "only", "provider": provider}]});
    let (status, built) = console.post("build", &form("good")).await;
    assert_eq!(status, StatusCode::OK, "{built}");
    assert_eq!(built["findings"], json!([]), "{built}");
    assert!(
        built["yaml"]
            .as_str()
            .unwrap()
            .contains("kind: RoutingRule"),
        "{built}"
    );
    assert!(
        built["live"].as_str().unwrap().contains("name: bad"),
        "{built}"
    );
    assert_eq!(
        (&built["effect"]["lookedAt"], &built["effect"]["moved"]),
        (&json!(1), &json!(1)),
        "{built}"
    );
    let (_, built) = console.post("build", &form("nobody")).await;
    assert_eq!(
        built["findings"][0]["reason"], "ProviderNotFound",
        "{built}"
    );
    let (_, rules) = console.get("rules").await;
    assert!(
        rules.to_string().contains("default/bad"),
        "nothing of it is in force: {rules}"
    );
}

#[tokio::test]
async fn the_holder_of_a_key_sees_their_own_requests_alone() {
    let (bad, good) = providers().await;
    let gateway = gateway(&bad, &good).await;
    gateway.ask(&whole("chat")).await;
    gateway.ask_as(OTHER, &whole("chat")).await;
    let operator = Console::operator(&gateway).await;
    assert_eq!(operator.requests(2).await.len(), 2);
    let holder = Console::open(&gateway, &json!({"key": KEY})).await.unwrap();
    let own = holder.requests(1).await;
    assert!(
        own.len() == 1 && own[0]["key"] == "default/caller",
        "{own:?}"
    );
    let mine = holder.mine_with(1).await;
    assert_eq!(mine["key"]["name"], "default/caller", "{mine}");
    assert!(
        mine["models"].as_array().unwrap().contains(&json!("chat")),
        "{mine}"
    );
    for path in ["overview", "keys", "providers", "rules", "configuration"] {
        assert_eq!(holder.get(path).await.0, StatusCode::FORBIDDEN, "{path}");
    }
    let (_, page) = holder
        .post("requests", &json!({"filter": {"key": "default/other"}}))
        .await;
    assert_eq!(page["entries"], json!([]));
}

#[tokio::test]
async fn without_a_token_there_is_no_way_in_and_the_pages_may_be_left_out() {
    let (bad, good) = providers().await;
    let closed = crate::harness::serve([provider("good", &good.base_url(), "")]).await;
    for guess in [
        json!({"token": ""}),
        json!({"token": "guess"}),
        json!({"key": KEY}),
    ] {
        let with_state = Console::open(&closed, &guess).await;
        assert!(with_state.is_none(), "{guess}");
    }
    let page = closed.admin("/").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let without = crate::harness::Setup::new()
        .file("all.yaml", &provider("bad", &bad.base_url(), ""))
        .arguments(&["--no-console"])
        .start()
        .await;
    for path in ["/", "/console.js", "/api/v1/session"] {
        let answer = without.admin(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}
