//! What went wrong elsewhere, or could.

use fairlead_translate::responses::{Echo, request};
use fairlead_translate::{
    Content, Conversation, Notes, Piece, Stop, Target, Text, Usage, chat, converse, gemini,
    messages,
};
use serde_json::{Value, json};

use super::common::{read, streamed, through, written};

/// What Codex CLI sends, shortened.
pub(crate) const CODEX: &str = r#"{"model":"gpt","instructions":"You are a coding agent.","input":[
    {"type":"message","role":"developer","content":[{"type":"input_text","text":"<permissions/>"}]},
    {"type":"message","role":"user","content":[{"type":"input_text","text":"Fix it."}]},
    {"type":"additional_tools","role":"developer","tools":[{"type":"function","name":"extra","parameters":{"type":"object","properties":{}}}]},
    {"type":"reasoning","summary":[{"type":"summary_text","text":"Hm."}],"content":null,"encrypted_content":"gAAA"},
    {"type":"function_call","name":"shell","arguments":"{\"command\":[\"ls\"]}","call_id":"call_a"},
    {"type":"custom_tool_call","status":"completed","call_id":"call_b","name":"apply_patch","input":"*** Begin Patch"},
    {"type":"message","role":"user","content":[{"type":"input_text","text":"<warning/>"}]},
    {"type":"function_call_output","call_id":"call_a","output":"a.rs"},
    {"type":"custom_tool_call_output","call_id":"call_b","output":"ok"}],
    "tools":[{"type":"function","name":"shell","description":"Runs.","strict":false,"parameters":{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"}}},"required":["command"]}},
    {"type":"custom","name":"apply_patch","description":"Patches.","format":{"type":"grammar","syntax":"lark","definition":"start: x"}},
    {"type":"namespace","name":"mcp__docs","description":"Docs.","tools":[{"type":"function","name":"search","parameters":{"type":"object","properties":{}},"strict":false}]}],
    "tool_choice":"auto","parallel_tool_calls":true,"reasoning":{"effort":"medium","summary":"auto"},"store":false,"stream":true,
    "include":["reasoning.encrypted_content"],"prompt_cache_key":"0198","client_metadata":{"a":"b"},"text":{"verbosity":"medium"}}"#;

#[test]
fn codex_is_understood() {
    let conversation = read(CODEX);
    assert_eq!(conversation.system.len(), 2);
    assert_eq!(conversation.turns.len(), 4);
    let names: Vec<_> = conversation
        .tools
        .iter()
        .map(|tool| tool.name.unescaped())
        .collect();
    assert_eq!(
        names,
        ["shell", "apply_patch", "mcp__docs__search", "extra"]
    );
    assert!(
        conversation
            .others
            .iter()
            .all(|other| !other.changes_meaning)
    );
    let written = through(CODEX);
    assert_eq!(
        written["reasoning"],
        json!({"effort": "medium", "summary": "auto"})
    );
    assert_eq!(written["input"][2]["type"], "reasoning");
    assert_eq!(written["input"][2]["encrypted_content"], "gAAA");
}

#[test]
fn codex_asks_nothing_that_others_would_have_to_refuse() {
    let body = CODEX
        .replace(
            r#""parallel_tool_calls":true"#,
            r#""parallel_tool_calls":false"#,
        )
        .replace(r#"{"verbosity":"medium"}"#, r#"{"verbosity":"low"}"#);
    let conversation = read(&body);
    assert_eq!(conversation.parallel_tools, Some(false));
    type Write = fn(&Conversation<'_>, &Target<'_>, &mut Notes) -> Vec<u8>;
    let writers: [(Write, &str); 5] = [
        (chat::request::write, "m"),
        (messages::request::write, "m"),
        (gemini::request::write, "gemini-3-pro"),
        (converse::request::write, "anthropic.claude-sonnet-5"),
        (converse::request::write, "amazon.nova-pro-v1:0"),
    ];
    for (write, model) in writers {
        let target = Target {
            model,
            default_max_output: 4096,
        };
        let mut notes = Notes::default();
        write(&conversation, &target, &mut notes);
        assert_eq!(notes.essential().next(), None, "{model}");
    }
}

#[test]
fn a_reasoning_item_needs_no_id_and_gets_none() {
    let body = r#"{"input":[{"type":"reasoning","id":"","summary":[],"encrypted_content":"e"}]}"#;
    assert_eq!(
        through(body)["input"],
        json!([{"type": "reasoning", "summary": [], "encrypted_content": "e"}])
    );
}

#[test]
fn ids_of_calls_that_are_too_long_are_made_short_in_call_and_result_alike() {
    let long = format!("call_{}", "x".repeat(1000));
    let body = json!({"input": [
        {"type": "function_call", "call_id": long, "name": "f", "arguments": "{}"},
        {"type": "function_call", "call_id": format!("{long}y"), "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": long, "output": ""}]});
    let input = through(&body.to_string())["input"].clone();
    let id = |at: usize| input[at]["call_id"].as_str().unwrap();
    assert!(id(0).len() <= 64 && id(0) == id(2) && id(0) != id(1));
}

#[test]
fn a_users_id_that_is_too_long_is_hashed_and_not_cut() {
    let user = |user: &str| {
        let body = json!({"input": "x", "user": user}).to_string();
        through(&body)["safety_identifier"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (one, two) = ("u".repeat(150), format!("{}v", "u".repeat(150)));
    assert!(user(&one).len() <= 64 && user(&one) != user(&two) && user(&one) == user(&one));
    assert_eq!(user("short"), "short");
}

#[test]
fn keys_of_caches_that_begin_alike_stay_apart() {
    let key = |last: &str| {
        let body = json!({"input": "x", "prompt_cache_key": format!("{}{last}", "k".repeat(64))});
        through(&body.to_string())["prompt_cache_key"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert!(key("a").len() <= 64 && key("a") != key("b"));
}

#[test]
fn images_and_files_in_results_stay_what_they_are() {
    let parts = json!([{"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}]);
    let body = json!({"input": [{"type": "function_call", "call_id": "1", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": parts}]});
    assert_eq!(through(&body.to_string())["input"][1]["output"], parts);
}

#[test]
fn a_failed_tool_without_a_word_says_so() {
    let mut conversation = read(
        r#"{"input":[{"type":"function_call_output","call_id":"1","output":""},{"type":"function_call_output","call_id":"2","output":"no such file"}]}"#,
    );
    for block in &mut conversation.turns[0].blocks {
        if let Content::Result { is_error, .. } = &mut block.content {
            *is_error = true;
        }
    }
    let input = super::common::write(&conversation).0["input"].clone();
    assert_eq!(input[0]["output"], "The tool failed.");
    assert_eq!(input[1]["output"], "no such file");
}

#[test]
fn results_of_calls_in_parallel_are_one_turn() {
    let conversation = read(CODEX);
    let results = &conversation.turns[2].blocks;
    assert_eq!(results.len(), 2);
    assert!(
        results
            .iter()
            .all(|block| matches!(block.content, Content::Result { .. }))
    );
}

#[test]
fn a_message_with_calls_alone_is_not_empty() {
    let body = r#"{"input":[{"type":"function_call","call_id":"1","name":"f","arguments":"{}"}]}"#;
    assert_eq!(through(body)["input"].as_array().unwrap().len(), 1);
}

#[test]
fn unknown_tools_are_named() {
    let conversation = read(r#"{"input":"x","tools":[{"type":"teleport"}]}"#);
    let (_, essential, _) = super::common::write(&conversation);
    assert_eq!(essential, ["tools[0] (teleport)"]);
}

#[test]
fn keys_and_numbers_of_schemas_and_arguments_are_kept_as_written() {
    let body = r#"{"input":"x","tools":[{"type":"function","name":"f","parameters":{"type":"object","z":1.0,"a":9007199254740993}}]}"#;
    let conversation = read(body);
    let mut notes = fairlead_translate::Notes::default();
    let target = fairlead_translate::Target {
        model: "m",
        default_max_output: 1,
    };
    let written = request::write(&conversation, &target, &mut notes);
    let written = String::from_utf8(written).unwrap();
    assert!(written.contains(r#"{"type":"object","z":1.0,"a":9007199254740993}"#));
}

fn last(pieces: &[Piece<'_>]) -> Value {
    written(pieces, &Echo::default()).last().unwrap()["response"].clone()
}

fn call(call: u64, id: &'static str) -> Piece<'static> {
    Piece::Call {
        choice: 0,
        call,
        id: Some(Text::plain(id)),
        name: Text::plain("f"),
        signature: None,
    }
}

fn arguments(call: u64, fragment: &'static str) -> Piece<'static> {
    Piece::Arguments {
        choice: 0,
        call,
        fragment: Text::plain(fragment),
    }
}

fn said(text: &'static str) -> Piece<'static> {
    Piece::Text {
        choice: 0,
        text: Text::plain(text),
    }
}

fn finish(stop: Stop<'static>) -> Piece<'static> {
    Piece::Finish { choice: 0, stop }
}

#[test]
fn a_call_without_arguments_has_an_empty_object() {
    let events = written(
        &[call(0, "a"), arguments(0, ""), finish(Stop::End)],
        &Echo::default(),
    );
    let deltas: Vec<_> = events
        .iter()
        .filter_map(|event| event["delta"].as_str())
        .collect();
    assert_eq!(deltas, ["{}"]);
    assert_eq!(
        events.last().unwrap()["response"]["output"][0]["arguments"],
        "{}"
    );
}

#[test]
fn text_and_a_call_from_one_chunk_are_both_sent_and_text_between_calls_is_an_item() {
    let output = last(&[
        said("a"),
        call(0, "1"),
        arguments(0, "{\"x\":1}"),
        said("b"),
        call(1, "2"),
        arguments(1, "{}"),
        finish(Stop::Calls),
    ])["output"]
        .clone();
    let kinds: Vec<_> = output
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        ["message", "function_call", "message", "function_call"]
    );
}

#[test]
fn an_empty_text_beside_a_call_is_no_item() {
    let output = last(&[said(""), call(0, "1"), said(""), finish(Stop::End)])["output"].clone();
    assert_eq!(output.as_array().unwrap().len(), 1);
}

#[test]
fn a_number_used_again_is_a_new_call() {
    let output = last(&[
        call(0, "a"),
        arguments(0, "{\"x\":1}"),
        call(0, "b"),
        arguments(0, "{\"x\":2}"),
        finish(Stop::Calls),
    ])["output"]
        .clone();
    assert_eq!(
        (&output[0]["call_id"], &output[0]["arguments"]),
        (&json!("a"), &json!("{\"x\":1}"))
    );
    assert_eq!(
        (&output[1]["call_id"], &output[1]["arguments"]),
        (&json!("b"), &json!("{\"x\":2}"))
    );
}

#[test]
fn calls_without_ids_get_distinct_ones() {
    let unnamed = |call| Piece::Call {
        choice: 0,
        call,
        id: None,
        name: Text::plain("f"),
        signature: None,
    };
    let output = last(&[unnamed(0), unnamed(1), finish(Stop::Calls)])["output"].clone();
    assert_eq!(output[0]["call_id"], "call_abc_0");
    assert_eq!(output[1]["call_id"], "call_abc_1");
}

#[test]
fn thoughts_are_one_item_and_text_beside_them_is_kept() {
    let thought = |text| Piece::Reasoning {
        choice: 0,
        text: Text::plain(text),
    };
    let output =
        last(&[thought("a"), thought("b"), said("c"), finish(Stop::End)])["output"].clone();
    assert_eq!(
        output[0]["summary"],
        json!([{"type": "summary_text", "text": "ab"}])
    );
    assert_eq!(
        output[0]["encrypted_content"],
        Value::Null,
        "no signature is made up"
    );
    assert_eq!(output[1]["content"][0]["text"], "c");
}

#[test]
fn usage_is_replaced_and_waited_for() {
    let usage = |input, output| {
        Piece::Usage(Usage {
            input: Some(input),
            output,
            ..Usage::default()
        })
    };
    let response = last(&[
        usage(5, None),
        said("a"),
        finish(Stop::End),
        usage(6, Some(3)),
    ]);
    assert_eq!(response["usage"]["input_tokens"], 6);
    assert_eq!(response["usage"]["total_tokens"], 9);
    assert_eq!(last(&[said("a"), finish(Stop::End)])["usage"], Value::Null);
}

#[test]
fn half_of_a_surrogate_pair_does_not_end_the_stream() {
    let half = |written: &'static str| Piece::Text {
        choice: 0,
        text: Text::escaped(written),
    };
    let mut writer = fairlead_translate::responses::stream::Writer::new(&super::common::HEAD);
    let mut out = Vec::new();
    for piece in [half("\\ud83d"), half("\\ude00"), finish(Stop::End)] {
        writer.write(&piece, &mut out);
    }
    writer.end(&mut out);
    let out = String::from_utf8(out).unwrap();
    let done = out
        .lines()
        .find(|line| line.contains("output_text.done\","))
        .unwrap();
    let done: Value = serde_json::from_str(done.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(done["text"], "😀");
}

#[test]
fn deltas_before_their_item_are_not_lost() {
    let events = [
        r#"{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"fc","delta":"{\"a\":"}"#,
        r#"{"type":"response.function_call_arguments.delta","output_index":0,"item_id":"fc","delta":"1}"}"#,
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":""}}"#,
        r#"{"type":"response.function_call_arguments.done","output_index":0,"item_id":"fc","arguments":"{\"a\":1}"}"#,
        r#"{"type":"response.completed","response":{}}"#,
    ];
    let said = streamed(&events.map(str::to_owned));
    assert_eq!(said.calls, [("c".into(), "f".into(), "{\"a\":1}".into())]);
}

#[test]
fn arguments_that_come_with_the_item_alone_are_not_lost() {
    let events = [
        r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":"{\"a\":1}"}}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc","call_id":"c","name":"f","arguments":""}}"#,
        r#"{"type":"response.completed","response":{}}"#,
    ];
    let said = streamed(&events.map(str::to_owned));
    assert_eq!(said.calls, [("c".into(), "f".into(), "{\"a\":1}".into())]);
}

#[test]
fn ids_that_change_between_events_say_nothing_twice() {
    let events = [
        r#"{"type":"response.output_text.delta","item_id":"a","delta":"Hi"}"#,
        r#"{"type":"response.output_text.done","item_id":"a","text":"Hi"}"#,
        r#"{"type":"response.output_item.done","output_index":0,"item":{"type":"message","id":"b","content":[{"type":"output_text","text":"Hi"}]}}"#,
        r#"{"type":"response.completed","response":{"output":[{"type":"message","id":"c","content":[{"type":"output_text","text":"Hi"}]}]}}"#,
    ];
    assert_eq!(streamed(&events.map(str::to_owned)).text, "Hi");
}

#[test]
fn the_last_event_may_have_an_empty_output() {
    let events = [
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}"#,
        r#"{"type":"response.completed","response":{"status":"completed","output":[]}}"#,
    ];
    let said = streamed(&events.map(str::to_owned));
    assert_eq!((&*said.text, said.stops.len()), ("Hi", 1));
}

#[test]
fn done_without_a_last_event_is_no_end_of_an_answer() {
    let events = [
        r#"{"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"Hi"}"#,
        "[DONE]",
        "[DONE]",
    ];
    let said = streamed(&events.map(str::to_owned));
    assert!(said.stops.is_empty());
    assert_eq!(said.ends, 1);
}
