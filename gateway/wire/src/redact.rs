//! Our own credential, cut out of what a provider says: some repeat it.
//!
//! Last step before a provider's words reach a caller. A credential is found as it is, and in the forms that JSON, URLs and JSON inside of JSON
//! give it: `\u0073k-`, `\/`, `%2B`. Not found is one that is split over two events, or encoded as a whole (base64, a digest).

use std::borrow::Cow;

use bytes::Bytes;
use memchr::memmem::Finder;

use crate::json::write_string;

/// What stands in its place.
const REDACTED: &[u8] = b"[redacted]";
/// JSON in a string of JSON in a string of JSON: deeper has not been seen.
const ROUNDS: usize = 3;

/// A credential, to be cut out.
#[derive(Clone)]
pub struct Redactor {
    secret: Finder<'static>,
    /// The longest part of it that no encoding of texts changes.
    part: Finder<'static>,
}

impl Redactor {
    /// For a credential; `None` if it is empty, for that is everywhere.
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let part = secret
            .split(|byte| !plain(byte))
            .max_by_key(|part| part.len())?;
        (!secret.is_empty()).then(|| Self {
            secret: Finder::new(secret).into_owned(),
            part: Finder::new(if part.is_empty() { secret } else { part }).into_owned(),
        })
    }

    /// Whether `text` holds the credential, in whatever form.
    #[must_use]
    pub fn is_in(&self, text: &[u8]) -> bool {
        let mut text = Cow::Borrowed(text);
        for _ in 0..ROUNDS {
            if self.secret.find(&text).is_some() {
                return true;
            }
            if memchr::memchr2(b'\\', b'%', &text).is_none() {
                return false;
            }
            text = Cow::Owned(undone(&text, true));
        }
        self.secret.find(&text).is_some()
    }

    /// An error, or another text that is no answer, without the credential in any form. A text without it is not copied.
    #[must_use]
    pub fn cut(&self, text: Bytes) -> Bytes {
        if !self.is_in(&text) {
            return text;
        }
        self.strings(&self.replaced(&text)).into()
    }

    /// Whether [`Redactor::cut`] is worth its while for a good answer, or a part of one. One search is all that this costs, so a form in
    /// which every letter is escaped is not found; no library writes it.
    #[must_use]
    pub fn may_be_in(&self, text: &[u8]) -> bool {
        self.part.find(text).is_some()
    }

    /// The text with every plain occurrence replaced.
    fn replaced<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        if self.secret.find(text).is_none() {
            return Cow::Borrowed(text);
        }
        let length = self.secret.needle().len();
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = self.secret.find(rest) {
            let (before, found) = rest.split_at(at);
            out.extend_from_slice(before);
            out.extend_from_slice(REDACTED);
            rest = found.get(length..).unwrap_or_default();
        }
        out.extend_from_slice(rest);
        Cow::Owned(out)
    }

    /// The text with every string that holds an encoded occurrence written anew.
    fn strings(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        let mut rest = text;
        while let Some(open) = memchr::memchr(b'"', rest) {
            let (before, string) = rest.split_at(open + 1);
            let (inside, after) = string.split_at(end_of_string(string));
            if self.is_in(inside) {
                out.extend_from_slice(before.get(..open).unwrap_or_default());
                self.write(&mut out, inside);
                rest = after.get(1..).unwrap_or_default();
            } else {
                out.extend_from_slice(before);
                out.extend_from_slice(inside);
                let (quote, following) = after.split_at(after.len().min(1));
                out.extend_from_slice(quote);
                rest = following;
            }
        }
        out.extend_from_slice(rest);
        out
    }

    /// A string that holds it: only it is cut out where one level of escapes hides it, else all of the string.
    fn write(&self, out: &mut Vec<u8>, inside: &[u8]) {
        let once = undone(inside, false);
        let clean = self.replaced(&once);
        let text = if self.is_in(&clean) {
            REDACTED
        } else {
            &*clean
        };
        write_string(out, &String::from_utf8_lossy(text));
    }
}

impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Redactor")
    }
}

/// How far a string reaches whose opening quote is gone: up to its closing one, or to the end.
fn end_of_string(string: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = string
        .get(at..)
        .and_then(|rest| memchr::memchr2(b'"', b'\\', rest))
    {
        at += found;
        if string.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    string.len()
}

/// A text with its backslash escapes undone, and those of URLs if `percent` says so. What is no escape stays as it is.
fn undone(text: &[u8], percent: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let escape = match first {
            b'\\' => backslash(after),
            b'%' if percent => hex(after, 2).map(|(code, after)| (char::from_u32(code), after)),
            _ => None,
        };
        if let Some((character, after)) = escape {
            let mut buffer = [0; 4];
            let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
            out.extend_from_slice(character.encode_utf8(&mut buffer).as_bytes());
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out
}

/// The character of an escape whose backslash is gone, `None` in its place if it is half of one, and what follows.
fn backslash(text: &[u8]) -> Option<(Option<char>, &[u8])> {
    let (kind, after) = text.split_first()?;
    let character = match kind {
        b'u' => {
            return hex(after, 4).map(|(code, after)| pair(code, after));
        }
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'"' | b'\\' | b'/' => char::from(*kind),
        _ => return None,
    };
    Some((Some(character), after))
}

/// One character of UTF-16, of which `first` has come.
fn pair(first: u32, after: &[u8]) -> (Option<char>, &[u8]) {
    if (0xd800..0xdc00).contains(&first)
        && let Some((second, rest)) = after.strip_prefix(b"\\u").and_then(|digits| hex(digits, 4))
        && (0xdc00..0xe000).contains(&second)
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code), rest);
    }
    (char::from_u32(first), after)
}

fn hex(text: &[u8], digits: usize) -> Option<(u32, &[u8])> {
    let (digits, after) = text.split_at_checked(digits)?;
    let digits = std::str::from_utf8(digits).ok()?;
    if digits.starts_with('+') {
        return None;
    }
    Some((u32::from_str_radix(digits, 16).ok()?, after))
}
