//! Mirrors, sticky splits and rules that continue, from objects to the snapshot; and selectors that pick nobody.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use fairlead_compile::{
    Compiled, Finding, InForce, Inputs, Reason, Settings, Verdict, compile, documents,
};
use fairlead_snapshot::{Charge, ObjectName, SaidDefault, Snapshot, Sticky};

fn object(kind: &str, name: &str, meta: &str, spec: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap();
    format!(
        "---\napiVersion: fairlead.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}{meta}}}\nspec: {{{spec}}}\n"
    )
}

fn rule(name: &str, spec: &str) -> String {
    object("RoutingRule", name, "", spec)
}

/// One that was created at this hour.
fn aged(name: &str, hour: u32, spec: &str) -> String {
    let created = format!(", creationTimestamp: \"2026-01-01T{hour:02}:00:00Z\"");
    object("RoutingRule", name, &created, spec)
}

fn provider(name: &str, labels: &str) -> String {
    let labels = format!(", labels: {{{labels}}}");
    object(
        "LLMProvider",
        name,
        &labels,
        "type: Simulated, access: {namespaces: {from: All}}",
    )
}

fn run(previous: Option<&Snapshot>, objects: &[String]) -> Compiled {
    let found = documents("all.yaml", &objects.concat()).unwrap();
    let (inputs, _) = Inputs::from_documents(Settings::new("gateway"), found);
    compile(previous, &inputs)
}

fn verdict(compiled: &Compiled, name: &str) -> Verdict {
    let (namespace, name) = name.split_once('/').unwrap();
    let name = ObjectName::new(namespace, name);
    let found = compiled.verdicts.iter().find(|one| one.name == name);
    found.cloned().unwrap()
}

fn told(findings: &[Finding]) -> Vec<(String, Reason)> {
    findings
        .iter()
        .map(|finding| (finding.path.clone(), finding.reason))
        .collect()
}

const TARGET: &str = "targets: [{name: a, providerRef: {name: p, namespace: gateway}}]";

#[test]
fn defaults_are_filled_in() {
    let mirror = "mirror: [{name: next, providerRef: {name: p, namespace: gateway}, percent: 5}]";
    let sticky = "strategy: {type: Weighted, sticky: {type: Header, header: x-user}}";
    let compiled = run(
        None,
        &[
            provider("gateway/p", ""),
            rule("gateway/r", &format!("{TARGET}, {mirror}, {sticky}")),
            rule("search/r", &format!("{TARGET}, {mirror}")),
        ],
    );
    assert!(compiled.verdicts.iter().all(Verdict::is_good));
    let find = |namespace: &str| {
        let mut rules = compiled.snapshot.rules.iter();
        rules.find(|rule| rule.name.namespace == namespace).unwrap()
    };
    let mirrors = ["gateway", "search"].map(|namespace| &find(namespace).mirrors[0]);
    assert_eq!(
        mirrors.map(|mirror| (mirror.percent, mirror.max_in_flight, mirror.charge)),
        [(5, 16, Charge::Provider), (5, 16, Charge::Caller)]
    );
    assert_eq!(
        find("gateway").sticky,
        Some(Sticky::Header("x-user".to_owned()))
    );
}

#[test]
fn what_contradicts_itself_is_refused_with_a_path() {
    let mirror =
        |more: &str| format!("mirror: [{{name: m, providerRef: {{name: p}}, percent: 5{more}}}]");
    for (spec, path) in [
        (format!("continue: true, {TARGET}"), "spec.continue"),
        ("continue: true".to_owned(), "spec.continue"),
        (
            "continue: true, timeouts: {total: 5s}, affinity: {type: Prefix}".to_owned(),
            "spec.continue",
        ),
        ("match: {models: [a]}".to_owned(), "spec.targets"),
        (format!("{TARGET}, changes: {{model: b}}"), "spec.changes"),
        ("continue: true, changes: {}".to_owned(), "spec.changes"),
        (
            "continue: true, changes: {parameters: {overrides: {model: b}}}".to_owned(),
            "spec.changes.parameters.overrides",
        ),
        (
            "continue: true, changes: {model: b}, match: {when: \"request.estimate.costUsd < 1\"}"
                .to_owned(),
            "spec.match.when",
        ),
        (
            format!("{TARGET}, {}", mirror(", charge: Provider")),
            "spec.mirror[0].charge",
        ),
        (
            format!(
                "{TARGET}, {}",
                mirror(", headers: {set: [{name: host, value: a}]}")
            ),
            "spec.mirror[0].headers",
        ),
        (
            format!("{TARGET}, {}", mirror("").replace("5", "0")),
            "spec.mirror[0].percent",
        ),
        (
            format!("{TARGET}, strategy: {{type: Priority, sticky: {{type: EndUser}}}}"),
            "spec.strategy.sticky",
        ),
        (
            format!("{TARGET}, strategy: {{type: Weighted, sticky: {{type: Header}}}}"),
            "spec.strategy.sticky.header",
        ),
    ] {
        let compiled = run(None, &[provider("gateway/p", ""), rule("search/r", &spec)]);
        let faults = verdict(&compiled, "search/r").faults;
        assert!(
            faults.iter().any(|fault| fault.path.starts_with(path)),
            "{spec}: {faults:#?}"
        );
        assert!(compiled.snapshot.rules.is_empty(), "{spec}");
    }
}

#[test]
fn a_mirror_that_names_what_it_cannot_have_is_told_and_stays() {
    let spec = format!(
        "{TARGET}, mirror: [{{name: m, providerRef: {{name: gone, namespace: gateway}}, percent: 5}}]"
    );
    let compiled = run(None, &[provider("gateway/p", ""), rule("search/r", &spec)]);
    let found = verdict(&compiled, "search/r");
    assert_eq!(found.in_force, InForce::This);
    assert_eq!(
        told(&found.unresolved),
        [(
            "spec.mirror[0].providerRef".to_owned(),
            Reason::ProviderNotFound
        )]
    );
}

fn alias(from: &str, to: &str) -> String {
    format!("continue: true, match: {{models: [{from}]}}, changes: {{model: {to}}}")
}

/// Which rules were refused for the names that would go round.
fn refused(objects: &[String]) -> Vec<String> {
    refused_after(None, objects)
}

fn refused_after(previous: Option<&Snapshot>, objects: &[String]) -> Vec<String> {
    let compiled = run(previous, objects);
    let refused = compiled.verdicts.iter().filter(|one| {
        let path = "spec.changes.model";
        let mut faults = one.faults.iter();
        faults.any(|fault| fault.reason == Reason::Conflict && fault.path == path)
    });
    refused.map(|one| one.name.to_string()).collect()
}

#[test]
fn names_that_would_go_round_are_refused_by_who_closes_the_circle() {
    let circle = [
        aged("search/a", 1, &alias("chat", "gpt-4o")),
        aged("search/b", 3, &alias("gpt-4o", "best")),
        aged("search/c", 2, &alias("best", "chat")),
    ];
    assert_eq!(refused(&circle), ["search/b"]);
    assert!(refused(&circle[..2]).is_empty(), "a chain is no circle");
    // By a prefix, and by any name; the same name for every other is none.
    let prefix = [
        aged("search/a", 1, &alias("chat", "gpt-4o")),
        aged("search/b", 2, &alias("\"gpt-*\"", "chat")),
    ];
    assert_eq!(refused(&prefix), ["search/b"]);
    let every = "continue: true, changes: {model: gpt-5}";
    assert!(refused(&[aged("search/a", 1, every)]).is_empty());
    let two = [
        aged("search/a", 1, every),
        aged("search/b", 2, &every.replace('5', "6")),
    ];
    assert_eq!(refused(&two), ["search/b"]);
}

#[test]
fn nobodys_rule_is_refused_for_what_another_namespace_writes() {
    // The platform's comes first however young it is; tenants never meet.
    let platform = |hour| {
        let scope = "scope: {type: Global}, ";
        aged(
            "gateway/p",
            hour,
            &format!("{scope}{}", alias("best", "chat")),
        )
    };
    let tenants = [
        aged("search/a", 1, &alias("chat", "best")),
        aged("ads/b", 1, &alias("best", "other")),
    ];
    let both = [&tenants[..], &[platform(9)]].concat();
    assert_eq!(refused(&both), ["search/a"]);
    let apart = [
        aged("search/a", 1, &alias("chat", "best")),
        aged("ads/b", 2, &alias("best", "chat")),
    ];
    assert!(refused(&apart).is_empty());
}

#[test]
fn an_edit_that_closes_a_circle_leaves_the_rule_as_it_was() {
    let first = [
        aged("search/a", 1, &alias("chat", "gpt-4o")),
        aged("search/b", 2, &alias("gpt-4o", "gpt-5")),
    ];
    let before = run(None, &first);
    let edited = [
        first[0].clone(),
        aged("search/b", 2, &alias("gpt-4o", "chat")),
    ];
    let after = run(Some(&before.snapshot), &edited);
    assert_eq!(verdict(&after, "search/b").in_force, InForce::Previous);
    assert_eq!(after.snapshot, before.snapshot);
}

#[test]
fn a_version_that_stays_in_force_closes_circles_as_any() {
    let before = run(None, &[aged("search/a", 1, &alias("chat", "gpt-4o"))]);
    let edited = [
        aged("search/a", 1, &format!("continue: true, {TARGET}")),
        aged("search/b", 2, &alias("gpt-4o", "chat")),
    ];
    assert_eq!(refused_after(Some(&before.snapshot), &edited), ["search/b"]);
}

#[test]
fn a_rule_that_is_not_in_force_closes_no_circle() {
    let large = "x".repeat(16_000);
    let parameters = format!("parameters: {{defaults: {{a: {large}}}, overrides: {{b: {large}}}}}");
    let mirror = |name: &str| {
        format!(
            "{{name: {name}, providerRef: {{name: p, namespace: gateway}}, percent: 5, {parameters}}}"
        )
    };
    let mirrors = ["a", "b", "c", "d"].map(mirror).join(", ");
    let objects = [
        provider("gateway/p", ""),
        aged(
            "search/a",
            1,
            &format!(
                "continue: true, match: {{models: [chat]}}, changes: {{model: gpt-4o, {parameters}}}, mirror: [{mirrors}]"
            ),
        ),
        aged("search/b", 2, &alias("gpt-4o", "chat")),
    ];
    let compiled = run(None, &objects);
    let too_large = verdict(&compiled, "search/a");
    assert_eq!(too_large.faults[0].reason, Reason::TooLarge);
    assert!(verdict(&compiled, "search/b").is_good());
}

#[test]
fn a_default_that_a_rule_has_written_down_is_published_where_it_holds() {
    let said = "stream: {recovery: Fail, commit: Complete}, onUnsupported: Refuse";
    let compiled = run(
        None,
        &[
            provider("gateway/p", ""),
            rule("gateway/continues", &format!("continue: true, {said}")),
            rule(
                "gateway/imposed",
                &format!("precedence: Override, {TARGET}, onUnsupported: Refuse"),
            ),
            rule("gateway/silent", "continue: true, timeouts: {total: 5s}"),
            rule("gateway/usual", &format!("{TARGET}, {said}")),
        ],
    );
    assert!(compiled.verdicts.iter().all(Verdict::is_good));
    let of = |name: &str| {
        let mut rules = compiled.snapshot.rules.iter();
        let rule = rules.find(|rule| rule.name.name == name).unwrap();
        rule.said_defaults.clone()
    };
    assert_eq!(
        of("continues"),
        [SaidDefault::Recovery, SaidDefault::OnUnsupported]
    );
    assert_eq!(of("imposed"), [SaidDefault::OnUnsupported]);
    assert!(of("silent").is_empty() && of("usual").is_empty());
}

#[test]
fn thousands_of_names_are_looked_through_in_no_time() {
    let rules: Vec<String> = (0..3_000)
        .map(|at| {
            aged(
                &format!("search/r{at}"),
                1,
                &format!(
                    "continue: true, match: {{models: [\"n{}*\", x{at}]}}, changes: {{model: n{at}}}",
                    at % 7
                ),
            )
        })
        .collect();
    let began = std::time::SystemTime::now();
    let compiled = run(None, &rules);
    assert!(!compiled.snapshot.rules.is_empty());
    // Seconds, on a machine that does much else: squared it would be minutes.
    assert!(began.elapsed().unwrap().as_secs() < 60);
}

fn key(name: &str, more: &str) -> String {
    let own = name.split_once('/').unwrap().1;
    object(
        "VirtualKey",
        name,
        "",
        &format!("key: {{type: Generate, secretRef: {{name: {own}}}}}, {more}"),
    )
}

#[test]
fn a_selector_of_allow_that_picks_nobody_is_told_on_whatever_says_it() {
    let picking = |region: &str| {
        format!("allow: {{providerSelector: {{matchLabels: {{region: {region}}}}}}}")
    };
    let organization = format!("namespaceSelector: {{}}, {}", picking("ch"));
    let compiled = run(
        None,
        &[
            provider("gateway/p", "region: eu"),
            provider("other/q", "region: ch"),
            key("search/k", &picking("ch")),
            key("search/fine", &picking("eu")),
            object("Team", "search/t", "", &picking("ch")),
            object("Organization", "gateway/o", "", &organization),
            // Its own provider has the label.
            key("other/k", &picking("ch")),
        ],
    );
    for name in ["search/k", "search/t", "gateway/o"] {
        let found = verdict(&compiled, name);
        assert_eq!(found.in_force, InForce::This, "{name}");
        let expected = (
            "spec.allow.providerSelector".to_owned(),
            Reason::ProviderNotFound,
        );
        assert!(told(&found.unresolved).contains(&expected), "{name}");
    }
    for name in ["search/fine", "other/k"] {
        assert!(verdict(&compiled, name).unresolved.is_empty(), "{name}");
    }
}

#[test]
fn a_provider_is_asked_for_no_label_that_only_others_ask_for() {
    let picking =
        |label: &str| format!("allow: {{providerSelector: {{matchLabels: {{{label}: x}}}}}}");
    let compiled = run(
        None,
        &[
            provider("gateway/p", "a: x, b: x"),
            provider("search/q", "a: x, b: x, c: x"),
            key("search/k", &picking("a")),
            key("ads/k", &picking("b")),
            rule(
                "gateway/c",
                "precedence: Override, constrain: {providerSelector: {matchLabels: {c: x}}}",
            ),
        ],
    );
    let labels = |namespace: &str, name: &str| -> Vec<String> {
        let provider = &compiled.snapshot.providers[&ObjectName::new(namespace, name)];
        provider.labels.given.keys().cloned().collect()
    };
    assert_eq!(labels("gateway", "p"), ["a", "b"]);
    assert_eq!(labels("search", "q"), ["a"]);
}

#[test]
fn what_tenants_ask_for_takes_no_label_from_what_the_platform_asks_for() {
    let many: Vec<String> = (0..60).map(|at| format!("a{at:02}: x")).collect();
    let labels = format!("{}, region: eu", many.join(", "));
    let asking = (0..60).map(|at| {
        let more = format!("allow: {{providerSelector: {{matchLabels: {{a{at:02}: x}}}}}}");
        key(&format!("search/k{at}"), &more)
    });
    let mut objects = vec![
        provider("gateway/p", &labels),
        rule(
            "gateway/c",
            "precedence: Override, constrain: {providerSelector: {matchExpressions: [{key: region, operator: NotIn, values: [us]}]}}",
        ),
    ];
    objects.extend(asking);
    let compiled = run(None, &objects);
    let provider = &compiled.snapshot.providers[&ObjectName::new("gateway", "p")];
    assert!(!provider.labels.partial && provider.labels.given.contains_key("region"));
}
