//! The longest answer, written into a request: every dialect has its own place for it.

use bytes::Bytes;
use fairlead_wire::json::{Limits, Object};

use crate::surface::Operation;

/// The body with this as its longest answer; `newer`: the model wants it by its newer name in Chat Completions. `None`: it has no place for it.
#[must_use]
pub(crate) fn with_ceiling(
    body: &[u8],
    sent: Operation,
    newer: bool,
    tokens: u64,
) -> Option<Bytes> {
    let object = Object::parse(body, &Limits::default()).ok()?;
    // What has the newer name already keeps it: of two, some providers refuse one.
    let newer = newer || object.get("max_completion_tokens").is_some();
    let second = usize::from(newer && sent == Operation::Chat);
    let path = sent.longest().get(second)?;
    Some(Bytes::from(set(&object, path, tokens)))
}

fn set(object: &Object<'_>, path: &[&str], tokens: u64) -> String {
    let Some((name, rest)) = path.split_first() else {
        return tokens.to_string();
    };
    let text = std::str::from_utf8(object.body()).unwrap_or_default();
    let (range, before) = match object.get(name) {
        Some(member) => (member.value.clone(), String::new()),
        None => {
            let end = object.end_of_members();
            let comma = if object.is_empty() { "" } else { "," };
            (end..end, format!("{comma}\"{name}\":"))
        }
    };
    let inner = object
        .get(name)
        .and_then(|member| Object::parse(object.text(member).as_bytes(), &Limits::default()).ok());
    let value = match inner {
        Some(inner) if !rest.is_empty() => set(&inner, rest, tokens),
        _ => rest.iter().rev().fold(tokens.to_string(), |value, name| {
            format!("{{\"{name}\":{value}}}")
        }),
    };
    [&text[..range.start], &before, &value, &text[range.end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dialect_has_its_place_for_it() {
        for (sent, newer, body, expected) in [
            (
                Operation::Chat,
                false,
                r#"{"model":"m"}"#,
                r#"{"model":"m","max_tokens":16}"#,
            ),
            (
                Operation::Chat,
                true,
                r#"{"model":"m"}"#,
                r#"{"model":"m","max_completion_tokens":16}"#,
            ),
            (
                Operation::Chat,
                false,
                r#"{"max_completion_tokens": 900, "n": 1}"#,
                r#"{"max_completion_tokens": 16, "n": 1}"#,
            ),
            (
                Operation::Messages,
                false,
                r#"{"max_tokens":900}"#,
                r#"{"max_tokens":16}"#,
            ),
            (
                Operation::Responses,
                false,
                "{}",
                r#"{"max_output_tokens":16}"#,
            ),
            (
                Operation::Generate,
                false,
                r#"{"contents":[]}"#,
                r#"{"contents":[],"generationConfig":{"maxOutputTokens":16}}"#,
            ),
            (
                Operation::Generate,
                false,
                r#"{"generationConfig":{"topK":1,"maxOutputTokens":900},"contents":[]}"#,
                r#"{"generationConfig":{"topK":1,"maxOutputTokens":16},"contents":[]}"#,
            ),
            (
                Operation::Converse,
                false,
                r#"{"inferenceConfig":{}}"#,
                r#"{"inferenceConfig":{"maxTokens":16}}"#,
            ),
        ] {
            let written = with_ceiling(body.as_bytes(), sent, newer, 16).unwrap();
            assert_eq!(std::str::from_utf8(&written).unwrap(), expected);
        }
        assert_eq!(with_ceiling(b"{}", Operation::Embeddings, false, 16), None);
    }
}
