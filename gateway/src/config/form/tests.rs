//! Every rule that stands anywhere comes through the form as it was.

use std::path::Path;

use fairlead_compile::documents;

use super::*;

/// Every rule of the examples and of the compiler's goldens, and where it stands.
fn rules() -> Vec<(String, Document)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut rules = Vec::new();
    for below in ["examples", "operator/compile/tests/golden"] {
        below_into(&root.join(below), &mut rules);
    }
    rules
}

fn below_into(folder: &Path, rules: &mut Vec<(String, Document)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below_into(&path, rules);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            let (name, text) = (
                path.display().to_string(),
                std::fs::read_to_string(&path).unwrap(),
            );
            let found = documents(&name, &text).unwrap_or_default();
            let found = found.into_iter().filter(|one| one.value["kind"] == KIND);
            rules.extend(found.map(|one| (name.clone(), one)));
        }
    }
}

#[test]
fn a_form_that_nobody_has_changed_makes_the_same_rule() {
    let rules = rules();
    assert!(rules.len() > 60, "{}", rules.len());
    for (file, document) in rules {
        let form = of(&document).unwrap();
        let mut expected = document.value.clone();
        if !expected["spec"].is_object() {
            expected["spec"] = json!({});
        }
        assert_eq!(
            ruled(Some(&document.value), &form, "eu"),
            expected,
            "{file}"
        );
    }
}

#[test]
fn what_is_changed_changes_nothing_else() {
    for (file, document) in rules() {
        let spec = &document.value["spec"];
        if !spec.is_object() {
            continue;
        }
        let mut form = of(&document).unwrap();
        form.priority = Some(4_711);
        form.when = "key.name == \"other\"".to_owned();
        let mut made = ruled(Some(&document.value), &form, "eu")["spec"].take();
        assert_eq!(made["priority"], 4_711, "{file}");
        assert_eq!(made["match"]["when"], form.when, "{file}");
        let mut before = spec.clone();
        for spec in [&mut made, &mut before] {
            let members = spec.as_object_mut().unwrap();
            members.remove("priority");
            if let Some(matches) = members.get_mut("match").and_then(Value::as_object_mut) {
                matches.remove("when");
            }
            if members.get("match").is_some_and(|all| *all == json!({})) {
                members.remove("match");
            }
        }
        assert_eq!(made, before, "{file}");
    }
}

#[test]
fn a_strategy_of_another_type_leaves_what_belonged_to_the_one_before() {
    let live = json!({"kind": KIND, "spec": {
        "strategy": {"type": "Adaptive", "adaptive": {"window": "1m"}},
        "targets": [
            {"name": "a", "providerRef": {"name": "a"}, "parameters": {"set": {"seed": 1}}},
            {"name": "b", "providerRef": {"name": "b"}},
        ],
        "fallbacks": [{"name": "c", "providerRef": {"name": "c", "namespace": "x"}, "onFailure": {"classes": ["RateLimited"]}}],
    }});
    let mut form = said(&live["spec"]);
    form.strategy = "RoundRobin".to_owned();
    form.targets[0].model = "large".to_owned();
    form.targets.remove(1);
    form.fallbacks[0].on = vec!["rate_limited".to_owned(), "503".to_owned()];
    let made = ruled(Some(&live), &form, UNSAID);
    let expected = json!({
        "strategy": {"type": "RoundRobin"},
        "targets": [{"name": "a", "providerRef": {"name": "a"}, "parameters": {"set": {"seed": 1}}, "model": "large"}],
        "fallbacks": [{"name": "c", "providerRef": {"name": "c", "namespace": "x"}, "onFailure": {"classes": ["RateLimited"], "statusCodes": [503]}}],
    });
    assert_eq!(made["spec"], expected);
}

#[test]
fn a_new_rule_says_what_the_form_says() {
    let form = Form {
        namespace: "search".to_owned(),
        name: "chat".to_owned(),
        scope: "Team".to_owned(),
        scope_name: "web".to_owned(),
        scope_namespace: "shop".to_owned(),
        models: vec!["chat".to_owned()],
        targets: vec![FormTarget {
            provider: "platform/openai".to_owned(),
            ..FormTarget::default()
        }],
        ..Form::default()
    };
    let made = ruled(None, &form, UNSAID);
    assert_eq!(
        made["metadata"],
        json!({"name": "chat", "namespace": "search"})
    );
    let expected = json!({
        "scope": {"type": "Team", "name": "web", "namespace": "shop"},
        "match": {"models": ["chat"]},
        "targets": [{"name": "openai", "providerRef": {"name": "openai", "namespace": "platform"}}],
    });
    assert_eq!(made["spec"], expected);

    // Of an installation with a name it says that one, or nobody would enforce it.
    let mut of_eu = expected;
    of_eu["gatewayName"] = json!("eu");
    assert_eq!(ruled(None, &form, "eu")["spec"], of_eu);
}
