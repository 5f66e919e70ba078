//! Whole answers of many upstreams: `fixtures/answers`.

use std::fmt::Write as _;
use std::fs;

use fairlead_wire::openai::{Answer, answer};

use crate::errors::fixtures;
use crate::streams::counts;

#[test]
fn reads_the_answers_of_many_upstreams() {
    let mut out = String::new();
    for path in fixtures("answers") {
        let said = match answer(&fs::read(&path).unwrap()).unwrap() {
            Answer::Complete(facts) => format!(
                "{}, model {:?}, usage {}",
                if facts.finished {
                    "finished"
                } else {
                    "unfinished"
                },
                facts.model,
                facts
                    .usage
                    .map_or("none".to_owned(), |usage| counts(&usage))
            ),
            Answer::Error(error) => format!("{error:?}"),
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
        assert!(answer(body.as_bytes()).is_err(), "{body}");
    }
    // Some send white space while they think.
    assert!(answer(b"\n\n  {\"choices\":[]}").is_ok());
}

#[test]
fn tolerates_numbers_that_no_machine_holds() {
    let Ok(Answer::Complete(facts)) =
        answer(br#"{"usage":{"prompt_tokens":1e999,"total_tokens":99999999999999999999}}"#)
    else {
        panic!()
    };
    assert_eq!(facts.usage, None);
}
