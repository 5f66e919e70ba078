//! Content as it is stored: a byte that says how, and the rest.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

use super::Content;

/// JSON as it is.
const PLAIN: u8 = 0;
/// JSON by DEFLATE (RFC 1951).
const DEFLATED: u8 = 1;
/// The longest JSON that is read, in bytes: many times what is kept.
const LONGEST: u64 = 4 * 1024 * 1024;

/// Content as it is stored. Whoever does not know its encoding leaves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The request's id.
    pub id: u64,
    /// When its answer ended, in microseconds since 1970.
    pub ended_unix_us: i64,
    /// An encoding, and what is encoded.
    pub bytes: Vec<u8>,
}

impl Packed {
    /// Packs it.
    #[must_use]
    pub fn of(content: &Content) -> Self {
        // Texts and numbers always have a form in JSON.
        let json = serde_json::to_vec(content).unwrap_or_default();
        Self {
            id: content.id,
            ended_unix_us: content.ended_unix_us,
            bytes: deflated(&json).unwrap_or_else(|| [&[PLAIN], json.as_slice()].concat()),
        }
    }

    /// What was packed; `None`: by an encoding that is not known here, or not all of it is there.
    #[must_use]
    pub fn content(&self) -> Option<Content> {
        unpacked(&self.bytes)
    }
}

/// The same of bytes that were stored.
pub(crate) fn unpacked(bytes: &[u8]) -> Option<Content> {
    let (encoding, rest) = bytes.split_first()?;
    match *encoding {
        PLAIN => serde_json::from_slice(rest).ok(),
        DEFLATED => {
            let mut json = Vec::new();
            let mut read = DeflateDecoder::new(rest).take(LONGEST);
            read.read_to_end(&mut json).ok()?;
            serde_json::from_slice(&json).ok()
        }
        _ => None,
    }
}

fn deflated(json: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(vec![DEFLATED], Compression::fast());
    encoder.write_all(json).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::super::Written;
    use super::*;

    #[test]
    fn what_was_packed_is_read_and_what_is_unknown_is_left() {
        let content = Content {
            id: u64::MAX,
            ended_unix_us: 7,
            key: Some("search/a".into()),
            request: Written {
                text: "words and words and words ".repeat(1_000),
                bytes: 9,
                cut: true,
            },
            ..Content::default()
        };
        let packed = Packed::of(&content);
        assert!(packed.bytes.len() < 1_000, "{}", packed.bytes.len());
        assert_eq!(packed.content(), Some(content.clone()));
        let json = serde_json::to_vec(&content).unwrap();
        assert_eq!(
            unpacked(&[&[PLAIN], json.as_slice()].concat()),
            Some(content)
        );
        assert_eq!(unpacked(&[7, 1, 2]), None);
        assert_eq!(unpacked(&packed.bytes[..40]), None);
        assert_eq!(unpacked(&[]), None);
    }
}
