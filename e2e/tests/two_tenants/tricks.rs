//! What a tenant can do with the role `edit` in its own namespace to keep others from being served. Each is played until it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use fairlead_e2e::{Client, Write};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;

use crate::world::object;

/// Between two writes of one hand: as fast as kubectl writes, which by default sends 50 requests a second.
const PAUSE: Duration = Duration::from_millis(20);
/// The value of the victim's key, which has leaked.
pub(crate) const VALUE: &str = "caller-of-the-victim-0123456789abcdef";

/// A trick.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trick {
    /// Bundles of CA certificates that no ConfigMap holds.
    LargeBundles,
    /// Credentials that no Secret holds, and many that together do not fit.
    LargeCredentials,
    /// Providers with 512 models whose names are as long as may be.
    LongNames,
    /// Providers whose names were chosen to fall into one shard.
    ChosenNames,
    /// Labelled Secrets that nobody names.
    Secrets,
    /// One edit after the other.
    Churn,
    /// Keys with the value of somebody else's.
    Takeover,
    /// Keys that are deleted and do not go.
    Terminating,
    /// Hundreds of keys that are to be made.
    Generated,
    /// Hundreds of keys that are to be made where a Secret of somebody else is in the way.
    Taken,
    /// A provider whose edits turn bad and good again.
    Turning,
    /// Objects of another installation, and annotations of one's own, again and again.
    Unrelated,
}

/// All of them; churn by several hands.
pub(crate) const ALL: [Trick; 14] = [
    Trick::LargeBundles,
    Trick::LargeCredentials,
    Trick::LongNames,
    Trick::ChosenNames,
    Trick::Secrets,
    Trick::Churn,
    Trick::Churn,
    Trick::Churn,
    Trick::Takeover,
    Trick::Terminating,
    Trick::Generated,
    Trick::Taken,
    Trick::Turning,
    Trick::Unrelated,
];

impl Trick {
    /// Plays it until it is stopped. Returns how often something was written.
    pub(crate) async fn play(self, client: Client, stop: Arc<AtomicBool>) -> Result<usize> {
        let mut written = 0;
        for round in 0.. {
            let objects = self.objects(round);
            if objects.is_empty() {
                break;
            }
            for object in objects {
                if stop.load(Ordering::Relaxed) {
                    return Ok(written);
                }
                written += usize::from(self.throw(&client, &object).await?);
                sleep(PAUSE).await;
            }
        }
        Ok(written)
    }

    /// Creates or replaces an object. Whether it was taken.
    async fn throw(self, client: &Client, object: &Value) -> Result<bool> {
        let mut answer = client.create(object, Write::Stored).await?;
        if answer.status == 409 {
            let mut now = client.get(object).await?.body;
            let annotations = &object["metadata"]["annotations"];
            if !annotations.is_null() {
                now["metadata"]["annotations"] = annotations.clone();
            }
            for member in ["spec", "data", "stringData"] {
                if !object[member].is_null() {
                    now[member] = object[member].clone();
                }
            }
            answer = client.replace(&now, Write::Stored).await?;
        }
        if matches!(self, Self::Terminating) {
            // It has a finalizer, so it stays.
            let _ = client.delete(object).await;
        }
        Ok(answer.is_success())
    }

    /// What is thrown in a round; nothing: it is over.
    fn objects(self, round: usize) -> Vec<Value> {
        let once = |objects: Vec<Value>| if round == 0 { objects } else { Vec::new() };
        match self {
            Self::LargeBundles => once(bundles()),
            Self::LargeCredentials => once(credentials()),
            Self::LongNames => once(
                (0..20)
                    .map(|at| long_names(&format!("long-{at}"), 150))
                    .collect(),
            ),
            Self::ChosenNames => once(
                chosen()
                    .map(|name| long_names(&name, 20))
                    .take(12)
                    .collect(),
            ),
            Self::Secrets if round < 200 => vec![
                secret(&format!("flood-{round}"), "credential", "x", 700 * 1024),
                secret(&format!("many-{round}"), "virtual-key", "x", 40),
            ],
            Self::Secrets => Vec::new(),
            Self::Churn => vec![object(
                "hostile",
                "RoutingRule",
                "churn",
                &rule(round % 1000),
            )],
            Self::Takeover => once(takeover()),
            Self::Terminating => once((0..20).map(terminating).collect()),
            Self::Generated => {
                let key = |at: usize| generated(&format!("generated-{at}"));
                once((0..400).map(key).collect())
            }
            Self::Taken => once((0..100).flat_map(taken).collect()),
            Self::Turning => vec![turning(round)],
            Self::Unrelated => unrelated(round),
        }
    }
}

fn secret(name: &str, label: &str, letter: &str, length: usize) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "hostile", "name": name, "labels": {"fairlead.dev/secret": label}}, "stringData": {"apiKey": letter.repeat(length)}})
}

fn bundles() -> Vec<Value> {
    let of = |at: usize| {
        let name = format!("bundle-{at}");
        let mut bundle = secret(&name, "ca", "", 0);
        bundle["stringData"] = json!({"ca.crt": "-----BEGIN CERTIFICATE-----\n".repeat(25_000)});
        let spec = json!({"type": "OpenAI", "baseURL": "https://example.com/v1", "tls": {"caCertificateRef": {"name": name}}});
        [bundle, object("hostile", "LLMProvider", &name, &spec)]
    };
    (0..5).flat_map(of).collect()
}

fn credentials() -> Vec<Value> {
    let of = |at: usize| {
        let name = format!("credential-{at}");
        let length = if at < 5 { 900 * 1024 } else { 8 * 1024 };
        let spec =
            json!({"type": "OpenAI", "credentials": [{"name": "a", "secretRef": {"name": name}}]});
        [
            secret(&name, "credential", "y", length),
            object("hostile", "LLMProvider", &name, &spec),
        ]
    };
    (0..150).flat_map(of).collect()
}

/// A provider with names of so many letters of four bytes.
fn long_names(name: &str, letters: usize) -> Value {
    let model = |at: usize| json!({"name": format!("{at:03}{}", "\u{1F980}".repeat(letters))});
    let models: Vec<Value> = (0..512).map(model).collect();
    object(
        "hostile",
        "LLMProvider",
        name,
        &json!({"type": "Simulated", "models": models}),
    )
}

/// Names that fall together, however many shards there are up to 256.
fn chosen() -> impl Iterator<Item = String> {
    let names = (0_u32..).map(|at| format!("chosen-{at}"));
    names.filter(|name| Sha256::digest(format!("hostile/{name}"))[3] == 0)
}

fn rule(weight: usize) -> Value {
    json!({"targets": [{"name": "a", "providerRef": {"name": "chosen"}, "weight": weight + 1}]})
}

fn takeover() -> Vec<Value> {
    let mut leaked = secret("leaked", "virtual-key", "", 0);
    leaked["stringData"] = json!({"apiKey": VALUE});
    let spec = json!({"key": {"type": "SecretRef", "secretRef": {"name": "leaked"}}});
    vec![leaked, object("hostile", "VirtualKey", "takeover", &spec)]
}

fn terminating(at: usize) -> Value {
    let spec = json!({"key": {"type": "SecretRef", "secretRef": {"name": "leaked"}}});
    let mut key = object("hostile", "VirtualKey", &format!("terminating-{at}"), &spec);
    key["metadata"]["finalizers"] = json!(["example.com/never"]);
    key
}

fn generated(name: &str) -> Value {
    let spec = json!({"key": {"type": "Generate", "secretRef": {"name": name}}});
    object("hostile", "VirtualKey", name, &spec)
}

fn taken(at: usize) -> [Value; 2] {
    let name = format!("taken-{at}");
    let mut secret = secret(&name, "virtual-key", "z", 40);
    secret["metadata"]["labels"] = json!({});
    [secret, generated(&name)]
}

/// A provider with several credentials that every other time asks for what its namespace may not have.
fn turning(round: usize) -> Value {
    let credential =
        |at: usize| json!({"name": format!("c{at}"), "secretRef": {"name": format!("many-{at}")}});
    let credentials: Vec<Value> = (0..8).map(credential).collect();
    let private = round % 2 == 1;
    let spec =
        json!({"type": "OpenAI", "credentials": credentials, "allowPrivateNetwork": private});
    object("hostile", "LLMProvider", "turning", &spec)
}

fn unrelated(round: usize) -> Vec<Value> {
    let mut spec = rule(round % 1000);
    spec["gatewayName"] = json!("another");
    let another = object("hostile", "RoutingRule", "another", &spec);
    let mut annotated = object("hostile", "RoutingRule", "annotated", &rule(0));
    annotated["metadata"]["annotations"] = json!({"example.com/round": round.to_string()});
    vec![another, annotated]
}
