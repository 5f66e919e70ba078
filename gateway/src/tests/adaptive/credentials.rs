//! Credentials that are chosen by how each does.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fairlead_faults::{Play, Provider, Seen};
use serde_json::Value;

use super::{asked, judged};
use crate::harness::yaml::{caller, chain, provider, secret};
use crate::harness::{World, millis, seconds, streamed};

/// How the provider treats whoever shows the key of `one`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Treats {
    Alike,
    Slowly,
    AsFailed,
    AsSpent,
}

struct Two {
    provider: Provider,
    treats: Arc<AtomicU64>,
}

impl Two {
    fn new() -> Self {
        let treats = Arc::new(AtomicU64::new(0));
        let now = Arc::clone(&treats);
        let script = move |seen: &Seen| {
            let is_one = is_one(seen);
            let play = Play::chat("A.");
            match now.load(Ordering::SeqCst) {
                1 if is_one => play.after(millis(1_000)),
                2 if is_one => Play::status(500).after(millis(100)),
                3 if is_one => play
                    .header("anthropic-ratelimit-requests-remaining", "0")
                    .after(millis(100)),
                _ => play.after(millis(100)),
            }
        };
        Self {
            provider: Provider::in_process(script),
            treats,
        }
    }

    fn treats(&self, how: Treats) {
        let code = match how {
            Treats::Alike => 0,
            Treats::Slowly => 1,
            Treats::AsFailed => 2,
            Treats::AsSpent => 3,
        };
        self.treats.store(code, Ordering::SeqCst);
    }

    fn documents(&self, rule: String) -> Vec<String> {
        let credentials = "credentialStrategy: Adaptive, retries: {maxRetries: 0}, \
             health: {consecutiveFailures: 0, errorPercent: 0}, credentials: [\
             {name: one, secretRef: {name: one}}, {name: two, secretRef: {name: two}}]";
        vec![
            provider("a", &self.provider.base_url(), credentials),
            secret("one", "credential", "apiKey: sk-one-0123456789"),
            secret("two", "credential", "apiKey: sk-two-0123456789"),
            caller(),
            rule,
        ]
    }

    /// Which part of the requests that are sent in so many seconds shows the first key.
    async fn share(&self, world: &World, body: &Value, time: u64) -> f64 {
        let (ones, all) = (self.provider.count(is_one), self.provider.requests());
        asked(world, body, time).await;
        let ones = self.provider.count(is_one) - ones;
        let all = self.provider.requests() - all;
        f64::from(u32::try_from(ones).unwrap()) / f64::from(u32::try_from(all).unwrap())
    }
}

fn is_one(seen: &Seen) -> bool {
    seen.header("authorization") == Some("Bearer sk-one-0123456789")
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_does_worse_is_left_where_a_rule_pins_its_provider_too() {
    for (how, state) in [
        (Treats::Slowly, "degraded"),
        (Treats::AsFailed, "failed"),
        (Treats::AsSpent, "degraded"),
    ] {
        for rule in [chain("m", &["a"], ""), judged("m", &[("a", 1)], "", "")] {
            let two = Two::new();
            let world = World::serve(&two.documents(rule));
            let body = streamed("m");
            let even = two.share(&world, &body, 20).await;
            assert!((0.4..0.6).contains(&even), "{even}");
            two.treats(how);
            asked(&world, &body, 15).await;
            let left = two.share(&world, &body, 20).await;
            assert!(left < 0.06, "{left} {state}");
            let told = &world.health("a")["models"]["m"]["judgedCredentials"]["one"];
            assert_eq!(told["state"], state, "{told}");
            assert_eq!(told["inFlight"], 0, "{told}");
            two.treats(Treats::Alike);
            tokio::time::sleep(seconds(61)).await;
            asked(&world, &body, 180).await;
            let back = two.share(&world, &body, 20).await;
            assert!(back > 0.35, "{back} {state}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_tell_how_credentials_stand_and_an_edit_forgets_nothing() {
    let two = Two::new();
    let documents = two.documents(chain("m", &["a"], ""));
    let world = World::serve(&documents);
    two.treats(Treats::Slowly);
    asked(&world, &streamed("m"), 30).await;
    world.edit(&documents);
    let text = world.metrics();
    let line =
        "fairlead_credential_standing{provider=\"default/a\",model=\"m\",credential=\"one\"} 1\n";
    assert!(text.contains(line), "{text}");
    let left = two.share(&world, &streamed("m"), 10).await;
    assert!(left < 0.06, "{left}");
}
