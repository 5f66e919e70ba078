//! What conditions read of a body: only what they name, all of it or an error, and never more than is good for the others.

use std::time::Duration;

use crate::asked::Asked;
use fairlead_condition::{Condition, EvaluationError};
use fairlead_json::Unreadable;

fn holds(text: &str, body: &str) -> Result<bool, EvaluationError> {
    let condition = Condition::parse(text).expect(text);
    Asked::of(body).is(&condition)
}

#[test]
fn a_parameter_that_cannot_be_read_is_an_error_and_not_missing() {
    let unreadable = |reason| Err(EvaluationError::Unreadable(reason));
    let (text, range, twice) = (
        unreadable(Unreadable::NotText),
        unreadable(Unreadable::OutOfRange),
        unreadable(Unreadable::Ambiguous),
    );
    for (condition, body, expected) in [
        ("request.params.user == 'x'", r#"{"user":"\ud800"}"#, &text),
        ("request.params.user != 'x'", r#"{"user":"x\udc00"}"#, &text),
        ("request.params.user == null", r#"{"user":"\ud800"}"#, &text),
        ("request.params.top_k > 5", r#"{"top_k":1e999}"#, &range),
        (
            "request.params.top_k == null",
            r#"{"top_k":-1e999}"#,
            &range,
        ),
        (
            "'b' in request.params.tags",
            r#"{"tags":["a","\ud800"]}"#,
            &text,
        ),
        (
            "request.params.tags == ['a', 'b']",
            r#"{"tags":["a","\ud800"]}"#,
            &text,
        ),
        (
            "request.params.tags[1] == 'b'",
            r#"{"tags":["a","\ud800"]}"#,
            &text,
        ),
        (
            "request.params.o == request.params.p",
            r#"{"o":{"a":1e999},"p":{"a":1e999}}"#,
            &range,
        ),
        ("request.params.o.a == 1", r#"{"o":{"a":1,"a":2}}"#, &twice),
        (
            "has(request.params.o.a)",
            r#"{"o":{"a":1,"\u0061":2}}"#,
            &twice,
        ),
        ("'a' in request.params.o", r#"{"o":{"a":1,"a":2}}"#, &twice),
        (
            "request.params.o == request.params.p",
            r#"{"o":{"a":1,"a":1},"p":{"a":1,"b":1}}"#,
            &twice,
        ),
    ] {
        assert_eq!(&holds(condition, body), expected, "{condition} {body}");
    }
}

#[test]
fn a_name_that_some_servers_take_for_the_one_that_is_asked_for_is_an_error() {
    for (condition, body) in [
        ("has(request.params.tools)", r#"{"Tools":[]}"#),
        ("has(request.params.tools)", r#"{"tool\u017f":[]}"#),
        ("has(request.params.tools)", r#"{"tools":[],"TOOLS":[]}"#),
        ("has(request.params.tools)", r#"{"tools\u0000":[]}"#),
        ("'tools' in request.params", r#"{"Tools":[]}"#),
        ("request.params['to' + 'ols'] == null", r#"{"Tools":[]}"#),
        (
            "request.params.response_format.type == 'text'",
            r#"{"response_format":{"Type":"json_schema"}}"#,
        ),
        (
            "has(request.params.metadata.plan)",
            r#"{"metadata":{"PLAN":1}}"#,
        ),
    ] {
        assert_eq!(
            holds(condition, body),
            Err(EvaluationError::Unreadable(Unreadable::Ambiguous)),
            "{condition} {body}"
        );
    }
}

#[test]
fn what_a_condition_does_not_read_does_not_disturb_it() {
    let body = r#"{"tools":[{"description":"\ud800","maximum":1e999,"a":1,"a":2}],"Other":1,"other":2,"n":7,
        "response_format":{"type":"json_schema","json_schema":{"minimum":-1e999,"title":"\udfff","x":1,"x":1}}}"#;
    for condition in [
        "has(request.params.tools)",
        "'tools' in request.params",
        "size(request.params.tools) == 1",
        "has(request.params.tools[0])",
        "request.params.tools != null",
        "request.params.n == 7",
        "request.params.response_format.type == 'json_schema'",
        "request.params.response_format != null && has(request.params.response_format.json_schema)",
        "size(request.params) == 5",
    ] {
        assert_eq!(holds(condition, body), Ok(true), "{condition}");
    }
}

#[test]
fn a_found_item_is_found_whatever_stands_beside_it() {
    let body = r#"{"tags":["\ud800","a",1e999]}"#;
    assert_eq!(holds("'a' in request.params.tags", body), Ok(true));
}

#[test]
fn numbers_are_compared_as_what_they_are() {
    let body = r#"{"big":9223372036854775808,"exact":9007199254740993,"whole":1e3,"zero":-0,"tiny":1e-999}"#;
    for condition in [
        "request.params.big > 9223372036854775807",
        "request.params.big != 9223372036854775807",
        "request.params.exact > 9007199254740992.0",
        "request.params.exact != 9007199254740992.0",
        "request.params.whole == 1000",
        "request.params.zero == 0",
        "request.params.tiny == 0",
        "1 < 1.5 && -1 > -1.5 && 2 > 1.5 && -2 < -1.5",
    ] {
        assert_eq!(holds(condition, body), Ok(true), "{condition}");
    }
}

#[test]
fn escapes_and_nul_are_text() {
    let body = r#"{"us\u0065r":"a\u0000b\u00e9\ud83d\ude00"}"#;
    assert_eq!(
        holds(r#"request.params.user == "a\u0000bé😀""#, body),
        Ok(true)
    );
}

#[test]
fn objects_are_equal_whatever_the_order_of_their_members() {
    let body = r#"{"a":{"x":1,"y":[1,{"z":null}]},"b":{"y":[1.0,{"z":null}],"x":1},"c":{"x":1,"y":[1,{"z":0}]},"d":{"x":1}}"#;
    for (condition, expected) in [
        ("request.params.a == request.params.b", true),
        ("request.params.a == request.params.c", false),
        ("request.params.a == request.params.d", false),
        ("request.params == request.params", true),
    ] {
        assert_eq!(holds(condition, body), Ok(expected), "{condition}");
    }
    assert_eq!(
        holds("request.params == request.params.a", body),
        Err(EvaluationError::NotApplicable("==", "set of parameters"))
    );
}

#[test]
fn only_what_a_condition_names_is_asked_for() {
    for (condition, asked) in [
        ("request.headers['x-tier'] == 'gold'", vec!["header x-tier"]),
        (
            "request.model == 'gpt-4o' && request.stream && key.name != ''",
            vec![],
        ),
        ("has(request.params.user)", vec!["param user"]),
        (
            "request.params.metadata.plan == null",
            vec!["param metadata"],
        ),
        ("has(request.params) && has(request.headers)", vec![]),
        (
            "request.params[request.headers['x-tier']] == null",
            vec!["header x-tier", "param gold"],
        ),
        ("false && request.params.user == 'x'", vec![]),
    ] {
        let request = Asked::of(r#"{"user":1,"other":2}"#);
        let parsed = Condition::parse(condition).unwrap();
        assert!(request.is(&parsed).is_ok(), "{condition}");
        assert_eq!(*request.asked.borrow(), asked, "{condition}");
    }
}

/// 31 MiB of small objects: as a tree it would be a hundred times as large.
fn amplifying() -> String {
    format!(
        r#"{{"metadata":[{}{{"a":0}}]}}"#,
        r#"{"a":0},"#.repeat(31 * 1024 * 1024 / 8)
    )
}

#[test]
fn a_large_parameter_is_an_error_in_no_time_and_no_memory() {
    let body = amplifying();
    let request = Asked::of(&body);
    let conditions = [
        "request.params.metadata[0].a == 0",
        "size(request.params.metadata) > 1",
        "request.params.metadata == request.params.metadata",
        "1 in request.params.metadata",
    ]
    .map(|text| Condition::parse(text).unwrap());
    // The clock of the tests, not of the crate, which has none.
    let started = std::time::SystemTime::now();
    for condition in &conditions {
        assert_eq!(request.is(condition), Err(EvaluationError::TooMuch));
    }
    let small = Condition::parse("has(request.params.metadata) && request.stream").unwrap();
    assert_eq!(request.is(&small), Ok(true));
    let taken = started.elapsed().unwrap_or_default();
    assert!(taken < Duration::from_millis(500), "{taken:?}");
}

#[test]
fn the_conditions_of_a_request_look_through_four_mebibytes_and_no_more() {
    // Each of the 40 accesses scans the object.
    let access = "request.params.o.z == 1";
    let condition = Condition::parse(&[access; 20].join(" && ")).unwrap();
    let body = |length: usize| format!(r#"{{"o":{{"a":"{}","z":1}}}}"#, "x".repeat(length));
    assert_eq!(Asked::of(&body(200_000)).is(&condition), Ok(true));
    assert_eq!(
        Asked::of(&body(220_000)).is(&condition),
        Err(EvaluationError::TooMuch)
    );
}

#[test]
fn long_lists_are_counted_but_not_compared() {
    let list = |length: usize| format!(r#"{{"l":[{}1]}}"#, "1,".repeat(length - 1));
    assert_eq!(
        holds("size(request.params.l) == 1001", &list(1001)),
        Ok(true)
    );
    assert_eq!(holds("request.params.l == [1]", &list(1000)), Ok(false));
    assert_eq!(
        holds("request.params.l == [1]", &list(1001)),
        Err(EvaluationError::TooMuch)
    );
}
