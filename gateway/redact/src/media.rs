//! Pictures, sounds and other files in base64: what is kept of them is their type, their size and the beginning of their SHA-256.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use regex::{Captures, Regex};
use sha2::{Digest as _, Sha256};

/// So many characters of base64 in one go are no text that anybody has written.
const SHORTEST: usize = 256;

const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
    .with_decode_padding_mode(DecodePaddingMode::Indifferent)
    .with_decode_allow_trailing_bits(true);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Types, by how base64 of them begins.
const BEGINNINGS: [(&str, &str); 9] = [
    ("iVBORw0KGgo", "image/png"),
    ("/9j/", "image/jpeg"),
    ("R0lGOD", "image/gif"),
    ("UklGR", "audio/wav"),
    ("JVBERi0", "application/pdf"),
    ("SUQz", "audio/mpeg"),
    ("//uQ", "audio/mpeg"),
    ("T2dnUw", "audio/ogg"),
    ("AAAAIGZ0eXA", "video/mp4"),
];

static DATA_URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"data:([A-Za-z0-9.+-]{1,64}/[A-Za-z0-9.+-]{1,64})?(?:;[A-Za-z0-9.+=-]{1,64})*;base64,((?:[A-Za-z0-9+=_-]|\\?/)+)").ok()
});

static RUN: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?:[A-Za-z0-9+_-]|\\?/){256,}={0,2}").ok());

/// What is told of bytes that are no text.
pub(crate) fn told(kind: &str, bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    let mut told = format!("[media:{kind} {} bytes sha256:", bytes.len());
    for byte in digest.iter().take(8) {
        let _ = write!(told, "{byte:02x}");
    }
    told.push(']');
    told
}

/// What is told of a whole string that is base64 and long; `None`: it is something else.
pub(crate) fn of_string(text: &str) -> Option<String> {
    let is_in =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-' | b'=');
    if text.len() < SHORTEST || !text.bytes().all(is_in) {
        return None;
    }
    let kind = BEGINNINGS
        .iter()
        .find(|(beginning, _)| text.starts_with(beginning))
        .map_or("base64", |(_, kind)| kind);
    Some(told(kind, &decoded(text)?))
}

/// The text with what is told of each `data:` URL in it; `None`: there is none.
pub(crate) fn without_urls(text: &str) -> Option<String> {
    memchr::memmem::find(text.as_bytes(), b";base64,")?;
    let urls = DATA_URL.as_ref()?;
    let told = urls.replace_all(text, |url: &Captures<'_>| {
        let kind = url.get(1).map_or("text/plain", |kind| kind.as_str());
        let data = url.get(2).map_or("", |data| data.as_str());
        match decoded(data) {
            Some(bytes) => self::told(kind, &bytes),
            // What cannot be decoded has no digest that anybody could compare.
            None => format!("[media:{kind} {} characters]", data.len()),
        }
    });
    Some(told.into_owned())
}

/// The same of a text that is no JSON: of URLs, and of whatever is base64 and long.
pub(crate) fn without_runs(text: &str) -> String {
    let text = without_urls(text).unwrap_or_else(|| text.to_owned());
    let Some(runs) = RUN.as_ref() else {
        return text;
    };
    let told = runs.replace_all(&text, |run: &Captures<'_>| {
        let run = run.get(0).map_or("", |run| run.as_str());
        of_string(&run.replace("\\/", "/")).unwrap_or_else(|| run.to_owned())
    });
    told.into_owned()
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let text = text.replace("\\/", "/");
    let plain = STANDARD.decode(&text).ok();
    plain.or_else(|| URL_SAFE.decode(&text).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_its_type_its_size_and_its_digest() {
        let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &[7; 400]].concat();
        let data = STANDARD.encode(&png);
        let told = of_string(&data).unwrap();
        let digest = Sha256::digest(&png);
        assert_eq!(
            told,
            format!(
                "[media:image/png 408 bytes sha256:{}]",
                digest
                    .iter()
                    .take(8)
                    .map(|byte| format!("{byte:02x}"))
                    .collect::<String>()
            )
        );
        let url = format!("look: data:image/png;base64,{data} !");
        assert_eq!(without_urls(&url), Some(format!("look: {told} !")));
        let raw = format!("{{\"data\":\"{data}\"");
        assert_eq!(without_runs(&raw), format!("{{\"data\":\"{told}\""));
    }

    #[test]
    fn short_words_are_no_media() {
        assert_eq!(of_string("hello"), None);
        assert_eq!(of_string(&"words and ".repeat(100)), None);
        assert_eq!(without_urls("data: nothing"), None);
    }
}
