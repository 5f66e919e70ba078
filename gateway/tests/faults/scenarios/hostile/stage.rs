//! Where it plays: one gateway over one provider, a caller who means no good, and somebody else.

use std::sync::Arc;
use std::time::Duration;

use fairlead_faults::Provider;
use parking_lot::Mutex;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::provider;
use crate::harness::yaml::{caller, chain, key, object, rule, secret};
use crate::harness::{Answer, Gateway, KEY, Setup, eventually};

/// The key of somebody else.
pub(super) const OTHER: &str = "sk-bystander-0123456789abcdef012345678";
/// The cap on bodies and held answers.
pub(super) const CAP: usize = 128 * 1024 * 1024;
/// Descriptors that may stay open: what is idle in the pools.
pub(super) const IDLE: usize = 80;
/// Requests of the caller at the same time, in what it does again and again.
const AT_ONCE: usize = 4;

/// How much of it is played.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sizes {
    /// How long each trick is played at least.
    pub(super) act: Duration,
    /// Connections and requests where there are many.
    pub(super) many: usize,
    /// The length of bodies where they are large.
    pub(super) body: usize,
}

/// What the tricks are played on.
pub(super) struct Stage {
    pub(super) gateway: Gateway,
    pub(super) sizes: Sizes,
    /// Connections that stay as they are to the end.
    kept: Mutex<Vec<Box<dyn Send>>>,
}

impl Stage {
    pub(super) async fn set(a: &Provider, sizes: Sizes) -> Arc<Self> {
        let fields = format!(
            "type: OpenAI, baseURL: \"{}\", allowPrivateNetwork: true, credentials: [{{name: one, secretRef: {{name: one}}}}], timeouts: {{total: 20s}}, concurrency: {{maxInFlight: {}}}",
            a.base_url(),
            provider::PLACES,
        );
        let asks = "has(request.params.metadata) && request.params.metadata[0].a == 1 || has(request.params.user) && request.params.user == \"insider\"";
        let watched = format!(
            "precedence: Override, match: {{when: '{asks}'}}, targets: [{{name: a, providerRef: {{name: a}}}}]"
        );
        let documents = [
            object("LLMProvider", "a", &fields),
            secret("one", "credential", "apiKey: value-one"),
            caller(),
            key("bystander", OTHER, ""),
            chain("chat", &["a"], ""),
            rule("watched", &watched),
        ];
        let gateway = Setup::new()
            .file("all.yaml", &documents.concat())
            .arguments(&["--max-memory-bytes", &CAP.to_string()])
            .arguments(&["--head-time", "3", "--write-stall", "3"])
            .arguments(&["--cors-allow-origin", "https://app.example"])
            .arguments(&["--state-dir", "{}/state"])
            // What is measured is what it holds, not what its allocator keeps for a second.
            .variable("MIMALLOC_PURGE_DELAY", "0")
            .descriptors(2048)
            .start()
            .await;
        Arc::new(Self {
            gateway,
            sizes,
            kept: Mutex::default(),
        })
    }

    /// Leaves something as it is until the end.
    pub(super) fn keep(&self, what: impl Send + 'static) {
        self.kept.lock().push(Box::new(what));
    }

    /// The caller closes whatever it has left open.
    pub(super) fn clear(&self) {
        self.kept.lock().clear();
    }

    pub(super) async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.gateway.address).await.unwrap()
    }

    /// Asks as the caller, for an answer such as the provider gives to this user agent.
    pub(super) async fn ask(&self, agent: &str, body: &Value) -> Answer {
        self.send(agent, body.to_string()).await
    }

    /// The same with any body.
    pub(super) async fn send(&self, agent: &str, body: impl Into<reqwest::Body>) -> Answer {
        Answer::to(self.request(agent).body(body)).await
    }

    pub(super) fn request(&self, agent: &str) -> reqwest::RequestBuilder {
        let request = self.gateway.post("/v1/chat/completions").bearer_auth(KEY);
        request.header("user-agent", agent)
    }

    /// Does it again and again for the time of an act, and several times at once.
    pub(super) async fn again(&self, what: impl AsyncFn()) {
        let end = Instant::now() + self.sizes.act;
        let one = || async {
            while Instant::now() < end {
                what().await;
            }
        };
        futures_util::future::join_all((0..AT_ONCE).map(|_| one())).await;
    }

    /// Nothing is left of it: no breaker open, no credential benched, no place taken. How many descriptors are left.
    pub(super) async fn is_as_before(&self, files: usize) -> usize {
        let health = eventually("every place is free", async || {
            let health = self.health().await;
            (health["inFlight"] == 0 && health["queued"] == 0).then_some(health)
        })
        .await;
        assert_eq!(health["connections"]["state"], "closed", "{health:#}");
        for (name, model) in health["models"].as_object().unwrap() {
            assert_eq!(model["state"], "closed", "{name}: {health:#}");
            for credential in model["credentials"].as_object().unwrap().values() {
                assert_eq!(credential["state"], "usable", "{name}: {health:#}");
            }
        }
        let left = || self.gateway.open_files().saturating_sub(files);
        let freed = eventually("every descriptor is free", async || {
            (left() <= IDLE).then_some(())
        });
        // Where it never comes to that, the figure says by how much.
        let _ = tokio::time::timeout(Duration::from_secs(10), freed).await;
        left()
    }

    async fn health(&self) -> Value {
        let token = std::fs::read_to_string(self.gateway.setup.path("state/admin-token"));
        let asked = self
            .gateway
            .admin("/health")
            .bearer_auth(token.unwrap().trim());
        let all: Value = asked.send().await.unwrap().json().await.unwrap();
        all["providers"]["default/a"].clone()
    }
}
