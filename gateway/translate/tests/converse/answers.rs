//! Whole answers.

use fairlead_translate::converse::{Family, answer};
use fairlead_translate::{
    Answer, Answered, Content, Head, Malformed, Origin, Stop, Text, Usage, chat, messages,
};
use serde_json::json;

use crate::common::json;

const HEAD: Head<'static> = Head {
    id: "0a1b",
    model: "asked-for",
    created: 1,
    include_usage: false,
};

const TOOLS: &str = r#"{"metrics":{"latencyMs":900},"output":{"message":{"role":"assistant","content":[
  {"reasoningContent":{"reasoningText":{"text":"Look it up.","signature":"sig0"}}},
  {"reasoningContent":{"redactedContent":"b3BhcXVl"}},
  {"text":"I \"look\""},
  {"toolUse":{"toolUseId":"tooluse_1","name":"find","input":{"q":"x","n":12345678901234567890}}},
  {"toolUse":{"toolUseId":"tooluse_2","name":"now","input":{}}}]}},
 "stopReason":"tool_use","usage":{"inputTokens":12,"outputTokens":31,"totalTokens":48,"cacheReadInputTokens":5,"cacheWriteInputTokens":0}}"#;

fn of(body: &str) -> Answer<'_> {
    match answer::read(body.as_bytes(), Family::Claude) {
        Ok(Answered::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

/// An answer of these blocks that ended so.
fn body(content: &str, reason: &str) -> String {
    format!(
        r#"{{"output":{{"message":{{"role":"assistant","content":[{content}]}}}},"stopReason":"{reason}","usage":{{"inputTokens":1,"outputTokens":2,"totalTokens":3}}}}"#
    )
}

#[test]
fn an_answer_with_everything_in_it_reaches_callers_of_anthropic() {
    assert_eq!(
        json(&messages::answer::write(&of(TOOLS), &HEAD)),
        json!({
            "id": "msg_0a1b", "type": "message", "role": "assistant", "model": "asked-for",
            "content": [
                {"type": "thinking", "thinking": "Look it up.", "signature": "sig0"},
                {"type": "redacted_thinking", "data": "fairlead:bedrock:b3BhcXVl"},
                {"type": "text", "text": "I \"look\""},
                {"type": "tool_use", "id": "tooluse_1", "name": "find", "input": {"q": "x", "n": 12_345_678_901_234_567_890_u64}},
                {"type": "tool_use", "id": "tooluse_2", "name": "now", "input": {}},
            ],
            "stop_reason": "tool_use", "stop_sequence": null,
            "usage": {"input_tokens": 12, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 5, "output_tokens": 31},
        })
    );
}

#[test]
fn and_callers_of_openai() {
    let body = json(&chat::answer::write(&of(TOOLS), &HEAD));
    let choice = &body["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], "I \"look\"");
    assert_eq!(choice["message"]["reasoning_content"], "Look it up.");
    assert_eq!(
        choice["message"]["tool_calls"][0]["function"]["arguments"],
        r#"{"q":"x","n":12345678901234567890}"#
    );
    let details = &choice["message"]["reasoning_details"];
    assert_eq!(details[0]["format"], "anthropic-claude-v1");
    assert_eq!(details[1]["format"], "amazon-bedrock-v1");
    assert_eq!(body["usage"]["prompt_tokens"], 17);
    assert_eq!(body["usage"]["completion_tokens"], 31);
}

#[test]
fn a_signature_is_whose_model_it_is() {
    let body = body(
        r#"{"reasoningContent":{"reasoningText":{"text":"Hm.","signature":"s"}}},{"reasoningContent":{"reasoningText":{"text":"Ah."}}}"#,
        "end_turn",
    );
    for (family, expected) in [
        (Family::Claude, Origin::Anthropic),
        (Family::Nova, Origin::Bedrock),
        (Family::Other, Origin::Bedrock),
    ] {
        let Ok(Answered::Answer(answer)) = answer::read(body.as_bytes(), family) else {
            panic!("no answer");
        };
        let origins = answer.choices[0]
            .blocks
            .iter()
            .map(|block| match &block.content {
                Content::Reasoning { signature, .. } => {
                    signature.as_ref().map(|signature| signature.origin)
                }
                other => panic!("{other:?}"),
            });
        assert_eq!(origins.collect::<Vec<_>>(), [Some(expected), None]);
    }
}

#[test]
fn every_reason_means_something() {
    let filtered = |word| Stop::Filtered(Some(Text::plain(word)));
    for (reason, expected) in [
        ("end_turn", Stop::End),
        ("tool_use", Stop::Calls),
        ("max_tokens", Stop::Length),
        ("stop_sequence", Stop::Sequence(None)),
        ("guardrail_intervened", filtered("guardrail_intervened")),
        ("content_filtered", filtered("content_filtered")),
        ("model_context_window_exceeded", Stop::ContextFull),
        ("brand_new", Stop::Other(Text::plain("brand_new"))),
    ] {
        let body = body(r#"{"text":"Hi"}"#, reason);
        assert_eq!(of(&body).choices[0].stop, Some(expected), "{reason}");
    }
    for reason in ["malformed_model_output", "malformed_tool_use"] {
        match answer::read(body("", reason).as_bytes(), Family::Claude) {
            Ok(Answered::Error(facts)) => {
                assert_eq!(facts.reason.as_deref(), Some(reason));
                assert!(facts.message.unwrap().contains(reason));
                assert_eq!(facts.status, None);
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn blocks_of_every_kind_are_read_or_named() {
    let body = body(
        r#"{"text":""},{"citationsContent":{"content":[{"text":"It is "},{"text":"so."}],"citations":[{}]}},
        {"image":{"format":"png","source":{"bytes":"iVBORw0K"}}},
        {"toolUse":{"toolUseId":"s","name":"nova_grounding","input":{},"type":"server_tool_use"}},
        {"toolResult":{"toolUseId":"s","content":[]}},{"text":null,"reasoningContent":{"reasoningText":{"text":"Hm."}}},
        {"toolUse":{"toolUseId":"t","name":"f"}},{}"#,
        "end_turn",
    );
    let blocks = of(&body).choices.remove(0).blocks;
    let named = blocks.iter().map(|block| match &block.content {
        Content::Text(text) => format!("text {}", text.unescaped()),
        Content::Image(media) => format!("{}", media.media_type.as_ref().unwrap().unescaped()),
        Content::Reasoning { text, .. } => format!("thought {}", text.unescaped()),
        Content::Call { name, .. } => format!("call {}", name.unescaped()),
        Content::Other(kind) => format!("other {kind}"),
        other => panic!("{other:?}"),
    });
    assert_eq!(
        named.collect::<Vec<_>>(),
        [
            "text It is so.",
            "image/png",
            "other server_tool_use",
            "other toolResult",
            "thought Hm.",
            "call f"
        ]
    );
}

#[test]
fn what_is_no_answer_is_none() {
    let read = |body: &'static str| answer::read(body.as_bytes(), Family::Claude);
    assert!(matches!(read("{}"), Ok(Answered::Nothing)));
    assert!(matches!(
        read(r#"{"output":{"message":{"content":[]}}}"#),
        Ok(Answered::Nothing)
    ));
    assert!(matches!(read(r#"{"output":null}"#), Ok(Answered::Nothing)));
    // Nobody knows whether that was all.
    let unfinished = r#"{"output":{"message":{"content":[{"text":"Hi"}]}},"stopReason":null}"#;
    assert!(matches!(read(unfinished), Ok(Answered::Nothing)));
    for told in [
        r#"{"message":"Too many requests"}"#,
        r#"{"Output":{"__type":"x"},"__type":"com.amazon.coral.service#UnknownOperationException"}"#,
    ] {
        assert!(matches!(read(told), Ok(Answered::Error(_))), "{told}");
    }
    assert!(matches!(read("[]"), Err(Malformed::Json(_))));
    assert!(matches!(
        read(r#"{"output":{"message":{"content":[{"text":"#),
        Err(Malformed::Json(_))
    ));
    for wrong in [
        r#"{"output":{"message":{"content":["x"]}},"stopReason":"end_turn"}"#,
        r#"{"output":{"message":{"content":[{"toolUse":{"toolUseId":"t"}}]}},"stopReason":"tool_use"}"#,
        r#"{"output":{"message":{"content":[{"toolUse":{"name":"t","input":[1]}}]}},"stopReason":"tool_use"}"#,
    ] {
        assert!(matches!(read(wrong), Err(Malformed::Shape(_))), "{wrong}");
    }
}

#[test]
fn an_empty_answer_that_ended_is_one() {
    let body = body("", "end_turn");
    let answer = of(&body);
    assert_eq!(answer.choices[0].stop, Some(Stop::End));
    assert!(answer.choices[0].blocks.is_empty());
    let expected = Usage {
        input: Some(1),
        output: Some(2),
        ..Usage::default()
    };
    assert_eq!(answer.usage, Some(expected));
}
