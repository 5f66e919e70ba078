//! What different eyes see of one request: all of them see the same.

use std::io::Write;
use std::sync::Arc;

use fairlead_faults::Play;
use fairlead_record::{Entry, Filter, Limit, Scope, Sink as _};
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use serde_json::Value;

use crate::harness::yaml::{KEY, ONCE, caller, chain, key, provider, secret};
use crate::harness::{World, always, whole};
use crate::observe::access;
use crate::observe::otlp::names::Names;
use crate::observe::otlp::spans::{Form, Usage};
use crate::observe::otlp::tests::log_of;

#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The line of the access log.
fn line(entry: &Arc<Entry>) -> Value {
    let page = Page::default();
    let (queue, end) = access::to(page.clone(), Counter::default()).unwrap();
    queue.take(entry);
    drop(queue);
    end.wait();
    let line = page.0.lock();
    serde_json::from_slice(&line).unwrap()
}

#[tokio::test(start_paused = true)]
async fn where_the_last_target_was_skipped_all_name_the_one_that_was_asked() {
    let (a, b) = (always(Play::status(503)), always(Play::status(500)));
    let world = World::serve(&[
        provider("a", &a.base_url(), ONCE),
        provider(
            "b",
            &b.base_url(),
            "retries: {maxRetries: 0}, health: {consecutiveFailures: 1}",
        ),
        caller(),
        chain("chat", &["a", "b"], ""),
        chain("alone", &["b"], ""),
    ]);
    // The first opens the breaker of one model, the second that of the other.
    for model in ["alone", "chat", "chat"] {
        world.ask(&whole(model)).await;
    }
    let told = std::iter::from_fn(|| world.told()).last().unwrap();
    let attempts: Vec<_> = told
        .attempts
        .iter()
        .map(|one| (&*one.target, one.sent))
        .collect();
    assert_eq!(attempts, [("a", true), ("b", false)]);
    let entry = Arc::new(told);
    let label = "fairlead_requests_total{provider=\"default/a\",model=\"chat\"";
    assert!(world.metrics().contains(label), "{}", world.metrics());
    assert_eq!(line(&entry)["provider"], "default/a");
    let row = Filter {
        scope: Scope::All,
        provider: Some("default/a".into()),
        ..Filter::default()
    };
    assert!(row.lets(&entry));
    let form = Form {
        names: Names::Stable,
        usage: Usage::Always,
    };
    let log = log_of(&entry, form).to_string();
    let attribute = r#"{"key":"fairlead.provider","value":{"stringValue":"default/a"}}"#;
    assert!(log.contains(attribute), "{log}");
}

#[tokio::test(start_paused = true)]
async fn whose_limit_refused_is_told_and_that_a_provider_rests_is_none() {
    let a = always(Play::chat("A."));
    let short = always(Play::status(429).header("retry-after", "3600"));
    let world = World::serve(&[
        provider("a", &a.base_url(), ""),
        provider(
            "short",
            &short.base_url(),
            "retries: {maxRetries: 0}, credentials: [{name: one, secretRef: {name: one}}]",
        ),
        secret("one", "credential", "apiKey: value-one"),
        key(
            "caller",
            KEY,
            // One that was never sent anywhere does not count.
            "rateLimits: [{name: rpm, unit: Requests, limit: 2, per: 1m}]",
        ),
        chain("chat", &["a"], ""),
        chain("resting", &["short"], ""),
    ]);
    for model in ["resting", "resting", "chat"] {
        world.ask(&whole(model)).await;
    }
    let refused = world.ask(&whole("chat")).await;
    assert_eq!(refused.code(), "rate_limited", "{}", refused.text());
    let told: Vec<Entry> = std::iter::from_fn(|| world.told()).collect();
    let seen: Vec<_> = told
        .iter()
        .map(|entry| (entry.error.as_deref(), entry.asked_last().is_some()))
        .collect();
    let limited = Some("rate_limited");
    assert_eq!(
        seen,
        [
            (limited, true),
            (limited, false),
            (None, true),
            (limited, false)
        ]
    );
    assert!(told[..3].iter().all(|entry| entry.limit.is_none()));
    let limit = Limit {
        level: "key".into(),
        kind: "rate_limit".into(),
        name: "rpm".into(),
        used_up: true,
    };
    assert_eq!(told[3].limit.as_ref(), Some(&limit));
}
