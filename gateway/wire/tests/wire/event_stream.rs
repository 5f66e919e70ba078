//! The frames of Amazon's event streams.

use bytes::Bytes;
use fairlead_wire::event_stream::{Broken, Decoder, Kind, Message, error, event, exception, frame};
use fairlead_wire::openai::named_error;
use fairlead_wire::sse::Event;
use proptest::prelude::*;

const LIMIT: usize = 1 << 16;

/// Everything that comes of a stream in chunks of `size`, and how many bytes are left.
fn decode(stream: &[u8], size: usize) -> (Vec<Message>, Result<usize, Broken>) {
    let mut decoder = Decoder::new(LIMIT);
    let mut messages = Vec::new();
    for chunk in stream.chunks(size.max(1)) {
        decoder.push(Bytes::copy_from_slice(chunk));
        loop {
            match decoder.next() {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(broken) => {
                    assert_eq!(decoder.next(), Err(broken), "it stays broken");
                    assert_eq!(decoder.pending(), 0, "and keeps nothing");
                    return (messages, Err(broken));
                }
            }
        }
    }
    (messages, Ok(decoder.pending()))
}

fn only(frame: &[u8]) -> Result<Message, Broken> {
    let (mut messages, end) = decode(frame, frame.len());
    end.map(|pending| {
        assert_eq!((messages.len(), pending), (1, 0));
        messages.remove(0)
    })
}

/// A frame with headers as they are given, its checksums right.
fn with_headers(headers: &[u8], payload: &[u8]) -> Vec<u8> {
    let plain = frame(&[], payload);
    let total = u32::try_from(plain.len() + headers.len()).unwrap();
    let mut made = total.to_be_bytes().to_vec();
    made.extend(u32::try_from(headers.len()).unwrap().to_be_bytes());
    made.extend(crc32fast::hash(&made).to_be_bytes());
    made.extend(headers);
    made.extend(payload);
    made.extend(crc32fast::hash(&made).to_be_bytes());
    made
}

#[test]
fn a_frame_is_that_of_the_encoding() {
    // Its checksums are those of Python's zlib, and botocore 1.43.11 reads the same of it.
    let expected = b"\0\0\0\x55\0\0\0\x31\xc4\x0f\x9f\xe8\x0d:message-type\x07\0\x05event\x0b:event-type\x07\0\x0cmessageStart{\"role\":\"assistant\"}\x2c\x02\x01\xf8";
    let headers = [(":message-type", "event"), (":event-type", "messageStart")];
    assert_eq!(frame(&headers, b"{\"role\":\"assistant\"}"), expected[..]);
    assert_eq!(only(expected).unwrap().name, "messageStart");
}

#[test]
fn what_a_message_is_stands_in_its_headers() {
    let event = only(&event("messageStart", b"{\"role\":\"assistant\"}")).unwrap();
    assert_eq!(event.kind, Kind::Event);
    assert_eq!(event.name, "messageStart");
    assert_eq!(
        event.content_type.as_deref(),
        Some(&b"application/json"[..])
    );
    assert_eq!(event.payload, "{\"role\":\"assistant\"}");
    let exception = only(&exception("throttlingException", b"{}")).unwrap();
    assert_eq!(exception.kind, Kind::Exception);
    assert_eq!(exception.name, "throttlingException");
    let error = only(&error("InternalError", "It broke.")).unwrap();
    assert_eq!((error.kind, error.payload.len()), (Kind::Error, 0));
    assert_eq!(error.name, "InternalError");
    assert_eq!(error.error_message.as_deref(), Some(&b"It broke."[..]));
}

#[test]
fn a_frame_that_lies_in_one_chunk_is_not_copied() {
    let chunk = Bytes::from([event("a", b"{}"), event("b", b"{}")].concat());
    let mut decoder = Decoder::new(LIMIT);
    decoder.push(chunk.clone());
    let first = decoder.next().unwrap().unwrap();
    let second = decoder.next().unwrap().unwrap();
    assert_eq!(first.raw.as_ptr(), chunk.as_ptr());
    assert_eq!(second.raw.as_ptr(), chunk[first.raw.len()..].as_ptr());
    assert_eq!((decoder.next(), decoder.pending()), (Ok(None), 0));
}

#[test]
fn headers_of_every_type_are_stepped_over() {
    let mut headers = Vec::new();
    for (kind, length) in [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 2),
        (4, 4),
        (5, 8),
        (8, 8),
        (9, 16),
    ] {
        headers.extend([1, b'h', kind]);
        headers.extend(vec![7; length]);
    }
    headers.extend(b"\x01h\x06\0\x02ab");
    // A name that is read, with a value that is no string.
    headers.extend(b"\x0b:event-type\x06\0\x01x");
    headers.extend(b"\x0d:message-type\x07\0\x05event\x0b:event-type\x07\0\x01e");
    let message = only(&with_headers(&headers, b"{}")).unwrap();
    assert_eq!((message.name, message.payload), ("e".into(), "{}".into()));
}

#[test]
fn what_is_no_frame_is_an_error() {
    let good = event("messageStop", b"{}");
    for at in 0..good.len() {
        let mut bad = good.to_vec();
        bad[at] ^= 0x10;
        assert!(only(&bad).is_err(), "the byte at {at}");
    }
    let page = b"<html><body>502 Bad Gateway</body></html>";
    assert_eq!(only(page), Err(Broken::Checksum));
    for headers in [
        &b""[..],
        b"\x0d:message-type\x07\0\x05event",
        b"\x0d:message-type\x07\0\x05other\x0b:event-type\x07\0\x01e",
        b"\x0b:event-type\x07\0\x01e",
        b"\x01h\x0a",
        b"\x01h",
        b"\xffh\x00",
        b"\x01h\x07\0\x09short",
    ] {
        let made = with_headers(headers, b"{}");
        assert_eq!(only(&made), Err(Broken::Headers), "{headers:?}");
    }
}

#[test]
fn lengths_that_do_not_fit_are_an_error() {
    let prelude = |total: u32, headers: u32| {
        let mut made = [total.to_be_bytes(), headers.to_be_bytes()].concat();
        made.extend(crc32fast::hash(&made).to_be_bytes());
        made
    };
    for (total, headers) in [(0, 0), (15, 0), (16, 1), (40, 25), (40, u32::MAX)] {
        let end = decode(&prelude(total, headers), 5).1;
        assert_eq!(end, Err(Broken::Length), "{total} {headers}");
    }
    let limit = u32::try_from(LIMIT).unwrap();
    let refused = Err(Broken::TooLarge { limit: LIMIT });
    // Told by the first twelve bytes, before anything is kept of the rest.
    assert_eq!(decode(&prelude(limit + 1, 0), 12).1, refused);
    assert_eq!(decode(&prelude(u32::MAX, 0), 1).1, refused);
    assert_eq!(decode(&prelude(limit, 0), 12).1, Ok(12));
}

#[test]
fn a_message_becomes_an_event_with_a_name() {
    let of = |frame: &[u8]| {
        let event = Event::from(only(frame).unwrap());
        let text = |bytes: Option<Bytes>| String::from_utf8(bytes.unwrap().to_vec()).unwrap();
        assert_eq!(event.raw, frame);
        (text(event.name), text(event.data))
    };
    let pair = |name: &str, data: &str| (name.to_owned(), data.to_owned());
    assert_eq!(of(&event("a", b"{\"x\":1}")), pair("a", "{\"x\":1}"));
    assert_eq!(of(&event("a", b" ")), pair("a", "{}"));
    assert_eq!(
        of(&exception("throttlingException", b"")),
        pair("throttlingException", "{}")
    );
    assert_eq!(of(&exception("odd", b"{\"message\":\"m\"}")).0, "error");
    let (name, data) = of(&error("Code", "It \"broke\"."));
    assert_eq!(name, "error");
    let facts = named_error(data.as_bytes());
    assert_eq!(facts.code.as_deref(), Some("Code"));
    assert_eq!(facts.message.as_deref(), Some("It \"broke\"."));
}

fn messages() -> impl Strategy<Value = Vec<(String, Vec<u8>, bool)>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..200);
    proptest::collection::vec(("[a-zA-Z]{1,20}", payload, any::<bool>()), 0..6)
}

proptest! {
    #[test]
    fn a_stream_is_the_same_however_it_is_split(all in messages(), size in 1_usize..64, cut in any::<prop::sample::Index>()) {
        let frames: Vec<Bytes> = all
            .iter()
            .map(|(name, payload, failed)| if *failed { exception(name, payload) } else { event(name, payload) })
            .collect();
        let stream = frames.concat();
        let (whole, end) = decode(&stream, stream.len());
        prop_assert_eq!(end, Ok(0));
        prop_assert_eq!(whole.len(), all.len());
        for (message, (name, payload, failed)) in whole.iter().zip(&all) {
            prop_assert_eq!(&message.name, name.as_bytes());
            prop_assert_eq!(&message.payload, payload);
            prop_assert_eq!(message.kind == Kind::Exception, *failed);
        }
        prop_assert_eq!(decode(&stream, size), (whole.clone(), Ok(0)));
        // Where it is cut, whole frames come out of what is there, and the rest is known to be missing.
        let cut = cut.index(stream.len() + 1);
        let mut left = cut;
        let there = frames.iter().take_while(|frame| {
            let fits = frame.len() <= left;
            if fits { left -= frame.len(); }
            fits
        }).count();
        let (some, end) = decode(&stream[..cut], size);
        prop_assert_eq!(&some[..], &whole[..there]);
        prop_assert_eq!(end, Ok(left));
    }

    #[test]
    fn whatever_comes_is_read_or_refused(noise in proptest::collection::vec(any::<u8>(), 0..300), size in 1_usize..40) {
        prop_assert_eq!(decode(&noise, size), decode(&noise, noise.len()));
    }

    #[test]
    fn whatever_the_headers_are_they_are_read_or_refused(headers in proptest::collection::vec(any::<u8>(), 0..60), size in 1_usize..40) {
        let made = with_headers(&headers, b"{}");
        prop_assert_eq!(decode(&made, size), decode(&made, made.len()));
    }
}
