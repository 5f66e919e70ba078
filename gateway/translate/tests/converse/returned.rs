//! What a model has said comes back to it, whatever its caller speaks.

use fairlead_translate::converse::{Family, answer};
use fairlead_translate::{Answer, Answered, Conversation, Head, chat, gemini, messages, responses};
use serde_json::{Value, json};

use crate::common::{CLAUDE, NOVA, json, written_for};

const HEAD: Head<'static> = Head {
    id: "0a1b",
    model: "asked-for",
    created: 1,
    include_usage: false,
};

const BODY: &str = r#"{"output":{"message":{"role":"assistant","content":[
  {"reasoningContent":{"reasoningText":{"text":"Look it up.","signature":"c2ln"}}},
  {"reasoningContent":{"redactedContent":"b3BhcXVl"}},
  {"toolUse":{"toolUseId":"tooluse_1","name":"find","input":{"q":"x"}}}]}},
 "stopReason":"tool_use","usage":{"inputTokens":1,"outputTokens":2,"totalTokens":3}}"#;

fn of(family: Family) -> Answer<'static> {
    match answer::read(BODY.as_bytes(), family) {
        Ok(Answered::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    }
}

/// The blocks of the model's turn in the next request, with the result of its call.
fn returned(model: &str, conversation: &Conversation<'_>) -> Value {
    let (body, notes) = written_for(model, conversation);
    assert_eq!(notes, [""; 0]);
    body["messages"][1]["content"].clone()
}

fn by_messages(answer: &Answer<'_>, model: &str) -> Value {
    let said = json(&messages::answer::write(answer, &HEAD));
    let body = json!({"max_tokens": 9, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": said["content"]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": said["content"][2]["id"], "content": "x"}]},
    ]});
    let body = body.to_string();
    returned(model, &messages::request::read(body.as_bytes()).unwrap())
}

fn by_chat(answer: &Answer<'_>, model: &str) -> Value {
    let said = json(&chat::answer::write(answer, &HEAD));
    let message = &said["choices"][0]["message"];
    let body = json!({"messages": [
        {"role": "user", "content": "go"},
        message,
        {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "x"},
    ]});
    let body = body.to_string();
    returned(model, &chat::request::read(body.as_bytes()).unwrap())
}

fn by_responses(answer: &Answer<'_>, model: &str) -> Value {
    let said = json(&responses::answer::write(answer, &HEAD));
    let mut input = vec![json!({"role": "user", "content": "go"})];
    input.extend(said["output"].as_array().unwrap().iter().cloned());
    let call = input.last().unwrap()["call_id"].clone();
    input.push(json!({"type": "function_call_output", "call_id": call, "output": "x"}));
    let body = json!({"model": "m", "store": false, "input": input}).to_string();
    returned(model, &responses::request::read(body.as_bytes()).unwrap())
}

fn by_gemini(answer: &Answer<'_>, model: &str) -> Value {
    let said = json(&gemini::answer::write(answer, &HEAD));
    let body = json!({"contents": [
        {"role": "user", "parts": [{"text": "go"}]},
        said["candidates"][0]["content"],
        {"role": "user", "parts": [{"functionResponse": {"id": "tooluse_1", "name": "find", "response": {"a": 1}}}]},
    ]});
    let body = body.to_string();
    returned(model, &gemini::request::read(body.as_bytes()).unwrap())
}

#[test]
fn thoughts_and_calls_come_back_through_every_surface() {
    let expected = json!([
        {"reasoningContent": {"reasoningText": {"text": "Look it up.", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": "b3BhcXVl"}},
        {"toolUse": {"toolUseId": "tooluse_1", "name": "find", "input": {"q": "x"}}},
    ]);
    for model in [CLAUDE, NOVA] {
        let answer = of(Family::of(model));
        for (surface, by) in [
            ("messages", by_messages as fn(&Answer<'_>, &str) -> Value),
            ("chat", by_chat),
            ("responses", by_responses),
            ("gemini", by_gemini),
        ] {
            assert_eq!(by(&answer, model), expected, "{surface} {model}");
        }
    }
}
