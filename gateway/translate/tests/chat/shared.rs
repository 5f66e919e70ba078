//! What all these tests say and ask in the same way.

use fairlead_translate::chat::request::{self, Host};
use fairlead_translate::{Head, Notes, Target};
use serde_json::Value;

/// What the tests call the model.
pub(crate) const TARGET: Target<'_> = Target {
    model: "m",
    default_max_output: 4096,
};

/// What the tests know of an answer's surroundings.
pub(crate) const HEAD: Head<'_> = Head {
    id: "own",
    model: "asked",
    created: 7,
    include_usage: true,
};

/// A body, read and written again, and what was left out with whether that matters.
pub(crate) fn again_for(body: &Value, host: &Host) -> (Value, Vec<(String, bool)>) {
    let body = body.to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    let mut notes = Notes::default();
    let written = request::write_for(&conversation, &TARGET, host, &mut notes);
    let left_out = notes.all().iter();
    let left_out = left_out.map(|each| (each.what.to_string(), each.changes_meaning));
    (
        serde_json::from_slice(&written).unwrap(),
        left_out.collect(),
    )
}

/// The same for a provider that keeps to the format, where nothing is left out.
pub(crate) fn again(body: &Value) -> Value {
    let (written, left_out) = again_for(body, &Host::default());
    assert_eq!(left_out, [], "{body}");
    written
}

/// A body with one message and some members.
pub(crate) fn asking(members: Value) -> Value {
    let mut body =
        serde_json::json!({"model": "m", "messages": [{"role": "user", "content": "Hi"}]});
    for (name, value) in members.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}
