//! The parts of a message or an output.

use std::borrow::Cow;

use fairlead_json::{JsonError, Kind, Raw, Scanner};

use super::super::path::Path;
use super::super::raw::{self, required, words};
use super::media;
use crate::{Block, Cache, Content, RequestError, Text};

/// The members that any part has; null is absent.
#[derive(Debug, Default)]
pub(super) struct Part<'a> {
    kind: Option<Raw<'a>>,
    text: Option<Raw<'a>>,
    refusal: Option<Raw<'a>>,
    pub(super) image_url: Option<Raw<'a>>,
    pub(super) detail: Option<Raw<'a>>,
    pub(super) file_id: Option<Raw<'a>>,
    pub(super) file_data: Option<Raw<'a>>,
    pub(super) file_url: Option<Raw<'a>>,
    pub(super) filename: Option<Raw<'a>>,
    pub(super) audio: Option<Raw<'a>>,
    cache: Option<Cache>,
}

impl<'a> Part<'a> {
    fn note(&mut self, name: &str, value: Raw<'a>) {
        match name {
            "type" => self.kind = Some(value),
            "text" => self.text = Some(value),
            "refusal" => self.refusal = Some(value),
            "image_url" => self.image_url = Some(value),
            "detail" => self.detail = Some(value),
            "file_id" => self.file_id = Some(value),
            "file_data" => self.file_data = Some(value),
            "file_url" => self.file_url = Some(value),
            "filename" => self.filename = Some(value),
            "input_audio" => self.audio = Some(value),
            "prompt_cache_breakpoint" => self.cache = Some(Cache::Default),
            _ => {}
        }
    }
}

/// A string, or a list of parts.
pub(super) fn read<'a>(value: Raw<'a>, path: &Path<'_>) -> Result<Vec<Block<'a>>, RequestError> {
    let mut blocks = Vec::new();
    match value.kind() {
        Kind::String => blocks.push(Content::Text(raw::text(value, path)?).into()),
        Kind::Array => raw::objects(value, path, Part::note, |at, part| {
            blocks.push(block(&part, &path.element(at))?);
            Ok(())
        })?,
        Kind::Object | Kind::Number | Kind::Bool(_) | Kind::Null => {
            return Err(path.wrong("a string or a list of parts"));
        }
    }
    Ok(blocks)
}

/// A list of parts that comes next, up to the first that is wrong: all of a prompt may be in one.
pub(super) fn scan<'a>(
    scanner: &mut Scanner<'a>,
    path: &Path<'_>,
) -> Result<Result<Vec<Block<'a>>, RequestError>, JsonError> {
    let mut blocks = Ok(Vec::new());
    raw::scan_objects(scanner, note_next, |at, part: Option<Part<'a>>| {
        let Ok(read) = &mut blocks else { return };
        let path = path.element(at);
        match part.map_or_else(|| Err(path.wrong("an object")), |part| block(&part, &path)) {
            Ok(block) => read.push(block),
            Err(wrong) => blocks = Err(wrong),
        }
    })?;
    Ok(blocks)
}

fn note_next<'a>(
    part: &mut Part<'a>,
    _: usize,
    name: &str,
    scanner: &mut Scanner<'a>,
) -> Result<(), JsonError> {
    let value = scanner.value()?;
    if value.kind != Kind::Null {
        part.note(name, scanner.found(&value));
    }
    Ok(())
}

fn block<'a>(part: &Part<'a>, path: &Path<'_>) -> Result<Block<'a>, RequestError> {
    let kind = required(part.kind, &path.member("type"))?;
    let content = match &*kind.unescaped() {
        "input_text" | "output_text" | "text" => {
            Content::Text(required(part.text, &path.member("text"))?)
        }
        "refusal" => Content::Refusal(required(part.refusal, &path.member("refusal"))?),
        "input_image" => Content::Image(media::image(part, path)?),
        "input_file" => Content::File(media::file(part, path)?),
        "input_audio" => Content::Audio(media::audio(part, path)?),
        kind => Content::Other(Cow::Owned(kind.to_owned())),
    };
    Ok(Block {
        content,
        cache: part.cache,
    })
}

/// Adds what the parts of a reasoning item say.
pub(super) fn thoughts<'a>(
    list: Raw<'a>,
    path: &Path<'_>,
    texts: &mut Vec<Text<'a>>,
) -> Result<(), RequestError> {
    raw::objects(list, path, Part::note, |at, part: Part<'a>| {
        let path = path.element(at);
        match &*words(part.kind) {
            "summary_text" | "reasoning_text" | "text" => {
                let text = required(part.text, &path.member("text"))?;
                texts.extend(Some(text).filter(|text| !text.is_empty()));
                Ok(())
            }
            _ => Err(path.member("type").wrong("summary_text or reasoning_text")),
        }
    })
}
