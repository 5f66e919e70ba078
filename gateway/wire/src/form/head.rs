//! The headers of a form and of its parts.

use std::borrow::Cow;

use super::FormError;

/// The boundary of a form, by the value of `Content-Type`; `None`: it is no form.
///
/// # Errors
/// A form without a boundary, or with one that is not allowed (source: RFC 2046, 5.1.1).
pub fn boundary(content_type: &[u8]) -> Result<Option<&[u8]>, FormError> {
    let end = memchr::memchr(b';', content_type).unwrap_or(content_type.len());
    let (kind, parameters) = content_type.split_at(end);
    if !kind
        .trim_ascii()
        .eq_ignore_ascii_case(b"multipart/form-data")
    {
        return Ok(None);
    }
    let mut found = None;
    let read = each_parameter(parameters, |name, value| {
        if name.eq_ignore_ascii_case(b"boundary") {
            let first = found.replace(value).is_none();
            return first.then_some(());
        }
        Some(())
    });
    let usable = |boundary: &&[u8]| {
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(byte);
        (1..=70).contains(&boundary.len())
            && boundary.iter().all(allowed)
            && !boundary.ends_with(b" ")
    };
    let boundary = found.filter(|_| read.is_some()).filter(usable);
    boundary.map(Some).ok_or(FormError::Boundary)
}

/// The name of a part and whether it is a file, by its headers; `None`: they are not of the usual form.
pub(super) fn read(head: &[u8]) -> Option<(Cow<'_, str>, bool)> {
    let mut found = None;
    let mut rest = head;
    while !rest.is_empty() {
        let end = memchr::memmem::find(rest, b"\r\n").unwrap_or(rest.len());
        let line = rest.get(..end)?;
        rest = rest.get(end + 2..).unwrap_or_default();
        // A line that goes on in the next, or is ended by half of a line break, is read in several ways.
        if line.first().is_none_or(u8::is_ascii_whitespace)
            || line.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0))
        {
            return None;
        }
        let colon = memchr::memchr(b':', line)?;
        let (name, value) = (line.get(..colon)?, line.get(colon + 1..)?.trim_ascii());
        if name.eq_ignore_ascii_case(b"content-disposition") {
            if found.is_some() {
                return None;
            }
            found = Some(disposition(value)?);
        } else if name.eq_ignore_ascii_case(b"content-transfer-encoding") {
            let plain = [&b"binary"[..], b"8bit", b"7bit"];
            if !plain.iter().any(|plain| value.eq_ignore_ascii_case(plain)) {
                return None;
            }
        }
    }
    found
}

fn disposition(value: &[u8]) -> Option<(Cow<'_, str>, bool)> {
    let end = memchr::memchr(b';', value)?;
    let (kind, parameters) = value.split_at(end);
    if !kind.trim_ascii().eq_ignore_ascii_case(b"form-data") {
        return None;
    }
    let (mut name, mut file) = (None, false);
    each_parameter(parameters, |key, value| {
        if key.eq_ignore_ascii_case(b"name") {
            return name.replace(value).is_none().then_some(());
        }
        // What stands in another coding is read by some and not by others (RFC 7578, 4.2).
        if key.eq_ignore_ascii_case(b"name*") {
            return None;
        }
        file |= key.eq_ignore_ascii_case(b"filename") || key.eq_ignore_ascii_case(b"filename*");
        Some(())
    })?;
    let name = std::str::from_utf8(name?).ok()?;
    // A quotation mark in a name is escaped in two ways.
    (!name.contains(['\\', '"', '%'])).then_some((Cow::Borrowed(name), file))
}

/// Calls for each `; name=value`, the value without its quotes. `None`: not of that form, or the call says no.
fn each_parameter<'a>(
    mut rest: &'a [u8],
    mut call: impl FnMut(&'a [u8], &'a [u8]) -> Option<()>,
) -> Option<()> {
    loop {
        rest = rest.trim_ascii();
        if rest.is_empty() {
            return Some(());
        }
        rest = rest.strip_prefix(b";")?.trim_ascii_start();
        if rest.is_empty() {
            return Some(());
        }
        let equals = memchr::memchr(b'=', rest)?;
        let name = rest.get(..equals)?.trim_ascii();
        rest = rest.get(equals + 1..)?.trim_ascii_start();
        let value;
        if let Some(quoted) = rest.strip_prefix(b"\"") {
            let end = end_of_quotes(quoted)?;
            value = quoted.get(..end)?;
            rest = quoted.get(end + 1..)?;
        } else {
            let end = memchr::memchr(b';', rest).unwrap_or(rest.len());
            value = rest.get(..end)?.trim_ascii();
            rest = rest.get(end..)?;
        }
        call(name, value)?;
    }
}

/// Where a text in quotes ends: names of files may have quotes that are escaped.
fn end_of_quotes(quoted: &[u8]) -> Option<usize> {
    let mut escaped = false;
    quoted.iter().position(|byte| {
        let ends = *byte == b'"' && !escaped;
        escaped = *byte == b'\\' && !escaped;
        ends
    })
}
