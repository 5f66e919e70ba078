//! A rule out of a form: its YAML, what the compiler says of it among all others, and which of the last requests it would move. Nothing is
//! written, and nothing of it takes effect.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::{Document, Inputs, compile, documents};
use fairlead_condition::{Limit, Usage};
use fairlead_console::view::build::{Built, Effect, Form, FormTarget};
use fairlead_console::{Trouble, Viewer};
use fairlead_record::filter::LARGEST_PAGE;
use fairlead_record::{Ask, Entry, Filter, RequestLog as _};
use fairlead_route::{Candidate, Table};
use fairlead_snapshot::{ObjectName, Snapshot};
use fairlead_wire::openai::request::parse;
use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::Local;
use super::standing::finding;
use crate::clock;
use crate::request::outlook::Outlook;
use crate::request::sight::Sight;
use crate::runtime::enforced::Enforced;
use crate::surface::Operation;

/// So many pages of the last requests are looked at.
const PAGES: usize = 2;
const KIND: &str = "RoutingRule";

/// What comes of it.
pub(super) async fn told(local: &Local, viewer: &Viewer, form: Form) -> Result<Built, Trouble> {
    if !viewer.sees(&form.namespace) {
        let words = format!(
            "there is no namespace {:?} that you may see",
            form.namespace
        );
        return Err(Trouble::NotFound(words));
    }
    let enforced = local.enforced()?;
    let entries = last(local, viewer).await?;
    let Ok(turn) = Arc::clone(&local.compiling).acquire_owned().await else {
        return Err(Trouble::Unavailable("the gateway ends".to_owned()));
    };
    let built = tokio::task::spawn_blocking(move || {
        let built = built(&enforced, &form, &entries);
        drop(turn);
        built
    });
    let fault = |error| Trouble::Unavailable(format!("the compiler has a fault: {error}"));
    built.await.map_err(fault)?
}

/// The last requests that this viewer may see.
async fn last(local: &Local, viewer: &Viewer) -> Result<Vec<Arc<Entry>>, Trouble> {
    let filter = Filter {
        scope: viewer.scope(),
        ..Filter::default()
    };
    let mut ask = Ask {
        after: None,
        limit: LARGEST_PAGE,
    };
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        let page = local.shared.requests.search(&filter, ask).await?;
        entries.extend(page.entries);
        ask.after = page.next;
        if ask.after.is_none() {
            break;
        }
    }
    Ok(entries)
}

fn built(enforced: &Enforced, form: &Form, entries: &[Arc<Entry>]) -> Result<Built, Trouble> {
    let name = ObjectName::new(&form.namespace, &form.name);
    let is_it = |document: &Document| {
        let metadata = &document.value["metadata"];
        let namespace = metadata["namespace"].as_str();
        let own = namespace.unwrap_or(enforced.inputs.settings.gateway_namespace.as_str());
        document.value["kind"] == KIND && metadata["name"] == *form.name && own == form.namespace
    };
    let objects = &enforced.inputs.objects;
    let live = objects.iter().find(|document| is_it(document));
    let value = ruled(live.map(|live| &live.value), form);
    let text = yaml(&value)?;
    let documents = documents("rule.yaml", &text);
    let documents = documents.map_err(|error| Trouble::Bad(error.to_string()))?;
    let others = objects.iter().filter(|document| !is_it(document)).cloned();
    let inputs = Inputs {
        objects: others.chain(documents.into_iter().map(Arc::new)).collect(),
        now: clock::unix_seconds(),
        ..(*enforced.inputs).clone()
    };
    let compiled = compile(Some(&enforced.snapshot), &inputs);
    let verdict = compiled
        .verdicts
        .iter()
        .find(|verdict| verdict.kind == KIND && verdict.name == name);
    let findings = verdict.into_iter().flat_map(|verdict| {
        let all = verdict.faults.iter().chain(&verdict.unresolved);
        all.chain(&verdict.notes).map(finding)
    });
    Ok(Built {
        yaml: text,
        live: live.map(|live| yaml(&live.value)).transpose()?,
        findings: findings.collect(),
        effect: effect(&enforced.snapshot, &compiled.snapshot, entries),
    })
}

fn yaml(value: &Value) -> Result<String, Trouble> {
    serde_saphyr::to_string(value).map_err(|error| Trouble::Bad(error.to_string()))
}

/// The rule that is there, as far as the form does not know better.
fn ruled(live: Option<&Value>, form: &Form) -> Value {
    let mut value = live.cloned().unwrap_or_else(|| {
        let metadata = json!({"name": form.name, "namespace": form.namespace});
        json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": KIND, "metadata": metadata, "spec": {}})
    });
    if !value["spec"].is_object() {
        value["spec"] = json!({});
    }
    let before = value["spec"].clone();
    let mut set = |member: &str, said: Option<Value>| {
        if let Value::Object(spec) = &mut value["spec"] {
            match said {
                Some(said) => drop(spec.insert(member.to_owned(), said)),
                None => drop(spec.remove(member)),
            }
        }
    };
    set("priority", form.priority.map(Value::from));
    set("scope", scope(form));
    set("match", matches(&before["match"], form));
    let strategy = !form.strategy.is_empty();
    set("strategy", strategy.then(|| json!({"type": form.strategy})));
    let targets = |member: &str, all: &[FormTarget], fallback| {
        let targets: Vec<Value> = all
            .iter()
            .map(|one| target(&before[member], one, fallback))
            .collect();
        (!targets.is_empty()).then(|| Value::from(targets))
    };
    set("targets", targets("targets", &form.targets, false));
    set("fallbacks", targets("fallbacks", &form.fallbacks, true));
    value
}

fn scope(form: &Form) -> Option<Value> {
    match form.scope.as_str() {
        "" => None,
        kind @ ("Global" | "Namespace") => Some(json!({"type": kind})),
        kind => Some(json!({"type": kind, "name": form.scope_name})),
    }
}

fn matches(before: &Value, form: &Form) -> Option<Value> {
    let mut matches = before.as_object().cloned().unwrap_or_default();
    let models = (!form.models.is_empty()).then(|| Value::from(form.models.clone()));
    let when = (!form.when.trim().is_empty()).then(|| Value::from(form.when.trim()));
    for (member, said) in [("models", models), ("when", when)] {
        match said {
            Some(said) => drop(matches.insert(member.to_owned(), said)),
            None => drop(matches.remove(member)),
        }
    }
    (!matches.is_empty()).then_some(Value::Object(matches))
}

/// A target; of the one that had its name, what the form does not know stays.
fn target(before: &Value, form: &FormTarget, fallback: bool) -> Value {
    let local = form.provider.rsplit('/').next().unwrap_or_default();
    let name = if form.name.is_empty() {
        local
    } else {
        &form.name
    };
    let kept = before.as_array().into_iter().flatten();
    let mut kept = kept.filter(|target| target["name"] == *name);
    let mut target: Map<String, Value> = kept
        .next()
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    target.insert("name".to_owned(), name.into());
    let reference = match form.provider.split_once('/') {
        Some((namespace, name)) => json!({"namespace": namespace, "name": name}),
        None => json!({"name": form.provider}),
    };
    target.insert("providerRef".to_owned(), reference);
    let model = (!form.model.is_empty()).then(|| Value::from(form.model.as_str()));
    let weight = form.weight.filter(|_| !fallback).map(Value::from);
    let on = (fallback && !form.on.is_empty()).then(|| on(&form.on));
    for (member, said) in [("model", model), ("weight", weight), ("on", on)] {
        match said {
            Some(said) => drop(target.insert(member.to_owned(), said)),
            None => drop(target.remove(member)),
        }
    }
    Value::Object(target)
}

/// Failures as a rule names them: status codes by their numbers, classes by their names.
fn on(words: &[String]) -> Value {
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

/// `rate_limited` as the API spells it: `RateLimited`.
fn camel(word: &str) -> String {
    let parts = word.split('_').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (first, rest) = part.split_at(part.chars().next().map_or(0, char::len_utf8));
            first.to_uppercase() + rest
        })
        .collect()
}

/// Nothing is expected of requests that are over.
#[derive(Debug)]
struct Nothing;

impl Outlook for Nothing {
    fn usage(&self, _: &Limit) -> Option<Usage> {
        None
    }

    fn input_tokens(&self) -> u64 {
        0
    }

    fn cost(&self, _: Candidate<'_>) -> Option<i64> {
        None
    }
}

/// Which rules would take the requests, before and after.
fn effect(before: &Snapshot, after: &Snapshot, entries: &[Arc<Entry>]) -> Effect {
    let mut kinds: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for entry in entries {
        if let (Some(key), Some(model)) = (&entry.key, &entry.model) {
            *kinds.entry((key, model)).or_default() += 1;
        }
    }
    let tables = [before, after].map(|snapshot| (snapshot, Table::build(snapshot, None)));
    let mut moves: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut effect = Effect {
        looked_at: kinds.values().sum(),
        ..Effect::default()
    };
    for ((key, model), count) in kinds {
        let [one, other] =
            [&tables[0], &tables[1]].map(|(snapshot, table)| taker(snapshot, table, key, model));
        match (one, other) {
            (Some(one), Some(other)) if one == other => {}
            (Some(one), Some(other)) => {
                effect.moved += count;
                *moves.entry((one, other)).or_default() += count;
            }
            (None, _) | (_, None) => effect.unjudged += count,
        }
    }
    effect.moves = moves
        .into_iter()
        .map(|((one, other), count)| (one, other, count))
        .collect();
    effect
}

/// Which rule takes a request; `None`: its key is not there.
fn taker(snapshot: &Snapshot, table: &Table, key: &str, model: &str) -> Option<String> {
    let name: ObjectName = key.parse().ok()?;
    let caller = table.caller(&name, snapshot.keys.get(&name)?);
    let body = json!({"model": model}).to_string();
    let request = parse(body.as_bytes()).ok()?;
    let headers = HeaderMap::new();
    let sight = Sight::new(Operation::Chat, &request, &headers, &[], &Nothing);
    Some(match table.foresee(&caller, model, &sight) {
        Ok(plan) => plan.rule.map_or_else(
            || "no rule".to_owned(),
            |rule| format!("{} ({})", rule.name, targets(&plan.steps)),
        ),
        Err(_) => "a refusal".to_owned(),
    })
}

/// The targets of a plan, so that one who changes where a rule sends requests sees it too.
fn targets(steps: &[fairlead_route::Step]) -> String {
    let mut names: Vec<String> = steps
        .iter()
        .map(|step| format!("{}:{}", step.target, step.model))
        .collect();
    names.sort_unstable();
    names.join(", ")
}
