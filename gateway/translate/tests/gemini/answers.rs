//! Whole answers.

use fairlead_translate::gemini::answer;
use fairlead_translate::{Answered, Content, Stop};
use serde_json::json as literal;

use crate::fixtures::{HEAD, WHOLE, answer_again, answered, json};

#[test]
fn a_whole_answer_is_read() {
    let answer = answered(WHOLE);
    assert_eq!(answer.id.as_ref().unwrap(), &"r1");
    assert_eq!(answer.model.as_ref().unwrap(), &"gemini-3-pro");
    let [choice] = answer.choices.as_slice() else {
        panic!("{answer:?}");
    };
    assert_eq!(choice.stop, Some(Stop::Calls));
    let [thought, text, first, second] = choice.blocks.as_slice() else {
        panic!("{choice:?}");
    };
    assert!(
        matches!(&thought.content, Content::Reasoning { text, signature: None } if *text == "Look it up.")
    );
    assert!(matches!(&text.content, Content::Text(text) if *text == "I will look."));
    assert!(matches!(
        &first.content,
        Content::Call { id, signature: Some(proof), .. } if *id == "fc1" && proof.value == "c2ln"
    ));
    assert!(matches!(
        &second.content,
        Content::Call { id, signature: None, .. } if *id == "call_r1_1"
    ));
    let usage = answer.usage.unwrap();
    assert_eq!(
        (usage.input, usage.cache_read, usage.output, usage.reasoning),
        (Some(8), Some(4), Some(11), Some(20))
    );
}

#[test]
fn a_whole_answer_comes_out_as_it_went_in() {
    assert_eq!(
        answer_again(WHOLE),
        literal!({
            "candidates": [{
                "content": {"role": "model", "parts": [
                    {"text": "Look it up.", "thought": true},
                    {"text": "I will look."},
                    {"functionCall": {"id": "fc1", "name": "find", "args": {"q": "x"}}, "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "call_r1_1", "name": "find", "args": {}}}
                ]},
                "finishReason": "STOP", "index": 0
            }],
            "usageMetadata": {"promptTokenCount": 12, "cachedContentTokenCount": 4, "candidatesTokenCount": 11, "thoughtsTokenCount": 20, "totalTokenCount": 43},
            "modelVersion": "gemini-3-pro", "responseId": "r1"
        })
    );
}

#[test]
fn the_signature_of_a_text_stays_beside_it() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"Hi.","thoughtSignature":"c2ln"}],"role":"model"},"finishReason":"STOP","index":0}],"modelVersion":"m","responseId":"r"}"#;
    assert_eq!(answer_again(body), json(body));
}

#[test]
fn reasons_keep_their_meaning() {
    let stop = |reason: &str| {
        let body = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a"}}]}},"finishReason":"{reason}"}}]}}"#
        );
        let said = answered(&body).choices[0].stop.clone();
        (
            format!("{:?}", said.unwrap()),
            answer_again(&body)["candidates"][0]["finishReason"].clone(),
        )
    };
    assert_eq!(stop("STOP"), ("End".to_owned(), literal!("STOP")));
    assert_eq!(
        stop("MAX_TOKENS"),
        ("Length".to_owned(), literal!("MAX_TOKENS"))
    );
    assert_eq!(
        stop("CONTINUATION"),
        ("Paused".to_owned(), literal!("CONTINUATION"))
    );
    for reason in [
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
    ] {
        let (said, written) = stop(reason);
        assert!(
            said.starts_with("Filtered") && said.contains(reason),
            "{said}"
        );
        assert_eq!(written, literal!(reason));
    }
    assert!(stop("OTHER").0.starts_with("Other"));
    assert_eq!(stop("OTHER").1, literal!("OTHER"));
    assert_eq!(stop("SOMETHING_NEW").1, literal!("STOP"));
    assert_eq!(stop("FINISH_REASON_UNSPECIFIED_").1, literal!("STOP"));
}

#[test]
fn what_the_model_got_wrong_is_an_error() {
    for reason in [
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
    ] {
        let body = format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":"a"}}]}},"finishReason":"{reason}","finishMessage":"print(\"x\")"}}]}}"#
        );
        match answer::read(body.as_bytes()).unwrap() {
            Answered::Error(facts) => {
                assert_eq!(facts.reason.as_deref(), Some(reason));
                assert_eq!(
                    facts.message.unwrap(),
                    format!("the model's answer cannot be used ({reason}): print(\"x\")")
                );
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_end_without_an_answer_is_an_error() {
    for reason in ["OTHER", "STOP", "NO_IMAGE", "IMAGE_OTHER", "NEW"] {
        for content in [
            "",
            r#""content":{},"#,
            r#""content":{"parts":[{"text":""}]},"#,
        ] {
            let body = format!(r#"{{"candidates":[{{{content}"finishReason":"{reason}"}}]}}"#);
            let read = answer::read(body.as_bytes()).unwrap();
            assert!(matches!(&read, Answered::Error(_)), "{body}: {read:?}");
        }
    }
}

#[test]
fn nothing_is_no_answer() {
    for body in [
        "{}",
        "[]",
        "7",
        r#"{"candidates":[]}"#,
        r#"{"candidates":null,"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":3}}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":""}]}}]}"#,
        r#"{"candidates":[{}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":null}]}"#,
    ] {
        let read = answer::read(body.as_bytes()).unwrap();
        assert!(matches!(read, Answered::Nothing), "{body}: {read:?}");
    }
    assert!(answer::read(br#"{"candidates":[{"content""#).is_err());
    assert!(answer::read(br#"{"candidates":[{"content":{"parts":[{"text":7}]}}]}"#).is_err());
    assert!(answer::read(br#"{"candidates":[7]}"#).is_err());
    assert!(answer::read(b"<html>").is_err());
}

#[test]
fn errors_with_a_status_of_success_are_errors() {
    let error = r#"{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}"#;
    for body in [error.to_owned(), format!("[{error}]")] {
        match answer::read(body.as_bytes()).unwrap() {
            Answered::Error(facts) => {
                assert_eq!(facts.status, Some(503));
                assert_eq!(facts.message.as_deref(), Some("overloaded"));
            }
            other => panic!("{other:?}"),
        }
    }
    let beside =
        r#"{"error":{},"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#;
    assert_eq!(answered(beside).choices.len(), 1);
}

#[test]
fn ids_of_calls_are_unique_even_where_no_id_is_given() {
    let body = |n: u32| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"functionCall":{{"name":"f"}}}}]}},"finishReason":"STOP"}}],"usageMetadata":{{"promptTokenCount":{n}}}}}"#
        )
    };
    let id = |body: &str| match &answered(body).choices[0].blocks[0].content {
        Content::Call { id, .. } => id.unescaped().into_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(id(&body(1)), id(&body(1)));
    assert_ne!(id(&body(1)), id(&body(2)));
}

#[test]
fn several_candidates_keep_their_places() {
    let body = r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"b"}]},"finishReason":"MAX_TOKENS"},{"index":0,"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#;
    let again = answer_again(body);
    assert_eq!(again["candidates"][0]["content"]["parts"][0]["text"], "a");
    assert_eq!(again["candidates"][1]["content"]["parts"][0]["text"], "b");
    assert_eq!(again["candidates"][1]["finishReason"], "MAX_TOKENS");
    assert_eq!(again["candidates"][1]["index"], 1);
    assert_eq!(again["modelVersion"], HEAD.model);
    assert_eq!(again["responseId"], HEAD.id);
}
