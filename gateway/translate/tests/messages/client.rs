//! A caller that is as strict as the official ones, and stricter.

use serde_json::{Value, json};

/// The events of a stream: names and data.
pub(crate) fn events(stream: &[u8]) -> Vec<(String, Value)> {
    let text = std::str::from_utf8(stream).unwrap();
    assert!(text.is_empty() || text.ends_with("\n\n"), "an event is cut");
    let event = |event: &str| {
        let (name, data) = event.split_once('\n').unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!(data["type"], name, "name and type agree");
        (name.to_owned(), data)
    };
    text.split_terminator("\n\n").map(event).collect()
}

/// The message that a stream adds up to.
pub(crate) fn message(stream: &[u8]) -> Value {
    let mut message = Value::Null;
    let mut open: Option<(usize, String)> = None;
    let mut over = false;
    for (name, data) in events(stream) {
        assert!(!over, "something after the end");
        if name == "message_start" {
            assert!(message.is_null(), "two starts");
            message = data["message"].clone();
            assert!(message["usage"]["input_tokens"].is_u64());
            continue;
        }
        assert!(!message.is_null(), "{name} before the start");
        match &*name {
            "content_block_start" => {
                assert!(open.is_none(), "two open blocks");
                let at = message["content"].as_array().unwrap().len();
                assert_eq!(data["index"], at);
                let content = message["content"].as_array_mut().unwrap();
                content.push(data["content_block"].clone());
                open = Some((at, String::new()));
            }
            "content_block_delta" => {
                let (at, arguments) = open.as_mut().expect("a delta without a block");
                assert_eq!(data["index"], *at);
                delta(&mut message["content"][*at], &data["delta"], arguments);
            }
            "content_block_stop" => {
                let (at, arguments) = open.take().expect("a stop without a block");
                assert_eq!(data["index"], at);
                if !arguments.is_empty() {
                    message["content"][at]["input"] =
                        serde_json::from_str(&arguments).unwrap_or(json!({"half": arguments}));
                }
            }
            "message_delta" => {
                assert!(open.is_none(), "an open block at the end");
                for (name, value) in data["delta"].as_object().unwrap() {
                    message[name] = value.clone();
                }
                for (name, value) in data["usage"].as_object().unwrap() {
                    message["usage"][name] = value.clone();
                }
            }
            "message_stop" => over = true,
            _ => panic!("an unknown event {name}"),
        }
    }
    assert!(over, "no end");
    message
}

fn delta(block: &mut Value, delta: &Value, arguments: &mut String) {
    let append = |to: &mut Value, more: &Value| {
        let both = format!("{}{}", to.as_str().unwrap(), more.as_str().unwrap());
        *to = both.into();
    };
    match delta["type"].as_str().unwrap() {
        "text_delta" => append(&mut block["text"], &delta["text"]),
        "thinking_delta" => append(&mut block["thinking"], &delta["thinking"]),
        "signature_delta" => {
            assert_eq!(block["signature"], "", "signed twice");
            block["signature"] = delta["signature"].clone();
        }
        "input_json_delta" => {
            assert_eq!(block["type"], "tool_use");
            arguments.push_str(delta["partial_json"].as_str().unwrap());
        }
        unknown => panic!("an unknown delta {unknown}"),
    }
}
