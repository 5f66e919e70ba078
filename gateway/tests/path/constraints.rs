//! Constraints: whatever a tenant writes and whatever it sends, nothing reaches a provider that the platform's selector does not pick.
//!
//! Each test is an attack or several of one kind. What is outside is a scripted provider, which counts whoever reaches it; in the end a bystander
//! whom nothing constrains asks it, and is answered.

mod edits;
mod experiments;
mod requests;
mod ways;

use fairlead_faults::{Play, Provider, Seen};
use serde_json::Value;

use crate::harness::yaml::{caller, key, object, provider, rule, secret};
use crate::harness::{Answer, Gateway, KEY, Setup, whole};

/// The value of the key of the tenant `search`.
const TENANT: &str = "sk-tenant-0123456789abcdef0123456789";
/// What providers are used for where a test is about who is asked at all.
const ONCE: &str = "continuation: AssistantPrefix, retries: {maxRetries: 0}, health: {consecutiveFailures: 0, errorPercent: 0}, access: {namespaces: {from: All}}";

/// A gateway before a provider that is labelled `region: eu`, and one that is not.
struct World {
    gateway: Gateway,
    inside: Provider,
    outside: Provider,
}

/// The same with labels.
fn labelled(labels: &str, object: &str) -> String {
    object.replacen('}', &format!(", labels: {{{labels}}}}}"), 1)
}

/// The constraint of the platform for the tenant, with more in it.
fn constraint(more: &str) -> String {
    let selector = "constrain: {providerSelector: {matchLabels: {region: eu}}}";
    let scope = "scope: {type: Namespace, namespace: search}";
    rule(
        "eu-only",
        &format!("precedence: Override, {scope}, {selector}{more}"),
    )
}

/// A target or fallback of the tenant's.
fn at(provider: &str) -> String {
    format!("{{name: {provider}, providerRef: {{name: {provider}, namespace: default}}, model: m}}")
}

async fn world(inside: impl Fn(&Seen) -> Play + Send + Sync + 'static, more: &str) -> World {
    world_under(&constraint(""), inside, more).await
}

/// A world with a constraint of its own; it stands in a file apart, so that it can be edited.
async fn world_under(
    constraint: &str,
    inside: impl Fn(&Seen) -> Play + Send + Sync + 'static,
    more: &str,
) -> World {
    let inside = Provider::start(inside).await;
    let outside = Provider::start(|seen| {
        if seen.path.ends_with("/files") {
            Play::answer(200, &[], "outside")
        } else {
            Play::words(["Out", "side."])
        }
    })
    .await;
    let passing = "passthrough: {paths: [/files]}";
    let documents = [
        labelled(
            "region: eu",
            &provider(
                "inside",
                &inside.base_url(),
                &format!("{ONCE}, {passing}, models: [{{name: m}}]"),
            ),
        ),
        labelled(
            "region: us",
            &provider(
                "outside",
                &outside.base_url(),
                &format!("{ONCE}, {passing}, models: [{{name: m}}, {{name: n}}]"),
            ),
        ),
        // It takes any name.
        provider("open", &outside.base_url(), ONCE),
        labelled(
            "region: eu",
            &object(
                "LLMProvider",
                "search/liar",
                "type: Simulated, models: [{name: mine}], access: {namespaces: {from: All}}",
            ),
        ),
        object("Team", "search/core", ""),
        key("search/tenant", TENANT, "teamRef: {name: core}"),
        secret("search/unused", "credential", "apiKey: unused"),
        caller(),
        more.to_owned(),
    ];
    let gateway = Setup::new()
        .file("all.yaml", &documents.concat())
        .file("constraint.yaml", constraint)
        .start()
        .await;
    World {
        gateway,
        inside,
        outside,
    }
}

fn words(_: &Seen) -> Play {
    Play::words(["In", "side."])
}

fn fails(_: &Seen) -> Play {
    Play::status(500)
}

impl World {
    async fn ask(&self, body: &Value) -> Answer {
        self.gateway.ask_as(TENANT, body).await
    }

    /// Sends a body as it is.
    async fn send(&self, body: &str) -> Answer {
        let request = self.gateway.post("/v1/chat/completions");
        Answer::to(request.bearer_auth(TENANT).body(body.to_owned())).await
    }

    /// Nobody constrained has reached what is outside, and a bystander does.
    async fn held(self) {
        assert_eq!(self.outside.requests(), 0, "it was reached");
        let bystander = self.gateway.ask(&whole("outside/n")).await;
        assert_eq!(
            (bystander.status, bystander.content().as_str()),
            (200, "Outside."),
            "{}",
            bystander.text()
        );
        let through = self
            .gateway
            .get_as(KEY, "/passthrough/default/outside/files")
            .await;
        assert_eq!(through.status, 200, "{}", through.text());
        assert_eq!(self.outside.requests(), 2);
    }
}

/// The request was refused by the constraint, which is named, and nothing else is told of it.
fn is_refused(answer: &Answer) {
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (403, "provider_not_allowed"),
        "{}",
        answer.text()
    );
    let told = answer.message();
    assert!(told.contains("the constraint default/eu-only"), "{told}");
    for secret in ["region", "inside", "outside", "matchLabels"] {
        // The model that was asked for is repeated to who asked for it.
        let told = told.replace("outside/", "");
        assert!(!told.contains(secret), "{told}");
    }
    assert_eq!(answer.attempts(), "");
}

/// It was refused because it could not be told whether the constraint holds.
fn is_error(answer: &Answer, what: &str) {
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (503, "rule_error"),
        "{what}: {}",
        answer.text()
    );
    assert!(answer.message().contains("default/eu-only"), "{what}");
}
