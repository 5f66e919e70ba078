//! Images, files and sounds.

use fairlead_json::Raw;

use super::super::path::Path;
use super::super::raw::{self, filled, required};
use super::parts::Part;
use crate::conversation::Media;
use crate::{RequestError, Source, Text};

/// What the bytes of a file begin with, in base64.
const BEGINNINGS: [(&str, &str); 6] = [
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi", "application/pdf"),
    ("UEsDB", "application/zip"),
];

/// What the name of a file ends with.
const ENDINGS: [(&str, &str); 8] = [
    (".pdf", "application/pdf"),
    (".txt", "text/plain"),
    (".md", "text/markdown"),
    (".csv", "text/csv"),
    (".html", "text/html"),
    (".json", "application/json"),
    (".xml", "application/xml"),
    (
        ".docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
];

pub(super) fn image<'a>(part: &Part<'a>, path: &Path<'_>) -> Result<Media<'a>, RequestError> {
    let detail = optional(part.detail, &path.member("detail"))?;
    let (source, media_type) = match (part.image_url, filled(part.file_id)) {
        (Some(url), _) => located(raw::text(url, &path.member("image_url"))?),
        (None, Some(id)) => (Source::Id(id), None),
        (None, None) => return Err(path.wrong("an image with an image_url or a file_id")),
    };
    Ok(Media {
        source,
        media_type,
        name: None,
        detail,
    })
}

pub(super) fn file<'a>(part: &Part<'a>, path: &Path<'_>) -> Result<Media<'a>, RequestError> {
    let name = optional(part.filename, &path.member("filename"))?;
    let detail = optional(part.detail, &path.member("detail"))?;
    let (source, media_type) = match (part.file_data, part.file_url, filled(part.file_id)) {
        (Some(data), ..) => {
            let data = raw::text(data, &path.member("file_data"))?;
            let (source, media_type) = located(data);
            match source {
                // Data without the beginning of a data URL is bare base64.
                Source::Url(data) => {
                    let media_type = guessed(&data, name.as_ref());
                    (Source::Base64(data), Some(Text::plain(media_type)))
                }
                source @ (Source::Base64(_) | Source::Text(_) | Source::Id(_)) => {
                    (source, media_type)
                }
            }
        }
        (None, Some(url), _) => located(raw::text(url, &path.member("file_url"))?),
        (None, None, Some(id)) => (Source::Id(id), None),
        (None, None, None) => {
            return Err(path.wrong("a file with file_data, a file_url or a file_id"));
        }
    };
    Ok(Media {
        source,
        media_type,
        name,
        detail,
    })
}

pub(super) fn audio<'a>(part: &Part<'a>, path: &Path<'_>) -> Result<Media<'a>, RequestError> {
    let path = path.member("input_audio");
    let audio = part.audio.ok_or_else(|| path.wrong("an object"))?;
    let (mut data, mut format) = (None, None);
    raw::object(audio, &path, |name, value| {
        match name {
            "data" => data = Some(value),
            "format" => format = Some(value),
            _ => {}
        }
        Ok(())
    })?;
    let media_type = match &*required(format, &path.member("format"))?.unescaped() {
        "wav" => "audio/wav",
        "mp3" => "audio/mpeg",
        _ => return Err(path.member("format").wrong("wav or mp3")),
    };
    Ok(Media {
        source: Source::Base64(required(data, &path.member("data"))?),
        media_type: Some(Text::plain(media_type)),
        name: None,
        detail: None,
    })
}

fn optional<'a>(value: Option<Raw<'a>>, path: &Path<'_>) -> Result<Option<Text<'a>>, RequestError> {
    value.map(|value| raw::text(value, path)).transpose()
}

/// An address, or what a data URL holds.
fn located(url: Text<'_>) -> (Source<'_>, Option<Text<'_>>) {
    let Some((media_type, start)) = data_url(url.as_written()) else {
        return (Source::Url(url), None);
    };
    let data = url.part(start, url.as_written().len());
    let media_type = match &*media_type {
        "" => Text::plain(guessed(&data, None)),
        "image/jpg" => Text::plain("image/jpeg"),
        other => Text::plain(other).into_owned(),
    };
    (Source::Base64(data), Some(media_type))
}

/// The media type of a data URL in base64, without parameters, and where its data begins.
fn data_url(written: &str) -> Option<(String, usize)> {
    let scheme = written.get(..5)?;
    if !scheme.eq_ignore_ascii_case("data:") {
        return None;
    }
    let comma = memchr::memchr(b',', written.as_bytes())?;
    let head = Text::escaped(written.get(5..comma)?);
    let head = head.unescaped();
    let (media_type, last) = head.rsplit_once(';')?;
    if !last.trim().eq_ignore_ascii_case("base64") {
        return None;
    }
    let media_type = media_type.split(';').next().unwrap_or_default();
    Some((media_type.trim().to_ascii_lowercase(), comma + 1))
}

/// What data is, by its bytes or else by its name.
fn guessed(data: &Text<'_>, name: Option<&Text<'_>>) -> &'static str {
    let start: String = data.as_written().chars().take(32).collect();
    let start = start.replace("\\/", "/");
    let by_bytes = BEGINNINGS
        .iter()
        .filter(|(_, media_type)| *media_type != "application/zip" || name.is_none())
        .find(|(beginning, _)| start.starts_with(beginning));
    let name = name.map(|name| name.unescaped().to_ascii_lowercase());
    let by_name = || {
        let name = name.as_deref()?;
        ENDINGS.iter().find(|(ending, _)| name.ends_with(ending))
    };
    by_bytes
        .or_else(by_name)
        .map_or("application/octet-stream", |(_, media_type)| media_type)
}
