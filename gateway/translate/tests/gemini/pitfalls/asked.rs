//! On the way there, and on the next turn.

use fairlead_translate::gemini::answer;
use fairlead_translate::{Answer, Block, Choice, Content, Origin, Role, Signature, Stop, Text};
use serde_json::json as literal;

use super::streamed;
use crate::fixtures::{
    HEAD, again, answer_again, json, names, parts, pieces, read, relayed, write,
};
use crate::foreign::{call, contents, result, text, thought, turn};

const SKIP: &str = "skip_thought_signature_validator";

#[test]
fn ids_are_echoed_to_generations_that_take_them() {
    for (model, takes) in [
        ("gemini-3-pro", true),
        ("gemini-flash-latest", true),
        ("gemini-2.5-flash", false),
        ("publishers/google/models/gemini-2.0-flash", false),
    ] {
        let turns = vec![
            turn(Role::Assistant, 0, vec![call("toolu_1", "{}", None)]),
            turn(
                Role::User,
                1,
                vec![result("toolu_1", vec![text("ok")], false)],
            ),
        ];
        let contents = contents(turns, model);
        for (at, part) in [(0, "functionCall"), (1, "functionResponse")] {
            let part = &contents[at]["parts"][0][part];
            let id = takes.then_some("toolu_1");
            assert_eq!(part["id"].as_str(), id, "{model}");
            assert_eq!(part["name"], "find", "{model}");
        }
    }
}

#[test]
fn results_without_ids_have_the_order_of_their_calls() {
    let answered = |model| {
        let turns = vec![
            turn(
                Role::Assistant,
                0,
                vec![
                    call("a", "{}", None),
                    call("b", "{}", None),
                    call("c", "{}", None),
                ],
            ),
            turn(
                Role::User,
                1,
                vec![
                    result("c", vec![text("3")], false),
                    text("So?"),
                    result("a", vec![text("1")], false),
                    result("b", vec![text("2")], false),
                ],
            ),
        ];
        let contents = contents(turns, model);
        let parts = contents[1]["parts"].as_array().unwrap().iter();
        let said = parts.map(|part| {
            let result = &part["functionResponse"]["response"]["result"];
            result
                .as_str()
                .or(part["text"].as_str())
                .unwrap()
                .to_owned()
        });
        said.collect::<Vec<_>>()
    };
    assert_eq!(answered("gemini-2.5-pro"), ["1", "So?", "2", "3"]);
    assert_eq!(answered("gemini-3-pro"), ["3", "So?", "1", "2"]);
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    for call in [
        r#"{"functionCall":{"name":"f"}}"#,
        r#"{"functionCall":{"name":"f","args":null}}"#,
    ] {
        assert_eq!(pieces(&[streamed(call, "")])[2], "arguments 0.0 {}");
        let whole = streamed(call, r#","finishReason":"STOP""#);
        let again = answer_again(&whole);
        assert_eq!(
            again["candidates"][0]["content"]["parts"][0]["functionCall"]["args"],
            literal!({})
        );
    }
    let contents = contents(
        vec![turn(Role::Assistant, 0, vec![call("a", " ", None)])],
        "m",
    );
    assert_eq!(
        contents[0]["parts"][0]["functionCall"]["args"],
        literal!({})
    );
}

#[test]
fn parallel_calls_stay_together_and_so_do_their_results() {
    let contents = contents(
        vec![
            turn(
                Role::Assistant,
                0,
                vec![call("a", "{}", None), call("b", "{}", None)],
            ),
            turn(Role::User, 1, vec![result("a", vec![text("1")], false)]),
            turn(Role::User, 2, vec![result("b", vec![text("2")], false)]),
        ],
        "m",
    );
    assert_eq!(contents.as_array().unwrap().len(), 2);
    assert_eq!(contents[1]["parts"].as_array().unwrap().len(), 2);
}

#[test]
fn a_signature_survives_the_stream_and_the_next_turn() {
    let events = [
        streamed(
            r#"{"functionCall":{"id":"a","name":"f","args":{}},"thoughtSignature":"c2ln"}"#,
            "",
        ),
        streamed(r#"{"functionCall":{"id":"b","name":"f","args":{}}}"#, ""),
        streamed(r#"{"text":""}"#, r#","finishReason":"STOP""#),
    ];
    let said = literal!(parts(&relayed(&events), 0));
    let body = format!(r#"{{"contents":[{{"role":"model","parts":{said}}}]}}"#);
    let (again, _) = again(&body);
    assert_eq!(
        again["contents"][0]["parts"],
        literal!([
            {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "c2ln"},
            {"functionCall": {"id": "b", "name": "f", "args": {}}}
        ])
    );
}

#[test]
fn a_text_signed_at_the_end_of_a_stream_is_signed_in_the_next_turn() {
    let events = [
        streamed(r#"{"text":"Hi"}"#, ""),
        streamed(
            r#"{"text":"","thoughtSignature":"c2ln"}"#,
            r#","finishReason":"STOP""#,
        ),
    ];
    assert_eq!(
        pieces(&events),
        ["begin - -", "text 0 Hi", "signed 0 c2ln", "finish 0 End"]
    );
    let said = literal!(parts(&relayed(&events), 0));
    assert_eq!(said, literal!([{"text": "Hi", "thoughtSignature": "c2ln"}]));
}

#[test]
fn the_placeholder_stands_on_the_first_call_of_a_foreign_step_only() {
    let foreign = Signature {
        origin: Origin::Anthropic,
        value: Text::plain("sig"),
    };
    let own = Signature {
        origin: Origin::Gemini,
        value: Text::plain("c2ln"),
    };
    let turns = vec![
        turn(
            Role::Assistant,
            0,
            vec![
                text("Both."),
                call("a", "{}", Some(foreign)),
                call("b", "{}", None),
            ],
        ),
        turn(
            Role::User,
            1,
            vec![result("a", vec![], false), result("b", vec![], false)],
        ),
        turn(
            Role::Assistant,
            2,
            vec![call("c", "{}", Some(own)), call("d", "{}", None)],
        ),
        turn(
            Role::User,
            3,
            vec![result("c", vec![], false), result("d", vec![], false)],
        ),
        turn(Role::Assistant, 4, vec![call("e", "{}", None)]),
    ];
    let contents_new = contents(turns.clone(), "gemini-3-pro");
    let signature = |turn: usize, part: usize| {
        contents_new[turn]["parts"][part]
            .get("thoughtSignature")
            .and_then(|signature| signature.as_str())
    };
    assert_eq!(signature(0, 0), None);
    assert_eq!(signature(0, 1), Some(SKIP));
    assert_eq!(signature(0, 2), None);
    assert_eq!(signature(2, 0), Some("c2ln"));
    assert_eq!(signature(2, 1), None);
    assert_eq!(signature(4, 0), Some(SKIP));
    // Older models demand none.
    let old = contents(turns, "gemini-2.5-flash").to_string();
    assert!(!old.contains(SKIP) && old.contains("c2ln"));
}

#[test]
fn what_comes_later_changes_nothing_before_it() {
    let turns = |count: usize| {
        let all = [
            turn(Role::User, 0, vec![text("a")]),
            turn(
                Role::Assistant,
                1,
                vec![
                    thought("Hm.", Origin::Gemini, "c2ln"),
                    call("a", "{}", None),
                ],
            ),
            turn(Role::User, 2, vec![result("a", vec![text("1")], false)]),
            turn(Role::Assistant, 3, vec![call("b", "{}", None)]),
            turn(Role::User, 4, vec![result("b", vec![text("2")], false)]),
            turn(Role::Assistant, 5, vec![text("Done.")]),
            turn(Role::User, 6, vec![text("Thanks.")]),
        ];
        all.into_iter().take(count).collect::<Vec<_>>()
    };
    let whole = contents(turns(7), "gemini-3-pro");
    for count in 1..7 {
        let before = contents(turns(count), "gemini-3-pro");
        for (at, content) in before.as_array().unwrap().iter().enumerate() {
            assert_eq!(content, &whole[at]);
        }
    }
}

#[test]
fn keywords_that_parameters_refuse_are_kept_for_json_schema() {
    let schema = r##"{"$schema":"http://json-schema.org/draft-07/schema#","properties":{"a":{"type":"array","uniqueItems":true,"items":{"anyOf":[{"type":"integer","multipleOf":2,"exclusiveMinimum":0},{"$ref":"#/$defs/x"}]}},"$schema":{"type":"string"}},"$defs":{"x":{"const":"y"}},"additionalProperties":false}"##;
    let body = format!(
        r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}],"tools":[{{"functionDeclarations":[{{"name":"f","parametersJsonSchema":{schema}}}]}}]}}"#
    );
    let (body, notes) = again(&body);
    assert_eq!(names(&notes), []);
    let declared = &body["tools"][0]["functionDeclarations"][0];
    let mut expected = json(schema);
    let root = expected.as_object_mut().unwrap();
    root.remove("$schema");
    root.insert("type".to_owned(), "object".into());
    assert_eq!(declared["parametersJsonSchema"], expected);
    assert!(declared.get("parameters").is_none());
}

#[test]
fn what_looks_like_a_schema_in_a_result_goes_as_text() {
    let contents = contents(
        vec![
            turn(Role::Assistant, 0, vec![call("a", "{}", None)]),
            turn(
                Role::User,
                1,
                vec![result("a", vec![text(r##"{"x":{"$ref":"#/y"}}"##)], false)],
            ),
        ],
        "m",
    );
    assert_eq!(
        contents[1]["parts"][0]["functionResponse"]["response"],
        literal!({"result": r##"{"x":{"$ref":"#/y"}}"##})
    );
}

#[test]
fn large_numbers_and_the_order_of_keys_stay() {
    let body = r#"{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"z":12345678901234567890,"a":1.0,"m":1e2}}}]}]}"#;
    let mut notes = fairlead_translate::Notes::default();
    let target = fairlead_translate::Target {
        model: "m",
        default_max_output: 1,
    };
    let written = fairlead_translate::gemini::request::write(&read(body), &target, &mut notes);
    let written = String::from_utf8(written).unwrap();
    assert!(
        written.contains(r#""args":{"z":12345678901234567890,"a":1.0,"m":1e2}"#),
        "{written}"
    );
}

#[test]
fn a_signature_of_another_provider_comes_back_to_it_through_gemini_sdks() {
    let signature = Signature {
        origin: Origin::Anthropic,
        value: Text::plain("ErUB+/=="),
    };
    let answer = Answer {
        choices: vec![Choice {
            blocks: vec![
                Block::from(Content::Reasoning {
                    text: Text::plain("Hm."),
                    signature: Some(signature.clone()),
                }),
                Block::from(Content::Redacted(signature.clone())),
                Block::from(Content::Text(Text::plain("Hi."))),
            ],
            stop: Some(Stop::End),
            logprobs: None,
        }],
        ..Answer::default()
    };
    let whole = json(answer::write(&answer, &HEAD));
    let said = whole["candidates"][0]["content"].to_string();
    // SDKs keep bytes, and write them in the other alphabet.
    let said = said
        .replace('+', "-")
        .replace("thoughtSignature", "thought_signature");
    let body = format!(r#"{{"contents":[{said}]}}"#);
    let asked = read(&body);
    let [thought, redacted, text] = asked.turns[0].blocks.as_slice() else {
        panic!("{asked:?}");
    };
    assert!(
        matches!(&thought.content, Content::Reasoning { text, signature: Some(back) } if *text == "Hm." && *back == signature)
    );
    assert!(matches!(&redacted.content, Content::Redacted(back) if *back == signature));
    assert!(matches!(&text.content, Content::Text(text) if *text == "Hi."));
    let (body, _) = write(&asked, "gemini-3-pro");
    assert_eq!(body["contents"][0]["parts"], literal!([{"text": "Hi."}]));
}
