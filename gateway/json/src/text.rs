//! The insides of strings: escapes undone, escapes made.

use std::borrow::Cow;

use super::special::Special;

/// The text of a well-formed string, quotes and all; `None` if it holds a lone surrogate.
pub(super) fn unquote(raw: &str) -> Option<Cow<'_, str>> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    if memchr::memchr(b'\\', inside.as_bytes()).is_none() {
        return Some(Cow::Borrowed(inside));
    }
    unescape(inside, None).map(Cow::Owned)
}

/// What the inside of a well-formed string says, with U+FFFD for each lone surrogate.
#[must_use]
pub fn unescape_lossy(inside: &str) -> String {
    unescape(inside, Some(char::REPLACEMENT_CHARACTER)).unwrap_or_default()
}

/// Writes `text` as a string, with the escapes that RFC 8259 demands and no others.
pub fn write_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let (mut special, mut from) = (Special::default(), 0);
    loop {
        let at = special.next(bytes, from);
        out.extend_from_slice(bytes.get(from..at).unwrap_or_default());
        match bytes.get(at) {
            None => break,
            Some(b'\n') => out.extend_from_slice(b"\\n"),
            Some(b'\r') => out.extend_from_slice(b"\\r"),
            Some(b'\t') => out.extend_from_slice(b"\\t"),
            Some(special @ (b'"' | b'\\')) => out.extend_from_slice(&[b'\\', *special]),
            Some(control) => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        from = at + 1;
    }
    out.push(b'"');
}

fn unescape(inside: &str, lone: Option<char>) -> Option<String> {
    let mut out = String::with_capacity(inside.len());
    let mut rest = inside;
    while let Some((plain, after)) = rest.split_once('\\') {
        out.push_str(plain);
        let (character, after) = escape(after, lone)?;
        out.push(character);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

/// The character that an escape stands for, its backslash already gone, and what follows it.
fn escape(text: &str, lone: Option<char>) -> Option<(char, &str)> {
    let mut characters = text.chars();
    let character = match characters.next()? {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return utf16(characters.as_str(), lone),
        itself => itself,
    };
    Some((character, characters.as_str()))
}

/// One character from one `XXXX` or from two, `XXXX\uXXXX`, of UTF-16.
fn utf16(text: &str, lone: Option<char>) -> Option<(char, &str)> {
    let (first, rest) = unit(text)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some((second, after)) = rest.strip_prefix("\\u").and_then(unit)
        && let Some(Ok(character)) = char::decode_utf16([first, second]).next()
    {
        return Some((character, after));
    }
    Some((char::from_u32(u32::from(first)).or(lone)?, rest))
}

fn unit(text: &str) -> Option<(u16, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u16::from_str_radix(digits, 16).ok()?, rest))
}
