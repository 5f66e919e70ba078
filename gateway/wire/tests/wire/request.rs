//! What a caller asks for, and what goes upstream.

use bytes::Bytes;
use fairlead_wire::json::JsonError;
use fairlead_wire::openai::request::{RequestError, parse};
use proptest::prelude::*;
use proptest::sample::select;

use crate::check_request::check;

fn upstream(body: &str, model: &str, ask_usage: bool) -> String {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let sent = parse(&bytes)
        .unwrap()
        .edits(true)
        .upstream_body(&bytes, model, ask_usage)
        .to_bytes();
    String::from_utf8(sent.to_vec()).unwrap()
}

#[test]
fn reads_what_it_acts_on() {
    let body = br#"{"messages":[],"model":"chat","stream":true,"n":3,"stream_options":{"include_usage":true},"x":{"y":1}}"#;
    let request = parse(body).unwrap();
    assert_eq!(
        (
            &*request.model,
            request.stream,
            request.n,
            request.include_usage
        ),
        ("chat", true, 3, true)
    );
    assert_eq!(&body[request.model_span.unwrap()], b"\"chat\"");
    assert_eq!(request.object.members().len(), 6);
}

#[test]
fn what_is_absent_or_null_has_its_default() {
    for body in [
        r#"{"model":"m"}"#,
        r#"{"model":"m","stream":null,"n":null,"stream_options":null}"#,
    ] {
        let request = parse(body.as_bytes()).unwrap();
        assert_eq!(
            (request.stream, request.n, request.include_usage),
            (false, 1, false)
        );
    }
}

#[test]
fn refuses_what_it_cannot_act_on_and_names_the_member() {
    let wrong = |field, expected| RequestError::WrongType { field, expected };
    for (body, error) in [
        (r#"{}"#, RequestError::MissingModel),
        (r#"{"model":null}"#, RequestError::MissingModel),
        (r#"{"model":""}"#, RequestError::EmptyModel),
        (r#"{"model":1}"#, wrong("model", "a string of text")),
        (r#"{"model":"\ud800"}"#, wrong("model", "a string of text")),
        (
            r#"{"model":"m","stream":"true"}"#,
            wrong("stream", "true or false"),
        ),
        (
            r#"{"model":"m","stream":1}"#,
            wrong("stream", "true or false"),
        ),
        (
            r#"{"model":"m","n":0}"#,
            wrong("n", "a whole number of at least 1"),
        ),
        (
            r#"{"model":"m","n":1.5}"#,
            wrong("n", "a whole number of at least 1"),
        ),
        (
            r#"{"model":"m","n":"2"}"#,
            wrong("n", "a whole number of at least 1"),
        ),
        (
            r#"{"model":"m","stream_options":[]}"#,
            wrong("stream_options", "an object"),
        ),
        (
            r#"{"model":"m","stream_options":{"include_usage":1}}"#,
            wrong("stream_options.include_usage", "true or false"),
        ),
        (
            r#"{"model":"m","model":"n"}"#,
            RequestError::Json(JsonError::DuplicateKey {
                key: "model".into(),
            }),
        ),
        (
            r#"{"model":"m","stream_options":{"include_usage":false,"include_usag\u0065":true}}"#,
            RequestError::Json(JsonError::DuplicateKey {
                key: "include_usage".into(),
            }),
        ),
        ("[]", RequestError::Json(JsonError::NotAnObject)),
    ] {
        assert_eq!(parse(body.as_bytes()).unwrap_err(), error, "{body}");
    }
    assert_eq!(wrong("stream", "true or false").param(), Some("stream"));
    assert_eq!(
        wrong("stream", "true or false").to_string(),
        r#"the request's "stream" must be true or false"#
    );
}

#[test]
fn refuses_a_member_that_some_servers_take_for_one_it_acts_on() {
    let body = |member: &str| format!(r#"{{"model":"small",{member}}}"#);
    for (member, field) in [
        (r#""Model":"big-1""#, "model"),
        (r#""MODEL":"big-1""#, "model"),
        (r#""mod\u0045l":"big-1""#, "model"),
        (r#""model\u0000":"big-1""#, "model"),
        (r#""mod\ud800el":"big-1""#, "model"),
        (r#""\u017ftream":true"#, "stream"),
        ("\"ſtream\":true", "stream"),
        (r#""N":9"#, "n"),
        ("\"max_to\u{212a}ens\":9", "max_tokens"),
        (r#""Max_Completion_Tokens":9"#, "max_completion_tokens"),
        (r#""Stream_Options":{}"#, "stream_options"),
        (r#""Messages":[]"#, "messages"),
        (r#""PROMPT":"x""#, "prompt"),
        ("\"\u{131}nput\":\"x\"", "input"),
        (r#""Tools":[]"#, "tools"),
        (
            r#""stream_options":{"Include_Usage":true}"#,
            "include_usage",
        ),
        (
            r#""stream_options":{"include_usage":true,"include_uſage":false}"#,
            "include_usage",
        ),
    ] {
        let error = parse(body(member).as_bytes()).unwrap_err();
        assert_eq!(error.param(), Some(field), "{member}: {error}");
        assert!(
            matches!(error, RequestError::Misspelt { .. }),
            "{member}: {error}"
        );
    }
    let long = format!("{}\0{}", "model", "x".repeat(5000));
    let long = body(&format!("{}:1", serde_json::to_string(&long).unwrap()));
    assert!(parse(long.as_bytes()).unwrap_err().to_string().len() < 300);
}

#[test]
fn takes_members_of_any_other_name_in_any_letters() {
    for member in [
        r#""userId":1"#,
        r#""X":{"Model":"y"}"#,
        r#""größe":1"#,
        r#""Metadata":{}"#,
        r#""stream_options":{"Foo":1}"#,
        r#""\ud800":1"#,
    ] {
        let body = format!(r#"{{"model":"small",{member}}}"#);
        assert!(parse(body.as_bytes()).is_ok(), "{member}");
    }
}

#[test]
fn replaces_the_model_and_nothing_else() {
    let body = "{ \"temperature\": 0.10, \"model\" : \"chat\" ,\"seed\":12345678901234567890123}";
    assert_eq!(
        upstream(body, "gpt-4o", false),
        body.replace("chat", "gpt-4o")
    );
    assert_eq!(upstream(body, "chat", false), body);
    assert_eq!(
        upstream(r#"{"model":"ch\u0061t"}"#, "chat", false),
        r#"{"model":"ch\u0061t"}"#,
        "the same name, written otherwise"
    );
    assert_eq!(
        upstream(r#"{"model":"a"}"#, "say \"x\"\n\\\u{1f}", false),
        r#"{"model":"say \"x\"\n\\\u001f"}"#
    );
}

#[test]
fn shares_the_messages_with_the_body() {
    let body = Bytes::from_static(br#"{"messages":["long"],"model":"chat","stream":true}"#);
    let pieces = parse(&body)
        .unwrap()
        .edits(true)
        .upstream_body(&body, "m", true);
    let pointers: Vec<_> = pieces
        .as_slice()
        .iter()
        .map(|piece| piece.as_ptr())
        .collect();
    assert_eq!(pieces.as_slice().len(), 5);
    assert_eq!(pointers[0], body.as_ptr());
    assert_eq!(pointers[2], body[35..].as_ptr());
}

#[test]
fn asks_for_usage_and_keeps_the_other_options() {
    for (options, sent) in [
        ("", r#","stream_options":{"include_usage":true}"#),
        (
            r#","stream_options":null"#,
            r#","stream_options":{"include_usage":true}"#,
        ),
        (
            r#","stream_options":{ }"#,
            r#","stream_options":{ "include_usage":true}"#,
        ),
        (
            r#","stream_options":{"a":[1]}"#,
            r#","stream_options":{"a":[1],"include_usage":true}"#,
        ),
        (
            r#","stream_options":{"include_usage": false ,"a":1}"#,
            r#","stream_options":{"include_usage": true ,"a":1}"#,
        ),
        (
            r#","stream_options":{"include_usage":null}"#,
            r#","stream_options":{"include_usage":true}"#,
        ),
        (
            r#","stream_options":{"include_usage":true}"#,
            r#","stream_options":{"include_usage":true}"#,
        ),
    ] {
        let body = |options| format!(r#"{{"model":"m","stream":true{options}}}"#);
        assert_eq!(upstream(&body(options), "m", true), body(sent));
        assert_eq!(upstream(&body(options), "m", false), body(options));
    }
}

#[test]
fn does_not_ask_for_usage_where_nothing_is_streamed() {
    for body in [r#"{"model":"m"}"#, r#"{"model":"m","stream":false}"#] {
        assert_eq!(upstream(body, "m", true), body);
    }
}

proptest! {
    #[test]
    fn the_upstream_body_says_the_same_but_for_the_edits(
        before in select(vec!["", "\"a\":[{}], \"b\": null ,"]),
        model in "[a-zé/]{1,8}",
        stream in select(vec!["", ",\"stream\":true", ",\"stream\": null", ",\"stream\":false"]),
        options in select(vec!["", ",\"stream_options\" :null", ",\"stream_options\":{ }", ",\"stream_options\":{\"x\":{}}",
            ",\"stream_options\":{\"include_usage\" : false}", ",\"stream_options\":{\"x\":1,\"include_usage\":true}"]),
        after in select(vec!["", " ", ",\"z\":\"\\u0041}\" "]),
    ) {
        check(format!("{{{before}\"model\":\"{model}\"{stream}{options}{after}}}").as_bytes());
    }
}

#[test]
fn each_prompt_of_a_list_is_answered_by_itself() {
    for (prompt, count) in [
        (r#""a""#, 1),
        (r#"["a","b"]"#, 2),
        (r#"["a"]"#, 1),
        ("[]", 1),
        ("[1,2,3]", 1),
        ("[[1,2],[3],[4]]", 3),
        ("null", 1),
        ("{}", 1),
    ] {
        let body = format!(r#"{{"model":"m","prompt":{prompt}}}"#);
        assert_eq!(parse(body.as_bytes()).unwrap().prompts(), count, "{prompt}");
    }
    assert_eq!(parse(br#"{"model":"m"}"#).unwrap().prompts(), 1);
}

#[test]
fn what_is_no_stream_is_not_asked_for_its_usage() {
    let body = Bytes::from_static(br#"{"model":"m","input":"x","stream":true}"#);
    let edits = parse(&body).unwrap().edits(false);
    assert_eq!(edits.upstream_body(&body, "m", true).to_bytes(), body);
    assert!(!edits.may_ask_usage());
}
