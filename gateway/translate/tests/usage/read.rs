use fairlead_wire::usage::{Media, Served};
use serde_json::{Value, json};

use crate::Dialect::{self, Chat, Converse, Gemini, Messages, Responses};
use crate::{Usage, streamed, whole};

/// Dialect, usage, what stands beside it; the parts.
type Row = (Dialect, Value, Value, Usage);

fn parts(input: u64, cache_read: u64, output: u64) -> Usage {
    Usage {
        input: Some(input),
        cache_read: Some(cache_read),
        output: Some(output),
        ..Usage::default()
    }
}

fn openai() -> Vec<Row> {
    vec![
        (
            Chat,
            json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150, "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 30, "cached_tokens_details": {"audio_tokens": 10}}, "completion_tokens_details": {"reasoning_tokens": 20, "audio_tokens": 5, "accepted_prediction_tokens": 3, "rejected_prediction_tokens": 2}}),
            json!({"service_tier": "flex"}),
            Usage {
                reasoning: Some(20),
                media: Media {
                    input_audio: 20,
                    cached_audio: 10,
                    output_audio: 5,
                    ..Media::default()
                },
                served: Some(Served::Flex),
                ..parts(40, 60, 30)
            },
        ),
        (
            Responses,
            json!({"input_tokens": 100, "output_tokens": 50, "total_tokens": 150, "input_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 10}, "output_tokens_details": {"reasoning_tokens": 20}}),
            json!({"service_tier": "priority"}),
            Usage {
                cache_write: Some(10),
                reasoning: Some(20),
                served: Some(Served::Priority),
                ..parts(30, 60, 30)
            },
        ),
    ]
}

fn anthropic() -> Vec<Row> {
    let split = |tier: &str| json!({"input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 30, "cache_creation": {"ephemeral_5m_input_tokens": 20, "ephemeral_1h_input_tokens": 10}, "output_tokens": 50, "output_tokens_details": {"thinking_tokens": 20}, "server_tool_use": {"web_search_requests": 3, "web_fetch_requests": 2}, "service_tier": tier});
    let told = Usage {
        cache_write: Some(30),
        cache_write_hour: Some(10),
        reasoning: Some(20),
        searches: 3,
        served: Some(Served::Standard),
        ..parts(10, 100, 30)
    };
    let by = |served| Usage {
        served: Some(served),
        ..told
    };
    vec![
        (Messages, split("standard"), json!({}), told),
        (Messages, split("batch"), json!({}), by(Served::Batch)),
        // Bought beforehand, and no dearer way.
        (
            Messages,
            split("priority"),
            json!({}),
            by(Served::Committed),
        ),
        (
            Messages,
            json!({"input_tokens": 10, "cache_read_input_tokens": 0, "output_tokens": 5, "service_tier": "standard", "speed": "fast", "cache_creation": null}),
            json!({}),
            Usage {
                served: Some(Served::Fast),
                ..parts(10, 0, 5)
            },
        ),
    ]
}

fn others() -> Vec<Row> {
    vec![
        (
            Gemini,
            json!({"promptTokenCount": 100, "cachedContentTokenCount": 60, "toolUsePromptTokenCount": 5, "candidatesTokenCount": 30, "thoughtsTokenCount": 20, "totalTokenCount": 155, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 50}, {"modality": "AUDIO", "tokenCount": 30}, {"modality": "IMAGE", "tokenCount": 20}], "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}], "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 7}], "trafficType": "ON_DEMAND_PRIORITY"}),
            json!({}),
            Usage {
                reasoning: Some(20),
                media: Media {
                    input_audio: 20,
                    input_image: 20,
                    cached_audio: 10,
                    output_image: 7,
                    ..Media::default()
                },
                served: Some(Served::Priority),
                ..parts(45, 60, 30)
            },
        ),
        (
            Gemini,
            json!({"promptTokenCount": 9, "cachedContentTokenCount": 0, "candidatesTokenCount": 3, "serviceTier": "flex"}),
            json!({}),
            Usage {
                served: Some(Served::Flex),
                ..parts(9, 0, 3)
            },
        ),
        (
            Converse,
            json!({"inputTokens": 10, "outputTokens": 50, "totalTokens": 190, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 30, "cacheDetails": [{"ttl": "5m", "inputTokens": 20}, {"ttl": "1h", "inputTokens": 10}]}),
            json!({"serviceTier": {"type": "priority"}}),
            Usage {
                cache_write: Some(30),
                cache_write_hour: Some(10),
                served: Some(Served::Priority),
                ..parts(10, 100, 50)
            },
        ),
        (
            Converse,
            json!({"inputTokens": 10, "outputTokens": 50, "cacheReadInputTokens": 0}),
            json!({"serviceTier": {"type": "default"}, "performanceConfig": {"latency": "optimized"}}),
            Usage {
                served: Some(Served::Fast),
                ..parts(10, 0, 50)
            },
        ),
        (
            Converse,
            json!({"inputTokens": 10, "outputTokens": 50, "cacheReadInputTokens": 0}),
            json!({"serviceTier": {"type": "reserved"}, "performanceConfig": {"latency": "standard"}}),
            Usage {
                served: Some(Served::Committed),
                ..parts(10, 0, 50)
            },
        ),
    ]
}

#[test]
fn every_dialect_tells_the_same_parts_whole_and_streamed() {
    for (dialect, usage, beside, expected) in [openai(), anthropic(), others()].concat() {
        let told = whole(dialect, &usage, &beside);
        assert_eq!(told, Some(expected), "{dialect:?} {usage} {beside}");
        let told = streamed(dialect, &usage, &beside);
        assert_eq!(
            told,
            Some(expected),
            "streamed: {dialect:?} {usage} {beside}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_missing_and_not_zero() {
    for (dialect, input, output) in [
        (Chat, "prompt_tokens", "completion_tokens"),
        (Responses, "input_tokens", "output_tokens"),
        (Messages, "input_tokens", "output_tokens"),
        (Gemini, "promptTokenCount", "candidatesTokenCount"),
        (Converse, "inputTokens", "outputTokens"),
    ] {
        for nothing in [
            json!({}),
            json!({input: null, output: null}),
            json!({input: -5, output: -1}),
            json!({input: 1_000_000_001_u64, output: u64::MAX}),
            json!({input: 1.5, output: [7]}),
            json!({input: {"tokens": 7}, output: true}),
        ] {
            assert_eq!(
                whole(dialect, &nothing, &json!({})),
                None,
                "{dialect:?} {nothing}"
            );
            assert_eq!(
                streamed(dialect, &nothing, &json!({})),
                None,
                "{dialect:?} {nothing}"
            );
        }
        let half = json!({input: -5, output: 0});
        let told = whole(dialect, &half, &json!({})).expect("a zero is told");
        assert_eq!((told.input, told.output), (None, Some(0)), "{dialect:?}");
    }
}

#[test]
fn absurd_parts_take_nothing_from_their_whole() {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 99_999_999_999_u64, "audio_tokens": -3}, "completion_tokens_details": {"reasoning_tokens": -2}});
    let told = whole(Chat, &usage, &json!({})).expect("told");
    assert_eq!((told.input, told.cache_read), (Some(10), None));
    assert_eq!((told.output, told.reasoning), (Some(5), None));
    assert_eq!(told.media, Media::default());
}

#[test]
fn a_stream_of_messages_replaces_what_it_told_at_its_start() {
    let start = json!({"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 12, "output_tokens": 1, "cache_creation_input_tokens": 7, "cache_creation": {"ephemeral_5m_input_tokens": 7, "ephemeral_1h_input_tokens": 0}, "service_tier": "standard"}}});
    let end = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 31, "server_tool_use": {"web_search_requests": 1}}});
    let mut reader = fairlead_translate::messages::stream::Reader::default();
    let mut used = Usage::default();
    for (name, event) in [("message_start", start), ("message_delta", end)] {
        let read = reader.read(
            Some(name.as_bytes()),
            event.to_string().as_bytes(),
            &mut |piece| {
                if let fairlead_translate::Piece::Usage(newer) = piece {
                    used.update(&newer);
                }
            },
        );
        read.expect("well-formed");
    }
    let expected = Usage {
        input: Some(12),
        cache_write: Some(7),
        cache_write_hour: Some(0),
        output: Some(31),
        searches: 1,
        served: Some(Served::Standard),
        ..Usage::default()
    };
    assert_eq!(used, expected);
}

/// What a stream of Anthropic's format comes to whose start and end tell these, of a host of which that is known or not.
fn of_messages(holds_cache: bool, start: &Value, end: &Value) -> (Option<u64>, Option<u64>) {
    let mut reader = fairlead_translate::messages::stream::Reader::with_cache(holds_cache);
    let mut used = Usage::default();
    let start = json!({"type": "message_start", "message": {"id": "m", "usage": start}});
    let end = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": end});
    for (name, event) in [("message_start", start), ("message_delta", end)] {
        let event = event.to_string();
        let read = reader.read(Some(name.as_bytes()), event.as_bytes(), &mut |piece| {
            if let fairlead_translate::Piece::Usage(newer) = piece {
                used.update(&newer);
            }
        });
        read.expect("well-formed");
    }
    (used.input, used.cache_read)
}

#[test]
fn who_counts_the_cache_among_the_input_is_read_so() {
    let start = json!({"input_tokens": 1000, "output_tokens": 0});
    let with = json!({"input_tokens": 1000, "cache_read_input_tokens": 900, "output_tokens": 5});
    let split = json!({"input_tokens": 100, "cache_read_input_tokens": 900, "output_tokens": 5});
    assert_eq!(of_messages(true, &start, &with), (Some(100), Some(900)));
    // Of everybody else the words are taken as Anthropic means them.
    assert_eq!(of_messages(false, &start, &with), (Some(1000), Some(900)));
    // Some hosts do so only until the end.
    assert_eq!(of_messages(true, &start, &split), (Some(100), Some(900)));
    assert_eq!(of_messages(false, &start, &split), (Some(100), Some(900)));
    // Where the whole prompt is told beside it, nothing has to be known.
    for mut told in [with.clone(), split] {
        told["prompt_tokens"] = json!(1000);
        for known in [false, true] {
            assert_eq!(
                of_messages(known, &start, &told),
                (Some(100), Some(900)),
                "{told}"
            );
        }
    }
    let body = json!({"content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn", "usage": with});
    let body = body.to_string();
    for (known, input) in [(true, 100), (false, 1000)] {
        let answered = fairlead_translate::messages::answer::read_of(body.as_bytes(), known);
        let Ok(fairlead_translate::Answered::Answer(answer)) = answered else {
            panic!("{answered:?}");
        };
        assert_eq!(answer.usage.and_then(|usage| usage.input), Some(input));
    }
}
