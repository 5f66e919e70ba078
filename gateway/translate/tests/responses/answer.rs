//! A provider's whole answers.

use fairlead_translate::responses::answer;
use fairlead_translate::{Answered, Usage};

use super::common::{Said, whole};

pub(crate) const FULL: &str = r#"{"id":"resp_1","object":"response","created_at":1,"status":"completed","error":null,"incomplete_details":null,"model":"gpt","output":[
    {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"Look"},{"type":"summary_text","text":"it up."}],"encrypted_content":"sig0"},
    {"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[{"type":"output_text","text":"One \"moment\".","annotations":[],"logprobs":[]}]},
    {"id":"fc_1","type":"function_call","status":"completed","call_id":"call_1","name":"find","arguments":"{\"q\":\"x\"}"},
    {"id":"fc_2","type":"function_call","status":"completed","call_id":"call_2","name":"now","arguments":""}],
    "usage":{"input_tokens":20,"input_tokens_details":{"cached_tokens":8,"cache_write_tokens":2},"output_tokens":31,"output_tokens_details":{"reasoning_tokens":20},"total_tokens":51}}"#;

pub(crate) fn full() -> Said {
    Said {
        text: "One \"moment\".".to_owned(),
        reasoning: "Look\n\nit up.".to_owned(),
        signatures: vec!["OpenAi sig0".to_owned()],
        calls: vec![
            ("call_1".into(), "find".into(), r#"{"q":"x"}"#.into()),
            ("call_2".into(), "now".into(), String::new()),
        ],
        stops: vec!["Calls".to_owned()],
        usage: Some(Usage {
            input: Some(10),
            cache_read: Some(8),
            cache_write: Some(2),
            output: Some(11),
            reasoning: Some(20),
            ..Usage::default()
        }),
        ..Said::default()
    }
}

#[test]
fn everything_is_read() {
    assert_eq!(whole(FULL), full());
}

#[test]
fn the_status_says_why_it_ended() {
    let stop = |rest: &str| {
        let output = r#"[{"type":"message","content":[{"type":"output_text","text":"a"}]}]"#;
        whole(&format!(r#"{{"output":{output},{rest}}}"#)).stops
    };
    assert_eq!(stop(r#""status":"completed""#), ["End"]);
    assert_eq!(stop(r#""error":null"#), ["End"]);
    let incomplete = |reason: &str| {
        stop(&format!(
            r#""status":"incomplete","incomplete_details":{{"reason":"{reason}"}}"#
        ))
    };
    assert_eq!(incomplete("max_output_tokens"), ["Length"]);
    assert_eq!(incomplete("content_filter"), ["Filtered(None)"]);
    assert_eq!(incomplete("tired"), ["Other(tired)"]);
    assert_eq!(stop(r#""status":"incomplete""#), ["Other(incomplete)"]);
}

#[test]
fn a_limit_used_up_by_thoughts_is_an_answer() {
    let said = whole(
        r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[],"usage":{"output_tokens":5,"output_tokens_details":{"reasoning_tokens":5}}}"#,
    );
    assert_eq!(said.stops, ["Length"]);
    assert_eq!(said.usage.unwrap().reasoning, Some(5));
}

#[test]
fn a_refusal_is_told_as_one() {
    let said = whole(
        r#"{"status":"completed","output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]}"#,
    );
    assert_eq!((&*said.refusal, &*said.text), ("No.", ""));
}

#[test]
fn nothing_and_half_are_no_answer() {
    for body in [
        "{}",
        r#"{"status":"completed","output":[]}"#,
        r#"{"status":"in_progress","output":[{"type":"message","content":"a"}]}"#,
        r#"{"status":"queued","output":[]}"#,
        r#"{"status":"cancelled","output":[{"type":"message","content":"a"}]}"#,
        r#"{"output":null}"#,
    ] {
        let answered = answer::read(body.as_bytes()).unwrap();
        assert!(
            matches!(answered, Answered::Nothing),
            "{body}: {answered:?}"
        );
    }
    assert!(answer::read(b"[]").is_err());
    assert!(answer::read(b"{\"output\":").is_err());
}

#[test]
fn an_error_with_status_200_is_one() {
    for (body, code, message) in [
        (
            r#"{"status":"failed","error":{"code":"server_error","message":"Oops"},"output":[]}"#,
            Some("server_error"),
            Some("Oops"),
        ),
        (
            r#"{"error":{"code":429,"message":"Slow down"}}"#,
            Some("429"),
            Some("Slow down"),
        ),
        (r#"{"status":"failed","output":[]}"#, None, None),
        (r#"{"code":500,"message":"x"}"#, Some("500"), Some("x")),
    ] {
        let answered = answer::read(body.as_bytes()).unwrap();
        let Answered::Error(facts) = answered else {
            panic!("{body}: {answered:?}");
        };
        assert_eq!(facts.code.as_deref(), code);
        assert_eq!(facts.message.as_deref(), message);
    }
}

#[test]
fn odd_answers_are_read_all_the_same() {
    let said = whole(
        r#"{"output":[{"type":"message","content":"plain"},{"type":"web_search_call","id":"ws"},{"type":"reasoning","summary":null,"content":[{"type":"reasoning_text","text":"raw"}]},
        {"type":"function_call","name":"f","arguments":{"a":1}},{"type":"custom_tool_call","call_id":"c","name":"g","input":"in\n"}],
        "usage":{"input_tokens":3,"input_tokens_details":{"cached_tokens":9},"output_tokens":null,"output_tokens_details":null}}"#,
    );
    assert_eq!((&*said.text, &*said.reasoning), ("plain", "raw"));
    assert_eq!(
        said.calls[0],
        (String::new(), "f".into(), "{\"a\":1}".into())
    );
    assert_eq!(said.calls[1].2, "{\"input\":\"in\\n\"}");
    let usage = said.usage.unwrap();
    assert_eq!(
        (usage.input, usage.cache_read, usage.output),
        (Some(0), Some(9), None)
    );
}
