//! The readers of what comes back: strict about form, and in agreement with a reading of the parsed tree.

use bytes::Bytes;
use fairlead_wire::json::{Limits, well_formed};
use fairlead_wire::openai::continuation::{Identity, delta};
use fairlead_wire::openai::{Part, Payload, answer, error_body, payload, stray_error};
use serde_json::Value;

/// Holds for any bytes.
pub(crate) fn check(data: &[u8]) {
    let is_done = data.trim_ascii() == b"[DONE]";
    let is_object = well_formed(data, &Limits::default()).is_ok()
        && data.trim_ascii_start().first() == Some(&b'{');
    assert_eq!(payload(data).is_ok(), is_object || is_done);
    for part in [Part::Choices, Part::Data] {
        assert_eq!(answer(data, part).is_ok(), is_object);
    }
    let _ = (error_body(data), stray_error(data));
    check_rest(data, is_object);

    // Of a member given twice a tree keeps one; written anew, both readers see the same.
    let Ok(tree @ Value::Object(_)) = serde_json::from_slice(data) else {
        return;
    };
    let Ok(Payload::Chunk(chunk)) = payload(tree.to_string().as_bytes()) else {
        return;
    };
    let choices = tree["choices"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let indexes = |wanted: &dyn Fn(&Value) -> bool| -> Vec<u64> {
        let index =
            |(place, choice): (usize, &Value)| choice["index"].as_u64().unwrap_or(place as u64);
        choices
            .iter()
            .enumerate()
            .filter(|(_, choice)| wanted(choice))
            .map(index)
            .collect()
    };
    assert_eq!(chunk.choices, choices.len());
    assert_eq!(chunk.seen.to_vec(), indexes(&|_| true));
    assert_eq!(
        chunk.finished.to_vec(),
        indexes(&|choice| choice["finish_reason"]
            .as_str()
            .is_some_and(|reason| !reason.is_empty()))
    );
    assert_eq!(chunk.content, choices.iter().any(has_content));
}

/// What goes on with an answer reads the same texts, and leaves them well-formed.
fn check_rest(data: &[u8], is_object: bool) {
    let first = Identity {
        id: Some("first".into()),
        created: Some(1),
    };
    let adopted = first.adopt(&Bytes::copy_from_slice(data));
    assert_eq!(delta(data).is_ok(), is_object);
    assert_eq!(adopted.is_ok(), is_object);
    if let Ok(pieces) = adopted {
        assert_eq!(
            well_formed(&pieces.to_bytes(), &Limits::default()),
            Ok(()),
            "{}",
            String::from_utf8_lossy(data)
        );
    }
}

fn has_content(choice: &Value) -> bool {
    let in_delta = |delta: &serde_json::Map<String, Value>| {
        delta
            .iter()
            .any(|(name, value)| name != "role" && filled(value))
    };
    filled(&choice["text"]) || choice["delta"].as_object().is_some_and(in_delta)
}

fn filled(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => !elements.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
