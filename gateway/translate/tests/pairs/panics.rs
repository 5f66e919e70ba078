//! No bytes make any reader or writer panic: chance, and valid ones that were twisted.

use proptest::prelude::*;

use crate::checks;
use crate::formats::ALL;
use crate::heard::stream;
use crate::said::{conversation, said};

/// Values that may stand where another does.
const ODD: [&str; 12] = [
    "null",
    "7",
    "-1e999",
    "\"\"",
    "\"\\ud800\"",
    "[]",
    "{}",
    "[{}]",
    "[[]]",
    "true",
    "[null]",
    "{\"type\":\"text\"}",
];

/// One that was valid, with something changed in it.
fn twisted(mut bytes: Vec<u8>, at: prop::sample::Index, how: usize, byte: u8) -> Vec<u8> {
    let place = at.index(bytes.len());
    match how {
        0 => bytes.truncate(place),
        1 => bytes[place] = byte,
        2 => {
            bytes.remove(place);
        }
        3 => {
            let copy = bytes[place..].to_vec();
            bytes.extend(copy);
        }
        _ => {
            // The next value that is written without brackets gives way to another.
            let Some(colon) = bytes[place..].iter().position(|byte| *byte == b':') else {
                return bytes;
            };
            let from = place + colon + 1;
            let end = bytes[from..]
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']'))
                .map_or(bytes.len(), |end| from + end);
            let odd = ODD[(how - 4) % ODD.len()];
            bytes.splice(from..end, odd.bytes());
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes_by_chance(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "[\\[\\]{}\":,a-z0-9\\\\ \n]{0,200}") {
        for data in [&bytes[..], text.as_bytes()] {
            checks::bodies(data);
            checks::stream(data);
        }
    }

    #[test]
    fn requests_and_answers_that_were_twisted(
        conversation in conversation(), said in said(), at in any::<prop::sample::Index>(), how in 0..4 + ODD.len(), byte in any::<u8>()
    ) {
        for format in ALL {
            checks::bodies(&twisted(format.write(&conversation).0, at, how, byte));
            checks::bodies(&twisted(format.answer(&said.whole()), at, how, byte));
        }
    }

    #[test]
    fn streams_that_were_twisted(said in said(), at in any::<prop::sample::Index>(), how in 0..4 + ODD.len(), byte in any::<u8>()) {
        for format in ALL {
            checks::stream(&twisted(stream(format, &said.pieces()), at, how, byte));
        }
    }
}
