//! Compatible providers, each with what it wants otherwise.

use fairlead_translate::Effort;
use fairlead_translate::chat::request::{Host, Users};
use serde_json::json;

use crate::shared::{again_for, asking};

#[test]
fn a_host_may_want_one_system_message_and_the_older_name_of_the_limit() {
    let body = json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "system", "content": "a"},
        {"role": "system", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": "x"},
        {"role": "system", "content": "d"},
    ]});
    let host = Host {
        one_system: true,
        max_tokens: true,
        ..Host::default()
    };
    let (written, left_out) = again_for(&body, &host);
    assert_eq!(left_out, [("messages[3].role".to_owned(), false)]);
    assert_eq!(
        written,
        json!({"model": "m", "max_tokens": 9, "messages": [
            {"role": "system", "content": "a\n\nb\n\nc"},
            {"role": "user", "content": "x"},
            {"role": "user", "content": "System: d"},
        ]})
    );
}

#[test]
fn a_later_system_message_changes_nothing_before_it() {
    let host = Host {
        one_system: true,
        ..Host::default()
    };
    let mut body = asking(json!({}));
    body["messages"].as_array_mut().unwrap().extend([
        json!({"role": "assistant", "content": "a"}),
        json!({"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]}),
        json!({"role": "user", "content": "d"}),
    ]);
    let (all, _) = again_for(&body, &host);
    assert_eq!(all["messages"][2]["content"], "System: b\n\nc");
    for length in [1, 3, 4] {
        let mut some = body.clone();
        some["messages"].as_array_mut().unwrap().truncate(length);
        let (some, _) = again_for(&some, &host);
        let written = all["messages"].as_array().unwrap();
        assert_eq!(some["messages"], json!(written[..length]));
    }
}

#[test]
fn a_host_that_thinks_by_itself_is_told_not_to_where_a_tool_is_forced() {
    let host = Host {
        thinking_switch: true,
        ..Host::STRICT
    };
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    for (choice, reasoning, thinking, refused) in [
        (json!("required"), json!(null), json!("disabled"), false),
        (
            json!({"type": "function", "function": {"name": "f"}}),
            json!("high"),
            json!("disabled"),
            true,
        ),
        (json!("required"), json!("none"), json!("disabled"), false),
        (json!("auto"), json!("high"), json!("enabled"), false),
        (json!("auto"), json!(null), json!(null), false),
    ] {
        let body =
            asking(json!({"tools": tools, "tool_choice": choice, "reasoning_effort": reasoning}));
        let (written, left_out) = again_for(&body, &host);
        assert_eq!(written["tool_choice"], choice);
        assert_eq!(
            written["thinking"]["type"], thinking,
            "{choice} {reasoning}"
        );
        let expected = refused.then(|| ("reasoning".to_owned(), true));
        assert_eq!(left_out, Vec::from_iter(expected), "{choice} {reasoning}");
    }
}

#[test]
fn a_host_has_its_own_grammar_of_users_and_its_own_word_for_a_seed() {
    let body = asking(json!({"user": "a.b", "seed": 7}));
    let users = |users| Host {
        users,
        ..Host::STRICT
    };
    let (written, _) = again_for(&body, &users(Users::Any));
    assert_eq!(written, body);
    let (written, _) = again_for(&body, &users(Users::Plain));
    let user = written["user"].as_str().unwrap();
    let plain = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    assert!(
        user.starts_with("user_") && user.chars().all(plain),
        "{user}"
    );
    let (written, _) = again_for(&asking(json!({"user": "a-B_1"})), &users(Users::Plain));
    assert_eq!(written["user"], "a-B_1");
    let host = Host {
        seed: "random_seed",
        ..users(Users::None)
    };
    let (written, left_out) = again_for(&body, &host);
    assert_eq!(written, asking(json!({"random_seed": 7})));
    assert_eq!(left_out, [("user".to_owned(), false)]);
}

/// Cohere's API for OpenAI's clients, in the words of its documentation.
fn cohere() -> Host {
    Host {
        max_tokens: true,
        lacks: &["n", "parallel_tool_calls", "service_tier", "store"],
        efforts: &[Effort::None, Effort::High],
        names_choice: false,
        json_schema: false,
        ..Host::STRICT
    }
}

#[test]
fn a_host_without_a_member_is_not_sent_it_and_that_is_told() {
    let body = asking(
        json!({"n": 2, "service_tier": "flex", "store": true, "parallel_tool_calls": false,
        "tools": [{"type": "function", "function": {"name": "f"}}]}),
    );
    let (written, left_out) = again_for(&body, &cohere());
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f"}}]});
    assert_eq!(written, asking(tools));
    let told = [
        ("parallel_tool_calls", false),
        ("n", true),
        ("service_tier", false),
        ("store", false),
    ];
    assert_eq!(
        left_out,
        told.map(|(name, essential)| (name.to_owned(), essential))
    );
    // What is so anyway is not missed.
    let usual = asking(json!({"n": 1, "store": false, "parallel_tool_calls": true,
        "tools": [{"type": "function", "function": {"name": "f"}}]}));
    let (_, left_out) = again_for(&usual, &cohere());
    assert_eq!(left_out, []);
}

#[test]
fn a_host_that_names_no_tool_in_a_choice_gets_that_tool_alone() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name, "strict": true}});
    let named = json!({"type": "function", "function": {"name": "b"}});
    let both = || json!([tool("a"), tool("b")]);
    for (choice, sent, tools) in [
        (json!("auto"), json!(null), both()),
        (json!("required"), json!("required"), both()),
        (json!("none"), json!("none"), both()),
        (named, json!("required"), json!([tool("b")])),
    ] {
        let body = asking(json!({"tools": both(), "tool_choice": choice}));
        let (written, left_out) = again_for(&body, &cohere());
        assert_eq!(
            (&written["tool_choice"], &written["tools"]),
            (&sent, &tools),
            "{choice}"
        );
        assert_eq!(left_out, [], "{choice}");
    }
}

#[test]
fn an_effort_that_a_host_does_not_know_is_the_next_that_it_does() {
    let usual = &[Effort::None, Effort::Low, Effort::Medium, Effort::High];
    for (efforts, asked, sent) in [
        (cohere().efforts, "none", "none"),
        (cohere().efforts, "low", "high"),
        (cohere().efforts, "high", "high"),
        (cohere().efforts, "xhigh", "high"),
        (usual, "minimal", "low"),
        (usual, "medium", "medium"),
        (usual, "max", "high"),
        (&[], "minimal", "minimal"),
        (&[], "max", "max"),
    ] {
        let host = Host {
            efforts,
            ..Host::STRICT
        };
        let body = asking(json!({"reasoning_effort": asked}));
        let (written, told) = again_for(&body, &host);
        assert_eq!(written["reasoning_effort"], sent, "{efforts:?} {asked}");
        let expected = (asked != sent).then(|| ("reasoning_effort".to_owned(), false));
        assert_eq!(told, Vec::from_iter(expected), "{efforts:?} {asked}");
    }
}

#[test]
fn a_schema_may_stand_beside_the_wish_for_json() {
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let format =
        json!({"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}});
    let (written, left_out) = again_for(&asking(json!({"response_format": format})), &cohere());
    assert_eq!(
        written["response_format"],
        json!({"type": "json_object", "schema": schema})
    );
    assert_eq!(left_out, []);
}
