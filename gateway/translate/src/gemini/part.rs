//! One part of what is said: a payload, and what stands beside it.

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::media;
use super::members::{DEEP, Wrong, camel, each_member, flag, list, object, text};
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
    /// An object.
    pub(super) response: Option<Raw<'a>>,
    /// Media that belong to it.
    pub(super) media: Vec<Content<'a>>,
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
        let mut scanner = Scanner::over(raw.text().as_bytes(), &DEEP).map_err(unreadable)?;
        Self::scan(&mut scanner).map_err(unreadable)?
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
            let value = scanner.value()?;
            if result.is_ok() && value.kind != Kind::Null {
                let written = scanner.raw(&value);
                result = part.member(&camel(&key.name()), value.kind, written);
            }
            Ok(())
        })?;
        Ok(result.map(|()| part))
    }

    fn member(&mut self, name: &str, kind: Kind, written: &'a str) -> Result<(), Wrong> {
        if name == "text" {
            let inside = written
                .get(1..written.len() - 1)
                .filter(|_| kind == Kind::String);
            let text = inside.ok_or_else(|| Wrong::new(name, "a string"))?;
            self.set(Payload::Text(Text::escaped(text)));
            return Ok(());
        }
        let below = |wrong: Wrong| wrong.below(name);
        let value = Raw::parse(written, &DEEP).map_err(|_| Wrong::new(name, "well-formed"))?;
        match name {
            "inlineData" => self.set(Payload::Media(media::inline(value).map_err(below)?)),
            "fileData" => self.set(Payload::Media(media::file(value).map_err(below)?)),
            "functionCall" => self.set(Payload::Call(Call::read(value).map_err(below)?)),
            "functionResponse" => {
                self.set(Payload::Response(Response::read(value).map_err(below)?));
            }
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
    fn read(raw: Raw<'a>) -> Result<Self, Wrong> {
        let mut call = Self::default();
        each_member(object("", raw)?, |name, value| {
            match name {
                "id" => call.id = filled(text(name, value)?),
                "name" => call.name = text(name, value)?,
                "args" => call.args = Some(object(name, value)?),
                "partialArgs" => call.is_partial = true,
                "willContinue" => call.is_partial |= flag(name, value)?,
                _ => {}
            }
            Ok(())
        })?;
        named(&call.name)?;
        Ok(call)
    }
}

impl<'a> Response<'a> {
    fn read(raw: Raw<'a>) -> Result<Self, Wrong> {
        let mut read = Self::default();
        each_member(object("", raw)?, |name, value| {
            match name {
                "id" => read.id = filled(text(name, value)?),
                "name" => read.name = text(name, value)?,
                "response" => read.response = Some(object(name, value)?),
                "parts" => read.media = media_of(list(name, value)?)?,
                _ => {}
            }
            Ok(())
        })?;
        named(&read.name)?;
        Ok(read)
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
