//! Attacks of one tenant on another, or on the platform. Each is tried twice: from where it is refused - the attacker is told why and everybody
//! else's configuration stays as it was - and from where the same thing is rightly done.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use fairlead_compile::{Compiled, Finding, Inputs, Reason, Settings, Verdict, compile, documents};
use fairlead_snapshot::{ObjectName, Problem, Refusal, Scope};

/// The platform, its tenant `victim`, and nothing of the attacker's but a provider of its own.
const WORLD: &str = r#"
apiVersion: v1
kind: Namespace
metadata: {name: victim, labels: {org: acme}}
---
apiVersion: v1
kind: Namespace
metadata: {name: attacker}
---
apiVersion: v1
kind: Secret
metadata: {name: upstream, namespace: victim, labels: {fairlead.dev/secret: credential}}
stringData: {apiKey: upstream-of-the-victim}
---
apiVersion: v1
kind: Secret
metadata: {name: caller, namespace: victim, labels: {fairlead.dev/secret: virtual-key}}
stringData: {apiKey: caller-of-the-victim-0123456789abcdef}
---
apiVersion: v1
kind: Secret
metadata: {name: database, namespace: attacker}
stringData: {apiKey: not-for-providers}
---
apiVersion: v1
kind: Secret
metadata: {name: caller, namespace: attacker, labels: {fairlead.dev/secret: virtual-key}}
stringData: {apiKey: caller-of-the-attacker-0123456789abcd, copied: caller-of-the-victim-0123456789abcdef}
---
apiVersion: v1
kind: Secret
metadata: {name: upstream, namespace: attacker, labels: {fairlead.dev/secret: credential}}
stringData: {apiKey: upstream-of-the-victim}
---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {name: shared, namespace: gateway}
spec: {type: Simulated, access: {namespaces: {from: Selector, selector: {matchLabels: {org: acme}}}}}
---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {name: own, namespace: victim}
spec: {type: OpenAI, credentials: [{name: a, secretRef: {name: upstream}}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {name: own, namespace: attacker}
spec: {type: Simulated}
---
apiVersion: fairlead.dev/v1alpha1
kind: Organization
metadata: {name: acme, namespace: gateway}
spec: {namespaceSelector: {matchLabels: {org: acme}}, budgets: [{name: year, amount: "100000", period: Yearly}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: Team
metadata: {name: ranking, namespace: victim}
spec: {organizationRef: {name: acme}, budgets: [{name: month, amount: "1000", period: Monthly}]}
---
apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {name: checkout, namespace: victim, creationTimestamp: "2026-01-01T00:00:00Z"}
spec: {teamRef: {name: ranking}, key: {type: SecretRef, secretRef: {name: caller}}}
---
apiVersion: fairlead.dev/v1alpha1
kind: RoutingRule
metadata: {name: chat, namespace: victim}
spec: {scope: {type: Team, name: ranking}, targets: [{name: a, providerRef: {name: own}}]}
"#;

/// What is tried: `KIND NAMESPACE/x` with a spec.
fn tried(kind: &str, namespace: &str, spec: &str) -> (Compiled, Verdict) {
    let object = format!(
        "---\napiVersion: fairlead.dev/v1alpha1\nkind: {kind}\nmetadata: {{name: x, namespace: {namespace}}}\nspec: {spec}\n"
    );
    let compiled = run(&[WORLD, &object].concat());
    let verdict = compiled
        .verdicts
        .iter()
        .find(|verdict| verdict.kind == kind && verdict.name == named(namespace))
        .unwrap()
        .clone();
    (compiled, verdict)
}

fn run(text: &str) -> Compiled {
    let (inputs, strays) = Inputs::from_documents(
        Settings::new("gateway"),
        documents("tenants.yaml", text).unwrap(),
    );
    assert_eq!(strays, []);
    compile(None, &inputs)
}

fn named(namespace: &str) -> ObjectName {
    ObjectName::new(namespace, "x")
}

/// Everything that the attacker did not write is as it would be without the attack.
fn nobody_else_is_harmed(after: &Compiled) {
    let before = run(WORLD);
    assert!(
        before.verdicts.iter().all(Verdict::is_good),
        "{:?}",
        before.verdicts
    );
    let verdicts = |compiled: &Compiled| {
        compiled
            .verdicts
            .iter()
            .filter(|verdict| verdict.name.name != "x")
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(verdicts(after), verdicts(&before));
    let mut snapshot = after.snapshot.clone();
    snapshot.providers.retain(|name, _| name.name != "x");
    snapshot.keys.retain(|name, _| name.name != "x");
    snapshot.rules.retain(|rule| rule.name.name != "x");
    snapshot.teams.retain(|name, _| name.name != "x");
    snapshot.organizations.retain(|name, _| name.name != "x");
    assert_eq!(snapshot, before.snapshot);
}

fn refused(kind: &str, namespace: &str, spec: &str, field: &str, reason: Reason) -> Compiled {
    let (compiled, verdict) = tried(kind, namespace, spec);
    let told: Vec<&Finding> = verdict.faults.iter().chain(&verdict.unresolved).collect();
    assert!(
        told.iter()
            .any(|finding| finding.path == field && finding.reason == reason),
        "{told:?}"
    );
    nobody_else_is_harmed(&compiled);
    compiled
}

fn permitted(kind: &str, namespace: &str, spec: &str) -> Compiled {
    let (compiled, verdict) = tried(kind, namespace, spec);
    assert!(verdict.is_good(), "{verdict:?}");
    compiled
}

const TO_OWN: &str = "targets: [{name: a, providerRef: {name: own}}]";
const TO_SHARED: &str = "targets: [{name: a, providerRef: {name: shared, namespace: gateway}}]";

#[test]
fn a_rule_for_everybody_is_the_platforms() {
    let compiled = refused(
        "RoutingRule",
        "attacker",
        &format!("{{scope: {{type: Global}}, {TO_OWN}}}"),
        "spec.scope.type",
        Reason::NotPermitted,
    );
    assert!(
        compiled
            .snapshot
            .rules
            .iter()
            .all(|rule| rule.scope != Scope::Global)
    );
    permitted(
        "RoutingRule",
        "gateway",
        &format!("{{scope: {{type: Global}}, {TO_SHARED}}}"),
    );
}

#[test]
fn a_rule_that_goes_before_all_is_the_platforms() {
    let compiled = refused(
        "RoutingRule",
        "attacker",
        &format!("{{precedence: Override, {TO_OWN}}}"),
        "spec.precedence",
        Reason::NotPermitted,
    );
    assert!(compiled.snapshot.rules.iter().all(|rule| !rule.overrides));
    let compiled = permitted(
        "RoutingRule",
        "gateway",
        &format!("{{precedence: Override, {TO_SHARED}}}"),
    );
    assert!(compiled.snapshot.rules[0].overrides);
}

#[test]
fn a_rule_takes_no_requests_of_another_namespace() {
    for scope in [
        "{type: Namespace, namespace: victim}",
        "{type: Team, name: ranking, namespace: victim}",
        "{type: VirtualKey, name: checkout, namespace: victim}",
    ] {
        refused(
            "RoutingRule",
            "attacker",
            &format!("{{scope: {scope}, {TO_OWN}}}"),
            "spec.scope.namespace",
            Reason::NotPermitted,
        );
        permitted(
            "RoutingRule",
            "gateway",
            &format!("{{scope: {scope}, {TO_SHARED}}}"),
        );
        permitted(
            "RoutingRule",
            "victim",
            &format!("{{scope: {scope}, {TO_OWN}}}"),
        );
    }
}

#[test]
fn a_rule_for_an_organization_reaches_as_far_as_its_namespace() {
    let spec = |targets: &str| format!("{{scope: {{type: Organization, name: acme}}, {targets}}}");
    let scope_in = |namespace: &str, targets: &str| {
        let compiled = permitted("RoutingRule", namespace, &spec(targets));
        nobody_else_is_harmed(&compiled);
        compiled
            .snapshot
            .rules
            .iter()
            .find(|rule| rule.name == named(namespace))
            .unwrap()
            .scope
            .clone()
    };
    assert_eq!(
        scope_in("attacker", TO_OWN),
        Scope::Organization {
            name: "acme".to_owned(),
            namespace: Some("attacker".to_owned())
        }
    );
    assert_eq!(
        scope_in("gateway", TO_SHARED),
        Scope::Organization {
            name: "acme".to_owned(),
            namespace: None
        }
    );
}

#[test]
fn a_name_without_a_namespace_means_ones_own() {
    refused(
        "RoutingRule",
        "attacker",
        &format!("{{scope: {{type: Team, name: ranking}}, {TO_OWN}}}"),
        "spec.scope.name",
        Reason::TeamNotFound,
    );
    refused(
        "RoutingRule",
        "attacker",
        &format!("{{scope: {{type: VirtualKey, name: checkout}}, {TO_OWN}}}"),
        "spec.scope.name",
        Reason::VirtualKeyNotFound,
    );
    permitted(
        "RoutingRule",
        "victim",
        &format!("{{scope: {{type: VirtualKey, name: checkout}}, {TO_OWN}}}"),
    );
}

#[test]
fn a_target_is_a_provider_that_admits_the_rules_namespace() {
    for target in [
        "{name: own, namespace: victim}",
        "{name: shared, namespace: gateway}",
    ] {
        let spec = format!("{{targets: [{{name: a, providerRef: {target}}}]}}");
        let compiled = refused(
            "RoutingRule",
            "attacker",
            &spec,
            "spec.targets[0].providerRef",
            Reason::NotPermitted,
        );
        let rule = compiled
            .snapshot
            .rules
            .iter()
            .find(|rule| rule.name == named("attacker"))
            .unwrap();
        assert_eq!(rule.targets[0].problem, Some(Problem::NotPermitted));
        permitted("RoutingRule", "victim", &spec);
    }
}

#[test]
fn a_key_is_allowed_only_providers_that_admit_its_namespace() {
    let spec = "{key: {type: SecretRef, secretRef: {name: caller}}, allow: {providers: [{name: shared, namespace: gateway}]}}";
    let compiled = refused(
        "VirtualKey",
        "attacker",
        spec,
        "spec.allow.providers[0]",
        Reason::NotPermitted,
    );
    // The list does not vanish: a key that may use nothing else would otherwise be one that may use everything.
    assert_eq!(
        compiled.snapshot.keys[&named("attacker")]
            .allow
            .providers
            .as_ref()
            .unwrap()
            .len(),
        1
    );
    permitted(
        "VirtualKey",
        "victim",
        "{key: {type: Generate, secretRef: {name: new}}, allow: {providers: [{name: shared, namespace: gateway}]}}",
    );
}

#[test]
fn a_team_joins_only_an_organization_that_selects_its_namespace() {
    let spec = "{organizationRef: {name: acme}}";
    refused(
        "Team",
        "attacker",
        spec,
        "spec.organizationRef",
        Reason::NotPermitted,
    );
    permitted("Team", "victim", spec);
    let key = "---\napiVersion: fairlead.dev/v1alpha1\nkind: VirtualKey\nmetadata: {name: y, namespace: attacker}\nspec: {teamRef: {name: x}, key: {type: SecretRef, secretRef: {name: caller}}}\n";
    let team = format!(
        "---\napiVersion: fairlead.dev/v1alpha1\nkind: Team\nmetadata: {{name: x, namespace: attacker}}\nspec: {spec}\n"
    );
    let compiled = run(&[WORLD, &team, key].concat());
    let key = &compiled.snapshot.keys[&ObjectName::new("attacker", "y")];
    assert_eq!(
        (&key.organization, key.refused),
        (&None, Some(Refusal::NoOrganization))
    );
}

#[test]
fn an_organization_is_the_platforms() {
    let spec = "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: victim}}}";
    refused(
        "Organization",
        "attacker",
        spec,
        "metadata.namespace",
        Reason::NotPermitted,
    );
    permitted("Organization", "gateway", spec);
    let usurper = "---\napiVersion: fairlead.dev/v1alpha1\nkind: Organization\nmetadata: {name: acme, namespace: attacker}\nspec: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: attacker}}}\n";
    let compiled = run(&[WORLD, usurper].concat());
    assert_eq!(compiled.snapshot, run(WORLD).snapshot);
}

#[test]
fn a_key_belongs_to_a_team_of_its_own_namespace() {
    let spec = "{teamRef: {name: ranking}, key: {type: SecretRef, secretRef: {name: caller}}}";
    let compiled = refused(
        "VirtualKey",
        "attacker",
        spec,
        "spec.teamRef",
        Reason::TeamNotFound,
    );
    let key = &compiled.snapshot.keys[&named("attacker")];
    assert_eq!(
        (key.refused, &key.organization),
        (Some(Refusal::NoTeam), &None)
    );
    refused(
        "VirtualKey",
        "attacker",
        "{teamRef: {name: ranking, namespace: victim}, key: {type: SecretRef, secretRef: {name: caller}}}",
        "spec.teamRef.namespace",
        Reason::UnknownField,
    );
    permitted(
        "VirtualKey",
        "victim",
        "{teamRef: {name: ranking}, key: {type: Generate, secretRef: {name: new}}}",
    );
}

/// The key and the team of the attacker's, so that what it tries is not refused for want of them.
const KEY: &str = "key: {type: SecretRef, secretRef: {name: caller}}";

#[test]
fn a_team_of_the_same_name_is_not_the_same_team() {
    let team = "---\napiVersion: fairlead.dev/v1alpha1\nkind: Team\nmetadata: {name: ranking, namespace: attacker}\nspec: {budgets: [{name: month, amount: \"4000000\", period: Monthly}]}\n";
    let key = format!(
        "---\napiVersion: fairlead.dev/v1alpha1\nkind: VirtualKey\nmetadata: {{name: x, namespace: attacker}}\nspec: {{teamRef: {{name: ranking}}, {KEY}}}\n"
    );
    let (before, after) = (run(WORLD), run(&[WORLD, team, &key].concat()));
    let victim = ObjectName::new("victim", "ranking");
    assert_eq!(
        after.snapshot.teams[&victim],
        before.snapshot.teams[&victim]
    );
    let own = &after.snapshot.teams[&ObjectName::new("attacker", "ranking")];
    assert_eq!(own.limits.budgets[0].amount, 4_000_000_000_000_000);
    let key = &after.snapshot.keys[&named("attacker")];
    assert_eq!((key.refused, &key.organization), (None, &None));
}

#[test]
fn an_organization_of_the_same_name_elsewhere_limits_and_frees_nobody() {
    let spec = "{namespaceSelector: {}, budgets: [{name: year, amount: \"0\", period: Yearly}], deny: {models: [\"*\"]}}";
    let compiled = refused(
        "Organization",
        "attacker",
        spec,
        "metadata.namespace",
        Reason::NotPermitted,
    );
    assert_eq!(compiled.snapshot.organizations.len(), 1);
    let same = format!(
        "---\napiVersion: fairlead.dev/v1alpha1\nkind: Organization\nmetadata: {{name: acme, namespace: attacker}}\nspec: {spec}\n"
    );
    let compiled = run(&[WORLD, &same].concat());
    assert_eq!(compiled.snapshot, run(WORLD).snapshot);
    permitted("Organization", "gateway", spec);
}

#[test]
fn a_limit_names_no_owner_of_its_own() {
    // A counter is named by the object that says it. Nothing in a limit can point at another's.
    let budget = |more: &str| {
        format!("{{{KEY}, budgets: [{{name: month, amount: \"1\", period: Monthly{more}}}]}}")
    };
    for (more, field) in [
        (", namespace: victim", "namespace"),
        (", team: ranking", "team"),
        (", teamRef: {name: ranking, namespace: victim}", "teamRef"),
        (", counter: budget/team/victim/ranking/month", "counter"),
    ] {
        refused(
            "VirtualKey",
            "attacker",
            &budget(more),
            &format!("spec.budgets[0].{field}"),
            Reason::UnknownField,
        );
    }
    for name in ["../../victim/ranking/month", "victim/ranking", "a b"] {
        let spec = budget("").replace("name: month", &format!("name: '{name}'"));
        refused(
            "VirtualKey",
            "attacker",
            &spec,
            "spec.budgets[0].name",
            Reason::Invalid,
        );
    }
    permitted("VirtualKey", "attacker", &budget(""));
}

#[test]
fn an_organization_is_named_in_no_namespace_and_by_no_key() {
    refused(
        "Team",
        "attacker",
        "{organizationRef: {name: acme, namespace: gateway}}",
        "spec.organizationRef.namespace",
        Reason::UnknownField,
    );
    refused(
        "VirtualKey",
        "attacker",
        &format!("{{organizationRef: {{name: acme}}, {KEY}}}"),
        "spec.organizationRef",
        Reason::UnknownField,
    );
}

#[test]
fn a_team_opens_no_provider_that_does_not_admit_its_namespace() {
    let spec = "{allow: {providers: [{name: shared, namespace: gateway}, {name: own, namespace: victim}]}}";
    for field in ["spec.allow.providers[0]", "spec.allow.providers[1]"] {
        refused("Team", "attacker", spec, field, Reason::NotPermitted);
    }
    permitted("Team", "victim", spec);
}

#[test]
fn a_limit_on_anothers_provider_is_a_limit_on_oneself() {
    let spec = format!(
        "{{{KEY}, budgets: [{{name: month, amount: \"0\", period: Monthly, providers: [{{name: own, namespace: victim}}]}}]}}"
    );
    let (compiled, _) = tried("VirtualKey", "attacker", &spec);
    nobody_else_is_harmed(&compiled);
    let key = &compiled.snapshot.keys[&named("attacker")];
    assert_eq!(key.limits.budgets.len(), 1);
}

#[test]
fn an_organization_that_stops_selecting_a_namespace_takes_its_keys_away() {
    let deselected = WORLD.replace(
        "metadata: {name: victim, labels: {org: acme}}",
        "metadata: {name: victim}",
    );
    assert_ne!(deselected, WORLD);
    let live = run(WORLD).snapshot;
    let checkout = ObjectName::new("victim", "checkout");
    assert_eq!(live.keys[&checkout].refused, None);
    // Nor does a bad edit of the team, made at the same time, keep it in, or set it free.
    let bad = deselected.replace(
        "spec: {organizationRef: {name: acme}, budgets: [{name: month, amount: \"1000\", period: Monthly}]}",
        "spec: {budgets: none}",
    );
    assert_ne!(bad, deselected);
    for text in [&deselected, &bad] {
        let (inputs, _) = Inputs::from_documents(
            Settings::new("gateway"),
            documents("tenants.yaml", text).unwrap(),
        );
        let once = compile(Some(&live), &inputs).snapshot;
        assert_eq!(once.keys[&checkout].refused, Some(Refusal::NoOrganization));
        // It stays so when the snapshot is all that is remembered.
        let again = compile(Some(&once), &inputs).snapshot;
        assert_eq!(again, once);
        let team = &again.teams[&ObjectName::new("victim", "ranking")];
        assert_eq!(team.limits.budgets.len(), 1);
    }
}

#[test]
fn a_provider_posts_only_secrets_that_are_labelled_for_it() {
    let spec = |secret: &str| {
        format!(
            "{{type: OpenAI, baseURL: 'https://attacker.example', credentials: [{{name: a, secretRef: {{name: {secret}}}}}]}}"
        )
    };
    for secret in ["database", "caller"] {
        let compiled = refused(
            "LLMProvider",
            "attacker",
            &spec(secret),
            "spec.credentials[0].secretRef",
            Reason::SecretNotLabelled,
        );
        assert_eq!(compiled.credentials, run(WORLD).credentials);
    }
    permitted("LLMProvider", "attacker", &spec("upstream"));
}

#[test]
fn a_secret_of_another_namespace_cannot_be_named() {
    let spec =
        "{type: OpenAI, credentials: [{name: a, secretRef: {name: upstream, namespace: victim}}]}";
    let compiled = refused(
        "LLMProvider",
        "attacker",
        spec,
        "spec.credentials[0].secretRef.namespace",
        Reason::UnknownField,
    );
    assert!(!compiled.snapshot.providers.contains_key(&named("attacker")));
    let gone = "{type: OpenAI, tls: {caCertificateRef: {name: upstream}}}";
    refused(
        "LLMProvider",
        "attacker",
        gone,
        "spec.tls.caCertificateRef",
        Reason::SecretNotLabelled,
    );
}

#[test]
fn equal_credentials_of_two_tenants_have_different_ids() {
    let compiled = permitted(
        "LLMProvider",
        "attacker",
        "{type: OpenAI, credentials: [{name: a, secretRef: {name: upstream}}]}",
    );
    let id = |name: &ObjectName| {
        compiled.snapshot.providers[name].credentials[0]
            .value
            .clone()
            .unwrap()
    };
    let (victim, attacker) = (
        id(&ObjectName::new("victim", "own")),
        id(&named("attacker")),
    );
    assert_ne!(victim, attacker);
    assert_eq!(
        compiled.credentials.get(&victim).unwrap().expose(),
        compiled.credentials.get(&attacker).unwrap().expose()
    );
}

#[test]
fn a_copied_key_is_refused_and_the_original_stays() {
    let spec = "{key: {type: SecretRef, secretRef: {name: caller, key: copied}}}";
    let compiled = refused(
        "VirtualKey",
        "attacker",
        spec,
        "spec.key.secretRef",
        Reason::Conflict,
    );
    let key = &compiled.snapshot.keys[&named("attacker")];
    assert_eq!((key.refused, &key.digest), (Some(Refusal::Conflict), &None));
    permitted(
        "VirtualKey",
        "attacker",
        "{key: {type: SecretRef, secretRef: {name: caller}}}",
    );
}

#[test]
fn a_key_that_is_made_adopts_no_secret() {
    let compiled = refused(
        "VirtualKey",
        "attacker",
        "{key: {type: Generate, secretRef: {name: caller}}}",
        "spec.key.secretRef",
        Reason::Conflict,
    );
    assert!(compiled.wanted.is_empty());
    let compiled = permitted(
        "VirtualKey",
        "attacker",
        "{key: {type: Generate, secretRef: {name: new}}}",
    );
    assert_eq!(
        compiled.wanted[0].secret,
        ObjectName::new("attacker", "new")
    );
}

#[test]
fn private_addresses_are_the_platforms() {
    let spec = "{type: OpenAI, baseURL: 'http://169.254.169.254', allowPrivateNetwork: true}";
    refused(
        "LLMProvider",
        "attacker",
        spec,
        "spec.allowPrivateNetwork",
        Reason::NotPermitted,
    );
    permitted("LLMProvider", "gateway", spec);
}

#[test]
fn a_namespace_cannot_pass_for_another_by_its_labels() {
    let spec = "{type: Simulated, access: {namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: victim}}}}}";
    let liar = WORLD.replace(
        "metadata: {name: attacker}\n---",
        "metadata: {name: attacker, labels: {kubernetes.io/metadata.name: victim}}\n---",
    );
    assert_ne!(liar, WORLD);
    let object = format!(
        "---\napiVersion: fairlead.dev/v1alpha1\nkind: LLMProvider\nmetadata: {{name: x, namespace: gateway}}\nspec: {spec}\n"
    );
    let access = run(&[&liar, object.as_str()].concat()).snapshot.providers[&named("gateway")]
        .access
        .clone();
    assert!(access.permits("victim") && !access.permits("attacker"));
}

#[test]
fn what_cannot_be_read_harms_only_itself() {
    for (kind, spec) in [
        ("LLMProvider", "{type: 7}"),
        ("RoutingRule", "[]"),
        ("VirtualKey", "{key: null}"),
        ("Team", "x"),
        ("Organization", "{namespaceSelector: {matchLabels: []}}"),
    ] {
        let (compiled, verdict) = tried(kind, "attacker", spec);
        assert!(!verdict.faults.is_empty());
        nobody_else_is_harmed(&compiled);
    }
}
