//! Values read where they lie: strictly from a caller, tolerantly from a provider.

use std::borrow::Cow;

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::path::Path;
use crate::{RequestError, Text};

/// Walks the members of an object up to the first failure; those that are null count as absent.
pub(super) fn members<'a, E>(
    object: Raw<'a>,
    mut member: impl FnMut(&str, Raw<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let mut outcome = Ok(());
    object.each_member(|name, value| {
        if outcome.is_ok() && value.kind() != Kind::Null {
            outcome = member(&name, value);
        }
    });
    outcome
}

/// Walks the elements of a list up to the first failure.
pub(super) fn elements<'a, E>(
    list: Raw<'a>,
    mut element: impl FnMut(usize, Raw<'a>) -> Result<(), E>,
) -> Result<(), E> {
    let (mut outcome, mut at) = (Ok(()), 0);
    list.each_element(|value| {
        if outcome.is_ok() {
            outcome = element(at, value);
        }
        at += 1;
    });
    outcome
}

/// That it is a list.
pub(super) fn is_list(value: Raw<'_>, path: &Path<'_>) -> Result<(), RequestError> {
    if value.kind() == Kind::Array {
        return Ok(());
    }
    Err(path.wrong("a list"))
}

/// A caller's list.
pub(super) fn list<'a>(
    value: Raw<'a>,
    path: &Path<'_>,
    element: impl FnMut(usize, Raw<'a>) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    if value.kind() != Kind::Array {
        return Err(path.wrong("a list"));
    }
    elements(value, element)
}

/// Walks a list of objects in one go: what `member` puts into each is handed to `element`, which gets nothing for what is no object. Members that
/// are null count as absent.
pub(super) fn each_object<'a, T: Default>(
    list: Raw<'a>,
    mut member: impl FnMut(&mut T, &str, Raw<'a>),
    element: impl FnMut(usize, Option<T>),
) {
    if list.kind() != Kind::Array {
        return;
    }
    let walked = scan_objects(
        &mut list.scanner(),
        |object, _, name, scanner| {
            let value = scanner.value()?;
            if value.kind != Kind::Null {
                member(object, name, scanner.found(&value));
            }
            Ok(())
        },
        element,
    );
    debug_assert_eq!(walked, Ok(()), "the text was checked");
}

/// The same of a list that comes next, and is checked on the way. `member` is told the place of the object, and steps over its value.
pub(super) fn scan_objects<'a, T: Default>(
    scanner: &mut Scanner<'a>,
    mut member: impl FnMut(&mut T, usize, &str, &mut Scanner<'a>) -> Result<(), JsonError>,
    mut element: impl FnMut(usize, Option<T>),
) -> Result<(), JsonError> {
    let mut at = 0;
    scanner.array(|scanner| {
        let mut object = None;
        if scanner.peek() == Some(b'{') {
            let object = object.insert(T::default());
            scanner.object(|scanner, key| member(object, at, &key.name(), scanner))?;
        } else {
            scanner.skip()?;
        }
        element(at, object);
        at += 1;
        Ok(())
    })
}

/// A caller's list of objects, up to the first failure.
pub(super) fn objects<'a, T: Default>(
    list: Raw<'a>,
    path: &Path<'_>,
    member: impl FnMut(&mut T, &str, Raw<'a>),
    mut element: impl FnMut(usize, T) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    if list.kind() != Kind::Array {
        return Err(path.wrong("a list"));
    }
    let mut outcome = Ok(());
    each_object(list, member, |at, object| {
        if outcome.is_ok() {
            outcome = match object {
                Some(object) => element(at, object),
                None => Err(path.element(at).wrong("an object")),
            };
        }
    });
    outcome
}

/// A caller's object that is passed on unread.
pub(super) fn unread<'a>(value: Raw<'a>, path: &Path<'_>) -> Result<Raw<'a>, RequestError> {
    if value.kind() != Kind::Object {
        return Err(path.wrong("an object"));
    }
    Ok(value)
}

/// A caller's object.
pub(super) fn object<'a>(
    value: Raw<'a>,
    path: &Path<'_>,
    member: impl FnMut(&str, Raw<'a>) -> Result<(), RequestError>,
) -> Result<(), RequestError> {
    if value.kind() != Kind::Object {
        return Err(path.wrong("an object"));
    }
    members(value, member)
}

/// A caller's string.
pub(super) fn text<'a>(value: Raw<'a>, path: &Path<'_>) -> Result<Text<'a>, RequestError> {
    Text::of(value).ok_or_else(|| path.wrong("a string"))
}

/// A caller's string that must be there.
pub(super) fn required<'a>(
    value: Option<Raw<'a>>,
    path: &Path<'_>,
) -> Result<Text<'a>, RequestError> {
    text(value.ok_or_else(|| path.wrong("a string"))?, path)
}

/// A caller's `true` or `false`.
pub(super) fn flag(value: Raw<'_>, path: &Path<'_>) -> Result<bool, RequestError> {
    match value.kind() {
        Kind::Bool(flag) => Ok(flag),
        Kind::String | Kind::Number | Kind::Null | Kind::Array | Kind::Object => {
            Err(path.wrong("true or false"))
        }
    }
}

/// A whole number that is not negative.
pub(super) fn count(value: Raw<'_>) -> Option<u64> {
    (value.kind() == Kind::Number)
        .then(|| value.text().parse().ok())
        .flatten()
}

/// What a string says; of anything else, nothing.
pub(super) fn words<'a>(value: Option<Raw<'a>>) -> Cow<'a, str> {
    value
        .filter(|value| value.kind() == Kind::String)
        .and_then(|value| value.string().ok())
        .unwrap_or_default()
}

/// A string that says something.
pub(super) fn filled(value: Option<Raw<'_>>) -> Option<Text<'_>> {
    value.and_then(Text::of).filter(|text| !text.is_empty())
}
