//! Streams of many upstreams, event by event: `fixtures/streams`, in the shapes that their documentation and
//! their users' reports show.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bytes::Bytes;
use fairlead_wire::openai::{Chunk, Payload, Usage, named_error, payload, stray_error};
use fairlead_wire::sse::{Decoder, Event};

use crate::check_payload;

#[test]
fn reads_the_streams_of_many_upstreams() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/streams");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let stream = fs::read(&path).unwrap();
        let whole = told(&stream, stream.len());
        insta::assert_snapshot!(path.file_stem().unwrap().to_str().unwrap(), whole);
        assert_eq!(told(&stream, 1), whole, "{path:?} byte by byte");
        assert_eq!(told(&stream, 61), whole, "{path:?} in pieces");
    }
}

/// What a stream says, an event a line; blank events are left out, for they depend on where a CRLF is split.
fn told(stream: &[u8], size: usize) -> String {
    let mut out = String::new();
    let mut decoder = Decoder::new(1 << 20);
    for chunk in stream.chunks(size) {
        decoder.push(Bytes::copy_from_slice(chunk));
        while let Some(event) = decoder.next().unwrap() {
            if !event.raw.trim_ascii().is_empty() {
                writeln!(out, "{}", line(&event)).unwrap();
            }
        }
    }
    writeln!(out, "pending {}", decoder.pending()).unwrap();
    out
}

fn line(event: &Event) -> String {
    let name = event
        .name
        .as_deref()
        .map(|name| format!("{} ", String::from_utf8_lossy(name)))
        .unwrap_or_default();
    let Some(data) = &event.data else {
        return format!("{name}no data");
    };
    check_payload::check(data);
    let said = match payload(data) {
        Ok(Payload::Done) => "done".to_owned(),
        Ok(Payload::Chunk(chunk)) => describe(&chunk),
        Ok(Payload::Error(error)) => format!("{error:?}"),
        Err(malformed) => malformed.to_string(),
    };
    format!("{name}{said}")
}

fn describe(chunk: &Chunk) -> String {
    let content = if chunk.content {
        "content"
    } else {
        "no content"
    };
    let usage = chunk
        .usage
        .map(|usage| format!(", usage {}", counts(&usage)))
        .unwrap_or_default();
    format!(
        "{} choices, {content}, seen {:?}, finished {:?}{usage}",
        chunk.choices, chunk.seen, chunk.finished
    )
}

/// In, out, cached, reasoning, total.
pub(crate) fn counts(usage: &Usage) -> String {
    let count = |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
    format!(
        "in {} out {} cached {} reasoning {} total {}",
        count(usage.input_tokens),
        count(usage.output_tokens),
        count(usage.cached_input_tokens),
        count(usage.reasoning_tokens),
        count(usage.total_tokens)
    )
}

#[test]
fn only_what_a_caller_can_see_is_content() {
    for (delta, content) in [
        (r#"{}"#, false),
        (r#"{"role":"assistant"}"#, false),
        (r#"{"role":"assistant","content":""}"#, false),
        (
            r#"{"content":null,"tool_calls":[],"audio":{ },"refusal":""}"#,
            false,
        ),
        (r#"{"content":0,"x":true}"#, false),
        (r#"null"#, false),
        (r#"{"content":" "}"#, true),
        (r#"{"content":"\n"}"#, true),
        (r#"{"reasoning":"hm"}"#, true),
        (r#"{"function_call":{"name":"f"}}"#, true),
        (r#"{"tool_calls":[{}]}"#, true),
        (r#"{"r\u006fle":"assistant"}"#, false),
    ] {
        let Ok(Payload::Chunk(chunk)) =
            payload(format!(r#"{{"choices":[{{"delta":{delta}}}]}}"#).as_bytes())
        else {
            panic!()
        };
        assert_eq!(chunk.content, content, "{delta}");
    }
}

#[test]
fn errors_are_told_in_any_frame() {
    for data in [
        r#"{"code":429,"msg":"too many requests"}"#,
        r#"{"code":429}"#,
        r#"{"message":"Busy.","code":"engine_overloaded"}"#,
        r#"{"object":"error","message":"no"}"#,
        r#"{"type":"error","error":{"type":"overloaded_error"}}"#,
        r#"{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}"#,
        r#"{"choices":[{"index":0,"delta":{},"error":{"code":502}}]}"#,
    ] {
        assert!(
            matches!(payload(data.as_bytes()), Ok(Payload::Error(_))),
            "{data}"
        );
        assert!(stray_error(data.as_bytes()).is_some(), "{data}");
        assert!(
            stray_error(format!("error: {data}\n\n").as_bytes()).is_some(),
            "{data}"
        );
    }
    let said = stray_error(b"error: upstream timed out\n\n").unwrap();
    assert_eq!(said.message.as_deref(), Some("upstream timed out"));
    let named = named_error(br#"{"message":"Busy.","type":"overloaded_error"}"#);
    assert_eq!(named.kind.as_deref(), Some("overloaded_error"));
    let array =
        stray_error(br#"[{"error":{"code":503,"message":"Busy.","status":"UNAVAILABLE"}}]"#);
    assert_eq!(array.unwrap().status, Some(503));
}

#[test]
fn what_is_no_error_is_not_taken_for_one() {
    for data in [
        "{}",
        r#"{"type":"ping"}"#,
        r#"{"x":1}"#,
        r#"{"message":"hello"}"#,
        r#"{"status":"processing"}"#,
        r#"{"code":0,"message":"ok"}"#,
        r#"{"code":200,"message":"ok"}"#,
        r#"{"choices":[],"usage":{"total_tokens":1},"code":"x","message":"y"}"#,
    ] {
        assert!(
            matches!(payload(data.as_bytes()), Ok(Payload::Chunk(_))),
            "{data}"
        );
        assert_eq!(stray_error(data.as_bytes()), None, "{data}");
    }
    for raw in [
        "",
        "\n",
        ": error: no\n\n",
        "id: 7\n\n",
        "{\"error\": \"cut",
        "errors: x\n",
    ] {
        assert_eq!(stray_error(raw.as_bytes()), None, "{raw:?}");
    }
}

#[test]
fn a_usage_chunk_may_hold_more_than_usage() {
    let more = |members: &str| {
        let data = format!(
            r#"{{"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[],"usage":{{"total_tokens":2}}{members}}}"#
        );
        match payload(data.as_bytes()) {
            Ok(Payload::Chunk(chunk)) => chunk.more,
            other => panic!("{data}: {other:?}"),
        }
    };
    for members in [
        "",
        r#","system_fingerprint":"fp","service_tier":"default","provider":"X""#,
        r#","obfuscation":"aa","x_groq":{"id":"req"}"#,
        r#","citations":null,"timings":{},"error":{}"#,
    ] {
        assert!(!more(members), "{members}");
    }
    for members in [
        r#","citations":["https://example.org"]"#,
        r#","timings":{"predicted_ms":7}"#,
        r#","search_results":[{}]"#,
        r#","prompt_filter_results":[{}]"#,
    ] {
        assert!(more(members), "{members}");
    }
}

#[test]
fn checks_the_whole_payload_even_where_it_reads_nothing() {
    for data in [
        &b"{\"choices\":[],\"x\":{\"y\":tru}}"[..],
        b"{\"choices\":[],\"x\":\"\xff\"}",
        b"{\"choices\":[]} {}",
        b"{\"choices\":[]",
        b"\"[DONE]\"",
        b"[DONE] x",
    ] {
        assert!(
            payload(data).is_err(),
            "{:?}",
            String::from_utf8_lossy(data)
        );
    }
    assert_eq!(payload(b" [DONE]\r").unwrap(), Payload::Done);
}
