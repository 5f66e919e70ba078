//! The scanner against serde_json: the same verdict on every text, the same members, the same strings.

use fairlead_wire::json::{JsonError, Kind, Limits, Object, well_formed};
use serde_json::Value;
use serde_json::value::RawValue;

/// Holds for any bytes.
pub(crate) fn check(data: &[u8]) {
    let limits = Limits {
        depth: 512,
        members: usize::MAX,
    };
    let ours = well_formed(data, &limits);
    if matches!(ours, Err(JsonError::TooDeep { .. })) {
        return;
    }
    let theirs = serde_json::from_slice::<&RawValue>(data);
    assert_eq!(
        ours.is_ok(),
        theirs.is_ok(),
        "ours: {ours:?}, theirs: {theirs:?}"
    );

    match Object::parse(data, &limits) {
        Ok(object) => same_members(&object, data, &limits),
        Err(JsonError::NotAnObject) => assert!(ours.is_ok() && first(data) != Some(b'{')),
        Err(JsonError::DuplicateKey { .. }) => assert!(ours.is_ok() && first(data) == Some(b'{')),
        Err(error) => assert_eq!(
            Err(error.to_string()),
            ours.map_err(|error| error.to_string())
                .or(Err(error.to_string()))
        ),
    }
}

fn first(data: &[u8]) -> Option<u8> {
    data.trim_ascii_start().first().copied()
}

fn same_members(object: &Object<'_>, data: &[u8], limits: &Limits) {
    assert_eq!(object.body(), data);
    assert_eq!(data.get(object.end_of_members()), Some(&b'}'));
    for member in object.members() {
        assert_eq!(data.get(member.key_start), Some(&b'"'));
        assert_eq!(well_formed(object.text(member).as_bytes(), limits), Ok(()));
    }
    // A lone surrogate or a number out of range is well-formed, but no Value.
    let Ok(Value::Object(theirs)) = serde_json::from_slice::<Value>(data) else {
        return;
    };
    assert_eq!(object.members().len(), theirs.len());
    for member in object.members() {
        let theirs = theirs.get(&*member.key);
        assert_eq!(
            serde_json::from_str::<Value>(object.text(member))
                .ok()
                .as_ref(),
            theirs
        );
        assert_eq!(
            object.string(member).as_deref(),
            theirs.and_then(Value::as_str)
        );
        assert_eq!(Some(member.kind), theirs.map(kind));
    }
}

fn kind(value: &Value) -> Kind {
    match value {
        Value::Null => Kind::Null,
        Value::Bool(value) => Kind::Bool(*value),
        Value::Number(_) => Kind::Number,
        Value::String(_) => Kind::String,
        Value::Array(_) => Kind::Array,
        Value::Object(_) => Kind::Object,
    }
}
