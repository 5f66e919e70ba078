//! Streams, by the book and as compatible servers send them.

use fairlead_translate::chat::stream::{Reader, Writer};
use fairlead_translate::{Head, Malformed, Piece, Stop, Text, Usage};
use serde_json::{Value, json};

use crate::assemble::{again, data, events, pieces, short, through, whole};
use crate::shared::HEAD;

fn delta(delta: Value) -> String {
    json!({"id": "c1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": null}]}).to_string()
}

fn finish(reason: &str) -> String {
    json!({"id": "c1", "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}).to_string()
}

/// What is said by deltas and a reason; the beginning is left out.
fn told(deltas: &[Value], reason: &str) -> Result<Vec<String>, Malformed> {
    let mut events: Vec<_> = deltas.iter().map(|each| delta(each.clone())).collect();
    events.push(finish(reason));
    let events: Vec<_> = events.iter().map(String::as_str).collect();
    let mut pieces = pieces(&events)?;
    assert_eq!(pieces.remove(0), "begin c1 m");
    Ok(pieces)
}

fn call(fragment: Value) -> Value {
    json!({"tool_calls": [fragment]})
}

const BY_THE_BOOK: &str = r#"
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":null},"finish_reason":null}],"usage":null}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"Look "},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"reasoning_content":"it up."},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"Let me"},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":" see."},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"find","arguments":""}}]},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"q\":"}}]},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"find","arguments":""}}]},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"x\"}"}}]},"finish_reason":null}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}
{"id":"c1","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":31,"total_tokens":43,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":20}}}
[DONE]
"#;

#[test]
fn a_stream_says_what_the_whole_answer_says() {
    let answer = json!({"id": "c1", "object": "chat.completion", "created": 7, "model": "m", "choices": [{"index": 0, "message": {
        "role": "assistant", "content": "Let me see.", "refusal": null, "reasoning_content": "Look it up.", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "find", "arguments": "{\"q\":\"x\"}"}},
            {"id": "call_2", "type": "function", "function": {"name": "find", "arguments": "{}"}},
        ]}, "logprobs": null, "finish_reason": "tool_calls"}],
        "usage": {"prompt_tokens": 12, "completion_tokens": 31, "total_tokens": 43, "prompt_tokens_details": {"cached_tokens": 4}, "completion_tokens_details": {"reasoning_tokens": 20}}});
    let stream = through(&events(BY_THE_BOOK)).unwrap();
    assert_eq!(whole(&stream), answer);
    assert_eq!(again(&answer), answer);
    // And once more, through another of us.
    assert_eq!(whole(&through(&data(&stream)).unwrap()), answer);
}

#[test]
fn a_piece_comes_for_every_bit_in_order() {
    assert_eq!(
        pieces(&events(BY_THE_BOOK)).unwrap(),
        [
            "begin c1 m",
            "0 thought Look ",
            "0 thought it up.",
            "0 text Let me",
            "0 text  see.",
            "0 call 0 call_1 find",
            "0 arguments 0 {\"q\":",
            "0 call 1 call_2 find",
            "0 arguments 0 \"x\"}",
            "0 finish Calls",
            "usage 8 4 - 11 20",
            "end",
        ]
    );
}

#[test]
fn everything_may_come_in_one_chunk() {
    let chunk = r#"{"choices":[{"index":0,"finish_reason":"stop","delta":{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"q\":1}"}}],"content":"Hi","reasoning":"Hm."}}],"usage":{"prompt_tokens":1,"completion_tokens":2},"model":"m","id":"c9"}"#;
    assert_eq!(
        pieces(&[chunk]).unwrap(),
        [
            "begin c9 m",
            "0 thought Hm.",
            "0 text Hi",
            "0 call 0 a f",
            "0 arguments 0 {\"q\":1}",
            "0 finish End",
            "usage 1 - - 2 -",
        ]
    );
    let stream = through(&[chunk]).unwrap();
    assert_eq!(whole(&stream)["choices"][0]["finish_reason"], "tool_calls");
}

#[test]
fn parallel_calls_that_all_are_number_0_are_told_apart_by_their_ids() {
    let fragment = |id: &str, arguments: &str| {
        call(json!({"index": 0, "id": id, "function": {"name": "f", "arguments": arguments}}))
    };
    assert_eq!(
        told(&[fragment("a", "{\"q\":1}"), fragment("b", "{}")], "stop").unwrap(),
        [
            "0 call 0 a f",
            "0 arguments 0 {\"q\":1}",
            "0 call 1 b f",
            "0 arguments 1 {}",
            "0 finish End",
        ]
    );
}

#[test]
fn a_fragment_without_an_id_belongs_to_the_last_call_of_its_number() {
    let named = |id: &str| call(json!({"index": 0, "id": id, "function": {"name": "f"}}));
    let more = |arguments: &str| call(json!({"index": 0, "function": {"arguments": arguments}}));
    assert_eq!(
        told(
            &[
                named("a"),
                more("1"),
                named("b"),
                more("2"),
                named("a"),
                more("3")
            ],
            "stop"
        )
        .unwrap(),
        [
            "0 call 0 a f",
            "0 arguments 0 1",
            "0 call 1 b f",
            "0 arguments 1 2",
            "0 arguments 0 3",
            "0 finish End",
        ]
    );
}

#[test]
fn a_fragment_without_an_id_goes_by_its_number_not_by_the_last_call() {
    let named =
        |index: u64, id: &str| call(json!({"index": index, "id": id, "function": {"name": "f"}}));
    let more = |index: u64, arguments: &str| {
        call(json!({"index": index, "id": "", "function": {"name": "", "arguments": arguments}}))
    };
    assert_eq!(
        told(
            &[named(0, "a"), named(1, "b"), more(0, "1"), more(1, "2")],
            "tool_calls"
        )
        .unwrap(),
        [
            "0 call 0 a f",
            "0 call 1 b f",
            "0 arguments 0 1",
            "0 arguments 1 2",
            "0 finish Calls",
        ]
    );
}

#[test]
fn calls_without_numbers_are_counted_as_they_come() {
    let both = json!({"tool_calls": [
        {"id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "function": {"name": "g", "arguments": "{}"}},
    ]});
    assert_eq!(
        told(&[both], "stop").unwrap(),
        [
            "0 call 0 a f",
            "0 arguments 0 {}",
            "0 call 1 b g",
            "0 arguments 1 {}",
            "0 finish End",
        ]
    );
    let bare = json!({"tool_calls": [{"function": {"name": "f", "arguments": "1"}}, {"function": {"arguments": "2"}}, {"function": {"name": "g"}}]});
    assert_eq!(
        told(&[bare], "stop").unwrap(),
        [
            "0 call 0 - f",
            "0 arguments 0 1",
            "0 arguments 0 2",
            "0 call 1 - g",
            "0 finish End",
        ]
    );
}

#[test]
fn an_id_or_a_name_may_come_late() {
    let late_name = [
        call(json!({"index": 0, "id": "a"})),
        call(json!({"index": 0, "function": {"arguments": "{"}})),
        call(json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "}"}})),
    ];
    assert_eq!(
        told(&late_name, "stop").unwrap(),
        [
            "0 call 0 a f",
            "0 arguments 0 {",
            "0 arguments 0 }",
            "0 finish End"
        ]
    );
    let late_id = [
        call(json!({"index": 0, "function": {"name": "f"}})),
        call(json!({"index": 0, "id": "a", "function": {"arguments": "{}"}})),
    ];
    assert_eq!(
        told(&late_id, "stop").unwrap(),
        ["0 call 0 - f", "0 arguments 0 {}", "0 finish End"]
    );
}

#[test]
fn a_repeated_name_begins_no_call_and_another_name_does() {
    let fragment = |name: &str, arguments: &str| {
        call(json!({"index": 0, "function": {"name": name, "arguments": arguments}}))
    };
    assert_eq!(
        told(
            &[fragment("f", "1"), fragment("f", "2"), fragment("g", "3")],
            "stop"
        )
        .unwrap(),
        [
            "0 call 0 - f",
            "0 arguments 0 1",
            "0 arguments 0 2",
            "0 call 1 - g",
            "0 arguments 1 3",
            "0 finish End",
        ]
    );
}

#[test]
fn a_call_that_is_never_named_is_no_call() {
    let nameless = call(json!({"index": 0, "id": "a", "function": {"arguments": "{}"}}));
    assert!(matches!(
        told(&[nameless], "stop"),
        Err(Malformed::Shape(_))
    ));
    let nothing = call(json!({"index": 0}));
    assert_eq!(told(&[nothing], "stop").unwrap(), ["0 finish End"]);
}

#[test]
fn arguments_may_be_an_object_and_signatures_survive() {
    let fragment = call(
        json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": {"q": "x"}}, "extra_content": {"google": {"thought_signature": "g"}}}),
    );
    assert_eq!(
        told(&[fragment], "stop").unwrap(),
        [
            "0 call 0 a f gemini g",
            "0 arguments 0 {\"q\":\"x\"}",
            "0 finish End"
        ]
    );
}

#[test]
fn an_id_that_is_missing_is_made_from_ours() {
    let fragment = delta(call(
        json!({"index": 0, "function": {"name": "f", "arguments": ""}}),
    ));
    let stream = through(&[&fragment, &finish("stop")]).unwrap();
    let call = whole(&stream)["choices"][0]["message"]["tool_calls"][0].clone();
    assert_eq!(
        call,
        json!({"id": "call_own_0_0", "type": "function", "function": {"name": "f", "arguments": "{}"}})
    );
}

#[test]
fn text_and_a_call_in_one_chunk_are_both_told() {
    let both = json!({"content": "Hi", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]});
    assert_eq!(
        told(&[both], "tool_calls").unwrap(),
        [
            "0 text Hi",
            "0 call 0 a f",
            "0 arguments 0 {}",
            "0 finish Calls"
        ]
    );
}

#[test]
fn azures_reports_of_its_filter_open_nothing() {
    let stream = r#"
{"id":"","object":"","created":0,"model":"","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}],"choices":[]}
{"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null,"content_filter_results":{}}]}
{"id":"c1","model":"m","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}]}
{"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{"check_offset":44},"content_filter_results":{}}]}
{"id":"c1","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
{"id":"","object":"","created":0,"model":"","choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{},"content_filter_results":{}}]}
[DONE]
"#;
    assert_eq!(
        pieces(&events(stream)).unwrap(),
        ["begin c1 m", "0 text Hi", "0 finish End", "end"]
    );
}

#[test]
fn the_finish_may_ride_on_the_last_content_and_usage_come_after() {
    let stream = r#"
{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":"stop","stop_reason":"END"}]}
{"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}
"#;
    assert_eq!(
        pieces(&events(stream)).unwrap(),
        [
            "begin - -",
            "0 text Hi",
            "0 finish Sequence(Some(Text(\"END\")))",
            "usage 1 - - 2 -",
        ]
    );
}

#[test]
fn usage_is_read_wherever_it_is_and_the_last_one_counts() {
    for chunk in [
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":1,"completion_tokens":2}}]}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"prompt_tokens":1,"completion_tokens":2}}}"#,
        r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2,"prompt_tokens_details":null}}"#,
    ] {
        let first = r#"{"choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":9,"completion_tokens":0}}"#;
        let stream = through(&[first, chunk]).unwrap();
        assert_eq!(
            whole(&stream)["usage"],
            json!({"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}),
            "{chunk}"
        );
    }
}

#[test]
fn usage_goes_to_those_who_have_asked() {
    let head = Head {
        include_usage: false,
        ..HEAD
    };
    let mut writer = Writer::new(&head);
    let mut out = Vec::new();
    writer.write(
        &Piece::Text {
            choice: 0,
            text: Text::plain("x"),
        },
        &mut out,
    );
    writer.write(
        &Piece::Usage(Usage {
            input: Some(1),
            ..Usage::default()
        }),
        &mut out,
    );
    writer.end(&mut out);
    assert!(!String::from_utf8(out).unwrap().contains("usage"));
    // And what is not known is not made up.
    let stream = through(&[&delta(json!({"content": "x"})), &finish("stop")]).unwrap();
    let data = data(&stream);
    assert!(
        data.iter()
            .all(|event| *event == "[DONE]" || event.contains("\"usage\":null")),
        "{stream}"
    );
}

#[test]
fn an_error_in_a_stream_is_an_error_and_the_last_thing_said() {
    for event in [
        r#"{"error":{"message":"Overloaded","type":"server_error","param":null,"code":503}}"#,
        r#"{"id":"x","choices":[{"index":0,"delta":{"content":""},"finish_reason":"error","error":{"code":503,"message":"Overloaded"}}]}"#,
        r#"{"object":"error","message":"Overloaded","code":503}"#,
        r#"{"code":503,"message":"Overloaded"}"#,
        r#"[{"error":{"code":503,"message":"Overloaded","status":"UNAVAILABLE"}}]"#,
    ] {
        assert_eq!(
            pieces(&[event]).unwrap(),
            ["error Some(503) Some(\"Overloaded\")"],
            "{event}"
        );
        let stream = through(&[&delta(json!({"content": "x"})), event, "[DONE]"]).unwrap();
        let data = data(&stream);
        let last: Value = serde_json::from_str(data.last().unwrap()).unwrap();
        assert_eq!(last["error"]["message"], "Overloaded");
        assert_eq!(last["error"]["type"], "api_error");
        assert_eq!(data.len(), 2, "{stream}");
    }
    let mut told = Vec::new();
    let mut reader = Reader::default();
    reader
        .read(Some(b"error"), b"Overloaded", &mut |piece| {
            told.push(short(&piece));
        })
        .unwrap();
    assert_eq!(told, ["error None Some(\"Overloaded\")"]);
    // An empty one beside an answer is none.
    let event = r#"{"choices":[{"index":0,"delta":{"content":"x"},"error":{}}],"error":null}"#;
    assert_eq!(pieces(&[event]).unwrap(), ["begin - -", "0 text x"]);
}

#[test]
fn pings_and_empty_events_say_nothing() {
    for event in [
        "",
        "  ",
        "{}",
        r#"{"type":"ping"}"#,
        r#"{"choices":null}"#,
        r#"{"choices":[null]}"#,
        r#"{"choices":[{"delta":null}]}"#,
    ] {
        assert_eq!(pieces(&[event]).unwrap(), [""; 0], "{event}");
    }
    assert!(matches!(pieces(&["{"]), Err(Malformed::Json(_))));
    assert!(matches!(pieces(&["hello"]), Err(Malformed::Json(_))));
}

#[test]
fn an_empty_reason_is_one_only_after_calls_and_at_the_end() {
    let called = delta(call(
        json!({"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}),
    ));
    let said = pieces(&[&called, &finish(""), "[DONE]"]).unwrap();
    assert_eq!(said[3..], ["0 finish Calls", "end"]);
    assert_eq!(pieces(&[&called, &finish("")]).unwrap().len(), 3);
    assert_eq!(pieces(&[&called, "[DONE]"]).unwrap()[3..], ["end"]);
    let text = delta(json!({"content": "x"}));
    assert_eq!(
        pieces(&[&text, &finish(""), "[DONE]"]).unwrap()[2..],
        ["end"]
    );
}

#[test]
fn what_follows_the_end_is_refused_and_a_second_end_is_not() {
    let (text, end) = (delta(json!({"content": "x"})), finish("stop"));
    assert_eq!(
        pieces(&[&text, &end, &end, &delta(json!({"content": ""}))])
            .unwrap()
            .len(),
        3
    );
    assert!(matches!(
        pieces(&[&text, &end, &text]),
        Err(Malformed::Shape(_))
    ));
}

#[test]
fn an_empty_answer_that_was_paid_for_is_no_answer() {
    let usage =
        |output: u64| json!({"choices": [], "usage": {"completion_tokens": output}}).to_string();
    let empty = delta(json!({"role": "assistant", "content": ""}));
    let said = |events: &[&str]| pieces(events);
    assert!(matches!(
        said(&[&empty, &finish("stop"), &usage(500)]),
        Err(Malformed::Shape(_))
    ));
    assert!(said(&[&empty, &finish("stop"), &usage(2)]).is_ok());
    assert!(said(&[&empty, &finish("length"), &usage(500)]).is_ok());
    assert!(
        said(&[
            &delta(json!({"content": "x"})),
            &finish("stop"),
            &usage(500)
        ])
        .is_ok()
    );
}

#[test]
fn what_was_thought_is_told_once_however_it_is_sent() {
    let entry = |text: &str| json!({"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0});
    let signature = json!({"reasoning_details": [{"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1", "index": 0}]});
    let both = [
        json!({"reasoning": "Let", "reasoning_details": [entry("Let")]}),
        json!({"reasoning": " me", "reasoning_details": [entry(" me")]}),
        signature.clone(),
    ];
    let details = [
        json!({"reasoning_details": [entry("Let")]}),
        json!({"reasoning_details": [entry(" me")]}),
        signature,
    ];
    for deltas in [both, details] {
        assert_eq!(
            told(&deltas, "stop").unwrap(),
            [
                "0 thought Let",
                "0 thought  me",
                "0 signed anthropic s",
                "0 finish End"
            ]
        );
    }
}

#[test]
fn a_signed_thought_is_one_entry_of_details_and_whole() {
    let entry = |text: &str, signature: Value| json!({"reasoning": text, "reasoning_details": [{"type": "reasoning.text", "text": text, "signature": signature, "format": "anthropic-claude-v1", "index": 0}]});
    let deltas = [
        delta(entry("Let", Value::Null)),
        delta(entry(" me", json!("s1"))),
        delta(
            json!({"reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1", "index": 1}]}),
        ),
        delta(entry("More", json!("s2"))),
        delta(json!({"content": "x"})),
        finish("stop"),
    ];
    let deltas: Vec<_> = deltas.iter().map(String::as_str).collect();
    let stream = through(&deltas).unwrap();
    let expected = json!({"role": "assistant", "content": "x", "refusal": null, "reasoning_content": "Let meMore", "reasoning_details": [
        {"type": "reasoning.text", "text": "Let me", "signature": "s1", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1", "index": 1},
        {"type": "reasoning.text", "text": "More", "signature": "s2", "format": "anthropic-claude-v1", "index": 2},
    ]});
    assert_eq!(whole(&stream)["choices"][0]["message"], expected);
    assert_eq!(
        whole(&through(&data(&stream)).unwrap())["choices"][0]["message"],
        expected
    );
}

#[test]
fn content_in_parts_is_read_in_order() {
    let parts = json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm."}]}, {"type": "text", "text": "Hi"}]});
    assert_eq!(
        told(&[parts], "stop").unwrap(),
        ["0 thought Hm.", "0 text Hi", "0 finish End"]
    );
}

#[test]
fn a_cumulative_message_beside_the_delta_is_not_read() {
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"b"},"message":{"content":"ab"}}]}"#;
    assert_eq!(pieces(&[chunk]).unwrap(), ["begin - -", "0 text b"]);
}

#[test]
fn a_refusal_and_a_reason_to_hold_back_are_visible() {
    let stream = through(&[&delta(json!({"refusal": "No."})), &finish("stop")]).unwrap();
    assert_eq!(whole(&stream)["choices"][0]["message"]["refusal"], "No.");
    let mut writer = Writer::new(&HEAD);
    let mut out = Vec::new();
    writer.write(
        &Piece::Begin {
            id: None,
            model: None,
        },
        &mut out,
    );
    let stop = Stop::Filtered(Some(Text::plain("SAFETY")));
    writer.write(&Piece::Finish { choice: 0, stop }, &mut out);
    writer.end(&mut out);
    let answer = whole(&String::from_utf8(out).unwrap());
    assert_eq!(answer["choices"][0]["message"]["refusal"], "SAFETY");
    assert_eq!(answer["choices"][0]["finish_reason"], "content_filter");
}

#[test]
fn choices_are_kept_apart() {
    let chunk = |choice: u64, delta: Value, reason: Value| {
        json!({"id": "c", "choices": [{"index": choice, "delta": delta, "finish_reason": reason}]})
            .to_string()
    };
    let chunks = [
        chunk(0, json!({"content": "a"}), Value::Null),
        chunk(
            1,
            json!({"tool_calls": [{"index": 0, "id": "t", "function": {"name": "f", "arguments": "{}"}}]}),
            Value::Null,
        ),
        chunk(0, json!({"content": "b"}), json!("stop")),
        chunk(1, json!({}), json!("stop")),
    ];
    let chunks: Vec<_> = chunks.iter().map(String::as_str).collect();
    let answer = whole(&through(&chunks).unwrap());
    assert_eq!(answer["choices"][0]["message"]["content"], "ab");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(answer["choices"][1]["finish_reason"], "tool_calls");
}

#[test]
fn logprobs_pass_and_their_line_breaks_do_not_break_the_framing() {
    let chunk = "{\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"logprobs\":{\n\"content\": [\r\n]}}]}";
    let stream = through(&[chunk, &finish("stop")]).unwrap();
    assert_eq!(
        whole(&stream)["choices"][0]["logprobs"],
        json!({"content": []})
    );
}

#[test]
fn half_of_a_pair_passes_as_it_is_written() {
    let chunk = r#"{"choices":[{"index":0,"delta":{"content":"\ud83d"}}]}"#;
    let stream = through(&[chunk, &finish("stop")]).unwrap();
    assert!(stream.contains(r#""content":"\ud83d""#), "{stream}");
}

#[test]
fn of_anothers_error_only_its_words_are_told() {
    let inside =
        json!({"error": {"message": "Too long", "type": "invalid_request_error", "code": null}})
            .to_string();
    let event = json!({"error": {"message": inside, "code": 400}}).to_string();
    let stream = through(&[&event]).unwrap();
    let error: Value = serde_json::from_str(data(&stream)[0]).unwrap();
    assert_eq!(error["error"]["message"], "Too long");
    assert_eq!(error["error"]["type"], "invalid_request_error");
}

#[test]
fn nothing_is_read_after_the_end_of_the_stream() {
    let error = r#"{"error":{"message":"late"}}"#;
    assert_eq!(pieces(&["[DONE]", "[DONE]", error]).unwrap(), ["end"]);
}

#[test]
fn an_error_before_the_end_of_the_stream_wins() {
    let error = r#"{"error":{"message":"no","code":500}}"#;
    let stream = through(&[error, "[DONE]"]).unwrap();
    assert!(!stream.contains("[DONE]"), "{stream}");
}
