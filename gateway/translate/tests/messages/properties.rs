//! What holds for every answer, every request, and every string of bytes.

use fairlead_translate::messages::{answer, request, stream};
use fairlead_translate::{
    Answer, Answered, Arguments, Block, Choice, Content, Origin, Piece, Signature, Stop, Text,
    Usage,
};
use proptest::prelude::*;

use crate::HEAD;
use crate::client::message;
use crate::streams::relayed;

/// A bit of an answer, with the places where a stream cuts its text.
#[derive(Debug, Clone)]
enum Said {
    Text(Vec<String>),
    Thought(Vec<String>, bool),
    Redacted(String),
    /// Calls whose fragments are told in turns.
    Calls(Vec<(String, Vec<String>)>),
}

fn fragments() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z \"\\\\\né😀]{0,6}", 0..4)
}

fn cut(text: &str, at: &[prop::sample::Index]) -> Vec<String> {
    let characters: Vec<char> = text.chars().collect();
    let mut places: Vec<usize> = at.iter().map(|at| at.index(characters.len() + 1)).collect();
    places.extend([0, characters.len()]);
    places.sort_unstable();
    places
        .windows(2)
        .map(|pair| characters[pair[0]..pair[1]].iter().collect())
        .collect()
}

fn call() -> impl Strategy<Value = (String, Vec<String>)> {
    let arguments = prop_oneof![
        Just(String::new()),
        Just("{}".to_owned()),
        "[a-z\"\\\\{}\\[\\]é]{0,8}"
            .prop_map(|text| serde_json::json!({"q": text, "n": [1, {"x": null}]}).to_string()),
    ];
    let id = "[a-z.]{0,5}";
    (
        id,
        arguments,
        proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    )
        .prop_map(|(id, arguments, at)| (id, cut(&arguments, &at)))
}

fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        fragments().prop_map(Said::Text),
        (fragments(), any::<bool>()).prop_map(|(text, signed)| Said::Thought(text, signed)),
        "[a-z]{1,4}".prop_map(Said::Redacted),
        proptest::collection::vec(call(), 1..4).prop_map(Said::Calls),
    ]
}

fn stop() -> impl Strategy<Value = Stop<'static>> {
    prop_oneof![
        Just(Stop::End),
        Just(Stop::Length),
        Just(Stop::Calls),
        Just(Stop::Filtered(Some(Text::plain("why")))),
        Just(Stop::Sequence(Some(Text::plain("END")))),
    ]
}

fn signature(value: &str) -> Signature<'_> {
    Signature {
        origin: Origin::Gemini,
        value: Text::plain(value),
    }
}

fn whole(all: &[Said], stop: Stop<'static>, usage: Usage) -> Answer<'static> {
    let mut blocks = Vec::new();
    for said in all {
        match said {
            Said::Text(text) => {
                blocks.push(Content::Text(Text::plain(&text.concat()).into_owned()));
            }
            Said::Thought(text, signed) => blocks.push(Content::Reasoning {
                text: Text::plain(&text.concat()).into_owned(),
                signature: signed.then(|| signature("sig")),
            }),
            Said::Redacted(data) => blocks.push(Content::Redacted(Signature {
                origin: Origin::Anthropic,
                value: Text::plain(data).into_owned(),
            })),
            Said::Calls(calls) => {
                for (id, arguments) in calls {
                    blocks.push(Content::Call {
                        id: Text::plain(id).into_owned(),
                        name: Text::plain("find"),
                        arguments: Arguments::Text(Text::plain(&arguments.concat()).into_owned()),
                        signature: None,
                    });
                }
            }
        }
    }
    Answer {
        choices: vec![Choice {
            blocks: blocks.into_iter().map(Block::from).collect(),
            stop: Some(stop),
            logprobs: None,
        }],
        usage: Some(usage),
        ..Answer::default()
    }
}

fn pieces(all: &[Said]) -> Vec<Piece<'_>> {
    let mut pieces = vec![Piece::Begin {
        id: None,
        model: None,
    }];
    let mut first = 0;
    for said in all {
        match said {
            Said::Text(texts) => pieces.extend(texts.iter().map(|text| Piece::Text {
                choice: 0,
                text: Text::plain(text),
            })),
            Said::Thought(texts, signed) => {
                pieces.extend(texts.iter().map(|text| Piece::Reasoning {
                    choice: 0,
                    text: Text::plain(text),
                }));
                pieces.extend(signed.then(|| Piece::Signed {
                    choice: 0,
                    signature: signature("sig"),
                }));
            }
            Said::Redacted(data) => pieces.push(Piece::Redacted {
                choice: 0,
                data: Signature {
                    origin: Origin::Anthropic,
                    value: Text::plain(data),
                },
            }),
            Said::Calls(calls) => {
                interleave(&mut pieces, calls, first);
                first += u64::try_from(calls.len()).unwrap();
            }
        }
    }
    pieces
}

fn interleave<'a>(pieces: &mut Vec<Piece<'a>>, calls: &'a [(String, Vec<String>)], first: u64) {
    for (call, (id, _)) in (first..).zip(calls) {
        pieces.push(Piece::Call {
            choice: 0,
            call,
            id: (!id.is_empty()).then(|| Text::plain(id)),
            name: Text::plain("find"),
            signature: None,
        });
    }
    let most = calls.iter().map(|(_, fragments)| fragments.len()).max();
    for turn in 0..most.unwrap_or_default() {
        for (call, (_, fragments)) in (first..).zip(calls) {
            pieces.extend(fragments.get(turn).map(|fragment| Piece::Arguments {
                choice: 0,
                call,
                fragment: Text::plain(fragment),
            }));
        }
    }
}

fn streamed(all: &[Said], stop: Stop<'static>, usage: Usage) -> Vec<u8> {
    let mut writer = stream::Writer::new(&HEAD);
    let mut out = Vec::new();
    let finish = Piece::Finish { choice: 0, stop };
    for piece in pieces(all).into_iter().chain([finish, Piece::Usage(usage)]) {
        writer.write(&piece, &mut out);
    }
    writer.end(&mut out);
    out
}

proptest! {
    #[test]
    fn deltas_add_up_to_the_whole_answer(all in proptest::collection::vec(said(), 0..6), stop in stop(), output in 0..9_u64) {
        let usage = Usage { input: Some(7), output: Some(output), ..Usage::default() };
        let stream = streamed(&all, stop.clone(), usage);
        let whole = answer::write(&whole(&all, stop, usage), &HEAD);
        prop_assert_eq!(message(&stream), crate::json(&whole));
        // And once more, through a reader each.
        let again = relayed(std::str::from_utf8(&stream).unwrap());
        prop_assert_eq!(message(&again), crate::json(&whole));
        let Ok(Answered::Answer(read)) = answer::read(&whole) else {
            return Ok(());
        };
        prop_assert_eq!(crate::json(&answer::write(&read, &HEAD)), crate::json(&whole));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = request::read(&bytes);
        let _ = answer::read(&bytes);
        let _ = stream::Reader::default().read(None, &bytes, &mut |_| {});
    }

    #[test]
    fn no_odd_member_makes_it_panic(name in "[a-z_]{1,12}", at in any::<prop::sample::Index>(), value in prop_oneof![
        Just("null"), Just("1"), Just("\"\""), Just("[]"), Just("{}"), Just("[[{}]]"), Just("\"\\ud800\""), Just("-1e999"), Just("true")
    ]) {
        // Some value of a request, of an answer and of an event gives way to another.
        for text in [REQUEST, ANSWER, EVENT] {
            let places: Vec<usize> = text.match_indices(':').map(|(place, _)| place).collect();
            let place = *at.get(&places);
            let odd = format!("{}: {value}, \"{name}\"{}", &text[..place], &text[place..]);
            if let Ok(conversation) = request::read(odd.as_bytes()) {
                let mut notes = fairlead_translate::Notes::default();
                let body = request::write(&conversation, &crate::TARGET, &mut notes);
                fairlead_json::well_formed(&body, &fairlead_json::Limits::default()).unwrap();
            }
            if let Ok(Answered::Answer(answer)) = answer::read(odd.as_bytes()) {
                fairlead_json::well_formed(&answer::write(&answer, &HEAD), &fairlead_json::Limits::default()).unwrap();
            }
            let _ = stream::Reader::default().read(None, odd.as_bytes(), &mut |_| {});
        }
    }

    #[test]
    fn no_truncation_makes_it_panic(at in any::<prop::sample::Index>()) {
        for text in [REQUEST, ANSWER, EVENT] {
            let cut = &text.as_bytes()[..at.index(text.len())];
            prop_assert!(request::read(cut).is_err());
            prop_assert!(answer::read(cut).is_err());
            let read = stream::Reader::default().read(None, cut, &mut |_| {});
            prop_assert!(read.is_err() || cut.is_empty());
        }
    }
}

const REQUEST: &str = r#"{"max_tokens":9,"system":[{"type":"text","text":"a"}],"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://a"}},{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"b"}]}]}],"tools":[{"name":"a","input_schema":{"type":"object"}}],"thinking":{"type":"enabled","budget_tokens":2000},"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}}"#;
const ANSWER: &str = r#"{"id":"msg_1","content":[{"type":"thinking","thinking":"a","signature":"b"},{"type":"tool_use","id":"a","name":"b","input":{"q":1}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":2,"cache_creation":{"ephemeral_5m_input_tokens":1}}}"#;
const EVENT: &str = r#"{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"a","name":"b","input":{"q":1}}}"#;
