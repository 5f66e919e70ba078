//! Why a request would go where it would go, in the words that the viewer may read.

use fairlead_console::view::explain::{ConsideredView, Explained, StepView};
use fairlead_console::{Reach, Viewer};
use fairlead_route::{NoRoute, Plan, Step, Table, Verdict};
use fairlead_snapshot::ObjectName;

use super::keys::limit;
use super::providers::Report;
use super::{SOME_MODEL, SOME_PROVIDER, SOME_RULE, SOME_TARGET, or, rule_name, rules};
use crate::check::Thought;
use crate::govern::report::Line;

/// What has become of a request that was thought of, by gateways that do as their reports say, and with limits that stand like this.
#[must_use]
pub(crate) fn told(
    thought: &Thought,
    table: &Table,
    reports: &[Report],
    lines: &[Line],
    viewer: &Viewer,
) -> Explained {
    let rights = &viewer.rights;
    let considered = thought.explanation.rules.iter();
    let seen = considered.filter(|considered| rights.rules.sees(&considered.rule.namespace));
    let spent = lines.iter();
    let spent = spent.filter(|line| rights.usage.sees_object(&line.holder));
    let mut told = Explained {
        rules: seen
            .map(|considered| ConsideredView {
                rule: considered.rule.to_string(),
                verdict: verdict(&considered.verdict).to_owned(),
                words: words(&considered.verdict, &rights.health),
            })
            .collect(),
        refused: thought.refused.clone(),
        limits: spent.map(limit).collect(),
        ..Explained::default()
    };
    match &thought.explanation.outcome {
        Err(reason) => told.refused = Some(refused(reason, &rights.rules)),
        Ok(plan) => {
            let view = View {
                thought,
                table,
                reports,
                viewer,
                own: plan
                    .rule
                    .as_ref()
                    .is_some_and(|rule| rights.rules.sees(&rule.name.namespace)),
            };
            planned(&mut told, plan, &view);
        }
    }
    told
}

struct View<'a> {
    thought: &'a Thought,
    table: &'a Table,
    reports: &'a [Report],
    viewer: &'a Viewer,
    /// Whether the rule that takes it may be seen, and with it what it says of its targets.
    own: bool,
}

fn planned(told: &mut Explained, plan: &Plan, view: &View<'_>) {
    let rule = plan.rule.as_ref();
    told.taken = rule.map(|rule| rule_name(&rule.name.to_string(), view.viewer));
    told.chosen_by = Some(plan.chosen_by.as_str().replace('_', " "));
    told.steps = plan.steps.iter().map(|one| step(one, view)).collect();
    told.notes.extend(plan.constraints.iter().map(|constraint| {
        let name = rule_name(constraint, view.viewer);
        format!("the constraint {name} holds for it")
    }));
}

fn step(step: &Step, view: &View<'_>) -> StepView {
    let named = step
        .provider
        .and_then(|at| view.table.providers().get(at.0));
    let provider = named.map(|(name, _)| name.to_string());
    let rights = &view.viewer.rights;
    let is_seen = provider
        .as_deref()
        .is_some_and(|provider| rights.health.sees_object(provider));
    // A rule's own words for its targets are for whoever sees it; where none names one, it is called by its provider.
    let said = |own: &str, unseen: &str| if view.own || is_seen { own } else { unseen }.to_owned();
    let dear = view
        .thought
        .dear
        .iter()
        .find(|(target, _)| *target == step.target);
    let sees_all = [&rights.health, &rights.rules, &rights.usage]
        .iter()
        .all(|reach| **reach == Reach::All);
    StepView {
        target: said(&step.target, SOME_TARGET),
        provider: provider
            .as_deref()
            .map(|provider| or(provider, &rights.health, SOME_PROVIDER)),
        model: said(&step.model, SOME_MODEL),
        fallback: step.fallback,
        on: step.on.as_deref().map(rules::on).unwrap_or_default(),
        problem: step
            .problem
            .map(rules::problem)
            .map(str::to_owned)
            .or_else(|| {
                dear.map(|(_, why)| match sees_all {
                    true => format!("passed over: {why}"),
                    false => "passed over: it would cost more than may be spent".to_owned(),
                })
            }),
        breaker: provider
            .filter(|_| is_seen)
            .and_then(|provider| breaker(view.reports, &provider, &step.model)),
    }
}

/// The state of a breaker; where gateways differ, that of most trouble, and on how many of them.
fn breaker(reports: &[Report], provider: &str, model: &str) -> Option<String> {
    let states: Vec<&str> = reports
        .iter()
        .filter_map(|(_, report)| report["providers"][provider]["models"][model]["state"].as_str())
        .collect();
    let first = states.first()?;
    if states.iter().all(|state| state == first) {
        return Some((*first).to_owned());
    }
    let worst = states.iter().find(|state| **state != "closed")?;
    let count = states.iter().filter(|state| *state == worst).count();
    Some(format!("{worst} on {count} of {}", states.len()))
}

fn verdict(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Constrains(_) => "constrains",
        Verdict::Matched => "matched",
        Verdict::Continues(_) => "continues",
        Verdict::Outranked => "outranked",
        Verdict::OtherScope | Verdict::OtherModel | Verdict::ConditionFalse => "no",
        Verdict::ConditionError(_) | Verdict::ConditionUnparsable => "error",
    }
}

/// The same in words. Which providers a constraint leaves is told of those that may be seen, and how many others there are.
fn words(verdict: &Verdict, health: &Reach) -> String {
    let Verdict::Constrains(all) = verdict else {
        return verdict.to_string();
    };
    let is_seen = |name: &&ObjectName| health.sees(&name.namespace);
    let seen: Vec<ObjectName> = all.iter().filter(is_seen).cloned().collect();
    match all.len() - seen.len() {
        0 => verdict.to_string(),
        others if seen.is_empty() => {
            format!("constrains it to {others} of the platform's providers")
        }
        others => format!(
            "{} and {others} of the platform's providers",
            Verdict::Constrains(seen)
        ),
    }
}

/// Why it is refused. The sentence names rules: where one of these is not for the viewer, another stands in its place.
fn refused(reason: &NoRoute, rules: &Reach) -> String {
    let hidden = match reason {
        NoRoute::Constrained { constraints } => {
            !constraints.iter().all(|name| rules.sees_object(name))
        }
        NoRoute::ModelNotOffered { rule }
        | NoRoute::UnknownAlias { rule, .. }
        | NoRoute::TooManyRules { rule }
        | NoRoute::ConditionError { rule } => !rules.sees(&rule.namespace),
        NoRoute::ModelNotAllowed
        | NoRoute::ProviderNotAllowed
        | NoRoute::NoRule
        | NoRoute::UnknownModel => false,
    };
    if !hidden {
        return reason.to_string();
    }
    let what = match reason {
        NoRoute::Constrained { .. } => "constraints of the platform leave no provider for it",
        NoRoute::ModelNotOffered { .. } => "no provider of the rule that takes it offers the model",
        NoRoute::UnknownAlias { .. } => "a rule gives it a model name that is not known",
        NoRoute::TooManyRules { .. } => "more than ten rules continue for it",
        NoRoute::ConditionError { .. } => "the condition of a rule cannot be evaluated for it",
        NoRoute::ModelNotAllowed
        | NoRoute::ProviderNotAllowed
        | NoRoute::NoRule
        | NoRoute::UnknownModel => return reason.to_string(),
    };
    format!("{what}; {SOME_RULE} decides this: ask the platform team")
}
