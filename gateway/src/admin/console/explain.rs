//! Why a request would go where it would go, asked of what is in force, with limits as they stand.

use fairlead_console::view::explain::{ConsideredView, Explained, Question, StepView};
use fairlead_console::{Trouble, Viewer};
use fairlead_route::{Plan, Step, Verdict};
use fairlead_snapshot::ObjectName;
use serde_json::Value;

use super::keys::{limit, lines};
use super::{Local, rules};
use crate::admin::health;
use crate::check::{Sketch, Thought, think};
use crate::govern::chain::Owners;
use crate::runtime::Runtime;

/// What becomes of a request. Of what this viewer may not see there is nothing in it.
pub(super) async fn told(
    local: &Local,
    viewer: &Viewer,
    question: Question,
) -> Result<Explained, Trouble> {
    let unknown = || Trouble::NotFound(format!("no key {} is in force", question.key));
    let name: ObjectName = question.key.parse().map_err(|_| unknown())?;
    let enforced = local.enforced()?;
    let key = enforced.snapshot.keys.get(&name);
    let key = key
        .filter(|_| viewer.sees(&name.namespace))
        .ok_or_else(unknown)?;
    let chain = Owners::of(&enforced.snapshot, 0).chain(&name, key);
    let lines = lines(local, &chain).await?;
    let runtime = local.shared.live.load_full();
    let sketch = Sketch::live(
        name,
        question.operation,
        question.headers,
        question.body,
        &lines,
    );
    let thought = think(&runtime.table, &enforced.snapshot, &sketch);
    let thought = thought.map_err(|error| Trouble::Bad(format!("{error:#}")))?;
    let mut told = view(&thought, &runtime, viewer);
    told.limits = lines.iter().map(limit).collect();
    Ok(told)
}

fn view(thought: &Thought, runtime: &Runtime, viewer: &Viewer) -> Explained {
    let considered = thought.explanation.rules.iter();
    let seen = considered.filter(|considered| viewer.sees(&considered.rule.namespace));
    let mut told = Explained {
        rules: seen
            .map(|considered| ConsideredView {
                rule: considered.rule.to_string(),
                verdict: verdict(&considered.verdict).to_owned(),
                words: considered.verdict.to_string(),
            })
            .collect(),
        refused: thought.refused.clone(),
        ..Explained::default()
    };
    match &thought.explanation.outcome {
        Err(reason) => told.refused = Some(reason.to_string()),
        Ok(plan) => planned(&mut told, plan, thought, runtime, viewer),
    }
    told
}

fn planned(
    told: &mut Explained,
    plan: &Plan,
    thought: &Thought,
    runtime: &Runtime,
    viewer: &Viewer,
) {
    let rule = plan.rule.as_ref();
    told.taken = rule.map(|rule| rule.name.to_string());
    told.chosen_by = Some(plan.chosen_by.as_str().replace('_', " "));
    let health = health::report(&runtime.upstreams, &runtime.judges);
    told.steps = plan
        .steps
        .iter()
        .map(|step| self::step(step, thought, runtime, viewer, &health))
        .collect();
    told.notes.extend(
        plan.constraints
            .iter()
            .map(|constraint| format!("the constraint {constraint} holds for it")),
    );
}

fn step(
    step: &Step,
    thought: &Thought,
    runtime: &Runtime,
    viewer: &Viewer,
    health: &Value,
) -> StepView {
    let named = step
        .provider
        .and_then(|at| runtime.table.providers().get(at.0));
    let provider = named.map(|(name, _)| name.to_string());
    let state = provider.as_deref().and_then(|provider| {
        let model = &health["providers"][provider]["models"][&*step.model];
        model["state"].as_str().map(str::to_owned)
    });
    let dear = thought
        .dear
        .iter()
        .find(|(target, _)| *target == step.target);
    StepView {
        target: step.target.to_string(),
        provider: provider.filter(|provider| viewer.sees_object(provider)),
        model: step.model.to_string(),
        fallback: step.fallback,
        on: step.on.as_deref().map(rules::on).unwrap_or_default(),
        problem: step
            .problem
            .map(rules::problem)
            .map(str::to_owned)
            .or_else(|| dear.map(|(_, why)| format!("passed over: {why}"))),
        breaker: state,
    }
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
