//! Whole answers of many upstreams: `fixtures/answers`.

use std::fmt::Write as _;
use std::fs;

use fairlead_wire::openai::{Answer, Part, Payload, answer, error_body, payload, reported_usage};

use crate::errors::fixtures;
use crate::streams::counts;

#[test]
fn reads_the_answers_of_many_upstreams() {
    let mut out = String::new();
    for path in fixtures("answers") {
        let part = if path.ends_with("embeddings.json") {
            Part::Data
        } else {
            Part::Choices
        };
        let said = match answer(&fs::read(&path).unwrap(), part).unwrap() {
            Answer::Complete(facts) => format!(
                "model {:?}, usage {}",
                facts.told.model,
                facts
                    .usage
                    .map_or("none".to_owned(), |usage| counts(&usage))
            ),
            Answer::Error(error) => format!("{error:?}"),
            Answer::Nothing => "nothing".to_owned(),
        };
        writeln!(
            out,
            "{}: {said}",
            path.file_stem().unwrap().to_str().unwrap()
        )
        .unwrap();
    }
    insta::assert_snapshot!("answers", out);
}

#[test]
fn refuses_an_answer_that_is_cut_or_no_object() {
    for body in [
        "",
        "{\"choices\":[{\"finish_reason\":\"stop\"}]",
        "[]",
        "<html>",
        "{}{}",
    ] {
        assert!(answer(body.as_bytes(), Part::Choices).is_err(), "{body}");
    }
    // Some send white space while they think.
    assert!(answer(b"\n\n  {\"choices\":[]}", Part::Choices).is_ok());
}

#[test]
fn without_the_part_that_was_asked_for_it_is_no_answer() {
    let is_answer = |body: &str, part| match answer(body.as_bytes(), part).unwrap() {
        Answer::Complete(_) => true,
        Answer::Nothing => false,
        Answer::Error(facts) => panic!("{body}: {facts:?}"),
    };
    for body in [
        r#"{"choices":[{"message":{"content":"a"},"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"text":"","finish_reason":"length"}]}"#,
        // Nothing says why it ended, but nothing says that it has not.
        r#"{"choices":[{"message":{"content":"a"}}]}"#,
        r#"{"choices":[{"message":{"tool_calls":[{}]},"finish_reason":""}]}"#,
    ] {
        assert!(is_answer(body, Part::Choices), "{body}");
        assert!(!is_answer(body, Part::Data), "{body}");
    }
    for body in [
        "{}",
        r#"{"choices":[]}"#,
        r#"{"choices":null}"#,
        r#"{"choices":{}}"#,
        r#"{"choices":[null]}"#,
        r#"{"choices":[{"message":null,"finish_reason":"stop"}]}"#,
        r#"{"choices":[{"message":{"content":"a"},"finish_reason":null}]}"#,
        r#"{"choices":[{"text":"a"},{"finish_reason":"stop"}]}"#,
        r#"{"detail":"Not Found"}"#,
        r#"{"message":"hello"}"#,
        r#"{"code":0,"message":"success"}"#,
        r#"{"data":[{"embedding":[0.1]}]}"#,
    ] {
        assert!(!is_answer(body, Part::Choices), "{body}");
    }
    assert!(is_answer(r#"{"data":[{"embedding":[0.1]}]}"#, Part::Data));
    for body in [r#"{"data":[]}"#, r#"{"data":null}"#, r#"{"data":{}}"#] {
        assert!(!is_answer(body, Part::Data), "{body}");
    }
}

#[test]
fn an_error_without_the_name_of_one_is_read_where_there_is_no_answer() {
    for (body, code, status) in [
        (
            r#"{"code":429,"msg":"too many requests","success":false}"#,
            "429",
            Some(429),
        ),
        (
            r#"{"code":"Throttling","message":"slow down"}"#,
            "Throttling",
            None,
        ),
        (
            r#"{"choices":null,"base_resp":{"status_code":1004,"status_msg":"login fail"}}"#,
            "base_resp.1004",
            None,
        ),
        (
            r#"{"error_code":336100,"error_msg":"try again"}"#,
            "336100",
            None,
        ),
    ] {
        let Ok(Answer::Error(facts)) = answer(body.as_bytes(), Part::Choices) else {
            panic!("{body}")
        };
        assert_eq!(
            (facts.code.as_deref(), facts.status),
            (Some(code), status),
            "{body}"
        );
    }
}

#[test]
fn an_error_member_that_says_nothing_is_no_error() {
    let choices = r#""choices":[{"message":{"content":"a"},"finish_reason":"stop"}]"#;
    for error in [
        "null",
        "{}",
        r#""""#,
        "[]",
        "false",
        "0",
        r#"{"message":"","type":"","param":"","code":null}"#,
        r#"{"message":null,"details":[{}],"code":0}"#,
    ] {
        let body = format!(r#"{{{choices},"error":{error}}}"#);
        let read = answer(body.as_bytes(), Part::Choices);
        assert!(matches!(read, Ok(Answer::Complete(_))), "{body}: {read:?}");
        let chunk = format!(
            r#"{{"choices":[{{"delta":{{"content":"a"}},"error":{error}}}],"error":{error}}}"#
        );
        assert!(
            matches!(payload(chunk.as_bytes()), Ok(Payload::Chunk(_))),
            "{chunk}"
        );
        assert_eq!(
            error_body(format!(r#"{{"error":{error}}}"#).as_bytes()),
            None,
            "{error}"
        );
    }
    for error in [
        r#""no""#,
        "true",
        r#"{"message":"no"}"#,
        r#"{"code":7}"#,
        r#"{"x":[1]}"#,
    ] {
        let body = format!(r#"{{{choices},"error":{error}}}"#);
        let read = answer(body.as_bytes(), Part::Choices);
        assert!(matches!(read, Ok(Answer::Error(_))), "{body}: {read:?}");
    }
}

#[test]
fn a_finish_reason_may_say_that_the_upstream_failed() {
    for reason in ["error", "ERROR", "network_error"] {
        let whole =
            format!(r#"{{"choices":[{{"message":{{"content":""}},"finish_reason":"{reason}"}}]}}"#);
        assert!(
            matches!(
                answer(whole.as_bytes(), Part::Choices),
                Ok(Answer::Error(_))
            ),
            "{reason}"
        );
        let chunk = format!(r#"{{"choices":[{{"delta":{{}},"finish_reason":"{reason}"}}]}}"#);
        assert!(
            matches!(payload(chunk.as_bytes()), Ok(Payload::Error(_))),
            "{reason}"
        );
    }
}

#[test]
fn tolerates_numbers_that_no_machine_holds() {
    let body = br#"{"usage":{"prompt_tokens":1e999,"total_tokens":99999999999999999999}}"#;
    assert_eq!(reported_usage(body), None);
}
