//! Requests that keep to the reference.

use fairlead_translate::chat::request::{self, Host};
use fairlead_translate::{Cache, Content, Effort, Format, RequestError, Role, Source, ToolChoice};
use serde_json::{Value, json};

use crate::shared::{again, again_for, asking};

#[test]
fn several_turns_of_tools_come_back_as_they_were() {
    let body = json!({
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "system", "content": "Be kind."},
            {"role": "user", "name": "ann", "content": "Weather in Kyiv and in Riga?"},
            {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Kyiv\"}"}},
                {"id": "call_2", "type": "function", "function": {"name": "weather", "arguments": "{\"city\":\"Riga\"}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_1", "content": "21 °C"},
            {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "18"}, {"type": "text", "text": "°C"}]},
            {"role": "assistant", "content": "Once more.", "tool_calls": [
                {"id": "call_3", "type": "function", "function": {"name": "weather", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "call_3", "content": ""},
            {"role": "system", "content": "It is late."},
            {"role": "assistant", "content": "Warm in both."},
            {"role": "user", "content": "Thanks \"a\" lot\n\u{1F600}"},
        ],
        "tools": [
            {"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}, "strict": true}},
            {"type": "function", "function": {"name": "nothing"}},
        ],
        "tool_choice": {"type": "function", "function": {"name": "weather"}},
        "parallel_tool_calls": false,
    });
    assert_eq!(again(&body), body);
}

#[test]
fn all_parameters_come_back() {
    let body = asking(json!({
        "max_completion_tokens": 100, "temperature": 0.70, "top_p": 1e-1, "seed": 12_345_678_901_234_567_890_u64,
        "presence_penalty": -0.5, "frequency_penalty": 2, "stop": ["a", "\n"], "n": 2,
        "logprobs": true, "top_logprobs": 3, "reasoning_effort": "high", "verbosity": "low",
        "service_tier": "flex", "user": "u1", "metadata": {"a": "b"}, "prompt_cache_key": "k", "store": true,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "description": "d", "schema": {"type": "object"}, "strict": true}},
        "stream": true, "stream_options": {"include_usage": true},
    }));
    assert_eq!(again(&body), body);
}

#[test]
fn the_other_spellings_of_parameters_mean_the_same() {
    let body = asking(json!({
        "max_tokens": 5, "stop": "x", "safety_identifier": "s", "logprobs": false, "top_logprobs": 0, "n": 1,
        "response_format": {"type": "text"}, "store": false, "temperature": null, "tools": null, "seed": null,
        "modalities": ["text"], "stream": false, "stream_options": null,
    }));
    assert_eq!(
        again(&body),
        asking(json!({"max_completion_tokens": 5, "stop": ["x"], "user": "s"}))
    );
    let body = asking(json!({"max_tokens": 5, "max_completion_tokens": 6}));
    assert_eq!(again(&body)["max_completion_tokens"], 6);
    let body = asking(json!({"response_format": {"type": "json_object"}}));
    assert_eq!(again(&body), body);
}

#[test]
fn numbers_and_texts_are_kept_as_written() {
    let body = r#"{"messages":[{"role":"user","content":"a\/\u00e9\ud800"}],"temperature":1.0,"seed":98765432109876543210}"#;
    let conversation = request::read(body.as_bytes()).unwrap();
    let mut notes = fairlead_translate::Notes::default();
    let written = request::write(&conversation, &crate::shared::TARGET, &mut notes);
    let written = String::from_utf8(written).unwrap();
    for part in [r#""a\/\u00e9\ud800""#, ":1.0,", ":98765432109876543210}"] {
        assert!(written.contains(part), "{part} in {written}");
    }
}

#[test]
fn images_files_and_sounds_come_back() {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "See:"},
        {"type": "image_url", "image_url": {"url": "https://a.example/b.png", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0="}},
        {"type": "file", "file": {"file_id": "file-1"}},
    ]}]});
    assert_eq!(again(&body), body);
}

#[test]
fn the_type_of_a_medium_is_that_of_its_data() {
    let said = |part: Value| {
        let body = json!({"messages": [{"role": "user", "content": [part]}]}).to_string();
        let conversation = request::read(body.as_bytes()).unwrap();
        let (Content::Image(media) | Content::File(media)) =
            &conversation.turns[0].blocks[0].content
        else {
            panic!("no medium");
        };
        let Source::Base64(data) = &media.source else {
            panic!("no data");
        };
        let media_type = media.media_type.as_ref().unwrap();
        (
            media_type.unescaped().into_owned(),
            data.unescaped().into_owned(),
        )
    };
    let image = |url: &str| said(json!({"type": "image_url", "image_url": {"url": url}}));
    let file = |data: &str, name: Value| {
        said(json!({"type": "file", "file": {"file_data": data, "filename": name}}))
    };
    for (told, media_type) in [
        (image("data:image/jpg;base64,/9j/AA"), "image/jpeg"),
        (image("data:;base64,/9j/AA"), "image/jpeg"),
        (
            image("data:image/webp;charset=x;base64,UklGRg"),
            "image/webp",
        ),
        (
            image("data:application/octet-stream;base64,R0lGODlh"),
            "image/gif",
        ),
        (file("JVBERi0", Value::Null), "application/pdf"),
        (file("aGk=", json!("a.TXT")), "text/plain"),
        (file("data:text/csv;base64,YSxi", json!("x")), "text/csv"),
    ] {
        assert_eq!(told.0, media_type, "{told:?}");
    }
    // As PHP writes it.
    let body = r#"{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image\/png;base64,ab\/c"}}]}]}"#;
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        again(&body)["messages"][0]["content"][0]["image_url"]["url"],
        "data:image/png;base64,ab/c"
    );
}

#[test]
fn a_refusal_comes_back_where_it_may_stand() {
    let written = |message: Value| {
        let body =
            json!({"model": "m", "messages": [message, {"role": "user", "content": "Why?"}]});
        again(&body)["messages"][0]["content"].clone()
    };
    let parts = json!([{"type": "refusal", "refusal": "No."}]);
    assert_eq!(
        written(json!({"role": "assistant", "content": null, "refusal": "No."})),
        parts
    );
    assert_eq!(
        written(json!({"role": "assistant", "content": parts})),
        parts
    );
}

#[test]
fn what_stands_before_the_first_turn_is_the_system_and_what_stands_later_is_not() {
    let body = json!({"messages": [
        {"role": "developer", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]},
        {"role": "system", "content": "c"},
        {"role": "user", "content": "d"},
        {"role": "developer", "content": "e"},
    ]})
    .to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    assert_eq!(conversation.system.len(), 3);
    assert_eq!(conversation.system[1].cache, Some(Cache::Hour));
    let roles: Vec<_> = conversation
        .turns
        .iter()
        .map(|turn| (turn.role, turn.at))
        .collect();
    assert_eq!(roles, [(Role::User, 2), (Role::System, 3)]);
}

#[test]
fn a_choice_among_some_tools_is_a_choice_without_the_others() {
    let tool = |name: &str| json!({"type": "function", "function": {"name": name}});
    let body = asking(json!({
        "tools": [tool("a"), tool("b"), tool("c")],
        "tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [tool("c"), tool("a")]}},
    }));
    let written = again(&body);
    assert_eq!(written["tools"], json!([tool("a"), tool("c")]));
    assert_eq!(written["tool_choice"], "required");
}

#[test]
fn a_choice_without_tools_is_not_sent() {
    for choice in ["auto", "none"] {
        let written = again(&asking(
            json!({"tool_choice": choice, "parallel_tool_calls": false}),
        ));
        assert_eq!(written, asking(json!({})));
    }
    let body = asking(json!({"tool_choice": "required"}));
    let (written, left_out) = again_for(&body, &Host::default());
    assert_eq!(written, asking(json!({})));
    assert_eq!(left_out, [("tool_choice".to_owned(), true)]);
}

#[test]
fn how_much_is_thought_can_be_said_in_several_ways() {
    for (members, effort) in [
        (json!({"reasoning_effort": "xhigh"}), json!("xhigh")),
        (json!({"reasoning": {"effort": "low"}}), json!("low")),
        (json!({"reasoning": {"max_tokens": 2000}}), json!("low")),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 10_000}}),
            json!("medium"),
        ),
        (
            json!({"thinking": {"type": "enabled", "budget_tokens": 31_999}}),
            json!("high"),
        ),
        (json!({"thinking": {"type": "enabled"}}), Value::Null),
        (json!({"thinking": {"type": "disabled"}}), json!("none")),
        (json!({"reasoning": {"enabled": false}}), json!("none")),
        (json!({"include_reasoning": true}), Value::Null),
        (json!({}), Value::Null),
    ] {
        assert_eq!(
            again(&asking(members.clone()))["reasoning_effort"],
            effort,
            "{members}"
        );
    }
    let body = asking(json!({"reasoning": {"exclude": true, "effort": "max"}})).to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    let reasoning = conversation.reasoning.unwrap();
    assert_eq!(
        (reasoning.effort, reasoning.shown),
        (Some(Effort::Max), Some(false))
    );
}

#[test]
fn a_host_may_switch_thinking_off_by_a_member_of_its_own() {
    let host = Host {
        thinking_switch: true,
        ..Host::default()
    };
    let (written, _) = again_for(&asking(json!({"reasoning_effort": "none"})), &host);
    assert_eq!(written, asking(json!({"thinking": {"type": "disabled"}})));
    let (written, _) = again_for(&asking(json!({"reasoning_effort": "high"})), &host);
    assert_eq!(
        written,
        asking(json!({"thinking": {"type": "enabled"}, "reasoning_effort": "high"}))
    );
}

#[test]
fn what_has_no_neutral_meaning_is_told() {
    let body = asking(json!({
        "logit_bias": {"1": 2}, "web_search_options": {"a": 1}, "functions": [{"name": "f"}], "min_p": 0.1,
        "prediction": {"type": "content", "content": "x"}, "modalities": ["text", "audio"], "repetition_penalty": null,
        "audio": {}, "reasoning_effort": "later", "response_format": {"type": "grammar"}, "top_k": 3,
        "tools": [{"type": "custom", "custom": {"name": "c"}}, {"type": "web_search"}],
        "tool_choice": {"type": "custom", "custom": {"name": "c"}},
    }));
    let (written, left_out) = again_for(&body, &Host::default());
    assert_eq!(written, asking(json!({})));
    let essential = |name: &str| (name.to_owned(), true);
    let mut expected = vec![
        ("prediction".to_owned(), false),
        essential("functions"),
        essential("logit_bias"),
        essential("min_p"),
        essential("modalities"),
        essential("reasoning_effort"),
        essential("response_format (grammar)"),
        essential("tool_choice (custom)"),
        essential("tools[0] (custom)"),
        essential("tools[1] (web_search)"),
        essential("top_k"),
        essential("web_search_options"),
    ];
    let mut left_out = left_out;
    left_out.sort();
    expected.sort();
    assert_eq!(left_out, expected);
    let (written, _) = again_for(
        &body,
        &Host {
            top_k: true,
            ..Host::default()
        },
    );
    assert_eq!(written["top_k"], 3);
}

#[test]
fn more_texts_to_stop_at_than_there_may_be_are_told() {
    let body = asking(json!({"stop": ["1", "2", "3", "4", "5"]}));
    let (written, left_out) = again_for(&body, &Host::default());
    assert_eq!(written["stop"], json!(["1", "2", "3", "4"]));
    assert_eq!(left_out, [("stop".to_owned(), true)]);
}

#[test]
fn a_wrong_kind_is_named_by_its_path() {
    let message = |message: Value| json!({"messages": [{"role": "user", "content": "x"}, message]});
    let call = |call: Value| message(json!({"role": "assistant", "tool_calls": [call]}));
    let part = |part: Value| message(json!({"role": "user", "content": ["x", part]}));
    for (body, path) in [
        (json!({}), "messages"),
        (json!({"messages": []}), "messages"),
        (json!({"messages": "x"}), "messages"),
        (json!({"messages": ["x"]}), "messages[0]"),
        (
            message(json!({"role": "bard", "content": "x"})),
            "messages[1].role",
        ),
        (message(json!({"content": "x"})), "messages[1].role"),
        (message(json!({"role": "user"})), "messages[1].content"),
        (
            message(json!({"role": "system", "content": null})),
            "messages[1].content",
        ),
        (
            message(json!({"role": "user", "content": 5})),
            "messages[1].content",
        ),
        (
            part(json!({"type": "text", "text": "x"})),
            "messages[1].content[0]",
        ),
        (
            message(json!({"role": "user", "content": [{"type": "text"}]})),
            "messages[1].content[0]",
        ),
        (
            message(
                json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "x"}}]}),
            ),
            "messages[1].content[0]",
        ),
        (
            message(
                json!({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/svg+xml,<svg>"}}]}),
            ),
            "messages[1].content[0]",
        ),
        (
            message(json!({"role": "user", "content": [{"type": "file", "file": {}}]})),
            "messages[1].content[0]",
        ),
        (
            message(
                json!({"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "x"}}]}),
            ),
            "messages[1].content[0]",
        ),
        (
            message(json!({"role": "tool", "content": "x"})),
            "messages[1].tool_call_id",
        ),
        (
            message(json!({"role": "assistant", "tool_calls": {}})),
            "messages[1].tool_calls",
        ),
        (
            call(json!({"function": {"name": "f"}})),
            "messages[1].tool_calls[0].id",
        ),
        (
            call(json!({"id": "1"})),
            "messages[1].tool_calls[0].function",
        ),
        (
            call(json!({"id": "1", "function": {"name": "f", "arguments": 5}})),
            "messages[1].tool_calls[0].function",
        ),
        (asking(json!({"temperature": "hot"})), "temperature"),
        (asking(json!({"max_tokens": 1.5})), "max_tokens"),
        (asking(json!({"n": -1})), "n"),
        (asking(json!({"stream": "yes"})), "stream"),
        (asking(json!({"stop": [1]})), "stop"),
        (asking(json!({"stop": 1})), "stop"),
        (asking(json!({"tools": {}})), "tools"),
        (asking(json!({"tools": [{"type": "function"}]})), "tools[0]"),
        (
            asking(
                json!({"tools": [{"type": "function", "function": {"name": "f", "parameters": []}}]}),
            ),
            "tools[0].function",
        ),
        (asking(json!({"tool_choice": "never"})), "tool_choice"),
        (asking(json!({"top_logprobs": 2})), "top_logprobs"),
        (
            asking(json!({"response_format": "json"})),
            "response_format",
        ),
        (
            asking(json!({"response_format": {"type": "json_schema", "json_schema": {}}})),
            "response_format.json_schema.schema",
        ),
        (asking(json!({"metadata": "x"})), "metadata"),
        (asking(json!({"Stream": true})), "stream"),
    ] {
        match request::read(body.to_string().as_bytes()) {
            Err(RequestError::Wrong { at, .. }) => assert_eq!(at, path, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    assert!(matches!(request::read(b"{"), Err(RequestError::Json(_))));
    assert!(matches!(request::read(b"[]"), Err(RequestError::Json(_))));
}

#[test]
fn a_format_is_read_with_all_it_says() {
    let body = asking(
        json!({"response_format": {"type": "json_schema", "json_schema": {"name": "a b", "schema": {"b": 1, "a": 2}}}, "tool_choice": "auto"}),
    );
    let text = body.to_string();
    let conversation = request::read(text.as_bytes()).unwrap();
    assert_eq!(conversation.tool_choice, Some(ToolChoice::Auto));
    let Some(Format::Schema { name, strict, .. }) = &conversation.format else {
        panic!("no schema");
    };
    assert_eq!(name.as_ref().unwrap(), &"a b");
    assert_eq!(*strict, None);
    let name = again(&body)["response_format"]["json_schema"]["name"].clone();
    assert!(name.as_str().unwrap().starts_with("a_b_"), "{name}");
}
