//! The usage of OpenAI's APIs and of those that call themselves compatible, by its parts.

use fairlead_wire::openai::{Answer, Part, Payload, Usage, answer, media_payload, payload};
use fairlead_wire::usage::{Media, Parts, Served};

fn parts(usage: &str) -> Parts {
    Usage::of(usage).unwrap().parts
}

fn told(input: u64, output: u64) -> Parts {
    Parts {
        input: Some(input),
        output: Some(output),
        ..Parts::default()
    }
}

#[test]
fn what_came_from_a_cache_is_counted_once_wherever_it_is_told() {
    for usage in [
        // OpenAI.
        r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_tokens_details":{"cached_tokens":80}}"#,
        // DeepSeek.
        r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"prompt_cache_hit_tokens":80,"prompt_cache_miss_tokens":20}"#,
        // Moonshot, and a zero in the other place.
        r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"cached_tokens":80,"prompt_tokens_details":{"cached_tokens":0}}"#,
        // Both places.
        r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_cache_hit_tokens":80,"prompt_tokens_details":{"cached_tokens":80}}"#,
        // LiteLLM: the names of Anthropic's, within the prompt.
        r#"{"prompt_tokens":100,"completion_tokens":5,"total_tokens":105,"cache_read_input_tokens":80,"prompt_tokens_details":{"cached_tokens":80}}"#,
        // The same names beside the prompt: more than there is of it, or as the total shows.
        r#"{"prompt_tokens":20,"completion_tokens":5,"cache_read_input_tokens":80}"#,
        r#"{"prompt_tokens":20,"completion_tokens":5,"total_tokens":105,"cache_read_input_tokens":80}"#,
    ] {
        let expected = Parts {
            cache_read: Some(80),
            ..told(20, 5)
        };
        assert_eq!(parts(usage), expected, "{usage}");
        let totals = Usage::of(usage).unwrap();
        assert_eq!(
            (totals.input_tokens, totals.cached_input_tokens),
            (Some(100), Some(80)),
            "{usage}"
        );
    }
}

#[test]
fn what_was_thought_is_counted_once_wherever_it_is_told() {
    for usage in [
        // OpenAI: a part of the completion.
        r#"{"prompt_tokens":10,"completion_tokens":105,"total_tokens":115,"completion_tokens_details":{"reasoning_tokens":100}}"#,
        // xAI: beside it.
        r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,"completion_tokens_details":{"reasoning_tokens":100}}"#,
        // Google's compatible API: not told but for the total.
        r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115}"#,
        // Perplexity.
        r#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,"reasoning_tokens":100}"#,
    ] {
        let expected = Parts {
            reasoning: Some(100),
            ..told(10, 5)
        };
        assert_eq!(parts(usage), expected, "{usage}");
        assert_eq!(
            Usage::of(usage).unwrap().output_tokens,
            Some(105),
            "{usage}"
        );
    }
}

#[test]
fn a_cache_that_is_written_to_and_searches_are_told_by_some() {
    let usage = r#"{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":50,"cache_write_tokens":30},"num_search_queries":4}"#;
    let expected = Parts {
        cache_read: Some(50),
        cache_write: Some(30),
        searches: 4,
        ..told(20, 5)
    };
    assert_eq!(parts(usage), expected);
}

#[test]
fn only_a_sum_tells_no_part() {
    let usage = Usage::of(r#"{"total_tokens":7}"#).unwrap();
    assert_eq!((usage.total_tokens, usage.parts.told()), (Some(7), None));
    for nothing in [
        "null",
        "[]",
        "{}",
        "7",
        r#"{"seconds":12,"type":"duration"}"#,
        r#"{"prompt_tokens":-7}"#,
        "{",
    ] {
        assert_eq!(Usage::of(nothing), None, "{nothing}");
    }
}

fn whole(body: &str, part: Part) -> Usage {
    match answer(body.as_bytes(), part) {
        Ok(Answer::Complete(facts)) => facts.usage.unwrap(),
        other => panic!("{other:?}"),
    }
}

fn event(
    read: fn(&[u8]) -> Result<Payload, fairlead_wire::openai::Malformed>,
    data: &str,
) -> Usage {
    match read(data.as_bytes()) {
        Ok(Payload::Chunk(chunk)) => chunk.usage.unwrap(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn embeddings_have_input_alone() {
    let usage = whole(
        r#"{"object":"list","data":[{"embedding":[0.1]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#,
        Part::Data,
    );
    let expected = Parts {
        input: Some(8),
        ..Parts::default()
    };
    assert_eq!(usage.parts, expected);
}

#[test]
fn pictures_and_sounds_are_no_text() {
    const USAGE: &str = r#""usage":{"total_tokens":100,"input_tokens":50,"output_tokens":50,"input_tokens_details":{"text_tokens":10,"image_tokens":40}}"#;
    let expected = Parts {
        media: Media {
            input_image: 40,
            output_image: 50,
            ..Media::default()
        },
        ..told(50, 50)
    };
    let made = whole(
        &format!(r#"{{"created":1,"data":[{{"b64_json":"x"}}],{USAGE}}}"#),
        Part::Data,
    );
    assert_eq!(made.parts, expected);
    let last = event(
        media_payload,
        &format!(r#"{{"type":"image_generation.completed",{USAGE}}}"#),
    );
    assert_eq!(last.parts, expected);

    let spoken = event(
        media_payload,
        r#"{"type":"speech.audio.done","usage":{"input_tokens":14,"output_tokens":101,"total_tokens":115}}"#,
    );
    assert_eq!(spoken.parts.media.output_audio, 101);
    let heard = r#"{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":0,"audio_tokens":14},"output_tokens":45,"total_tokens":59}"#;
    let expected = Parts {
        media: Media {
            input_audio: 14,
            ..Media::default()
        },
        ..told(14, 45)
    };
    assert_eq!(
        whole(&format!(r#"{{"text":"x","usage":{heard}}}"#), Part::Text).parts,
        expected
    );
    let last = event(
        media_payload,
        &format!(r#"{{"usage":{heard},"type":"transcript.text.done"}}"#),
    );
    assert_eq!(last.parts, expected);
}

#[test]
fn the_tier_stands_beside_the_usage() {
    for (word, served) in [
        ("default", Some(Served::Standard)),
        ("flex", Some(Served::Flex)),
        ("priority", Some(Served::Priority)),
        ("scale", Some(Served::Committed)),
        ("on_demand", Some(Served::Standard)),
        ("auto", None),
    ] {
        let usage = r#""usage":{"prompt_tokens":1,"completion_tokens":2}"#;
        let body = format!(
            r#"{{"service_tier":"{word}","choices":[{{"message":{{"content":"x"}},"finish_reason":"stop"}}],{usage}}}"#
        );
        assert_eq!(whole(&body, Part::Choices).parts.served, served, "{word}");
        let last = format!(r#"{{"choices":[],{usage},"service_tier":"{word}"}}"#);
        assert_eq!(event(payload, &last).parts.served, served, "{word}");
    }
}

#[test]
fn the_usage_of_a_chunk_may_stand_in_a_choice() {
    let chunk = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":3,"completion_tokens":4,"cached_tokens":2}}]}"#;
    let usage = event(payload, chunk);
    assert_eq!(
        (usage.parts.input, usage.parts.cache_read),
        (Some(1), Some(2))
    );
    let both = chunk.replace(r#"]}"#, r#"],"usage":{"prompt_tokens":9}}"#);
    assert_eq!(event(payload, &both).input_tokens, Some(9), "read once");
}
