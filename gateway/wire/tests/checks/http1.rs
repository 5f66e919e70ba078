//! The reader of chunked bodies against a plain one that has all of it, and against itself with the bytes split otherwise.

use bytes::Bytes;
use fairlead_wire::http1::Body;

/// What is read of a body: its content, whether it was whole, and how many bytes are behind it.
type Read = (Vec<u8>, bool, usize);

/// Holds for any bytes; the first says how the others are split.
pub(crate) fn check(data: &[u8]) {
    let Some((split, body)) = data.split_first() else {
        return;
    };
    let expected = plainly(body);
    for size in [body.len().max(1), usize::from(*split % 16) + 1, 1] {
        assert_eq!(read(body, size), expected, "in pieces of {size}");
    }
}

/// What is read of a body that comes in pieces of `size`; `None`: it is not framed as it has to be.
fn read(bytes: &[u8], size: usize) -> Option<Read> {
    let mut body = Body::chunked();
    let mut content = Vec::new();
    let mut behind = 0;
    for piece in bytes.chunks(size) {
        let mut came = Bytes::copy_from_slice(piece);
        while let Some(piece) = body.next(&mut came).ok()? {
            assert!(!piece.is_empty());
            content.extend_from_slice(&piece);
        }
        behind += came.len();
        assert!(body.is_done() || came.is_empty());
    }
    // What was wrong behind the last piece is told when it is asked for.
    body.next(&mut Bytes::new()).ok()?;
    Some((content, body.is_done(), behind))
}

/// The grammar of RFC 9112, 7.1, on all of it.
fn plainly(mut rest: &[u8]) -> Option<Read> {
    let mut content = Vec::new();
    loop {
        let Some(line) = line(&mut rest, true)? else {
            return Some((content, false, 0));
        };
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let digits = std::str::from_utf8(&line[..digits.count()]).ok()?;
        let size = u64::from_str_radix(digits, 16).ok()?;
        if size == 0 {
            break;
        }
        let length = usize::try_from(size).unwrap_or(usize::MAX).min(rest.len());
        content.extend_from_slice(&rest[..length]);
        rest = &rest[length..];
        match rest {
            [] | [b'\r'] => return Some((content, false, 0)),
            [b'\r', b'\n', after @ ..] => rest = after,
            _ => return None,
        }
    }
    loop {
        match line(&mut rest, false)? {
            None => return Some((content, false, 0)),
            Some([]) => return Some((content, true, rest.len())),
            Some(_) => {}
        }
    }
}

/// Whether it is a field, or the beginning of one.
fn is_of_a_field(line: &[u8], whole: bool) -> Option<()> {
    let end = line.iter().position(|byte| *byte == b':');
    let (name, value) = line.split_at(end.unwrap_or(line.len()));
    let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let text = |byte: &u8| *byte == b'\t' || !byte.is_ascii_control();
    let named = end.map_or(!whole, |end| end > 0);
    (named && name.iter().all(token) && value.iter().all(text)).then_some(())
}

/// Takes a line that CR LF ends; `Some(None)`: it has not come to its end, `None`: it cannot be one, as a size or as a trailer.
fn line<'a>(rest: &mut &'a [u8], is_size: bool) -> Option<Option<&'a [u8]>> {
    let end = rest.iter().position(|byte| *byte == b'\r');
    let line = &rest[..end.unwrap_or(rest.len())];
    if line.contains(&b'\n') {
        return None;
    }
    if is_size {
        is_of_a_size(line, end.is_some())?;
    } else if !line.is_empty() {
        is_of_a_field(line, end.is_some())?;
    }
    let Some(end) = end else {
        return Some(None);
    };
    match rest.get(end + 1) {
        None => Some(None),
        Some(b'\n') => {
            *rest = &rest[end + 2..];
            Some(Some(line))
        }
        Some(_) => None,
    }
}

/// Whether it is a size with what may follow it, or the beginning of one.
fn is_of_a_size(line: &[u8], whole: bool) -> Option<()> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    let size = std::str::from_utf8(&line[..digits]).ok()?;
    if digits > 0 {
        u64::from_str_radix(size, 16).ok()?;
    } else if whole || !line.is_empty() {
        return None;
    }
    let after = line[digits..]
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t'));
    after.is_none_or(|byte| *byte == b';').then_some(())
}
