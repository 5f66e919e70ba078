//! What is said, as a string or as parts.

use super::super::Host;
use super::source_length;
use super::tools::write_cache;
use crate::write::Json;
use crate::{Arguments, Block, Content, Media, Notes, Source, Text};

/// Writes blocks as the next value. What cannot be said in a message of the caller's side is noted under its path.
pub(super) fn write(
    json: &mut Json,
    blocks: &[(usize, &Block<'_>)],
    here: &str,
    host: &Host,
    notes: &mut Notes,
) {
    for (place, block) in blocks {
        if !can_be_said(block) {
            notes.cannot(path(here, *place, block));
        }
    }
    let mut sayable = blocks.iter().filter(|(_, block)| can_be_said(block));
    match (sayable.next(), sayable.next()) {
        (None, _) => json.str(""),
        (Some((_, one)), None) if is_plain(one, host) => {
            if one.cache.is_some() {
                notes.drops("cache_control");
            }
            if let Content::Text(text) = &one.content {
                json.text(text);
            }
        }
        _ => json.array(|json| {
            for (_, block) in blocks {
                write_part(json, block, host, notes);
            }
        }),
    }
}

/// Where a block stands, and what it is if it has no name here.
pub(super) fn path(here: &str, place: usize, block: &Block<'_>) -> String {
    if let Content::Other(kind) = &block.content {
        format!("{here}.content[{place}] ({kind})")
    } else {
        format!("{here}.content[{place}]")
    }
}

/// Whether a block goes into a message as a string.
fn is_plain(block: &Block<'_>, host: &Host) -> bool {
    matches!(block.content, Content::Text(_)) && (block.cache.is_none() || !host.cache_control)
}

/// Whether a message of the caller's side can hold a block.
pub(super) fn can_be_said(block: &Block<'_>) -> bool {
    match &block.content {
        Content::Text(_) => true,
        Content::Image(media) => matches!(media.source, Source::Base64(_) | Source::Url(_)),
        Content::File(media) => !matches!(media.source, Source::Url(_)),
        Content::Audio(media) => {
            matches!(media.source, Source::Base64(_)) && audio_format(media).is_some()
        }
        Content::Refusal(_)
        | Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. }
        | Content::Result { .. }
        | Content::Other(_) => false,
    }
}

/// One part, as the next value; nothing if it cannot be said.
pub(super) fn write_part(json: &mut Json, block: &Block<'_>, host: &Host, notes: &mut Notes) {
    if !can_be_said(block) {
        return;
    }
    json.object(|json| {
        match &block.content {
            Content::Text(text) => write_text(json, text),
            Content::Image(media) => write_image(json, media),
            Content::File(media) => write_file(json, media),
            Content::Audio(media) => write_audio(json, media),
            Content::Refusal(_)
            | Content::Reasoning { .. }
            | Content::Redacted(_)
            | Content::Call { .. }
            | Content::Result { .. }
            | Content::Other(_) => {}
        }
        write_cache(json, block.cache, host, notes);
    });
}

fn write_text(json: &mut Json, text: &Text<'_>) {
    json.key("type").str("text");
    json.key("text").text(text);
}

fn write_image(json: &mut Json, media: &Media<'_>) {
    json.key("type").str("image_url");
    json.key("image_url").object(|json| {
        write_location(json.key("url"), media, "image/png");
        if let Some(detail) = &media.detail {
            json.key("detail").text(detail);
        }
    });
}

fn write_file(json: &mut Json, media: &Media<'_>) {
    // A document that is text is one that any model can read.
    if let Source::Text(text) = &media.source {
        json.key("type").str("text");
        let json = json.key("text");
        return match &media.name {
            Some(name) => json.texts([name, &Text::plain("\n\n"), text]),
            None => json.text(text),
        };
    }
    json.key("type").str("file");
    json.key("file").object(|json| {
        if let Source::Id(id) = &media.source {
            return json.key("file_id").text(id);
        }
        let name = json.key("filename");
        match &media.name {
            Some(given) => name.text(given),
            // There must be one, and its ending is looked at.
            None => name.str(&format!("document.{}", extension(media))),
        }
        write_location(json.key("file_data"), media, "application/pdf");
    });
}

fn extension(media: &Media<'_>) -> String {
    let media_type = media.media_type.as_ref().map(Text::unescaped);
    match media_type.as_deref() {
        None | Some("application/pdf") => "pdf".to_owned(),
        Some("text/plain") => "txt".to_owned(),
        Some("text/markdown") => "md".to_owned(),
        Some(other) => other
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect(),
    }
}

/// An address, or data as one.
fn write_location(json: &mut Json, media: &Media<'_>, default: &'static str) {
    match &media.source {
        Source::Url(url) => json.text(url),
        Source::Base64(data) => {
            let stated = media.media_type.as_ref().map(Text::borrowed);
            let media_type = stated.unwrap_or_else(|| Text::escaped(default));
            json.texts([
                &Text::escaped("data:"),
                &media_type,
                &Text::escaped(";base64,"),
                data,
            ]);
        }
        Source::Text(text) | Source::Id(text) => json.text(text),
    }
}

fn write_audio(json: &mut Json, media: &Media<'_>) {
    json.key("type").str("input_audio");
    json.key("input_audio").object(|json| {
        if let Source::Base64(data) = &media.source {
            json.key("data").text(data);
        }
        json.key("format")
            .str(audio_format(media).unwrap_or_default());
    });
}

/// The two formats of sound that there are.
fn audio_format(media: &Media<'_>) -> Option<&'static str> {
    let media_type = media.media_type.as_ref()?.unescaped();
    match media_type.to_ascii_lowercase().as_str() {
        "audio/wav" | "audio/x-wav" | "audio/wave" | "audio/vnd.wave" => Some("wav"),
        "audio/mpeg" | "audio/mp3" => Some("mp3"),
        _ => None,
    }
}

/// How long a block is, about.
pub(super) fn length(block: &Block<'_>) -> usize {
    match &block.content {
        Content::Text(text) | Content::Refusal(text) | Content::Reasoning { text, .. } => {
            text.as_written().len()
        }
        Content::Image(media) | Content::File(media) | Content::Audio(media) => {
            source_length(&media.source)
        }
        Content::Call { arguments, .. } => match arguments {
            Arguments::Object(raw) => raw.text().len() * 5 / 4,
            Arguments::Text(text) => text.as_written().len(),
        },
        Content::Result { content, .. } => content.iter().map(length).sum(),
        Content::Redacted(_) | Content::Other(_) => 0,
    }
}
