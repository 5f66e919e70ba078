//! What a message says, in one string or in parts.

use std::borrow::Cow;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use super::{settings, wrong};
use crate::chat::lenient::{filled, inside, some};
use crate::chat::thought::{signature, thinking_part};
use crate::{Block, Content, Media, Origin, RequestError, Source, Text};

/// What `content` must be.
pub(super) const EXPECTED: &str = "a string or a list of parts, each an object with a \"type\"";

/// Reads the `content` of the message that stands `at`.
pub(super) fn read<'a>(
    content: Raw<'a>,
    at: usize,
    blocks: &mut Vec<Block<'a>>,
) -> Result<(), RequestError> {
    if let Some(text) = Text::of(content) {
        blocks.push(Content::Text(text).into());
        return Ok(());
    }
    if content.kind() != Kind::Array {
        return Err(wrong(format!("messages[{at}].content"), EXPECTED));
    }
    let (mut place, mut failed) = (0_usize, None);
    let mut scanner = Scanner::over(content.text().as_bytes(), &Limits::default())?;
    scanner.array(|scanner| {
        let part = Part::read(scanner)?;
        let block = match part {
            Some(part) => part.block(),
            None => Err("an object with a \"type\""),
        };
        match block {
            Ok(block) => blocks.push(block),
            Err(expected) => {
                failed.get_or_insert_with(|| {
                    wrong(format!("messages[{at}].content[{place}]"), expected)
                });
            }
        }
        place += 1;
        Ok(())
    })?;
    failed.map_or(Ok(()), Err)
}

#[derive(Default)]
struct Part<'a> {
    kind: Option<Raw<'a>>,
    text: Option<Raw<'a>>,
    refusal: Option<Raw<'a>>,
    medium: Option<Raw<'a>>,
    thinking: Option<Raw<'a>>,
    signature: Option<Raw<'a>>,
    cache_control: Option<Raw<'a>>,
}

impl<'a> Part<'a> {
    fn read(scanner: &mut Scanner<'a>) -> Result<Option<Self>, JsonError> {
        if scanner.peek() != Some(b'{') {
            scanner.skip()?;
            return Ok(None);
        }
        let mut part = Self::default();
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            let value = scanner.found(&value);
            match &*key.name() {
                "type" => part.kind = Some(value),
                "text" => part.text = Some(value),
                "refusal" => part.refusal = Some(value),
                "image_url" | "input_audio" | "file" => part.medium = some(value),
                "thinking" => part.thinking = some(value),
                "signature" => part.signature = Some(value),
                "cache_control" => part.cache_control = Some(value),
                _ => {}
            }
            Ok(())
        })?;
        Ok(Some(part))
    }

    fn block(&self) -> Result<Block<'a>, &'static str> {
        let text = |raw: Option<Raw<'a>>, expected| raw.and_then(Text::of).ok_or(expected);
        let content = match self.kind.map(inside).filter(|kind| !kind.is_empty()) {
            Some("text") => Content::Text(text(self.text, "a part with a \"text\"")?),
            Some("refusal") => Content::Refusal(text(self.refusal, "a part with a \"refusal\"")?),
            Some("image_url") => Content::Image(image(self.medium)?),
            Some("input_audio") => Content::Audio(audio(self.medium)?),
            Some("file") => Content::File(file(self.medium)?),
            Some("thinking") => Content::Reasoning {
                text: self.thinking.map(thinking_part).unwrap_or_default(),
                signature: self
                    .signature
                    .filter(|raw| filled(*raw).is_some())
                    .map(|raw| signature(raw, Origin::Unknown)),
            },
            Some(kind) => Content::Other(kind.into()),
            None => return Err("an object with a \"type\""),
        };
        Ok(Block {
            content,
            cache: self.cache_control.and_then(settings::read_cache),
        })
    }
}

fn image(medium: Option<Raw<'_>>) -> Result<Media<'_>, &'static str> {
    let expected = "a part with an \"image_url\" whose \"url\" is an address or data in base64 (\"data:image/png;base64,..\")";
    let medium = medium.ok_or(expected)?;
    let (mut url, mut detail) = (Some(medium), None);
    medium.each_member(|name, value| match &*name {
        "url" => url = Some(value),
        "detail" => detail = filled(value),
        _ => {}
    });
    let url = url.ok_or(expected)?;
    let (source, media_type) = located(url, false, None).ok_or(expected)?;
    Ok(Media {
        source,
        media_type,
        name: None,
        detail,
    })
}

fn audio(medium: Option<Raw<'_>>) -> Result<Media<'_>, &'static str> {
    let expected = "a part with an \"input_audio\" that has \"data\" in base64 and a \"format\"";
    let (mut data, mut format) = (None, "");
    medium
        .ok_or(expected)?
        .each_member(|name, value| match &*name {
            "data" => data = filled(value).map(|_| value),
            "format" => format = inside(value),
            _ => {}
        });
    let media_type = match format {
        "" => return Err(expected),
        "wav" => Text::escaped("audio/wav"),
        "mp3" => Text::escaped("audio/mpeg"),
        other => Text::escaped(format!("audio/{other}")),
    };
    Ok(Media {
        source: Source::Base64(tail(plain(data.ok_or(expected)?), 0)),
        media_type: Some(media_type),
        name: None,
        detail: None,
    })
}

fn file(medium: Option<Raw<'_>>) -> Result<Media<'_>, &'static str> {
    let expected = "a part with a \"file\" that has a \"file_id\", or \"file_data\" in base64 (\"data:application/pdf;base64,..\")";
    let (mut data, mut id, mut name) = (None, None, None);
    medium
        .ok_or(expected)?
        .each_member(|key, value| match &*key {
            "file_data" => data = filled(value).map(|_| value),
            "file_id" => id = filled(value),
            "filename" => name = filled(value),
            _ => {}
        });
    let (source, media_type) = match (data, id) {
        (Some(data), _) => located(data, true, name.as_ref()).ok_or(expected)?,
        (None, Some(id)) => (Source::Id(id), None),
        (None, None) => return Err(expected),
    };
    Ok(Media {
        source,
        media_type,
        name,
        detail: None,
    })
}

/// Where a medium is, and of what type: a data URL, an address, or, of a file, bare base64.
fn located<'a>(
    raw: Raw<'a>,
    bare: bool,
    name: Option<&Text<'a>>,
) -> Option<(Source<'a>, Option<Text<'a>>)> {
    let text = plain(raw);
    let guessed = |data| sniffed(data).or_else(|| name.and_then(by_name));
    let Some(rest) = text.strip_prefix("data:") else {
        if text.contains("://") {
            return Some((Source::Url(tail(text, 0)), None));
        }
        let media_type = guessed(&*text).filter(|_| bare)?;
        return Some((
            Source::Base64(tail(text, 0)),
            Some(Text::escaped(media_type)),
        ));
    };
    let (head, data) = rest.split_once(',')?;
    let stated = head.strip_suffix(";base64")?.split(';').next();
    let media_type = match stated.unwrap_or_default() {
        "" | "application/octet-stream" => {
            Text::escaped(guessed(data).unwrap_or("application/octet-stream"))
        }
        "image/jpg" => Text::escaped("image/jpeg"),
        stated => Text::plain(stated).into_owned(),
    };
    let start = text.len() - data.len();
    Some((Source::Base64(tail(text, start)), Some(media_type)))
}

/// What a string says. Some writers escape the slashes of addresses and data, which others copy into texts that are no JSON.
fn plain(raw: Raw<'_>) -> Cow<'_, str> {
    let written = inside(raw);
    if memchr::memchr(b'\\', written.as_bytes()).is_some() {
        return Cow::Owned(fairlead_json::unescape_lossy(written));
    }
    Cow::Borrowed(written)
}

/// What a text says from there on.
fn tail(text: Cow<'_, str>, start: usize) -> Text<'_> {
    match text {
        Cow::Borrowed(text) => Text::escaped(text.get(start..).unwrap_or_default()),
        Cow::Owned(text) => Text::plain(text.get(start..).unwrap_or_default()).into_owned(),
    }
}

/// What the first bytes say, in base64.
fn sniffed(data: &str) -> Option<&'static str> {
    const BEGINNINGS: [(&str, &str); 6] = [
        ("JVBERi", "application/pdf"),
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
        ("UEsDB", "application/zip"),
    ];
    let found = BEGINNINGS
        .iter()
        .find(|(beginning, _)| data.starts_with(beginning));
    found.map(|(_, media_type)| *media_type)
}

fn by_name(name: &Text<'_>) -> Option<&'static str> {
    let name = name.unescaped();
    let (_, extension) = name.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "html" => "text/html",
        "json" => "application/json",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        _ => return None,
    })
}
