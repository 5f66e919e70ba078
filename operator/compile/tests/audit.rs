//! What the audit tells of two configurations, compiled from what people write.
#![cfg(test)]

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::audit::{self, Action, Change};
use fairlead_compile::{
    Document, Inputs, Origin, RotationState, Secret, Secrets, Settings, compile,
};
use fairlead_snapshot::{ObjectName, SecretBytes, Snapshot};
use serde_json::{Value, json};

const FIRST: &str = "sk-first-0123456789abcdef0123456789abcdef";
const SECOND: &str = "sk-second-0123456789abcdef0123456789abcde";

fn object(kind: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": "search", "name": name, "generation": 1}, "spec": spec})
}

fn team(spec: &Value) -> Value {
    object("Team", "research", spec)
}

fn key(mut spec: Value) -> Value {
    if spec["key"].is_null() {
        spec["key"] = json!({"type": "SecretRef", "secretRef": {"name": "checkout"}});
    }
    object("VirtualKey", "checkout", &spec)
}

/// The objects, with the key's value.
fn snapshot(value: Option<&str>, objects: &[Value]) -> Snapshot {
    let documents = objects.iter().map(|value| {
        Arc::new(Document {
            value: value.clone(),
            origin: Origin::default(),
        })
    });
    let mut secrets = Secrets::new();
    if let Some(value) = value {
        let secret = Secret {
            labels: BTreeMap::from([("fairlead.dev/secret".to_owned(), "virtual-key".to_owned())]),
            any_use: false,
            withheld: false,
            data: Arc::new(BTreeMap::from([(
                "apiKey".to_owned(),
                SecretBytes::new(value.as_bytes().to_vec()),
            )])),
            generated_for: None,
            rotation: RotationState::default(),
        };
        secrets.insert(ObjectName::new("search", "checkout"), secret);
    }
    let inputs = Inputs {
        settings: Settings::new("own"),
        objects: documents.collect(),
        secrets,
        services: fairlead_compile::Services::default(),
        namespaces: BTreeMap::new(),
        now: 0,
    };
    let compiled = compile(None, &inputs);
    let bad: Vec<_> = compiled
        .verdicts
        .iter()
        .filter(|verdict| !verdict.faults.is_empty())
        .collect();
    assert!(bad.is_empty(), "{bad:?}");
    compiled.snapshot
}

/// What changed, as `action limit field old -> new`.
fn told(before: &Snapshot, after: &Snapshot) -> Vec<String> {
    let text = |change: Change| {
        let action = serde_json::to_value(change.action).unwrap();
        let words = [
            action.as_str().map(str::to_owned),
            change.limit,
            change.field.map(str::to_owned),
            Some(format!(
                "{} -> {}",
                change.old.unwrap_or_default(),
                change.new.unwrap_or_default()
            )),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(" ")
    };
    audit::changes(before, after)
        .into_iter()
        .map(text)
        .collect()
}

#[test]
fn a_keys_life_is_told() {
    let nothing = snapshot(None, &[]);
    let waiting = snapshot(None, &[key(json!({}))]);
    let made = snapshot(Some(FIRST), &[key(json!({}))]);
    let rotated = snapshot(Some(SECOND), &[key(json!({}))]);
    let suspended = snapshot(Some(SECOND), &[key(json!({"suspended": true}))]);
    for (before, after, expected) in [
        (&nothing, &waiting, vec![]),
        (&waiting, &made, vec!["key.made value  -> "]),
        (&made, &made, vec![]),
        (&made, &rotated, vec!["key.rotated value  -> "]),
        (&rotated, &suspended, vec!["key.suspended  -> Suspended"]),
        (&suspended, &rotated, vec!["key.resumed Suspended -> "]),
        (&rotated, &waiting, vec!["key.revoked value  -> "]),
        (&rotated, &nothing, vec!["key.revoked object  -> "]),
        (&waiting, &nothing, vec![]),
    ] {
        assert_eq!(told(before, after), expected);
    }
}

#[test]
fn who_may_call_is_told_where_it_is_no_value() {
    let by_token = |audience: &str| {
        let oidc = json!({"issuer": "https://a.example", "audiences": [audience]});
        snapshot(None, &[key(json!({"key": {"type": "OIDC", "oidc": oidc}}))])
    };
    let (nobody, made) = (snapshot(None, &[]), by_token("fairlead:search"));
    let value = snapshot(Some(FIRST), &[key(json!({}))]);
    let from = key(json!({"networks": ["10.0.0.0/8", "192.0.2.0/24"]}));
    let from = snapshot(Some(FIRST), &[from]);
    for (before, after, expected) in [
        (&nobody, &made, "key.made tokens  -> "),
        (&made, &by_token("b"), "key.rotated tokens  -> "),
        (&value, &made, "key.rotated tokens  -> "),
        (&made, &nobody, "key.revoked object  -> "),
        (&value, &from, "key.networks  -> 10.0.0.0/8 192.0.2.0/24"),
        (&from, &value, "key.networks 10.0.0.0/8 192.0.2.0/24 -> "),
    ] {
        assert_eq!(told(before, after), [expected]);
    }
}

#[test]
fn a_keys_owner_and_its_end_are_told() {
    let alone = snapshot(Some(FIRST), &[key(json!({}))]);
    let expires = key(json!({"expiresAt": "2027-01-01T00:00:00Z"}));
    let expires = snapshot(Some(FIRST), &[expires]);
    assert_eq!(
        told(&alone, &expires),
        ["key.expiry  -> 2027-01-01T00:00:00Z"]
    );
    let member = key(json!({"teamRef": {"name": "research"}}));
    let joined = snapshot(Some(FIRST), &[team(&json!({})), member.clone()]);
    assert_eq!(told(&alone, &joined), ["key.moved  -> research"]);
    let orphaned = snapshot(Some(FIRST), &[member]);
    let changes = told(&joined, &orphaned);
    assert_eq!(changes, ["key.refused  -> NoTeam"]);
    assert_eq!(told(&orphaned, &joined), ["key.accepted NoTeam -> "]);
}

#[test]
fn limits_are_told_with_what_they_were_and_are() {
    let of = |spec: Value| snapshot(None, &[team(&spec)]);
    let budget = |more: Value| {
        let mut budget = json!({"name": "month", "amount": "100", "period": "Monthly"});
        for (name, value) in more.as_object().unwrap() {
            budget[name] = value.clone();
        }
        json!({"budgets": [budget]})
    };
    let nothing = of(json!({}));
    let first = of(budget(json!({})));
    for (before, after, expected) in [
        (&nothing, &first, "limit.added budget/month  -> 100.00"),
        (&first, &nothing, "limit.removed budget/month 100.00 -> "),
        (
            &first,
            &of(budget(json!({"amount": "150.000000001"}))),
            "limit.changed budget/month amount 100.00 -> 150.000000001",
        ),
        (
            &first,
            &of(budget(json!({"strict": true}))),
            "limit.changed budget/month terms  -> ",
        ),
        (
            &first,
            &of(budget(json!({"resetAt": "2026-11-30T07:00:00Z"}))),
            "limit.reset budget/month resetAt  -> 2026-11-30T07:00:00Z",
        ),
        (
            &first,
            &of(budget(
                json!({"override": {"amount": "200", "until": "2026-12-01T00:00:00Z"}}),
            )),
            "limit.override budget/month override  -> 200.00 until 2026-12-01T00:00:00Z",
        ),
    ] {
        assert_eq!(told(before, after), [expected]);
    }
    let rates = |limit: u32| json!({"rateLimits": [{"name": "rpm", "unit": "Requests", "limit": limit, "per": "1m"}], "concurrency": {"maxInFlight": limit}});
    assert_eq!(
        told(&of(rates(60)), &of(rates(30))),
        [
            "limit.changed rate_limit/rpm limit 60 Requests per 60000 ms -> 30 Requests per 60000 ms",
            "limit.changed concurrency limit 60 -> 30",
        ]
    );
}

#[test]
fn what_a_request_may_cost_is_told() {
    let of = |spec: Value| snapshot(None, &[team(&spec)]);
    let nothing = of(json!({}));
    let most = |amount: &str| of(json!({"maxCostPerRequest": amount}));
    for (before, after, expected) in [
        (
            &nothing,
            &most("0.05"),
            "limit.added max_cost_per_request  -> 0.05",
        ),
        (
            &most("0.05"),
            &nothing,
            "limit.removed max_cost_per_request 0.05 -> ",
        ),
        (
            &most("0.05"),
            &most("2"),
            "limit.changed max_cost_per_request amount 0.05 -> 2.00",
        ),
    ] {
        assert_eq!(told(before, after), [expected]);
    }
}

#[test]
fn lines_are_json_and_hold_no_value_and_no_digest() {
    let before = snapshot(None, &[]);
    let after = snapshot(
        Some(FIRST),
        &[
            key(json!({})),
            team(&json!({"concurrency": {"maxInFlight": 2}})),
        ],
    );
    let at = "2026-11-30T07:00:00Z".parse().unwrap();
    let lines: Vec<String> = audit::lines(&before, &after, 12, at).collect();
    let read: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        read,
        [
            json!({"time": "2026-11-30T07:00:00.000Z", "generation": 12, "audit": "config.published", "count": 2, "objects": [
                {"change": "added", "kind": "Team", "namespace": "search", "name": "research"},
                {"change": "added", "kind": "VirtualKey", "namespace": "search", "name": "checkout"},
            ]}),
            json!({"time": "2026-11-30T07:00:00.000Z", "generation": 12, "audit": "key.made", "kind": "VirtualKey", "namespace": "search", "name": "checkout", "field": "value"}),
            json!({"time": "2026-11-30T07:00:00.000Z", "generation": 12, "audit": "limit.added", "kind": "Team", "namespace": "search", "name": "research", "limit": "concurrency", "new": "2"}),
        ]
    );
    let digest = after.keys.values().find_map(|key| key.digest.clone());
    let digest = digest.unwrap().to_string();
    let all = lines.join("\n");
    assert!(!all.contains(FIRST) && !all.contains(&digest), "{all}");
}

#[test]
fn a_publication_of_thousands_is_a_short_line_that_counts_them() {
    let teams: Vec<Value> = (0..2_000)
        .map(|at| {
            object(
                "Team",
                &format!("t{at}"),
                &json!({"concurrency": {"maxInFlight": 1}}),
            )
        })
        .collect();
    let (before, after) = (snapshot(None, &[]), snapshot(None, &teams));
    let at = "2026-11-30T07:00:00Z".parse().unwrap();
    let mut lines = audit::lines(&before, &after, 1, at);
    let first = lines.next().unwrap();
    assert!(first.len() < 8 * 1024, "{}", first.len());
    assert!(first.contains(r#""count":2000"#), "{first}");
    assert_eq!(lines.count(), 2_000);
    let changes = audit::changes(&after, &after);
    assert!(
        changes
            .iter()
            .all(|change| change.action == Action::LimitAdded)
            && changes.is_empty()
    );
}
