//! Blocks become parts of messages and of outputs.

use super::super::path::Path;
use super::written::{cannot, note_cache};
use crate::conversation::Media;
use crate::write::Json;
use crate::{Block, Content, Notes, Source, Text};

/// What a tool gave back. That it failed has no place here; where no word of it says so, this does.
pub(super) fn output(
    json: &mut Json,
    content: &[Block<'_>],
    is_error: bool,
    path: &Path<'_>,
    notes: &mut Notes,
) {
    let says = content
        .iter()
        .any(|block| matches!(&block.content, Content::Text(text) if !text.is_blank()));
    if is_error && !says {
        return json.str("The tool failed.");
    }
    match content {
        [] => json.str(""),
        [only] if matches!(only.content, Content::Text(_)) => {
            note_cache(only, notes);
            if let Content::Text(text) = &only.content {
                json.text(text);
            }
        }
        blocks => json.array(|json| {
            for block in blocks {
                part(json, block, false, path, notes);
            }
        }),
    }
}

pub(super) fn part(
    json: &mut Json,
    block: &Block<'_>,
    said: bool,
    path: &Path<'_>,
    notes: &mut Notes,
) {
    note_cache(block, notes);
    match &block.content {
        Content::Text(text) => {
            let kind = if said { "output_text" } else { "input_text" };
            text_part(json, kind, &[text]);
        }
        Content::Refusal(refusal) if said => json.object(|json| {
            json.key("type").str("refusal");
            json.key("refusal").text(refusal);
        }),
        Content::Refusal(text) => text_part(json, "input_text", &[text]),
        Content::Image(media) if !said => image(json, media, path, notes),
        Content::File(media) if !said => file(json, media),
        Content::Image(_) => cannot(notes, path, "image"),
        Content::File(_) => cannot(notes, path, "file"),
        // OpenAI's reference has no sound in an input.
        Content::Audio(_) => cannot(notes, path, "audio"),
        Content::Other(kind) => cannot(notes, path, kind),
        Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. }
        | Content::Result { .. } => cannot(notes, path, "content"),
    }
}

fn text_part(json: &mut Json, kind: &str, texts: &[&Text<'_>]) {
    json.object(|json| {
        json.key("type").str(kind);
        json.key("text").texts(texts.iter().copied());
    });
}

fn image(json: &mut Json, media: &Media<'_>, path: &Path<'_>, notes: &mut Notes) {
    if matches!(media.source, Source::Text(_)) {
        return cannot(notes, path, "image");
    }
    json.object(|json| {
        json.key("type").str("input_image");
        match &media.source {
            Source::Base64(data) => data_url(json, "image_url", media, data),
            Source::Url(url) => json.key("image_url").text(url),
            Source::Id(id) => json.key("file_id").text(id),
            Source::Text(_) => {}
        }
        let auto = Text::plain("auto");
        json.key("detail")
            .text(media.detail.as_ref().unwrap_or(&auto));
    });
}

fn file(json: &mut Json, media: &Media<'_>) {
    if let Source::Text(text) = &media.source {
        return match &media.name {
            Some(name) => text_part(json, "input_text", &[name, &Text::plain("\n\n"), text]),
            None => text_part(json, "input_text", &[text]),
        };
    }
    json.object(|json| {
        json.key("type").str("input_file");
        match &media.source {
            Source::Base64(data) => {
                // Data must have a name.
                let name = Text::plain("file");
                json.key("filename")
                    .text(media.name.as_ref().unwrap_or(&name));
                data_url(json, "file_data", media, data);
            }
            Source::Url(url) => json.key("file_url").text(url),
            Source::Id(id) => json.key("file_id").text(id),
            Source::Text(_) => {}
        }
        if let Some(detail) = &media.detail {
            json.key("detail").text(detail);
        }
    });
}

fn data_url(json: &mut Json, name: &str, media: &Media<'_>, data: &Text<'_>) {
    let unknown = Text::plain("application/octet-stream");
    let media_type = media.media_type.as_ref().unwrap_or(&unknown);
    json.key(name).texts([
        &Text::plain("data:"),
        media_type,
        &Text::plain(";base64,"),
        data,
    ]);
}
