//! When a key begins to be refused because of a limit of its own, its team's or its organization's, and when it is served again: seen in finished
//! requests, and told once each way. A rate that lets some requests through and others not refuses all the while: what is over is over for a minute.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use fairlead_record::{Entry, Limit, Name, Sink, Word};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Decisions, now};

/// So many keys that are refused are remembered; of more than these nobody is told.
const KEYS: usize = 10_000;
/// A limit is over when it has refused nobody for so long.
const CALM: Duration = Duration::from_secs(60);

/// The keys that are refused just now, and for what.
#[derive(Debug)]
pub(crate) struct Refusing {
    decisions: Arc<Decisions>,
    keys: Mutex<HashMap<Name, Vec<Refused>>>,
}

/// What a key is refused for. A key has few of them.
#[derive(Debug)]
struct Refused {
    code: Word,
    limit: Limit,
    /// When it was seen last.
    last: Instant,
}

impl Refusing {
    /// Tells these decisions.
    #[must_use]
    pub(crate) fn new(decisions: &Arc<Decisions>) -> Self {
        Self {
            decisions: Arc::clone(decisions),
            keys: Mutex::default(),
        }
    }

    /// What has begun or ended with a request that was seen at this time, as lines.
    fn turned(&self, entry: &Entry, at: Instant) -> Vec<Value> {
        let Some(key) = &entry.key else {
            return Vec::new();
        };
        let mut keys = self.keys.lock();
        if let Some((code, limit)) = exhausted(entry) {
            if keys.len() >= KEYS && !keys.contains_key(key) {
                return Vec::new();
            }
            let all = keys.entry(Arc::clone(key)).or_default();
            if let Some(known) = all.iter_mut().find(|known| known.limit == *limit) {
                known.last = at;
                return Vec::new();
            }
            all.push(Refused {
                code: code.clone(),
                limit: limit.clone(),
                last: at,
            });
            return vec![line("limit.refusing", entry, code, limit)];
        }
        // Asked first, for most of the time no key is refused. Only what was let in says that there is something left.
        if keys.is_empty() || !is_sent(entry) {
            return Vec::new();
        }
        let Some(all) = keys.get_mut(key) else {
            return Vec::new();
        };
        let over = all.extract_if(.., |one| at.saturating_duration_since(one.last) >= CALM);
        let lines = over.map(|one| line("limit.admitting", entry, &one.code, &one.limit));
        let lines = lines.collect();
        if all.is_empty() {
            keys.remove(key);
        }
        lines
    }
}

/// The limit that is used up and its code, where that is one of whoever asked. How many there may be at a time is none that is used up: it is
/// there again a moment later. Nor is it one of the caller's that a provider has no more to give.
fn exhausted(entry: &Entry) -> Option<(&Word, &Limit)> {
    let limit = entry.limit.as_ref().filter(|limit| limit.used_up)?;
    let lasts = matches!(&*limit.kind, "budget" | "rate_limit");
    let callers = matches!(&*limit.level, "key" | "team" | "organization");
    let code = entry.error.as_ref()?;
    (lasts && callers && !is_sent(entry)).then_some((code, limit))
}

fn is_sent(entry: &Entry) -> bool {
    entry.attempts.iter().any(|attempt| attempt.sent)
}

fn line(audit: &str, entry: &Entry, code: &Word, limit: &Limit) -> Value {
    json!({
        "time": now(),
        "generation": entry.generation,
        "audit": audit,
        "kind": "VirtualKey",
        "key": entry.key,
        "code": code,
        "level": limit.level,
        "limit": format!("{}/{}", limit.kind, limit.name),
        "request_id": format!("{:016x}", entry.id),
    })
}

impl Sink for Refusing {
    fn take(&self, entry: &Arc<Entry>) {
        for line in self.turned(entry, Instant::now()) {
            self.decisions.mention(line.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use fairlead_record::Attempt;

    use super::*;

    fn refused(key: &str, level: &'static str, kind: &'static str) -> Entry {
        let code = if kind == "budget" {
            "budget_exhausted"
        } else {
            "rate_limited"
        };
        Entry {
            key: Some(key.into()),
            status: 429,
            error: Some(code.into()),
            limit: Some(Limit {
                level: level.into(),
                kind: kind.into(),
                name: "month".into(),
                used_up: true,
            }),
            ..Entry::default()
        }
    }

    fn served(key: &str) -> Entry {
        Entry {
            key: Some(key.into()),
            status: 200,
            attempts: vec![Attempt {
                sent: true,
                ..Attempt::default()
            }],
            ..Entry::default()
        }
    }

    fn told(lines: &[Value]) -> Vec<String> {
        let told = |line: &Value| {
            let word = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
            [word("audit"), word("level"), word("limit"), word("code")].join(" ")
        };
        lines.iter().map(told).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_told_when_it_begins_to_refuse_and_when_it_is_over() {
        let refusing = Refusing::new(&Arc::default());
        let turned = |entry: Entry| told(&refusing.turned(&entry, Instant::now()));
        let none: [&str; 0] = [];
        assert_eq!(turned(served("a/b")), none);
        let begun = ["limit.refusing team budget/month budget_exhausted"];
        assert_eq!(turned(refused("a/b", "team", "budget")), begun);
        assert_eq!(turned(refused("a/b", "team", "budget")), none);
        assert_eq!(turned(refused("a/c", "team", "budget")), begun);
        tokio::time::advance(CALM / 2).await;
        let begun = ["limit.refusing key rate_limit/month rate_limited"];
        assert_eq!(turned(refused("a/b", "key", "rate_limit")), begun);
        tokio::time::advance(CALM / 2).await;
        let over = ["limit.admitting team budget/month budget_exhausted"];
        assert_eq!(turned(served("a/b")), over);
        tokio::time::advance(CALM / 2).await;
        let over = ["limit.admitting key rate_limit/month rate_limited"];
        assert_eq!(turned(served("a/b")), over);
        assert_eq!(turned(served("a/b")), none);
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_that_lets_every_other_request_through_is_told_once() {
        let refusing = Refusing::new(&Arc::default());
        let mut lines = Vec::new();
        for _ in 0..1_000 {
            for entry in [refused("a/b", "key", "rate_limit"), served("a/b")] {
                lines.extend(refusing.turned(&entry, Instant::now()));
            }
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert!((1..=2).contains(&lines.len()), "{lines:?}");
    }

    #[test]
    fn what_is_no_limit_of_the_callers_is_not_told() {
        let refusing = Refusing::new(&Arc::default());
        let mut at_the_provider = served("a/b");
        at_the_provider.error = Some("rate_limited".into());
        // All credentials rest, as the provider asked.
        let mut resting = refused("a/b", "key", "rate_limit");
        resting.limit = None;
        let mut held = refused("a/b", "key", "budget");
        held.limit.as_mut().unwrap().used_up = false;
        let places = refused("a/b", "key", "concurrency");
        let providers = refused("a/b", "provider", "budget");
        for entry in [at_the_provider, resting, held, places, providers] {
            let lines = refusing.turned(&entry, Instant::now());
            assert!(lines.is_empty(), "{entry:?}: {lines:?}");
        }
    }
}
