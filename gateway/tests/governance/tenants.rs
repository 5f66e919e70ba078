//! Nobody can spend another's budget, read another's usage or learn another's limit: attempts, by somebody with a key of its own.

use fairlead_faults::{Play, Provider, Reply};
use serde_json::{Value, json};

use crate::fleet::{PRICES, holder, value};
use crate::harness::yaml::{ONCE, chain, key, object, provider};
use crate::harness::{Answer, Gateway, eventually, serve, whole};

/// What stands in limits of the victim's, and nowhere else.
const SECRETS: [&str; 6] = ["victim", "secret", "77.31", "7731", "41713", "crown"];

/// A victim and a thief, each with a team and limits of its own, behind one provider.
async fn world() -> (Provider, Gateway) {
    // A hundredth of a dollar and a little for each answer.
    let vendor = Provider::always(Play::from(Reply::words(["A."]).usage(9_000, 0, 50))).await;
    let price = format!("{ONCE}, {}", PRICES[0].field());
    let limits = |name: &str, usd: &str, tokens: u32| {
        format!(
            "budgets: [{{name: {name}-money, amount: \"{usd}\", period: Daily}}], rateLimits: [{{name: {name}-tokens, unit: Tokens, limit: {tokens}, per: 1h}}, {{name: {name}-users, unit: Requests, limit: 3, per: 1h, perUser: true}}]"
        )
    };
    let gateway = serve([
        provider("shared", &vendor.base_url(), &price),
        provider(
            "capped",
            &vendor.base_url(),
            &format!("{price}, budgets: [{{name: crown, amount: \"0.0000001\", period: Daily}}]"),
        ),
        object("Team", "victim-team", &limits("secret", "77.31", 7_731_000)),
        object(
            "Team",
            "thief-team",
            "budgets: [{name: own, amount: \"50\", period: Daily}]",
        ),
        holder(
            "victim",
            &format!(
                "teamRef: {{name: victim-team}}, {}",
                limits("secret", "77.31", 41_713_000)
            ),
        ),
        holder(
            "thief",
            "teamRef: {name: thief-team}, budgets: [{name: own, amount: \"50\", period: Daily}]",
        ),
        holder(
            "poor",
            "budgets: [{name: own, amount: \"0.000001\", period: Daily}]",
        ),
        // The victim's name elsewhere, and a limit of the victim's name.
        key(
            "other/victim",
            &value("namesake"),
            "budgets: [{name: secret-money, amount: \"50\", period: Daily}]",
        ),
        object(
            "Team",
            "victim",
            "budgets: [{name: secret-money, amount: \"0.01\", period: Daily}]",
        ),
        holder("nephew", "teamRef: {name: victim}"),
        chain("chat", &["shared"], ""),
        chain("capped", &["capped"], ""),
    ])
    .await;
    (vendor, gateway)
}

/// What the victim is told of itself.
async fn usage(gateway: &Gateway) -> Value {
    gateway.get_as(&value("victim"), "/v1/usage").await.json()
}

/// What an answer says, headers and all.
fn everything(answer: &Answer) -> String {
    format!("{:?} {}", answer.headers, answer.text())
}

/// Nothing of the victim's is in it.
fn tells_nothing(answer: &Answer) {
    let said = everything(answer);
    let told: Vec<_> = SECRETS
        .iter()
        .filter(|secret| said.contains(**secret))
        .collect();
    assert!(told.is_empty(), "{told:?} in {said}");
}

#[tokio::test]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn nobody_spends_what_is_anothers() {
    let (_vendor, gateway) = world().await;
    let own = gateway.ask_as(&value("victim"), &whole("chat")).await;
    assert_eq!(own.status, 200, "{}", own.text());
    let before = eventually("the victim's own request is counted", async || {
        let usage = usage(&gateway).await;
        let used = usage["limits"][0]["used"].as_f64()?;
        (used > 0.0).then_some(usage)
    })
    .await;
    let thief = value("thief");
    let post = || gateway.post("/v1/chat/completions").bearer_auth(&thief);
    let body = |more: Value| {
        let mut body = whole("chat");
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        body.to_string()
    };
    let attempts = [
        // The victim's key beside the own one, where the first that is found counts.
        post().header("x-api-key", value("victim")).body(body(json!({}))),
        // Headers that sound like it.
        post().header("x-fairlead-key", "default/victim").header("x-fairlead-team", "victim-team").body(body(json!({}))),
        post().header("x-fairlead-budget", "key/default/victim/secret-money").body(body(json!({}))),
        // The victim's end user, as often as its limit has it.
        post().header("x-fairlead-user", "user-1").body(body(json!({}))),
        post().header("x-fairlead-user", "user-1").body(body(json!({}))),
        post().body(body(json!({"user": "user-1"}))),
        // Names of counters, as names.
        post().body(body(json!({"user": "../../key/default/victim/secret-money"}))),
        post().body(body(json!({"user": "x/budget/key/default/victim"}))),
        post().body(body(json!({"key": "default/victim", "team": "victim-team", "metadata": {"user_id": "victim"}}))),
        // What could count backwards.
        post().body(body(json!({"max_tokens": -100_000}))),
        post().body(body(json!({"max_completion_tokens": -1, "n": 0}))),
        post().body(body(json!({"n": -3}))),
    ];
    for request in attempts {
        tells_nothing(&Answer::to(request).await);
    }
    // The victim's name in another namespace, and as a team's.
    for other in ["namesake", "nephew", "nephew"] {
        gateway.ask_as(&value(other), &whole("chat")).await;
    }
    let spent = eventually("what the thief did is counted as the thief's", async || {
        let told = gateway.get_as(&thief, "/v1/usage").await.json();
        let used = told["limits"][0]["used"].as_f64()?;
        (used > 0.08).then_some(used)
    })
    .await;
    assert!(spent < 50.0);
    assert_eq!(usage(&gateway).await, before);
    // And the victim's end user is where it was.
    for status in [200, 200, 200] {
        let request = gateway
            .post("/v1/chat/completions")
            .bearer_auth(value("victim"));
        let request = request
            .header("x-fairlead-user", "user-1")
            .body(body(json!({})));
        assert_eq!(Answer::to(request).await.status, status);
    }
}

#[tokio::test]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn nobody_reads_what_another_has_used() {
    let (_vendor, gateway) = world().await;
    gateway.ask_as(&value("victim"), &whole("chat")).await;
    for path in [
        "/v1/usage",
        "/v1/usage?key=default/victim",
        "/v1/usage?team=victim-team&level=team",
        "/v1/usage/",
        "/v1/usage/default/victim",
        "/v1/usage/../usage?key=victim",
        "/v1/models",
    ] {
        let told = gateway.get_as(&value("thief"), path).await;
        if path.starts_with("/v1/usage?") || path == "/v1/usage" {
            assert_eq!(told.status, 200);
            assert_eq!(told.json()["key"], "default/thief");
        }
        let mut unechoed = told;
        // What the thief has said itself may be said back.
        unechoed.body = unechoed.text().replace(path, "").into_bytes();
        tells_nothing(&unechoed);
    }
    for stranger in ["", "default/victim", "victim", "sk-victim"] {
        let told = gateway.get_as(stranger, "/v1/usage").await;
        assert_eq!(told.status, 401, "{stranger}");
        tells_nothing(&told);
    }
    // The namesake is told of itself.
    let told = gateway.get_as(&value("namesake"), "/v1/usage").await.json();
    assert_eq!(told["key"], "other/victim");
    assert_eq!(told["limits"].as_array().map(Vec::len), Some(1), "{told}");
    assert_eq!(told["limits"][0]["used"].as_f64(), Some(0.0), "{told}");
}

#[tokio::test]
#[ignore = "make governance runs it in full, and make test shortened"]
async fn nobody_learns_anothers_limit() {
    let (_vendor, gateway) = world().await;
    gateway.ask_as(&value("victim"), &whole("chat")).await;
    let answered = gateway.ask_as(&value("thief"), &whole("chat")).await;
    assert_eq!(answered.status, 200);
    tells_nothing(&answered);
    let mut refused = gateway.ask_as(&value("poor"), &whole("chat")).await;
    for _ in 0..20 {
        if refused.status == 429 {
            break;
        }
        refused = gateway.ask_as(&value("poor"), &whole("chat")).await;
    }
    assert_eq!(refused.code(), "budget_exhausted", "{}", refused.text());
    assert!(
        refused.text().contains("default/poor"),
        "{}",
        refused.text()
    );
    tells_nothing(&refused);
    // What a provider may cost is nobody's business but its owner's.
    let mut refused = gateway.ask_as(&value("thief"), &whole("capped")).await;
    for _ in 0..5 {
        if refused.status != 200 {
            break;
        }
        refused = gateway.ask_as(&value("thief"), &whole("capped")).await;
    }
    assert_ne!(refused.status, 200);
    tells_nothing(&refused);
}
