//! The decoder against the standard's own words, and against itself with the bytes split otherwise.

use bytes::Bytes;
use fairlead_wire::sse::Decoder;

/// What an event says: name and data.
type Said = (Option<Vec<u8>>, Vec<u8>);

/// Holds for any bytes; the first says how the others are split.
pub(crate) fn check(data: &[u8]) {
    let Some((split, stream)) = data.split_first() else {
        return;
    };
    let expected = by_the_standard(stream);
    for size in [stream.len().max(1), usize::from(*split % 16) + 1, 1] {
        assert_eq!(decoded(stream, size), expected, "in chunks of {size}");
    }
}

/// All that is said in a stream that comes in chunks of `size`; every byte must come out again.
fn decoded(stream: &[u8], size: usize) -> Vec<Said> {
    let mut decoder = Decoder::new(usize::MAX);
    let mut said = Vec::new();
    let mut bytes = Vec::new();
    for chunk in stream.chunks(size) {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Ok(Some(event)) = decoder.next() {
            bytes.extend_from_slice(&event.raw);
            if let Some(data) = event.data {
                said.push((event.name.map(|name| name.to_vec()), data.to_vec()));
            }
        }
    }
    // A byte order mark goes with the first event and comes out of none.
    let mark = stream
        .strip_prefix(b"\xef\xbb\xbf")
        .filter(|_| !bytes.is_empty());
    let stream = mark.unwrap_or(stream);
    assert!(stream.starts_with(&bytes));
    assert_eq!(bytes.len() + decoder.pending(), stream.len());
    check_rest(&mut decoder);
    said
}

/// What is left at the end is one event, and nothing is left after it.
fn check_rest(decoder: &mut Decoder) {
    let pending = decoder.pending();
    let rest = decoder.rest();
    assert_eq!(rest.is_some(), pending > 0);
    if let Some(rest) = rest {
        let mut again = Decoder::new(usize::MAX);
        // A byte order mark means nothing but at the very start.
        again.push(Bytes::from_static(b"\n"));
        let _ = again.next();
        again.push(rest.raw.clone());
        // Behind a mark at the very start there may be a blank line.
        let events = std::iter::from_fn(|| again.next().ok().flatten());
        assert_eq!(events.last().map(|event| event.data), Some(rest.data));
    }
    assert_eq!((decoder.pending(), decoder.rest()), (0, None));
}

/// The interpretation of a stream, step by step as the standard has it, on the whole of it.
fn by_the_standard(stream: &[u8]) -> Vec<Said> {
    let stream = stream.strip_prefix(b"\xef\xbb\xbf").unwrap_or(stream);
    let (mut said, mut name, mut data) = (Vec::new(), None, None);
    for line in lines(stream) {
        if line.is_empty() {
            if let Some(data) = data.take() {
                said.push((name.take(), data));
            }
            name = None;
            continue;
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"event" => name = Some(value.to_vec()),
            b"data" => {
                data = Some(data.take().map_or(value.to_vec(), |before: Vec<u8>| {
                    [&before, value].join(&b'\n')
                }));
            }
            _ => {}
        }
    }
    said
}

/// The lines that have an end.
fn lines(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut bytes = stream.iter().peekable();
    while let Some(byte) = bytes.next() {
        if *byte == b'\r' {
            bytes.next_if(|next| **next == b'\n');
        }
        match byte {
            b'\r' | b'\n' => lines.push(Vec::new()),
            byte => lines
                .last_mut()
                .into_iter()
                .for_each(|line| line.push(*byte)),
        }
    }
    lines.pop();
    lines
}
