//! Conversations that went on elsewhere: turns, results, thinking, system texts.

use fairlead_translate::{
    Arguments, Block, Content, Conversation, Origin, Role, Signature, Text, Turn, messages,
};
use serde_json::{Value, json};

use crate::{round, written};

fn turn(at: usize, role: Role, blocks: Vec<Content<'static>>) -> Turn<'static> {
    Turn {
        role,
        blocks: blocks.into_iter().map(Block::from).collect(),
        name: None,
        at,
    }
}

fn text(text: &'static str) -> Content<'static> {
    Content::Text(Text::plain(text))
}

fn call(id: &'static str, arguments: &'static str) -> Content<'static> {
    Content::Call {
        id: Text::plain(id),
        name: Text::plain("find"),
        arguments: Arguments::Text(Text::plain(arguments)),
        signature: None,
    }
}

fn result(id: &'static str, said: &'static str) -> Content<'static> {
    Content::Result {
        id: Text::plain(id),
        content: vec![Block::from(text(said))],
        is_error: false,
    }
}

fn messages_of(turns: Vec<Turn<'static>>) -> (Value, Vec<String>) {
    let conversation = Conversation {
        turns,
        ..Conversation::default()
    };
    let (body, notes) = written(&conversation);
    (body["messages"].clone(), notes)
}

#[test]
fn results_of_parallel_calls_are_one_message_and_stand_before_its_text() {
    let (messages, notes) = messages_of(vec![
        turn(0, Role::User, vec![text("Hi")]),
        turn(
            1,
            Role::Assistant,
            vec![call("a", "{\"q\":1}"), call("b", "")],
        ),
        turn(2, Role::User, vec![result("a", "1")]),
        turn(3, Role::System, vec![text("Be quick.")]),
        turn(4, Role::User, vec![text("Well?")]),
        turn(5, Role::User, vec![result("b", "")]),
    ]);
    assert_eq!(
        messages,
        json!([
            {"role":"user","content":[{"type":"text","text":"Hi"}]},
            {"role":"assistant","content":[
                {"type":"tool_use","id":"a","name":"find","input":{"q":1}},
                {"type":"tool_use","id":"b","name":"find","input":{}}]},
            {"role":"user","content":[
                {"type":"tool_result","tool_use_id":"a","content":"1"},
                {"type":"tool_result","tool_use_id":"b"},
                {"type":"text","text":"System: Be quick."},
                {"type":"text","text":"Well?"}]}
        ])
    );
    assert_eq!(notes, ["messages[3].role"]);
}

#[test]
fn a_system_turn_stays_where_it_stands_and_only_leading_ones_go_to_the_top() {
    let conversation = Conversation {
        system: vec![Block::from(text("One.")), Block::from(text(""))],
        turns: vec![
            turn(0, Role::System, vec![text("Two.")]),
            turn(1, Role::User, vec![text("Hi")]),
            turn(2, Role::System, vec![text("Three.")]),
        ],
        ..Conversation::default()
    };
    let (body, _) = written(&conversation);
    assert_eq!(
        body["system"],
        json!([{"type":"text","text":"One."},{"type":"text","text":"Two."}])
    );
    assert_eq!(body["messages"].as_array().unwrap().len(), 1);
    assert_eq!(body["messages"][0]["content"][1]["text"], "System: Three.");
}

#[test]
fn a_system_role_within_the_messages_is_taken() {
    let conversation = messages::request::read(
        br#"{"messages":[{"role":"user","content":"Hi"},{"role":"system","content":"Be quick."}]}"#,
    )
    .unwrap();
    assert_eq!(conversation.turns[1].role, Role::System);
}

#[test]
fn empty_and_blank_texts_are_left_out_as_the_provider_demands() {
    let (messages, notes) = messages_of(vec![
        turn(0, Role::User, vec![text("Hi"), text("\n"), text("")]),
        turn(1, Role::Assistant, vec![text(" ")]),
        turn(2, Role::User, vec![text("")]),
        turn(3, Role::Assistant, vec![text("\n"), call("a", "{}")]),
        turn(4, Role::User, vec![result("a", "")]),
    ]);
    assert_eq!(
        messages,
        json!([
            {"role":"user","content":[{"type":"text","text":"Hi"},{"type":"text","text":"\n"}]},
            {"role":"assistant","content":[]},
            {"role":"assistant","content":[{"type":"text","text":"\n"},{"type":"tool_use","id":"a","name":"find","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}
        ])
    );
    assert_eq!(notes, [""; 0]);
    assert_eq!(written(&Conversation::default()).0.get("system"), None);
}

#[test]
fn ids_of_other_makers_fit_and_are_the_same_in_call_and_result() {
    let (messages, _) = messages_of(vec![
        turn(
            0,
            Role::Assistant,
            vec![
                call("functions.find:0", "{}"),
                call("functions.find.0", "{}"),
            ],
        ),
        turn(
            1,
            Role::User,
            vec![
                result("functions.find:0", "1"),
                result("functions.find.0", "2"),
            ],
        ),
    ]);
    let (one, two) = (
        &messages[0]["content"][0]["id"],
        &messages[0]["content"][1]["id"],
    );
    assert_ne!(one, two);
    assert_eq!(*one, messages[1]["content"][0]["tool_use_id"]);
    assert_eq!(*two, messages[1]["content"][1]["tool_use_id"]);
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
    assert!(one.as_str().unwrap().bytes().all(safe));
}

#[test]
fn a_last_turn_of_the_models_is_refused() {
    let (messages, notes) = messages_of(vec![
        turn(0, Role::User, vec![text("Hi")]),
        turn(1, Role::Assistant, vec![text("Sure, ")]),
    ]);
    assert_eq!(messages.as_array().unwrap().len(), 1);
    assert_eq!(notes, ["!messages[1]"]);
}

#[test]
fn only_its_own_signed_thinking_goes_back() {
    let thought = |signature: Option<Origin>| Content::Reasoning {
        text: Text::plain("Hm."),
        signature: signature.map(|origin| Signature {
            origin,
            value: Text::plain("sig"),
        }),
    };
    let redacted = |origin| {
        Content::Redacted(Signature {
            origin,
            value: Text::plain("data"),
        })
    };
    let (messages, notes) = messages_of(vec![
        turn(
            0,
            Role::Assistant,
            vec![
                thought(None),
                thought(Some(Origin::OpenAi)),
                redacted(Origin::Gemini),
                thought(Some(Origin::Anthropic)),
                redacted(Origin::Anthropic),
                call("a", "{}"),
            ],
        ),
        turn(1, Role::User, vec![result("a", "1")]),
    ]);
    assert_eq!(
        messages[0]["content"],
        json!([
            {"type":"thinking","thinking":"Hm.","signature":"sig"},
            {"type":"redacted_thinking","data":"data"},
            {"type":"tool_use","id":"a","name":"find","input":{}}
        ])
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn thinking_without_words_goes_back_with_its_signature() {
    let (body, _) = round(
        r#"{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"s"},{"type":"tool_use","id":"a","name":"b","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}]}"#,
    );
    assert_eq!(
        body["messages"][0]["content"][0],
        json!({"type":"thinking","thinking":"","signature":"s"})
    );
}

#[test]
fn what_comes_later_changes_nothing_before() {
    let turns = || {
        vec![
            turn(0, Role::User, vec![text("Hi")]),
            turn(1, Role::Assistant, vec![call("a.b", "{\"q\": [1,2]}")]),
            turn(2, Role::User, vec![result("a.b", "1")]),
            turn(3, Role::Assistant, vec![text("So")]),
            turn(4, Role::User, vec![text("And?")]),
            turn(5, Role::System, vec![text("Now.")]),
        ]
    };
    let (all, _) = messages_of(turns());
    let (part, _) = messages_of(turns().into_iter().take(3).collect());
    let known = part.as_array().unwrap();
    assert_eq!(known[..], all.as_array().unwrap()[..known.len()]);
}

#[test]
fn arguments_that_are_no_object_are_wrapped_and_never_lost() {
    let (messages, _) = messages_of(vec![
        turn(0, Role::Assistant, vec![call("a", "{\"q\":")]),
        turn(1, Role::User, vec![result("a", "1")]),
    ]);
    assert_eq!(
        messages[0]["content"][0]["input"],
        json!({"_raw":"{\"q\":"})
    );
}

#[test]
fn references_to_tools_are_said_and_blocks_of_servers_told_by_their_type() {
    let (body, notes) = round(
        r#"{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"tool_reference","tool_name":"x"},{"type":"tool_result","tool_use_id":"b"}]}]},
        {"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]},{"type":"text","text":"So"}]},
        {"role":"user","content":"Go on."}]}"#,
    );
    assert_eq!(
        notes,
        [
            "!messages[0].content[0].content[1] (tool_result)",
            "!messages[1].content[0] (server_tool_use)",
            "!messages[1].content[1] (web_search_tool_result)"
        ]
    );
    assert_eq!(
        body["messages"][0]["content"][0]["content"],
        "Tool loaded: x"
    );
}
