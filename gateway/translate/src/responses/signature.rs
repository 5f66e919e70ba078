//! How signatures of any provider ride in `encrypted_content`, which callers send back unread.
//!
//! OpenAI's own stands there as it is. Others are `fairlead:<origin>:<original>`; after the origin comes `+redacted` where
//! all of the thinking is in it, and `+call` where it belongs to the call that follows.

use std::borrow::Cow;

use crate::{Origin, Signature, Text};

const TAG: &str = "fairlead:";

/// What an `encrypted_content` holds.
#[derive(Debug)]
pub(super) enum Carried<'a> {
    /// The signature of the item's own words.
    Words(Signature<'a>),
    /// Thinking that only its provider can read.
    Redacted(Signature<'a>),
    /// The signature of the next call.
    Call(Signature<'a>),
}

/// How a signature relates to what it is written with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Words,
    Redacted,
    Call,
}

/// Reads an `encrypted_content`. One without a tag is OpenAI's.
pub(super) fn read(value: Text<'_>) -> Carried<'_> {
    let Some((origin, role, length)) = tag(value.as_written()) else {
        return Carried::Words(Signature {
            origin: Origin::OpenAi,
            value,
        });
    };
    let signature = Signature {
        origin,
        value: value.part(length, value.as_written().len()),
    };
    match role {
        Role::Words => Carried::Words(signature),
        Role::Redacted => Carried::Redacted(signature),
        Role::Call => Carried::Call(signature),
    }
}

/// The `encrypted_content` for a signature.
pub(super) fn write<'s>(signature: &'s Signature<'_>, role: Role) -> Cow<'s, str> {
    let value = signature.value.as_written();
    let kind = match role {
        Role::Words => "",
        Role::Redacted => "+redacted",
        Role::Call => "+call",
    };
    if signature.origin == Origin::OpenAi && role != Role::Call {
        return Cow::Borrowed(value);
    }
    Cow::Owned(format!("{TAG}{}{kind}:{value}", signature.origin.as_str()))
}

/// What a tag says, and how long it is.
fn tag(written: &str) -> Option<(Origin, Role, usize)> {
    let rest = written.strip_prefix(TAG)?;
    let end = rest.find(':')?;
    let name = rest.get(..end)?;
    let (name, role) = match name.split_once('+') {
        None => (name, Role::Words),
        Some((name, "redacted")) => (name, Role::Redacted),
        Some((name, "call")) => (name, Role::Call),
        Some(_) => return None,
    };
    let origin = [
        Origin::Anthropic,
        Origin::OpenAi,
        Origin::Gemini,
        Origin::Bedrock,
        Origin::Unknown,
    ]
    .into_iter()
    .find(|origin| origin.as_str() == name)?;
    Some((origin, role, TAG.len() + end + 1))
}
