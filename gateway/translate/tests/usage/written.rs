use fairlead_translate::{Answer, Block, Choice, Content, Piece, Stop, Text};
use fairlead_wire::usage::{Media, Served};
use serde_json::{Value, json};

use crate::{HEAD, Usage, chat, gemini, messages, responses};

const USED: Usage = Usage {
    input: Some(30),
    cache_read: Some(60),
    cache_write: Some(10),
    cache_write_hour: Some(4),
    output: Some(25),
    reasoning: Some(20),
    media: Media {
        input_audio: 6,
        input_image: 0,
        input_video: 0,
        cached_audio: 2,
        cached_image: 0,
        output_audio: 5,
        output_image: 0,
    },
    searches: 2,
    served: Some(Served::Priority),
};

fn answer(usage: Usage) -> Answer<'static> {
    Answer {
        choices: vec![Choice {
            blocks: vec![Block::from(Content::Text(Text::plain("x")))],
            stop: Some(Stop::End),
            logprobs: None,
        }],
        usage: Some(usage),
        ..Answer::default()
    }
}

fn read(body: &[u8]) -> Value {
    serde_json::from_slice(body).expect("JSON")
}

#[test]
fn each_surface_tells_what_it_has_a_place_for() {
    let answer = answer(USED);
    let told = read(&chat::answer::write(&answer, &HEAD));
    assert_eq!(told["service_tier"], "priority");
    assert_eq!(
        told["usage"],
        json!({
            "prompt_tokens": 100, "completion_tokens": 45, "total_tokens": 145,
            "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10, "audio_tokens": 8},
            "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5},
        })
    );
    let told = read(&messages::answer::write(&answer, &HEAD));
    assert_eq!(
        told["usage"],
        json!({
            "input_tokens": 30, "cache_creation_input_tokens": 10, "cache_read_input_tokens": 60,
            "cache_creation": {"ephemeral_5m_input_tokens": 6, "ephemeral_1h_input_tokens": 4},
            "output_tokens": 45, "output_tokens_details": {"thinking_tokens": 20},
            "server_tool_use": {"web_search_requests": 2}, "service_tier": "priority",
        })
    );
    let told = read(&responses::answer::with_tools(
        &answer,
        &HEAD,
        &responses::Echo::default(),
    ));
    assert_eq!(told["service_tier"], "priority");
    assert_eq!(told["usage"]["input_tokens"], 100);
    assert_eq!(told["usage"]["total_tokens"], 145);
    let told = read(&gemini::answer::write(&answer, &HEAD));
    assert_eq!(told["usageMetadata"]["promptTokenCount"], 100);
    assert_eq!(told["usageMetadata"]["totalTokenCount"], 145);
}

#[test]
fn a_tier_that_a_surface_has_no_word_for_is_not_told() {
    let by = |served| {
        let answer = answer(Usage {
            served: Some(served),
            ..USED
        });
        let chat = read(&chat::answer::write(&answer, &HEAD));
        let messages = read(&messages::answer::write(&answer, &HEAD));
        let tier = |value: &Value| value.as_str().map(str::to_owned);
        (
            tier(&chat["service_tier"]),
            tier(&messages["usage"]["service_tier"]),
        )
    };
    let words = |chat: &str, messages: &str| {
        let word = |word: &str| (!word.is_empty()).then(|| word.to_owned());
        (word(chat), word(messages))
    };
    assert_eq!(by(Served::Standard), words("default", "standard"));
    assert_eq!(by(Served::Flex), words("flex", ""));
    assert_eq!(by(Served::Batch), words("", "batch"));
    assert_eq!(by(Served::Committed), words("", "priority"));
}

#[test]
fn a_stream_of_chat_tells_the_tier_with_its_usage() {
    let mut writer = chat::stream::Writer::new(&HEAD);
    let mut out = Vec::new();
    let (choice, text, stop) = (0, Text::plain("x"), Stop::End);
    for piece in [
        Piece::Text { choice, text },
        Piece::Finish { choice, stop },
        Piece::Usage(USED),
    ] {
        writer.write(&piece, &mut out);
    }
    writer.end(&mut out);
    let out = String::from_utf8(out).expect("text");
    let last = out.lines().rfind(|line| line.contains("prompt_tokens"));
    let last = read(last.expect("usage").trim_start_matches("data: ").as_bytes());
    assert_eq!(last["service_tier"], "priority");
    assert_eq!(last["usage"]["prompt_tokens_details"]["audio_tokens"], 8);
}
