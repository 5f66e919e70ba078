//! On the way back.

use fairlead_translate::gemini::{answer, stream};
use fairlead_translate::{Answer, Answered, Arguments, Block, Choice, Content, Piece, Stop, Text};
use serde_json::json as literal;

use super::streamed;
use crate::fixtures::{HEAD, answer_again, answered, json, parts, pieces, read, relayed, written};

#[test]
fn ids_stay_short_and_hold_no_signature() {
    let long = "A".repeat(2000);
    let body = format!(
        r#"{{"responseId":"{long}","candidates":[{{"content":{{"parts":[{{"functionCall":{{"name":"f","args":{{}}}},"thoughtSignature":"{long}"}}]}},"finishReason":"STOP"}}]}}"#
    );
    match &answered(&body).choices[0].blocks[0].content {
        Content::Call { id, signature, .. } => {
            assert!(id.as_written().len() <= 64);
            assert_eq!(signature.as_ref().unwrap().value, long.as_str());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_call_that_comes_whole_keeps_its_arguments() {
    let event = streamed(
        r#"{"text":"Now."},{"functionCall":{"name":"find","args":{"q":"x"}}}"#,
        r#","finishReason":"STOP""#,
    );
    assert_eq!(
        pieces(&[event]),
        [
            "begin - -",
            "text 0 Now.",
            "call 0.0 - find -",
            r#"arguments 0.0 {"q":"x"}"#,
            "finish 0 Calls",
        ]
    );
}

#[test]
fn stop_with_calls_waits_for_their_results() {
    let whole = streamed(
        r#"{"functionCall":{"name":"f"}}"#,
        r#","finishReason":"STOP""#,
    );
    assert_eq!(answered(&whole).choices[0].stop, Some(Stop::Calls));
    let events = [
        streamed(r#"{"functionCall":{"name":"f"}}"#, ""),
        r#"{"candidates":[{"finishReason":"STOP"}]}"#.to_owned(),
    ];
    assert_eq!(pieces(&events).last().unwrap(), "finish 0 Calls");
    let cut = streamed(
        r#"{"functionCall":{"name":"f"}}"#,
        r#","finishReason":"MAX_TOKENS""#,
    );
    assert_eq!(answered(&cut).choices[0].stop, Some(Stop::Length));
}

#[test]
fn a_blocked_prompt_is_a_refusal_with_its_reason() {
    for reason in [
        "SAFETY",
        "OTHER",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "JAILBREAK",
    ] {
        let body = format!(
            r#"{{"promptFeedback":{{"blockReason":"{reason}"}},"usageMetadata":{{"promptTokenCount":5,"totalTokenCount":5}},"responseId":"r"}}"#
        );
        let answer = answered(&body);
        assert_eq!(
            answer.choices[0].stop,
            Some(Stop::Filtered(Some(Text::plain(reason))))
        );
        assert!(answer.choices[0].blocks.is_empty());
        assert_eq!(answer.usage.unwrap().input, Some(5));
        let said = pieces(&[&body]);
        assert!(said[1].starts_with("finish 0 Filtered") && said[1].contains(reason));
        let again = answer_again(&body);
        assert!(
            again["promptFeedback"]["blockReason"].is_string(),
            "{again}"
        );
        assert!(again["candidates"][0].get("content").is_none());
        assert_eq!(relayed(&[&body]), [again]);
    }
    let without_reason = r#"{"promptFeedback":{},"candidates":[]}"#;
    assert_eq!(
        answered(without_reason).choices[0].stop,
        Some(Stop::Filtered(None))
    );
}

#[test]
fn a_candidate_without_content_is_no_empty_success() {
    let body = r#"{"candidates":[{"finishReason":"SAFETY","index":0}]}"#;
    let answer = answered(body);
    assert_eq!(
        answer.choices[0].stop,
        Some(Stop::Filtered(Some(Text::plain("SAFETY"))))
    );
    assert!(pieces(&[body])[1].starts_with("finish 0 Filtered"));
    let again = answer_again(body);
    assert_eq!(again["candidates"][0]["finishReason"], "SAFETY");
    assert_eq!(again["promptFeedback"]["blockReason"], "SAFETY");
}

#[test]
fn a_limit_that_thoughts_have_used_up_is_one_choice_with_usage() {
    for content in ["", r#""content":{"role":"model"},"#] {
        let body = format!(
            r#"{{"candidates":[{{{content}"finishReason":"MAX_TOKENS","index":0}}],"usageMetadata":{{"promptTokenCount":5,"thoughtsTokenCount":90,"totalTokenCount":95}}}}"#
        );
        let answer = answered(&body);
        assert_eq!(answer.choices[0].stop, Some(Stop::Length));
        assert_eq!(answer.usage.unwrap().whole_output(), Some(90));
        assert_eq!(pieces(&[&body])[1], "finish 0 Length");
        let again = answer_again(&body);
        assert_eq!(again["candidates"][0]["finishReason"], "MAX_TOKENS");
        assert_eq!(
            again["candidates"][0]["content"]["parts"],
            literal!([{"text": ""}])
        );
        assert_eq!(again["usageMetadata"]["totalTokenCount"], 95);
    }
}

#[test]
fn thoughts_are_output_and_all_of_the_input_is_told() {
    let body = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"candidatesTokenCount":30,"thoughtsTokenCount":20,"totalTokenCount":130}}"#;
    let usage = answered(body).usage.unwrap();
    assert_eq!(
        (usage.whole_input(), usage.whole_output()),
        (Some(100), Some(30))
    );
    let told = &answer_again(body)["usageMetadata"];
    assert_eq!(
        *told,
        literal!({"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 10, "thoughtsTokenCount": 20, "totalTokenCount": 130})
    );
}

#[test]
fn thoughts_reach_callers_of_the_stream() {
    let thought = Piece::Reasoning {
        choice: 0,
        text: Text::plain("Hm."),
    };
    let end = Piece::Finish {
        choice: 0,
        stop: Stop::End,
    };
    assert_eq!(
        parts(&written(&[thought, end]), 0),
        [literal!({"text": "Hm.", "thought": true})]
    );
}

#[test]
fn a_refusal_is_visible_and_no_plain_end() {
    let answer = Answer {
        choices: vec![Choice {
            blocks: vec![Block::from(Content::Refusal(Text::plain("I won't.")))],
            stop: Some(Stop::End),
            logprobs: None,
        }],
        ..Answer::default()
    };
    let whole = json(answer::write(&answer, &HEAD));
    assert_eq!(
        whole["candidates"][0]["content"]["parts"],
        literal!([{"text": "I won't."}])
    );
    assert_eq!(whole["candidates"][0]["finishReason"], "SAFETY");
    let refusal = Piece::Refusal {
        choice: 0,
        text: Text::plain("I won't."),
    };
    let end = Piece::Finish {
        choice: 0,
        stop: Stop::End,
    };
    assert_eq!(written(&[refusal, end]), [whole]);
}

#[test]
fn a_part_may_have_text_and_signature() {
    let body = streamed(
        r#"{"text":"a","thoughtSignature":"c2ln","thought":false,"somethingNew":{"x":1}}"#,
        r#","finishReason":"STOP""#,
    );
    let answer = answered(&body);
    assert_eq!(answer.choices[0].blocks.len(), 2);
}

#[test]
fn logprobs_are_asked_for_and_given_back() {
    let asked = read(
        r#"{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"responseLogprobs":true,"logprobs":2}}"#,
    );
    assert_eq!(asked.logprobs, Some(2));
    let result = r#"{"topCandidates":[{"candidates":[{"token":"Hi","logProbability":-0.1},{"token":"Ho","logProbability":-2.5}]}],"chosenCandidates":[{"token":"Hi","tokenId":7,"logProbability":-0.1}]}"#;
    let body = streamed(
        r#"{"text":"Hi"}"#,
        &format!(r#","finishReason":"STOP","logprobsResult":{result}"#),
    );
    let answer = answered(&body);
    assert_eq!(
        json(answer.choices[0].logprobs.as_ref().unwrap().text()),
        literal!({"content": [{"token": "Hi", "logprob": -0.1, "bytes": null, "top_logprobs": [
            {"token": "Hi", "logprob": -0.1, "bytes": null}, {"token": "Ho", "logprob": -2.5, "bytes": null}
        ]}], "refusal": null})
    );
    let expected = literal!({
        "topCandidates": [{"candidates": [{"token": "Hi", "logProbability": -0.1}, {"token": "Ho", "logProbability": -2.5}]}],
        "chosenCandidates": [{"token": "Hi", "logProbability": -0.1}]
    });
    assert_eq!(
        answer_again(&body)["candidates"][0]["logprobsResult"],
        expected
    );
    assert_eq!(
        relayed(&[&body])[0]["candidates"][0]["logprobsResult"],
        expected
    );
}

#[test]
fn half_a_surrogate_pair_in_a_delta_is_carried() {
    let event = streamed(r#"{"text":"\ud83d"}"#, r#","finishReason":"STOP""#);
    let mut out = Vec::new();
    let mut reader = stream::Reader::default();
    let mut writer = stream::Writer::new(&HEAD);
    let read = reader.read(None, event.as_bytes(), &mut |piece| {
        writer.write(&piece, &mut out);
    });
    assert_eq!(read, Ok(()));
    writer.end(&mut out);
    let text = String::from_utf8(out).unwrap();
    assert!(text.contains(r#"{"text":"\ud83d"}"#), "{text}");
}

#[test]
fn what_a_model_said_that_is_no_object_is_not_lost() {
    let answer = Answer {
        choices: vec![Choice {
            blocks: vec![Block::from(Content::Call {
                id: Text::plain("a"),
                name: Text::plain("f"),
                arguments: Arguments::Text(Text::plain("{\"q\":")),
                signature: None,
            })],
            stop: Some(Stop::Length),
            logprobs: None,
        }],
        ..Answer::default()
    };
    let whole = json(answer::write(&answer, &HEAD));
    assert_eq!(
        whole["candidates"][0]["content"]["parts"][0]["functionCall"]["args"],
        literal!({"_raw": "{\"q\":"})
    );
    assert_eq!(whole["candidates"][0]["finishReason"], "MAX_TOKENS");
}

#[test]
fn a_body_of_another_world_is_no_answer() {
    let openai = br#"{"choices":[{"message":{"content":"a"}}]}"#;
    assert!(matches!(answer::read(openai), Ok(Answered::Nothing)));
}
