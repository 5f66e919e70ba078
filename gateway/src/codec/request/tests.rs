use fairlead_snapshot::Dialect;
use fairlead_wire::sse::Decoder;

use super::*;
use crate::codec::{Identity, Read};

fn chat_to_anthropic(body: &str, unsupported: OnUnsupported) -> Result<Option<Made>, String> {
    let codec = Codec::new(Operation::Chat, Dialect::Anthropic).unwrap();
    let wish = Wish {
        model: "m",
        behind: "m",
        stream: true,
        host: Host::STRICT,
        facts: Facts::default(),
        unsupported,
    };
    codec.body(body.as_bytes(), &wish)
}

#[test]
fn what_is_told_of_what_was_left_out_fits_into_a_header() {
    let member = |at| format!(r#","ä\"{at}":{{"a":1}}"#);
    let members: String = (0..1000).map(member).collect();
    let body =
        format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi."}}]{members}}}"#);
    let told = chat_to_anthropic(&body, OnUnsupported::Refuse).unwrap_err();
    let made = chat_to_anthropic(&body, OnUnsupported::Drop)
        .unwrap()
        .unwrap();
    for told in [told.as_str(), &made.dropped.unwrap()] {
        assert!(told.len() < 1200, "{}", told.len());
        assert!(
            told.bytes()
                .all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"'),
            "{told}"
        );
        assert!(told.contains(" more"), "{told}");
    }
}

#[test]
fn what_its_own_dialect_refuses_of_a_history_is_mended_and_the_rest_asked_as_ever() {
    let codec = Codec::new(Operation::Chat, Dialect::OpenAi).unwrap();
    let host = Host {
        refuses_thoughts: true,
        ..Host::STRICT
    };
    let wish = Wish {
        model: "m",
        behind: "m",
        stream: true,
        host,
        facts: Facts::default(),
        unsupported: OnUnsupported::Refuse,
    };
    let body = br#"{"model":"mine","stream":true,"messages":[{"role":"assistant","content":"a","reasoning_content":"b"}]}"#;
    assert!(codec.makes_body(body, &host, "m"));
    let made = codec.body(body, &wish).unwrap().unwrap();
    assert_eq!(
        made.body,
        r#"{"model":"m","stream":true,"messages":[{"role":"assistant","content":"a"}],"stream_options":{"include_usage":true}}"#
    );
    assert!(made.without_usage().is_some());
    assert!(!codec.makes_body(body, &Host::STRICT, "m"));
    let codec = Codec::new(Operation::Generate, Dialect::Gemini).unwrap();
    let body = br#"{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f"}}]}]}"#;
    assert!(!codec.makes_body(body, &Host::STRICT, "m"));
    let wish = Wish {
        model: "gemini-3-pro",
        ..wish
    };
    let made = codec.body(body, &wish).unwrap().unwrap();
    assert!(
        made.body
            .starts_with(br#"{"contents":[{"role":"model","parts":[{"thoughtSignature":""#)
    );
}

#[test]
fn a_name_that_the_provider_does_not_take_comes_back_as_the_callers() {
    let codec = Codec::new(Operation::Generate, Dialect::OpenAi).unwrap();
    let wish = Wish {
        model: "m",
        behind: "m",
        stream: false,
        host: Host::STRICT,
        facts: Facts::default(),
        unsupported: OnUnsupported::Refuse,
    };
    let body = br#"{"contents":[{"parts":[{"text":"a"}]}],"tools":[{"functionDeclarations":[{"name":"mcp.find"}]}]}"#;
    let made = codec.body(body, &wish).unwrap().unwrap();
    let sent: serde_json::Value = serde_json::from_slice(&made.body).unwrap();
    let told = sent["tools"][0]["function"]["name"].as_str().unwrap();
    assert_ne!(told, "mcp.find");
    let identity = Identity {
        names: made.names,
        ..Identity::default()
    };
    let call = format!(
        r#""tool_calls":[{{"index":0,"id":"a","type":"function","function":{{"name":"{told}","arguments":"{{}}"}}}}]"#
    );
    let whole = format!(
        r#"{{"choices":[{{"index":0,"finish_reason":"tool_calls","message":{{{call}}}}}]}}"#
    );
    let Read::Complete(answer, ..) = codec.whole(&whole.into(), &identity) else {
        panic!("no answer");
    };
    let mut events = codec.events(&identity);
    let mut decoder = Decoder::new(usize::MAX);
    let chunk = format!(
        r#"data: {{"choices":[{{"index":0,"finish_reason":"tool_calls","delta":{{{call}}}}}]}}"#
    );
    decoder.push((chunk + "\n\n").into());
    let event = decoder.next().unwrap().unwrap();
    events.read(&event, event.data.as_ref().unwrap()).unwrap();
    let written = [events.take_written(), events.end()].into_iter().flatten();
    let streamed: Vec<u8> = written.flatten().collect();
    for answer in [&answer[..], &streamed] {
        let answer = String::from_utf8_lossy(answer);
        assert!(answer.contains(r#""name":"mcp.find""#), "{answer}");
    }
}

#[test]
fn a_stream_is_asked_without_its_usage_where_that_is_refused() {
    let codec = Codec::new(Operation::Messages, Dialect::OpenAi).unwrap();
    let wish = Wish {
        model: "m",
        behind: "m",
        stream: true,
        host: Host::STRICT,
        facts: Facts::default(),
        unsupported: OnUnsupported::Refuse,
    };
    let body = br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":",\"stream_options\":{\"include_usage\":true}"}]}"#;
    let made = codec.body(body, &wish).unwrap().unwrap();
    let without: serde_json::Value =
        serde_json::from_slice(&made.without_usage().unwrap()).unwrap();
    let with: serde_json::Value = serde_json::from_slice(&made.body).unwrap();
    assert_eq!(with["stream_options"]["include_usage"], true);
    assert_eq!(without.get("stream_options"), None);
    assert_eq!(with["messages"], without["messages"]);
    assert_eq!(without["stream"], true);
}
