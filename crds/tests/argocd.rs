//! What Argo CD is told about our kinds (`examples/argocd`).

#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use mlua::Lua;
use serde_json::Value;

const PREFIX: &str = "resource.customizations.health.fairlead.dev_";

fn map() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/argocd/apps/argocd-cm.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    serde_saphyr::from_str(&text).unwrap()
}

#[test]
fn every_kind_has_a_health_check_under_a_key_of_its_own() {
    let map = map();
    let data = map["data"].as_object().unwrap();
    assert!(
        !data.contains_key("resource.customizations"),
        "a merge would replace what somebody has there"
    );
    let ours = |key: &String| key.strip_prefix(PREFIX).map(str::to_owned);
    let told: BTreeSet<String> = data.keys().filter_map(ours).collect();
    let kinds = fairlead_crds::all()
        .into_iter()
        .map(|crd| crd.spec.names.kind);
    assert_eq!(told, kinds.collect());
    let mut checks = data
        .iter()
        .filter(|(key, _)| key.starts_with(PREFIX))
        .map(|(_, check)| check);
    let first = checks.next().unwrap();
    assert!(
        checks.all(|check| check == first),
        "all kinds have the same conditions"
    );
}

/// Argo CD's Lua is 5.1 with the base library, `table` and `require` alone; what `require("os")` gives tells the time and no more (source: its
/// `util/lua/lua.go`, v3.1).
const AS_IN_ARGO_CD: &str = r#"
    local safe = {time = os.time, date = os.date}
    package.loaded.os = nil
    package.preload.os = function() return safe end
    os, io, string, math, debug, coroutine = nil, nil, nil, nil, nil, nil
"#;

/// What the check says of an object at its second generation with these conditions: type, status, generation, seconds since it changed.
fn health(conditions: &[(&str, &str, u32, i64)]) -> (String, String) {
    let conditions = conditions.iter().map(|(kind, status, generation, age)| {
        let changed = Timestamp::now() - SignedDuration::from_secs(*age);
        let changed = changed.strftime("%Y-%m-%dT%H:%M:%SZ");
        format!("{{type = '{kind}', status = '{status}', observedGeneration = {generation}, lastTransitionTime = '{changed}', reason = 'Why', message = 'of {kind}'}}")
    });
    let conditions: Vec<_> = conditions.collect();
    let object = format!(
        "obj = {{metadata = {{generation = 2}}, status = {{conditions = {{{}}}}}}}",
        conditions.join(", ")
    );
    let map = map();
    let check = map["data"][format!("{PREFIX}LLMProvider")]
        .as_str()
        .unwrap();
    let lua = Lua::new();
    lua.load(AS_IN_ARGO_CD).exec().unwrap();
    lua.load(object).exec().unwrap();
    let health: mlua::Table = lua.load(check).eval().unwrap();
    let text = |name: &str| health.get::<String>(name).unwrap();
    (text("status"), text("message"))
}

#[test]
fn an_object_is_healthy_once_every_gateway_enforces_this_version() {
    let accepted = ("Accepted", "True", 2, 0);
    let resolved = ("ResolvedRefs", "True", 2, 0);
    for (conditions, status, message) in [
        (&[][..], "Progressing", "Waiting for the operator"),
        (
            &[accepted, resolved, ("Programmed", "True", 1, 0)],
            "Progressing",
            "Waiting for the operator",
        ),
        (
            &[accepted, resolved, ("Programmed", "False", 2, 0)],
            "Progressing",
            "Why: of Programmed",
        ),
        (
            &[accepted, resolved, ("Programmed", "True", 2, 0)],
            "Healthy",
            "of Programmed",
        ),
        (
            &[("Accepted", "False", 2, 0), resolved],
            "Degraded",
            "Why: of Accepted",
        ),
        (
            &[("Accepted", "False", 1, 0)],
            "Progressing",
            "Waiting for the operator",
        ),
    ] {
        let expected = (status.to_owned(), message.to_owned());
        assert_eq!(health(conditions), expected, "{conditions:?}");
    }
}

/// External Secrets and the like take a moment.
#[test]
fn what_an_object_names_may_come_within_a_minute() {
    for (age, status) in [
        (0, "Progressing"),
        (50, "Progressing"),
        (70, "Degraded"),
        (86_400, "Degraded"),
    ] {
        let conditions = [
            ("Accepted", "True", 2, age),
            ("ResolvedRefs", "False", 2, age),
            ("Programmed", "False", 2, age),
        ];
        let expected = (status.to_owned(), "Why: of ResolvedRefs".to_owned());
        assert_eq!(health(&conditions), expected, "{age} s");
    }
}
