//! Answers of a provider, whole, and for a caller again.

use fairlead_translate::messages::answer::{read, write};
use fairlead_translate::{Answer, Answered, Content, Stop, Usage};
use serde_json::{Value, json};

use crate::HEAD;

pub(crate) fn answer(body: &str) -> Answer<'_> {
    match read(body.as_bytes()) {
        Ok(Answered::Answer(answer)) => answer,
        other => panic!("{body}: {other:?}"),
    }
}

fn round(body: &str) -> Value {
    crate::json(&write(&answer(body), &HEAD))
}

const WHOLE: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"claude-y","content":[
  {"type":"thinking","thinking":"Look it up.","signature":"sig0"},
  {"type":"redacted_thinking","data":"opaque"},
  {"type":"text","text":"I look: \"x\" \ud83d\ude00"},
  {"type":"tool_use","id":"toolu_1","name":"find","input":{"q": "x", "n": 1.0}},
  {"type":"tool_use","id":"toolu_2","name":"now","input":{}}],
 "stop_reason":"tool_use","stop_sequence":null,
 "usage":{"input_tokens":12,"cache_creation_input_tokens":7,"cache_read_input_tokens":100,
  "cache_creation":{"ephemeral_5m_input_tokens":3,"ephemeral_1h_input_tokens":4},"output_tokens":31,"output_tokens_details":{"thinking_tokens":11}}}"#;

#[test]
fn the_whole_of_an_answer_comes_through() {
    assert_eq!(round(WHOLE), serde_json::from_str::<Value>(WHOLE).unwrap());
    assert_eq!(
        answer(WHOLE).usage,
        Some(Usage {
            input: Some(12),
            cache_read: Some(100),
            cache_write: Some(7),
            cache_write_hour: Some(4),
            output: Some(20),
            reasoning: Some(11),
            ..Usage::default()
        })
    );
}

#[test]
fn every_reason_to_stop_has_its_meaning() {
    let body = |reason: &str| {
        format!(
            r#"{{"content":[{{"type":"text","text":"a"}}],"stop_reason":"{reason}","stop_sequence":"END","stop_details":{{"type":"refusal","category":"cyber","explanation":"No."}}}}"#
        )
    };
    for (reason, stop) in [
        ("end_turn", Stop::End),
        ("max_tokens", Stop::Length),
        ("stop_sequence", Stop::Sequence(Some("END".into_text()))),
        ("tool_use", Stop::Calls),
        ("pause_turn", Stop::Paused),
        ("refusal", Stop::Filtered(Some("No.".into_text()))),
        ("model_context_window_exceeded", Stop::ContextFull),
        ("compaction", Stop::Other("compaction".into_text())),
    ] {
        let body = body(reason);
        assert_eq!(answer(&body).choices[0].stop, Some(stop), "{reason}");
        // Without a call nothing waits for a result.
        let again = match reason {
            "tool_use" | "compaction" => "end_turn",
            reason => reason,
        };
        assert_eq!(round(&body)["stop_reason"], again);
    }
    assert_eq!(round(&body("stop_sequence"))["stop_sequence"], "END");
    assert_eq!(
        round(&body("refusal"))["stop_details"]["explanation"],
        "No."
    );
}

trait IntoText {
    fn into_text(self) -> fairlead_translate::Text<'static>;
}

impl IntoText for &'static str {
    fn into_text(self) -> fairlead_translate::Text<'static> {
        fairlead_translate::Text::plain(self)
    }
}

#[test]
fn a_refusal_without_content_is_an_answer() {
    let body =
        r#"{"content":[],"stop_reason":"refusal","usage":{"input_tokens":5,"output_tokens":0}}"#;
    let message = round(body);
    assert_eq!(message["content"], json!([]));
    assert_eq!(message["stop_reason"], "refusal");
}

#[test]
fn an_error_that_says_nothing_is_none() {
    for error in [
        "null",
        "{}",
        "\"\"",
        r#"{"message":"","type":"","code":null}"#,
    ] {
        let body = format!(
            r#"{{"error":{error},"content":[{{"type":"text","text":"a"}}],"stop_reason":"end_turn"}}"#
        );
        assert_eq!(answer(&body).choices.len(), 1, "{error}");
    }
}

#[test]
fn odd_hosts_are_understood() {
    let body = r#"{"id":null,"content":[{"type":"thinking","thinking":"a","signature":""},{"type":"text","text":"b","citations":null},
      {"type":"tool_use","id":"a","name":"f","input":null},{"type":"tool_use","id":"b","name":"f","input":"{\"q\":1}"},{"type":"new_thing","x":1}],
      "stop_reason":"end_turn","error":null,"usage":{"input_tokens":5,"cache_read_input_tokens":null,"output_tokens":2}}"#;
    let answer = answer(body);
    assert_eq!(answer.usage.unwrap().cache_read, None, "null is not 0");
    assert!(
        matches!(&answer.choices[0].blocks[4].content, Content::Other(kind) if kind == "new_thing")
    );
    let message = round(body);
    assert_eq!(message["id"], "msg_0a1b");
    assert_eq!(message["model"], "asked-for");
    assert_eq!(
        message["stop_reason"], "tool_use",
        "decided by what was sent"
    );
    assert_eq!(message["content"][2]["input"], json!({}));
    assert_eq!(message["content"][3]["input"], json!({"q":1}));
    assert_eq!(message["content"].as_array().unwrap().len(), 4);
}

#[test]
fn usage_that_is_not_told_is_not_made_up_but_where_a_number_must_stand() {
    let message = round(r#"{"content":[{"type":"text","text":"b"}],"stop_reason":"end_turn"}"#);
    assert_eq!(
        message["usage"],
        json!({"input_tokens":0,"output_tokens":0})
    );
}
