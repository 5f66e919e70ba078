//! A content block of an answer: an object with one member, whose name is its type.

use std::borrow::Cow;

use fairlead_json::{Kind, Raw};

use super::Family;
use crate::{Arguments, Content, Media, Origin, Signature, Source, Text};

/// What a string says that says anything.
pub(super) fn words(value: Raw<'_>) -> Option<Text<'_>> {
    Text::of(value).filter(|text| !text.is_empty())
}

/// The one member of a union; those of null are absent.
pub(super) fn member(union: Raw<'_>) -> Option<(Cow<'_, str>, Raw<'_>)> {
    let mut found = None;
    union.each_member(|name, value| {
        if value.kind() != Kind::Null && found.is_none() {
            found = Some((name, value));
        }
    });
    found
}

/// A block; texts that say nothing are none.
pub(super) fn read(block: Raw<'_>, family: Family) -> Result<Option<Content<'_>>, &'static str> {
    if block.kind() != Kind::Object {
        return Err("a block of the answer is no object");
    }
    let Some((name, value)) = member(block) else {
        return Ok(None);
    };
    Ok(match &*name {
        "text" => words(value).map(Content::Text),
        "reasoningContent" => reasoning(value, family),
        "toolUse" => Some(call(value)?),
        "citationsContent" => cited(value),
        "image" => medium(value, "image/").map(Content::Image),
        "audio" => medium(value, "audio/").map(Content::Audio),
        _ => Some(Content::Other(Cow::Owned(name.into_owned()))),
    })
}

fn reasoning(value: Raw<'_>, family: Family) -> Option<Content<'_>> {
    let (name, value) = member(value)?;
    match &*name {
        "reasoningText" => {
            let (mut text, mut signature) = (None, None);
            value.each_member(|name, value| match &*name {
                "text" => text = words(value),
                "signature" => signature = words(value).map(|value| signed(value, family)),
                _ => {}
            });
            (text.is_some() || signature.is_some()).then(|| Content::Reasoning {
                text: text.unwrap_or_default(),
                signature,
            })
        }
        "redactedContent" => words(value).map(redacted).map(Content::Redacted),
        _ => Some(Content::Other(Cow::Borrowed("reasoningContent"))),
    }
}

/// What proves words.
pub(super) fn signed(value: Text<'_>, family: Family) -> Signature<'_> {
    let origin = family.signs_as();
    Signature { origin, value }
}

/// Thinking that cannot be read. It comes as base64 of this API's, which is nobody else's form.
pub(super) fn redacted(value: Text<'_>) -> Signature<'_> {
    let origin = Origin::Bedrock;
    Signature { origin, value }
}

/// A call, or that of a tool which the provider runs itself.
fn call(value: Raw<'_>) -> Result<Content<'_>, &'static str> {
    let call = Call::of(value);
    if call.is_servers {
        return Ok(Content::Other(Cow::Borrowed("server_tool_use")));
    }
    Ok(Content::Call {
        id: call.id.unwrap_or_default(),
        name: call.name.ok_or("a call in the answer has no name")?,
        arguments: match call.input {
            None => Arguments::Text(Text::default()),
            Some(input) if input.kind() == Kind::Object => Arguments::Object(input),
            Some(input) => {
                Arguments::Text(Text::of(input).ok_or("the input of a call is no object")?)
            }
        },
        signature: None,
    })
}

/// The members of a `toolUse`, or of its beginning in a stream.
#[derive(Default)]
pub(super) struct Call<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Option<Text<'a>>,
    pub(super) input: Option<Raw<'a>>,
    /// Whether it is run by the provider, and so is nobody else's business.
    pub(super) is_servers: bool,
}

impl<'a> Call<'a> {
    pub(super) fn of(value: Raw<'a>) -> Self {
        let mut call = Self::default();
        value.each_member(|name, value| match &*name {
            "toolUseId" => call.id = words(value),
            "name" => call.name = words(value),
            "input" => call.input = Some(value).filter(|value| value.kind() != Kind::Null),
            "type" => call.is_servers = value.text() == "\"server_tool_use\"",
            _ => {}
        });
        call
    }
}

/// Words with what they rest on, of which the words are kept.
fn cited(value: Raw<'_>) -> Option<Content<'_>> {
    let mut texts = Vec::new();
    value.each_member(|name, value| {
        if name == "content" {
            value.each_element(|part| {
                if let Some((name, value)) = member(part)
                    && name == "text"
                {
                    texts.extend(words(value));
                }
            });
        }
    });
    match texts.as_slice() {
        [] => None,
        [one] => Some(Content::Text(one.clone())),
        several => Some(Content::Text(Text::joined(several, ""))),
    }
}

fn medium<'a>(value: Raw<'a>, kind: &str) -> Option<Media<'a>> {
    let (mut format, mut data) = (None, None);
    value.each_member(|name, value| match &*name {
        "format" => format = words(value),
        "source" => {
            if let Some((name, value)) = member(value)
                && name == "bytes"
            {
                data = words(value);
            }
        }
        _ => {}
    });
    let format = format?;
    Some(Media {
        source: Source::Base64(data?),
        media_type: Some(Text::escaped(format!("{kind}{}", format.as_written()))),
        name: None,
        detail: None,
    })
}
