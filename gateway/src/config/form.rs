//! A rule as the builder's form says it, and back. What the form does not know of a rule stays as it is, and so does whatever it knows and has not
//! changed: to its letter.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::Document;
use fairlead_console::view::build::{Form, FormTarget};
use fairlead_snapshot::ObjectName;
use serde_json::{Map, Value, json};

/// The kind of a rule.
pub(crate) const KIND: &str = "RoutingRule";

/// The installation of an object that names none.
pub(crate) const UNSAID: &str = "default";

/// The form of a rule; `None`: it is none.
#[must_use]
pub(crate) fn of(document: &Document) -> Option<Form> {
    let value = &document.value;
    (value["kind"] == KIND).then(|| {
        let name = document.name();
        Form {
            namespace: name.namespace,
            name: name.name,
            ..said(&value["spec"])
        }
    })
}

/// The forms of the rules among some objects.
#[must_use]
pub(crate) fn of_all(objects: &[Arc<Document>]) -> BTreeMap<ObjectName, Form> {
    let rules = objects.iter();
    rules
        .filter_map(|document| Some((document.name(), of(document)?)))
        .collect()
}

/// What a spec says, as far as the form knows it.
fn said(spec: &Value) -> Form {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let scope = &spec["scope"];
    let targets = |member: &str| {
        let all = spec[member].as_array().into_iter().flatten();
        all.map(target_said).collect()
    };
    Form {
        priority: number(&spec["priority"]),
        scope: text(&scope["type"]),
        scope_name: text(&scope["name"]),
        scope_namespace: text(&scope["namespace"]),
        models: texts(&spec["match"]["models"]),
        when: text(&spec["match"]["when"]).trim().to_owned(),
        strategy: text(&spec["strategy"]["type"]),
        targets: targets("targets"),
        fallbacks: targets("fallbacks"),
        ..Form::default()
    }
}

fn target_said(target: &Value) -> FormTarget {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let reference = &target["providerRef"];
    let provider = text(&reference["name"]);
    let failures = &target["onFailure"];
    let codes = failures["statusCodes"].as_array().into_iter().flatten();
    let mut on = texts(&failures["classes"]);
    on.extend(codes.map(ToString::to_string));
    FormTarget {
        name: text(&target["name"]),
        provider: match reference["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/{provider}"),
            None => provider,
        },
        model: text(&target["model"]),
        weight: number(&target["weight"]),
        on,
    }
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().and_then(|number| u32::try_from(number).ok())
}

fn texts(value: &Value) -> Vec<String> {
    let all = value.as_array().into_iter().flatten();
    all.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The rule that a form makes of the one that is there; a new one is of this installation.
#[must_use]
pub(crate) fn ruled(live: Option<&Value>, form: &Form, installation: &str) -> Value {
    let mut value = live.cloned().unwrap_or_else(|| {
        let metadata = json!({"name": form.name, "namespace": form.namespace});
        let mut new =
            json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": KIND, "metadata": metadata});
        if installation != UNSAID {
            new["spec"] = json!({"gatewayName": installation});
        }
        new
    });
    let mut spec = value["spec"].as_object().cloned().unwrap_or_default();
    let whole = Value::Object(spec.clone());
    let before = said(&whole);
    if form.priority != before.priority {
        set(&mut spec, "priority", form.priority.map(Value::from));
    }
    let place = |form: &Form| {
        let name = form.scope_name.clone();
        (form.scope.clone(), name, form.scope_namespace.clone())
    };
    if place(form) != place(&before) {
        set(&mut spec, "scope", scope(form));
    }
    set(&mut spec, "match", matches(&whole["match"], &before, form));
    if form.strategy != before.strategy {
        set(&mut spec, "strategy", strategy(&whole["strategy"], form));
    }
    let lists = [
        ("targets", &before.targets, &form.targets),
        ("fallbacks", &before.fallbacks, &form.fallbacks),
    ];
    for (member, before, now) in lists {
        if before != now {
            let targets = targets(&whole[member], before, now, member == "fallbacks");
            set(&mut spec, member, targets);
        }
    }
    value["spec"] = Value::Object(spec);
    value
}

fn set(members: &mut Map<String, Value>, member: &str, said: Option<Value>) {
    match said {
        Some(said) => drop(members.insert(member.to_owned(), said)),
        None => drop(members.remove(member)),
    }
}

fn scope(form: &Form) -> Option<Value> {
    if form.scope.is_empty() {
        return None;
    }
    let mut scope = Map::new();
    scope.insert("type".to_owned(), form.scope.as_str().into());
    let named = ["VirtualKey", "Team", "Organization"].contains(&&*form.scope);
    if named {
        scope.insert("name".to_owned(), form.scope_name.as_str().into());
    }
    let elsewhere = ["VirtualKey", "Team", "Namespace"].contains(&&*form.scope);
    if elsewhere && !form.scope_namespace.is_empty() {
        let namespace = form.scope_namespace.as_str().into();
        scope.insert("namespace".to_owned(), namespace);
    }
    Some(Value::Object(scope))
}

fn matches(raw: &Value, before: &Form, form: &Form) -> Option<Value> {
    let when = form.when.trim();
    if form.models == before.models && when == before.when {
        return raw.is_object().then(|| raw.clone());
    }
    let mut matches = raw.as_object().cloned().unwrap_or_default();
    if form.models != before.models {
        let models = (!form.models.is_empty()).then(|| Value::from(form.models.clone()));
        set(&mut matches, "models", models);
    }
    if when != before.when {
        let when = (!when.is_empty()).then(|| Value::from(when));
        set(&mut matches, "when", when);
    }
    (!matches.is_empty()).then_some(Value::Object(matches))
}

/// A strategy of another type, without what belonged to the one before.
fn strategy(raw: &Value, form: &Form) -> Option<Value> {
    if form.strategy.is_empty() {
        return None;
    }
    let mut strategy = raw.as_object().cloned().unwrap_or_default();
    strategy.insert("type".to_owned(), form.strategy.as_str().into());
    for (member, of) in [("adaptive", "Adaptive"), ("sticky", "Weighted")] {
        if form.strategy != of {
            strategy.remove(member);
        }
    }
    Some(Value::Object(strategy))
}

fn targets(
    raw: &Value,
    before: &[FormTarget],
    now: &[FormTarget],
    fallback: bool,
) -> Option<Value> {
    let raw: Vec<&Value> = raw.as_array().into_iter().flatten().collect();
    let made = now.iter().map(|target| {
        let name = target_name(target);
        let mut there = before.iter().zip(&raw);
        match there.find(|(before, _)| before.name == name) {
            Some((before, raw)) => amended(raw, before, target, fallback),
            None => amended(&Value::Null, &FormTarget::default(), target, fallback),
        }
    });
    let made: Vec<Value> = made.collect();
    (!made.is_empty()).then(|| made.into())
}

/// Its name; without one, the provider's.
fn target_name(target: &FormTarget) -> &str {
    if target.name.is_empty() {
        target.provider.rsplit('/').next().unwrap_or_default()
    } else {
        &target.name
    }
}

/// The target that was there, with what is new about it.
fn amended(raw: &Value, before: &FormTarget, now: &FormTarget, fallback: bool) -> Value {
    let mut target = raw.as_object().cloned().unwrap_or_default();
    let name = target_name(now);
    if target.get("name").and_then(Value::as_str) != Some(name) {
        target.insert("name".to_owned(), name.into());
    }
    if now.provider != before.provider || !target.contains_key("providerRef") {
        let reference = match now.provider.split_once('/') {
            Some((namespace, name)) => json!({"name": name, "namespace": namespace}),
            None => json!({"name": now.provider}),
        };
        target.insert("providerRef".to_owned(), reference);
    }
    if now.model != before.model {
        let model = (!now.model.is_empty()).then(|| Value::from(now.model.as_str()));
        set(&mut target, "model", model);
    }
    if now.weight != before.weight && !fallback {
        set(&mut target, "weight", now.weight.map(Value::from));
    }
    if now.on != before.on && fallback {
        let on = (!now.on.is_empty()).then(|| on_failure(&now.on));
        set(&mut target, "onFailure", on);
    }
    Value::Object(target)
}

/// Failures as a rule names them: status codes by their numbers, classes by their names.
fn on_failure(words: &[String]) -> Value {
    let codes: Vec<u16> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let is_class = |word: &&String| word.parse::<u16>().is_err();
    let classes: Vec<String> = words
        .iter()
        .filter(is_class)
        .map(|word| camel(word))
        .collect();
    let mut on = Map::new();
    if !classes.is_empty() {
        on.insert("classes".to_owned(), classes.into());
    }
    if !codes.is_empty() {
        on.insert("statusCodes".to_owned(), codes.into());
    }
    Value::Object(on)
}

/// `rate_limited`, as logs write it, as the API spells it: `RateLimited`.
fn camel(word: &str) -> String {
    let parts = word.split('_').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (first, rest) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
            first.to_uppercase() + rest
        })
        .collect()
}
