//! Copies, users that stay, and names that rules give: ways round a constraint that need no answer, or none of their own.

use serde_json::{Value, json};

use super::{TENANT, World, at, constraint, is_error, is_refused, words, world, world_under};
use crate::harness::yaml::rule;
use crate::harness::{Answer, streamed, whole};

/// A mirror for all requests.
fn mirror(provider: &str) -> String {
    format!(
        "{{name: m-{provider}, providerRef: {{name: {provider}, namespace: default}}, model: m, percent: 100}}"
    )
}

/// A rule of the tenant's that asks the one inside.
fn chat(more: &str) -> String {
    let inside = at("inside");
    rule(
        "search/chat",
        &format!("match: {{models: [chat]}}, targets: [{inside}]{more}"),
    )
}

async fn as_user(world: &World, user: &str, body: &Value) -> Answer {
    let request = world.gateway.post("/v1/chat/completions");
    let request = request.bearer_auth(TENANT).header("x-user", user);
    Answer::to(request.body(body.to_string())).await
}

#[tokio::test]
async fn a_copy_for_somebody_outside() {
    let mirrors = format!(
        ", mirror: [{}, {}, {}]",
        mirror("outside"),
        mirror("open"),
        mirror("inside")
    );
    let world = world(words, &chat(&mirrors)).await;
    for body in [whole("chat"), streamed("chat"), whole("chat")] {
        let answer = world.ask(&body).await;
        assert_eq!(answer.content(), "Inside.", "{}", answer.text());
    }
    // Those that may be made are made.
    world.inside.until(|inside| inside.requests() == 6).await;
    world.held().await;
}

#[tokio::test]
async fn a_copy_that_a_rule_of_the_platforms_makes_of_everything() {
    let all = rule(
        "watch",
        &format!(
            "precedence: Override, scope: {{type: Global}}, continue: true, match: {{when: 'key.name == \"tenant\"'}}, mirror: [{}, {}]",
            mirror("outside"),
            mirror("inside")
        ),
    );
    let world = world(words, &(chat("") + &all)).await;
    for model in ["chat", "m", "inside/m"] {
        let answer = world.ask(&whole(model)).await;
        assert_eq!(answer.content(), "Inside.", "{model}: {}", answer.text());
    }
    is_refused(&world.ask(&whole("outside/m")).await);
    world.inside.until(|inside| inside.requests() == 6).await;
    world.held().await;
}

#[tokio::test]
async fn a_copy_of_a_request_of_which_it_cannot_be_told() {
    let odd = constraint(", match: {when: 'request.params.user != \"public\"'}");
    let mirrors = format!(", mirror: [{}]", mirror("outside"));
    let world = world_under(&odd, words, &chat(&mirrors)).await;
    let twice = r#"{"model":"chat","user":"public","user":"a","messages":[{"role":"user","content":"Hi."}]}"#;
    let answer = world.send(twice).await;
    assert!([400, 503].contains(&answer.status), "{}", answer.text());
    let half = r#"{"model":"chat","user":"\ud800","messages":[{"role":"user","content":"Hi."}]}"#;
    is_error(&world.send(half).await, "half of a pair");
    assert_eq!(world.inside.requests(), 0);
    world.held().await;
}

#[tokio::test]
async fn a_copy_that_is_under_way_when_the_constraint_comes() {
    let mirrors = format!(", mirror: [{}]", mirror("outside"));
    let world = world_under("", words, &chat(&mirrors)).await;
    let answer = world.ask(&whole("chat")).await;
    assert_eq!(answer.content(), "Inside.");
    world.outside.until(|outside| outside.requests() == 1).await;
    world.gateway.edit("constraint.yaml", &constraint("")).await;
    for _ in 0..10 {
        world.ask(&whole("chat")).await;
    }
    world.inside.until(|inside| inside.requests() == 11).await;
    assert_eq!(world.outside.requests(), 1);
}

#[tokio::test]
async fn users_whose_home_is_outside() {
    let sticky = ["{type: Header, header: x-user}", "{type: EndUser}"];
    for sticky in sticky {
        let outside = at("outside").replace("model: m", "model: m, weight: 1000000");
        let spec = format!(
            "match: {{models: [chat]}}, strategy: {{type: Weighted, sticky: {sticky}}}, targets: [{outside}, {}, {}]",
            at("open"),
            at("inside")
        );
        let world = world(words, &rule("search/chat", &spec)).await;
        for user in 0..30 {
            let body = json!({"model": "chat", "user": format!("u{user}"), "messages": [{"role": "user", "content": "Hi."}]});
            let answer = as_user(&world, &format!("u{user}"), &body).await;
            assert_eq!(
                answer.attempts(),
                "inside=ok",
                "{sticky}: {}",
                answer.text()
            );
        }
        world.held().await;
    }
}

#[tokio::test]
async fn names_that_rules_give_one_after_the_other() {
    let alias = |own: &str, from: &str, to: &str| {
        rule(
            own,
            &format!(
                "continue: true, match: {{models: [\"{from}\"]}}, changes: {{model: \"{to}\"}}"
            ),
        )
    };
    let rules = [
        alias("search/a1", "one", "two"),
        alias("search/a2", "two", "outside/m"),
        alias("search/a3", "three", "n"),
        alias("search/a4", "four", "open/anything"),
        alias("search/a5", "five", "m"),
        alias("search/a6", "m-*", "outside/n"),
    ];
    let world = world(words, &rules.concat()).await;
    for model in ["one", "two", "three", "four", "m-7"] {
        is_refused(&world.ask(&whole(model)).await);
    }
    let answer = world.ask(&whole("five")).await;
    assert_eq!(answer.content(), "Inside.", "{}", answer.text());
    world.held().await;
}

#[tokio::test]
async fn another_name_for_what_is_constrained_by_its_name() {
    let by_name = constraint(", match: {models: [n]}");
    let alias = "continue: true, match: {models: [chat]}, changes: {model: n}";
    let away = "continue: true, match: {models: [n]}, changes: {model: m}";
    let own = format!(
        "match: {{models: [m]}}, targets: [{}, {}]",
        at("outside"),
        at("inside")
    );
    let rules = [
        rule("search/alias", alias),
        rule("search/away", away),
        rule("search/own", &own),
    ];
    let world = world_under(&by_name, words, &rules.concat()).await;
    for model in ["chat", "n"] {
        for _ in 0..6 {
            let answer = world.ask(&whole(model)).await;
            assert_eq!(answer.attempts(), "inside=ok", "{model}: {}", answer.text());
        }
    }
    assert_eq!(world.outside.requests(), 0);
}

#[tokio::test]
async fn changes_that_would_have_let_a_request_go() {
    let unless = constraint(
        ", match: {when: 'request.headers[\"x-data\"] != \"public\" || request.params.user != \"public\"'}",
    );
    let set = "continue: true, changes: {headers: {set: [{name: x-data, value: public}]}, parameters: {overrides: {user: public}}}";
    let own = format!(
        "match: {{models: [chat]}}, targets: [{}, {}]",
        at("outside"),
        at("inside")
    );
    let rules = [rule("search/a-set", set), rule("search/chat", &own)];
    let world = world_under(&unless, words, &rules.concat()).await;
    for _ in 0..6 {
        let answer = world.ask(&whole("chat")).await;
        assert_eq!(answer.attempts(), "inside=ok", "{}", answer.text());
    }
    is_refused(&world.ask(&whole("outside/m")).await);
    assert_eq!(world.outside.requests(), 0);
}

#[tokio::test]
async fn a_rule_of_the_platforms_for_a_name_that_a_tenant_gives_another_one() {
    let imposed = rule(
        "imposed",
        &format!(
            "precedence: Override, scope: {{type: Namespace, namespace: search}}, match: {{models: [m]}}, targets: [{}]",
            at("inside")
        ),
    );
    let own = rule(
        "search/own",
        &format!(
            "scope: {{type: VirtualKey, name: tenant}}, match: {{models: [m]}}, targets: [{}]",
            at("outside")
        ),
    );
    let alias = rule(
        "search/alias",
        "continue: true, match: {models: [chat]}, changes: {model: m}",
    );
    // Without any constraint: it is the order of rules that no alias gets round.
    let world = world_under("", words, &[imposed, own, alias].concat()).await;
    for model in ["m", "chat"] {
        let answer = world.ask(&whole(model)).await;
        assert_eq!(
            answer.header("x-fairlead-rule"),
            "default/imposed",
            "{model}"
        );
    }
    assert_eq!(world.outside.requests(), 0);
}

#[tokio::test]
async fn what_held_is_told_of_copies_and_of_whatever_is_refused() {
    let mirrors = format!(", mirror: [{}]", mirror("inside"));
    let world = world(words, &chat(&mirrors)).await;
    world.ask(&whole("chat")).await;
    let copy = world
        .gateway
        .access(|line| line["mirror"].is_object())
        .await;
    assert_eq!(copy["constraints"], json!(["default/eu-only"]), "{copy}");
    assert_eq!(copy["mirror"]["original"]["outcome"], "ok", "{copy}");
    let answer = world.ask(&whole("unheard-of")).await;
    assert_eq!(answer.code(), "unknown_model");
    let line = world.gateway.access(|line| line["status"] == 404).await;
    assert_eq!(line["constraints"], json!(["default/eu-only"]), "{line}");
    world.held().await;
}

#[tokio::test]
async fn a_copy_for_a_provider_of_the_tenants_that_wears_the_label() {
    let liar = "{name: m-liar, providerRef: {name: liar}, model: mine, percent: 100}";
    let mirrors = format!(", mirror: [{liar}, {}]", mirror("inside"));
    let world = world(words, &chat(&mirrors)).await;
    for _ in 0..5 {
        world.ask(&whole("chat")).await;
    }
    world.inside.until(|inside| inside.requests() == 10).await;
    let copy = world
        .gateway
        .access(|line| line["mirror"].is_object())
        .await;
    assert_eq!(copy["mirror"]["name"], "m-inside", "{copy}");
    let metrics = world.gateway.metrics().await;
    assert!(
        metrics.contains("mirror=\"m-inside\"") && !metrics.contains("m-liar"),
        "{metrics}"
    );
    world.held().await;
}
