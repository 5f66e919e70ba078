//! Requests of this format, read and written: the same is asked for.

use fairlead_translate::messages::request::read;
use fairlead_translate::{Conversation, Effort, Format, Reasoning, RequestError, Text, ToolChoice};
use serde_json::json;

use crate::{round, written};

const FULL: &str = r#"{
 "model": "asked-for", "max_tokens": 1000, "stream": true,
 "system": [{"type":"text","text":"Be \"brief\".\n","cache_control":{"type":"ephemeral","ttl":"1h"}}, {"type":"text","text":"Caf\u00e9"}],
 "messages": [
  {"role":"user","content":"Hi"},
  {"role":"assistant","content":[
    {"type":"thinking","thinking":"Two at once.","signature":"sig/+=="},
    {"type":"redacted_thinking","data":"opaque"},
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
    {"type":"image","source":{"type":"url","url":"https://host/a.png"}},
    {"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}},
    {"type":"document","source":{"type":"url","url":"https://host/a.pdf"}},
    {"type":"image","source":{"type":"file","file_id":"file_011"}}]}],
 "tools": [
  {"name":"find","description":"Finds.","input_schema":{"type":"object","properties":{"q":{"type":"string"}}},"strict":true},
  {"type":"custom","name":"now","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}}],
 "tool_choice": {"type":"auto","disable_parallel_tool_use":true},
 "thinking": {"type":"adaptive","display":"summarized"},
 "output_config": {"effort":"high","format":{"type":"json_schema","schema":{"type":"object","properties":{},"additionalProperties":false}}},
 "stop_sequences": ["END"], "service_tier": "standard_only", "metadata": {"user_id":"user_1"}, "top_p": 0.95
}"#;

#[test]
fn the_whole_of_a_request_comes_through() {
    let (body, notes) = round(FULL);
    let mut expected: serde_json::Value = serde_json::from_str(FULL).unwrap();
    expected["model"] = "claude-x".into();
    expected["messages"][0]["content"] = json!([{"type":"text","text":"Hi"}]);
    expected["tools"][1].as_object_mut().unwrap().remove("type");
    assert_eq!(body, expected);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn numbers_and_texts_stay_as_they_are_written() {
    let mut notes = fairlead_translate::Notes::default();
    let conversation = read(FULL.as_bytes()).unwrap();
    let body =
        fairlead_translate::messages::request::write(&conversation, &crate::TARGET, &mut notes);
    let body = String::from_utf8(body).unwrap();
    for written in [
        r#""input":{"q":"x","n":12345678901234567890}"#,
        r#""text":"Be \"brief\".\n""#,
        r#""text":"Caf\u00e9""#,
        r#""top_p":0.95"#,
    ] {
        assert!(body.contains(written), "{written}");
    }
}

#[test]
fn sampling_comes_through_where_nothing_is_thought() {
    let (body, notes) = round(
        r#"{"max_tokens":10,"messages":[{"role":"user","content":"Hi"}],"temperature":0.70,"top_k":5,"thinking":{"type":"disabled"},"output_config":{"effort":"low"}}"#,
    );
    assert_eq!(body["temperature"], 0.7);
    assert_eq!(body["top_k"], 5);
    assert_eq!(body["thinking"], json!({"type":"disabled"}));
    assert_eq!(notes, [""; 0]);
}

#[test]
fn a_model_that_thinks_takes_no_sampling_and_no_forced_tool() {
    let (body, notes) = round(
        r#"{"max_tokens":9000,"messages":[{"role":"user","content":"Hi"}],"temperature":0.5,"top_k":5,"top_p":0.5,"thinking":{"type":"enabled","budget_tokens":2000}}"#,
    );
    assert_eq!(
        body["thinking"],
        json!({"type":"enabled","budget_tokens":2000})
    );
    assert_eq!(notes, ["!temperature", "!top_p", "!top_k"]);
    let (body, notes) = round(
        r#"{"max_tokens":9000,"messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"a","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"a"},"thinking":{"type":"adaptive"}}"#,
    );
    assert_eq!(body["tool_choice"], json!({"type":"tool","name":"a"}));
    assert_eq!(body.get("thinking"), None);
    assert_eq!(notes, ["!reasoning"]);
}

#[test]
fn a_budget_is_never_too_small_nor_as_large_as_the_output() {
    let budget = |budget, max_output| {
        let conversation = Conversation {
            max_output: Some(max_output),
            reasoning: Some(Reasoning {
                budget: Some(budget),
                ..Reasoning::default()
            }),
            ..Conversation::default()
        };
        let (body, notes) = written(&conversation);
        (body["thinking"]["budget_tokens"].as_u64(), notes.len())
    };
    assert_eq!(budget(128, 8000), (Some(1024), 0));
    assert_eq!(budget(24576, 8192), (Some(8191), 0));
    assert_eq!(budget(2000, 1024), (None, 1));
}

#[test]
fn effort_is_told_in_words() {
    for (effort, word) in [
        (Effort::Minimal, "low"),
        (Effort::Medium, "medium"),
        (Effort::ExtraHigh, "xhigh"),
    ] {
        let conversation = Conversation {
            reasoning: Some(Reasoning {
                effort: Some(effort),
                ..Reasoning::default()
            }),
            ..Conversation::default()
        };
        let (body, _) = written(&conversation);
        assert_eq!(body["thinking"], json!({"type":"adaptive"}));
        assert_eq!(body["output_config"], json!({"effort":word}));
    }
}

#[test]
fn a_limit_is_always_named() {
    assert_eq!(written(&Conversation::default()).0["max_tokens"], 4096);
}

#[test]
fn what_has_no_words_here_is_told() {
    let raw = |text| fairlead_json::Raw::parse(text, &fairlead_json::Limits::default()).unwrap();
    let conversation = Conversation {
        temperature: Some(raw("1.5")),
        seed: Some(raw("1")),
        presence_penalty: Some(raw("0.0")),
        frequency_penalty: Some(raw("0.5")),
        choices: 2,
        logprobs: Some(0),
        format: Some(Format::Json),
        verbosity: Some(Text::plain("low")),
        service_tier: Some(Text::plain("flex")),
        metadata: Some(raw("{}")),
        cache_key: Some(Text::plain("k")),
        store: Some(true),
        stop: vec![Text::plain("\n"), Text::plain("a")],
        tool_choice: Some(ToolChoice::Any),
        ..Conversation::default()
    };
    let (body, notes) = written(&conversation);
    assert_eq!(body["stop_sequences"], json!(["a"]));
    assert_eq!(
        notes,
        [
            "!tool_choice",
            "!temperature",
            "!stop",
            "!response_format",
            "!service_tier",
            "!frequency_penalty",
            "!n",
            "!logprobs",
            "seed",
            "metadata",
            "prompt_cache_key",
            "store",
            "verbosity"
        ]
    );
}

#[test]
fn members_of_the_surface_without_a_neutral_meaning_are_told() {
    let (_, notes) = round(
        r#"{"max_tokens":10,"messages":[{"role":"user","content":[{"type":"search_result","content":[]},{"type":"text","text":"a"}]}],
        "tools":[{"type":"web_search_20250305","name":"web_search"},{"name":"a","input_schema":{"type":"object"},"defer_loading":true},{"name":"b","input_schema":{"type":"object"},"defer_loading":true}],
        "context_management":{"edits":[]},"container":"c","mcp_servers":[],"inference_geo":null,"cache_control":{"type":"ephemeral"}}"#,
    );
    assert_eq!(
        notes,
        [
            "!messages[0].content[0] (search_result)",
            "!tools[0] (web_search_20250305)",
            "tools[].defer_loading",
            "context_management",
            "!container",
            "cache_control"
        ]
    );
}

#[test]
fn a_body_that_only_counts_is_read() {
    let conversation =
        read(br#"{"model":"m","messages":[{"role":"user","content":"Hi"}]}"#).unwrap();
    assert_eq!(conversation.max_output, None);
    assert_eq!(conversation.turns.len(), 1);
}

/// Wrong bodies, each with the place of what is wrong.
const WRONG: [(&str, &str); 15] = [
    ("{}", "messages"),
    (r#"{"messages":[1]}"#, "messages[0]"),
    (
        r#"{"messages":[{"role":"tool","content":"a"}]}"#,
        "messages[0].role",
    ),
    (r#"{"messages":[{"role":"user"}]}"#, "messages[0].content"),
    (
        r#"{"messages":[{"role":"user","content":[{"text":"a"}]}]}"#,
        "messages[0].content[0].type",
    ),
    (
        r#"{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text"}]}]}]}"#,
        "messages[0].content[0].content[0].text",
    ),
    (
        r#"{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":[]}]}]}"#,
        "messages[0].content[0].input",
    ),
    (r#"{"messages":[],"max_tokens":"a"}"#, "max_tokens"),
    (r#"{"messages":[],"max_tokens":-1}"#, "max_tokens"),
    (r#"{"messages":[],"system":1}"#, "system"),
    (
        r#"{"messages":[],"system":[{"type":"text"}]}"#,
        "system[0].text",
    ),
    (
        r#"{"messages":[],"tools":[{"description":"a"}]}"#,
        "tools[0].name",
    ),
    (
        r#"{"messages":[],"tool_choice":{"type":"all"}}"#,
        "tool_choice.type",
    ),
    (
        r#"{"messages":[],"thinking":{"type":"enabled"}}"#,
        "thinking.budget_tokens",
    ),
    (
        r#"{"messages":[],"output_config":{"format":{"type":"json"}}}"#,
        "output_config.format",
    ),
];

#[test]
fn wrong_kinds_are_refused_with_their_place() {
    for (body, place) in WRONG {
        match read(body.as_bytes()) {
            Err(RequestError::Wrong { at, .. }) => assert_eq!(at, place, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    for body in [
        "[]",
        "",
        "{\"a\":1,\"a\":2}",
        "{\"messages\":[}",
        "\u{feff}{}",
    ] {
        let read = read(body.as_bytes());
        assert!(matches!(read, Err(RequestError::Json(_))), "{body}");
    }
}

#[test]
fn a_user_is_named_by_a_hash_where_the_name_is_long_or_tells_who_it_is() {
    let user = |name: &str| {
        let conversation = Conversation {
            user: Some(Text::plain(name)),
            ..Conversation::default()
        };
        written(&conversation).0["metadata"]["user_id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(user("user_1"), "user_1");
    let long = "x".repeat(256);
    assert_eq!(user(&long), long);
    let (one, two) = (user(&format!("{long}a")), user(&format!("{long}b")));
    assert!(one.len() == 32 && one != two);
    assert!(!user("me@example.org").contains('@'));
    assert_eq!(user("me@example.org"), user("me@example.org"));
}

#[test]
fn marks_for_the_cache_stay_with_their_blocks() {
    let (body, _) = round(
        r#"{"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}],
        "messages":[{"role":"user","content":[
          {"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}],"cache_control":{"type":"ephemeral","ttl":"1h"}},
          {"type":"text","text":"c","cache_control":null}]}],
        "tools":[{"name":"d","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral","ttl":"5m"}}]}"#,
    );
    let mark = json!({"type":"ephemeral"});
    assert_eq!(body["system"][0]["cache_control"], mark);
    let result = &body["messages"][0]["content"][0];
    assert_eq!(
        result["cache_control"],
        json!({"type":"ephemeral","ttl":"1h"})
    );
    assert_eq!(result["content"][0]["cache_control"], mark);
    assert_eq!(body["messages"][0]["content"][1].get("cache_control"), None);
    assert_eq!(body["tools"][0]["cache_control"], mark);
}
