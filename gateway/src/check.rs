//! `check` and `explain`: the compiler's and the router's word, without serving anything.

mod supposed;

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use fairlead_compile::{Compiled, compile, documents, report};
use fairlead_route::{Candidate, Explanation, Table};
use fairlead_snapshot::{Key, ObjectName};
use fairlead_wire::openai::request::parse;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::args;
use crate::check::supposed::{Estimate, Supposed, Used};
use crate::clock;
use crate::config::folder::Folder;
use crate::config::state::State;
use crate::govern::chain::Owners;
use crate::govern::dear::{MaxCost, Most};
use crate::request::outlook::Outlook;
use crate::request::sight::Sight;
use crate::surface::Operation;

/// What a command prints, and whether all is well.
#[derive(Debug)]
pub struct Printed {
    /// For standard output.
    pub text: String,
    /// Whether the exit code is 0.
    pub good: bool,
}

/// Every verdict of a folder, with file, line and field.
///
/// # Errors
/// The folder cannot be listed.
pub fn check(folder: &args::Folder) -> anyhow::Result<Printed> {
    let (compiled, errors) = compiled(folder)?;
    let mut text = String::new();
    for error in &errors {
        text.push_str(error);
        text.push('\n');
    }
    text.push_str(&report(&compiled.verdicts));
    let good = errors.is_empty()
        && compiled
            .verdicts
            .iter()
            .all(fairlead_compile::Verdict::is_good);
    Ok(Printed { text, good })
}

/// Generated keys that do not exist yet count as if they did: `check` makes none.
fn compiled(folder: &args::Folder) -> anyhow::Result<(Compiled, Vec<String>)> {
    let mut reading = Folder::new(&folder.config_dir, &folder.settings).read()?;
    let state = State::open(folder.settings.state_dir.as_deref())?;
    reading.inputs.now = clock::unix_seconds();
    reading.inputs.secrets.extend(state.secrets());
    let previous = state.last_good()?;
    let mut compiled = compile(previous.as_ref(), &reading.inputs);
    compiled.verdicts.splice(0..0, reading.verdicts);
    let errors = reading
        .errors
        .iter()
        .map(|error| format!("{error} [Unreadable]"))
        .collect();
    Ok((compiled, errors))
}

/// A request as `explain` reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sketch {
    /// The virtual key, `namespace/name`; its value is not needed.
    key: ObjectName,
    /// What is asked for, as the path of the request says it below /v1. Absent: chat/completions.
    operation: Option<String>,
    /// Header names in any case.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The request's body; `model` is needed, the messages are not.
    body: serde_json::Map<String, serde_json::Value>,
    /// How much of the limits is used.
    usage: Option<Used>,
    /// What is to be expected of it.
    #[serde(default)]
    estimate: Estimate,
}

/// Which rule and targets a request would get, and why every other rule does not take it.
///
/// # Errors
/// The folder or the request cannot be read, or the request names no key or model that there is.
pub fn explain(args: &args::Explain) -> anyhow::Result<Printed> {
    let (compiled, _) = compiled(&args.folder)?;
    let sketch = sketch(&args.request)?;
    let snapshot = &compiled.snapshot;
    let key = snapshot
        .keys
        .get(&sketch.key)
        .with_context(|| format!("there is no VirtualKey {} in force", sketch.key))?;
    let model = sketch
        .body
        .get("model")
        .and_then(|model| model.as_str())
        .context("body.model is missing; it must be a text")?
        .to_owned();
    let table = Table::build(snapshot, None);
    let caller = table.caller(&sketch.key, key);
    // Read as the gateway reads it, so that what it refuses or cannot read is told here, too.
    let body = serde_json::to_vec(&sketch.body)?;
    let request = parse(&body)?;
    let headers = headers(&sketch)?;
    let operation = operation(sketch.operation.as_deref())?;
    let content: Vec<_> = Operation::ALL
        .iter()
        .flat_map(|operation| operation.content_members())
        .copied()
        .collect();
    let chain = Owners::of(snapshot, 0).chain(&sketch.key, key);
    let supposed = Supposed::new(
        (&chain, &model),
        operation,
        snapshot,
        &request,
        sketch.usage.as_ref(),
        &sketch.estimate,
    )?;
    let sight = Sight::new(operation, &request, &headers, &content, &supposed);
    let explanation = table.explain(&caller, &model, &sight);
    let mut text = format!("key {}, model {model}\n{explanation}", sketch.key);
    if sketch.usage.is_none() && supposed.has_limits() {
        text.push_str("\nlimits are taken as unused; under usage the request can say how much of each is used\n");
    }
    let most = MaxCost::of_key(snapshot, &sketch.key, key);
    let (affordable, dear) = afforded(&table, &explanation, most.as_ref(), &supposed);
    text.push_str(&dear);
    let refused = refusal(key, clock::unix_seconds());
    if let Some(reason) = &refused {
        text.push_str(&format!("\nthe key itself is refused: {reason}\n"));
    }
    Ok(Printed {
        good: explanation.outcome.is_ok() && affordable && refused.is_none(),
        text,
    })
}

/// The operation of a path below `/v1`.
fn operation(path: Option<&str>) -> anyhow::Result<Operation> {
    let Some(path) = path else {
        return Ok(Operation::Chat);
    };
    let named = |operation: &Operation| {
        operation.action(false).is_none() && operation.path().trim_start_matches('/') == path
    };
    let found = Operation::ALL.into_iter().find(named);
    found.with_context(|| format!("operation: nothing is asked for at /v1/{path}"))
}

/// Whether an attempt is left that is not too dear, and what is said of those that are.
fn afforded(
    table: &Table,
    explanation: &Explanation,
    of_key: Option<&MaxCost>,
    outlook: &dyn Outlook,
) -> (bool, String) {
    let Ok(plan) = &explanation.outcome else {
        return (true, String::new());
    };
    let most = Most::of(plan.rule.as_ref(), of_key);
    let mut text = String::new();
    let mut left = false;
    for step in &plan.steps {
        let named = step.provider.and_then(|provider| {
            let (name, _) = table.providers().get(provider.0)?;
            Some((provider, Arc::from(name.to_string())))
        });
        let Some((provider, label)) = named else {
            continue;
        };
        let candidate = Candidate {
            provider,
            model: &step.model,
            requested: &step.requested,
        };
        match most.refuses(&label, &step.requested, || outlook.cost(candidate)) {
            None => left = true,
            Some(dear) => text.push_str(&format!("{} is passed over: {dear}\n", step.target)),
        }
    }
    (left || text.is_empty(), text)
}

/// Why the key would be refused before anything else is looked at, if it would be.
fn refusal(key: &Key, now: i64) -> Option<String> {
    if let Some(refusal) = key.refused {
        return Some(format!("{refusal:?}"));
    }
    let expired = key.expires_at.is_some_and(|at| at <= now);
    expired.then(|| "it has expired (spec.expiresAt)".to_owned())
}

fn sketch(path: &std::path::Path) -> anyhow::Result<Sketch> {
    let file = path.display().to_string();
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    let mut found = documents(&file, &text)?;
    anyhow::ensure!(
        found.len() == 1,
        "{file} must hold one request: key, headers, body"
    );
    let document = found.swap_remove(0);
    serde_json::from_value(document.value).with_context(|| format!("{file} is no request; it needs key: NAMESPACE/NAME and body: {{model: ...}}, and may have headers, usage and estimate"))
}

fn headers(sketch: &Sketch) -> anyhow::Result<HeaderMap> {
    let header = |(name, value): (&String, &String)| {
        let wrong = || format!("headers.{name} is no header");
        let field = HeaderName::try_from(name).with_context(wrong)?;
        Ok((field, HeaderValue::try_from(value).with_context(wrong)?))
    };
    sketch.headers.iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::harness::yaml::{KEY, chain, key, object, provider, rule};

    /// A key whose team has a budget, whose organization has a rate, and rules that ask about both.
    fn documents() -> Vec<String> {
        let target =
            |name: &str| format!("targets: [{{name: {name}, providerRef: {{name: {name}}}}}]");
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
        let folder = tempfile::tempdir()?;
        std::fs::create_dir(folder.path().join("config"))?;
        std::fs::write(folder.path().join("config/all.yaml"), documents().concat())?;
        let file = folder.path().join("request.yaml");
        std::fs::write(
            &file,
            format!("key: default/caller\nbody: {{model: {model}, max_tokens: 10000}}\n{more}\n"),
        )?;
        let config = folder.path().join("config");
        let words = [
            "gateway".as_ref(),
            "explain".as_ref(),
            config.as_os_str(),
            "--request".as_ref(),
            file.as_os_str(),
        ];
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
}
