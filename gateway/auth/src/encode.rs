//! Bytes as text: hexadecimal, percent, forms, base64 for URLs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const DIGITS: [char; 16] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
];

/// The two digits of a byte, in upper case.
fn digits(byte: u8) -> [char; 2] {
    let digit = |half: u8| DIGITS.get(usize::from(half)).copied().unwrap_or('0');
    [digit(byte >> 4), digit(byte & 15)]
}

/// In lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| digits(*byte));
    digits.map(|digit| digit.to_ascii_lowercase()).collect()
}

/// Percent-encodes all but unreserved characters (RFC 3986, section 2.3) and those of `safe`.
pub(crate) fn percent(text: &str, safe: &[u8]) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if plain || safe.contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.extend(digits(byte));
        }
    }
    out
}

/// The fields of a form, as `application/x-www-form-urlencoded`.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| format!("{name}={}", percent(value, b""));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

/// As base64 for URLs, without padding (RFC 7515, section 2).
pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_become_text() {
        assert_eq!(hex(&[0, 0x0f, 0xf0, 0xff]), "000ff0ff");
        assert_eq!(percent("a/b c:ü~", b"/"), "a/b%20c%3A%C3%BC~");
        assert_eq!(form(&[("a", "1&2"), ("b", "x=y")]), "a=1%262&b=x%3Dy");
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
    }
}
