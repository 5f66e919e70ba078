//! Answers and conversations as they might be, in no format's words.

use fairlead_translate::{
    Answer, Arguments, Block, Choice, Content, Conversation, Origin, Piece, Role, Signature, Stop,
    Text, Tool, ToolChoice, Turn, Usage, Value,
};
use proptest::prelude::*;

/// One thing that a model says, as it is split.
#[derive(Debug, Clone)]
pub(crate) enum Bit {
    Thought(Vec<String>, Option<Origin>),
    Text(Vec<String>),
    Call(Vec<String>),
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Said {
    pub(crate) bits: Vec<Bit>,
    pub(crate) is_cut: bool,
    pub(crate) output: u64,
}

/// Something is said: blank texts are refused by one dialect, and left out for it.
fn words() -> impl Strategy<Value = String> {
    "[a-z][a-z \"\\\\\n\u{e9}\u{1F600}]{1,8}"
}

fn text() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(words(), 1..4)
}

fn arguments() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        Just(vec!["{}".to_owned()]),
        "[a-z]{1,4}".prop_map(|word| vec![
            "{\"q\":".to_owned(),
            format!("\"{word}\\n\\u00e9\""),
            ",\"n\":1.50}".to_owned()
        ]),
    ]
}

/// What was thought comes first, then words, then calls: the order that every format has.
pub(crate) fn said() -> impl Strategy<Value = Said> {
    let origin = prop_oneof![
        Just(Origin::Anthropic),
        Just(Origin::OpenAi),
        Just(Origin::Gemini)
    ];
    let thought = (text(), prop::option::of(origin));
    (
        prop::option::of(thought),
        prop::option::of(text()),
        prop::collection::vec(arguments(), 0..3),
        any::<bool>(),
        1..9_u64,
    )
        .prop_map(|(thought, text, calls, is_cut, output)| {
            let mut bits = Vec::new();
            bits.extend(thought.map(|(text, origin)| Bit::Thought(text, origin)));
            // An answer that says nothing is another matter.
            let text = text.or_else(|| calls.is_empty().then(|| vec!["x".to_owned()]));
            bits.extend(text.map(Bit::Text));
            bits.extend(calls.into_iter().map(Bit::Call));
            Said {
                bits,
                is_cut,
                output,
            }
        })
}

fn owned(text: &str) -> Text<'static> {
    Text::plain(text).into_owned()
}

fn proof(origin: Origin) -> Signature<'static> {
    Signature {
        origin,
        value: Text::plain("c2ln"),
    }
}

impl Said {
    pub(crate) fn stop(&self) -> Stop<'static> {
        if self.is_cut {
            return Stop::Length;
        }
        let calls = self.bits.iter().any(|bit| matches!(bit, Bit::Call(_)));
        if calls { Stop::Calls } else { Stop::End }
    }

    fn usage(&self) -> Usage {
        Usage {
            input: Some(7),
            output: Some(self.output),
            ..Usage::default()
        }
    }

    /// As it comes at once.
    pub(crate) fn whole(&self) -> Answer<'static> {
        let mut calls = 0;
        let blocks = self.bits.iter().map(|bit| match bit {
            Bit::Thought(texts, origin) => Content::Reasoning {
                text: owned(&texts.concat()),
                signature: origin.map(proof),
            },
            Bit::Text(texts) => Content::Text(owned(&texts.concat())),
            Bit::Call(fragments) => {
                calls += 1;
                Content::Call {
                    id: owned(&format!("call_{calls}")),
                    name: Text::plain("find"),
                    arguments: Arguments::Text(owned(&fragments.concat())),
                    signature: None,
                }
            }
        });
        Answer {
            id: Some(Text::plain("id1")),
            model: Some(Text::plain("m")),
            choices: vec![Choice {
                blocks: blocks.map(Block::from).collect(),
                stop: Some(self.stop()),
                logprobs: None,
            }],
            usage: Some(self.usage()),
        }
    }

    /// As it comes bit by bit.
    pub(crate) fn pieces(&self) -> Vec<Piece<'_>> {
        let choice = 0;
        let mut calls = 0;
        let mut pieces = vec![Piece::Begin {
            id: Some(Text::plain("id1")),
            model: Some(Text::plain("m")),
        }];
        for bit in &self.bits {
            match bit {
                Bit::Thought(texts, origin) => {
                    pieces.extend(texts.iter().map(|text| Piece::Reasoning {
                        choice,
                        text: Text::plain(text),
                    }));
                    pieces.extend(origin.map(|origin| Piece::Signed {
                        choice,
                        signature: proof(origin),
                    }));
                }
                Bit::Text(texts) => pieces.extend(texts.iter().map(|text| Piece::Text {
                    choice,
                    text: Text::plain(text),
                })),
                Bit::Call(fragments) => {
                    let call = calls;
                    calls += 1;
                    pieces.push(Piece::Call {
                        choice,
                        call,
                        id: Some(owned(&format!("call_{calls}"))),
                        name: Text::plain("find"),
                        signature: None,
                    });
                    pieces.extend(fragments.iter().map(|fragment| Piece::Arguments {
                        choice,
                        call,
                        fragment: Text::plain(fragment),
                    }));
                }
            }
        }
        pieces.push(Piece::Finish {
            choice,
            stop: self.stop(),
        });
        pieces.push(Piece::Usage(self.usage()));
        pieces.push(Piece::End);
        pieces
    }
}

/// What a caller and a model have said so far: who speaks first, and answers of calls with their results.
pub(crate) fn conversation() -> impl Strategy<Value = Conversation<'static>> {
    let step = (
        words(),
        prop::option::of(words()),
        prop::collection::vec((arguments(), words()), 0..3),
    );
    (
        prop::option::of(words()),
        prop::collection::vec(step, 0..4),
        words(),
        any::<bool>(),
        prop::option::of(1..900_u64),
    )
        .prop_map(|(system, steps, last, forced, max_output)| {
            let choice = if forced {
                ToolChoice::Tool(Text::plain("find"))
            } else {
                ToolChoice::Auto
            };
            let system = system.map(|text| Content::Text(owned(&text)).into());
            Conversation {
                system: system.into_iter().collect(),
                turns: turns(steps, &last),
                tools: vec![find()],
                tool_choice: Some(choice),
                max_output: max_output.map(|most| most + 16),
                ..Conversation::default()
            }
        })
}

/// What is asked, what is said to it, and what is called with what result.
type Step = (String, Option<String>, Vec<(Vec<String>, String)>);

fn turns(steps: Vec<Step>, last: &str) -> Vec<Turn<'static>> {
    let mut turns = Vec::new();
    let mut calls = 0;
    for (asked, answered, called) in steps {
        turns.push(turn(Role::User, &turns, vec![Content::Text(owned(&asked))]));
        let answered = answered.or_else(|| called.is_empty().then(|| "x".to_owned()));
        let text = answered.map(|text| Content::Text(owned(&text)));
        let (mut said, mut results) = (Vec::from_iter(text), Vec::new());
        for (arguments, result) in called {
            calls += 1;
            let id = owned(&format!("call_{calls}"));
            said.push(Content::Call {
                id: id.clone(),
                name: Text::plain("find"),
                arguments: Arguments::Text(owned(&arguments.concat())),
                signature: None,
            });
            results.push(Content::Result {
                id,
                content: vec![Content::Text(owned(&result)).into()],
                is_error: false,
            });
        }
        turns.push(turn(Role::Assistant, &turns, said));
        if !results.is_empty() {
            turns.push(turn(Role::User, &turns, results));
            let said = vec![Content::Text(Text::plain("Done."))];
            turns.push(turn(Role::Assistant, &turns, said));
        }
    }
    turns.push(turn(Role::User, &turns, vec![Content::Text(owned(last))]));
    turns
}

fn find() -> Tool<'static> {
    let schema = r#"{"type":"object","properties":{"q":{"type":"string"}}}"#;
    Tool {
        name: Text::plain("find"),
        description: Some(Text::plain("Finds.")),
        parameters: Some(Value::made(schema.to_owned())),
        strict: None,
        cache: None,
    }
}

fn turn(role: Role, before: &[Turn<'_>], contents: Vec<Content<'static>>) -> Turn<'static> {
    Turn {
        role,
        blocks: contents.into_iter().map(Block::from).collect(),
        name: None,
        at: before.len(),
    }
}
