//! Whole requests.

use fairlead_translate::{Conversation, Notes, Target, chat, converse, messages};
use serde_json::json;

use crate::common::{CLAUDE, round, text, turn, written, written_for};

const FULL: &str = r#"{
 "model": "asked-for", "max_tokens": 1000, "stream": true,
 "system": [{"type":"text","text":"Be \"brief\".\n","cache_control":{"type":"ephemeral","ttl":"1h"}}, {"type":"text","text":"Caf\u00e9"}],
 "messages": [
  {"role":"user","content":"Hi"},
  {"role":"assistant","content":[
    {"type":"thinking","thinking":"Two at once.","signature":"sig/+=="},
    {"type":"text","text":"I look."},
    {"type":"tool_use","id":"toolu_1","name":"find","input":{"q":"x","n":12345678901234567890}},
    {"type":"tool_use","id":"toolu_2","name":"now","input":{}}]},
  {"role":"user","content":[
    {"type":"tool_result","tool_use_id":"toolu_1","content":[
      {"type":"text","text":"found"},
      {"type":"image","source":{"type":"base64","media_type":"image/png","data":"iVBORw0KGgo="}},
      {"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"title":"a.pdf"}]},
    {"type":"tool_result","tool_use_id":"toolu_2","content":"no clock","is_error":true},
    {"type":"text","text":"Go on.","cache_control":{"type":"ephemeral"}},
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}}]}],
 "tools": [
  {"name":"find","description":"Finds.","input_schema":{"type":"object","properties":{"q":{"type":"string"}}},"strict":true},
  {"type":"custom","name":"now","description":"","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],
 "tool_choice": {"type":"auto"},
 "thinking": {"type":"adaptive","display":"summarized"},
 "output_config": {"effort":"max","format":{"type":"json_schema","schema":{"type":"object","properties":{}}}},
 "stop_sequences": ["END"], "metadata": {"user_id":"user_1"}, "top_p": 0.95
}"#;

#[test]
fn the_whole_of_a_request_comes_through() {
    let (body, notes) = round(FULL);
    assert_eq!(
        body,
        json!({
            "system": [
                {"text": "Be \"brief\".\n"},
                {"cachePoint": {"type": "default", "ttl": "1h"}},
                {"text": "Café"},
            ],
            "messages": [
                {"role": "user", "content": [{"text": "Hi"}]},
                {"role": "assistant", "content": [
                    {"reasoningContent": {"reasoningText": {"text": "Two at once.", "signature": "sig/+=="}}},
                    {"text": "I look."},
                    {"toolUse": {"toolUseId": "toolu_1", "name": "find", "input": {"q": "x", "n": 12_345_678_901_234_567_890_u64}}},
                    {"toolUse": {"toolUseId": "toolu_2", "name": "now", "input": {}}},
                ]},
                {"role": "user", "content": [
                    {"toolResult": {"toolUseId": "toolu_1", "content": [
                        {"text": "found"},
                        {"image": {"format": "png", "source": {"bytes": "iVBORw0KGgo="}}},
                        {"document": {"format": "pdf", "name": "a", "source": {"bytes": "JVBERi0="}}},
                    ]}},
                    {"toolResult": {"toolUseId": "toolu_2", "content": [{"text": "no clock"}], "status": "error"}},
                    {"text": "Go on."},
                    {"cachePoint": {"type": "default"}},
                    {"document": {"format": "txt", "name": "document", "source": {"bytes": "cGxhaW4="}}},
                ]},
            ],
            "toolConfig": {
                "tools": [
                    {"toolSpec": {"name": "find", "description": "Finds.", "inputSchema": {"json": {"type": "object", "properties": {"q": {"type": "string"}}}}, "strict": true}},
                    {"toolSpec": {"name": "now", "inputSchema": {"json": {"type": "object"}}}},
                    {"cachePoint": {"type": "default"}},
                ],
                "toolChoice": {"auto": {}},
            },
            "inferenceConfig": {"maxTokens": 1000, "topP": 0.95, "stopSequences": ["END"]},
            "outputConfig": {
                "textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
                    "schema": "{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}",
                }}},
                "effort": "max",
            },
            "additionalModelRequestFields": {"thinking": {"type": "adaptive", "display": "summarized"}},
            "requestMetadata": {"user": "user_1"},
        })
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn numbers_and_texts_stay_as_they_are_written() {
    let conversation = messages::request::read(FULL.as_bytes()).unwrap();
    let target = Target {
        model: CLAUDE,
        default_max_output: 1,
    };
    let body = converse::request::write(&conversation, &target, &mut Notes::default());
    let body = String::from_utf8(body).unwrap();
    for written in [
        r#""input":{"q":"x","n":12345678901234567890}"#,
        r#""text":"Be \"brief\".\n""#,
        r#""text":"Caf\u00e9""#,
        r#""topP":0.95"#,
    ] {
        assert!(body.contains(written), "{written}");
    }
}

#[test]
fn nothing_of_the_model_nor_of_streaming_stands_in_the_body() {
    let (body, notes) = round(
        r#"{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"Hi"}]}"#,
    );
    assert_eq!(
        body,
        json!({"messages": [{"role": "user", "content": [{"text": "Hi"}]}], "inferenceConfig": {"maxTokens": 5}})
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn without_a_limit_the_models_own_holds() {
    let (body, _) = written(&Conversation {
        turns: vec![turn(fairlead_translate::Role::User, 0, vec![text("Hi")])],
        ..Conversation::default()
    });
    assert_eq!(body.get("inferenceConfig"), None);
}

#[test]
fn a_chat_of_openai_becomes_one_of_bedrock() {
    let body = r#"{"model":"m","messages":[
      {"role":"developer","content":"Be brief."},
      {"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/4A==","detail":"low"}}]},
      {"role":"assistant","content":null,"tool_calls":[
        {"id":"call_a","type":"function","function":{"name":"look","arguments":"{\"at\":1.0}"}},
        {"id":"call_b","type":"function","function":{"name":"look","arguments":""}}]},
      {"role":"tool","tool_call_id":"call_a","content":"a cat"},
      {"role":"tool","tool_call_id":"call_b","content":""},
      {"role":"user","content":"Sure?"}],
     "tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object","properties":{}}}}],
     "tool_choice":"required","max_completion_tokens":64,"temperature":0.20,"stop":["\n\n","END"],
     "service_tier":"priority","metadata":{"team":"a b"},"safety_identifier":"someone@example.com","seed":1,
     "response_format":{"type":"json_schema","json_schema":{"name":"it","description":"What it is.","schema":{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}}}}"#;
    let conversation = chat::request::read(body.as_bytes()).unwrap();
    let (body, notes) = written_for(CLAUDE, &conversation);
    assert_eq!(
        body,
        json!({
            "system": [{"text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"text": "What is it?"}, {"image": {"format": "jpeg", "source": {"bytes": "/9j/4A=="}}}]},
                {"role": "assistant", "content": [
                    {"toolUse": {"toolUseId": "call_a", "name": "look", "input": {"at": 1.0}}},
                    {"toolUse": {"toolUseId": "call_b", "name": "look", "input": {}}},
                ]},
                {"role": "user", "content": [
                    {"toolResult": {"toolUseId": "call_a", "content": [{"text": "a cat"}]}},
                    {"toolResult": {"toolUseId": "call_b", "content": []}},
                    {"text": "Sure?"},
                ]},
            ],
            "toolConfig": {
                "tools": [{"toolSpec": {"name": "look", "inputSchema": {"json": {"type": "object", "properties": {}}}}}],
                "toolChoice": {"any": {}},
            },
            "inferenceConfig": {"maxTokens": 64, "temperature": 0.2, "stopSequences": ["END"]},
            "outputConfig": {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {
                "schema": "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}},\"additionalProperties\":false}",
                "name": "it", "description": "What it is.",
            }}}},
            "serviceTier": {"type": "priority"},
            "requestMetadata": {"team": "a b", "user": body["requestMetadata"]["user"]},
        })
    );
    let user = body["requestMetadata"]["user"].as_str().unwrap();
    assert!(user.len() == 32 && !user.contains('@'), "{user}");
    assert_eq!(notes, ["messages[1].content[1].detail", "!stop", "seed"]);
}
