//! What is too large to be published harms its own object, or those of its own namespace, and nobody else's.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use fairlead_compile::{
    CA_BYTES, CREDENTIAL_BYTES, Compiled, ENTRY_BYTES, Finding, InForce, Inputs, NAMESPACE_BYTES,
    Reason, Settings, Verdict, compile, documents,
};
use fairlead_snapshot::{CREDENTIALS_BYTES, ObjectName, Protocol, Snapshot};
use serde_json::{Value, json};

fn object(kind: &str, namespace: &str, name: &str, spec: &Value) -> Value {
    json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec})
}

fn secret(namespace: &str, name: &str, use_for: &str, key: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": namespace, "name": name, "labels": {"fairlead.dev/secret": use_for}}, "stringData": {key: value}})
}

fn with_key(secret: &str) -> Value {
    json!({"type": "OpenAI", "credentials": [{"name": "a", "secretRef": {"name": secret}}]})
}

fn after(previous: Option<&Snapshot>, objects: &[Value]) -> Compiled {
    let text: Vec<String> = objects.iter().map(Value::to_string).collect();
    let read = documents("objects.yaml", &text.join("\n---\n")).unwrap();
    let (inputs, strays) = Inputs::from_documents(Settings::new("gateway"), read);
    assert_eq!(strays, []);
    compile(previous, &inputs)
}

fn verdict<'c>(compiled: &'c Compiled, namespace: &str, name: &str) -> &'c Verdict {
    let wanted = ObjectName::new(namespace, name);
    let mut found = compiled.verdicts.iter();
    found.find(|verdict| verdict.name == wanted).unwrap()
}

/// The victim's provider and its credential.
fn victim() -> [Value; 2] {
    [
        secret("victim", "upstream", "credential", "apiKey", "sk-victim"),
        object("LLMProvider", "victim", "own", &with_key("upstream")),
    ]
}

fn the_victim_is_published(compiled: &Compiled) {
    assert!(verdict(compiled, "victim", "own").is_good());
    let provider = &compiled.snapshot.providers[&ObjectName::new("victim", "own")];
    let value = provider.credentials[0].value.as_ref().unwrap();
    assert!(compiled.credentials.get(value).is_some());
}

/// Models whose names have `letters` letters of four bytes each.
fn models(letters: usize) -> Value {
    let name = |at: usize| format!("{at:03}{}", "\u{1F980}".repeat(letters));
    let models: Vec<Value> = (0..512).map(|at| json!({"name": name(at)})).collect();
    json!({"type": "Simulated", "models": models})
}

#[test]
fn a_credential_that_is_too_long_is_a_finding_of_its_provider_alone() {
    let mut objects = victim().to_vec();
    for (name, bytes) in [
        ("long", CREDENTIAL_BYTES + 1),
        ("longest", CREDENTIAL_BYTES),
    ] {
        let value = "x".repeat(bytes);
        objects.push(secret("hostile", name, "credential", "apiKey", &value));
        objects.push(object("LLMProvider", "hostile", name, &with_key(name)));
    }
    let compiled = after(None, &objects);
    let told = &verdict(&compiled, "hostile", "long").unresolved;
    assert_eq!(told[0].reason, Reason::SecretInvalid, "{told:?}");
    assert!(told[0].message.contains("8192 bytes"), "{told:?}");
    assert!(verdict(&compiled, "hostile", "longest").is_good());
    the_victim_is_published(&compiled);
}

#[test]
fn a_bundle_of_certificates_that_is_too_large_is_a_finding_of_its_provider_alone() {
    let spec = json!({"type": "OpenAI", "baseURL": "https://example.com/v1", "tls": {"caCertificateRef": {"name": "ca"}}});
    let bundle = "-----BEGIN CERTIFICATE-----\n".repeat(CA_BYTES / 28 + 1);
    let mut objects = victim().to_vec();
    objects.push(secret("hostile", "ca", "ca", "ca.crt", &bundle));
    objects.push(object("LLMProvider", "hostile", "own", &spec));
    let compiled = after(None, &objects);
    let told = &verdict(&compiled, "hostile", "own").unresolved;
    assert_eq!(told[0].reason, Reason::SecretInvalid, "{told:?}");
    let provider = &compiled.snapshot.providers[&ObjectName::new("hostile", "own")];
    let Protocol::Http {
        ca_certificates, ..
    } = &provider.protocol
    else {
        panic!("{provider:?}");
    };
    assert_eq!(ca_certificates.as_deref(), Some(""), "it trusts nobody");
    the_victim_is_published(&compiled);
}

#[test]
fn an_object_is_measured_in_bytes_as_it_is_published_and_keeps_its_last_accepted_version() {
    let hostile = |letters| {
        let mut objects = victim().to_vec();
        objects.push(object("LLMProvider", "hostile", "own", &models(letters)));
        objects
    };
    let first = after(None, &hostile(20));
    assert!(verdict(&first, "hostile", "own").is_good());
    // 512 names of 200 letters are 102,400 letters and four times as many bytes, twice.
    let second = after(Some(&first.snapshot), &hostile(200));
    let told = verdict(&second, "hostile", "own");
    assert_eq!(told.faults[0].reason, Reason::TooLarge, "{told:?}");
    assert_eq!(told.in_force, InForce::Previous);
    assert_eq!(second.snapshot, first.snapshot);
    let never = after(None, &hostile(200));
    assert_eq!(verdict(&never, "hostile", "own").in_force, InForce::Nothing);
    the_victim_is_published(&never);
    let entries = never.snapshot.providers.values();
    let most = entries.map(|entry| serde_json::to_vec(entry).unwrap().len());
    assert!(most.max() < Some(ENTRY_BYTES));
}

#[test]
fn a_namespace_has_its_share_and_its_older_objects_go_first() {
    let hostile =
        (0..90).map(|at| object("LLMProvider", "hostile", &format!("p{at:03}"), &models(22)));
    let mut objects: Vec<Value> = hostile.collect();
    objects.extend(victim());
    for (at, object) in objects.iter_mut().take(90).enumerate() {
        object["metadata"]["creationTimestamp"] =
            format!("2026-01-01T00:{:02}:00Z", at % 60).into();
    }
    let compiled = after(None, &objects);
    let published = compiled.snapshot.providers.iter();
    let bytes: usize = published
        .filter(|(name, _)| name.namespace == "hostile")
        .map(|(_, entry)| serde_json::to_vec(entry).unwrap().len())
        .sum();
    assert!(bytes <= NAMESPACE_BYTES && bytes > NAMESPACE_BYTES - ENTRY_BYTES);
    assert!(verdict(&compiled, "hostile", "p000").is_good());
    let refused: Vec<&Finding> = compiled.verdicts.iter().flat_map(|it| &it.faults).collect();
    assert!(refused.len() > 10, "{}", refused.len());
    assert!(refused.iter().all(|it| it.reason == Reason::TooLarge));
    the_victim_is_published(&compiled);
}

#[test]
fn the_credentials_of_a_namespace_have_their_share() {
    let mut objects = Vec::new();
    for at in 0..60 {
        let (name, value) = (format!("c{at:03}"), format!("{at:03}{}", "x".repeat(8_000)));
        objects.push(secret("hostile", &name, "credential", "apiKey", &value));
        objects.push(object("LLMProvider", "hostile", &name, &with_key(&name)));
    }
    objects.extend(victim());
    let compiled = after(None, &objects);
    assert!(compiled.credentials.bytes() < CREDENTIALS_BYTES / 16);
    let refused = compiled.verdicts.iter().filter(|it| !it.is_good());
    assert_eq!(refused.count(), 28);
    the_victim_is_published(&compiled);
}
