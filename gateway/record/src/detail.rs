//! An entry as a store keeps it beside the columns it is found by: JSON without what stands in columns and without what is as it always is.
//!
//! What later versions add to an entry needs no other table: it is in here, and what is missing is as if nobody had said it.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::{Attempt, Cost, Entry, Limit, Tag, Tokens, Trace};

/// What stands in columns of its own.
const COLUMNS: [&str; 9] = [
    "id",
    "started_unix_us",
    "duration_us",
    "status",
    "key",
    "team",
    "model",
    "rule",
    "error",
];

/// What is left out where it is just this: of an entry, and of what it holds by the field's name.
struct Usual {
    entry: Map<String, Value>,
    parts: Map<String, Value>,
}

static USUAL: LazyLock<Usual> = LazyLock::new(|| {
    let parts = [
        ("attempts", serde_json::to_value(Attempt::default())),
        ("tokens", serde_json::to_value(Tokens::default())),
        ("cost", serde_json::to_value(Cost::default())),
        ("limit", serde_json::to_value(Limit::default())),
        ("trace", serde_json::to_value(Trace::default())),
        ("tags", serde_json::to_value(Tag::default())),
    ];
    let parts = parts.map(|(name, part)| (name.to_owned(), part.unwrap_or_default()));
    Usual {
        entry: object(serde_json::to_value(Entry::default()).unwrap_or_default()),
        parts: parts.into_iter().collect(),
    }
});

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value {
        object
    } else {
        Map::new()
    }
}

/// The detail of an entry.
#[must_use]
pub(crate) fn of(entry: &Entry) -> String {
    let mut whole = object(serde_json::to_value(entry).unwrap_or_default());
    for column in COLUMNS {
        whole.remove(column);
    }
    strip(&mut whole, &USUAL.entry);
    Value::Object(whole).to_string()
}

fn strip(object: &mut Map<String, Value>, usual: &Map<String, Value>) {
    object.retain(|name, value| usual.get(name) != Some(value));
    for (name, value) in object {
        clean(value);
        let Some(Value::Object(usual)) = USUAL.parts.get(name) else {
            continue;
        };
        if let Value::Array(parts) = value {
            for part in parts.iter_mut().filter_map(Value::as_object_mut) {
                strip(part, usual);
            }
        } else if let Value::Object(part) = value {
            strip(part, usual);
        }
    }
}

/// PostgreSQL keeps no text with a zero in it; what callers and providers say may have one.
fn clean(value: &mut Value) {
    if let Value::String(text) = value
        && let Some(cleaned) = without_zeros(text)
    {
        *text = cleaned;
    }
}

/// The text without zeros; `None`: it has none.
pub(crate) fn without_zeros(text: &str) -> Option<String> {
    text.contains('\0').then(|| text.replace('\0', "\u{fffd}"))
}

/// The entry of a detail; its columns are still to be filled in.
///
/// # Errors
/// The text is none that was made here.
pub(crate) fn read(text: &str) -> serde_json::Result<Entry> {
    serde_json::from_str(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    fn columns(mut read: Entry, entry: &Entry) -> Entry {
        read.id = entry.id;
        read.started_unix_us = entry.started_unix_us;
        read.duration_us = entry.duration_us;
        read.status = entry.status;
        read.key.clone_from(&entry.key);
        read.team.clone_from(&entry.team);
        read.model.clone_from(&entry.model);
        read.rule.clone_from(&entry.rule);
        read.error.clone_from(&entry.error);
        read
    }

    #[test]
    fn an_entry_comes_back_as_it_was() {
        for seed in 0..500 {
            let entry = sample::entry(seed);
            let text = of(&entry);
            assert_eq!(columns(read(&text).unwrap(), &entry), entry, "{text}");
        }
    }

    #[test]
    fn none_and_nothing_are_told_apart() {
        let mut entry = Entry {
            tokens: Some(Tokens {
                output: Some(0),
                ..Tokens::default()
            }),
            cost: Some(Cost::default()),
            ..Entry::default()
        };
        entry.attempts = vec![Attempt::default()];
        entry.limit = Some(Limit::default());
        let text = of(&entry);
        assert_eq!(
            text,
            r#"{"attempts":[{}],"cost":{},"limit":{},"tokens":{"output":0}}"#
        );
        assert_eq!(read(&text).unwrap(), entry);
    }

    #[test]
    fn zeros_in_texts_are_shown_as_what_cannot_be_shown() {
        let entry = Entry {
            user_agent: Some("a\0b".into()),
            ..Entry::default()
        };
        assert_eq!(of(&entry), "{\"user_agent\":\"a\u{fffd}b\"}");
    }

    #[test]
    fn a_usual_request_is_kept_in_few_bytes() {
        let size = of(&sample::usual()).len();
        assert!(size < 800, "{size} bytes");
    }
}
