//! Constraints and the labels that satisfy them, from objects to the snapshot: who may say what, and what an edit that is refused leaves in force.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use fairlead_compile::{Compiled, InForce, Inputs, Reason, Settings, compile, documents};
use fairlead_snapshot::{Labels, ObjectName, Selector, Snapshot};

fn object(kind: &str, name: &str, labels: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "---\napiVersion: fairlead.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}\nspec: {{{spec}}}\n"
    )
}

fn provider(name: &str, labels: &str) -> String {
    object("LLMProvider", name, labels, "type: Simulated")
}

/// One that is not acceptable.
fn bad_provider(name: &str, labels: &str) -> String {
    object(
        "LLMProvider",
        name,
        labels,
        "type: Simulated, baseURL: \"https://us.example.com\"",
    )
}

fn constraint(labels: &str) -> String {
    object(
        "RoutingRule",
        "gateway/c",
        "",
        &format!("precedence: Override, constrain: {{providerSelector: {labels}}}"),
    )
}

const EU: &str = "{matchLabels: {region: eu}}";
const NOT_US: &str = "{matchExpressions: [{key: region, operator: NotIn, values: [us]}]}";

fn run(previous: Option<&Snapshot>, objects: &[String]) -> Compiled {
    let found = documents("all.yaml", &objects.concat()).unwrap();
    let (inputs, _) = Inputs::from_documents(Settings::new("gateway"), found);
    compile(previous, &inputs)
}

fn named(text: &str) -> ObjectName {
    let (namespace, name) = text.split_once('/').unwrap();
    ObjectName::new(namespace, name)
}

/// Whether the constraint `gateway/c` picks the provider.
fn picks(compiled: &Compiled, provider: &str) -> bool {
    let rules = &compiled.snapshot.rules;
    let selector = rules[0].constrain.as_ref().unwrap();
    let name = named(provider);
    let provider = &compiled.snapshot.providers[&name];
    selector.picks("gateway", "gateway", &name, provider)
}

fn labels(compiled: &Compiled, provider: &str) -> Labels {
    compiled.snapshot.providers[&named(provider)].labels.clone()
}

#[test]
fn labels_travel_as_far_as_a_selector_asks_for_them() {
    let one = || provider("gateway/a", "region: eu, team: platform");
    let none = run(None, &[one()]);
    assert!(labels(&none, "gateway/a").is_empty());
    let key = object(
        "VirtualKey",
        "search/k",
        "",
        "key: {type: Generate, secretRef: {name: k}}, allow: {providerSelector: {matchLabels: {team: platform}}}",
    );
    for (objects, expected) in [
        (vec![constraint(EU)], vec!["region"]),
        (
            vec![constraint(NOT_US), key.clone()],
            vec!["region", "team"],
        ),
        (vec![key], vec!["team"]),
    ] {
        let compiled = run(None, &[vec![one()], objects].concat());
        let given = labels(&compiled, "gateway/a").given;
        assert_eq!(given.into_keys().collect::<Vec<_>>(), expected);
    }
}

#[test]
fn nobody_but_the_platform_vouches_for_labels() {
    for selector in [EU, NOT_US] {
        let compiled = run(
            None,
            &[
                provider("gateway/eu", "region: eu"),
                provider("gateway/us", "region: us"),
                provider("search/liar", "region: eu"),
                constraint(selector),
            ],
        );
        let picked = ["gateway/eu", "gateway/us", "search/liar"].map(|name| picks(&compiled, name));
        assert_eq!(picked, [true, false, false], "{selector}");
    }
}

#[test]
fn a_tenant_constrains_nobody() {
    for scope in ["Namespace", "Global", "Namespace, namespace: other"] {
        let spec = format!(
            "precedence: Override, scope: {{type: {scope}}}, constrain: {{providerSelector: {EU}}}"
        );
        let compiled = run(None, &[object("RoutingRule", "search/c", "", &spec)]);
        let verdict = &compiled.verdicts[0];
        let refused = verdict
            .faults
            .iter()
            .any(|fault| fault.reason == Reason::NotPermitted);
        assert!(refused && compiled.snapshot.rules.is_empty(), "{scope}");
    }
}

#[test]
fn a_constraint_that_is_edited_into_something_unacceptable_stays_and_one_that_is_deleted_goes() {
    let providers = [
        provider("gateway/eu", "region: eu"),
        provider("gateway/us", "region: us"),
    ];
    let first = run(None, &[&providers[..], &[constraint(EU)]].concat());
    for bad in [
        constraint("{}"),
        object("RoutingRule", "gateway/c", "", "precedence: Override"),
        object(
            "RoutingRule",
            "gateway/c",
            "",
            "precedence: Override, match: {when: 'request.of_a_later_version'}, constrain: {providerSelector: {matchLabels: {region: us}}}",
        ),
        object(
            "RoutingRule",
            "gateway/c",
            "",
            "constrain: {providerSelector: {matchLabels: {region: us}}}",
        ),
    ] {
        let then = run(
            Some(&first.snapshot),
            &[&providers[..], std::slice::from_ref(&bad)].concat(),
        );
        let verdict = then.verdicts.last().unwrap();
        assert_eq!(verdict.in_force, InForce::Previous, "{bad}");
        assert!(picks(&then, "gateway/eu") && !picks(&then, "gateway/us"));
        // Labels are read anew for it.
        let relabelled = [provider("gateway/eu", "region: us"), providers[1].clone()];
        let later = run(Some(&then.snapshot), &[&relabelled[..], &[bad]].concat());
        assert!(!picks(&later, "gateway/eu"));
    }
    let gone = run(Some(&first.snapshot), &providers);
    assert!(gone.snapshot.rules.is_empty());
    assert!(labels(&gone, "gateway/eu").is_empty());
}

#[test]
fn a_provider_in_its_last_accepted_version_has_no_labels_but_those_that_both_versions_have() {
    for selector in [EU, NOT_US] {
        for (before, now, expected) in [
            ("region: eu", "region: eu", true),
            ("region: eu, a: b", "region: eu", true),
            // It may have been pointed elsewhere and labelled anew in one edit; what is in force is what was there before.
            ("region: us", "region: eu", false),
            ("region: us", "", false),
            ("", "region: eu", false),
            ("region: eu", "region: us", false),
            ("region: eu", "", false),
            ("", "", selector == NOT_US),
        ] {
            let first = run(None, &[provider("gateway/a", before), constraint(selector)]);
            let then = run(
                Some(&first.snapshot),
                &[bad_provider("gateway/a", now), constraint(selector)],
            );
            assert_eq!(then.verdicts[0].in_force, InForce::Previous);
            assert_eq!(
                picks(&then, "gateway/a"),
                expected,
                "{selector} {before:?} {now:?}"
            );
            // And so it stays, however often it is compiled.
            let again = run(
                Some(&then.snapshot),
                &[bad_provider("gateway/a", now), constraint(selector)],
            );
            assert_eq!(again.snapshot, then.snapshot);
        }
    }
}

#[test]
fn what_nobody_asked_for_when_a_provider_was_accepted_is_unknown_and_satisfies_nothing() {
    for selector in [EU, NOT_US] {
        let first = run(None, &[provider("gateway/a", "region: us")]);
        let then = run(
            Some(&first.snapshot),
            &[
                bad_provider("gateway/a", "region: eu"),
                constraint(selector),
            ],
        );
        assert!(!picks(&then, "gateway/a"), "{selector}");
        let mended = run(
            Some(&then.snapshot),
            &[provider("gateway/a", "region: eu"), constraint(selector)],
        );
        assert!(picks(&mended, "gateway/a"), "{selector}");
    }
}

#[test]
fn a_provider_with_more_labels_than_are_looked_at_satisfies_no_negation() {
    let many: Vec<String> = (0..65).map(|n| format!("k{n:02}: v")).collect();
    let conditions: Vec<String> = (0..65)
        .map(|n| format!("{{key: k{n:02}, operator: Exists}}"))
        .collect();
    let asking = conditions.chunks(16).enumerate().map(|(at, conditions)| {
        object(
            "RoutingRule",
            &format!("gateway/z{at}"),
            "",
            &format!(
                "precedence: Override, constrain: {{providerSelector: {{matchExpressions: [{}]}}}}",
                conditions.join(", ")
            ),
        )
    });
    let mut objects = vec![
        provider("gateway/a", &many.join(", ")),
        constraint("{matchExpressions: [{key: absent, operator: DoesNotExist}]}"),
    ];
    objects.extend(asking);
    let compiled = run(None, &objects);
    assert!(labels(&compiled, "gateway/a").partial);
    let negation = compiled
        .snapshot
        .rules
        .iter()
        .find(|rule| rule.name.name == "c");
    let selector: &Selector = negation.unwrap().constrain.as_ref().unwrap();
    assert!(!selector.matches(&labels(&compiled, "gateway/a")));
}
