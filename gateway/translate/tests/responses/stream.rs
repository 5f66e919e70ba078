//! A provider's streams.

use fairlead_translate::Piece;
use fairlead_translate::responses::stream::Reader;
use serde_json::{Value, json};

use super::answer::{FULL, full};
use super::common::{Said, streamed};

/// The stream of [`FULL`], as the reference has it.
pub(crate) fn full_stream() -> Vec<String> {
    let response: Value = serde_json::from_str(FULL).unwrap();
    let items = response["output"].as_array().unwrap();
    let mut opening = response.clone();
    opening["output"] = json!([]);
    opening["usage"] = Value::Null;
    opening["status"] = json!("in_progress");
    let mut events = vec![
        json!({"type": "response.created", "response": opening}),
        json!({"type": "response.in_progress", "response": opening}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "half"}}),
    ];
    for (at, text) in ["Look", "it up."].iter().enumerate() {
        let (first, last) = text.split_at(2);
        let place = |mut event: Value| {
            event["item_id"] = json!("rs_1");
            event["output_index"] = json!(0);
            event["summary_index"] = json!(at);
            event
        };
        events.extend([
            place(json!({"type": "response.reasoning_summary_part.added", "part": {"type": "summary_text", "text": ""}})),
            place(json!({"type": "response.reasoning_summary_text.delta", "delta": first})),
            place(json!({"type": "response.reasoning_summary_text.delta", "delta": last})),
            place(json!({"type": "response.reasoning_summary_text.done", "text": text})),
            place(json!({"type": "response.reasoning_summary_part.done", "part": {"type": "summary_text", "text": text}})),
        ]);
    }
    let message = |mut event: Value| {
        event["item_id"] = json!("msg_1");
        event["output_index"] = json!(1);
        event["content_index"] = json!(0);
        event
    };
    let call = |mut event: Value| {
        event["item_id"] = json!("fc_1");
        event["output_index"] = json!(2);
        event
    };
    events.extend([
        json!({"type": "response.output_item.done", "output_index": 0, "item": items[0]}),
        json!({"type": "response.output_item.added", "output_index": 1, "item": {"id": "msg_1", "type": "message", "content": []}}),
        message(json!({"type": "response.content_part.added", "part": {"type": "output_text", "text": ""}})),
        message(json!({"type": "response.output_text.delta", "delta": "One ", "logprobs": []})),
        message(json!({"type": "response.output_text.delta", "delta": "\"moment\".", "obfuscation": "xx"})),
        message(json!({"type": "response.output_text.done", "text": "One \"moment\"."})),
        message(json!({"type": "response.content_part.done", "part": items[1]["content"][0]})),
        json!({"type": "response.output_item.done", "output_index": 1, "item": items[1]}),
        json!({"type": "response.output_item.added", "output_index": 2, "item": {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "find", "arguments": ""}}),
        call(json!({"type": "response.function_call_arguments.delta", "delta": "{\"q\":"})),
        call(json!({"type": "response.function_call_arguments.delta", "delta": "\"x\"}"})),
        call(json!({"type": "response.function_call_arguments.done", "arguments": "{\"q\":\"x\"}"})),
        json!({"type": "response.output_item.done", "output_index": 2, "item": items[2]}),
        json!({"type": "response.output_item.added", "output_index": 3, "item": {"id": "fc_2", "type": "function_call", "call_id": "call_2", "name": "now", "arguments": ""}}),
        json!({"type": "response.output_item.done", "output_index": 3, "item": items[3]}),
        json!({"type": "response.completed", "response": response}),
    ]);
    events.iter().map(Value::to_string).collect()
}

pub(crate) fn ended(mut said: Said) -> Said {
    said.ends = 1;
    said
}

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    assert_eq!(streamed(&full_stream()), ended(full()));
}

#[test]
fn whatever_is_left_out_is_taken_from_elsewhere() {
    for left_out in [
        &[".delta"][..],
        &[".delta", ".done\",\"whole"],
        &["text.done", "arguments.done", "part.done"],
        &[".added"],
        &[".delta", "_text.done", "arguments.done", "part.done"],
        &["output_item.done"],
        &[
            ".delta",
            "_text.done",
            "arguments.done",
            "output_item",
            "part.",
        ],
    ] {
        let events: Vec<String> = full_stream()
            .into_iter()
            .filter(|event| {
                let event: Value = serde_json::from_str(event).unwrap();
                let kind = event["type"].as_str().unwrap();
                !left_out.iter().any(|word| kind.contains(word))
            })
            .collect();
        let mut said = streamed(&events);
        if left_out == ["output_item.done"] {
            // What proves reasoning is nowhere else while its words are.
            said.signatures = full().signatures;
        }
        assert_eq!(said, ended(full()), "{left_out:?}");
    }
}

#[test]
fn places_or_ids_may_be_missing() {
    for key in ["output_index", "item_id", "content_index", "summary_index"] {
        let events: Vec<String> = full_stream()
            .into_iter()
            .map(|event| {
                let mut event: Value = serde_json::from_str(&event).unwrap();
                event.as_object_mut().unwrap().remove(key);
                event.to_string()
            })
            .collect();
        let mut said = streamed(&events);
        if key == "summary_index" {
            assert_eq!(said.reasoning, "Lookit up.", "parts cannot be told apart");
            said.reasoning = full().reasoning;
        }
        assert_eq!(said, ended(full()), "{key}");
    }
}

#[test]
fn a_stream_that_ends_early_has_no_end() {
    let events = full_stream();
    for length in 0..events.len() {
        let said = streamed(&events[..length]);
        assert!(
            said.stops.is_empty() && said.usage.is_none() && said.ends == 0,
            "{length}"
        );
    }
}

#[test]
fn a_failure_is_an_error_and_no_end() {
    for event in [
        r#"{"type":"error","code":"server_error","message":"Oops","param":null,"sequence_number":3}"#,
        r#"{"type":"error","error":{"code":"server_error","message":"Oops"}}"#,
        r#"{"type":"response.failed","response":{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"Oops"},"output":[]}}"#,
        r#"{"error":{"code":"server_error","message":"Oops"}}"#,
    ] {
        let (mut reader, mut facts) = (Reader::default(), Vec::new());
        let mut hear = |piece: Piece<'_>| {
            if let Piece::Error(told) = piece {
                facts.push(told);
            } else {
                assert!(!matches!(piece, Piece::Finish { .. } | Piece::End));
            }
        };
        reader.read(None, event.as_bytes(), &mut hear).unwrap();
        reader.read(None, b"[DONE]", &mut hear).unwrap();
        assert_eq!(facts.len(), 1, "{event}");
        assert_eq!(facts[0].code.as_deref(), Some("server_error"));
        assert_eq!(facts[0].message.as_deref(), Some("Oops"));
    }
}

#[test]
fn an_incomplete_response_says_why() {
    let event = |reason: &str| {
        format!(
            r#"{{"type":"response.incomplete","response":{{"status":"incomplete","incomplete_details":{{"reason":"{reason}"}},"output":[]}}}}"#
        )
    };
    assert_eq!(streamed(&[event("max_output_tokens")]).stops, ["Length"]);
    assert_eq!(
        streamed(&[event("content_filter")]).stops,
        ["Filtered(None)"]
    );
}

#[test]
fn a_complete_response_that_says_nothing_is_malformed() {
    let mut reader = Reader::default();
    let event = r#"{"type":"response.completed","response":{"status":"completed","output":[],"usage":{"output_tokens":5}}}"#;
    let read = reader.read(None, event.as_bytes(), &mut |piece| {
        assert!(!matches!(piece, Piece::Finish { .. }));
    });
    assert!(read.is_err());
}

#[test]
fn the_name_of_an_event_stands_in_for_its_type() {
    let (mut reader, mut said) = (Reader::default(), Said::default());
    for (name, data) in [
        (
            "response.output_text.delta",
            r#"{"delta":"a","output_index":0,"content_index":0}"#,
        ),
        ("ping", "{}"),
        ("response.output_text.delta", ""),
        ("response.completed", r#"{"response":{"output":[]}}"#),
    ] {
        reader
            .read(Some(name.as_bytes()), data.as_bytes(), &mut |piece| {
                said.hear(&piece);
            })
            .unwrap();
    }
    assert_eq!((&*said.text, said.stops.len()), ("a", 1));
}

#[test]
fn raw_thoughts_and_refusals_are_read() {
    let said = streamed(&[
        r#"{"type":"response.reasoning_text.delta","output_index":0,"content_index":0,"delta":"hm"}"#.into(),
        r#"{"type":"response.reasoning_text.done","output_index":0,"content_index":0,"text":"hm"}"#.into(),
        r#"{"type":"response.refusal.delta","output_index":1,"content_index":0,"delta":"No"}"#.into(),
        r#"{"type":"response.refusal.done","output_index":1,"content_index":0,"refusal":"No"}"#.into(),
        r#"{"type":"response.completed","response":{}}"#.into(),
    ]);
    assert_eq!((&*said.reasoning, &*said.refusal), ("hm", "No"));
    assert_eq!(said.stops, ["End"]);
}

#[test]
fn custom_calls_are_read_as_functions_of_one_text() {
    let said = streamed(&[
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"custom_tool_call","id":"ctc_1","call_id":"c","name":"sh","input":""}}"#.into(),
        r#"{"type":"response.custom_tool_call_input.delta","item_id":"ctc_1","output_index":0,"delta":"l\"s"}"#.into(),
        r#"{"type":"response.custom_tool_call_input.done","item_id":"ctc_1","output_index":0,"input":"l\"s"}"#.into(),
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"custom_tool_call","id":"ctc_1","call_id":"c","name":"sh","input":"l\"s"}}"#.into(),
        r#"{"type":"response.completed","response":{}}"#.into(),
    ]);
    assert_eq!(
        said.calls,
        [("c".into(), "sh".into(), "{\"input\":\"l\\\"s\"}".into())]
    );
}
