use bytes::Bytes;
use fairlead_snapshot::Dialect;
use fairlead_wire::openai::Chunk;
use fairlead_wire::sse::Decoder;

use super::facts::MOST_SEEN;
use super::*;
use crate::codec::Read;
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

/// What is read of the events of a provider that speaks as its caller does.
fn same(codec: Codec, stream: &str) -> (Vec<Option<Payload>>, bool, String) {
    let mut events = codec.events(&Identity::default());
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::from(stream.to_owned()));
    let mut read = Vec::new();
    while let Ok(Some(event)) = decoder.next() {
        let data = event.data.clone().unwrap();
        read.push(events.read(&event, &data));
    }
    let over = events.is_over();
    let failed = events
        .fail("provider_error", "It broke.")
        .unwrap_or_default();
    (read, over, String::from_utf8(failed.to_vec()).unwrap())
}

fn chunk(payload: Option<&Option<Payload>>) -> Chunk {
    let Some(Some(Payload::Chunk(chunk))) = payload else {
        panic!("it is a chunk");
    };
    chunk.clone()
}

const CREATED: &str = "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_7\",\"model\":\"gpt-x\"}}\n\n";
const SEARCHING: &str = "event: response.web_search_call.searching\ndata: {\"type\":\"response.web_search_call.searching\",\"output_index\":0}\n\n";

#[test]
fn an_answer_of_responses_is_over_with_the_event_that_holds_all_of_it() {
    for kind in ["completed", "incomplete"] {
        let last = format!(
            "data: {{\"type\":\"response.{kind}\",\"response\":{{\"status\":\"{kind}\",\"output\":[{{\"type\":\"message\",\"content\":[{{\"type\":\"output_text\",\"text\":\"Hi.\"}}]}}],\"usage\":{{\"input_tokens\":3,\"output_tokens\":2}}}}}}\n\n"
        );
        let codec = Codec::same(Operation::Responses);
        let (read, over, _) = same(codec, &[CREATED, SEARCHING, &last].concat());
        assert!(!chunk(read.first()).content, "nothing has been said");
        assert!(chunk(read.get(1)).content, "a search goes on");
        let last = chunk(read.get(2));
        assert_eq!(last.finished.as_slice(), [0]);
        assert_eq!(last.usage.unwrap().output_tokens, Some(2));
        assert!(over);
    }
}

#[test]
fn an_answer_of_responses_fails_under_its_own_id_after_its_own_events() {
    let codec = Codec::same(Operation::Responses);
    let (_, over, failed) = same(codec, &[CREATED, SEARCHING].concat());
    assert!(!over);
    assert!(failed.starts_with("event: response.failed\n"), "{failed}");
    for part in ["\"id\":\"resp_7\"", "\"sequence_number\":2", "It broke."] {
        assert!(failed.contains(part), "{part}: {failed}");
    }
}

#[test]
fn of_several_images_each_is_whole_and_the_body_ends_the_stream() {
    let codec = Codec::new(Operation::ImageGenerations, Dialect::OpenAi).unwrap();
    let done = "data: {\"type\":\"image_generation.completed\",\"b64_json\":\"AAAA\"}\n\n";
    let (read, over, failed) = same(codec, &done.repeat(2));
    assert_eq!(read.len(), 2);
    assert!(!over && failed.is_empty());
}

/// What a stream of Anthropic's format comes to for a caller of `asked`: the input that came from no cache, and what did.
fn counted(asked: Operation, holds_cache: bool) -> (Option<u64>, Option<u64>) {
    let codec = Codec::new(asked, Dialect::Anthropic).unwrap();
    let identity = Identity {
        holds_cache,
        ..Identity::default()
    };
    let mut events = codec.events(&identity);
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::from_static(
        b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":1000}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"input_tokens\":1000,\"cache_read_input_tokens\":900,\"output_tokens\":5}}\n\n",
    ));
    let mut used = None;
    while let Ok(Some(event)) = decoder.next() {
        let data = event.data.clone().unwrap();
        if let Some(Payload::Chunk(chunk)) = events.read(&event, &data) {
            used = chunk.usage.or(used);
        }
    }
    let parts = used.unwrap().parts;
    (parts.input, parts.cache_read)
}

#[test]
fn what_a_host_counts_as_input_is_counted_as_it_means_it() {
    let body = Bytes::from_static(
        br#"{"content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{"input_tokens":1000,"cache_read_input_tokens":900,"output_tokens":5}}"#,
    );
    // Whether bytes pass or are translated.
    for asked in [Operation::Messages, Operation::Chat, Operation::Generate] {
        for (holds_cache, input) in [(true, 100), (false, 1000)] {
            assert_eq!(counted(asked, holds_cache), (Some(input), Some(900)));
            let codec = Codec::new(asked, Dialect::Anthropic).unwrap();
            let identity = Identity {
                holds_cache,
                ..Identity::default()
            };
            let Read::Complete(_, Some(usage), _) = codec.whole(&body, &identity) else {
                panic!("{asked:?}");
            };
            assert_eq!(usage.parts.input, Some(input), "{asked:?}");
        }
    }
}
