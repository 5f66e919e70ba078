//! In a cluster: the real binary follows what an operator publishes, whatever the API server does meanwhile.
//!
//! The API server is scripted ([`apiserver`]); it refuses whatever the gateway's Role does not allow. What is published comes from the real
//! compiler and the real sharding ([`operator`]).

mod apiserver;
mod command;
mod edits;
mod operator;
mod outages;
mod parts;
mod refused;
mod start;

use std::time::Duration;

use fairlead_faults::Provider;
use serde_json::Value;

use crate::harness::yaml::{caller, chain, provider, secret};
use crate::harness::{Gateway, Setup, eventually};
use operator::{Operator, TOKEN};

/// The value of the provider's credential.
const CREDENTIAL: &str = "sk-upstream-0123456789abcdef";

/// A provider with a credential, the usual caller, and a rule for each of these models.
fn documents(a: &Provider, models: &[&str]) -> String {
    with_credential(a, models, CREDENTIAL)
}

fn with_credential(a: &Provider, models: &[&str], value: &str) -> String {
    let credentials = "credentials: [{name: main, secretRef: {name: upstream}}]";
    let mut all = provider("a", &a.base_url(), credentials)
        + &secret("upstream", "credential", &format!("apiKey: {value}"))
        + &caller();
    for model in models {
        all.push_str(&chain(model, &["a"], ""));
    }
    all
}

/// A gateway of this cluster that is about to start.
fn setup(operator: &Operator) -> Setup {
    operator
        .api
        .kubeconfig(Setup::in_cluster())
        .arguments(&["--last-good-dir", "{}/kept"])
}

/// A gateway that serves what is published.
async fn running(operator: &Operator) -> Gateway {
    let gateway = setup(operator).start().await;
    until_ready(&gateway).await;
    gateway
}

async fn readiness(gateway: &Gateway) -> (u16, String) {
    let answer = gateway.admin("/readyz").send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

async fn until_ready(gateway: &Gateway) {
    eventually("it is ready", async || {
        (readiness(gateway).await.0 == 200).then_some(())
    })
    .await;
}

/// `/config`, once it is `wanted`.
async fn config(gateway: &Gateway, wanted: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let found = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            last = config_as(gateway, TOKEN).await.unwrap_or_default();
            if wanted(&last) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(found.await.is_ok(), "it stays so: {last}");
    last
}

/// `/config` for who has this token; `None` if it is not the right one.
async fn config_as(gateway: &Gateway, token: &str) -> Option<Value> {
    let request = gateway.admin("/config").bearer_auth(token);
    let answer = request.send().await.unwrap();
    (answer.status() == 200).then_some(())?;
    Some(answer.json().await.unwrap())
}

/// The error that `/config` shows, once there is one with these words.
async fn error(gateway: &Gateway, words: &str) -> Value {
    config(gateway, |config| {
        config["error"]
            .as_str()
            .is_some_and(|error| error.contains(words))
    })
    .await
}

/// `/config`, once this generation is in force, live, and nothing is wrong.
async fn in_force(gateway: &Gateway, generation: u64) -> Value {
    config(gateway, |config| {
        config["generation"] == generation
            && config["source"] == "live"
            && config["error"].is_null()
    })
    .await
}
