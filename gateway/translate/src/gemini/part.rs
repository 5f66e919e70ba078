//! One part of what is said: a payload, and what stands beside it.

use std::borrow::Cow;

use fairlead_json::{JsonError, Kind, Raw, Scanner, Value};

use super::media;
use super::members::{Wrong, camel, flag, list, object, text};
use crate::{Content, Text};

/// A part.
#[derive(Debug, Default)]
pub(super) struct Part<'a> {
    pub(super) payload: Payload<'a>,
    /// Whether the model thinks rather than says it.
    pub(super) thought: bool,
    /// What proves it, never empty.
    pub(super) signature: Option<Text<'a>>,
    /// Members beside the payload that nothing neutral stands for.
    pub(super) beside: Vec<String>,
}

/// What a part is. The later ones win over the earlier, should a part have several.
#[derive(Debug, Default)]
pub(super) enum Payload<'a> {
    #[default]
    Nothing,
    /// By its name.
    Other(String),
    Text(Text<'a>),
    Media(Content<'a>),
    Call(Call<'a>),
    Response(Response<'a>),
}

/// `functionCall`.
#[derive(Debug, Default)]
pub(super) struct Call<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Text<'a>,
    /// An object.
    pub(super) args: Option<Raw<'a>>,
    /// Whether its arguments come in bits, which only who asks for it gets.
    pub(super) is_partial: bool,
}

/// `functionResponse`.
#[derive(Debug, Default)]
pub(super) struct Response<'a> {
    pub(super) id: Option<Text<'a>>,
    pub(super) name: Text<'a>,
    pub(super) response: Option<Given<'a>>,
    /// Media that belong to it.
    pub(super) media: Vec<Content<'a>>,
}

/// What a tool has given back.
#[derive(Debug)]
pub(super) struct Given<'a> {
    /// An object.
    pub(super) whole: Raw<'a>,
    /// How many members it has.
    pub(super) count: usize,
    /// The last of them.
    pub(super) last: Option<(Cow<'a, str>, Raw<'a>)>,
}

impl Payload<'_> {
    fn rank(&self) -> u8 {
        match self {
            Self::Nothing => 0,
            Self::Other(_) => 1,
            Self::Text(_) => 2,
            Self::Media(_) => 3,
            Self::Call(_) | Self::Response(_) => 4,
        }
    }
}

impl<'a> Part<'a> {
    pub(super) fn read(raw: Raw<'a>) -> Result<Self, Wrong> {
        let unreadable = |_| Wrong::new("", "well-formed");
        Self::scan(&mut raw.scanner()).map_err(unreadable)?
    }

    /// The part that comes next. Most of a prompt is in its texts, so that they are stepped over once.
    pub(super) fn scan(scanner: &mut Scanner<'a>) -> Result<Result<Self, Wrong>, JsonError> {
        if scanner.peek() != Some(b'{') {
            scanner.skip()?;
            return Ok(Err(Wrong::new("", "an object")));
        }
        let mut part = Self::default();
        let mut result = Ok(());
        scanner.object(|scanner, key| {
            let (key, is_object) = (key.name(), scanner.peek() == Some(b'{'));
            let name = camel(&key);
            let read = match &*name {
                "functionCall" if is_object => Call::scan(scanner)?.map(Payload::Call),
                "functionResponse" if is_object => Response::scan(scanner)?.map(Payload::Response),
                _ => {
                    let value = scanner.value()?;
                    if result.is_ok() && value.kind != Kind::Null {
                        result = part.member(&name, scanner.found(&value));
                    }
                    return Ok(());
                }
            };
            match read {
                Ok(payload) => part.set(payload),
                Err(wrong) if result.is_ok() => result = Err(wrong.below(&name)),
                Err(_) => {}
            }
            Ok(())
        })?;
        Ok(result.map(|()| part))
    }

    fn member(&mut self, name: &str, value: Raw<'a>) -> Result<(), Wrong> {
        let below = |wrong: Wrong| wrong.below(name);
        match name {
            "text" => self.set(Payload::Text(text(name, value)?)),
            "inlineData" => self.set(Payload::Media(media::inline(value).map_err(below)?)),
            "fileData" => self.set(Payload::Media(media::file(value).map_err(below)?)),
            "functionCall" | "functionResponse" => return Err(Wrong::new(name, "an object")),
            "thought" => self.thought = flag(name, value)?,
            "thoughtSignature" => self.signature = filled(text(name, value)?),
            "videoMetadata" | "mediaResolution" | "partMetadata" => {
                self.beside.push(name.to_owned());
            }
            other => self.set(Payload::Other(other.to_owned())),
        }
        Ok(())
    }

    fn set(&mut self, payload: Payload<'a>) {
        if payload.rank() > self.payload.rank() {
            self.payload = payload;
        }
    }
}

impl<'a> Call<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Result<Self, Wrong>, JsonError> {
        let (mut call, mut result) = (Self::default(), Ok(()));
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            if result.is_ok() && value.kind != Kind::Null {
                result = call.member(&camel(&key.name()), scanner.found(&value));
            }
            Ok(())
        })?;
        Ok(result.and_then(|()| named(&call.name)).map(|()| call))
    }

    fn member(&mut self, name: &str, value: Raw<'a>) -> Result<(), Wrong> {
        match name {
            "id" => self.id = filled(text(name, value)?),
            "name" => self.name = text(name, value)?,
            "args" => self.args = Some(object(name, value)?),
            "partialArgs" => self.is_partial = true,
            "willContinue" => self.is_partial |= flag(name, value)?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Response<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Result<Self, Wrong>, JsonError> {
        let (mut read, mut result) = (Self::default(), Ok(()));
        scanner.object(|scanner, key| {
            let (key, is_object) = (key.name(), scanner.peek() == Some(b'{'));
            let name = camel(&key);
            if name == "response" && is_object {
                read.response = Some(Given::scan(scanner)?);
                return Ok(());
            }
            let value = scanner.value()?;
            if result.is_ok() && value.kind != Kind::Null {
                result = read.member(&name, scanner.found(&value));
            }
            Ok(())
        })?;
        Ok(result.and_then(|()| named(&read.name)).map(|()| read))
    }

    fn member(&mut self, name: &str, value: Raw<'a>) -> Result<(), Wrong> {
        match name {
            "id" => self.id = filled(text(name, value)?),
            "name" => self.name = text(name, value)?,
            "response" => return Err(Wrong::new(name, "an object")),
            "parts" => self.media = media_of(list(name, value)?)?,
            _ => {}
        }
        Ok(())
    }
}

impl<'a> Given<'a> {
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, JsonError> {
        let (start, mut count, mut last) = (scanner.at(), 0, None);
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            count += 1;
            last = Some((key.name(), scanner.found(&value)));
            Ok(())
        })?;
        let whole = scanner.found(&Value {
            kind: Kind::Object,
            span: start..scanner.at(),
        });
        Ok(Self { whole, count, last })
    }
}

fn media_of(parts: Raw<'_>) -> Result<Vec<Content<'_>>, Wrong> {
    let mut media = Vec::new();
    super::members::each_element(parts, |at, raw| {
        let part = Part::read(raw).map_err(|wrong| wrong.below(&format!("parts[{at}]")))?;
        match part.payload {
            Payload::Media(content) => media.push(content),
            Payload::Text(text) => media.push(Content::Text(text)),
            Payload::Other(name) => media.push(Content::Other(name.into())),
            Payload::Nothing | Payload::Call(_) | Payload::Response(_) => {
                let at = format!("parts[{at}]");
                return Err(Wrong::new(&at, "inlineData or fileData"));
            }
        }
        Ok(())
    })?;
    Ok(media)
}

fn named(name: &Text<'_>) -> Result<(), Wrong> {
    if name.is_empty() {
        return Err(Wrong::new("name", "the name of a function"));
    }
    Ok(())
}

fn filled(text: Text<'_>) -> Option<Text<'_>> {
    Some(text).filter(|text| !text.is_empty())
}
