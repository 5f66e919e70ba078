//! Ways to a provider that a tenant may try: names, rules of its own, what follows on a failure, paths that pass through.

use std::time::Duration;

use fairlead_faults::{Play, Seen};
use serde_json::{Value, json};

use super::{ONCE, TENANT, at, constraint, fails, is_refused, words, world, world_under};
use crate::harness::yaml::{object, rule};
use crate::harness::{Answer, streamed, whole};

#[tokio::test]
async fn a_name_that_only_somebody_outside_answers_to() {
    let world = world(words, "").await;
    for model in ["n", "outside/m", "outside/n", "open/m", "open/anything"] {
        for body in [whole(model), streamed(model)] {
            is_refused(&world.ask(&body).await);
        }
    }
    let answer = world.ask(&whole("unheard-of")).await;
    assert_eq!(answer.code(), "unknown_model");
    world.held().await;
}

#[tokio::test]
async fn a_name_that_several_answer_to_and_those_of_lists() {
    let world = world(words, "").await;
    for _ in 0..20 {
        let answer = world.ask(&whole("m")).await;
        assert_eq!(answer.header("x-fairlead-provider"), "default/inside");
    }
    let listed = world.gateway.get_as(TENANT, "/v1/models").await.json();
    let names: Vec<&str> = listed["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|model| model["id"].as_str())
        .collect();
    assert_eq!(names, ["m"]);
    world.held().await;
}

#[tokio::test]
async fn a_provider_of_the_tenants_that_wears_the_label() {
    let own =
        "targets: [{name: liar, providerRef: {name: liar}, model: mine}], match: {models: [chat]}";
    let world = world(words, &rule("search/own", own)).await;
    for model in ["mine", "liar/mine", "chat"] {
        is_refused(&world.ask(&whole(model)).await);
    }
    world.held().await;
}

#[tokio::test]
async fn rules_of_the_tenants_however_narrow_and_early() {
    let scopes = [
        "VirtualKey, name: tenant",
        "Team, name: core",
        "Namespace",
        "Global",
    ];
    let rules = scopes.iter().enumerate().flat_map(|(n, scope)| {
        ["Default", "Override"].map(|precedence| {
            rule(
                &format!("search/r{n}-{}", precedence.to_lowercase()),
                &format!(
                    "precedence: {precedence}, scope: {{type: {scope}}}, priority: 0, targets: [{}], match: {{models: [\"chat-{n}\", \"outside/*\"]}}",
                    at("outside")
                ),
            )
        })
    });
    let world = world(words, &rules.collect::<String>()).await;
    for n in 0..3 {
        is_refused(&world.ask(&whole(&format!("chat-{n}"))).await);
    }
    is_refused(&world.ask(&whole("outside/m")).await);
    world.held().await;
}

#[tokio::test]
async fn a_constraint_of_the_tenants_own() {
    let own = |name: &str, more: &str| {
        rule(
            name,
            &format!("{more}, constrain: {{providerSelector: {{matchLabels: {{region: us}}}}}}"),
        )
    };
    let rules = [
        own(
            "search/c1",
            "precedence: Override, scope: {type: Namespace}",
        ),
        own("search/c2", "precedence: Override, scope: {type: Global}"),
        own("search/c3", "precedence: Default"),
    ];
    let world = world(words, &rules.concat()).await;
    is_refused(&world.ask(&whole("outside/m")).await);
    let answer = world.ask(&whole("m")).await;
    assert_eq!(answer.content(), "Inside.", "{}", answer.text());
    world.held().await;
}

#[tokio::test]
async fn a_rule_of_the_platforms_that_goes_before_all() {
    let imposed = |scope: &str| {
        rule(
            "imposed",
            &format!(
                "precedence: Override, priority: 0, scope: {{type: {scope}}}, targets: [{}]",
                at("outside")
            ),
        )
    };
    for scope in [
        "VirtualKey, name: tenant, namespace: search",
        "Global",
        "Namespace, namespace: search",
    ] {
        let world = world(words, &imposed(scope)).await;
        is_refused(&world.ask(&whole("m")).await);
        assert_eq!(world.outside.requests(), 0, "{scope}");
    }
}

#[tokio::test]
async fn a_weight_of_nearly_all() {
    let targets = format!(
        "targets: [{{name: outside, weight: 1000000, model: m, providerRef: {{name: outside, namespace: default}}}}, {}]",
        at("inside")
    );
    for strategy in ["Weighted", "RoundRobin", "Priority"] {
        let more = format!("strategy: {{type: {strategy}}}, match: {{models: [chat]}}, {targets}");
        let world = world(|_| Play::chat("Inside."), &rule("search/chat", &more)).await;
        for _ in 0..20 {
            let answer = world.ask(&whole("chat")).await;
            assert_eq!(answer.attempts(), "inside=ok", "{}", answer.text());
        }
        world.held().await;
    }
}

/// A rule that asks the one inside first and the one outside next.
fn chat(more: &str) -> String {
    let spec = format!(
        "match: {{models: [chat]}}, targets: [{}], fallbacks: [{}, {}]{more}",
        at("inside"),
        at("outside"),
        at("open")
    );
    rule("search/chat", &spec)
}

#[tokio::test]
async fn a_fallback_on_a_failure() {
    let plays: [fn(&Seen) -> Play; 4] = [
        fails,
        |_| Play::reset(),
        |_| Play::status(429),
        |_| Play::garbage(),
    ];
    for play in plays {
        let world = world(play, &chat("")).await;
        for body in [whole("chat"), streamed("chat")] {
            let answer = world.ask(&body).await;
            assert!(answer.status >= 429, "{}", answer.text());
            assert!(
                !answer.attempts().contains("outside"),
                "{}",
                answer.attempts()
            );
        }
        world.held().await;
    }
}

#[tokio::test]
async fn a_fallback_from_a_bare_name() {
    let world = world(fails, "").await;
    let answer = world.ask(&whole("m")).await;
    assert_eq!(answer.status, 500, "{}", answer.text());
    world.held().await;
}

#[tokio::test]
async fn a_second_attempt_beside_a_silent_one() {
    let hedge = ", hedge: {delay: 20ms, maxPercent: 100}";
    let slow = |_: &Seen| Play::words(["In", "side."]).after(Duration::from_millis(300));
    let world = world(slow, &chat(hedge)).await;
    for body in [whole("chat"), streamed("chat")] {
        let answer = world.ask(&body).await;
        assert_eq!(
            (answer.content().as_str(), answer.attempts()),
            ("Inside.", "inside=ok")
        );
    }
    world.held().await;
}

#[tokio::test]
async fn another_who_goes_on_with_a_stream_that_broke() {
    let cut = |_: &Seen| Play::words(["In", "side."]).cut_after(2);
    let world = world(cut, &chat(", stream: {recovery: Continue}")).await;
    let answer = world.ask(&streamed("chat")).await;
    // Who is asked to go on is the same again.
    assert!(!answer.content().contains("Out"), "{}", answer.text());
    assert!(!answer.done() && world.inside.requests() == 2);
    world.held().await;
}

#[tokio::test]
async fn conversations_that_are_kept_where_they_began() {
    for affinity in ["{type: Header, header: x-session}", "{type: Prefix}"] {
        let spec = format!(
            "match: {{models: [chat]}}, affinity: {affinity}, targets: [{}, {}, {}]",
            at("inside"),
            at("outside"),
            at("open")
        );
        let world = world(words, &rule("search/chat", &spec)).await;
        for n in 0..30 {
            let body = json!({"model": "chat", "messages": [{"role": "user", "content": format!("Hi {n}.")}]});
            let request = world.gateway.post("/v1/chat/completions");
            let request = request
                .bearer_auth(TENANT)
                .header("x-session", n.to_string());
            let answer = Answer::to(request.body(body.to_string())).await;
            assert_eq!(answer.content(), "Inside.", "{affinity} {n}");
        }
        world.held().await;
    }
}

#[tokio::test]
async fn every_operation_and_every_surface() {
    let world = world(words, "").await;
    let said = json!([{"role": "user", "content": "Hi."}]);
    let asked: [(&str, Value); 9] = [
        (
            "/v1/completions",
            json!({"model": "outside/m", "prompt": "Hi."}),
        ),
        (
            "/v1/embeddings",
            json!({"model": "outside/m", "input": "Hi."}),
        ),
        (
            "/v1/messages",
            json!({"model": "outside/m", "max_tokens": 9, "messages": said}),
        ),
        (
            "/v1/messages/count_tokens",
            json!({"model": "outside/m", "messages": said}),
        ),
        (
            "/v1/responses",
            json!({"model": "outside/m", "input": "Hi."}),
        ),
        (
            "/v1/images/generations",
            json!({"model": "outside/m", "prompt": "Hi."}),
        ),
        (
            "/v1/audio/speech",
            json!({"model": "outside/m", "input": "Hi.", "voice": "a"}),
        ),
        (
            "/v1/moderations",
            json!({"model": "outside/m", "input": "Hi."}),
        ),
        (
            "/v1beta/models/outside%2Fm:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": "Hi."}]}]}),
        ),
    ];
    for (path, body) in asked {
        let request = world.gateway.post(path).bearer_auth(TENANT);
        let answer = Answer::to(request.body(body.to_string())).await;
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        assert!(
            answer.text().contains("default/eu-only"),
            "{path}: {}",
            answer.text()
        );
    }
    world.held().await;
}

#[tokio::test]
async fn what_passes_through_by_a_providers_name() {
    let world = world(|_| Play::answer(200, &[], "inside"), "").await;
    for path in ["files", "files/file-1", "files?model=inside/m"] {
        let path = format!("/passthrough/default/outside/{path}");
        is_refused(&world.gateway.get_as(TENANT, &path).await);
        let request = world.gateway.post(&path).bearer_auth(TENANT);
        is_refused(&Answer::to(request.body(whole("m").to_string())).await);
    }
    let answer = world
        .gateway
        .get_as(TENANT, "/passthrough/default/inside/files")
        .await;
    assert_eq!((answer.status, answer.text().as_str()), (200, "inside"));
    let line = world.gateway.access(|line| line["status"] == 200).await;
    assert_eq!(line["constraints"], json!(["default/eu-only"]), "{line}");
    world.held().await;
}

#[tokio::test]
async fn a_key_that_is_allowed_what_the_constraint_forbids() {
    let value = "sk-freed-0123456789abcdef0123456789a";
    let allow =
        "allow: {models: [\"*\"], providers: [{name: outside, namespace: default, weight: 9}]}";
    let world = world(
        words,
        &crate::harness::yaml::key("search/freed", value, allow),
    )
    .await;
    for model in ["m", "outside/m"] {
        is_refused(&world.gateway.ask_as(value, &whole(model)).await);
    }
    world.held().await;
}

#[tokio::test]
async fn a_provider_that_is_relabelled_by_somebody_else_than_the_platform() {
    // The same name as the platform's, in the tenant's namespace.
    let shadow = super::labelled(
        "region: eu",
        &object(
            "LLMProvider",
            "search/inside",
            &format!(
                "type: Simulated, {}",
                ONCE.split_once("access").unwrap().0.trim_end_matches(", ")
            ),
        ),
    );
    let world = world(words, &shadow).await;
    let answer = world.ask(&whole("inside/m")).await;
    assert_eq!(
        (
            answer.content().as_str(),
            answer.header("x-fairlead-provider")
        ),
        ("Inside.", "default/inside")
    );
    world.held().await;
}

#[tokio::test]
async fn several_constraints_of_which_no_provider_satisfies_all() {
    let both = [
        constraint(""),
        rule(
            "certified",
            "precedence: Override, scope: {type: Team, name: core, namespace: search}, constrain: {providerSelector: {matchExpressions: [{key: certification, operator: Exists}]}}",
        ),
    ];
    let world = world_under(&both.concat(), words, "").await;
    let answer = world.ask(&whole("m")).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (403, "provider_not_allowed")
    );
    for name in ["default/eu-only", "default/certified"] {
        assert!(answer.message().contains(name), "{}", answer.message());
    }
    let line = world.gateway.access(|line| line["status"] == 403).await;
    assert_eq!(
        line["constraints"],
        json!(["default/certified", "default/eu-only"]),
        "{line}"
    );
    world.held().await;
}

#[tokio::test]
async fn what_held_is_in_the_access_log_and_in_no_header() {
    let world = world(words, "").await;
    let answer = world.ask(&whole("m")).await;
    let line = world.gateway.access(|line| line["status"] == 200).await;
    assert_eq!(line["constraints"], json!(["default/eu-only"]), "{line}");
    let told = format!("{:?}", answer.headers);
    assert!(!told.contains("eu-only"), "{told}");
    let gateway = &world.gateway;
    gateway.ask(&whole("inside/m")).await;
    let line = gateway.access(|line| line["key"] == "default/caller").await;
    assert!(line.get("constraints").is_none(), "{line}");
    world.held().await;
}
