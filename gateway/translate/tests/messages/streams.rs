//! Streams of a provider, and for a caller again.

use fairlead_translate::messages::stream::{Reader, Writer};
use fairlead_translate::{Answered, messages};
use serde_json::json;

use crate::HEAD;
use crate::client::message;

pub(crate) const TOOLS: &str = r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-y","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":1}}}

event: ping
data: {"type":"ping"}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Look "}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"it up."}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig0"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: content_block_start
data: {"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"opaque"}}

event: content_block_stop
data: {"type":"content_block_stop","index":1}

event: content_block_start
data: {"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"I \"look\""}}

event: content_block_stop
data: {"type":"content_block_stop","index":2}

event: content_block_start
data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"find","input":{}}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"q\":"}}

event: content_block_delta
data: {"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"\"x\"}"}}

event: content_block_stop
data: {"type":"content_block_stop","index":3}

event: content_block_start
data: {"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"now","input":{}}}

event: content_block_stop
data: {"type":"content_block_stop","index":4}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":31,"output_tokens_details":{"thinking_tokens":11}}}

event: message_stop
data: {"type":"message_stop"}

"#;

const TOOLS_WHOLE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-y","content":[
  {"type":"thinking","thinking":"Look it up.","signature":"sig0"},{"type":"redacted_thinking","data":"opaque"},{"type":"text","text":"I \"look\""},
  {"type":"tool_use","id":"toolu_1","name":"find","input":{"q":"x"}},{"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
 "stop_reason":"tool_use","stop_sequence":null,
 "usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":31,"output_tokens_details":{"thinking_tokens":11}}}"#;

/// Events of a stream: name and data.
pub(crate) fn framed(stream: &str) -> impl Iterator<Item = (Option<&str>, &str)> {
    stream.split_terminator("\n\n").map(|event| {
        let name = event.lines().find_map(|line| line.strip_prefix("event: "));
        let data = event.lines().find_map(|line| line.strip_prefix("data: "));
        (name, data.unwrap_or_default())
    })
}

/// The pieces of a stream, as they show themselves.
pub(crate) fn pieces(stream: &str) -> Vec<String> {
    let mut reader = Reader::default();
    let mut pieces = Vec::new();
    for (name, data) in framed(stream) {
        reader
            .read(name.map(str::as_bytes), data.as_bytes(), &mut |piece| {
                pieces.push(format!("{piece:?}"));
            })
            .unwrap();
    }
    pieces
}

/// What a caller gets of a stream.
pub(crate) fn relayed(stream: &str) -> Vec<u8> {
    let mut reader = Reader::default();
    let mut writer = Writer::new(&HEAD);
    let mut out = Vec::new();
    for (name, data) in framed(stream) {
        reader
            .read(name.map(str::as_bytes), data.as_bytes(), &mut |piece| {
                writer.write(&piece, &mut out);
            })
            .unwrap();
    }
    writer.end(&mut out);
    writer.end(&mut out);
    out
}

#[test]
fn a_stream_says_the_same_as_the_whole_answer() {
    let Ok(Answered::Answer(answer)) = messages::answer::read(TOOLS_WHOLE.as_bytes()) else {
        panic!("no answer");
    };
    let whole = crate::json(&messages::answer::write(&answer, &HEAD));
    assert_eq!(message(&relayed(TOOLS)), whole);
    assert_eq!(
        whole,
        serde_json::from_str::<serde_json::Value>(TOOLS_WHOLE).unwrap()
    );
}

#[test]
fn the_start_of_a_message_knows_the_input() {
    let out = relayed(TOOLS);
    let (_, start) = crate::client::events(&out).into_iter().next().unwrap();
    assert_eq!(start["message"]["usage"]["input_tokens"], 12);
}

#[test]
fn a_signature_stands_just_before_the_end_of_its_block() {
    let out = String::from_utf8(relayed(TOOLS)).unwrap();
    let signature = out.find("signature_delta").unwrap();
    let after = out[signature..].split("event: ").nth(1).unwrap();
    assert!(after.starts_with("content_block_stop"));
}

#[test]
fn usage_is_replaced_and_never_added() {
    let stream = r#"data: {"type":"message_start","message":{"usage":{"input_tokens":500,"cache_creation_input_tokens":30,"output_tokens":1}}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a"}}

data: {"type":"message_delta","delta":{},"usage":{"input_tokens":100,"cache_read_input_tokens":400,"cache_creation_input_tokens":40,"output_tokens":5}}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9,"cache_read_input_tokens":null}}

data: {"type":"message_stop"}

"#;
    let message = message(&relayed(stream));
    assert_eq!(
        message["usage"],
        json!({"input_tokens":100,"cache_creation_input_tokens":40,"cache_read_input_tokens":400,"output_tokens":9})
    );
}

#[test]
fn thinking_is_not_counted_twice_when_only_the_sum_grows() {
    let stream = r#"data: {"type":"message_delta","delta":{},"usage":{"output_tokens":5,"output_tokens_details":{"thinking_tokens":3}}}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":9}}

"#;
    assert_eq!(message(&relayed(stream))["usage"]["output_tokens"], 9);
}

#[test]
fn odd_hosts_are_understood() {
    // Neither a start nor names; all of a call at once in its block; an index that is missing; a signature beside its words; [DONE].
    let stream = r#"data: {"type":"content_block_start","content_block":{"type":"thinking","thinking":"Hm"}}

data: {"type":"content_block_delta","delta":{"type":"thinking_delta","thinking":".","signature":"s"}}

data: {"type":"content_block_stop"}

data: {"type":"content_block_start","content_block":{"type":"text","text":"So"}}

data: {"type":"content_block_start","content_block":{"type":"tool_use","id":"a","name":"f","input":{"q": 1}}}

data: {"type":"content_block_stop"}

data: {"type":"content_block_start","index":7,"content_block":{"type":"server_tool_use","id":"s","name":"web_search","input":{}}}

data: {"type":"content_block_delta","index":7,"delta":{"type":"input_json_delta","partial_json":"{}"}}

data: {"type":"content_block_delta","index":7,"delta":{"type":"text_delta","text":"not the model's"}}

data: {"type":"content_block_stop","index":7}

data: {"type":"a_new_thing"}

data:

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":null}

data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}}

data: [DONE]

"#;
    let finishes = pieces(stream)
        .iter()
        .filter(|piece| piece.starts_with("Finish"))
        .count();
    assert_eq!(finishes, 1);
    let message = message(&relayed(stream));
    assert_eq!(
        message["content"],
        json!([
            {"type":"thinking","thinking":"Hm.","signature":"s"},
            {"type":"text","text":"So"},
            {"type":"tool_use","id":"a","name":"f","input":{"q":1}}
        ])
    );
    assert_eq!(message["stop_reason"], "tool_use");
    assert_eq!(message["usage"]["output_tokens"], 4);
}

#[test]
fn every_reason_to_stop_comes_through() {
    for reason in [
        "end_turn",
        "max_tokens",
        "stop_sequence",
        "pause_turn",
        "refusal",
        "model_context_window_exceeded",
    ] {
        let stream = format!(
            "data: {{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"a\"}}}}\n\n\
             data: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":\"{reason}\",\"stop_sequence\":\"END\"}},\"usage\":{{\"output_tokens\":1}}}}\n\n"
        );
        assert_eq!(message(&relayed(&stream))["stop_reason"], reason);
    }
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let pieces = pieces(TOOLS);
    let arguments = |piece: &&String| piece.starts_with("Arguments");
    let last = pieces.iter().rfind(arguments).unwrap();
    assert!(
        last.contains("call: 1") && last.contains("\"{}\""),
        "{last}"
    );
}

#[test]
fn a_stream_that_is_cut_finishes_only_where_the_provider_said_so() {
    let events: Vec<&str> = TOOLS.split_inclusive("\n\n").collect();
    for cut in 0..=events.len() {
        let said = &events[..cut];
        let finished = said
            .iter()
            .any(|event| event.contains("stop_reason\":\"tool_use"));
        let ended = said.iter().any(|event| event.contains("message_stop"));
        let pieces = pieces(&said.concat());
        assert_eq!(
            pieces.iter().any(|piece| piece.starts_with("Finish")),
            finished
        );
        assert_eq!(pieces.iter().any(|piece| piece == "End"), ended);
    }
}
