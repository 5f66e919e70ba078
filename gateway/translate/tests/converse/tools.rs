//! Tools, and which of them are called.

use fairlead_translate::{Grammar, Names, Text, messages};
use serde_json::{Value, json};

use crate::common::{CLAUDE, LLAMA, NOVA, round, written_for};

const HISTORY: &str = r#""messages":[{"role":"user","content":"go"},
  {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"find","input":{}}]},
  {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}]"#;
const HI: &str = r#""messages":[{"role":"user","content":"Hi"}]"#;
const TOOLS: &str = r#""tools":[{"name":"find","input_schema":{"type":"object"}}]"#;

fn of(model: &str, members: &str) -> (Value, Vec<String>) {
    let body = format!(r#"{{"max_tokens":9000,{members}}}"#);
    let conversation = messages::request::read(body.as_bytes()).unwrap();
    written_for(model, &conversation)
}

#[test]
fn a_choice_is_said_in_this_formats_words() {
    for (choice, expected) in [
        (r#"{"type":"auto"}"#, json!({"auto": {}})),
        (r#"{"type":"any"}"#, json!({"any": {}})),
        (
            r#"{"type":"tool","name":"find"}"#,
            json!({"tool": {"name": "find"}}),
        ),
    ] {
        let (body, notes) = of(LLAMA, &format!(r#"{HI},{TOOLS},"tool_choice":{choice}"#));
        assert_eq!(body["toolConfig"]["toolChoice"], expected);
        assert_eq!(notes, [""; 0]);
    }
}

#[test]
fn where_no_tool_is_to_be_called_there_is_none() {
    let none = r#""tool_choice":{"type":"none"}"#;
    let (body, notes) = of(CLAUDE, &format!("{HI},{TOOLS},{none}"));
    assert_eq!(body.get("toolConfig"), None);
    assert_eq!(notes, [""; 0]);
    // Calls in the history without any tool would be refused.
    let placeholder = json!({"tools": [{"toolSpec": {
        "name": "no_tool",
        "description": "No tool can be called. Answer in words.",
        "inputSchema": {"json": {"type": "object"}},
    }}]});
    let (body, notes) = of(CLAUDE, &format!("{HISTORY},{TOOLS},{none}"));
    assert_eq!(body["toolConfig"], placeholder);
    assert_eq!(notes, ["tool_choice"]);
    let (body, notes) = of(CLAUDE, HISTORY);
    assert_eq!(body["toolConfig"], placeholder);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn a_call_cannot_be_forced_where_there_is_nothing_to_call() {
    let (body, notes) = of(CLAUDE, &format!(r#"{HI},"tool_choice":{{"type":"any"}}"#));
    assert_eq!(body.get("toolConfig"), None);
    assert_eq!(notes, ["!tool_choice"]);
}

#[test]
fn calls_one_by_one_are_said_in_claudes_own_words() {
    let one = |choice: &str| {
        format!(r#"{HI},{TOOLS},"tool_choice":{{{choice},"disable_parallel_tool_use":true}}"#)
    };
    for (choice, expected) in [
        (
            r#""type":"auto""#,
            json!({"type": "auto", "disable_parallel_tool_use": true}),
        ),
        (
            r#""type":"any""#,
            json!({"type": "any", "disable_parallel_tool_use": true}),
        ),
        (
            r#""type":"tool","name":"find""#,
            json!({"type": "tool", "name": "find", "disable_parallel_tool_use": true}),
        ),
    ] {
        let (body, notes) = of(CLAUDE, &one(choice));
        assert_eq!(
            body["additionalModelRequestFields"]["tool_choice"],
            expected
        );
        assert_eq!(body["toolConfig"].get("toolChoice"), None);
        assert_eq!(notes, [""; 0]);
    }
    let (body, notes) = of(NOVA, &one(r#""type":"any""#));
    assert_eq!(body["toolConfig"]["toolChoice"], json!({"any": {}}));
    assert_eq!(notes, ["parallel_tool_calls"]);
}

#[test]
fn a_name_that_cannot_be_said_is_made_to_fit_alike_and_found_again() {
    let (body, notes) = round(
        r#"{"max_tokens":9,"messages":[{"role":"user","content":"go"},
      {"role":"assistant","content":[{"type":"tool_use","id":"a","name":"ns.find","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}],
      "tools":[{"name":"ns.find","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"ns.find"}}"#,
    );
    let name = body["toolConfig"]["tools"][0]["toolSpec"]["name"].clone();
    assert_eq!(body["messages"][1]["content"][0]["toolUse"]["name"], name);
    assert_eq!(body["toolConfig"]["toolChoice"]["tool"]["name"], name);
    assert_eq!(notes, [""; 0]);
    // It is the one by which the caller's own is found again.
    let told = Grammar::OPENAI.name(&Text::plain("ns.find")).into_owned();
    assert_eq!(name, told.as_written());
}

#[test]
fn arguments_are_an_object_and_no_other() {
    let (body, notes) = round(
        r#"{"max_tokens":9,"messages":[{"role":"user","content":"Hi"}],"tools":[
      {"name":"a","input_schema":{"properties":{}}},
      {"name":"b","input_schema":{"type":"object","anyOf":[{}]}}]}"#,
    );
    let schema =
        |at: usize| body["toolConfig"]["tools"][at]["toolSpec"]["inputSchema"]["json"].clone();
    assert_eq!(schema(0), json!({"type": "object", "properties": {}}));
    assert_eq!(schema(1), json!({"type": "object"}));
    assert_eq!(notes, ["!tools[1].parameters"]);
}

#[test]
fn only_who_knows_of_failed_tools_is_told_of_them() {
    let failed = HISTORY.replace(r#""content":"x""#, r#""content":"x","is_error":true"#);
    for (model, knows) in [(CLAUDE, true), (NOVA, true), (LLAMA, false)] {
        let (body, notes) = of(model, &format!("{failed},{TOOLS}"));
        let result = &body["messages"][2]["content"][0]["toolResult"];
        assert_eq!(result.get("status").is_some(), knows, "{model}");
        assert_eq!(notes.is_empty(), knows, "{notes:?}");
    }
}

#[test]
fn marks_on_tools_are_for_claude() {
    let tools = TOOLS.replace("}]", r#","cache_control":{"type":"ephemeral"}}]"#);
    for (model, marks) in [(CLAUDE, true), (NOVA, false), (LLAMA, false)] {
        let (body, notes) = of(model, &format!("{HI},{tools}"));
        let tools = body["toolConfig"]["tools"].as_array().unwrap();
        assert_eq!(tools.len(), if marks { 2 } else { 1 }, "{model}");
        assert_eq!(notes.is_empty(), marks, "{notes:?}");
    }
}

#[test]
fn tools_that_would_be_loaded_later_are_all_there_and_the_search_for_them_is_not() {
    let tools = r#""tools":[{"type":"tool_search_tool_regex_20251119","name":"tool_search_tool_regex"},
      {"name":"find","input_schema":{"type":"object"},"defer_loading":true}]"#;
    let (body, notes) = of(CLAUDE, &format!("{HI},{tools}"));
    assert_eq!(
        body["toolConfig"]["tools"],
        json!([{"toolSpec": {"name": "find", "inputSchema": {"json": {"type": "object"}}}}])
    );
    // Nothing is out of reach, so nobody is refused.
    assert_eq!(
        notes,
        [
            "tools[0] (tool_search_tool_regex_20251119)",
            "tools[].defer_loading"
        ]
    );
    // Of what runs at Anthropic's alone it is.
    let search = r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#;
    let (body, notes) = of(CLAUDE, &format!("{HI},{search}"));
    assert_eq!(body.get("toolConfig"), None);
    assert_eq!(notes, ["!tools[0] (web_search_20250305)"]);
}

#[test]
fn a_mark_on_a_tool_is_a_point_after_it_and_never_a_member_of_anthropics() {
    let tools = r#""tools":[{"name":"a","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral","ttl":"1h"}},
      {"name":"b","input_schema":{"type":"object"}}]"#;
    let (body, notes) = of(CLAUDE, &format!("{HI},{tools}"));
    let spec = |name: &str| json!({"toolSpec": {"name": name, "inputSchema": {"json": {"type": "object"}}}});
    assert_eq!(
        body["toolConfig"]["tools"],
        json!([spec("a"), {"cachePoint": {"type": "default", "ttl": "1h"}}, spec("b")])
    );
    assert!(!body.to_string().contains("cache_control"), "{body}");
    assert_eq!(notes, [""; 0]);
}

#[test]
fn calls_and_results_of_a_history_without_tools_stay_what_they_are() {
    let (body, notes) = of(CLAUDE, HISTORY);
    let blocks = |at: usize| body["messages"][at]["content"].clone();
    assert_eq!(
        blocks(1),
        json!([{"toolUse": {"toolUseId": "a", "name": "find", "input": {}}}])
    );
    assert_eq!(
        blocks(2),
        json!([{"toolResult": {"toolUseId": "a", "content": [{"text": "x"}]}}])
    );
    assert!(
        body["toolConfig"]["tools"][0]["toolSpec"].is_object(),
        "{body}"
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn a_long_name_in_a_history_is_the_same_in_tool_call_and_reference() {
    let long = "mcp__a_server__".to_owned() + &"x".repeat(60);
    let body = format!(
        r#"{{"max_tokens":9,"messages":[{{"role":"user","content":"go"}},
      {{"role":"assistant","content":[{{"type":"tool_use","id":"a","name":"search","input":{{}}}}]}},
      {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"a","content":[{{"type":"tool_reference","tool_name":"{long}"}}]}}]}},
      {{"role":"assistant","content":[{{"type":"tool_use","id":"b","name":"{long}","input":{{}}}}]}},
      {{"role":"user","content":[{{"type":"tool_result","tool_use_id":"b","content":"x"}}]}}],
      "tools":[{{"name":"search","input_schema":{{"type":"object"}}}},{{"name":"{long}","input_schema":{{"type":"object"}}}}]}}"#
    );
    let mut conversation = messages::request::read(body.as_bytes()).unwrap();
    Names::of(&conversation, &Grammar::OPENAI).tell(&mut conversation);
    let (body, _) = written_for(CLAUDE, &conversation);
    let name = body["toolConfig"]["tools"][1]["toolSpec"]["name"]
        .as_str()
        .unwrap();
    assert!(name.len() <= 64, "{name}");
    assert_eq!(body["messages"][3]["content"][0]["toolUse"]["name"], name);
    let found = &body["messages"][2]["content"][0]["toolResult"]["content"];
    assert_eq!(*found, json!([{"text": format!("Tool loaded: {name}")}]));
    assert!(!body.to_string().contains(&long), "{body}");
}
