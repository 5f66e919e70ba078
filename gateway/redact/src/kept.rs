//! What is kept of a body: bounded, without secrets and without media.

use crate::mask::floor;
use crate::{Redactor, json, media};

/// So many bytes of a text are kept.
pub const KEPT: usize = 64 * 1024;
/// So many bytes behind the end of what is kept are looked at: what begins before it must not be kept by half.
pub const LOOK_AHEAD: usize = 16 * 1024;

/// Of a body whose end is not here so many bytes are not kept: a secret may begin in them.
const TAIL: usize = 512;

/// What is kept of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The text, without secrets and media.
    pub text: String,
    /// How many bytes the body had.
    pub bytes: usize,
    /// Whether the text ends before the body did.
    pub cut: bool,
}

pub(crate) fn keep(redactor: &Redactor, bytes: &[u8], more: usize) -> Kept {
    let whole = bytes.len().saturating_add(more);
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        // It was cut in the middle of a character.
        Err(error) if error.error_len().is_none() => {
            let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(valid).unwrap_or_default()
        }
        Err(_) => {
            return Kept {
                text: media::told("application/octet-stream", bytes),
                bytes: whole,
                cut: more > 0,
            };
        }
    };
    // What is masked may be longer than it was: of a text that is all there the last is kept, too.
    let room = if more > 0 {
        KEPT.min(text.len().saturating_sub(TAIL))
    } else {
        KEPT
    };
    let mut out = String::with_capacity(text.len().min(KEPT));
    let cut = json::write(redactor, text, room, &mut out) || out.len() > KEPT;
    out.truncate(end(&out));
    Kept {
        text: out,
        bytes: whole,
        cut: cut || more > 0,
    }
}

/// Where a text ends of which [`KEPT`] bytes are kept: not within a character, and not within a mark.
fn end(text: &str) -> usize {
    if text.len() <= KEPT {
        return text.len();
    }
    let end = floor(text, KEPT);
    let tail = end.saturating_sub(80);
    let before = text.get(floor(text, tail)..end).unwrap_or_default();
    match before.rfind("[redacted:") {
        Some(at) if !before.get(at..).unwrap_or_default().contains(']') => {
            end - (before.len() - at)
        }
        _ => end,
    }
}
