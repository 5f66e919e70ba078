//! What callers get, whole and streamed.

use fairlead_translate::answer::Choice;
use fairlead_translate::responses::{Echo, answer, error, request, stream};
use fairlead_translate::{
    Answer, Arguments, Block, Content, Origin, Piece, Signature, Stop, Text, Usage,
};
use serde_json::{Value, json};

use super::common::{HEAD, events, kinds, read, written};

fn text(text: &'static str) -> Text<'static> {
    Text::plain(text)
}

fn signature(origin: Origin, value: &'static str) -> Signature<'static> {
    Signature {
        origin,
        value: text(value),
    }
}

fn call(id: &'static str, name: &'static str, arguments: &'static str) -> Block<'static> {
    let content = Content::Call {
        id: text(id),
        name: text(name),
        arguments: Arguments::Text(text(arguments)),
        signature: None,
    };
    content.into()
}

fn thought(words: &'static str, signature: Option<Signature<'static>>) -> Block<'static> {
    Content::Reasoning {
        text: text(words),
        signature,
    }
    .into()
}

fn answer_of(blocks: Vec<Block<'static>>, stop: Option<Stop<'static>>) -> Answer<'static> {
    Answer {
        id: None,
        model: Some(text("model-1")),
        choices: vec![Choice {
            blocks,
            stop,
            logprobs: None,
        }],
        usage: Some(Usage {
            input: Some(10),
            cache_read: Some(2),
            output: Some(5),
            reasoning: Some(20),
            ..Usage::default()
        }),
    }
}

fn halves<'a>(text: &'a Text<'a>) -> [Text<'a>; 2] {
    let length = text.as_written().len();
    let middle = length / 2;
    [text.part(0, middle), text.part(middle, length)]
}

/// The same answer bit by bit: texts in halves.
fn pieces<'a>(answer: &'a Answer<'a>) -> Vec<Piece<'a>> {
    let mut pieces = vec![Piece::Begin {
        id: answer.id.clone(),
        model: answer.model.clone(),
    }];
    let choice = 0;
    let mut calls = 0;
    for block in &answer.choices[0].blocks {
        match &block.content {
            Content::Text(text) => {
                pieces.extend(halves(text).map(|text| Piece::Text { choice, text }));
            }
            Content::Refusal(text) => {
                pieces.extend(halves(text).map(|text| Piece::Refusal { choice, text }));
            }
            Content::Reasoning { text, signature } => {
                pieces.extend(halves(text).map(|text| Piece::Reasoning { choice, text }));
                if let Some(signature) = signature.clone() {
                    pieces.push(Piece::Signed { choice, signature });
                }
            }
            Content::Redacted(data) => pieces.push(Piece::Redacted {
                choice,
                data: data.clone(),
            }),
            Content::Call {
                id,
                name,
                arguments: Arguments::Text(arguments),
                signature,
            } => {
                let call = calls;
                calls += 1;
                pieces.push(Piece::Call {
                    choice,
                    call,
                    id: Some(id.borrowed()),
                    name: name.borrowed(),
                    signature: signature.clone(),
                });
                pieces.extend(halves(arguments).map(|fragment| Piece::Arguments {
                    choice,
                    call,
                    fragment,
                }));
            }
            Content::Image(_)
            | Content::File(_)
            | Content::Audio(_)
            | Content::Call { .. }
            | Content::Result { .. }
            | Content::Other(_) => panic!("in no answer of these tests"),
        }
    }
    if let Some(stop) = answer.choices[0].stop.clone() {
        pieces.push(Piece::Finish { choice, stop });
    }
    pieces.extend(answer.usage.map(Piece::Usage));
    pieces.push(Piece::End);
    pieces
}

/// The whole response, after a look at whether its stream says the same.
fn response(answer: &Answer<'_>, names: &Echo) -> Value {
    let whole: Value = serde_json::from_slice(&answer::with_tools(answer, &HEAD, names)).unwrap();
    let events = written(&pieces(answer), names);
    assert_eq!(events.last().unwrap()["response"], whole);
    whole
}

fn output(blocks: Vec<Block<'static>>, stop: Stop<'static>) -> Value {
    response(&answer_of(blocks, Some(stop)), &Echo::default())["output"].clone()
}

#[test]
fn a_response_has_all_that_sdks_demand() {
    let answer = answer_of(vec![Content::Text(text("Hi")).into()], Some(Stop::End));
    assert_eq!(
        response(&answer, &Echo::default()),
        json!({"id": "resp_abc", "object": "response", "created_at": 7, "status": "completed", "error": null, "incomplete_details": null,
            "instructions": null, "metadata": {}, "model": "model-1",
            "output": [{"id": "msg_abc_0", "type": "message", "role": "assistant", "status": "completed",
                "content": [{"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}]}],
            "background": false, "completed_at": null, "frequency_penalty": 0.0, "max_output_tokens": null, "max_tool_calls": null,
            "parallel_tool_calls": true, "presence_penalty": 0.0, "previous_response_id": null, "prompt_cache_key": null, "reasoning": null,
            "safety_identifier": null, "service_tier": "default", "store": false, "temperature": 1.0, "text": {"format": {"type": "text"}},
            "tool_choice": "auto", "tools": [], "top_logprobs": 0, "top_p": 1.0, "truncation": "disabled",
            "usage": {"input_tokens": 12, "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
                "output_tokens": 25, "output_tokens_details": {"reasoning_tokens": 20}, "total_tokens": 37}})
    );
    assert_eq!(
        answer::write(&answer, &HEAD),
        answer::with_tools(&answer, &HEAD, &Echo::default())
    );
}

#[test]
fn events_come_in_the_order_of_the_reference() {
    let answer = answer_of(
        vec![
            thought("Look it up.", Some(signature(Origin::OpenAi, "sig0"))),
            Content::Text(text("One moment.")).into(),
            call("call_1", "find", r#"{"q":"x"}"#),
        ],
        Some(Stop::Calls),
    );
    let events = written(&pieces(&answer), &Echo::default());
    assert_eq!(
        kinds(&events),
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.reasoning_summary_part.added",
            "response.reasoning_summary_text.delta",
            "response.reasoning_summary_text.done",
            "response.reasoning_summary_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let last = events.last().unwrap();
    assert_eq!(last["response"]["output"][0]["encrypted_content"], "sig0");
    let done = events
        .iter()
        .find(|it| it["type"] == "response.function_call_arguments.done");
    assert_eq!(done.unwrap()["name"], "find");
    let added = events
        .iter()
        .find(|it| it["item"]["type"] == "function_call")
        .unwrap();
    assert_eq!(
        added["item"],
        json!({"id": "fc_abc_2", "type": "function_call", "status": "in_progress", "call_id": "call_1", "name": "find", "arguments": ""})
    );
}

#[test]
fn every_stop_has_its_status() {
    for (stop, status, reason) in [
        (Stop::End, "completed", None),
        (Stop::Calls, "completed", None),
        (Stop::Sequence(None), "completed", None),
        (Stop::Other(text("eos")), "completed", None),
        (Stop::Length, "incomplete", Some("max_output_tokens")),
        (Stop::ContextFull, "incomplete", Some("max_output_tokens")),
        (Stop::Filtered(None), "incomplete", Some("content_filter")),
        (Stop::Paused, "incomplete", Some("paused")),
    ] {
        let answer = answer_of(vec![Content::Text(text("a")).into()], Some(stop));
        let response = response(&answer, &Echo::default());
        assert_eq!(response["status"], status);
        assert_eq!(response["output"][0]["status"], status);
        let details = reason.map(|reason| json!({"reason": reason}));
        assert_eq!(response["incomplete_details"], json!(details));
    }
}

#[test]
fn a_call_that_was_cut_off_is_incomplete() {
    let items = output(
        vec![call("1", "f", "{}"), call("2", "f", "{\"a\":")],
        Stop::Length,
    );
    assert_eq!(items[0]["status"], "completed");
    assert_eq!(items[1]["status"], "incomplete");
    assert_eq!(items[1]["arguments"], "{\"a\":");
}

#[test]
fn why_it_was_filtered_is_told_as_a_refusal() {
    let reason = || Stop::Filtered(Some(text("SAFETY")));
    let items = output(vec![], reason());
    assert_eq!(
        items[0]["content"],
        json!([{"type": "refusal", "refusal": "SAFETY"}])
    );
    let items = output(vec![Content::Text(text("Well")).into()], reason());
    assert_eq!(items[0]["content"][1]["refusal"], "SAFETY");
    // The model's own words are enough.
    let items = output(vec![Content::Refusal(text("No.")).into()], reason());
    assert_eq!(
        items[0]["content"],
        json!([{"type": "refusal", "refusal": "No."}])
    );
}

#[test]
fn foreign_signatures_ride_tagged() {
    let gemini = Content::Call {
        id: text("c"),
        name: text("f"),
        arguments: Arguments::Text(text("{}")),
        signature: Some(signature(Origin::Gemini, "g")),
    };
    let items = output(
        vec![
            thought("a", Some(signature(Origin::Anthropic, "s"))),
            thought("", Some(signature(Origin::Anthropic, "t"))),
            Content::Redacted(signature(Origin::Anthropic, "d")).into(),
            thought("unsigned", None),
            gemini.into(),
        ],
        Stop::Calls,
    );
    let carried: Vec<_> = items
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["encrypted_content"].as_str())
        .collect();
    assert_eq!(
        carried,
        [
            Some("fairlead:anthropic:s"),
            Some("fairlead:anthropic:t"),
            Some("fairlead:anthropic+redacted:d"),
            None,
            Some("fairlead:gemini+call:g"),
            None
        ]
    );
    // Sent back, they are what they were.
    let body = json!({"input": items}).to_string();
    let conversation = read(&body);
    let blocks = &conversation.turns[0].blocks;
    assert_eq!(blocks.len(), 5);
    assert!(
        matches!(&blocks[0].content, Content::Reasoning { text, signature: Some(it) }
        if *text == "a" && it.origin == Origin::Anthropic && it.value == "s")
    );
    assert!(
        matches!(&blocks[1].content, Content::Reasoning { text, signature: Some(it) }
        if text.is_empty() && it.value == "t")
    );
    assert!(matches!(&blocks[2].content, Content::Redacted(it) if it.value == "d"));
    assert!(matches!(
        &blocks[3].content,
        Content::Reasoning {
            signature: None,
            ..
        }
    ));
    assert!(
        matches!(&blocks[4].content, Content::Call { signature: Some(it), .. }
        if it.origin == Origin::Gemini && it.value == "g")
    );
}

const TOOLS: &str = r#"{"input":[{"type":"additional_tools","role":"developer","tools":[{"type":"custom","name":"late"}]}],"tools":[{"type":"function","name":"plain"},{"type":"custom","name":"apply_patch"},
    {"type":"namespace","name":"mcp","description":"","tools":[{"type":"function","name":"get"},{"type":"custom","name":"run"}]}]}"#;

#[test]
fn custom_and_namespaced_calls_come_back_as_the_caller_knows_them() {
    let names = request::echo(TOOLS.as_bytes());
    let answer = answer_of(
        vec![
            call("1", "plain", "{}"),
            call("2", "apply_patch", r#"{"input":"*** \"a\"\n"}"#),
            call("3", "mcp__get", r#"{"a":1}"#),
            call("4", "mcp__run", r#"{"input":"ls"}"#),
            call("5", "late", "ls"),
        ],
        Some(Stop::Calls),
    );
    let items = response(&answer, &names)["output"].clone();
    let of = |at: usize, key: &str| items[at][key].as_str().map(str::to_owned);
    let rows: Vec<_> = (0..5)
        .map(|at| {
            let said = of(at, "input").or_else(|| of(at, "arguments")).unwrap();
            (
                of(at, "type").unwrap(),
                of(at, "namespace"),
                of(at, "name").unwrap(),
                said,
            )
        })
        .collect();
    let row = |kind: &str, namespace: Option<&str>, name: &str, said: &str| {
        (
            kind.to_owned(),
            namespace.map(str::to_owned),
            name.to_owned(),
            said.to_owned(),
        )
    };
    assert_eq!(
        rows,
        [
            row("function_call", None, "plain", "{}"),
            row("custom_tool_call", None, "apply_patch", "*** \"a\"\n"),
            row("function_call", Some("mcp"), "get", r#"{"a":1}"#),
            row("custom_tool_call", Some("mcp"), "run", "ls"),
            row("custom_tool_call", None, "late", "ls"),
        ]
    );
    assert_eq!(of(1, "id").unwrap(), "ctc_abc_1");
    assert!(request::echo(br#"{"tools":[{"type":"function","name":"f"}]}"#).is_empty());
    assert!(request::echo(b"custom").is_empty());
}

#[test]
fn calls_whose_fragments_interleave_are_written_one_after_the_other() {
    let choice = 0;
    let begin = |call, id| Piece::Call {
        choice,
        call,
        id: Some(text(id)),
        name: text("f"),
        signature: None,
    };
    let more = |call, fragment| Piece::Arguments {
        choice,
        call,
        fragment: text(fragment),
    };
    let said = |words| Piece::Text {
        choice,
        text: text(words),
    };
    let events = written(
        &[
            begin(0, "a"),
            begin(1, "b"),
            more(0, "{\"x\""),
            more(1, "{\"y\""),
            said("meanwhile"),
            more(0, ":1}"),
            more(1, ":2}"),
            Piece::Finish {
                choice,
                stop: Stop::Calls,
            },
        ],
        &Echo::default(),
    );
    let items = events.last().unwrap()["response"]["output"].clone();
    assert_eq!(items[0]["arguments"], "{\"x\":1}");
    assert_eq!(items[1]["arguments"], "{\"y\":2}");
    assert_eq!(items[2]["content"][0]["text"], "meanwhile");
}

#[test]
fn a_second_call_is_not_held_once_the_first_is_whole() {
    let mut writer = stream::Writer::new(&HEAD);
    let mut out = Vec::new();
    let choice = 0;
    for (call, id) in [(0, "a"), (1, "b")] {
        writer.write(
            &Piece::Call {
                choice,
                call,
                id: Some(text(id)),
                name: text("f"),
                signature: None,
            },
            &mut out,
        );
        let fragment = text("{}");
        writer.write(
            &Piece::Arguments {
                choice,
                call,
                fragment,
            },
            &mut out,
        );
    }
    let events = events(&out);
    let last = events.last().unwrap();
    assert_eq!(
        (&last["output_index"], &last["delta"]),
        (&json!(1), &json!("{}"))
    );
}

#[test]
fn a_broken_stream_fails_in_the_surfaces_words() {
    let mut writer = stream::Writer::new(&HEAD);
    let mut out = Vec::new();
    let begin = Piece::Begin {
        id: Some(text("resp_theirs")),
        model: None,
    };
    writer.write(&begin, &mut out);
    let said = Piece::Text {
        choice: 0,
        text: text("Hal"),
    };
    writer.write(&said, &mut out);
    writer.fail("server_error", "The provider's stream broke.", &mut out);
    let length = out.len();
    writer.write(&said, &mut out);
    writer.end(&mut out);
    assert_eq!(out.len(), length, "nothing comes after a failure");
    let events = events(&out);
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.failed");
    assert_eq!(last["response"]["id"], "resp_theirs");
    assert_eq!(last["response"]["status"], "failed");
    assert_eq!(
        last["response"]["error"],
        json!({"code": "server_error", "message": "The provider's stream broke."})
    );
    assert_eq!(last["response"]["usage"], Value::Null, "unknown, not 0");
    // An error of the provider's does the same, even first of all.
    let mut writer = stream::Writer::new(&HEAD);
    let mut out = Vec::new();
    writer.write(
        &Piece::Error(fairlead_wire::openai::ErrorFacts::default()),
        &mut out,
    );
    assert_eq!(
        kinds(&super::common::events(&out)),
        [
            "response.created",
            "response.in_progress",
            "response.failed"
        ]
    );
}

#[test]
fn log_probabilities_of_chat_are_put_where_responses_has_them() {
    let logprobs = "{\"content\":[{\"token\":\"H\",\n\"logprob\":-0.5,\"bytes\":[72],\"top_logprobs\":[]}],\"refusal\":null}";
    let raw = fairlead_json::Raw::parse(logprobs, &fairlead_json::Limits::default()).unwrap();
    let mut answer = answer_of(vec![Content::Text(text("H")).into()], Some(Stop::End));
    answer.choices[0].logprobs = Some(raw.into());
    let whole: Value = serde_json::from_slice(&answer::write(&answer, &HEAD)).unwrap();
    let expected = json!([{"token": "H", "logprob": -0.5, "bytes": [72], "top_logprobs": []}]);
    assert_eq!(whole["output"][0]["content"][0]["logprobs"], expected);
    let events = written(
        &[
            Piece::Text {
                choice: 0,
                text: text("H"),
            },
            Piece::Logprobs {
                choice: 0,
                logprobs: raw,
            },
        ],
        &Echo::default(),
    );
    let done = events
        .iter()
        .find(|it| it["type"] == "response.output_text.done");
    assert_eq!(done.unwrap()["logprobs"], expected);
}

#[test]
fn errors_have_openais_shape() {
    let error: Value = serde_json::from_slice(&error(400, "unsupported", "No \"x\".")).unwrap();
    assert_eq!(
        error,
        json!({"error": {"message": "No \"x\".", "type": "invalid_request_error", "param": null, "code": "unsupported"}})
    );
    for (status, kind) in [
        (401, "authentication_error"),
        (403, "permission_error"),
        (429, "rate_limit_error"),
        (422, "invalid_request_error"),
        (502, "server_error"),
    ] {
        let error: Value =
            serde_json::from_slice(&fairlead_translate::responses::error(status, "c", "m"))
                .unwrap();
        assert_eq!(error["error"]["type"], kind);
    }
}
