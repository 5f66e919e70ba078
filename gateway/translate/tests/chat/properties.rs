//! What holds of all answers and of all bytes.

use fairlead_translate::chat::stream::{Reader, Writer};
use fairlead_translate::chat::{answer, request};
use fairlead_translate::{
    Answer, Arguments, Block, Choice, Content, Notes, Origin, Piece, Signature, Stop, Text, Usage,
};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::assemble::{again, data, whole};
use crate::shared::{HEAD, TARGET};

fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just("x".to_owned()), "[a-z \"\\\\\n\u{e9}\u{1F600}]{1,12}"]
}

fn signature() -> impl Strategy<Value = Signature<'static>> {
    let origin = prop_oneof![
        Just(Origin::Anthropic),
        Just(Origin::OpenAi),
        Just(Origin::Gemini),
        Just(Origin::Unknown)
    ];
    (origin, "[a-zA-Z0-9+/=:]{1,12}").prop_map(|(origin, value)| Signature {
        origin,
        value: Text::plain(&value).into_owned(),
    })
}

fn text(text: &str) -> Text<'static> {
    Text::plain(text).into_owned()
}

/// Blocks in the order in which this format says them.
fn blocks() -> impl Strategy<Value = Vec<Content<'static>>> {
    let thought = prop_oneof![
        (words(), signature()).prop_map(|(words, proof)| Content::Reasoning {
            text: text(&words),
            signature: Some(proof)
        }),
        signature().prop_map(Content::Redacted),
    ];
    let call = (
        words(),
        prop::option::of("[a-z]{1,3}"),
        prop::option::of(signature()),
    );
    let call = call.prop_map(|(name, arguments, signature)| Content::Call {
        id: Text::default(),
        name: text(&name),
        arguments: Arguments::Text(arguments.map_or(Text::default(), |value| {
            text(&format!("{{\"q\":\"{value}\"}}"))
        })),
        signature,
    });
    (
        prop::collection::vec(thought, 0..3),
        prop::option::of(words().prop_map(|words| Content::Text(text(&words)))),
        prop::option::of(words().prop_map(|words| Content::Refusal(text(&words)))),
        prop::collection::vec(call, 0..3),
    )
        .prop_map(|(mut blocks, said, refusal, calls)| {
            blocks.extend(said);
            blocks.extend(refusal);
            blocks.extend(calls);
            blocks
        })
}

fn answers() -> impl Strategy<Value = Answer<'static>> {
    let stop = prop_oneof![
        Just(Stop::End),
        Just(Stop::Length),
        Just(Stop::Calls),
        Just(Stop::Filtered(None)),
        Just(Stop::ContextFull)
    ];
    let choice = (blocks(), stop).prop_map(|(contents, stop)| Choice {
        blocks: contents.into_iter().map(Block::from).collect(),
        stop: Some(stop),
        logprobs: None,
    });
    let count = || prop::option::of(0_u64..9);
    let usage = (0_u64..9, count(), 0_u64..9, count());
    (prop::collection::vec(choice, 1..3), prop::option::of(usage)).prop_map(|(choices, usage)| {
        Answer {
            id: Some(text("c1")),
            model: Some(text("m")),
            choices,
            usage: usage.map(|(input, cache_read, output, reasoning)| Usage {
                input: Some(input),
                cache_read,
                output: Some(output),
                reasoning,
                ..Usage::default()
            }),
        }
    })
}

/// An answer as pieces, its texts in two halves each.
fn each_piece(answer: &Answer<'_>, mut call: impl FnMut(Piece<'_>)) {
    call(Piece::Begin {
        id: answer.id.clone(),
        model: answer.model.clone(),
    });
    for (entry, choice) in answer.choices.iter().zip(0..) {
        let mut number = 0;
        for block in &entry.blocks {
            match &block.content {
                Content::Text(text) => halves(text, |text| call(Piece::Text { choice, text })),
                Content::Refusal(text) => {
                    halves(text, |text| call(Piece::Refusal { choice, text }));
                }
                Content::Reasoning { text, signature } => {
                    halves(text, |text| call(Piece::Reasoning { choice, text }));
                    if let Some(signature) = signature.clone() {
                        call(Piece::Signed { choice, signature });
                    }
                }
                Content::Redacted(data) => call(Piece::Redacted {
                    choice,
                    data: data.clone(),
                }),
                Content::Call {
                    name,
                    arguments: Arguments::Text(arguments),
                    signature,
                    ..
                } => {
                    call(Piece::Call {
                        choice,
                        call: number,
                        id: None,
                        name: name.clone(),
                        signature: signature.clone(),
                    });
                    halves(arguments, |fragment| {
                        call(Piece::Arguments {
                            choice,
                            call: number,
                            fragment,
                        });
                    });
                    number += 1;
                }
                other => panic!("{other:?}"),
            }
        }
        call(Piece::Finish {
            choice,
            stop: entry.stop.clone().unwrap(),
        });
    }
    if let Some(usage) = answer.usage {
        call(Piece::Usage(usage));
    }
    call(Piece::End);
}

fn halves(text: &Text<'_>, mut call: impl FnMut(Text<'_>)) {
    let said = text.unescaped();
    let half = said
        .char_indices()
        .nth(said.chars().count() / 2)
        .map_or(0, |(at, _)| at);
    let (one, two) = said.split_at(half);
    call(Text::plain(one));
    call(Text::plain(two));
}

fn streamed(answer: &Answer<'_>) -> String {
    let mut writer = Writer::new(&HEAD);
    let mut out = Vec::new();
    each_piece(answer, |piece| writer.write(&piece, &mut out));
    writer.end(&mut out);
    String::from_utf8(out).unwrap()
}

fn written(answer: &Answer<'_>) -> Value {
    serde_json::from_slice(&answer::write(answer, &HEAD)).unwrap()
}

proptest! {
    #[test]
    fn deltas_add_up_to_the_whole_answer(answer in answers()) {
        prop_assert_eq!(whole(&streamed(&answer)), written(&answer));
    }

    #[test]
    fn what_is_written_is_read_again(answer in answers()) {
        let once = written(&answer);
        prop_assert_eq!(again(&once), once.clone());
        let stream = streamed(&answer);
        let stream = crate::assemble::through(&data(&stream)).unwrap();
        prop_assert_eq!(whole(&stream), once);
    }

    #[test]
    fn a_stream_that_is_cut_has_no_end_that_was_not_there(answer in answers(), cut in any::<prop::sample::Index>()) {
        let stream = streamed(&answer);
        let events = data(&stream);
        let events = &events[..cut.index(events.len() + 1)];
        let there = events.iter().filter(|event| event.contains("\"finish_reason\":\"")).count();
        let mut reader = Reader::default();
        let (mut ends, mut over) = (0, 0);
        for event in events {
            reader.read(None, event.as_bytes(), &mut |piece| match piece {
                Piece::Finish { .. } => ends += 1,
                Piece::End => over += 1,
                _ => {}
            }).unwrap();
        }
        prop_assert_eq!(ends, there);
        prop_assert_eq!(over, events.iter().filter(|event| **event == "[DONE]").count());
    }

    #[test]
    fn no_bytes_make_anything_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&bytes);
    }

    #[test]
    fn no_shape_makes_anything_panic(body in shapes()) {
        read_everything(body.to_string().as_bytes());
    }
}

/// JSON made of the format's own words.
fn shapes() -> impl Strategy<Value = Value> {
    let name = prop::sample::select(vec![
        "messages",
        "role",
        "content",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "id",
        "index",
        "type",
        "choices",
        "delta",
        "message",
        "finish_reason",
        "usage",
        "reasoning_details",
        "reasoning",
        "text",
        "signature",
        "image_url",
        "url",
        "file",
        "file_data",
        "tools",
        "tool_choice",
        "stop",
        "response_format",
        "json_schema",
        "extra_content",
        "error",
        "tool_call_id",
        "thinking",
        "x_groq",
    ]);
    let word = prop::sample::select(vec![
        "user",
        "assistant",
        "tool",
        "system",
        "function",
        "text",
        "stop",
        "",
        "data:image/png;base64,AA",
        "reasoning.text",
        "reasoning.encrypted",
        "fairlead:",
        "fairlead:x",
        "data:",
        "data:,",
        "json_schema",
        "allowed_tools",
        "error",
        "\\\"",
        "\u{1F600}",
    ]);
    let leaf = prop_oneof![
        word.prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(Value::Null),
        any::<bool>().prop_map(Value::from)
    ];
    leaf.prop_recursive(6, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..5).prop_map(|members| {
                Value::Object(
                    members
                        .into_iter()
                        .map(|(name, value)| (name.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

fn read_everything(bytes: &[u8]) {
    if let Ok(conversation) = request::read(bytes) {
        let mut notes = Notes::default();
        let body = request::write(&conversation, &TARGET, &mut notes);
        let _: Value = serde_json::from_slice(&body).unwrap();
    }
    if let Ok(fairlead_translate::Answered::Answer(read)) = answer::read(bytes) {
        let _: Value = serde_json::from_slice(&answer::write(&read, &HEAD)).unwrap();
    }
    let (mut reader, mut writer, mut out) = (Reader::default(), Writer::new(&HEAD), Vec::new());
    for _ in 0..2 {
        let _ = reader.read(None, bytes, &mut |piece| writer.write(&piece, &mut out));
    }
    writer.end(&mut out);
    for event in data(std::str::from_utf8(&out).unwrap()) {
        assert!(
            event == "[DONE]" || serde_json::from_str::<Value>(event).is_ok(),
            "{event}"
        );
    }
}

#[test]
fn no_truncation_makes_anything_panic() {
    let request = json!({"messages": [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "\u{e9}\n"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]},
        {"role": "assistant", "content": null, "reasoning_details": [{"type": "reasoning.text", "text": "w", "signature": "s"}], "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "a", "content": "1"},
    ], "tools": [{"type": "function", "function": {"name": "f", "parameters": {}}}]});
    let chunk = json!({"id": "c", "choices": [{"index": 0, "delta": {"content": "x", "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}]}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}});
    let answer = json!({"id": "c", "choices": [{"index": 0, "message": {"content": "x"}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 1}});
    for text in [request.to_string(), chunk.to_string(), answer.to_string()] {
        for until in 0..=text.len() {
            read_everything(&text.as_bytes()[..until]);
        }
    }
}

/// So many that what takes the square of it would not be done today.
const MANY: usize = 30_000;

#[test]
fn many_of_anything_in_a_request_take_no_square_of_time() {
    let user = |content: Value| json!({"role": "user", "content": content});
    let result =
        json!({"role": "tool", "tool_call_id": "x", "content": [{"type": "text", "text": "x"}]});
    for body in [
        json!({"messages": [user(json!(vec![json!({"type": "text", "text": "x"}); MANY]))]}),
        json!({"messages": [user(json!(vec![json!({"type": "x"}); MANY]))]}),
        json!({"messages": vec![user(json!("x")); MANY]}),
        json!({"messages": vec![result; MANY]}),
        json!({"messages": [user(json!("x"))], "tools": vec![json!({"type": "x"}); MANY]}),
    ] {
        let body = body.to_string();
        let conversation = request::read(body.as_bytes()).unwrap();
        request::write(&conversation, &TARGET, &mut Notes::default());
    }
}

#[test]
fn many_of_anything_in_a_stream_take_no_square_of_time() {
    let chunk = |delta: Value| json!({"choices": [{"index": 0, "delta": delta}]}).to_string();
    let streams: [&dyn Fn(usize) -> String; 3] = [
        &|at| {
            chunk(
                json!({"tool_calls": [{"index": 0, "id": at.to_string(), "function": {"name": "f"}}]}),
            )
        },
        &|at| {
            chunk(
                json!({"reasoning": "x", "reasoning_details": [{"type": "reasoning.encrypted", "data": at.to_string()}]}),
            )
        },
        &|at| {
            json!({"choices": [{"index": at, "delta": {}, "finish_reason": "stop"}], "usage": {"completion_tokens": 99}}).to_string()
        },
    ];
    for each in streams {
        let said = r#"{"choices":[{"index":9999999,"delta":{"content":"x"}}]}"#;
        let (mut reader, mut writer, mut out) = (Reader::default(), Writer::new(&HEAD), Vec::new());
        for at in 0..=MANY {
            let event = if at == 0 { said.to_owned() } else { each(at) };
            let mut piece = |piece: Piece<'_>| writer.write(&piece, &mut out);
            reader.read(None, event.as_bytes(), &mut piece).unwrap();
        }
        writer.end(&mut out);
    }
}
