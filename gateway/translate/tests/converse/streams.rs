//! Streams of a provider, from their frames.

use fairlead_translate::converse::Family;
use fairlead_translate::messages::stream::Writer;
use fairlead_translate::{Head, Malformed, Piece};

use crate::common::{frames, pieces, pieces_for, read};

pub(crate) const TOOLS: &str = r#"
messageStart {"role":"assistant","p":"abcd"}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"Look "}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"text":"it up."}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"sig0"}}}
contentBlockStop {"contentBlockIndex":0}
contentBlockDelta {"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"Zm8="}}}
contentBlockDelta {"contentBlockIndex":1,"delta":{"reasoningContent":{"redactedContent":"b2I="}}}
contentBlockStop {"contentBlockIndex":1}
contentBlockDelta {"contentBlockIndex":2,"delta":{"text":"I \"look\""}}
contentBlockStop {"contentBlockIndex":2}
contentBlockStart {"contentBlockIndex":3,"start":{"toolUse":{"toolUseId":"tooluse_1","name":"find"}}}
contentBlockDelta {"contentBlockIndex":3,"delta":{"toolUse":{"input":""}}}
contentBlockDelta {"contentBlockIndex":3,"delta":{"toolUse":{"input":"{\"q\":"}}}
contentBlockDelta {"contentBlockIndex":3,"delta":{"toolUse":{"input":"\"x\"}"}}}
contentBlockStop {"contentBlockIndex":3}
contentBlockStart {"contentBlockIndex":4,"start":{"toolUse":{"toolUseId":"tooluse_2","name":"now"}}}
contentBlockStop {"contentBlockIndex":4}
messageStop {"stopReason":"tool_use"}
metadata {"usage":{"inputTokens":12,"outputTokens":31,"totalTokens":48,"cacheReadInputTokens":5,"cacheWriteInputTokens":0},"metrics":{"latencyMs":900}}
"#;

#[test]
fn everything_comes_in_order() {
    assert_eq!(
        pieces(TOOLS),
        [
            "begin",
            "thought Look ",
            "thought it up.",
            "signed anthropic sig0",
            "redacted bedrock Zm9vYg==",
            "text I \"look\"",
            "call 0 tooluse_1 find",
            "arguments 0 {\"q\":",
            "arguments 0 \"x\"}",
            "call 1 tooluse_2 now",
            "arguments 1 {}",
            "finish Calls",
            "usage Some(12) Some(5) Some(0) Some(31)"
        ]
    );
}

#[test]
fn a_caller_of_anthropic_gets_the_same() {
    let head = Head {
        id: "0a1b",
        model: "asked-for",
        created: 1,
        include_usage: false,
    };
    let (mut writer, mut out) = (Writer::new(&head), Vec::new());
    let stream = frames(TOOLS);
    read(&stream, 7, Family::Claude, &mut |piece| {
        writer.write(&piece, &mut out);
    })
    .unwrap();
    writer.end(&mut out);
    let out = String::from_utf8(out).unwrap();
    for expected in [
        r#""delta":{"type":"signature_delta","signature":"sig0"}"#,
        r#""content_block":{"type":"redacted_thinking","data":"fairlead:bedrock:Zm9vYg=="}"#,
        r#""content_block":{"type":"tool_use","id":"tooluse_2","name":"now","input":{}}"#,
        r#""delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":5,"output_tokens":31}"#,
    ] {
        assert!(out.contains(expected), "{expected}\n{out}");
    }
    assert!(out.ends_with("data: {\"type\":\"message_stop\"}\n\n"));
}

#[test]
fn deltas_of_two_calls_are_told_apart() {
    let told = pieces(
        r#"
messageStart {"role":"assistant"}
contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"a","name":"f"}}}
contentBlockStart {"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"b","name":"g"}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{\"x\":"}}}
contentBlockDelta {"contentBlockIndex":1,"delta":{"toolUse":{"input":"{\"y\":2}"}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"1}"}}}
messageStop {"stopReason":"tool_use"}"#,
    );
    assert_eq!(
        told[1..6],
        [
            "call 0 a f",
            "call 1 b g",
            "arguments 0 {\"x\":",
            "arguments 1 {\"y\":2}",
            "arguments 0 1}"
        ]
    );
}

#[test]
fn what_is_open_at_the_end_is_closed() {
    let told = pieces(
        r#"
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"a"}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"reasoningContent":{"signature":"b"}}}
contentBlockStart {"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"a","name":"f"}}}
messageStop {"stopReason":"tool_use"}
messageStop {"stopReason":"tool_use"}"#,
    );
    assert_eq!(
        told,
        [
            "begin",
            "signed anthropic ab",
            "call 0 a f",
            "arguments 0 {}",
            "finish Calls"
        ]
    );
}

#[test]
fn every_reason_means_something() {
    for (reason, expected) in [
        ("end_turn", "finish End"),
        ("max_tokens", "finish Length"),
        ("stop_sequence", "finish Sequence(None)"),
        ("model_context_window_exceeded", "finish ContextFull"),
        ("tool_use", "finish Calls"),
        (
            "guardrail_intervened",
            "finish Filtered(Some(Text(\"guardrail_intervened\")))",
        ),
        (
            "content_filtered",
            "finish Filtered(Some(Text(\"content_filtered\")))",
        ),
        (
            "malformed_tool_use",
            "error None None Some(\"the model's answer cannot be used (malformed_tool_use)\")",
        ),
        (
            "malformed_model_output",
            "error None None Some(\"the model's answer cannot be used (malformed_model_output)\")",
        ),
        ("brand_new", "finish Other(Text(\"brand_new\"))"),
    ] {
        let told = pieces(&format!(r#"messageStop {{"stopReason":"{reason}"}}"#));
        assert_eq!(told, ["begin", expected], "{reason}");
    }
}

#[test]
fn what_the_provider_does_itself_is_no_call() {
    let told = pieces(
        r#"
messageStart {"role":"assistant"}
contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"s","name":"nova_grounding","type":"server_tool_use"}}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}
contentBlockStop {"contentBlockIndex":0}
contentBlockStart {"contentBlockIndex":1,"start":{"toolResult":{"toolUseId":"s","type":"nova_grounding_result"}}}
contentBlockDelta {"contentBlockIndex":1,"delta":{"toolResult":[{"text":"found"}]}}
contentBlockStop {"contentBlockIndex":1}
contentBlockDelta {"contentBlockIndex":2,"delta":{"text":"It is so."}}
contentBlockDelta {"contentBlockIndex":2,"delta":{"citation":{"title":"a"}}}
somethingNew {"x":1}
messageStop {"stopReason":"end_turn"}"#,
    );
    assert_eq!(told, ["begin", "text It is so.", "finish End"]);
}

#[test]
fn words_come_whether_their_block_begins_or_not() {
    let told = pieces(
        r#"
contentBlockStart {"contentBlockIndex":0,"start":{}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"a"}}
contentBlockStop {"contentBlockIndex":0}
contentBlockStart {"contentBlockIndex":1}
contentBlockDelta {"contentBlockIndex":1,"delta":{"text":"b"}}
contentBlockDelta {"delta":{"text":"c"}}
messageStop {"stopReason":"end_turn"}"#,
    );
    assert_eq!(told, ["begin", "text a", "text b", "text c", "finish End"]);
}

#[test]
fn half_of_a_pair_passes_as_it_is_written() {
    let stream = frames(
        r#"
contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"\ud83d"}}
contentBlockDelta {"contentBlockIndex":0,"delta":{"text":"\ude00"}}"#,
    );
    let mut all = String::new();
    read(&stream, 9, Family::Claude, &mut |piece| {
        if let Piece::Text { text, .. } = piece {
            all.push_str(text.as_written());
        }
    })
    .unwrap();
    assert_eq!(all, r"\ud83d\ude00");
}

#[test]
fn usage_of_openais_models_is_without_the_cache() {
    let metadata = r#"metadata {"usage":{"inputTokens":100,"outputTokens":10,"totalTokens":110,"cacheReadInputTokens":80,"cacheWriteInputTokens":0}}"#;
    let told = pieces_for(Family::OpenAi, metadata).unwrap();
    assert_eq!(told, ["usage Some(20) Some(80) Some(0) Some(10)"]);
}

#[test]
fn what_is_not_of_the_format_is_an_error() {
    for events in [
        r"messageStart {",
        r"messageStart []",
        r#"contentBlockStart {"contentBlockIndex":0,"start":{"toolUse":{"toolUseId":"a"}}}"#,
        r#"contentBlockDelta {"contentBlockIndex":0,"delta":{"toolUse":{"input":"{}"}}}"#,
        r"messageStop {}",
        r#"messageStop {"stopReason":null}"#,
    ] {
        assert!(pieces_for(Family::Claude, events).is_err(), "{events}");
    }
    let mut reader = fairlead_translate::converse::stream::Reader::default();
    let nameless = reader.read(None, b"{}", &mut |_| {});
    assert!(matches!(nameless, Err(Malformed::Shape(_))));
}
