//! Answers that come bit by bit.

use fairlead_translate::gemini::stream::{Reader, Writer};
use fairlead_translate::{Malformed, Origin, Piece, Signature, Stop, Text, Usage};
use fairlead_wire::openai::ErrorFacts;
use serde_json::json as literal;

use crate::fixtures::{EVENTS, HEAD, WHOLE, answer_again, parts, pieces, relayed, sent, written};

fn text(text: &str) -> Piece<'_> {
    Piece::Text {
        choice: 0,
        text: Text::plain(text),
    }
}

fn finish(stop: Stop<'static>) -> Piece<'static> {
    Piece::Finish { choice: 0, stop }
}

#[test]
fn a_stream_is_read_piece_by_piece() {
    assert_eq!(
        pieces(&EVENTS),
        [
            "begin r1 gemini-3-pro",
            "thought 0 Look it up.",
            "usage Some(12) None None None",
            "text 0 I will ",
            "text 0 look.",
            "call 0.0 fc1 find c2ln",
            r#"arguments 0.0 {"q":"x"}"#,
            "call 0.1 call_r1_1 find -",
            "arguments 0.1 {}",
            "finish 0 Calls",
            "usage Some(12) None Some(9) None",
            "usage Some(8) Some(4) Some(11) Some(20)",
        ]
    );
}

#[test]
fn whole_and_streamed_say_the_same() {
    let events = relayed(&EVENTS);
    let whole = answer_again(WHOLE);
    let mut streamed = parts(&events, 0);
    // Two deltas of one text.
    let more = streamed.remove(2);
    let joined = format!(
        "{}{}",
        streamed[1]["text"].as_str().unwrap(),
        more["text"].as_str().unwrap()
    );
    streamed[1]["text"] = joined.into();
    assert_eq!(
        literal!(streamed),
        whole["candidates"][0]["content"]["parts"]
    );
    let last = events.last().unwrap();
    assert_eq!(
        last["candidates"][0]["finishReason"],
        whole["candidates"][0]["finishReason"]
    );
    assert_eq!(last["usageMetadata"], whole["usageMetadata"]);
    for event in &events {
        assert_eq!(event["responseId"], "r1");
        assert_eq!(event["modelVersion"], "gemini-3-pro");
    }
}

#[test]
fn no_event_but_the_last_says_why_it_ended_and_none_is_empty() {
    let events = relayed(&EVENTS);
    let (last, others) = events.split_last().unwrap();
    for event in others {
        let candidate = &event["candidates"][0];
        assert!(candidate.get("finishReason").is_none(), "{event}");
        assert!(event.get("usageMetadata").is_none(), "{event}");
    }
    for part in parts(&events, 0) {
        assert_ne!(part["text"], "", "{events:?}");
    }
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
}

#[test]
fn the_last_text_goes_with_the_end() {
    let events = written(&[text("a"), text("b"), finish(Stop::Length)]);
    assert_eq!(
        events,
        [
            literal!({"candidates": [{"content": {"parts": [{"text": "a"}], "role": "model"}, "index": 0}], "modelVersion": "asked", "responseId": "ours"}),
            literal!({"candidates": [{"content": {"parts": [{"text": "b"}], "role": "model"}, "finishReason": "MAX_TOKENS", "index": 0}], "modelVersion": "asked", "responseId": "ours"}),
        ]
    );
}

#[test]
fn an_answer_without_words_has_a_part_all_the_same() {
    let events = written(&[finish(Stop::End)]);
    assert_eq!(events.len(), 1);
    assert_eq!(
        events[0]["candidates"][0]["content"]["parts"],
        literal!([{"text": ""}])
    );
    assert_eq!(events[0]["candidates"][0]["finishReason"], "STOP");
}

#[test]
fn arguments_are_gathered_until_the_call_is_whole() {
    let call = |call, id, name| Piece::Call {
        choice: 0,
        call,
        id,
        name: Text::plain(name),
        signature: None,
    };
    let more = |call, fragment| Piece::Arguments {
        choice: 0,
        call,
        fragment: Text::plain(fragment),
    };
    // The fragments of two calls come in turn.
    let events = written(&[
        text("Both."),
        call(0, Some(Text::plain("a")), "find"),
        more(0, "{\"q\":"),
        call(1, None, "look"),
        more(1, ""),
        more(0, "\"\u{1f600}\\\"\"}"),
        finish(Stop::Calls),
    ]);
    assert_eq!(
        parts(&events, 0),
        [
            literal!({"text": "Both."}),
            literal!({"functionCall": {"id": "a", "name": "find", "args": {"q": "\u{1f600}\""}}}),
            literal!({"functionCall": {"id": "call_ours_1", "name": "look", "args": {}}}),
        ]
    );
    let events = written(&[
        call(0, None, "find"),
        more(0, "{}"),
        text("Done."),
        finish(Stop::End),
    ]);
    assert_eq!(parts(&events, 0)[0]["functionCall"]["args"], literal!({}));
    assert_eq!(parts(&events, 0)[1], literal!({"text": "Done."}));
}

#[test]
fn signatures_ride_beside_what_they_prove() {
    let signed = |origin, value| Piece::Signed {
        choice: 0,
        signature: Signature {
            origin,
            value: Text::plain(value),
        },
    };
    let thought = Piece::Reasoning {
        choice: 0,
        text: Text::plain("Hm."),
    };
    let events = written(&[
        thought,
        signed(Origin::Anthropic, "sig"),
        text("Hi."),
        signed(Origin::Gemini, "c2ln"),
        finish(Stop::End),
    ]);
    assert_eq!(
        parts(&events, 0),
        [
            literal!({"text": "Hm.", "thought": true, "thoughtSignature": "ZmFpcmxlYWQ6YW50aHJvcGljOnNpZw=="}),
            literal!({"text": "Hi.", "thoughtSignature": "c2ln"}),
        ]
    );
    let events = written(&[
        text("Hi."),
        signed(Origin::OpenAi, "enc"),
        text("!"),
        finish(Stop::End),
    ]);
    assert_eq!(
        parts(&events, 0)[1],
        literal!({"thought": true, "thoughtSignature": "ZmFpcmxlYWQ6b3BlbmFpOmVuYw=="})
    );
}

#[test]
fn a_failure_in_the_stream_stands_where_the_sdk_looks() {
    let (mut writer, mut out) = (Writer::new(&HEAD), Vec::new());
    writer.write(&text("said"), &mut out);
    let facts = ErrorFacts {
        status: Some(503),
        message: Some("overloaded".to_owned()),
        kind: Some("overloaded_error".to_owned()),
        ..ErrorFacts::default()
    };
    writer.write(&Piece::Error(facts), &mut out);
    writer.write(&text("never"), &mut out);
    writer.end(&mut out);
    let events = sent(&out);
    assert_eq!(events.len(), 2);
    assert_eq!(parts(&events, 0), [literal!({"text": "said"})]);
    assert_eq!(events[1]["error"]["code"], 503);
    assert_eq!(events[1]["error"]["status"], "UNAVAILABLE");
    assert_eq!(events[1]["error"]["message"], "overloaded");
    assert_eq!(
        events[1]["error"]["details"][0]["reason"],
        "overloaded_error"
    );
    assert!(out.windows(15).any(|bytes| bytes == b"data: {\"error\":"));
}

#[test]
fn usage_that_comes_in_parts_is_the_last_of_each() {
    let usage = |input, output| {
        Piece::Usage(Usage {
            input,
            output,
            ..Usage::default()
        })
    };
    let events = written(&[
        usage(Some(5), Some(1)),
        text("a"),
        finish(Stop::End),
        usage(None, Some(9)),
    ]);
    let last = events.last().unwrap();
    assert_eq!(
        last["usageMetadata"],
        literal!({"promptTokenCount": 5, "candidatesTokenCount": 9, "totalTokenCount": 14})
    );
}

#[test]
fn choices_are_kept_apart() {
    let events = [
        r#"{"candidates":[{"index":0,"content":{"parts":[{"text":"a"}]}},{"index":1,"content":{"parts":[{"text":"b"},{"functionCall":{"name":"f"}}]}}]}"#,
        r#"{"candidates":[{"index":1,"finishReason":"STOP"}]}"#,
        r#"{"candidates":[{"index":0,"finishReason":"MAX_TOKENS"}]}"#,
    ];
    assert_eq!(
        pieces(&events),
        [
            "begin - -",
            "text 0 a",
            "text 1 b",
            "call 1.0 - f -",
            "arguments 1.0 {}",
            "finish 1 Calls",
            "finish 0 Length",
        ]
    );
    let sent = relayed(&events);
    let last = sent.last().unwrap();
    assert_eq!(last["candidates"][0]["finishReason"], "MAX_TOKENS");
    assert_eq!(last["candidates"][1]["finishReason"], "STOP");
    assert_eq!(parts(&sent, 1)[1]["functionCall"]["id"], "call_ours_1_0");
}

#[test]
fn errors_in_the_stream_are_errors() {
    let error = r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#;
    assert_eq!(pieces(&[error]), ["error busy"]);
    assert_eq!(pieces(&[format!("[{error}]")]), ["error busy"]);
    let mut reader = Reader::default();
    let mut said = Vec::new();
    let read = reader.read(Some(b"error"), b"gone", &mut |piece| {
        said.push(crate::fixtures::short(&piece));
    });
    assert_eq!(read, Ok(()));
    assert_eq!(said, ["error gone"]);
    let malformed = r#"{"candidates":[{"content":{},"finishReason":"MALFORMED_FUNCTION_CALL"}]}"#;
    assert_eq!(
        pieces(&[malformed]),
        [
            "begin - -",
            "error the model's answer cannot be used (MALFORMED_FUNCTION_CALL)"
        ]
    );
}

#[test]
fn nothing_is_made_of_nothing() {
    assert_eq!(pieces(&["", " \n", "[DONE]"]), Vec::<String>::new());
    let mut reader = Reader::default();
    for broken in ["7", "{\"candidates\":", "{\"candidates\":7}", "[]"] {
        let read = reader.read(None, broken.as_bytes(), &mut |piece| panic!("{piece:?}"));
        assert!(read.is_err(), "{broken}");
    }
    let partial = r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","willContinue":true}}]}}]}"#;
    let read = reader.read(None, partial.as_bytes(), &mut |_| {});
    assert!(matches!(read, Err(Malformed::Shape(_))));
    assert_eq!(
        pieces(&[r#"{"candidates":[{"finishReason":"STOP"}]}"#]),
        [
            "begin - -",
            "error the model ended without an answer (STOP)"
        ]
    );
}

#[test]
fn a_reason_on_every_event_ends_the_answer_once() {
    let event = |text: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}},"finishReason":"STOP"}}]}}"#
        )
    };
    assert_eq!(
        pieces(&[event("a"), event("b")]),
        ["begin - -", "text 0 a", "finish 0 End", "text 0 b"]
    );
}
