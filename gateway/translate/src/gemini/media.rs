//! Images, sounds and files: `inlineData` and `fileData`.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_json::Raw;

use super::members::{Wrong, each_member, object, text};
use crate::write::Json;
use crate::{Content, Media, Source, Text};

/// Addresses that Google reads by itself; every other one would have to be fetched first.
const FETCHED: [&str; 6] = [
    "gs://",
    "https://generativelanguage.googleapis.com/",
    "https://www.youtube.com/",
    "https://youtube.com/",
    "https://m.youtube.com/",
    "https://youtu.be/",
];

/// How the bytes of some kinds begin, in base64.
const BEGINNINGS: [(&str, &str); 5] = [
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "image/webp"),
    ("JVBERi", "application/pdf"),
];

/// `inlineData`, also under that name in a response's parts.
pub(super) fn inline(raw: Raw<'_>) -> Result<Content<'_>, Wrong> {
    let (mut media_type, mut data, mut name) = (None, None, None);
    each_member(object("", raw)?, |member, value| {
        match member {
            "mimeType" => media_type = Some(text(member, value)?),
            "data" => data = Some(text(member, value)?),
            "displayName" => name = Some(text(member, value)?),
            _ => {}
        }
        Ok(())
    })?;
    let data = data.ok_or_else(|| Wrong::new("data", "a string of base64"))?;
    let source = Source::Base64(standard(data));
    Ok(content(source, media_type, name))
}

/// `fileData`.
pub(super) fn file(raw: Raw<'_>) -> Result<Content<'_>, Wrong> {
    let (mut media_type, mut uri, mut name) = (None, None, None);
    each_member(object("", raw)?, |member, value| {
        match member {
            "mimeType" => media_type = Some(text(member, value)?),
            "fileUri" => uri = Some(text(member, value)?),
            "displayName" => name = Some(text(member, value)?),
            _ => {}
        }
        Ok(())
    })?;
    let uri = uri.ok_or_else(|| Wrong::new("fileUri", "a string"))?;
    let is_stored = FETCHED
        .iter()
        .take(2)
        .any(|store| uri.unescaped().starts_with(store));
    let source = if is_stored {
        Source::Id(uri)
    } else {
        Source::Url(uri)
    };
    Ok(content(source, media_type, name))
}

fn content<'a>(
    source: Source<'a>,
    media_type: Option<Text<'a>>,
    name: Option<Text<'a>>,
) -> Content<'a> {
    let kind = media_type.as_ref().map(Text::unescaped);
    let is = |prefix| kind.as_deref().is_some_and(|kind| kind.starts_with(prefix));
    let (is_image, is_audio) = (is("image/"), is("audio/"));
    drop(kind);
    let media = Media {
        source,
        media_type,
        name,
        detail: None,
    };
    match (is_image, is_audio) {
        (true, _) => Content::Image(media),
        (_, true) => Content::Audio(media),
        (false, false) => Content::File(media),
    }
}

/// Base64 in the standard alphabet and with its padding: SDKs write the one that is safe in URLs.
pub(super) fn standard(data: Text<'_>) -> Text<'_> {
    let written = data.as_written();
    let is_standard = memchr::memchr3(b'-', b'_', b'\\', written.as_bytes()).is_none();
    if is_standard && written.len().is_multiple_of(4) {
        return data;
    }
    let unescaped = data.unescaped();
    let mut standard: String = unescaped
        .chars()
        .filter(|character| !character.is_ascii_whitespace())
        .map(|character| match character {
            '-' => '+',
            '_' => '/',
            other => other,
        })
        .collect();
    while !standard.len().is_multiple_of(4) {
        standard.push('=');
    }
    Text::plain(&standard).into_owned()
}

/// How a medium goes to Google.
pub(super) enum Sent<'m> {
    /// As bytes.
    Inline {
        /// What they are.
        media_type: Cow<'m, str>,
        /// In base64.
        data: Text<'m>,
    },
    /// As bytes of a text.
    Plain(&'m Text<'m>),
    /// By its address.
    Uri {
        /// What is there, if that is known.
        media_type: Option<Cow<'m, str>>,
        /// The address.
        uri: Text<'m>,
    },
}

/// `None`: it cannot, for nobody here fetches what lies elsewhere, nor guesses what bytes are.
pub(super) fn sent<'m>(media: &'m Media<'_>) -> Option<Sent<'m>> {
    match &media.source {
        Source::Base64(data) => inlined(media, data.borrowed(), None),
        Source::Text(text) => Some(Sent::Plain(text)),
        Source::Url(url) => by_url(media, url),
        Source::Id(id) => is_fetched(id).then(|| Sent::Uri {
            media_type: media_type(media),
            uri: id.borrowed(),
        }),
    }
}

fn by_url<'m>(media: &'m Media<'_>, url: &'m Text<'_>) -> Option<Sent<'m>> {
    if is_fetched(url) {
        return Some(Sent::Uri {
            media_type: media_type(media),
            uri: url.borrowed(),
        });
    }
    let unescaped = url.unescaped();
    let (head, data) = unescaped.strip_prefix("data:")?.split_once(',')?;
    let head = head.strip_suffix(";base64")?;
    let named = head.split(';').next().unwrap_or_default().to_owned();
    let data = match url.as_written().split_once(',') {
        Some((_, written)) if written.len() == data.len() => Text::escaped(written),
        _ => Text::plain(data).into_owned(),
    };
    inlined(media, data, Some(named).filter(|named| !named.is_empty()))
}

fn inlined<'m>(media: &'m Media<'_>, data: Text<'m>, named: Option<String>) -> Option<Sent<'m>> {
    let media_type = named
        .map(|named| Cow::Owned(mended(named)))
        .or_else(|| media_type(media))
        .or_else(|| told_by_bytes(&data))?;
    let data = standard(data);
    Some(Sent::Inline { media_type, data })
}

fn media_type<'m>(media: &'m Media<'_>) -> Option<Cow<'m, str>> {
    let named = media.media_type.as_ref()?.unescaped();
    if named.is_empty() {
        return None;
    }
    Some(if named == "image/jpg" {
        Cow::Borrowed("image/jpeg")
    } else {
        named
    })
}

fn mended(media_type: String) -> String {
    if media_type == "image/jpg" {
        return "image/jpeg".to_owned();
    }
    media_type
}

fn told_by_bytes(data: &Text<'_>) -> Option<Cow<'static, str>> {
    BEGINNINGS
        .iter()
        .find(|(beginning, _)| data.as_written().starts_with(beginning))
        .map(|(_, media_type)| Cow::Borrowed(*media_type))
}

fn is_fetched(uri: &Text<'_>) -> bool {
    let uri = uri.unescaped();
    FETCHED.iter().any(|known| uri.starts_with(known))
}

/// Writes it as the member of a part that is open.
pub(super) fn write(sent: &Sent<'_>, json: &mut Json) {
    match sent {
        Sent::Inline { media_type, data } => json.key("inlineData").object(|json| {
            json.key("mimeType").str(media_type);
            json.key("data").text(data);
        }),
        Sent::Plain(text) => json.key("inlineData").object(|json| {
            json.key("mimeType").str("text/plain");
            let bytes = STANDARD.encode(text.unescaped().as_bytes());
            json.key("data").str(&bytes);
        }),
        Sent::Uri { media_type, uri } => json.key("fileData").object(|json| {
            if let Some(media_type) = media_type {
                json.key("mimeType").str(media_type);
            }
            json.key("fileUri").text(uri);
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gets_the_standard_alphabet() {
        for (written, standard_form) in [
            ("AAAA", "AAAA"),
            ("-_8=", "+/8="),
            ("-_8", "+/8="),
            (r"\u002b\/8=", "+/8="),
            (r"AA\nAA", "AAAA"),
        ] {
            let text = standard(Text::escaped(written));
            assert_eq!(text.as_written(), standard_form, "{written}");
        }
    }
}
