//! Calls of tools for a caller: one open at a time, whatever the provider does.

use fairlead_translate::messages::{answer, stream};
use fairlead_translate::{Arguments, Content, Origin, Piece, Signature, Stop, Text};
use serde_json::json;

use crate::HEAD;
use crate::client::message;
use crate::pieces::{arguments, call, content, finish, streamed, text, thought, whole};

#[test]
fn fragments_of_a_second_call_wait_until_the_first_is_over() {
    let pieces = [
        call(0, "a"),
        call(1, "b"),
        arguments(0, "{\"q\":"),
        arguments(1, "{\"r\":"),
        text("between"),
        arguments(0, "1}"),
        arguments(1, "2}"),
        call(2, "c"),
        arguments(0, " "),
        finish(Stop::Calls),
    ];
    assert_eq!(
        content(&pieces),
        json!([
            {"type":"tool_use","id":"a","name":"find","input":{"q":1}},
            {"type":"tool_use","id":"b","name":"find","input":{"r":2}},
            {"type":"text","text":"between"},
            {"type":"tool_use","id":"c","name":"find","input":{}}
        ])
    );
}

#[test]
fn calls_one_after_another_do_not_wait() {
    let mut writer = stream::Writer::new(&HEAD);
    let mut out = Vec::new();
    for piece in [
        call(0, "a"),
        arguments(0, "{}"),
        call(1, "b"),
        arguments(1, "{\"q\""),
    ] {
        writer.write(&piece, &mut out);
    }
    assert!(String::from_utf8(out).unwrap().contains(r#"{\"q\""#));
}

#[test]
fn a_call_that_comes_all_at_once_after_text_keeps_name_and_arguments() {
    let pieces = [
        text("So"),
        call(0, "a"),
        arguments(0, "{\"q\":1}"),
        finish(Stop::End),
    ];
    let message = message(&streamed(&pieces));
    assert_eq!(
        message["content"][1],
        json!({"type":"tool_use","id":"a","name":"find","input":{"q":1}})
    );
    assert_eq!(
        message["stop_reason"], "tool_use",
        "whatever the provider says"
    );
}

#[test]
fn texts_that_say_nothing_open_no_block() {
    let pieces = [
        text(""),
        thought(""),
        call(0, "a"),
        arguments(0, ""),
        arguments(0, " "),
        finish(Stop::End),
    ];
    assert_eq!(
        content(&pieces),
        json!([{"type":"tool_use","id":"a","name":"find","input":{}}])
    );
}

#[test]
fn half_a_call_at_the_limit_stays_cut_off() {
    let pieces = [call(0, "a"), arguments(0, "{\"q\":"), finish(Stop::Length)];
    let message = message(&streamed(&pieces));
    assert_eq!(message["stop_reason"], "max_tokens");
    assert_eq!(message["content"][0]["input"], json!({"half":"{\"q\":"}));
}

#[test]
fn ids_are_kept_where_they_fit_and_made_where_there_are_none() {
    let pieces = [
        call(0, ""),
        arguments(0, "{}"),
        call(1, "f.x:1"),
        arguments(1, "{}"),
    ];
    let content = content(&pieces);
    assert_eq!(content[0]["id"], "toolu_0a1b_0");
    let whole = whole(
        vec![
            Content::Call {
                id: Text::default(),
                name: Text::plain("find"),
                arguments: Arguments::Text(Text::default()),
                signature: None,
            },
            Content::Call {
                id: Text::plain("f.x:1"),
                name: Text::plain("find"),
                arguments: Arguments::Text(Text::default()),
                signature: None,
            },
        ],
        Some(Stop::End),
    );
    assert_eq!(
        crate::json(&answer::write(&whole, &HEAD))["content"],
        content
    );
}

#[test]
fn a_signature_of_a_call_stands_before_it_also_where_the_call_waits() {
    let signed = Piece::Call {
        choice: 0,
        call: 1,
        id: Some(Text::plain("b")),
        name: Text::plain("find"),
        signature: Some(Signature {
            origin: Origin::Gemini,
            value: Text::plain("ts"),
        }),
    };
    let pieces = [
        call(0, "a"),
        arguments(0, "{\"q\""),
        signed,
        arguments(1, "{}"),
        arguments(0, ":1}"),
        finish(Stop::End),
    ];
    assert_eq!(
        content(&pieces),
        json!([
            {"type":"tool_use","id":"a","name":"find","input":{"q":1}},
            {"type":"redacted_thinking","data":"fairlead:call.gemini:ts"},
            {"type":"tool_use","id":"b","name":"find","input":{}}
        ])
    );
}
