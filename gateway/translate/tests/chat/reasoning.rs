//! What was thought, in histories: its words, and what proves them.

use fairlead_translate::chat::request::{self, Host};
use fairlead_translate::{Content, Origin, Signature, Text};
use serde_json::{Value, json};

use crate::shared::{again, again_for};

fn history(assistant: Value) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "x"}, assistant, {"role": "user", "content": "y"}]})
}

fn thoughts(assistant: Value) -> Vec<(String, Option<(Origin, String)>)> {
    let body = history(assistant).to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    let told =
        |signature: &Signature<'_>| (signature.origin, signature.value.unescaped().into_owned());
    let blocks = conversation.turns[1].blocks.iter();
    blocks
        .filter_map(|block| match &block.content {
            Content::Reasoning { text, signature } => {
                Some((text.unescaped().into_owned(), signature.as_ref().map(told)))
            }
            Content::Redacted(data) => Some(("(redacted)".to_owned(), Some(told(data)))),
            _ => None,
        })
        .collect()
}

fn signed() -> Value {
    json!({"role": "assistant", "content": "a", "reasoning_content": "Look it up.", "reasoning_details": [
        {"type": "reasoning.text", "text": "Look it up.", "signature": "sig0", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.encrypted", "data": "enc", "format": "openai-responses-v1", "index": 1},
    ], "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "g"}}}]})
}

#[test]
fn words_signatures_and_what_is_encrypted_come_back_in_order() {
    let body = history(signed());
    assert_eq!(again(&body), body);
    assert_eq!(
        thoughts(signed()),
        [
            (
                "Look it up.".to_owned(),
                Some((Origin::Anthropic, "sig0".to_owned()))
            ),
            (
                "(redacted)".to_owned(),
                Some((Origin::OpenAi, "enc".to_owned()))
            ),
        ]
    );
}

#[test]
fn words_are_read_under_either_name_and_once() {
    for message in [
        json!({"role": "assistant", "content": "a", "reasoning_content": "w"}),
        json!({"role": "assistant", "content": "a", "reasoning": "w"}),
        json!({"role": "assistant", "content": "a", "reasoning": "w", "reasoning_content": "w"}),
        json!({"role": "assistant", "content": "a", "reasoning": "w", "reasoning_content": ""}),
        json!({"role": "assistant", "content": "a", "reasoning": "w", "reasoning_details": [{"type": "reasoning.summary", "summary": "w"}]}),
        json!({"role": "assistant", "content": [{"type": "thinking", "thinking": [{"type": "text", "text": "w"}]}, {"type": "text", "text": "a"}]}),
        json!({"role": "assistant", "content": [{"type": "thinking", "thinking": "w"}, {"type": "text", "text": "a"}]}),
    ] {
        assert_eq!(
            thoughts(message.clone()),
            [("w".to_owned(), None)],
            "{message}"
        );
        let expected = json!({"role": "assistant", "content": "a", "reasoning_content": "w"});
        assert_eq!(again(&history(message))["messages"][1], expected);
    }
}

#[test]
fn fragments_that_a_client_has_kept_are_one_thought() {
    let text = |text: &str| json!({"type": "reasoning.text", "text": text, "format": "anthropic-claude-v1", "index": 0});
    let message = json!({"role": "assistant", "content": "a", "reasoning_details": [
        text("Let"), text(" me see."),
        {"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
        {"type": "reasoning.text", "text": "Other.", "index": 1},
        {"type": "reasoning.encrypted", "data": ""},
    ]});
    assert_eq!(
        thoughts(message),
        [
            (
                "Let me see.".to_owned(),
                Some((Origin::Anthropic, "s".to_owned()))
            ),
            ("Other.".to_owned(), None),
        ]
    );
}

#[test]
fn a_signature_without_words_takes_those_beside_it_and_may_have_none() {
    let entry =
        json!([{"type": "reasoning.text", "signature": "s", "format": "anthropic-claude-v1"}]);
    let signature = Some((Origin::Anthropic, "s".to_owned()));
    let message = json!({"role": "assistant", "content": "a", "reasoning_content": "w", "reasoning_details": entry});
    assert_eq!(thoughts(message), [("w".to_owned(), signature.clone())]);
    let message = json!({"role": "assistant", "content": "a", "reasoning_details": entry});
    assert_eq!(thoughts(message), [(String::new(), signature)]);
    let encrypted = json!([{"type": "reasoning.encrypted", "data": "d"}]);
    let message = json!({"role": "assistant", "content": "a", "reasoning": "w", "reasoning_details": encrypted});
    assert_eq!(
        thoughts(message),
        [
            ("w".to_owned(), None),
            (
                "(redacted)".to_owned(),
                Some((Origin::Unknown, "d".to_owned()))
            ),
        ]
    );
}

#[test]
fn a_tagged_signature_is_that_of_its_origin() {
    let message = json!({"role": "assistant", "content": "a", "reasoning_details": [
        {"type": "reasoning.text", "text": "w", "signature": "fairlead:gemini:a:b", "format": "unknown"},
    ]});
    assert_eq!(
        thoughts(message),
        [("w".to_owned(), Some((Origin::Gemini, "a:b".to_owned())))]
    );
    let call = json!({"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "fairlead:openai:z"}}}]});
    let body = history(call).to_string();
    let conversation = request::read(body.as_bytes()).unwrap();
    let Content::Call { signature, .. } = &conversation.turns[1].blocks[0].content else {
        panic!("no call");
    };
    let expected = Signature {
        origin: Origin::OpenAi,
        value: Text::plain("z"),
    };
    assert_eq!(signature.as_ref(), Some(&expected));
    // Not Gemini's, so nobody's on this road.
    let written = again(&serde_json::from_str(&body).unwrap());
    assert_eq!(
        written["messages"][1]["tool_calls"][0].get("extra_content"),
        None
    );
}

#[test]
fn a_host_that_refuses_what_was_thought_gets_none_of_it() {
    let host = Host {
        reasoning: None,
        signatures: false,
        ..Host::default()
    };
    let (written, left_out) = again_for(&history(signed()), &host);
    assert_eq!(left_out, [], "every provider leaves it out");
    assert_eq!(
        written["messages"][1],
        json!({"role": "assistant", "content": "a", "tool_calls": [
            {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        ]})
    );
}

#[test]
fn the_name_of_the_field_is_the_hosts() {
    let host = Host {
        reasoning: Some("reasoning"),
        signatures: false,
        ..Host::default()
    };
    let (written, _) = again_for(&history(signed()), &host);
    assert_eq!(written["messages"][1]["reasoning"], "Look it up.");
    assert_eq!(written["messages"][1].get("reasoning_content"), None);
    assert_eq!(written["messages"][1].get("reasoning_details"), None);
}

#[test]
fn a_host_that_wants_the_field_in_every_message_gets_it() {
    let host = Host {
        reasoning_always: true,
        ..Host::default()
    };
    let (written, _) = again_for(
        &history(json!({"role": "assistant", "content": "a"})),
        &host,
    );
    assert_eq!(written["messages"][1]["reasoning_content"], "");
}
