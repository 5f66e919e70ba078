//! The scanner against serde_json: the same verdict on every text, the same members, the same strings; and what a condition would read of
//! it is what serde_json reads, or an error.

use fairlead_json::{JsonError, Kind, Limits, Number, Object, Raw, well_formed};
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

    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(raw) = Raw::parse(text, &limits)
    {
        if has_name_of_serde_json(raw) {
            return;
        }
        same_reading(raw, data);
    }

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

/// Whether a member is named as serde_json marks texts in its own trees: it takes such an object for something else, or for none. Found by
/// fuzzing; nothing makes such a tree of what callers or providers send.
fn has_name_of_serde_json(raw: Raw<'_>) -> bool {
    let mut found = false;
    raw.each_element(|element| found |= has_name_of_serde_json(element));
    raw.each_member(|key, value| {
        found |= key.starts_with("$serde_json::private") || has_name_of_serde_json(value);
    });
    found
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

/// The deepest that serde_json makes a tree of.
const DEEPEST_TREE: usize = 127;

/// What is accepted is read alike, or is an error: never is a value of the one missing for the other.
fn same_reading(raw: Raw<'_>, data: &[u8]) {
    let limits = Limits {
        depth: DEEPEST_TREE,
        members: usize::MAX,
    };
    if well_formed(data, &limits).is_err() {
        return;
    }
    match serde_json::from_slice::<Value>(data) {
        Ok(theirs) => {
            // A number of over 1,024 digits is none for us.
            let same = same(raw, &theirs);
            assert!(same || data.len() > 1024, "{raw:?}, theirs: {theirs}");
        }
        Err(error) => assert!(!readable(raw), "{raw:?}, theirs: {error}"),
    }
}

fn same(raw: Raw<'_>, theirs: &Value) -> bool {
    match theirs {
        Value::Null | Value::Bool(_) => raw.kind() == kind(theirs),
        Value::Number(number) => match raw.number() {
            Ok(Number::Int(ours)) => number.as_i64().is_none_or(|theirs| ours == theirs),
            Ok(Number::Double(ours)) => {
                number.as_i64().is_none()
                    && number.as_f64().is_some_and(|theirs| near(ours, theirs))
            }
            Err(_) => false,
        },
        Value::String(text) => raw.string().is_ok_and(|ours| ours == *text),
        Value::Array(items) => {
            let mut ours = Vec::new();
            raw.each_element(|element| ours.push(element));
            ours.len() == items.len()
                && ours.len() == raw.count()
                && ours
                    .iter()
                    .zip(items)
                    .enumerate()
                    .all(|(at, (ours, item))| same(*ours, item) && raw.element(at) == Some(*ours))
        }
        Value::Object(members) => members.iter().all(|(name, theirs)| {
            // Of a name given twice serde_json takes the last; for us it has no reading.
            raw.member(name)
                .is_ok_and(|ours| ours.is_some_and(|ours| same(ours, theirs)))
                || !is_single(raw, name)
        }),
    }
}

/// serde_json's doubles are not always the nearest ones.
fn near(ours: f64, theirs: f64) -> bool {
    (ours - theirs).abs() <= ours.abs() * 1e-14
}

fn is_single(raw: Raw<'_>, name: &str) -> bool {
    let mut count = 0;
    raw.each_member(|key, _| count += usize::from(fairlead_json::alike(&key, name)));
    count == 1
}

fn readable(raw: Raw<'_>) -> bool {
    let mut readable = match raw.kind() {
        Kind::Number => raw.number().is_ok(),
        Kind::String => raw.string().is_ok(),
        Kind::Null | Kind::Bool(_) | Kind::Array | Kind::Object => true,
    };
    raw.each_element(|element| readable &= self::readable(element));
    raw.each_member(|key, value| {
        readable &= !key.contains(char::REPLACEMENT_CHARACTER) && self::readable(value);
    });
    readable
}
