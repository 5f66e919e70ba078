//! Images, documents, films and sounds: bytes, or where they lie in Amazon's store. Nobody here fetches what lies elsewhere.

mod formats;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::documents::Documents;
use crate::write::Json;
use crate::{Media, Source, Text};
use formats::{Format, Kind};

/// A medium as this format takes it.
pub(super) struct Medium<'t> {
    format: Format,
    /// Of a document.
    name: Option<String>,
    place: Place<'t>,
}

enum Place<'t> {
    Base64(Text<'t>),
    Plain(&'t Text<'t>),
    /// An address that begins with `s3://`.
    Store(Text<'t>),
}

/// A medium; `None` if the format does not take it.
pub(super) fn medium<'t>(media: &'t Media<'_>, documents: &mut Documents) -> Option<Medium<'t>> {
    let (place, named) = place(media)?;
    let said = named.or_else(|| {
        media
            .media_type
            .as_ref()
            .map(|said| said.unescaped().into())
    });
    let name = media.name.as_ref().map(Text::unescaped);
    let by_name = || formats::by_name(name.as_deref()?);
    let format = match &place {
        Place::Plain(_) => said
            .and_then(|said| formats::by_type(&said))
            .filter(|format| format.kind == Kind::Document)
            .or_else(by_name)
            .or(Some(formats::PLAIN)),
        Place::Base64(data) => match said {
            Some(said) if !formats::says_nothing(&said) => formats::by_type(&said),
            _ => formats::by_beginning(data.as_written()).or_else(by_name),
        },
        Place::Store(uri) => said
            .and_then(|said| formats::by_type(&said))
            .or_else(|| formats::by_name(&uri.unescaped()))
            .or_else(by_name),
    }?;
    let is_document = format.kind == Kind::Document;
    Some(Medium {
        format,
        name: is_document.then(|| documents.name(name.as_deref(), format.name)),
        place,
    })
}

impl Medium<'_> {
    pub(super) fn is_image(&self) -> bool {
        self.format.kind == Kind::Image
    }

    pub(super) fn is_audio(&self) -> bool {
        self.format.kind == Kind::Audio
    }

    /// The name of a document.
    pub(super) fn document(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Whether it is a document whose text Bedrock takes out of it, rather than the model.
    pub(super) fn becomes_text(&self) -> bool {
        self.format.kind == Kind::Document && self.format.name != "pdf"
    }

    /// Writes the member of the block.
    pub(super) fn write(&self, json: &mut Json) {
        json.key(self.format.kind.name()).object(|json| {
            json.key("format").str(self.format.name);
            if let Some(name) = &self.name {
                json.key("name").str(name);
            }
            json.key("source").object(|json| match &self.place {
                Place::Base64(data) => json.key("bytes").text(data),
                Place::Plain(text) => {
                    let bytes = STANDARD.encode(text.unescaped().as_bytes());
                    json.key("bytes").str(&bytes);
                }
                Place::Store(uri) => json
                    .key("s3Location")
                    .object(|json| json.key("uri").text(uri)),
            });
        });
    }
}

/// Where it is, and what a data URL names it.
fn place<'t>(media: &'t Media<'_>) -> Option<(Place<'t>, Option<String>)> {
    match &media.source {
        Source::Text(text) if text.is_empty() => None,
        Source::Text(text) => Some((Place::Plain(text), None)),
        Source::Base64(data) if data.is_empty() => None,
        Source::Base64(data) => Some((Place::Base64(data.borrowed()), None)),
        Source::Url(address) | Source::Id(address) => {
            if let Some((media_type, data)) = data_url(address) {
                return Some((Place::Base64(data), media_type));
            }
            let is_store = address.unescaped().starts_with("s3://");
            is_store.then(|| (Place::Store(address.borrowed()), None))
        }
    }
}

/// Media type, if it names one, and base64 of a data URL.
fn data_url<'t>(url: &'t Text<'_>) -> Option<(Option<String>, Text<'t>)> {
    let written = url.as_written();
    let comma = memchr::memchr(b',', written.as_bytes())?;
    let (head, _) = written.split_at_checked(comma)?;
    let head = head.strip_prefix("data:")?.strip_suffix(";base64")?;
    let named = head.split(';').next().filter(|name| !name.is_empty());
    let named = named.map(|name| Text::escaped(name).unescaped().into_owned());
    let data = url.part(comma + 1, written.len());
    (!data.is_empty()).then_some((named, data))
}
