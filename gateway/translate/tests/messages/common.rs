//! What many tests do.

use fairlead_translate::{Conversation, Notes, messages};
use serde_json::Value;

pub(crate) fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(bytes)))
}

/// The body that comes of a conversation, and what was left out; `!` stands before what changes the meaning.
pub(crate) fn written(conversation: &Conversation<'_>) -> (Value, Vec<String>) {
    let mut notes = Notes::default();
    let body = messages::request::write(conversation, &crate::TARGET, &mut notes);
    let notes = notes.all().iter().map(|note| {
        let mark = if note.changes_meaning { "!" } else { "" };
        format!("{mark}{}", note.what)
    });
    (json(&body), notes.collect())
}

/// The body that comes of a body of the same format, and what was left out.
pub(crate) fn round(body: &str) -> (Value, Vec<String>) {
    written(&messages::request::read(body.as_bytes()).unwrap())
}
