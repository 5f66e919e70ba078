//! Calls, their ids and names, and their results, wherever they came from.

use fairlead_translate::chat::request::{CallIds, Host};
use fairlead_translate::chat::{request, tool_name};
use fairlead_translate::{
    Arguments, Block, Cache, Content, Conversation, Media, Notes, Role, Source, Text, Tool,
    ToolChoice, Turn,
};
use serde_json::{Value, json};

use crate::shared::{TARGET, again, again_for};

fn turn<'a>(role: Role, at: usize, contents: Vec<Content<'a>>) -> Turn<'a> {
    Turn {
        role,
        blocks: contents.into_iter().map(Block::from).collect(),
        name: None,
        at,
    }
}

fn text(text: &'static str) -> Content<'static> {
    Content::Text(Text::plain(text))
}

fn call(id: &str, name: &'static str, arguments: &'static str) -> Content<'static> {
    Content::Call {
        id: Text::plain(id).into_owned(),
        name: Text::plain(name),
        arguments: Arguments::Text(Text::plain(arguments)),
        signature: None,
    }
}

fn result<'a>(id: &str, content: Vec<Content<'a>>, is_error: bool) -> Content<'a> {
    Content::Result {
        id: Text::plain(id).into_owned(),
        content: content.into_iter().map(Block::from).collect(),
        is_error,
    }
}

fn png() -> Media<'static> {
    Media {
        source: Source::Base64(Text::plain("iVBORw0KGgo=")),
        media_type: Some(Text::plain("image/png")),
        name: None,
        detail: None,
    }
}

fn written_for(conversation: &Conversation<'_>, host: &Host) -> (Value, Vec<String>) {
    let mut notes = Notes::default();
    let body = request::write_for(conversation, &TARGET, host, &mut notes);
    let told = notes.essential().map(|each| each.what.to_string());
    (serde_json::from_slice(&body).unwrap(), told.collect())
}

fn messages(turns: Vec<Turn<'_>>) -> Value {
    let conversation = Conversation {
        turns,
        ..Conversation::default()
    };
    let (body, told) = written_for(&conversation, &Host::default());
    assert!(told.is_empty(), "{told:?}");
    body["messages"].clone()
}

#[test]
fn results_of_parallel_calls_stand_before_anything_else() {
    let turns = vec![
        turn(Role::User, 0, vec![text("Go.")]),
        turn(
            Role::Assistant,
            1,
            vec![call("a", "f", "{}"), call("b", "f", "{}")],
        ),
        turn(
            Role::User,
            2,
            vec![text("By the way"), result("a", vec![text("1")], false)],
        ),
        turn(Role::System, 3, vec![text("Careful.")]),
        turn(Role::User, 4, vec![result("b", vec![text("2")], true)]),
    ];
    let messages = messages(turns);
    let rest = json!(messages.as_array().unwrap()[2..]);
    assert_eq!(
        rest,
        json!([
            {"role": "tool", "tool_call_id": "a", "content": "1"},
            {"role": "tool", "tool_call_id": "b", "content": "Error: 2"},
            {"role": "user", "content": "By the way"},
            {"role": "system", "content": "Careful."},
        ])
    );
}

#[test]
fn results_of_one_turn_are_read_as_one_turn() {
    let body = json!({"messages": [
        {"role": "user", "content": "x"},
        {"role": "assistant", "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
            {"id": "b", "type": "function", "function": {"name": "f", "arguments": ""}},
        ]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "tool", "tool_call_id": "b", "content": null},
        {"role": "user", "content": "y"},
    ]})
    .to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    let blocks: Vec<_> = conversation
        .turns
        .iter()
        .map(|turn| turn.blocks.len())
        .collect();
    assert_eq!(blocks, [1, 2, 2, 1]);
}

#[test]
fn an_image_in_a_result_follows_all_results_and_is_never_text() {
    let turns = vec![
        turn(Role::User, 0, vec![text("Go.")]),
        turn(
            Role::Assistant,
            1,
            vec![call("a", "f", "{}"), call("b", "f", "{}")],
        ),
        turn(
            Role::User,
            2,
            vec![
                result("a", vec![text("Done."), Content::Image(png())], false),
                result("b", vec![Content::Image(png())], false),
                text("Well?"),
            ],
        ),
    ];
    let messages = messages(turns);
    let rest = json!(messages.as_array().unwrap()[2..]);
    let note = "The image or file follows in a message of the user.";
    let image =
        json!({"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}});
    assert_eq!(
        rest,
        json!([
            {"role": "tool", "tool_call_id": "a", "content": [{"type": "text", "text": "Done."}, {"type": "text", "text": note}]},
            {"role": "tool", "tool_call_id": "b", "content": note},
            {"role": "user", "content": [
                {"type": "text", "text": "From the result of a:"}, image,
                {"type": "text", "text": "From the result of b:"}, image,
            ]},
            {"role": "user", "content": "Well?"},
        ])
    );
}

#[test]
fn a_document_in_a_result_is_carried_and_one_of_text_is_text() {
    let file = |source, name| Media {
        source,
        media_type: Some(Text::plain("application/pdf")),
        name,
        detail: None,
    };
    let turns = vec![
        turn(Role::Assistant, 0, vec![call("a", "read", "{}")]),
        turn(
            Role::User,
            1,
            vec![result(
                "a",
                vec![
                    Content::File(file(Source::Base64(Text::plain("JVBERi0=")), None)),
                    Content::File(file(
                        Source::Text(Text::plain("Hello")),
                        Some(Text::plain("a.txt")),
                    )),
                ],
                false,
            )],
        ),
    ];
    let messages = messages(turns);
    assert_eq!(
        messages[2]["content"],
        json!([
            {"type": "text", "text": "From the result of a:"},
            {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
            {"type": "text", "text": "From the result of a:"},
            {"type": "text", "text": "a.txt\n\nHello"},
        ])
    );
}

#[test]
fn a_tool_that_failed_without_a_word_has_failed() {
    let turns = vec![
        turn(Role::Assistant, 0, vec![call("a", "f", "{}")]),
        turn(Role::User, 1, vec![result("a", vec![], true)]),
    ];
    assert_eq!(messages(turns)[1]["content"], "Error");
}

#[test]
fn a_call_without_arguments_is_called_with_an_empty_object() {
    let turns = vec![
        turn(
            Role::Assistant,
            0,
            vec![call("a", "f", ""), call("b", "f", " ")],
        ),
        turn(
            Role::User,
            1,
            vec![result("a", vec![], false), result("b", vec![], false)],
        ),
    ];
    let messages = messages(turns);
    assert_eq!(
        messages[0]["content"],
        Value::Null,
        "only calls are not nothing"
    );
    for call in messages[0]["tool_calls"].as_array().unwrap() {
        assert_eq!(call["function"]["arguments"], "{}");
    }
}

#[test]
fn ids_stay_short_and_are_the_same_in_call_and_result() {
    let long = "x".repeat(1000);
    for (host, longest) in [
        (Host::default(), 64),
        (
            Host {
                call_ids: CallIds::NineCharacters,
                ..Host::default()
            },
            9,
        ),
    ] {
        let conversation = Conversation {
            turns: vec![
                turn(
                    Role::Assistant,
                    0,
                    vec![
                        call(&long, "f", ""),
                        call("toolu_1", "f", ""),
                        call("toolu_2", "f", ""),
                    ],
                ),
                turn(
                    Role::User,
                    1,
                    vec![
                        result(&long, vec![], false),
                        result("toolu_1", vec![], false),
                        result("toolu_2", vec![Content::Image(png())], false),
                    ],
                ),
            ],
            ..Conversation::default()
        };
        let (body, _) = written_for(&conversation, &host);
        let calls = body["messages"][0]["tool_calls"].as_array().unwrap();
        let mut ids: Vec<_> = calls
            .iter()
            .map(|call| call["id"].as_str().unwrap())
            .collect();
        for (place, id) in ids.iter().enumerate() {
            assert_eq!(body["messages"][place + 1]["tool_call_id"], *id);
            assert!(id.len() <= longest, "{id}");
        }
        let carried = body["messages"][4]["content"][0]["text"].as_str().unwrap();
        assert!(carried.contains(ids[2]), "{carried}");
        ids.dedup();
        assert_eq!(ids.len(), 3);
    }
}

#[test]
fn a_name_that_does_not_fit_is_mapped_everywhere_and_found_again() {
    let name = format!("mcp.server:{}", "tool".repeat(20));
    let tool = Tool {
        name: Text::plain(&name),
        description: None,
        parameters: None,
        strict: None,
        cache: None,
    };
    let conversation = Conversation {
        turns: vec![turn(
            Role::Assistant,
            0,
            vec![Content::Call {
                id: Text::plain("a"),
                name: Text::plain(&name),
                arguments: Arguments::Text(Text::default()),
                signature: None,
            }],
        )],
        tools: vec![tool],
        tool_choice: Some(ToolChoice::Tool(Text::plain(&name))),
        ..Conversation::default()
    };
    let (body, _) = written_for(&conversation, &Host::default());
    let mapped = body["tools"][0]["function"]["name"].as_str().unwrap();
    assert!(mapped.len() <= 64, "{mapped}");
    assert_eq!(body["tool_choice"]["function"]["name"], mapped);
    assert_eq!(
        body["messages"][0]["tool_calls"][0]["function"]["name"],
        mapped
    );
    let mut tools = conversation.tools.iter();
    let found = tools.find(|tool| tool_name(&tool.name).as_written() == mapped);
    assert_eq!(found.unwrap().name, Text::plain(&name));
}

#[test]
fn marks_of_what_is_cached_go_where_they_are_known_and_are_told_elsewhere() {
    let mark = json!({"type": "ephemeral"});
    let hour = json!({"type": "ephemeral", "ttl": "1h"});
    let body = json!({"model": "m", "messages": [
        {"role": "system", "content": [{"type": "text", "text": "s", "cache_control": hour}]},
        {"role": "user", "content": [{"type": "text", "text": "u", "cache_control": mark}, {"type": "text", "text": "v"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "w", "cache_control": mark}]},
        {"role": "user", "content": "x"},
    ], "tools": [{"type": "function", "function": {"name": "f"}, "cache_control": mark}]});
    let host = Host {
        cache_control: true,
        ..Host::default()
    };
    let (written, left_out) = again_for(&body, &host);
    assert_eq!((written, left_out.len()), (body.clone(), 0));
    let (written, left_out) = again_for(&body, &Host::default());
    assert_eq!(left_out, [("cache_control".to_owned(), false)]);
    assert!(!written.to_string().contains("cache_control"));
    assert_eq!(written["messages"][0]["content"], "s");
}

#[test]
fn a_mark_on_a_whole_message_is_one_on_its_end() {
    let body = json!({"messages": [{"role": "user", "content": "x", "cache_control": {"type": "ephemeral"}}]});
    let body = body.to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    assert_eq!(conversation.turns[0].blocks[0].cache, Some(Cache::Default));
}

#[test]
fn what_a_message_cannot_hold_is_told_with_its_path() {
    let id = Media {
        source: Source::Id(Text::plain("1")),
        media_type: None,
        name: None,
        detail: None,
    };
    let url = Media {
        source: Source::Url(Text::plain("https://a.example/b.pdf")),
        ..id.clone()
    };
    let flac = Media {
        source: Source::Base64(Text::plain("AA")),
        media_type: Some(Text::plain("audio/flac")),
        ..id.clone()
    };
    let conversation = Conversation {
        system: vec![Content::Image(png()).into()],
        turns: vec![
            turn(Role::Assistant, 0, vec![Content::Image(png())]),
            turn(Role::System, 1, vec![Content::Image(png())]),
            turn(
                Role::User,
                2,
                vec![
                    Content::Image(id.clone()),
                    Content::File(url),
                    Content::Audio(flac),
                    Content::Other("search_result".into()),
                ],
            ),
            turn(
                Role::User,
                3,
                vec![result(
                    "a",
                    vec![Content::Other("tool_reference".into())],
                    false,
                )],
            ),
        ],
        ..Conversation::default()
    };
    let (body, mut told) = written_for(&conversation, &Host::default());
    told.sort();
    assert_eq!(
        told,
        [
            "messages[0].content[0]",
            "messages[1].content[0]",
            "messages[2].content[0]",
            "messages[2].content[1]",
            "messages[2].content[2]",
            "messages[2].content[3] (search_result)",
            "messages[3].content[0].content[0] (tool_reference)",
            "system[0]",
        ]
    );
    assert_eq!(
        body["messages"][0],
        json!({"role": "assistant", "content": ""})
    );
    assert_eq!(
        body["messages"].as_array().unwrap().last().unwrap(),
        &json!({"role": "user", "content": ""})
    );
}

#[test]
fn a_conversation_that_ends_with_the_assistant_is_told() {
    let conversation = Conversation {
        turns: vec![
            turn(Role::User, 0, vec![text("Hi")]),
            turn(Role::Assistant, 1, vec![text("The answer is")]),
        ],
        ..Conversation::default()
    };
    let (_, told) = written_for(&conversation, &Host::default());
    assert_eq!(told, ["messages[1] (the assistant's, as the last)"]);
}

#[test]
fn a_later_system_message_stays_where_it_is() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "content": "a"},
        {"role": "system", "content": "b"},
        {"role": "user", "content": "c"},
    ]});
    assert_eq!(again(&body), body);
}

#[test]
fn users_are_named_whole_or_by_a_name_that_does_not_collide() {
    let user = |name: &str| {
        let conversation = Conversation {
            user: Some(Text::plain(name)),
            ..Conversation::default()
        };
        let (body, _) = written_for(&conversation, &Host::default());
        body["user"].as_str().unwrap().to_owned()
    };
    assert_eq!(user("u-1"), "u-1");
    let (one, two) = (
        format!("{}1", "u".repeat(150)),
        format!("{}2", "u".repeat(150)),
    );
    assert_ne!(user(&one), user(&two));
    assert_eq!(user(&one), user(&one));
    for name in [&*one, "ann@example.org"] {
        assert!(user(name).starts_with("user_") && user(name).len() <= 64);
    }
    let conversation = Conversation {
        cache_key: Some(Text::plain(&one)),
        ..Conversation::default()
    };
    let (body, _) = written_for(&conversation, &Host::default());
    assert_eq!(body["prompt_cache_key"].as_str().unwrap().len(), 64);
}

#[test]
fn earlier_messages_are_written_the_same_whatever_follows() {
    let turns = vec![
        turn(Role::User, 0, vec![text("Go.")]),
        turn(Role::Assistant, 1, vec![call("a", "f", "{}")]),
        turn(
            Role::User,
            2,
            vec![result("a", vec![Content::Image(png())], false)],
        ),
        turn(Role::Assistant, 3, vec![text("Seen.")]),
        turn(Role::User, 4, vec![text("More.")]),
        turn(Role::Assistant, 5, vec![call("b", "f", "{}")]),
        turn(
            Role::User,
            6,
            vec![result("b", vec![text("1")], false), text("And?")],
        ),
    ];
    let all = messages(turns.clone());
    for until in [1, 3, 5] {
        let some = messages(turns[..until].to_vec());
        let some = some.as_array().unwrap();
        assert_eq!(some[..], all.as_array().unwrap()[..some.len()]);
    }
}
