//! What holds for any answer and any bytes.

use fairlead_translate::responses::{Echo, answer, request, stream};
use fairlead_translate::{Answered, Origin, Piece, Signature, Stop, Text};
use proptest::prelude::*;
use serde_json::Value;

use super::answer::FULL;
use super::common::{HEAD, Said, streamed, whole, written};
use super::stream::{ended, full_stream};

/// What an answer consists of, in no format's words.
#[derive(Debug, Clone)]
enum Bit {
    Text(String),
    Refusal(String),
    Reasoning(String),
    Signed(String),
    Redacted(String),
    Call(u64),
    Arguments(u64, String),
}

fn bits() -> impl Strategy<Value = Vec<Bit>> {
    let bit = prop_oneof![
        ".{0,6}".prop_map(Bit::Text),
        ".{0,6}".prop_map(Bit::Refusal),
        ".{0,6}".prop_map(Bit::Reasoning),
        "[a-z]{1,4}".prop_map(Bit::Signed),
        "[a-z]{1,4}".prop_map(Bit::Redacted),
        (0..4u64).prop_map(Bit::Call),
        (0..4u64, prop_oneof![Just("{}".to_owned()), ".{0,6}"])
            .prop_map(|(call, text)| Bit::Arguments(call, text)),
    ];
    prop::collection::vec(bit, 0..24)
}

fn pieces(bits: &[Bit]) -> Vec<Piece<'_>> {
    let choice = 0;
    let signature = |value| Signature {
        origin: Origin::Anthropic,
        value: Text::plain(value),
    };
    bits.iter()
        .map(|bit| match bit {
            Bit::Text(text) => Piece::Text {
                choice,
                text: Text::plain(text),
            },
            Bit::Refusal(text) => Piece::Refusal {
                choice,
                text: Text::plain(text),
            },
            Bit::Reasoning(text) => Piece::Reasoning {
                choice,
                text: Text::plain(text),
            },
            Bit::Signed(value) => Piece::Signed {
                choice,
                signature: signature(value),
            },
            Bit::Redacted(value) => Piece::Redacted {
                choice,
                data: signature(value),
            },
            Bit::Call(call) => Piece::Call {
                choice,
                call: *call,
                id: None,
                name: Text::plain("f"),
                signature: None,
            },
            Bit::Arguments(call, text) => Piece::Arguments {
                choice,
                call: *call,
                fragment: Text::plain(text),
            },
        })
        .collect()
}

fn names() -> Echo {
    request::echo(br#"{"tools":[{"type":"custom","name":"f"}]}"#)
}

proptest! {
    /// The lifecycle itself is checked by `written`.
    #[test]
    fn any_pieces_make_a_stream_in_order(bits in bits(), custom in any::<bool>(), cut in any::<bool>()) {
        let mut pieces = pieces(&bits);
        let stop = if cut { Stop::Length } else { Stop::End };
        pieces.push(Piece::Finish { choice: 0, stop });
        let names = if custom { names() } else { Echo::default() };
        let events = written(&pieces, &names);
        let whole: String = bits.iter().map(|bit| if let Bit::Text(text) = bit { &**text } else { "" }).collect();
        let deltas: String = events
            .iter()
            .filter(|event| event["type"] == "response.output_text.delta")
            .map(|event| event["delta"].as_str().unwrap())
            .collect();
        prop_assert_eq!(deltas, whole);
    }

    /// What the writer writes, the reader reads: the stream as the whole response in its last event.
    #[test]
    fn a_stream_and_its_last_event_read_the_same(bits in bits(), cut in any::<prop::sample::Index>()) {
        let mut pieces = pieces(&bits);
        pieces.push(Piece::Finish { choice: 0, stop: Stop::End });
        let events = written(&pieces, &Echo::default());
        let response = events.last().unwrap()["response"].clone();
        if response["output"].as_array().unwrap().is_empty() {
            return Ok(());
        }
        let data: Vec<String> = events.iter().map(Value::to_string).collect();
        prop_assert_eq!(streamed(&data), ended(whole(&response.to_string())));
        let length = cut.index(data.len());
        prop_assert!(streamed(&data[..length]).stops.is_empty());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..64), text in "[\\[\\]{}\":,a-z0-9\\\\]{0,64}") {
        for input in [&bytes[..], text.as_bytes()] {
            let _ = request::read(input);
            let _ = request::echo(input);
            let _ = answer::read(input);
            let _ = stream::Reader::default().read(Some(input), input, &mut |_| {});
        }
    }

    #[test]
    fn values_of_other_kinds_never_panic(
        at in 0..200usize,
        value in prop_oneof![Just("null"), Just("[]"), Just("{}"), Just("1"), Just("\"x\""), Just("[[]]"), Just("\"\\ud800\"")],
    ) {
        let replaced = |json: &str| {
            let mut tree: Value = serde_json::from_str(json).unwrap();
            let mut count = 0;
            replace(&mut tree, &mut count, at, &serde_json::from_str(value).unwrap_or(Value::Null));
            tree.to_string()
        };
        let body = replaced(super::pitfalls::CODEX);
        if let Ok(conversation) = request::read(body.as_bytes()) {
            super::common::write(&conversation);
        }
        let _ = request::echo(body.as_bytes());
        let body = replaced(FULL);
        if let Ok(Answered::Answer(read)) = answer::read(body.as_bytes()) {
            let written = answer::write(&read, &HEAD);
            serde_json::from_slice::<Value>(&written).unwrap();
        }
        let mut reader = stream::Reader::default();
        let mut said = Said::default();
        for event in full_stream() {
            let _ = reader.read(None, replaced(&event).as_bytes(), &mut |piece| said.hear(&piece));
        }
    }
}

/// Replaces the value that comes at a place in the order of the text.
fn replace(tree: &mut Value, count: &mut usize, at: usize, value: &Value) {
    if *count == at {
        *tree = value.clone();
        *count += 1;
        return;
    }
    *count += 1;
    match tree {
        Value::Object(members) => {
            for (_, member) in members.iter_mut() {
                replace(member, count, at, value);
            }
        }
        Value::Array(elements) => {
            for element in elements {
                replace(element, count, at, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_truncation_is_refused_and_none_panics() {
    let codex = super::pitfalls::CODEX;
    for length in (0..codex.len()).filter(|length| codex.is_char_boundary(*length)) {
        assert!(request::read(&codex.as_bytes()[..length]).is_err());
        let _ = request::echo(&codex.as_bytes()[..length]);
    }
    for length in 0..FULL.len() {
        assert!(answer::read(&FULL.as_bytes()[..length]).is_err());
    }
    for event in full_stream() {
        for length in 1..event.len() {
            let mut reader = stream::Reader::default();
            assert!(
                reader
                    .read(None, &event.as_bytes()[..length], &mut |_| {})
                    .is_err()
            );
        }
    }
}
