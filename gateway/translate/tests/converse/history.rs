//! What was said before: sides take turns, results follow their calls, thoughts go back to who had them.

use fairlead_translate::{
    Arguments, Block, Cache, Content, Conversation, Origin, Role, Signature, Text, chat,
};
use serde_json::{Value, json};

use crate::common::{CLAUDE, LLAMA, NOVA, of, round, text, turn, written, written_for};

fn call<'a>(id: &'a str, name: &'a str) -> Content<'a> {
    Content::Call {
        id: Text::plain(id),
        name: Text::plain(name),
        arguments: Arguments::Text(Text::default()),
        signature: None,
    }
}

fn result<'a>(id: &'a str, said: &'a str) -> Content<'a> {
    Content::Result {
        id: Text::plain(id),
        content: vec![Block::from(text(said))],
        is_error: false,
    }
}

fn thought(origin: Option<Origin>) -> Content<'static> {
    Content::Reasoning {
        text: Text::plain("Hm."),
        signature: origin.map(|origin| Signature {
            origin,
            value: Text::plain("sig"),
        }),
    }
}

/// The messages in few words.
fn sketch(body: &Value) -> Vec<String> {
    let messages = body["messages"].as_array().unwrap().iter();
    let sketches = messages.map(|message| {
        let blocks = message["content"].as_array().unwrap().iter().map(|block| {
            let (name, value) = block.as_object().unwrap().iter().next().unwrap();
            let said = value.as_str().or_else(|| value["toolUseId"].as_str());
            said.unwrap_or(name).to_owned()
        });
        let blocks: Vec<_> = blocks.collect();
        format!(
            "{}: {}",
            message["role"].as_str().unwrap(),
            blocks.join(", ")
        )
    });
    sketches.collect()
}

#[test]
fn turns_of_one_side_are_one_message_and_empty_ones_are_none() {
    let (body, notes) = written(&of(vec![
        turn(Role::User, 0, vec![text("one")]),
        turn(Role::User, 1, vec![text(" \n")]),
        turn(Role::Assistant, 2, vec![text("")]),
        turn(Role::User, 3, vec![text("two"), text("")]),
        turn(Role::Assistant, 4, vec![call("a", "find")]),
        turn(Role::Assistant, 5, vec![text("three")]),
        turn(Role::User, 6, vec![text("four")]),
        turn(Role::User, 7, vec![result("a", "x")]),
    ]));
    assert_eq!(
        sketch(&body),
        ["user: one, two", "assistant: a, three", "user: a, four"]
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn three_turns_of_tools_go_back_as_they_were() {
    let (body, notes) = round(
        r#"{"max_tokens":10,"tools":[{"name":"find","input_schema":{"type":"object"}}],"messages":[
      {"role":"user","content":"Find it."},
      {"role":"assistant","content":[{"type":"thinking","thinking":"One.","signature":"s1"},{"type":"tool_use","id":"t1","name":"find","input":{"n":1}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"no"}]},
      {"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"s2"},{"type":"tool_use","id":"t2","name":"find","input":{"n":2}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t2"}]},
      {"role":"assistant","content":[{"type":"tool_use","id":"t3","name":"find","input":{"n":3}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"t3","content":"yes"}]}]}"#,
    );
    assert_eq!(
        sketch(&body),
        [
            "user: Find it.",
            "assistant: reasoningContent, t1",
            "user: t1",
            "assistant: reasoningContent, t2",
            "user: t2",
            "assistant: t3",
            "user: t3"
        ]
    );
    assert_eq!(
        body["messages"][3]["content"][0],
        json!({"reasoningContent": {"reasoningText": {"text": "", "signature": "s2"}}})
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn results_stand_after_the_turn_that_called() {
    let (body, notes) = written(&of(vec![
        turn(Role::User, 0, vec![text("go")]),
        turn(Role::Assistant, 1, vec![call("a", "f"), call("b", "f")]),
        turn(Role::User, 2, vec![result("a", "1")]),
        turn(Role::Assistant, 3, vec![text("wait")]),
        turn(Role::User, 4, vec![text("well?"), result("b", "2")]),
        // The same id again, as some models have it.
        turn(Role::Assistant, 5, vec![call("a", "f")]),
        turn(Role::User, 6, vec![result("a", "3")]),
    ]));
    assert_eq!(
        sketch(&body),
        [
            "user: go",
            "assistant: a, b",
            "user: a, b",
            "assistant: wait",
            "user: well?",
            "assistant: a",
            "user: a"
        ]
    );
    assert_eq!(
        body["messages"][6]["content"][0]["toolResult"]["content"],
        json!([{"text": "3"}])
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn what_nobody_has_asked_for_is_told() {
    let (body, notes) = written(&of(vec![
        turn(Role::Assistant, 0, vec![call("a", "f")]),
        turn(Role::User, 1, vec![result("a", "1"), text("Hi")]),
        turn(Role::Assistant, 2, vec![text("The answer is")]),
    ]));
    assert_eq!(sketch(&body), ["user: Hi"]);
    assert_eq!(
        notes,
        ["!messages[2]", "!messages[0]", "!messages[1].content[0]"]
    );
}

#[test]
fn instructions_in_the_middle_stay_there() {
    let (body, notes) = written(&Conversation {
        system: vec![Block::from(text("Be brief.")), Block::from(text(" "))],
        turns: vec![
            turn(Role::System, 0, vec![text("Speak French.")]),
            turn(Role::User, 1, vec![text("Hi")]),
            turn(Role::Assistant, 2, vec![text("Salut")]),
            turn(Role::System, 3, vec![text("Speak Dutch.")]),
            turn(Role::User, 4, vec![text("Hi")]),
        ],
        ..Conversation::default()
    });
    assert_eq!(
        body["system"],
        json!([{"text": "Be brief."}, {"text": "Speak French."}])
    );
    assert_eq!(
        sketch(&body),
        [
            "user: Hi",
            "assistant: Salut",
            "user: System: Speak Dutch., Hi"
        ]
    );
    assert_eq!(notes, ["messages[3].role"]);
}

#[test]
fn instructions_alone_are_heard_as_the_users_word() {
    let (body, notes) = written(&Conversation {
        system: vec![Block::from(text("Say hello."))],
        ..Conversation::default()
    });
    assert_eq!(
        body,
        json!({"messages": [{"role": "user", "content": [{"text": "Say hello."}]}]})
    );
    assert_eq!(notes, ["system"]);
}

#[test]
fn thoughts_go_back_to_who_had_them_and_to_nobody_else() {
    let kept = |model, content: Content<'static>| {
        let (body, notes) = written_for(
            model,
            &of(vec![
                turn(Role::User, 0, vec![text("go")]),
                turn(Role::Assistant, 1, vec![content, text("so")]),
                turn(Role::User, 2, vec![text("and?")]),
            ]),
        );
        assert_eq!(notes, [""; 0], "{model}");
        body["messages"][1]["content"].as_array().unwrap().len() == 2
    };
    for model in [CLAUDE, NOVA, LLAMA] {
        assert!(kept(model, thought(Some(Origin::Bedrock))));
        assert_eq!(
            kept(model, thought(Some(Origin::Anthropic))),
            model == CLAUDE
        );
        for origin in [None, Some(Origin::OpenAi), Some(Origin::Unknown)] {
            assert!(!kept(model, thought(origin)), "{origin:?}");
        }
        for origin in [Origin::Bedrock, Origin::Anthropic] {
            let data = Signature {
                origin,
                value: Text::plain("b3BhcXVl"),
            };
            let is_own = origin == Origin::Bedrock;
            assert_eq!(kept(model, Content::Redacted(data)), is_own);
        }
    }
}

#[test]
fn ids_and_names_are_made_to_fit_alike_everywhere() {
    let long = "x".repeat(70);
    let (body, _) = written(&of(vec![
        turn(Role::User, 0, vec![text("go")]),
        turn(
            Role::Assistant,
            1,
            vec![call(&long, "a.b"), call("call|1", "a_b")],
        ),
        turn(
            Role::User,
            2,
            vec![result("call|1", "1"), result(&long, "2")],
        ),
    ]));
    let uses = &body["messages"][1]["content"];
    let results = &body["messages"][2]["content"];
    for (at, other) in [(0, 1), (1, 0)] {
        let id = &uses[at]["toolUse"]["toolUseId"];
        assert_eq!(*id, results[other]["toolResult"]["toolUseId"]);
        assert!(id.as_str().unwrap().len() <= 64);
    }
    assert_eq!(uses[1]["toolUse"]["name"], "a_b");
    assert!(!uses[0]["toolUse"]["name"].as_str().unwrap().contains('.'));
}

#[test]
fn a_mark_for_the_cache_stands_where_it_may() {
    let marked = |content, cache| Block {
        content,
        cache: Some(cache),
    };
    let document = |media_type| {
        Content::File(fairlead_translate::Media {
            source: fairlead_translate::Source::Base64(Text::plain("AAAA")),
            media_type: Some(Text::plain(media_type)),
            name: None,
            detail: None,
        })
    };
    let first = |model, blocks: Vec<Block<'static>>| {
        let mut conversation = of(vec![turn(Role::User, 0, Vec::new())]);
        conversation.turns[0].blocks = blocks;
        let (body, notes) = written_for(model, &conversation);
        (sketch(&body).remove(0), notes)
    };
    let (hour, short) = (Cache::Hour, Cache::Default);
    assert_eq!(
        first(
            CLAUDE,
            vec![Block::from(text("a")), marked(document("text/csv"), short)]
        ),
        ("user: a, cachePoint, document".to_owned(), vec![])
    );
    assert_eq!(
        first(
            CLAUDE,
            vec![marked(document("text/csv"), short), Block::from(text("a"))]
        ),
        ("user: document, a, cachePoint".to_owned(), vec![])
    );
    assert_eq!(
        first(
            CLAUDE,
            vec![
                Block::from(text("a")),
                marked(document("application/pdf"), hour)
            ]
        ),
        ("user: a, document, cachePoint".to_owned(), vec![])
    );
    assert_eq!(
        first(LLAMA, vec![marked(text("a"), short)]),
        ("user: a".to_owned(), vec!["cache_control".to_owned()])
    );
    assert_eq!(
        first(
            NOVA,
            vec![marked(text("a"), hour), marked(text("b"), short)]
        ),
        ("user: a, cachePoint, b, cachePoint".to_owned(), vec![])
    );
}

#[test]
fn of_two_marks_in_one_place_the_longer_holds() {
    let mark = |ttl| format!(r#""cache_control":{{"type":"ephemeral","ttl":"{ttl}"}}"#);
    for (one, two) in [("5m", "1h"), ("1h", "5m")] {
        let body = format!(
            r#"{{"max_tokens":9,"messages":[{{"role":"user","content":[
              {{"type":"document","source":{{"type":"text","media_type":"text/plain","data":"a"}},{}}},
              {{"type":"text","text":"b",{}}}]}}]}}"#,
            mark(one),
            mark(two)
        );
        assert_eq!(
            round(&body).0["messages"][0]["content"][2],
            json!({"cachePoint": {"type": "default", "ttl": "1h"}})
        );
    }
}

#[test]
fn a_mark_inside_of_a_result_is_the_results() {
    let (body, notes) = round(
        r#"{"max_tokens":9,"messages":[{"role":"user","content":"go"},
      {"role":"assistant","content":[{"type":"thinking","thinking":"Hm.","signature":"s"},{"type":"tool_use","id":"a","name":"f","input":{}}]},
      {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}]}]}"#,
    );
    assert_eq!(
        body["messages"][2]["content"],
        json!([
            {"toolResult": {"toolUseId": "a", "content": [{"text": "x"}]}},
            {"cachePoint": {"type": "default", "ttl": "1h"}},
        ])
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn what_comes_later_changes_nothing_of_what_came_before() {
    let body = |more: &str| {
        let body = format!(
            r#"{{"messages":[{{"role":"system","content":"s"}},{{"role":"user","content":[{{"type":"file","file":{{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}}}]}},{{"role":"assistant","content":"b"}}{more}]}}"#
        );
        let conversation = chat::request::read(body.as_bytes()).unwrap();
        written(&conversation).0["messages"].clone()
    };
    let short = body(r#",{"role":"user","content":"c"}"#);
    let long = body(
        r#",{"role":"user","content":"c"},{"role":"assistant","content":"d"},{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0="}}]}"#,
    );
    assert_eq!(
        long.as_array().unwrap()[..3],
        short.as_array().unwrap()[..3]
    );
    assert_eq!(long[4]["content"][0]["document"]["name"], "a 2");
}
