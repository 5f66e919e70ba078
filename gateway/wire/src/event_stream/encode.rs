//! Frames as a provider writes them.

use bytes::Bytes;

/// The number of strings among the types of values.
const STRING: u8 = 7;

/// An event of the API, with a payload of JSON.
#[must_use]
pub fn event(name: &str, payload: &[u8]) -> Bytes {
    named("event", ":event-type", name, payload)
}

/// A failure that the API has a name for, with a payload of JSON.
#[must_use]
pub fn exception(name: &str, payload: &[u8]) -> Bytes {
    named("exception", ":exception-type", name, payload)
}

/// A failure of the stream itself.
#[must_use]
pub fn error(code: &str, message: &str) -> Bytes {
    let headers = [
        (":message-type", "error"),
        (":error-code", code),
        (":error-message", message),
    ];
    frame(&headers, b"")
}

fn named(kind: &str, header: &str, name: &str, payload: &[u8]) -> Bytes {
    let headers = [
        (":message-type", kind),
        (header, name),
        (":content-type", "application/json"),
    ];
    frame(&headers, payload)
}

/// A frame with these headers, all of them strings. One that the encoding has no room for (a name of more than 255 bytes, a value of more than
/// 65,535) is left out.
#[must_use]
pub fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Bytes {
    let mut encoded = Vec::new();
    for (name, value) in headers {
        if let (Ok(name_length), Ok(length)) =
            (u8::try_from(name.len()), u16::try_from(value.len()))
        {
            encoded.push(name_length);
            encoded.extend_from_slice(name.as_bytes());
            encoded.push(STRING);
            encoded.extend_from_slice(&length.to_be_bytes());
            encoded.extend_from_slice(value.as_bytes());
        }
    }
    let total = encoded.len() + payload.len() + 16;
    let mut frame = Vec::with_capacity(total);
    for length in [total, encoded.len()] {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        frame.extend_from_slice(&length.to_be_bytes());
    }
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(&encoded);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.into()
}
