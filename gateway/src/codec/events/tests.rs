use bytes::Bytes;
use fairlead_snapshot::Dialect;
use fairlead_wire::sse::Decoder;

use super::facts::MOST_SEEN;
use super::*;
use crate::surface::Operation;

const HEL: &str = r#"data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#;
const PRIVATE: &str =
    r#"data: {"error":{"message":"No money in acct-7.","code":"insufficient_quota"}}"#;

/// What a caller of `asked` has of a stream of OpenAI that fails in the gateway's words after these events.
fn failed(asked: Operation, stream: &[&str]) -> String {
    let codec = Codec::new(asked, Dialect::OpenAi).unwrap();
    let mut events = codec.events(&Identity::default());
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::from(stream.join("\n\n") + "\n\n"));
    let mut told = Vec::new();
    while let Ok(Some(event)) = decoder.next() {
        let data = event.data.clone().unwrap();
        let payload = events.read(&event, &data);
        if !matches!(payload, Some(Payload::Error(_))) {
            told.extend(events.take_written());
        }
    }
    told.extend(events.fail("provider_error", "It broke."));
    String::from_utf8(told.concat()).unwrap()
}

#[test]
fn what_is_held_for_a_caller_of_gemini_goes_before_the_failure() {
    for stream in [&[HEL][..], &[HEL, PRIVATE]] {
        let told = failed(Operation::Generate, stream);
        let (said, error) = told.split_once(r#"data: {"error":"#).unwrap();
        assert!(said.contains("Hel"), "{told}");
        assert!(error.contains(r#""code":502"#), "{told}");
        assert!(error.contains("It broke."), "{told}");
    }
}

#[test]
fn a_providers_words_about_its_failure_are_not_in_what_was_written() {
    for asked in [
        Operation::Responses,
        Operation::Generate,
        Operation::Messages,
    ] {
        let told = failed(asked, &[HEL, PRIVATE]);
        assert!(!told.contains("acct-7"), "{told}");
    }
    let told = failed(Operation::Responses, &[HEL, PRIVATE]);
    assert_eq!(told.matches("event: response.failed").count(), 1, "{told}");
    assert!(told.contains("It broke."), "{told}");
}

#[test]
fn an_event_of_more_choices_than_anybody_asks_for_takes_no_square_of_time() {
    let choices: Vec<String> = (0..200_000)
        .map(|index| format!(r#"{{"index":{index},"delta":{{"content":"x"}}}}"#))
        .collect();
    let stream = format!(r#"data: {{"choices":[{}]}}"#, choices.join(","));
    let codec = Codec::new(Operation::Messages, Dialect::OpenAi).unwrap();
    let mut events = codec.events(&Identity::default());
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::from(stream + "\n\n"));
    let event = decoder.next().unwrap().unwrap();
    let data = event.data.clone().unwrap();
    let Some(Payload::Chunk(chunk)) = events.read(&event, &data) else {
        panic!("it is a chunk");
    };
    assert_eq!(chunk.seen.len(), MOST_SEEN + 1);
}

#[test]
fn what_is_kept_of_a_translated_stream_is_known() {
    let call = r#"data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"q\":\"aaaaaaaaaaaaaaaaaaaa\""}}]}}]}"#;
    let kept = |asked| {
        let codec = Codec::new(asked, Dialect::OpenAi).unwrap();
        let mut events = codec.events(&Identity::default());
        let mut decoder = Decoder::new(usize::MAX);
        decoder.push(Bytes::from([HEL, call, ""].join("\n\n")));
        while let Ok(Some(event)) = decoder.next() {
            let data = event.data.clone().unwrap();
            events.read(&event, &data).unwrap();
        }
        events.kept()
    };
    assert_eq!(kept(Operation::Chat), 0);
    // The text three times, and what the tool is called with.
    assert!(kept(Operation::Responses) > 3 * 28);
    assert!(kept(Operation::Generate) > 2 * 28);
    assert!(kept(Operation::Messages) > 28);
}
