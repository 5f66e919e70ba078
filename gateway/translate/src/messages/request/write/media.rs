//! Images and documents.

use super::base64;
use crate::write::Json;
use crate::{Media, Source, Text};

/// What images may be.
const IMAGES: [&str; 4] = ["image/jpeg", "image/png", "image/gif", "image/webp"];
const PDF: &str = "application/pdf";
/// What the base64 of each begins with.
const BEGINNINGS: [(&str, &str); 5] = [
    ("/9j/", "image/jpeg"),
    ("iVBOR", "image/png"),
    ("R0lG", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBER", PDF),
];

/// A medium as this format takes it.
pub(super) struct Medium<'t> {
    is_image: bool,
    place: Place<'t>,
    title: Option<&'t Text<'t>>,
}

enum Place<'t> {
    Base64(&'static str, Text<'t>),
    Text(Text<'t>),
    Url(Text<'t>),
    Id(Text<'t>),
}

/// An image; `None` if the format does not take it.
pub(super) fn image<'t>(media: &'t Media<'_>) -> Option<Medium<'t>> {
    let place = place(media)?;
    let fits = match &place {
        Place::Base64(media_type, _) => *media_type != PDF,
        Place::Url(_) | Place::Id(_) => true,
        Place::Text(_) => false,
    };
    fits.then_some(Medium {
        is_image: true,
        place,
        title: None,
    })
}

/// A document: PDF or text. What turns out to be an image goes as one.
pub(super) fn document<'t>(media: &'t Media<'_>) -> Option<Medium<'t>> {
    let place = place(media)?;
    let is_image = match &place {
        Place::Base64(media_type, _) => *media_type != PDF,
        Place::Url(_) => match media.media_type.as_ref().map(Text::unescaped).as_deref() {
            Some(said) if IMAGES.contains(&said) => true,
            Some(PDF) | None => false,
            // What is fetched from an address is taken for PDF.
            Some(_) => return None,
        },
        Place::Text(_) | Place::Id(_) => false,
    };
    Some(Medium {
        is_image,
        place,
        title: media.name.as_ref().filter(|_| !is_image),
    })
}

impl Medium<'_> {
    /// Writes the members of the block.
    pub(super) fn write(&self, json: &mut Json) {
        json.key("type")
            .str(if self.is_image { "image" } else { "document" });
        json.key("source").object(|json| match &self.place {
            Place::Base64(media_type, data) => {
                json.key("type").str("base64");
                json.key("media_type").str(media_type);
                json.key("data").text(data);
            }
            Place::Text(text) => {
                json.key("type").str("text");
                json.key("media_type").str("text/plain");
                json.key("data").text(text);
            }
            Place::Url(url) => {
                json.key("type").str("url");
                json.key("url").text(url);
            }
            Place::Id(id) => {
                json.key("type").str("file");
                json.key("file_id").text(id);
            }
        });
        if let Some(title) = self.title {
            json.key("title").text(title);
        }
    }
}

fn place<'t>(media: &'t Media<'_>) -> Option<Place<'t>> {
    let said = media.media_type.as_ref().map(Text::unescaped);
    match &media.source {
        Source::Text(text) => Some(Place::Text(text.borrowed())),
        Source::Base64(data) => here(said.as_deref(), data.borrowed()),
        Source::Url(url) => {
            if let Some((media_type, data)) = data_url(url) {
                return here(media_type.or(said.as_deref()), data);
            }
            let is_web = ["https:", "http:"]
                .iter()
                .any(|scheme| url.as_written().starts_with(scheme));
            is_web.then(|| Place::Url(url.borrowed()))
        }
        // An id of this provider's; those of others mean nothing to it.
        Source::Id(id) => id
            .as_written()
            .starts_with("file_")
            .then(|| Place::Id(id.borrowed())),
    }
}

/// Media type, if it names one, and base64 of a data URL.
fn data_url<'t>(url: &'t Text<'_>) -> Option<(Option<&'t str>, Text<'t>)> {
    let written = url.as_written();
    let comma = memchr::memchr(b',', written.as_bytes())?;
    let (head, _) = written.split_at_checked(comma)?;
    let head = head.strip_prefix("data:")?.strip_suffix(";base64")?;
    let media_type = head.split(';').next().filter(|name| !name.is_empty());
    Some((media_type, url.part(comma + 1, written.len())))
}

/// What is given in base64, by what it is said to be; where nothing is said, by its first bytes.
fn here<'t>(said: Option<&str>, data: Text<'t>) -> Option<Place<'t>> {
    let Some(said) = said else {
        let known = BEGINNINGS
            .iter()
            .find(|(beginning, _)| data.as_written().starts_with(beginning));
        return known.map(|(_, media_type)| Place::Base64(media_type, data));
    };
    // Data URLs may have the slash, and some writers of JSON every slash, escaped.
    let said = said.replace('\\', "").to_ascii_lowercase();
    let said = said.split(';').next().unwrap_or_default().trim();
    let said = if said == "image/jpg" {
        "image/jpeg"
    } else {
        said
    };
    if let Some(known) = IMAGES.into_iter().chain([PDF]).find(|known| *known == said) {
        return Some(Place::Base64(known, data));
    }
    if said.starts_with("text/") || matches!(said, "application/json" | "application/xml") {
        let bytes = base64::decode(&data.unescaped())?;
        let text = String::from_utf8(bytes).ok()?;
        return Some(Place::Text(Text::plain(&text).into_owned()));
    }
    None
}
