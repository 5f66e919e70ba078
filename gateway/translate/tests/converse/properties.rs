//! What holds for every answer, every request, and every string of bytes.

use fairlead_translate::converse::{Family, answer, error, request, stream};
use fairlead_translate::{
    Answer, Answered, Arguments, Block, Content, Conversation, Media, Notes, Origin, Piece, Role,
    Signature, Source, Target, Text, Turn,
};
use fairlead_wire::event_stream;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::common::{json as parsed, read};

/// A block of an answer, with the places where a stream cuts it.
#[derive(Debug, Clone)]
enum Said {
    Text(Vec<String>),
    Thought(Vec<String>, String),
    Redacted(Vec<u8>),
    Call(String, Vec<String>),
}

fn bits() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z \"\\\\\né😀]{1,6}", 1..4)
}

fn said() -> impl Strategy<Value = Said> {
    let arguments = ("[a-z\"\\\\{}é]{0,8}", any::<prop::sample::Index>()).prop_map(|(text, at)| {
        let whole: Vec<char> = json!({"q": text, "n": [1, {"x": null}]})
            .to_string()
            .chars()
            .collect();
        let (one, two) = whole.split_at(at.index(whole.len()));
        vec![one.iter().collect(), two.iter().collect()]
    });
    prop_oneof![
        bits().prop_map(Said::Text),
        (bits(), "[a-zA-Z0-9+/]{0,8}").prop_map(|(text, proof)| Said::Thought(text, proof)),
        proptest::collection::vec(any::<u8>(), 1..9).prop_map(Said::Redacted),
        ("[a-zA-Z0-9_.:-]{1,64}", arguments).prop_map(|(id, bits)| Said::Call(id, bits)),
        ("[a-z]{1,9}", Just(Vec::new())).prop_map(|(id, bits)| Said::Call(id, bits)),
    ]
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

fn whole(all: &[Said]) -> Vec<u8> {
    let blocks = all.iter().map(|said| match said {
        Said::Text(bits) => json!({"text": bits.concat()}),
        Said::Thought(bits, proof) => {
            json!({"reasoningContent": {"reasoningText": {"text": bits.concat(), "signature": proof}}})
        }
        Said::Redacted(bytes) => json!({"reasoningContent": {"redactedContent": base64(bytes)}}),
        Said::Call(id, bits) => {
            let input = if bits.is_empty() { "{}".to_owned() } else { bits.concat() };
            let input: Value = serde_json::from_str(&input).unwrap();
            json!({"toolUse": {"toolUseId": id, "name": "find", "input": input}})
        }
    });
    let blocks: Vec<_> = blocks.collect();
    json!({"output": {"message": {"role": "assistant", "content": blocks}}, "stopReason": "end_turn", "usage": usage()})
        .to_string()
        .into_bytes()
}

fn usage() -> Value {
    json!({"inputTokens": 3, "outputTokens": 4, "totalTokens": 7})
}

fn streamed(all: &[Said]) -> Vec<bytes::Bytes> {
    let frame =
        |name: &str, payload: Value| event_stream::event(name, payload.to_string().as_bytes());
    let mut frames = vec![frame("messageStart", json!({"role": "assistant"}))];
    for (at, said) in all.iter().enumerate() {
        let delta = |delta: Value| {
            frame(
                "contentBlockDelta",
                json!({"contentBlockIndex": at, "delta": delta}),
            )
        };
        match said {
            Said::Text(bits) => frames.extend(bits.iter().map(|bit| delta(json!({"text": bit})))),
            Said::Thought(bits, proof) => {
                let thought = |bit| delta(json!({"reasoningContent": {"text": bit}}));
                frames.extend(bits.iter().map(thought));
                frames.push(delta(json!({"reasoningContent": {"signature": proof}})));
            }
            Said::Redacted(bytes) => {
                let (one, two) = bytes.split_at(bytes.len() / 2);
                for bit in [one, two] {
                    frames.push(delta(
                        json!({"reasoningContent": {"redactedContent": base64(bit)}}),
                    ));
                }
            }
            Said::Call(id, bits) => {
                let start = json!({"contentBlockIndex": at, "start": {"toolUse": {"toolUseId": id, "name": "find"}}});
                frames.push(frame("contentBlockStart", start));
                frames.extend(
                    bits.iter()
                        .map(|bit| delta(json!({"toolUse": {"input": bit}}))),
                );
            }
        }
        frames.push(frame("contentBlockStop", json!({"contentBlockIndex": at})));
    }
    frames.push(frame("messageStop", json!({"stopReason": "end_turn"})));
    frames.push(frame("metadata", json!({"usage": usage()})));
    frames
}

/// What an answer says, texts of one kind in a row as one.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    all: Vec<(String, String)>,
    ended: Option<String>,
    used: Option<u64>,
}

impl Heard {
    fn add(&mut self, kind: String, text: &str) {
        match self.all.last_mut() {
            Some((last, said)) if *last == kind && kind.len() < 5 => said.push_str(text),
            _ => self.all.push((kind, text.to_owned())),
        }
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Begin { .. } => {}
            Piece::Text { text, .. } => self.add("text".into(), &text.unescaped()),
            Piece::Reasoning { text, .. } => self.add("hm".into(), &text.unescaped()),
            Piece::Signed { signature, .. } => {
                self.add("signed".into(), signature.value.as_written());
            }
            Piece::Redacted { data, .. } => self.add("redacted".into(), data.value.as_written()),
            Piece::Call { id, .. } => {
                let id = id.as_ref().unwrap().as_written().to_owned();
                self.all.push((format!("call {id}"), String::new()));
            }
            Piece::Arguments { fragment, .. } => {
                let (_, said) = self.all.last_mut().unwrap();
                said.push_str(&fragment.unescaped());
            }
            Piece::Finish { stop, .. } => self.ended = Some(format!("{stop:?}")),
            Piece::Usage(usage) => self.used = usage.whole_input(),
            other => panic!("{other:?}"),
        }
    }

    fn answer(answer: &Answer<'_>) -> Self {
        let mut heard = Self::default();
        let choice = &answer.choices[0];
        for block in &choice.blocks {
            match &block.content {
                Content::Text(text) => heard.add("text".into(), &text.unescaped()),
                Content::Reasoning { text, signature } => {
                    heard.add("hm".into(), &text.unescaped());
                    if let Some(signature) = signature {
                        heard.add("signed".into(), signature.value.as_written());
                    }
                }
                Content::Redacted(data) => heard.add("redacted".into(), data.value.as_written()),
                Content::Call {
                    id,
                    arguments: Arguments::Object(input),
                    ..
                } => {
                    heard
                        .all
                        .push((format!("call {}", id.as_written()), input.text().to_owned()));
                }
                other => panic!("{other:?}"),
            }
        }
        heard.ended = choice.stop.as_ref().map(|stop| format!("{stop:?}"));
        heard.used = answer.usage.and_then(|usage| usage.whole_input());
        heard
    }

    /// Arguments as the same text however they were written.
    fn normal(mut self) -> Self {
        for (kind, text) in &mut self.all {
            if kind.starts_with("call ") {
                *text = serde_json::from_str::<Value>(text).unwrap().to_string();
            }
        }
        self
    }
}

proptest! {
    #[test]
    fn whole_and_streamed_say_the_same(all in proptest::collection::vec(said(), 1..6), size in 1_usize..200) {
        let stream = streamed(&all).concat();
        let mut heard = Heard::default();
        read(&stream, size, Family::Claude, &mut |piece| heard.piece(&piece)).unwrap();
        let body = whole(&all);
        let Ok(Answered::Answer(answer)) = answer::read(&body, Family::Claude) else {
            panic!("no answer");
        };
        prop_assert_eq!(heard.normal(), Heard::answer(&answer).normal());
    }

    #[test]
    fn a_stream_that_is_cut_never_ends_well(all in proptest::collection::vec(said(), 1..4), cut in any::<prop::sample::Index>(), size in 1_usize..200) {
        let frames = streamed(&all);
        let stream = frames.concat();
        // The two last frames are the end and what was used.
        let before_end: usize = frames.iter().rev().skip(2).map(bytes::Bytes::len).sum();
        let cut = cut.index(before_end + 1);
        let mut ended = false;
        read(&stream[..cut], size, Family::Claude, &mut |piece| {
            ended |= matches!(piece, Piece::Finish { .. } | Piece::End | Piece::Error(_));
        }).unwrap();
        prop_assert!(!ended);
    }

    #[test]
    fn whatever_comes_is_read_or_refused(noise in proptest::collection::vec(any::<u8>(), 0..200), name in 0_usize..8) {
        let names = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata", "error", "aException"];
        let mut reader = stream::Reader::new(Family::Claude);
        let _ = reader.read(Some(names[name].as_bytes()), &noise, &mut |_| {});
        let _ = reader.read(Some(&noise), b"{}", &mut |_| {});
        let _ = answer::read(&noise, Family::Claude);
        let _ = error::read(&noise, None);
    }

    #[test]
    fn whatever_the_events_are_they_are_read_or_refused(events in proptest::collection::vec((0_usize..6, odd_json()), 0..8)) {
        let names = ["messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop", "metadata"];
        let mut reader = stream::Reader::new(Family::OpenAi);
        for (name, payload) in events {
            let _ = reader.read(Some(names[name].as_bytes()), payload.to_string().as_bytes(), &mut |_| {});
        }
    }

    #[test]
    fn every_request_keeps_the_rules(turns in turns(), model in 0_usize..3) {
        let conversation = Conversation { turns, ..Conversation::default() };
        let model = ["anthropic.claude-x", "amazon.nova-x", "meta.llama-x"][model];
        let target = Target { model, default_max_output: 1 };
        let body = parsed(&request::write(&conversation, &target, &mut Notes::default()));
        check(&body);
    }
}

/// JSON with the names of the format in odd places.
fn odd_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        Just(json!(0)),
        Just(json!(-1.5)),
        Just(json!("end_turn")),
        Just(json!("Zm8=")),
        Just(json!({})),
        Just(json!([]))
    ];
    let names = prop::sample::select(vec![
        "contentBlockIndex",
        "start",
        "delta",
        "toolUse",
        "toolUseId",
        "name",
        "input",
        "reasoningContent",
        "text",
        "signature",
        "redactedContent",
        "stopReason",
        "usage",
        "inputTokens",
        "type",
    ]);
    leaf.prop_recursive(4, 24, 4, move |inner| {
        proptest::collection::btree_map(names.clone(), inner, 0..4)
            .prop_map(|members| json!(members))
    })
}

fn content() -> impl Strategy<Value = Content<'static>> {
    let word = || "[a-z .é]{0,5}".prop_map(|text| Text::plain(&text).into_owned());
    let id = || "[ab|]{1}".prop_map(|id| Text::plain(&id).into_owned());
    let origin = prop::sample::select(vec![Origin::Anthropic, Origin::Bedrock, Origin::Gemini]);
    let media = |media_type: &'static str| Media {
        source: Source::Base64(Text::plain("AAAA")),
        media_type: Some(Text::plain(media_type)),
        name: Some(Text::plain("a_b.pdf")),
        detail: None,
    };
    prop_oneof![
        word().prop_map(Content::Text),
        Just(Content::Image(media("image/png"))),
        Just(Content::File(media("application/pdf"))),
        Just(Content::File(media("text/csv"))),
        (word(), origin).prop_map(|(text, origin)| Content::Reasoning {
            text,
            signature: Some(Signature {
                origin,
                value: Text::plain("s")
            }),
        }),
        (id(), word()).prop_map(|(id, name)| Content::Call {
            id,
            name,
            arguments: Arguments::Text(Text::default()),
            signature: None,
        }),
        (id(), word()).prop_map(|(id, said)| Content::Result {
            id,
            content: vec![Block::from(Content::Text(said))],
            is_error: true,
        }),
    ]
}

fn turns() -> impl Strategy<Value = Vec<Turn<'static>>> {
    let role = prop::sample::select(vec![Role::User, Role::Assistant, Role::System]);
    let cache = prop::option::of(Just(fairlead_translate::Cache::Default));
    let blocks = proptest::collection::vec((content(), cache), 0..4);
    proptest::collection::vec((role, blocks), 0..8).prop_map(|turns| {
        let turns = turns
            .into_iter()
            .enumerate()
            .map(|(at, (role, blocks))| Turn {
                role,
                blocks: blocks
                    .into_iter()
                    .map(|(content, cache)| Block { content, cache })
                    .collect(),
                name: None,
                at,
            });
        turns.collect()
    })
}

/// The rules of Converse for what is said.
fn check(body: &Value) {
    let messages = body["messages"].as_array().unwrap();
    let (mut names, mut has_tools) = (std::collections::BTreeSet::new(), false);
    let mut called: Vec<&Value> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let is_user = message["role"] == "user";
        assert_eq!(
            is_user,
            at % 2 == 0,
            "sides take turns, the user first: {body}"
        );
        let blocks = message["content"].as_array().unwrap();
        assert!(!blocks.is_empty(), "{body}");
        let (mut others, mut has_document, mut has_text) = (false, false, false);
        let mut calls = Vec::new();
        let mut last = "";
        for block in blocks {
            let (name, value) = block.as_object().unwrap().iter().next().unwrap();
            match name.as_str() {
                "text" => {
                    assert!(!value.as_str().unwrap().trim().is_empty());
                    has_text = true;
                }
                "toolResult" => {
                    assert!(is_user && !others, "results first: {body}");
                    assert!(called.contains(&&value["toolUseId"]), "{body}");
                }
                "toolUse" => {
                    assert!(!is_user && value["input"].is_object());
                    calls.push(&value["toolUseId"]);
                }
                "document" => {
                    has_document = true;
                    assert!(names.insert(value["name"].as_str().unwrap()), "{body}");
                }
                "cachePoint" => {
                    assert!(
                        !["", "reasoningContent", "cachePoint", "csv"].contains(&last),
                        "{body}"
                    );
                }
                "image" | "reasoningContent" => {}
                other => panic!("{other}"),
            }
            has_tools |= name.starts_with("tool");
            others |= !["toolResult", "cachePoint"].contains(&name.as_str());
            last = if value["format"] == "csv" {
                "csv"
            } else {
                name
            };
        }
        assert!(has_text || !has_document, "{body}");
        called = calls;
    }
    assert!(
        messages.len() % 2 == 1 || messages.is_empty(),
        "the user has the last word: {body}"
    );
    assert_eq!(has_tools, body.get("toolConfig").is_some(), "{body}");
}
