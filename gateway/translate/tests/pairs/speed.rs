//! How long it takes to put a prompt of 100 KB into other words. Figures with `cargo test --release --test pairs speed -- --nocapture`.

use std::time::{Duration, Instant};

use fairlead_translate::{Arguments, Block, Content, Conversation, Role, Text, Tool, Turn, Value};

use crate::formats::{ALL, Format};

/// What is aimed at, optimised.
const AIM: Duration = Duration::from_micros(300);
/// How far beyond it a busy machine may be, and how far code that is not optimised.
const SLACK: u32 = if cfg!(debug_assertions) { 20_000 } else { 5 };
/// The best of so many.
const TIMES: usize = if cfg!(debug_assertions) { 3 } else { 200 };

/// An agent's conversation of about 100 KB: long texts with escapes, calls, results, tools with schemas.
fn body(format: Format) -> Vec<u8> {
    let text =
        "A line of a prompt, as it stands in a file: \"quoted\", indented\tand ended.\n".repeat(12);
    let mut turns: Vec<_> = (0..84).map(|at| turn(at, &text)).collect();
    turns.push(Turn {
        role: Role::User,
        blocks: vec![Content::Text(Text::plain("Go on.")).into()],
        name: None,
        at: 84,
    });
    let conversation = Conversation {
        system: vec![Content::Text(Text::plain("Be brief.")).into()],
        turns,
        tools: (0..40).map(tool).collect(),
        max_output: Some(900),
        ..Conversation::default()
    };
    format.write(&conversation).0
}

/// A question, a call, a result, and again.
fn turn(at: usize, text: &str) -> Turn<'static> {
    let id = Text::escaped(format!("call_{}", at / 3));
    let said = Content::Text(Text::plain(text).into_owned());
    let (role, content) = match at % 3 {
        0 => (Role::User, said),
        1 => {
            let arguments = Text::plain(r#"{"path":"src/main.rs","lines":[1,20]}"#).into_owned();
            let call = Content::Call {
                id,
                name: Text::plain("tool_0"),
                arguments: Arguments::Text(arguments),
                signature: None,
            };
            (Role::Assistant, call)
        }
        _ => {
            let result = Content::Result {
                id,
                content: vec![said.into()],
                is_error: false,
            };
            (Role::User, result)
        }
    };
    Turn {
        role,
        blocks: vec![Block::from(content)],
        name: None,
        at,
    }
}

fn tool(at: usize) -> Tool<'static> {
    let properties: Vec<String> = (0..10)
        .map(|at| {
            format!(
                r#""member_{at}":{{"type":"string","description":"What it is, in a few words."}}"#
            )
        })
        .collect();
    let properties = properties.join(",");
    Tool {
        name: Text::escaped(format!("tool_{at}")),
        description: Some(Text::plain("Does what is asked of it.")),
        parameters: Some(Value::made(format!(
            r#"{{"type":"object","properties":{{{properties}}}}}"#
        ))),
        strict: None,
        cache: None,
    }
}

#[test]
fn a_prompt_of_100_kb_is_translated_in_no_time() {
    for asked in ALL {
        let body = body(asked);
        let length = body.len();
        assert!((90_000..140_000).contains(&length), "{length}");
        for sent in ALL {
            if asked == sent {
                continue;
            }
            let once = || {
                let began = Instant::now();
                let (written, _) = sent.write(&asked.read(&body).unwrap());
                let took = began.elapsed();
                assert!(written.len() > length / 2);
                took
            };
            let best = (0..TIMES).map(|_| once()).min().unwrap();
            println!("{asked:?} to {sent:?}: {length} bytes in {best:?}");
            assert!(best < AIM * SLACK, "{asked:?} to {sent:?}: {best:?}");
        }
    }
}

#[test]
fn to_look_for_what_others_have_signed_costs_next_to_nothing() {
    use fairlead_translate::chat::request::{CallIds, Host};
    use fairlead_translate::{chat, gemini, messages};
    let mistral = Host {
        refuses_thoughts: true,
        call_ids: CallIds::NineCharacters,
        ..Host::STRICT
    };
    let bodies = [Format::Chat, Format::Messages, Format::Gemini].map(body);
    let [of_chat, of_messages, of_gemini] = &bodies;
    let looks: [(&str, &dyn Fn() -> bool); 5] = [
        ("chat", &|| {
            chat::request::own(of_chat, &Host::STRICT).is_none()
        }),
        ("chat, ids of nine characters", &|| {
            chat::request::own(of_chat, &mistral).is_some()
        }),
        ("messages", &|| {
            messages::request::own(of_messages).is_none()
        }),
        ("gemini 2", &|| {
            gemini::request::own(of_gemini, "gemini-2.5-pro").is_none()
        }),
        ("gemini 3, with calls", &|| {
            gemini::request::own(of_gemini, "gemini-3-pro").is_none()
        }),
    ];
    for (name, look) in looks {
        let once = || {
            let began = Instant::now();
            assert!(look(), "{name}");
            began.elapsed()
        };
        let best = (0..TIMES).map(|_| once()).min().unwrap();
        println!("{name}: {best:?}");
        assert!(best < AIM * SLACK, "{name}: {best:?}");
    }
}
