//! Errors, wherever they stand.

use fairlead_translate::messages::{answer, error, stream};
use fairlead_translate::{Answered, Malformed, Piece};
use serde_json::json;

use crate::client::events;
use crate::streams::pieces;

#[test]
fn an_error_has_the_shape_of_its_surface() {
    assert_eq!(
        crate::json(&error(529, "overloaded", "Try \"later\".\n")),
        json!({"type":"error","error":{"type":"overloaded_error","message":"Try \"later\".\n","code":"overloaded","details":{"error_code":"overloaded"}}})
    );
}

#[test]
fn an_error_with_a_status_of_success_is_an_error() {
    for body in [
        r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}"#,
        r#"{"error":{"message":"Overloaded","type":"overloaded_error"}}"#,
        r#"{"code":503,"message":"Overloaded"}"#,
    ] {
        match answer::read(body.as_bytes()) {
            Ok(Answered::Error(facts)) => assert_eq!(facts.message.as_deref(), Some("Overloaded")),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn nothing_and_half_are_no_answer() {
    for body in [
        "{}",
        r#"{"type":"message","content":null,"stop_reason":"end_turn"}"#,
        r#"{"type":"message","content":[],"stop_reason":null}"#,
        r#"{"type":"message","content":[{"type":"text","text":"So"}],"stop_reason":null}"#,
        r#"{"type":"message","content":[{"type":"text","text":""}]}"#,
    ] {
        let read = answer::read(body.as_bytes());
        assert!(matches!(read, Ok(Answered::Nothing)), "{body}: {read:?}");
    }
    for body in [
        "",
        "[]",
        r#"{"content":[{"type":"text","text":"So"}"#,
        r#"{"content":[1],"stop_reason":"end_turn"}"#,
        r#"{"content":[{"type":"tool_use","id":"a","input":{}}],"stop_reason":"tool_use"}"#,
    ] {
        assert!(answer::read(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn a_failure_in_a_stream_is_told_and_ends_it() {
    for (name, data) in [
        (
            Some("error"),
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        ),
        (
            None,
            r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        ),
        (
            None,
            r#"{"error":{"type":"overloaded_error","message":"Overloaded"}}"#,
        ),
    ] {
        let mut reader = stream::Reader::default();
        let mut writer = stream::Writer::new(&crate::HEAD);
        let mut out = Vec::new();
        let text = Piece::Text {
            choice: 0,
            text: fairlead_translate::Text::plain("So"),
        };
        writer.write(&text, &mut out);
        let mut failed = false;
        reader
            .read(name.map(str::as_bytes), data.as_bytes(), &mut |piece| {
                failed |= matches!(piece, Piece::Error(_));
                writer.write(&piece, &mut out);
            })
            .unwrap();
        assert!(failed);
        writer.write(&text, &mut out);
        writer.end(&mut out);
        let events = events(&out);
        assert_eq!(
            events.last().unwrap().1,
            json!({"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}})
        );
    }
}

#[test]
fn an_error_without_json_is_still_one() {
    let mut reader = stream::Reader::default();
    let mut said = None;
    reader
        .read(Some(b"error"), b"upstream gone", &mut |piece| {
            if let Piece::Error(facts) = piece {
                said = facts.message;
            }
        })
        .unwrap();
    assert_eq!(said.as_deref(), Some("upstream gone"));
}

#[test]
fn data_that_is_no_event_is_malformed() {
    for data in [
        &b"{"[..],
        b"1",
        b"{\"type\":\"content_block_start\",\"index\":0}",
        b"\xff",
    ] {
        let read = stream::Reader::default().read(None, data, &mut |_| {});
        assert!(
            matches!(read, Err(Malformed::Json(_) | Malformed::Shape(_))),
            "{data:?}"
        );
    }
}

#[test]
fn a_stream_that_is_cut_has_no_end_and_no_more_usage() {
    let whole = crate::streams::TOOLS;
    let cut = &whole[..whole.find("event: message_delta").unwrap()];
    let pieces = pieces(cut);
    assert!(
        !pieces
            .iter()
            .any(|piece| piece.starts_with("Finish") || piece == "End")
    );
    assert!(
        !pieces
            .iter()
            .any(|piece| piece.contains("output: Some(31)"))
    );
}
