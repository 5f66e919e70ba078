//! Providers that cannot be reached, or not over TLS: another target answers, and without one the caller is told.

use fairlead_faults::{Play, Provider, Refusing};
use serde_json::Value;
use tokio::time::Instant;

use crate::harness::certificate::Certificate;
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, serve, streamed, whole};
use crate::results;

/// What keeps a provider alive, or its port taken.
enum Upstream {
    Provider(Provider),
    Nobody(Refusing),
}

impl Upstream {
    fn base_url(&self) -> String {
        match self {
            Self::Provider(provider) => provider.base_url(),
            Self::Nobody(refusing) => refusing.base_url(),
        }
    }

    fn requests(&self) -> usize {
        match self {
            Self::Provider(provider) => provider.requests(),
            Self::Nobody(_) => 0,
        }
    }
}

/// Name, the classes it may be taken for, and what is connected to.
async fn upstreams() -> Vec<(&'static str, &'static [&'static str], Upstream)> {
    let own = Certificate::loopback();
    let healthy = |_: &_| Play::chat("Never heard.");
    let provider = Upstream::Provider;
    vec![
        (
            "nobody-listens",
            &["connect"],
            Upstream::Nobody(Refusing::bind()),
        ),
        (
            "tls-cut",
            &["connect"],
            provider(Provider::builder().cut_handshakes().start(healthy).await),
        ),
        (
            "tls-untrusted",
            &["connect"],
            provider(Provider::start_tls(healthy, &own.certificate, &own.key).await),
        ),
        (
            "reset-on-accept",
            // It depends on whether the reset comes before the connection is known to be there.
            &["reset", "connect"],
            provider(Provider::resetting(usize::MAX, healthy).await),
        ),
    ]
}

async fn gateway(
    upstreams: &[(&'static str, &'static [&'static str], Upstream)],
    spare: &Provider,
) -> Gateway {
    let unshaken = "health: {consecutiveFailures: 0, errorPercent: 0}, retries: {maxRetries: 0}";
    let objects: String = upstreams
        .iter()
        .map(|(name, _, upstream)| {
            let alone = chain(&format!("{name}-alone"), &[name], "");
            let with = chain(&format!("{name}-spare"), &[name, "spare"], "");
            provider(name, &upstream.base_url(), unshaken) + &alone + &with
        })
        .collect();
    serve([objects, provider("spare", &spare.base_url(), ""), caller()]).await
}

fn is_told(answer: &Answer, attempts: &str) -> bool {
    (answer.status, answer.code().as_str(), answer.attempts()) == (502, "provider_error", attempts)
}

fn is_spared(answer: &Answer, attempts: &str) -> bool {
    let complete = answer.json()["choices"].is_array() || answer.done();
    let attempts = format!("{attempts}, spare=ok");
    complete && (answer.content().as_str(), answer.attempts()) == ("Spare.", attempts.as_str())
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_passed_over() {
    let (upstreams, spare) = (
        upstreams().await,
        Provider::always(Play::chat("Spare.")).await,
    );
    let gateway = gateway(&upstreams, &spare).await;
    let mut entries: Vec<Value> = Vec::new();
    for (name, classes, upstream) in &upstreams {
        for (form, body) in [("whole", whole as fn(&str) -> Value), ("stream", streamed)] {
            for (variant, holds) in [
                ("alone", is_told as fn(&_, &_) -> bool),
                ("spare", is_spared),
            ] {
                let began = Instant::now();
                let answer = gateway.ask(&body(&format!("{name}-{variant}"))).await;
                let is_known = |class: &&str| holds(&answer, &format!("{name}={class}"));
                let ok = classes.iter().any(is_known) && upstream.requests() == 0;
                let outcome = format!("{} {}; {}", answer.status, answer.code(), answer.attempts());
                let case = format!("{name}-{form}-{variant}");
                entries.push(results::case(
                    (&case, "OpenAI", "Chat Completions"),
                    &outcome,
                    upstream.requests(),
                    began.elapsed(),
                    ok,
                ));
            }
        }
    }
    results::cases(&entries);
    let wrong: Vec<_> = entries.iter().filter(|entry| entry["ok"] != true).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
