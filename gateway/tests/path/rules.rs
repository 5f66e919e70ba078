//! Which rule takes a request, and which of its targets goes first. Simulated providers answer; what counts is who did.

use serde_json::{Value, json};

use crate::harness::yaml::{caller, key, object, rule};
use crate::harness::{Answer, Gateway, KEY, serve, whole};

const TENANT: &str = "sk-tenant-0123456789abcdef0123456789";

fn simulated(name: &str) -> String {
    object(
        "LLMProvider",
        name,
        "type: Simulated, access: {namespaces: {from: All}}",
    )
}

/// A rule that sends everything it takes to the one provider there is.
fn to_sim(name: &str, more: &str) -> String {
    rule(
        name,
        &format!(
            "targets: [{{name: sim, providerRef: {{name: sim, namespace: default}}}}], {more}"
        ),
    )
}

async fn taken_by(gateway: &Gateway, body: &Value) -> String {
    gateway.ask(body).await.header("x-fairlead-rule").to_owned()
}

async fn targets(gateway: &Gateway, model: &str, requests: usize) -> Vec<String> {
    let mut seen = Vec::new();
    for _ in 0..requests {
        seen.push(gateway.ask(&whole(model)).await.attempts().to_owned());
    }
    seen
}

#[tokio::test]
async fn a_condition_sees_headers() {
    let gold = to_sim(
        "gold",
        "priority: 1, match: {when: 'request.headers[\"x-tier\"] == \"gold\"'}",
    );
    let gateway = serve([
        simulated("sim"),
        caller(),
        gold,
        to_sim("rest", "priority: 2"),
    ])
    .await;
    let with_tier = |tier: &str| {
        let request = gateway
            .post("/v1/chat/completions")
            .bearer_auth(KEY)
            .header("X-Tier", tier);
        Answer::to(request.body(whole("any").to_string()))
    };
    assert_eq!(
        with_tier("gold").await.header("x-fairlead-rule"),
        "default/gold"
    );
    assert_eq!(
        with_tier("lead").await.header("x-fairlead-rule"),
        "default/rest"
    );
    assert_eq!(taken_by(&gateway, &whole("any")).await, "default/rest");
}

#[tokio::test]
async fn a_condition_sees_parameters_the_stream_and_the_key_but_no_messages() {
    let rules = [
        to_sim(
            "long",
            "priority: 1, match: {when: 'request.params.max_tokens != null && request.params.max_tokens > 1000'}",
        ),
        to_sim(
            "peeks",
            "priority: 2, match: {when: 'has(request.params.messages)'}",
        ),
        to_sim(
            "streams",
            "priority: 3, match: {when: 'request.stream && key.name == \"caller\" && key.namespace == \"default\"'}",
        ),
        to_sim("rest", "priority: 4"),
    ];
    let gateway = serve([simulated("sim"), caller(), rules.concat()]).await;
    let ask = |more: Value| {
        let mut body = whole("any");
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    assert_eq!(
        taken_by(&gateway, &ask(json!({"max_tokens": 2000}))).await,
        "default/long"
    );
    assert_eq!(
        taken_by(&gateway, &ask(json!({"max_tokens": 10}))).await,
        "default/rest"
    );
    assert_eq!(
        taken_by(&gateway, &ask(json!({"stream": true}))).await,
        "default/streams"
    );
    assert_eq!(taken_by(&gateway, &ask(json!({}))).await, "default/rest");
}

#[tokio::test]
async fn a_condition_sees_what_is_asked_for_and_what_that_needs() {
    let rules = [
        to_sim("tools", "priority: 1, match: {when: 'request.needs.tools'}"),
        to_sim(
            "vectors",
            "priority: 2, match: {when: 'request.operation == \"embeddings\"'}",
        ),
        to_sim(
            "thinks",
            "priority: 3, match: {when: 'request.operation == \"chat\" && request.needs.reasoning'}",
        ),
        to_sim("rest", "priority: 4"),
    ];
    let gateway = serve([simulated("sim"), caller(), rules.concat()]).await;
    let with = |member: &str, value: Value| {
        let mut body = whole("any");
        body[member] = value;
        body
    };
    let tool = json!([{"type": "function", "function": {"name": "f"}}]);
    assert_eq!(
        taken_by(&gateway, &with("tools", tool)).await,
        "default/tools"
    );
    let thinks = with("reasoning_effort", json!("high"));
    assert_eq!(taken_by(&gateway, &thinks).await, "default/thinks");
    assert_eq!(taken_by(&gateway, &whole("any")).await, "default/rest");
    let vectors = json!({"model": "any", "input": "Hi."});
    let answer = gateway.ask_at("/v1/embeddings", &vectors).await;
    assert_eq!(answer.header("x-fairlead-rule"), "default/vectors");
}

#[tokio::test]
async fn the_lowest_priority_goes_first_then_the_name() {
    let rules = [
        to_sim("b", "priority: 5"),
        to_sim("a", "priority: 5"),
        to_sim("c", "priority: 4, match: {models: [\"gpt-*\"]}"),
    ];
    let gateway = serve([simulated("sim"), caller(), rules.concat()]).await;
    assert_eq!(taken_by(&gateway, &whole("gpt-4o")).await, "default/c");
    assert_eq!(taken_by(&gateway, &whole("other")).await, "default/a");
}

#[tokio::test]
async fn the_narrowest_scope_goes_first() {
    let owners = [
        object("Organization", "acme", "namespaceSelector: {}"),
        object("Team", "ranking", "organizationRef: {name: acme}"),
        key("caller", KEY, "teamRef: {name: ranking}"),
    ];
    let scopes = [
        "VirtualKey, name: caller",
        "Team, name: ranking",
        "Organization, name: acme",
        "Namespace",
        "Global",
    ];
    // A wider scope has the better priority, which does not help it.
    let rules: Vec<String> = scopes
        .iter()
        .enumerate()
        .map(|(at, scope)| {
            to_sim(
                &format!("r{at}"),
                &format!("scope: {{type: {scope}}}, priority: {}", 10 - at),
            )
        })
        .collect();
    let others = [simulated("sim"), owners.concat()].concat();
    let gateway = crate::harness::Setup::new()
        .file("others.yaml", &others)
        .file("rules.yaml", &rules.concat())
        .start()
        .await;
    assert_eq!(taken_by(&gateway, &whole("any")).await, "default/r0");
    for first in 1..scopes.len() {
        gateway.edit("rules.yaml", &rules[first..].concat()).await;
        assert_eq!(
            taken_by(&gateway, &whole("any")).await,
            format!("default/r{first}")
        );
    }
}

#[tokio::test]
async fn an_override_of_the_platform_goes_before_whatever_a_tenant_says() {
    let documents = [
        simulated("sim"),
        key("search/tenant", TENANT, ""),
        to_sim(
            "search/own",
            "scope: {type: VirtualKey, name: tenant}, match: {models: [chat, secret]}",
        ),
        to_sim(
            "compliance",
            "precedence: Override, scope: {type: Global}, match: {models: [secret]}",
        ),
        to_sim("search/usurper", "precedence: Override"),
        to_sim("search/everyone", "scope: {type: Global}"),
    ];
    let gateway = serve(documents).await;
    let rule = async |model: &str| {
        gateway
            .ask_as(TENANT, &whole(model))
            .await
            .header("x-fairlead-rule")
            .to_owned()
    };
    assert_eq!(rule("secret").await, "default/compliance");
    assert_eq!(rule("chat").await, "search/own");
}

#[tokio::test]
async fn a_rule_of_one_namespace_does_not_affect_another() {
    let documents = [
        simulated("sim"),
        caller(),
        key("search/tenant", TENANT, ""),
        to_sim("search/chat", "match: {models: [chat]}"),
    ];
    let gateway = serve(documents).await;
    assert_eq!(gateway.ask_as(TENANT, &whole("chat")).await.status, 200);
    assert_eq!(gateway.ask(&whole("chat")).await.code(), "unknown_model");
}

#[tokio::test]
async fn a_condition_that_fails_passes_a_default_rule_by_and_ends_an_override() {
    let broken = "match: {when: 'request.params.temperature > 1.0'}";
    let others = [simulated("sim"), caller(), to_sim("rest", "priority: 9")].concat();
    let setup = crate::harness::Setup::new()
        .file("others.yaml", &others)
        .file("rule.yaml", &to_sim("hot", broken));
    let gateway = setup.start().await;
    assert_eq!(taken_by(&gateway, &whole("any")).await, "default/rest");
    gateway
        .edit(
            "rule.yaml",
            &to_sim("hot", &format!("{broken}, precedence: Override")),
        )
        .await;
    let answer = gateway.ask(&whole("any")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "rule_error"),
        "{}",
        answer.text()
    );
    assert!(
        answer.message().contains("default/hot"),
        "{}",
        answer.message()
    );
    let mut hot = whole("any");
    hot["temperature"] = json!(1.5);
    assert_eq!(taken_by(&gateway, &hot).await, "default/hot");
}

fn three(strategy: &str) -> String {
    let target = |name: &str, weight: u32| {
        format!("{{name: {name}, providerRef: {{name: {name}}}, weight: {weight}}}")
    };
    let targets = [
        target("a", 100),
        target("b", 1),
        target("c", 1),
        target("d", 0),
    ]
    .join(", ");
    rule(
        "chat",
        &format!("match: {{models: [chat]}}, strategy: {{type: {strategy}}}, targets: [{targets}]"),
    )
}

#[tokio::test]
async fn round_robin_gives_every_target_its_turn_whatever_its_weight() {
    let gateway = serve([
        ["a", "b", "c", "d"].map(simulated).concat(),
        caller(),
        three("RoundRobin"),
    ])
    .await;
    assert_eq!(
        targets(&gateway, "chat", 6).await,
        ["a=ok", "b=ok", "c=ok", "a=ok", "b=ok", "c=ok"]
    );
}

#[tokio::test]
async fn priority_takes_the_first_target_until_it_fails() {
    let others = [
        ["b", "c", "d"].map(simulated).concat(),
        caller(),
        three("Priority"),
    ]
    .concat();
    let setup = crate::harness::Setup::new()
        .file("others.yaml", &others)
        .file("a.yaml", &simulated("a"));
    let gateway = setup.start().await;
    assert_eq!(targets(&gateway, "chat", 3).await, ["a=ok"; 3]);
    gateway
        .edit(
            "a.yaml",
            &object(
                "LLMProvider",
                "a",
                "type: Simulated, simulated: {errorPercent: 100, errorStatus: 529}",
            ),
        )
        .await;
    assert_eq!(
        targets(&gateway, "chat", 3).await,
        ["a=overloaded, b=ok"; 3]
    );
}
