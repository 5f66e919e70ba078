//! What somebody is told of others: nothing. Every name, address and value of one namespace and of the platform holds a word that no answer for a
//! viewer of another may hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::{Compiled, Inputs, Settings, compile, documents};
use fairlead_console::view::build::Form;
use fairlead_console::{Reach, Rights};
use fairlead_record::Entry;
use fairlead_route::Table;
use fairlead_snapshot::ObjectName;
use serde_json::json;

use super::*;
use crate::check::{Sketch, think};
use crate::config::form;
use crate::govern::report::Line;

const WORD: &str = "xmarkx";
const PLATFORM: &str = "xmarkx-platform";

fn object(kind: &str, namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: {kind}\nmetadata: {{namespace: {namespace}, name: {name}}}\nspec: {{{spec}}}\n---\n"
    )
}

fn key(namespace: &str, name: &str) -> String {
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{namespace: {namespace}, name: {name}, labels: {{fairlead.dev/secret: virtual-key}}}}\nstringData: {{apiKey: sk-{namespace}-{name}-0123456789abcdef0123456789}}\n---\n"
    );
    let spec = format!("key: {{type: SecretRef, secretRef: {{name: {name}}}}}");
    object("VirtualKey", namespace, name, &spec) + &secret
}

fn provider(namespace: &str, name: &str, model: &str, more: &str) -> String {
    let spec = format!(
        "type: OpenAI, baseURL: \"https://{name}.example/v1\", models: [{{name: {model}}}], access: {{namespaces: {{from: All}}}}{more}"
    );
    object("LLMProvider", namespace, name, &spec)
}

/// A tenant `alpha`, another one and a platform, of which every word is the word.
fn compiled() -> (Compiled, BTreeMap<ObjectName, Form>) {
    let target = |name: &str, provider: &str, namespace: &str, model: &str| {
        format!(
            "targets: [{{name: {name}, providerRef: {{name: {provider}, namespace: {namespace}}}, model: {model}}}]"
        )
    };
    let hidden = target("xmarkx-target", "xmarkx-provider", PLATFORM, "xmarkx-model");
    let own = target("own", "own", "alpha", "small");
    let text = [
        key("alpha", "app"),
        key("xmarkx-shop", "xmarkx-key"),
        provider("alpha", "own", "small", ""),
        provider(PLATFORM, "xmarkx-provider", "xmarkx-model", ""),
        provider("xmarkx-shop", "xmarkx-private", "xmarkx-model", ""),
        object("RoutingRule", "alpha", "mine", &format!("match: {{models: [mine]}}, {own}")),
        object(
            "RoutingRule",
            PLATFORM,
            "xmarkx-rule",
            &format!("precedence: Override, scope: {{type: Global}}, match: {{models: [theirs], when: 'request.model != \"xmarkx\"'}}, {hidden}"),
        ),
        object(
            "RoutingRule",
            PLATFORM,
            "xmarkx-broken",
            &format!("precedence: Override, scope: {{type: Global}}, match: {{models: [broken], when: 'int(request.model) > 0 && request.model != \"xmarkx\"'}}, {hidden}"),
        ),
        object(
            "RoutingRule",
            PLATFORM,
            "xmarkx-constraint",
            "precedence: Override, scope: {type: Global}, match: {models: [held, theirs]}, constrain: {providerSelector: {matchLabels: {xmarkx: xmarkx}}}",
        ),
        object("RoutingRule", "alpha", "held", &format!("match: {{models: [held]}}, {own}")),
        object("RoutingRule", "xmarkx-shop", "xmarkx-faulty", "match: {models: [xmarkx]}, targets: []"),
    ]
    .concat();
    let documents = documents("all.yaml", &text).unwrap();
    let forms = documents
        .iter()
        .filter_map(|document| Some((document.name(), form::of(document)?)))
        .collect();
    let (mut inputs, verdicts) = Inputs::from_documents(Settings::new(PLATFORM), documents);
    assert_eq!(verdicts, []);
    inputs.now = 1;
    (compile(None, &inputs), forms)
}

fn lead() -> Viewer {
    let reach = Reach::Namespaces(["alpha".to_owned()].into());
    Viewer::with("lead", Rights::to_see(&reach), None)
}

fn reports() -> [providers::Report; 2] {
    let report = |state: &str| {
        let model = json!({"state": state});
        json!({"providers": {
            "alpha/own": {"models": {"small": model}},
            "xmarkx-platform/xmarkx-provider": {"models": {"xmarkx-model": model}},
        }})
    };
    [
        ("one".to_owned(), report("open")),
        ("two".to_owned(), report("closed")),
    ]
}

fn line(level: &'static str, holder: &str) -> Line {
    let number = || serde_json::value::RawValue::from_string("1".to_owned()).unwrap();
    Line {
        level,
        holder: holder.into(),
        name: format!("of-{level}").into(),
        kind: "budget",
        unit: "usd",
        limit: number(),
        used: number(),
        remaining: number(),
        window: None,
        per_seconds: None,
    }
}

/// What a request of a model is explained with.
fn explained(model: &str, viewer: &Viewer) -> fairlead_console::view::explain::Explained {
    let (compiled, _) = compiled();
    let table = Table::build(&compiled.snapshot, None);
    let lines = [
        line("organization", "xmarkx-platform/xmarkx-org"),
        line("key", "alpha/app"),
    ];
    let body = json!({"model": model}).as_object().cloned().unwrap();
    let name = "alpha/app".parse().unwrap();
    let sketch = Sketch::live(name, None, BTreeMap::new(), body, &[]);
    let thought = think(&table, &compiled.snapshot, &sketch).unwrap();
    explain::told(&thought, &table, &reports(), &lines, viewer)
}

#[test]
fn a_viewer_of_one_namespace_is_told_no_word_of_another() {
    let (compiled, forms) = compiled();
    let (snapshot, viewer) = (&compiled.snapshot, lead());
    let table = Table::build(snapshot, None);
    let without = |what: &str, told: &serde_json::Value| {
        let text = told.to_string();
        assert!(!text.contains(WORD), "{what}: {text}");
        assert!(text.contains("alpha"), "{what}: {text}");
    };
    let rules = rules::told(snapshot, &table, &forms, &viewer);
    without("rules", &json!(rules));
    let mine = rules.iter().find(|rule| rule.name == "alpha/mine");
    assert_eq!(
        mine.unwrap().form,
        Some(forms[&"alpha/mine".parse().unwrap()].clone())
    );
    without(
        "providers",
        &json!(providers::told(snapshot, &reports(), &viewer)),
    );
    let (keys, total) = keys::told(snapshot, &viewer, 1);
    assert_eq!(total, 1);
    without("keys", &json!(keys));
    let findings = findings::told(&compiled.verdicts, &viewer);
    assert_eq!(
        (
            findings.objects,
            findings::not_ok(&compiled.verdicts, &viewer)
        ),
        (vec![], 0)
    );
    for model in [
        "mine",
        "theirs",
        "broken",
        "held",
        "unknown",
        "xmarkx-model",
    ] {
        let told = json!(explained(model, &viewer)).to_string();
        // The model that was asked for is the asker's own word.
        let told = if model.contains(WORD) {
            told.replace(model, "")
        } else {
            told
        };
        assert!(!told.contains(WORD), "{model}: {told}");
    }
}

#[test]
fn what_is_not_for_the_viewer_is_told_of_by_what_it_is() {
    let told = explained("theirs", &lead());
    assert_eq!(
        told.refused.as_deref(),
        Some(
            "constraints of the platform leave no provider for it; a rule of the platform decides this: ask the platform team"
        )
    );
    let told = explained("broken", &lead()).refused.unwrap();
    assert!(
        told.starts_with("the condition of a rule cannot be evaluated"),
        "{told}"
    );
    let own = explained("mine", &lead());
    assert_eq!(own.taken.as_deref(), Some("alpha/mine"));
    assert_eq!(own.steps[0].breaker.as_deref(), Some("open on 1 of 2"));
    assert_eq!(own.limits.len(), 1);
    // Whoever sees all is told all.
    let all = explained("mine", &Viewer::of_everything("operator"));
    assert_eq!(all.limits.len(), 2);
    let all = json!(explained("theirs", &Viewer::of_everything("operator"))).to_string();
    assert!(all.contains("xmarkx-constraint"), "{all}");
}

#[test]
fn a_move_to_a_rule_of_others_is_told_without_its_name() {
    let (before, _) = compiled();
    let mut after = before.snapshot.clone();
    after
        .rules
        .retain(|rule| rule.name.to_string() != "alpha/mine");
    let entry = Arc::new(Entry {
        key: Some("alpha/app".into()),
        model: Some("mine".into()),
        operation: Some("chat".into()),
        ..Entry::default()
    });
    let table = Table::build(&before.snapshot, None);
    let before = (&before.snapshot, &table);
    let told = effect::effect(before, &after, &[Arc::clone(&entry), entry], &lead());
    assert_eq!((told.looked_at, told.moved), (2, 2));
    assert_eq!(told.moves[0].0, "alpha/mine (own:small)");
    assert!(!json!(told).to_string().contains(WORD));
}
