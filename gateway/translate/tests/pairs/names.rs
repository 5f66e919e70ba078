//! Names of tools that a provider does not take: told in its grammar, and given back as the caller's own.

use fairlead_translate::{
    Answer, Arguments, Block, Choice, Content, Conversation, Grammar, Head, Names, Piece, Stop,
    Text, Tool, responses,
};
use serde_json::Value;

use crate::formats::{ALL, Format, HEAD, Reader, Writer};
use crate::heard::stream;

fn grammar(format: Format) -> Grammar {
    match format {
        Format::Chat | Format::Responses => Grammar::OPENAI,
        Format::Messages => Grammar::ANTHROPIC,
        Format::Gemini => Grammar::GEMINI,
    }
}

fn asking(name: &str) -> Conversation<'_> {
    let tool = Tool {
        name: Text::plain(name),
        description: None,
        parameters: None,
        strict: None,
        cache: None,
    };
    Conversation {
        tools: vec![tool],
        ..Conversation::default()
    }
}

fn calling(name: Text<'_>) -> Answer<'_> {
    let call = Content::Call {
        id: Text::plain("call_1"),
        name,
        arguments: Arguments::Text(Text::plain("{}")),
        signature: None,
    };
    Answer {
        choices: vec![Choice {
            blocks: vec![Block::from(call)],
            stop: Some(Stop::Calls),
            logprobs: None,
        }],
        ..Answer::default()
    }
}

fn called(name: Text<'_>) -> [Piece<'_>; 4] {
    [
        Piece::Begin {
            id: None,
            model: None,
        },
        Piece::Call {
            choice: 0,
            call: 0,
            id: Some(Text::plain("call_1")),
            name,
            signature: None,
        },
        Piece::Arguments {
            choice: 0,
            call: 0,
            fragment: Text::plain("{}"),
        },
        Piece::Finish {
            choice: 0,
            stop: Stop::Calls,
        },
    ]
}

/// What a caller of `given` gets, in one piece and streamed, of a call by a provider of `sent` who was told another name.
fn given(name: &str, sent: Format, given: Format) -> [String; 2] {
    let conversation = asking(name);
    let (body, notes) = sent.write(&conversation);
    assert_eq!(notes.all(), [], "{sent:?}");
    let told = grammar(sent).name(&conversation.tools[0].name).into_owned();
    let body = String::from_utf8(body).unwrap();
    assert!(
        body.contains(&format!("\"{}\"", told.as_written())),
        "{sent:?} {body}"
    );
    let names = Names::of(&conversation, &grammar(sent));
    let whole = sent.answer(&calling(told.borrowed()));
    let fairlead_translate::Answered::Answer(answer) =
        names.answered(sent.answered(&whole).unwrap())
    else {
        panic!("no answer");
    };
    let whole = given.answer(&answer);
    let (mut writer, mut out) = (Writer::of(given), Vec::new());
    let mut reader = Reader::of(sent);
    crate::checks::each_event(&stream(sent, &called(told.borrowed())), |name, data| {
        let read = reader.read(name, data, &mut |piece| {
            writer.write(&names.piece(piece), &mut out);
        });
        read.is_ok()
    });
    writer.end(&mut out);
    [whole, out].map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn a_call_comes_back_under_the_callers_name_whoever_was_told_another() {
    let long = format!("mcp/find.{}", "x".repeat(150));
    for name in ["find", "mcp.find", "7:find", "mcp/find", &long] {
        for sent in ALL {
            for asked in ALL {
                for answer in given(name, sent, asked) {
                    let expected = format!("\"name\":\"{name}\"");
                    assert!(answer.contains(&expected), "{sent:?} {asked:?} {answer}");
                }
            }
        }
    }
}

#[test]
fn a_namespace_is_found_again_though_the_flat_name_was_too_long() {
    let (namespace, name) = ("n".repeat(40), "f".repeat(40));
    let body = format!(
        r#"{{"model":"m","input":"Hi.","tools":[{{"type":"namespace","name":"{namespace}","tools":[{{"type":"function","name":"{name}"}}]}}]}}"#
    );
    let conversation = responses::request::read(body.as_bytes()).unwrap();
    let names = Names::of(&conversation, &Grammar::OPENAI);
    let told = Grammar::OPENAI
        .name(&conversation.tools[0].name)
        .into_owned();
    assert!(told.as_written().len() <= 64 && !names.is_empty());
    let answer = names.answer(calling(told));
    let echo = responses::request::echo(body.as_bytes());
    let head: Head<'_> = HEAD;
    let answer = responses::answer::with_tools(&answer, &head, &echo);
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    let call = &answer["output"][0];
    assert_eq!(
        (&call["namespace"], &call["name"]),
        (&namespace.into(), &name.into())
    );
}
