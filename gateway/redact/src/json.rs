//! JSON, string by string, so that it stays JSON: what is masked in a string is written anew, and a number that is a card becomes a string.

use std::borrow::Cow;

use serde::de::IgnoredAny;

use crate::kept::LOOK_AHEAD;
use crate::mask::{floor, mask};
use crate::{Redactor, media};

/// JSON in a string of JSON in a string of JSON: deeper has not been seen.
const DEPTH: usize = 3;

/// Members whose value is a secret whatever it looks like, in small letters and without what joins words.
const SECRETS: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "clientsecret",
    "apikey",
    "accesstoken",
    "refreshtoken",
    "authorization",
    "privatekey",
    "secretaccesskey",
    "awssecretaccesskey",
];

/// Writes at most about `room` bytes of a text; says whether there was more. What is cut ends at the boundary of a character, and in the middle
/// of JSON.
pub(crate) fn write(redactor: &Redactor, text: &str, room: usize, out: &mut String) -> bool {
    let mut writer = Writer {
        redactor,
        room,
        depth: DEPTH,
        cut: false,
    };
    if is_json(text) {
        writer.write(text, out);
    } else {
        let text = media::without_runs(text);
        let masked = writer.masked(&text, room).0;
        out.push_str(&masked);
    }
    writer.cut
}

/// Whether it is an object or a list.
fn is_json(text: &str) -> bool {
    let begins = text.trim_ascii_start().starts_with(['{', '[']);
    begins && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

struct Writer<'r> {
    redactor: &'r Redactor,
    room: usize,
    /// How many times more JSON may stand in a string of it.
    depth: usize,
    /// Whether not all was written.
    cut: bool,
}

impl Writer<'_> {
    fn write(&mut self, text: &str, out: &mut String) {
        let begins = out.len();
        let (mut at, mut is_secret) = (0, false);
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            let room = self.room.saturating_sub(out.len() - begins);
            if room == 0 {
                self.cut = true;
                return;
            }
            let bytes = rest.as_bytes();
            at += match bytes.first() {
                Some(b'"') => {
                    let end = end_of_string(bytes);
                    let inside = rest.get(1..end).unwrap_or_default();
                    let after = rest.get(end + 1..).unwrap_or_default();
                    let is_name = after.trim_ascii_start().starts_with(':');
                    if is_secret && !inside.is_empty() && !is_name {
                        out.push_str("\"[redacted:password]\"");
                    } else {
                        self.string(inside, room, out);
                    }
                    is_secret = is_name && is_secret_name(inside);
                    (end + 1).min(rest.len())
                }
                Some(byte) if is_structure(*byte) => {
                    let end = bytes.iter().position(|byte| !is_structure(*byte));
                    let some = floor(rest, end.unwrap_or(rest.len()).min(room));
                    let some = rest.get(..some).unwrap_or_default();
                    is_secret &= !some.contains([',', '{', '[', '}', ']']);
                    out.push_str(some);
                    some.len()
                }
                _ => {
                    let ends = |byte: &u8| is_structure(*byte) || *byte == b'"';
                    let end = bytes.iter().position(ends).unwrap_or(rest.len());
                    self.literal(rest.get(..end).unwrap_or_default(), out);
                    end
                }
            };
        }
    }

    /// A number, `true`, `false` or `null`.
    fn literal(&self, text: &str, out: &mut String) {
        match mask(self.redactor, text, text.len()).first {
            None => out.push_str(text),
            Some(kind) => {
                out.push_str("\"[redacted:");
                out.push_str(&kind);
                out.push_str("]\"");
            }
        }
    }

    /// What stands between quotes.
    fn string(&mut self, inside: &str, room: usize, out: &mut String) {
        let text = decoded(inside);
        if let Some(told) = media::of_string(&text) {
            quote(&told, out);
            return;
        }
        let without = media::without_urls(&text);
        let mut changed = without.is_some();
        let text = without.map_or(text, Cow::Owned);
        let written = if self.depth > 0 && is_json(&text) {
            let mut inner = String::with_capacity(text.len().min(room));
            let mut writer = Self {
                redactor: self.redactor,
                room,
                depth: self.depth - 1,
                cut: false,
            };
            writer.write(&text, &mut inner);
            self.cut |= writer.cut;
            changed |= inner != *text;
            inner
        } else {
            let (masked, more) = self.masked(&text, room);
            changed |= more;
            masked
        };
        if changed {
            quote(&written, out);
        } else {
            out.push('"');
            out.push_str(inside);
            out.push('"');
        }
    }

    /// What is kept of a text that is looked at as a whole, and whether that is another.
    fn masked(&mut self, text: &str, room: usize) -> (String, bool) {
        let keep = floor(text, room);
        let seen = floor(text, room.saturating_add(LOOK_AHEAD));
        let mut masked = mask(self.redactor, text.get(..seen).unwrap_or_default(), keep);
        masked.text.truncate(masked.keep);
        self.cut |= keep < text.len();
        (masked.text, masked.first.is_some() || keep < text.len())
    }
}

/// Whether a member of this name holds a secret.
fn is_secret_name(name: &str) -> bool {
    let letters = name.chars().filter(|letter| !matches!(letter, '_' | '-'));
    let name: String = letters.take(32).collect::<String>().to_ascii_lowercase();
    SECRETS.contains(&name.as_str())
}

/// What stands outside of strings, numbers and words.
fn is_structure(byte: u8) -> bool {
    matches!(
        byte,
        b'{' | b'}' | b'[' | b']' | b':' | b',' | b' ' | b'\t' | b'\r' | b'\n'
    )
}

/// Where the closing quote of a string is that begins here, or where the text ends.
fn end_of_string(bytes: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if bytes.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

/// What a string says. Half of a pair of UTF-16, which only JSON can hold, stays as it is written.
fn decoded(inside: &str) -> Cow<'_, str> {
    if !inside.contains('\\') {
        return Cow::Borrowed(inside);
    }
    let quoted = format!("\"{inside}\"");
    serde_json::from_str::<String>(&quoted).map_or(Cow::Borrowed(inside), Cow::Owned)
}

fn quote(text: &str, out: &mut String) {
    // A string always has a form in JSON.
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}
