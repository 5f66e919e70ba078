//! The head of an answer: what it says, how its body is framed, and whether the connection may be used again.

use std::mem::MaybeUninit;

use bytes::{Buf as _, Bytes};
use fairlead_wire::http1::Body;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use httparse::ParserConfig;

use super::Unanswered;
use crate::headers::listed;

/// The most fields that a head may have.
const MOST_FIELDS: usize = 100;

/// The head of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// What follows it.
    pub(super) body: Body,
    /// Whether the connection may be used again after that.
    pub(super) keeps: bool,
}

/// Whether a head may end in these bytes: with a blank line.
pub(super) fn ends(bytes: &[u8]) -> bool {
    let mut lines = memchr::memchr_iter(b'\n', bytes);
    lines.any(|at| matches!(&bytes[at + 1..], [b'\n', ..] | [b'\r', b'\n', ..]))
}

/// Takes away the blank lines before a head, which some servers send behind an answer.
pub(super) fn skip_blank_lines(came: &mut Bytes) {
    loop {
        match came.as_ref() {
            [b'\n', ..] => came.advance(1),
            [b'\r', b'\n', ..] => came.advance(2),
            _ => return,
        }
    }
}

/// Reads a head, and says how long it is; `None`: it is not whole. `to_head`: whether it answers a request that no body answers.
///
/// # Errors
/// It is not HTTP/1.1, has too many fields, or does not say clearly where its body ends.
pub(super) fn read(came: &Bytes, to_head: bool) -> Result<Option<(Head, usize)>, Unanswered> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    let parsing =
        ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, came, &mut fields);
    let length = match parsing {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Unanswered::TooLarge),
        Err(_) => return Err(Unanswered::NotHttp),
    };
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(Unanswered::NotHttp)?;
    // Nobody asked for another protocol.
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Unanswered::NotHttp);
    }
    // The values are parts of one piece of memory, no larger than the head.
    let head = if came.len() > length {
        Bytes::copy_from_slice(&came[..length])
    } else {
        came.clone()
    };
    let mut headers = HeaderMap::with_capacity(parsed.headers.len());
    for field in parsed.headers.iter() {
        let name = HeaderName::from_bytes(field.name.as_bytes());
        let at = offset(came, field.value);
        let value = HeaderValue::from_maybe_shared(head.slice(at..at + field.value.len()));
        let (Ok(name), Ok(value)) = (name, value) else {
            return Err(Unanswered::NotHttp);
        };
        headers.append(name, value);
    }
    let is_old = parsed.version == Some(0);
    let empty = to_head || is_empty(status);
    let body = body(&headers, is_old, empty).ok_or(Unanswered::NotHttp)?;
    let is_odd = status == StatusCode::NO_CONTENT && announces(&headers);
    let keeps = body != Body::UntilClose && !is_odd && lasts(&headers, is_old);
    let head = Head {
        status,
        headers,
        body,
        keeps,
    };
    Ok(Some((head, length)))
}

/// Where a part of `whole` begins.
fn offset(whole: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().saturating_sub(whole.as_ptr().addr())
}

/// Whether an answer of this status has no body, whatever else it says (RFC 9112, 6.3).
fn is_empty(status: StatusCode) -> bool {
    status.is_informational()
        || status == StatusCode::NO_CONTENT
        || status == StatusCode::NOT_MODIFIED
}

/// Whether a head says that content follows, where none may: who says so may send it (RFC 9110, 8.6 and RFC 9112, 6.1).
fn announces(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
}

/// How the body is framed; `None`: that is not clear.
fn body(headers: &HeaderMap, is_old: bool, empty: bool) -> Option<Body> {
    if empty {
        return Some(Body::Length(0));
    }
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    if let Some(coding) = codings.next() {
        // Another coding was not asked for, and where one ends nobody here can tell. HTTP/1.0 has none (6.1).
        let chunked = coding.as_bytes().eq_ignore_ascii_case(b"chunked");
        return (chunked && codings.next().is_none() && !is_old).then(Body::chunked);
    }
    let mut lengths = headers
        .get_all(header::CONTENT_LENGTH)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    let Some(length) = lengths.next() else {
        return Some(Body::UntilClose);
    };
    let length = number(length)?;
    // Said more than once, it has to be the same (6.3).
    let same = lengths.all(|other| number(other) == Some(length));
    same.then_some(Body::Length(length))
}

/// A number of nothing but digits.
fn number(text: &[u8]) -> Option<u64> {
    let text = text.trim_ascii();
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text)
        .ok()
        .filter(|_| digits)?
        .parse()
        .ok()
}

/// Whether the connection lasts (9.3). An answer that is framed in two ways may have been meant to be read in another (6.1).
fn lasts(headers: &HeaderMap, is_old: bool) -> bool {
    let says = |what: &str| {
        let mut options = listed(headers, &header::CONNECTION);
        options.any(|option| option.eq_ignore_ascii_case(what))
    };
    let twice = headers.contains_key(header::TRANSFER_ENCODING)
        && headers.contains_key(header::CONTENT_LENGTH);
    !twice && !says("close") && (!is_old || says("keep-alive"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(text: &str) -> Result<Option<(Head, usize)>, Unanswered> {
        read(&Bytes::copy_from_slice(text.as_bytes()), false)
    }

    /// How the body of an answer with these fields is framed, and whether the connection lasts.
    fn framed(line: &str, fields: &str) -> Option<(Body, bool)> {
        let text = format!("{line}\r\n{fields}\r\n");
        let (head, length) = head(&text).ok()??;
        assert_eq!(length, text.len());
        Some((head.body, head.keeps))
    }

    #[test]
    fn a_head_is_read_once_all_of_it_is_there() {
        let text = "HTTP/1.1 200 OK\r\nA: 1\r\na: 2 \r\nContent-Length: 3\r\n\r\nabc";
        let whole = text.len() - 3;
        for cut in 0..whole {
            assert!(head(&text[..cut]).unwrap().is_none(), "{cut}");
            assert!(!ends(&text.as_bytes()[..cut]), "{cut}");
        }
        assert!(ends(&text.as_bytes()[..whole]) && ends(b"x\n\n") && !ends(b"\nx\n"));
        let (head, length) = head(text).unwrap().unwrap();
        assert_eq!((head.status, length), (StatusCode::OK, whole));
        let values: Vec<_> = head.headers.get_all("a").iter().collect();
        assert_eq!(values, ["1", "2"]);
    }

    #[test]
    fn where_a_body_ends_is_said_in_one_way() {
        let new = |fields: &str| framed("HTTP/1.1 200 OK", fields);
        let old = |fields: &str| framed("HTTP/1.0 200 OK", fields);
        let of = |length| Some((Body::Length(length), true));
        assert_eq!(new("content-length: 3\r\n"), of(3));
        assert_eq!(new("content-length: 3, 3\r\nContent-Length: 3\r\n"), of(3));
        assert_eq!(
            new("transfer-encoding: Chunked\r\n"),
            Some((Body::chunked(), true))
        );
        let both = "transfer-encoding: chunked\r\ncontent-length: 3\r\n";
        assert_eq!(new(both), Some((Body::chunked(), false)));
        assert_eq!(new(""), Some((Body::UntilClose, false)));
        for unclear in [
            "content-length: 3\r\ncontent-length: 4\r\n",
            "content-length: 3,\r\n",
            "content-length: +3\r\n",
            "content-length: \r\n",
            "content-length: 18446744073709551616\r\n",
            "transfer-encoding: gzip\r\n",
            "transfer-encoding: gzip, chunked\r\n",
            "transfer-encoding: chunked, chunked\r\n",
            "transfer-encoding: chunked,\r\n",
            "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            "transfer-encoding: \r\n",
        ] {
            assert_eq!(new(unclear), None, "{unclear}");
        }
        assert_eq!(old("transfer-encoding: chunked\r\n"), None);
        assert_eq!(old("content-length: 3\r\n"), Some((Body::Length(3), false)));
        assert_eq!(
            old("content-length: 3\r\nconnection: Keep-Alive\r\n"),
            of(3)
        );
        assert_eq!(
            new("content-length: 3\r\nconnection: x, Close\r\n"),
            Some((Body::Length(3), false))
        );
    }

    #[test]
    fn some_answers_have_no_body_whatever_they_say() {
        for (line, keeps) in [
            ("HTTP/1.1 204 N", false),
            ("HTTP/1.1 304 N", true),
            ("HTTP/1.1 103 E", true),
        ] {
            let announced = framed(line, "content-length: 3\r\n");
            assert_eq!(announced, Some((Body::Length(0), keeps)), "{line}");
            let plain = framed(line, "content-length: 0\r\n");
            assert_eq!(plain, Some((Body::Length(0), true)), "{line}");
        }
        let text = Bytes::from_static(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        let (head, _) = read(&text, true).unwrap().unwrap();
        assert_eq!(head.body, Body::Length(0));
    }

    #[test]
    fn what_is_not_http_is_no_answer() {
        for bad in [
            "SSH-2.0-OpenSSH_9.6\r\n",
            "HTTP/2 200 OK\r\n\r\n",
            "HTTP/1.1 2000 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n a: folded\r\n\r\n",
            "HTTP/1.1 200 OK\r\na : 1\r\n\r\n",
            "HTTP/1.1 200 OK\r\na: \0\r\n\r\n",
            "HTTP/1.1 101 Switching\r\n\r\n",
        ] {
            assert_eq!(head(bad).err(), Some(Unanswered::NotHttp), "{bad:?}");
        }
        let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: 1\r\n".repeat(101));
        assert_eq!(head(&many).err(), Some(Unanswered::TooLarge));
    }
}
