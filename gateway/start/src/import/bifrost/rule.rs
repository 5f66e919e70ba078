//! Routing rules. Of their expressions those are carried over that say which model was asked for; the others would have to be translated by
//! somebody who knows what they mean.

use super::governance::Owners;
use super::{Made, NAMES};
use crate::import::draft::{Draft, is_pattern, weights};
use crate::import::section::{Reasons, Section};
use crate::resources::{Fallback, Rule, Scope, Target};

pub(super) fn import(mut entry: Section, made: &[Made], owners: &Owners, draft: &mut Draft<'_>) {
    let path = entry.path().to_owned();
    let name = entry.text("name").or_else(|| entry.text("id"));
    if entry.truth("enabled") == Some(false) {
        draft.note(path, "it is disabled, and left out");
        return;
    }
    let place = entry.at("cel_expression");
    let text = entry.text("cel_expression").unwrap_or_default();
    let Some(models) = matched(&text) else {
        draft.note(place, "only expressions that compare the model with a text are carried over; write a RoutingRule with spec.match.when");
        return;
    };
    let Ok(scope) = scope(&mut entry, owners, draft) else {
        return;
    };
    let targets = targets(&mut entry, made, draft);
    let place = entry.at("fallbacks");
    let fallbacks = entry.texts("fallbacks").unwrap_or_default();
    let fallbacks = fallbacks.iter().filter_map(|text| {
        let target = named(text, made);
        if target.is_none() {
            draft.note(&place, format!("there is no provider {text:?}"));
        }
        Some(Fallback {
            target: target?,
            class: None,
        })
    });
    let fallbacks = fallbacks.collect();
    let priority = entry.whole("priority").unwrap_or(0).min(NAMES - 1);
    entry.pass_over(&["id", "description"]);
    entry.rest(RULE, &mut draft.notes);
    if targets.is_empty() {
        draft.note(path, "none of its targets could be carried over");
        return;
    }
    // A name that says its provider would be asked for with it.
    let bare = targets.iter().any(|target| target.model.is_none());
    if bare {
        draft.note(&path, "targets without a model get requests for bare names only; those for PROVIDER/MODEL go there");
    }
    draft.rule(
        &path,
        Rule {
            name: name.unwrap_or_else(|| "rule".to_owned()),
            priority: Some(priority),
            scope,
            models,
            when: bare.then(|| "!request.model.contains(\"/\")".to_owned()),
            targets,
            fallbacks,
            ..Rule::default()
        },
    );
}

/// The models that an expression is about; none: all. `None`: it says something else.
fn matched(expression: &str) -> Option<Vec<String>> {
    let text = expression.trim();
    if text.is_empty() || text == "true" {
        return Some(Vec::new());
    }
    let mut models = Vec::new();
    for part in text.split("||") {
        let part = part.trim();
        let part = part.strip_prefix("request.").unwrap_or(part);
        let rest = part.strip_prefix("model")?.trim_start();
        let pattern = if let Some(text) = rest.strip_prefix("==") {
            quoted(text)?.to_owned()
        } else {
            let argument = rest.strip_prefix(".startsWith(")?.strip_suffix(')')?;
            format!("{}*", quoted(argument)?)
        };
        if !is_pattern(&pattern) || pattern.trim_end_matches('*').is_empty() {
            return None;
        }
        models.push(pattern);
    }
    Some(models)
}

/// What stands in quotes, without any of them or an escape inside.
fn quoted(text: &str) -> Option<&str> {
    let text = text.trim();
    let mark = text
        .chars()
        .next()
        .filter(|mark| ['\'', '"'].contains(mark))?;
    let inner = text.strip_prefix(mark)?.strip_suffix(mark)?;
    (!inner.contains(['\'', '"', '\\', '*'])).then_some(inner)
}

fn scope(entry: &mut Section, owners: &Owners, draft: &mut Draft<'_>) -> Result<Option<Scope>, ()> {
    let kind = entry.text("scope").unwrap_or_default();
    let place = entry.at("scope_id");
    let id = entry.text("scope_id").unwrap_or_default();
    let found = match kind.as_str() {
        "" | "global" => return Ok(None),
        "virtual_key" => owners.key(&id).map(Scope::VirtualKey),
        "team" => owners.team(&id).map(Scope::Team),
        _ => None,
    };
    if found.is_none() {
        draft.note(
            place,
            format!("there is no {kind:?} here that it could be for, so it is left out"),
        );
    }
    found.map(Some).ok_or(())
}

fn targets(entry: &mut Section, made: &[Made], draft: &mut Draft<'_>) -> Vec<Target> {
    let mut found = Vec::new();
    let mut shares = Vec::new();
    for mut target in entry.sections("targets", &mut draft.notes) {
        let path = target.path().to_owned();
        let provider = target.text("provider");
        let place = target.at("model");
        let model = target.text("model");
        let share = target.number("weight").unwrap_or(1.0);
        target.rest(TARGET, &mut draft.notes);
        let Some(provider) = provider else {
            draft.note(path, "a target names its provider here");
            continue;
        };
        let Some(part) = part(&provider, made) else {
            draft.note(path, format!("there is no provider {provider:?}"));
            continue;
        };
        let model = match model {
            Some(model) => match draft.model(&place, &model) {
                Some(model) => Some(model),
                None => continue,
            },
            None => None,
        };
        found.push(Target {
            model,
            ..Target::of(part)
        });
        shares.push(share);
    }
    if found.len() > 1 {
        for (target, weight) in found.iter_mut().zip(weights(&shares)) {
            target.weight = Some(weight);
        }
    }
    found
}

/// A provider, or a model at one.
fn named(text: &str, made: &[Made]) -> Option<Target> {
    let (provider, model) = match text.split_once('/') {
        Some((provider, model)) => (provider, Some(model)),
        None => (text, None),
    };
    let good =
        model.is_none_or(|model| is_pattern(model) && !model.is_empty() && !model.contains('*'));
    let provider = part(provider, made).filter(|_| good)?;
    Some(Target {
        model: model.map(str::to_owned),
        ..Target::of(provider)
    })
}

fn part(provider: &str, made: &[Made]) -> Option<String> {
    let found = made.iter().find(|made| made.name == provider)?;
    found.parts.first().cloned()
}

const RULE: Reasons = &[
    (
        "chain_rule",
        "one rule takes a request, and no other is tried after it",
    ),
    ("query", "it is what the expression is made of"),
];

const TARGET: Reasons = &[(
    "key_id",
    "a target is not bound to a single key of a provider; give it a provider of its own",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_about_the_model_are_understood_and_no_others() {
        for (text, models) in [
            ("true", &[][..]),
            ("model == 'a'", &["a"]),
            (
                "request.model == \"a\" || model.startsWith('b-')",
                &["a", "b-*"],
            ),
        ] {
            assert_eq!(matched(text).unwrap(), models, "{text}");
        }
        for text in [
            "model != 'a'",
            "budget_used > 80.0",
            "model == 'a' && true",
            "model == 'it\\'s'",
            "model.startsWith('')",
            "model.startsWith('a') || headers['x'] == 'y'",
        ] {
            assert_eq!(matched(text), None, "{text}");
        }
    }
}
