use clap::Parser as _;

use super::*;
use crate::harness::yaml::{KEY, chain, key, object, provider, rule};

/// A key whose team has a budget, whose organization has a rate, and rules that ask about both.
fn documents() -> Vec<String> {
    let target = |name: &str| format!("targets: [{{name: {name}, providerRef: {{name: {name}}}}}]");
    let when = |condition: &str| format!("match: {{when: '{condition}'}}");
    let price = r#"price: {inputPerMillion: "1", outputPerMillion: "10"}"#;
    vec![
        provider("a", "http://127.0.0.1:1", price),
        provider("b", "http://127.0.0.1:1", "price: {free: true}"),
        object(
            "Organization",
            "all",
            "namespaceSelector: {}, rateLimits: [{name: rpm, unit: Requests, limit: 60, per: 1m}]",
        ),
        object(
            "Team",
            "research",
            "organizationRef: {name: all}, budgets: [{name: month, amount: \"200\", period: Monthly}]",
        ),
        key(
            "caller",
            KEY,
            "teamRef: {name: research}, maxCostPerRequest: \"2\"",
        ),
        chain("dear", &["a", "b"], ""),
        chain("alone", &["a"], ""),
        chain("judged", &["a", "b"], "strategy: {type: Adaptive}"),
        rule(
            "spent",
            &format!(
                "priority: 1, {}, {}",
                when("budget.team.usedPercent >= 80 && budget.team.remainingUsd == 30"),
                target("b")
            ),
        ),
        rule(
            "fast",
            &format!(
                "priority: 2, {}, {}",
                when("rate.organization[\"rpm\"].remaining < 10"),
                target("b")
            ),
        ),
        rule(
            "long",
            &format!(
                "priority: 3, {}, {}",
                when("request.estimate.inputTokens > 1000 && request.estimate.costUsd > 1"),
                target("a")
            ),
        ),
        rule("rest", &format!("priority: 4, {}", target("a"))),
    ]
}

/// Explains a request for `chat` of that key, which says so much more.
fn explained(more: &str) -> anyhow::Result<Printed> {
    explained_for("chat", more)
}

fn explained_for(model: &str, more: &str) -> anyhow::Result<Printed> {
    explained_with(model, more, None)
}

fn explained_with(
    model: &str,
    more: &str,
    health: Option<&std::path::Path>,
) -> anyhow::Result<Printed> {
    explained_among("", model, more, health)
}

/// The same where there are other documents too, of a request with a prompt.
fn explained_among(
    others: &str,
    model: &str,
    more: &str,
    health: Option<&std::path::Path>,
) -> anyhow::Result<Printed> {
    let messages = if others.is_empty() {
        ""
    } else {
        ", messages: [{role: user, content: Hi.}]"
    };
    let folder = tempfile::tempdir()?;
    std::fs::create_dir(folder.path().join("config"))?;
    std::fs::write(
        folder.path().join("config/all.yaml"),
        documents().concat() + others,
    )?;
    let file = folder.path().join("request.yaml");
    std::fs::write(
        &file,
        format!(
            "key: default/caller\nbody: {{model: {model}, max_tokens: 10000{messages}}}\n{more}\n"
        ),
    )?;
    let config = folder.path().join("config");
    let words = [
        "gateway".as_ref(),
        "explain".as_ref(),
        config.as_os_str(),
        "--request".as_ref(),
        file.as_os_str(),
    ];
    let health = health.map(|file| ["--health".as_ref(), file.as_os_str()]);
    let words = words.into_iter().chain(health.into_iter().flatten());
    let args::Command::Explain(args) = args::Args::try_parse_from(words)?.command else {
        anyhow::bail!("another command")
    };
    explain(&args)
}

#[test]
fn a_request_may_say_how_much_is_used_and_how_long_it_is() {
    for (more, taken) in [
        ("usage: {budget: {team: {month: 85}}}", "spent"),
        ("usage: {budget: {team: {month: 79}}}", "rest"),
        ("usage: {rate: {organization: {rpm: 90}}}", "fast"),
        ("estimate: {inputTokens: 970000}", "long"),
        // Four thousand tokens of an answer are taken for granted: 0.04 dollars.
        ("estimate: {inputTokens: 950000}", "rest"),
    ] {
        let text = explained(more).unwrap().text;
        let line = format!("taken by rule default/{taken}");
        assert!(text.contains(&line), "{more}: {text}");
        assert_eq!(
            text.contains("unused"),
            !more.starts_with("usage"),
            "{text}"
        );
    }
}

#[test]
fn how_targets_stand_is_told_as_a_gateway_has_said() {
    let folder = tempfile::tempdir().unwrap();
    let health = folder.path().join("health.json");
    let said = r#"{"providers": {}, "rules": {"default/judged": {"targets": {
        "a": {"state": "degraded", "score": 0.071, "share": 0.01, "reason": "first token takes 4.00 times the best's"},
        "b": {"state": "healthy", "score": 1.0, "share": 0.99, "reason": "nothing speaks against it"}}}}}"#;
    std::fs::write(&health, said).unwrap();
    let text = explained_for("judged", "").unwrap().text;
    assert!(text.contains("--health FILE"), "{text}");
    let text = explained_with("judged", "", Some(&health)).unwrap().text;
    let line =
        "a: degraded, score 0.071, 1.0 % of the requests: first token takes 4.00 times the best's";
    assert!(text.contains(line), "{text}");
    // Of a rule that does not go by that nothing is said.
    let text = explained_with("chat", "", Some(&health)).unwrap().text;
    assert!(!text.contains("score"), "{text}");
    std::fs::write(&health, "{}").unwrap();
    let error = explained_with("judged", "", Some(&health)).expect_err("no rules");
    assert!(format!("{error:#}").contains("GET /health"), "{error:#}");
}

#[test]
fn what_a_request_may_not_cost_is_told() {
    let dear = "a is passed over: the request would probably cost 3.04096 USD";
    for (model, more, good, told) in [
        ("dear", "estimate: {inputTokens: 3000000}", true, true),
        ("alone", "estimate: {inputTokens: 3000000}", false, true),
        ("alone", "estimate: {inputTokens: 300000}", true, false),
    ] {
        let printed = explained_for(model, more).unwrap();
        assert_eq!(printed.good, good, "{}", printed.text);
        assert_eq!(printed.text.contains(dear), told, "{}", printed.text);
    }
}

#[test]
fn the_server_of_a_pool_that_a_prompt_goes_to_is_told() {
    let endpoints = |affinity: &str| {
        let pool = object(
            "LLMProvider",
            "pool",
            &format!(
                "type: VLLM, endpoints: {{addresses: [\"a.example:80\", \"b.example:80\"], affinity: {affinity}}}"
            ),
        );
        let both = [pool, chain("pooled", &["pool"], "")].concat();
        explained_among(&both, "pooled", "", None).unwrap().text
    };
    let by_prefix = endpoints("Prefix");
    let line = "pool is a pool of 2 servers: such a prompt goes to ";
    assert!(by_prefix.contains(line), "{by_prefix}");
    let by_load = endpoints("None");
    assert!(by_load.contains("the less busy one of two"), "{by_load}");
}

#[test]
fn what_is_not_limited_cannot_be_used() {
    for (more, says) in [
        (
            "usage: {budget: {team: {year: 1}}}",
            "the team of this key has no budget of that name",
        ),
        ("usage: {rate: {team: {month: 1}}}", "usage.rate.team.month"),
        (
            "usage: {budget: {provider: {month: 1}}}",
            "usage.budget.provider.month",
        ),
        ("usage: {budget: {team: {month: -1}}}", "no request"),
        ("usage: {budgets: {}}", "no request"),
    ] {
        let error = explained(more).expect_err(more);
        assert!(format!("{error:#}").contains(says), "{error:#}");
    }
}
