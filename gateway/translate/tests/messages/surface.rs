//! Answers of other formats for a caller of this one.

use fairlead_translate::messages::{answer, request};
use fairlead_translate::{Arguments, Content, Origin, Piece, Signature, Stop, Text, Usage};
use serde_json::json;

use crate::HEAD;
use crate::client::{events, message};
use crate::pieces::{content, finish, streamed, text, thought, whole};

#[test]
fn thinking_is_one_block_and_is_closed_before_the_text() {
    let pieces = [thought("Hm"), thought("."), text("So"), finish(Stop::End)];
    assert_eq!(
        content(&pieces),
        json!([
            {"type":"thinking","thinking":"Hm.","signature":"fairlead:unknown:"},
            {"type":"text","text":"So"}
        ])
    );
}

#[test]
fn usage_that_comes_after_the_finish_is_told() {
    let usage = Usage {
        input: Some(10),
        cache_read: Some(90),
        output: Some(3),
        reasoning: Some(4),
        ..Usage::default()
    };
    let pieces = [
        text("So"),
        finish(Stop::End),
        Piece::Usage(usage),
        Piece::Usage(Usage {
            output: Some(5),
            ..Usage::default()
        }),
        Piece::End,
    ];
    let out = streamed(&pieces);
    let events = events(&out);
    assert_eq!(events[0].1["message"]["usage"]["input_tokens"], 0);
    let names: Vec<&str> = events.iter().map(|(name, _)| &**name).collect();
    assert_eq!(names[names.len() - 2..], ["message_delta", "message_stop"]);
    assert_eq!(
        events[events.len() - 2].1["usage"],
        json!({"input_tokens":10,"cache_read_input_tokens":90,"output_tokens":9,"output_tokens_details":{"thinking_tokens":4}})
    );
}

#[test]
fn the_start_tells_an_estimate_of_the_input_until_the_truth_is_known() {
    let told = Piece::Usage(Usage {
        input: Some(10),
        output: Some(3),
        ..Usage::default()
    });
    let stream = |pieces: &[&Piece<'_>]| {
        let mut writer = fairlead_translate::messages::stream::Writer::new(&HEAD).expecting(42);
        let mut out = Vec::new();
        for piece in pieces {
            writer.write(piece, &mut out);
        }
        writer.end(&mut out);
        events(&out)
    };
    for (pieces, at_first) in [
        ([&text("So"), &finish(Stop::End), &told], 42),
        ([&told, &text("So"), &finish(Stop::End)], 10),
    ] {
        let events = stream(&pieces);
        let start = &events[0].1["message"]["usage"];
        assert_eq!(start["input_tokens"], at_first);
        assert_eq!(events[events.len() - 2].1["usage"]["input_tokens"], 10);
    }
}

#[test]
fn a_refusal_is_seen_and_said() {
    let refusal = Piece::Refusal {
        choice: 0,
        text: Text::plain("I will not."),
    };
    let streamed = message(&streamed(&[refusal, finish(Stop::End)]));
    assert_eq!(
        streamed["content"],
        json!([{"type":"text","text":"I will not."}])
    );
    assert_eq!(streamed["stop_reason"], "refusal");
    let whole = answer::write(
        &whole(
            vec![Content::Refusal(Text::plain("I will not."))],
            Some(Stop::End),
        ),
        &HEAD,
    );
    assert_eq!(crate::json(&whole)["stop_reason"], "refusal");
}

#[test]
fn a_filtered_answer_without_content_is_a_refusal() {
    let streamed = message(&streamed(&[finish(Stop::Filtered(None))]));
    assert_eq!(streamed["content"], json!([]));
    assert_eq!(streamed["stop_reason"], "refusal");
}

#[test]
fn other_choices_are_not_mixed_in() {
    let other = Piece::Text {
        choice: 1,
        text: Text::plain("other"),
    };
    assert_eq!(
        content(&[text("So"), other, finish(Stop::End)]),
        json!([{"type":"text","text":"So"}])
    );
}

#[test]
fn half_a_surrogate_pair_does_no_harm() {
    let half = Piece::Text {
        choice: 0,
        text: Text::escaped(r"\ud83d"),
    };
    let out = String::from_utf8(streamed(&[half, finish(Stop::End)])).unwrap();
    assert!(out.contains(r#""text":"\ud83d""#) && out.ends_with("{\"type\":\"message_stop\"}\n\n"));
}

#[test]
fn signatures_of_others_come_back_through_the_caller() {
    let of = |origin, value| Signature {
        origin,
        value: Text::plain(value),
    };
    let blocks = vec![
        Content::Reasoning {
            text: Text::plain("Hm."),
            signature: Some(of(Origin::OpenAi, "gAAA=")),
        },
        Content::Redacted(of(Origin::OpenAi, "enc")),
        Content::Reasoning {
            text: Text::plain("So."),
            signature: None,
        },
        Content::Call {
            id: Text::plain("a"),
            name: Text::plain("find"),
            arguments: Arguments::Text(Text::plain("{}")),
            signature: Some(of(Origin::Gemini, "ts:1")),
        },
    ];
    let message = crate::json(&answer::write(&whole(blocks, None), &HEAD));
    let body = json!({"messages":[{"role":"assistant","content":message["content"]}]}).to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    let back: Vec<_> = conversation.turns[0]
        .blocks
        .iter()
        .map(|block| &block.content)
        .collect();
    assert!(
        matches!(back[0], Content::Reasoning { signature: Some(signature), .. } if *signature == of(Origin::OpenAi, "gAAA="))
    );
    assert!(matches!(back[1], Content::Redacted(data) if *data == of(Origin::OpenAi, "enc")));
    assert!(matches!(
        back[2],
        Content::Reasoning {
            signature: None,
            ..
        }
    ));
    assert!(
        matches!(back[3], Content::Call { signature: Some(signature), .. } if *signature == of(Origin::Gemini, "ts:1"))
    );
    assert_eq!(back.len(), 4);
}

#[test]
fn a_signature_without_words_is_a_block_of_its_own() {
    let signed = Piece::Signed {
        choice: 0,
        signature: Signature {
            origin: Origin::OpenAi,
            value: Text::plain("enc"),
        },
    };
    assert_eq!(
        content(&[text("So"), signed, finish(Stop::End)]),
        json!([
            {"type":"text","text":"So"},
            {"type":"thinking","thinking":"","signature":"fairlead:openai:enc"}
        ])
    );
}

#[test]
fn an_answer_without_a_word_still_has_a_start_and_an_end() {
    let names: Vec<String> = events(&streamed(&[]))
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    assert_eq!(names, ["message_start", "message_delta", "message_stop"]);
}

#[test]
fn events_are_framed_with_their_names() {
    let begin = Piece::Begin {
        id: Some(Text::plain("chatcmpl-1")),
        model: Some(Text::plain("gpt-x")),
    };
    let pieces = [begin, text("a\n\"b\""), finish(Stop::End)];
    assert_eq!(
        String::from_utf8(streamed(&pieces)).unwrap(),
        r#"event: message_start
data: {"type":"message_start","message":{"id":"chatcmpl-1","type":"message","role":"assistant","model":"gpt-x","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"output_tokens":0}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"a\n\"b\""}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":0,"output_tokens":0}}

event: message_stop
data: {"type":"message_stop"}

"#
    );
}

#[test]
fn a_sequence_that_is_not_told_is_a_natural_end() {
    let stop_of = |stop| message(&streamed(&[text("So"), finish(stop)]));
    assert_eq!(stop_of(Stop::Sequence(None))["stop_reason"], "end_turn");
    let told = stop_of(Stop::Sequence(Some(Text::plain("END"))));
    assert_eq!(told["stop_reason"], "stop_sequence");
    assert_eq!(told["stop_sequence"], "END");
    assert_eq!(
        stop_of(Stop::Other(Text::plain("ODD")))["stop_reason"],
        "end_turn"
    );
    assert_eq!(
        stop_of(Stop::ContextFull)["stop_reason"],
        "model_context_window_exceeded"
    );
}

#[test]
fn only_what_a_human_is_told_is_told_of_a_failure() {
    let facts = fairlead_wire::openai::named_error(
        br#"{"error":{"code":429,"message":"Slow down.","status":"RESOURCE_EXHAUSTED"}}"#,
    );
    let out = streamed(&[text("So"), Piece::Error(facts)]);
    assert_eq!(
        events(&out).last().unwrap().1,
        json!({"type":"error","error":{"type":"rate_limit_error","message":"Slow down.","code":"429","details":{"error_code":"429"}}})
    );
}
