//! Walking objects and lists whose members may be missing, null or in `snake_case`.

use std::borrow::Cow;

use fairlead_json::{Kind, Raw};

use crate::Text;

/// A value of a kind that the reference does not allow, by the path to it from where the reader stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) member: String,
    pub(super) expected: &'static str,
}

impl Wrong {
    pub(super) fn new(member: &str, expected: &'static str) -> Self {
        Self {
            member: member.to_owned(),
            expected,
        }
    }

    /// The same, seen from further out.
    pub(super) fn below(self, outer: &str) -> Self {
        let between = if self.member.is_empty() || self.member.starts_with('[') {
            ""
        } else {
            "."
        };
        Self {
            member: format!("{outer}{between}{}", self.member),
            expected: self.expected,
        }
    }
}

/// The name of a member as the reference has it.
pub(super) fn camel(key: &str) -> Cow<'_, str> {
    if memchr::memchr(b'_', key.as_bytes()).is_none() {
        return Cow::Borrowed(key);
    }
    let mut name = String::with_capacity(key.len());
    let mut raise = false;
    for character in key.chars() {
        if character == '_' && !name.is_empty() {
            raise = true;
        } else if raise {
            raise = false;
            name.extend(character.to_uppercase());
        } else {
            name.push(character);
        }
    }
    Cow::Owned(name)
}

/// Calls for every member that is not null, by its name in the reference. Ends at the first error.
pub(super) fn each_member<'a, E>(
    raw: Raw<'a>,
    mut call: impl FnMut(&str, Raw<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut result = Ok(());
    raw.each_member(|key, value| {
        if result.is_ok() && value.kind() != Kind::Null {
            result = call(&camel(&key), value);
        }
    });
    result
}

/// Calls for every element, with its place. Ends at the first error.
pub(super) fn each_element<'a, E>(
    raw: Raw<'a>,
    mut call: impl FnMut(usize, Raw<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut result, mut at) = (Ok(()), 0);
    raw.each_element(|element| {
        if result.is_ok() {
            result = call(at, element);
            at += 1;
        }
    });
    result
}

pub(super) fn text<'a>(name: &str, value: Raw<'a>) -> Result<Text<'a>, Wrong> {
    Text::of(value).ok_or_else(|| Wrong::new(name, "a string"))
}

pub(super) fn flag(name: &str, value: Raw<'_>) -> Result<bool, Wrong> {
    match value.kind() {
        Kind::Bool(flag) => Ok(flag),
        Kind::String | Kind::Number | Kind::Null | Kind::Array | Kind::Object => {
            Err(Wrong::new(name, "true or false"))
        }
    }
}

pub(super) fn number<'a>(name: &str, value: Raw<'a>) -> Result<Raw<'a>, Wrong> {
    of_kind(Kind::Number, name, value, "a number")
}

pub(super) fn object<'a>(name: &str, value: Raw<'a>) -> Result<Raw<'a>, Wrong> {
    of_kind(Kind::Object, name, value, "an object")
}

pub(super) fn list<'a>(name: &str, value: Raw<'a>) -> Result<Raw<'a>, Wrong> {
    of_kind(Kind::Array, name, value, "a list")
}

fn of_kind<'a>(
    kind: Kind,
    name: &str,
    value: Raw<'a>,
    expected: &'static str,
) -> Result<Raw<'a>, Wrong> {
    if value.kind() == kind {
        Ok(value)
    } else {
        Err(Wrong::new(name, expected))
    }
}

/// A whole number that is not negative. Proto's JSON writes large ones as strings, and takes `3.0` for one.
pub(super) fn whole(value: Raw<'_>) -> Option<u64> {
    let text = value.text().trim_matches('"');
    if !matches!(value.kind(), Kind::Number | Kind::String) || text.len() > 24 {
        return None;
    }
    let digits = match text.split_once('.') {
        Some((digits, zeros)) if zeros.bytes().all(|digit| digit == b'0') => digits,
        _ => text,
    };
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one() {
        assert_eq!(camel("function_call"), "functionCall");
        assert_eq!(camel("functionCall"), "functionCall");
        assert_eq!(camel("_response_json_schema"), "_responseJsonSchema");
        assert_eq!(camel("a__b_"), "aB");
    }

    #[test]
    fn whole_numbers_are_read_as_proto_has_them() {
        let read = |text| whole(Raw::parse(text, &fairlead_json::Limits::default()).unwrap());
        assert_eq!(read("7"), Some(7));
        assert_eq!(read("7.0"), Some(7));
        assert_eq!(read("\"7\""), Some(7));
        assert_eq!(read("7.5"), None);
        assert_eq!(read("-7"), None);
        assert_eq!(read("[7]"), None);
    }
}
