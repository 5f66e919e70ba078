//! When a key begins to be refused because of a limit, and when it is served again: seen in finished requests, and told once each way.

use std::collections::HashMap;
use std::sync::Arc;

use fairlead_record::{Entry, Name, Sink, Word};
use parking_lot::Mutex;
use serde_json::json;

use super::{Decisions, now};

/// So many keys that are refused are remembered; of more than these nobody is told.
const KEYS: usize = 10_000;

/// The keys that are refused just now, and for what.
#[derive(Debug)]
pub(crate) struct Refusing {
    decisions: Arc<Decisions>,
    keys: Mutex<HashMap<Name, Word>>,
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

    /// What has begun or ended with this request.
    fn turned(&self, entry: &Entry) -> Option<(&'static str, Word)> {
        let key = entry.key.as_ref()?;
        let mut keys = self.keys.lock();
        if let Some(code) = exhausted(entry) {
            let room = keys.len() < KEYS || keys.contains_key(key);
            let news = room && keys.insert(Arc::clone(key), code.clone()).as_ref() != Some(&code);
            return news.then_some(("limit.refusing", code));
        }
        // Only what was let in says that there is something left.
        let served = entry.attempts.iter().any(|attempt| attempt.sent);
        let code = served.then(|| keys.remove(key)).flatten()?;
        Some(("limit.admitting", code))
    }
}

/// The code of a limit of ours that is used up. Providers' limits end the same way, but not before anything was sent.
fn exhausted(entry: &Entry) -> Option<Word> {
    let code = entry.error.as_ref()?;
    let sent = entry.attempts.iter().any(|attempt| attempt.sent);
    let limit = matches!(&**code, "budget_exhausted" | "rate_limited");
    (limit && !sent).then(|| code.clone())
}

impl Sink for Refusing {
    fn take(&self, entry: &Arc<Entry>) {
        let Some((audit, code)) = self.turned(entry) else {
            return;
        };
        let line = json!({
            "time": now(),
            "generation": entry.generation,
            "audit": audit,
            "kind": "VirtualKey",
            "key": entry.key,
            "code": code,
            "request_id": format!("{:016x}", entry.id),
        });
        self.decisions.mention(line.to_string());
    }
}

#[cfg(test)]
mod tests {
    use fairlead_record::Attempt;

    use super::*;

    fn refused(key: &str, code: &'static str) -> Entry {
        Entry {
            key: Some(key.into()),
            status: 429,
            error: Some(code.into()),
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

    #[test]
    fn a_limit_is_told_when_it_begins_to_refuse_and_when_it_ends() {
        let refusing = Refusing::new(&Arc::default());
        let turned = |entry: Entry| {
            refusing
                .turned(&entry)
                .map(|(audit, code)| format!("{audit} {code}"))
        };
        assert_eq!(turned(served("a/b")), None);
        let begun = Some("limit.refusing budget_exhausted".to_owned());
        assert_eq!(turned(refused("a/b", "budget_exhausted")), begun);
        assert_eq!(turned(refused("a/b", "budget_exhausted")), None);
        assert_eq!(turned(refused("a/c", "budget_exhausted")), begun);
        assert_eq!(turned(refused("a/b", "unknown_model")), None);
        let ended = Some("limit.admitting budget_exhausted".to_owned());
        assert_eq!(turned(served("a/b")), ended);
        assert_eq!(turned(served("a/b")), None);
    }

    #[test]
    fn a_provider_that_is_at_its_limit_is_no_limit_of_ours() {
        let refusing = Refusing::new(&Arc::default());
        let mut entry = served("a/b");
        entry.status = 429;
        entry.error = Some("rate_limited".into());
        assert_eq!(refusing.turned(&entry), None);
    }
}
