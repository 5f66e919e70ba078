//! The insides of strings: how far plain text goes, escapes undone, escapes made.

use std::borrow::Cow;

/// How many bytes at the start of `bytes` need no attention inside a string: neither quote, backslash
/// nor control character.
///
/// Most of a prompt is such text, so it is tested in blocks, in a form that compilers turn into vector
/// instructions; the exact place is then found in words.
pub(super) fn plain_prefix(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<32>();
    let mut at = 32
        * blocks
            .iter()
            .take_while(|block| {
                !block
                    .iter()
                    .fold(false, |any, byte| any | is_special(*byte))
            })
            .count();
    let (words, tail) = bytes.get(at..).unwrap_or_default().as_chunks::<8>();
    for word in words {
        let found = special_bytes(u64::from_le_bytes(*word)).trailing_zeros() / 8;
        at += found as usize;
        if found < 8 {
            return at;
        }
    }
    at + tail.iter().take_while(|byte| !is_special(**byte)).count()
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Marks special bytes of a word by their highest bit. Marks above the lowest one may be false: each
/// subtraction borrows from the byte above. (Bit Twiddling Hacks, "Determine if a word has a byte less than n".)
fn special_bytes(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = u64::from_ne_bytes([0x80; 8]);
    let below = |word: u64, n: u8| word.wrapping_sub(ONES * u64::from(n)) & !word & HIGH;
    let equal = |n: u8| below(word ^ (ONES * u64::from(n)), 1);
    below(word, 0x20) | equal(b'"') | equal(b'\\')
}

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
    let mut rest = text.as_bytes();
    loop {
        let (plain, after) = rest.split_at(plain_prefix(rest));
        out.extend_from_slice(plain);
        let Some((special, after)) = after.split_first() else {
            break;
        };
        match special {
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *special]),
            control => out.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        rest = after;
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
