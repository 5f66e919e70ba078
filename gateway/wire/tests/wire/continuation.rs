//! Going on with an answer that broke off.

use bytes::Bytes;
use fairlead_wire::json::{Limits, Object, well_formed};
use fairlead_wire::openai::continuation::{Continuation, Identity, delta};
use fairlead_wire::openai::{Usage, opening};
use proptest::prelude::*;
use serde_json::{Value, json};

const PLAIN: &str =
    r#"{"model":"m","messages":[{"role":"user","content":"Hi."}],"max_tokens":10,"x":1}"#;

fn object(body: &str) -> Object<'_> {
    Object::parse(body.as_bytes(), &Limits::default()).unwrap()
}

fn eligible(body: &str) -> bool {
    Continuation::of(&object(body)).is_some()
}

fn continued(body: &str, said: &str, pieces: u64) -> String {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let pieces = Continuation::of(&object(body))
        .unwrap()
        .request(&bytes, said, pieces);
    String::from_utf8(pieces.to_bytes().to_vec()).unwrap()
}

fn adopted(identity: &Identity, chunk: &str) -> String {
    let data = Bytes::copy_from_slice(chunk.as_bytes());
    String::from_utf8(identity.adopt(&data).unwrap().to_bytes().to_vec()).unwrap()
}

#[test]
fn the_text_so_far_becomes_the_last_message() {
    assert_eq!(
        continued(PLAIN, "Hel\"lo\n", 4),
        r#"{"model":"m","messages":[{"role":"user","content":"Hi."},{"role":"assistant","content":"Hel\"lo\n"}],"max_tokens":6,"x":1}"#
    );
    assert_eq!(continued(PLAIN, "", 0), PLAIN, "nothing was said yet");
}

#[test]
fn a_bound_on_the_length_never_falls_below_one() {
    let body: Value = serde_json::from_str(&continued(PLAIN, "Hello", 50)).unwrap();
    assert_eq!(body["max_tokens"], 1);
}

#[test]
fn a_bound_that_cannot_be_shrunk_is_not_gone_on_under() {
    let with = |bound: &str| PLAIN.replace("\"max_tokens\":10", bound);
    for bound in ["1e3", "10.0", "1e999", "-1", "\"10\""] {
        for name in ["max_tokens", "max_completion_tokens"] {
            assert!(!eligible(&with(&format!("\"{name}\":{bound}"))), "{bound}");
        }
    }
    assert!(eligible(&with("\"max_tokens\":null")));
}

#[test]
fn only_one_plain_text_is_gone_on_with() {
    let with = |more: &str| PLAIN.replace("\"x\":1", more);
    for plain in [
        "\"n\":1",
        "\"n\":null",
        "\"tools\":[]",
        "\"tools\":null",
        "\"tool_choice\":\"none\"",
        "\"logprobs\":false",
        "\"response_format\":{\"type\":\"text\"}",
        "\"reasoning_effort\":\"none\"",
        "\"stop\":[\"x\"]",
    ] {
        assert!(eligible(&with(plain)), "{plain}");
    }
    for other in [
        "\"n\":2",
        "\"tools\":[{}]",
        "\"functions\":[{}]",
        "\"tool_choice\":\"auto\"",
        "\"logprobs\":true",
        "\"response_format\":{\"type\":\"json_object\"}",
        "\"response_format\":{\"type\":\"text\",\"schema\":1}",
        "\"reasoning_effort\":\"low\"",
        "\"thinking\":{\"type\":\"enabled\"}",
        "\"guided_json\":{\"type\":\"object\"}",
        "\"audio\":{\"voice\":\"alloy\"}",
    ] {
        assert!(!eligible(&with(other)), "{other}");
    }
}

#[test]
fn nothing_is_gone_on_with_where_there_is_no_turn_to_answer() {
    for messages in [
        "[]",
        "{}",
        "\"Hi.\"",
        r#"[{"content":"Hi."}]"#,
        r#"[{"role":"user","content":"Hi."},{"role":"assistant","content":"He"}]"#,
    ] {
        assert!(
            !eligible(&format!("{{\"messages\":{messages}}}")),
            "{messages}"
        );
    }
    assert!(!eligible("{\"prompt\":\"Hi.\"}"));
}

#[test]
fn a_delta_says_its_text_and_whether_that_is_all() {
    let said = |choice: &str| {
        let data = format!(r#"{{"id":"c1","created":7,"choices":[{choice}]}}"#);
        let delta = delta(data.as_bytes()).unwrap();
        assert_eq!((delta.id.as_deref(), delta.created), (Some("c1"), Some(7)));
        (delta.text.into_owned(), delta.plain)
    };
    let text = |text: &str| (text.to_owned(), true);
    assert_eq!(
        said(r#"{"index":0,"delta":{"role":"assistant","content":"a\u00e9"}}"#),
        text("aé")
    );
    assert_eq!(
        said(r#"{"delta":{"content":null,"tool_calls":[],"reasoning":""},"finish_reason":"stop"}"#),
        text("")
    );
    assert_eq!(said(""), text(""));
    for other in [
        r#"{"index":1,"delta":{"content":"a"}}"#,
        r#"{"delta":{"tool_calls":[{}]}}"#,
        r#"{"delta":{"reasoning_content":"hm"}}"#,
        r#"{"delta":{"refusal":"no"}}"#,
        r#"{"delta":{"content":[{"type":"text"}]}}"#,
        r#"{"delta":{"content":"\ud83d"}}"#,
        r#"{"delta":{"content":"a"}},{"delta":{"content":"b"}}"#,
    ] {
        assert!(!said(other).1, "{other}");
    }
}

#[test]
fn a_chunk_takes_on_the_first_answers_id_and_time_and_loses_its_role() {
    let identity = Identity {
        id: Some("first\"".into()),
        created: Some(5),
    };
    let delta = |delta: &str| {
        let chunk =
            format!(r#"{{"id":"second","created":9,"choices":[{{"index":0,"delta":{delta}}}]}}"#);
        let adopted: Value = serde_json::from_str(&adopted(&identity, &chunk)).unwrap();
        assert_eq!(
            (&adopted["id"], &adopted["created"]),
            (&json!("first\""), &json!(5))
        );
        adopted["choices"][0]["delta"].to_string()
    };
    assert_eq!(delta(r#"{"role":"assistant"}"#), "{}");
    assert_eq!(
        delta(r#"{ "role" : "assistant" , "content":"a"}"#),
        r#"{"content":"a"}"#
    );
    assert_eq!(
        delta(r#"{"content":"a", "role":"assistant"}"#),
        r#"{"content":"a"}"#
    );
    assert_eq!(
        delta(r#"{"content":"a","role":"assistant","x":{"role":1}}"#),
        r#"{"content":"a","x":{"role":1}}"#
    );
    assert_eq!(delta(r#"{"content":"a"}"#), r#"{"content":"a"}"#);
    assert_eq!(delta("null"), "null");
}

#[test]
fn a_chunk_keeps_what_the_first_answer_did_not_have() {
    let chunk = r#"{"id":"second","model":"m","usage":{"prompt_tokens":1.50}}"#;
    assert_eq!(adopted(&Identity::default(), chunk), chunk);
}

#[test]
fn the_usage_of_both_is_added() {
    let rest = Usage {
        input_tokens: Some(30),
        output_tokens: Some(5),
        total_tokens: Some(35),
        ..Usage::default()
    };
    let sum = Usage::before_the_rest(30, 8).plus(rest);
    assert_eq!(
        (sum.input_tokens, sum.output_tokens, sum.total_tokens),
        (Some(52), Some(13), Some(65))
    );
    assert_eq!(sum.cached_input_tokens, None, "nobody reported any");
}

#[test]
fn the_opening_is_the_same_in_every_turn() {
    let first = r#"{"messages":[{"role":"system","content":"S"}, {"role":"user","content":"A"}]}"#;
    let second = r#"{"x":1,"messages":[{"role":"system","content":"S"}, {"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"}]}"#;
    let other = r#"{"messages":[{"role":"system","content":"S"}, {"role":"user","content":"C"}]}"#;
    let expected = r#"[{"role":"system","content":"S"}, {"role":"user","content":"A"}"#;
    assert_eq!(opening(&object(first)), Some(expected));
    assert_eq!(opening(&object(second)), Some(expected));
    assert_ne!(opening(&object(other)), Some(expected));
    for none in [
        r#"{}"#,
        r#"{"messages":"user"}"#,
        r#"{"messages":[]}"#,
        r#"{"messages":[{"role":"system"}]}"#,
        r#"{"messages":[1,"user"]}"#,
    ] {
        assert_eq!(opening(&object(none)), None, "{none}");
    }
}

proptest! {
    #[test]
    fn whatever_was_said_the_request_stays_well_formed_and_says_it(said in "\\PC*|[\\x00-\\x7f]*", pieces: u64) {
        let text = continued(PLAIN, &said, pieces);
        let body: Value = serde_json::from_str(&text).unwrap();
        let messages = body["messages"].as_array().unwrap();
        if said.is_empty() {
            prop_assert_eq!(messages.len(), 1);
        } else {
            prop_assert_eq!(&messages[1], &json!({"role": "assistant", "content": said}));
        }
    }

    #[test]
    fn an_adopted_chunk_stays_well_formed(members in prop::collection::vec(("role|content|x", "\\PC{0,4}"), 0..5), space in "[ \n\t]{0,2}") {
        let inside: Vec<String> = members
            .iter()
            .map(|(name, value)| format!("{space}\"{name}\"{space}:{space}{}{space}", json!(value)))
            .collect();
        let chunk = format!(r#"{{"id":"s","choices":[{{"delta":{{{}}}}}]}}"#, inside.join(","));
        let identity = Identity { id: Some("f".into()), created: None };
        let text = adopted(&identity, &chunk);
        prop_assert!(well_formed(text.as_bytes(), &Limits::default()).is_ok(), "{chunk} -> {text}");
    }
}
