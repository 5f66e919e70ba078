//! Whole answers, by the book and as compatible servers send them.

use fairlead_translate::chat::{self, answer};
use fairlead_translate::{
    Answer, Answered, Arguments, Block, Choice, Content, Malformed, Origin, Signature, Stop, Text,
    Usage,
};
use serde_json::{Value, json};

use crate::assemble::again;
use crate::shared::HEAD;

fn body(message: Value, reason: Value) -> Value {
    json!({"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [
        {"index": 0, "message": message, "logprobs": null, "finish_reason": reason},
    ], "usage": {"prompt_tokens": 12, "completion_tokens": 31, "total_tokens": 43}})
}

fn choice(message: Value, reason: Value) -> Value {
    again(&body(message, reason))["choices"][0].clone()
}

fn read(body: &str) -> Result<Answered<'_>, Malformed> {
    answer::read(body.as_bytes())
}

fn usage(usage: Value) -> Usage {
    let mut body = body(json!({"content": "x"}), json!("stop"));
    body["usage"] = usage;
    let body = body.to_string();
    let Ok(Answered::Answer(answer)) = read(&body) else {
        panic!("no answer");
    };
    answer.usage.unwrap_or_default()
}

#[test]
fn an_answer_by_the_book_comes_back() {
    let mut body = json!({"id": "c1", "object": "chat.completion", "created": 7, "model": "m", "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hi \u{1F600}\n", "refusal": null}, "logprobs": {"content": [{"token": "Hi", "logprob": -0.10}]}, "finish_reason": "stop"},
        {"index": 1, "message": {"role": "assistant", "content": null, "refusal": null, "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{\"q\":\"x\"}"}},
            {"id": "b", "type": "function", "function": {"name": "f", "arguments": "{}"}, "extra_content": {"google": {"thought_signature": "g"}}},
        ]}, "logprobs": null, "finish_reason": "tool_calls"},
        {"index": 2, "message": {"role": "assistant", "content": null, "refusal": "No."}, "logprobs": null, "finish_reason": "stop"},
        {"index": 3, "message": {"role": "assistant", "content": "cut", "refusal": null}, "logprobs": null, "finish_reason": "length"},
        {"index": 4, "message": {"role": "assistant", "content": "", "refusal": null}, "logprobs": null, "finish_reason": "content_filter"},
        {"index": 5, "message": {"role": "assistant", "content": "42", "refusal": null, "reasoning_content": "Hm.", "reasoning_details": [
            {"type": "reasoning.text", "text": "Hm.", "signature": "s", "format": "anthropic-claude-v1", "index": 0},
            {"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1", "index": 1},
        ]}, "logprobs": null, "finish_reason": "stop"},
    ], "usage": {"prompt_tokens": 12, "completion_tokens": 31, "total_tokens": 43,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2}, "completion_tokens_details": {"reasoning_tokens": 20}}});
    assert_eq!(again(&body), body);
    body.as_object_mut().unwrap().remove("usage");
    assert_eq!(again(&body), body, "unknown usage stays unknown");
}

#[test]
fn a_call_and_a_natural_end_mean_that_tools_are_called() {
    let called = json!({"content": "", "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
    for reason in [
        "stop",
        "STOP",
        "",
        "tool_calls",
        "function_call",
        "eos",
        "other",
        "tool_use",
    ] {
        assert_eq!(
            choice(called.clone(), json!(reason))["finish_reason"],
            "tool_calls",
            "{reason}"
        );
    }
    for (reason, written) in [
        ("length", "length"),
        ("model_length", "length"),
        ("MAX_TOKENS", "length"),
        ("content_filter", "content_filter"),
    ] {
        assert_eq!(
            choice(called.clone(), json!(reason))["finish_reason"],
            written,
            "{reason}"
        );
    }
    assert_eq!(
        choice(called, json!("stop"))["message"]["content"],
        Value::Null
    );
}

#[test]
fn reasons_of_all_hosts_are_mapped_and_unknown_ones_tolerated() {
    for (reason, written) in [
        ("stop", "stop"),
        ("eos", "stop"),
        ("tool_calls", "stop"),
        ("whatever", "stop"),
        ("", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("SAFETY", "content_filter"),
        ("BLOCKLIST", "content_filter"),
        ("PROHIBITED_CONTENT", "content_filter"),
        ("SPII", "content_filter"),
    ] {
        assert_eq!(
            choice(json!({"content": "x"}), json!(reason))["finish_reason"],
            written,
            "{reason}"
        );
    }
}

#[test]
fn coheres_own_reasons_are_mapped() {
    for (reason, written) in [
        ("COMPLETE", "stop"),
        ("STOP_SEQUENCE", "stop"),
        ("MAX_TOKENS", "length"),
    ] {
        let choice = choice(json!({"content": "x"}), json!(reason));
        assert_eq!(choice["finish_reason"], written, "{reason}");
    }
    for reason in ["COMPLETE", "TOOL_CALL"] {
        let call =
            json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let choice = choice(json!({"tool_calls": [call]}), json!(reason));
        assert_eq!(choice["finish_reason"], "tool_calls", "{reason}");
    }
    for (reason, stop) in [
        ("COMPLETE", Stop::End),
        ("STOP_SEQUENCE", Stop::End),
        ("MAX_TOKENS", Stop::Length),
        ("TOOL_CALL", Stop::Calls),
    ] {
        let body = body(json!({"content": "x"}), json!(reason)).to_string();
        let Ok(Answered::Answer(answer)) = read(&body) else {
            panic!("no answer");
        };
        assert_eq!(answer.choices[0].stop, Some(stop), "{reason}");
    }
}

#[test]
fn why_something_was_held_back_is_said() {
    let choice = choice(json!({"content": null}), json!("PROHIBITED_CONTENT"));
    assert_eq!(choice["message"]["refusal"], "PROHIBITED_CONTENT");
    assert_eq!(choice["message"]["content"], Value::Null);
}

#[test]
fn the_text_at_which_an_answer_ended_is_read() {
    let mut body = body(json!({"content": "x"}), json!("stop"));
    for (matched, stop) in [
        (json!("END"), Stop::Sequence(Some(Text::plain("END")))),
        (json!(128_009), Stop::End),
        (Value::Null, Stop::End),
    ] {
        body["choices"][0]["stop_reason"] = matched;
        let body = body.to_string();
        let Ok(Answered::Answer(answer)) = read(&body) else {
            panic!("no answer");
        };
        assert_eq!(answer.choices[0].stop, Some(stop));
    }
}

#[test]
fn a_limit_used_up_by_thinking_leaves_one_choice_with_its_reason_and_usage() {
    let mut body = body(
        json!({"role": "assistant", "content": null}),
        json!("length"),
    );
    body["usage"]["completion_tokens_details"] = json!({"reasoning_tokens": 31});
    let written = again(&body);
    assert_eq!(written["choices"][0]["finish_reason"], "length");
    assert_eq!(written["choices"][0]["message"]["content"], "");
    assert_eq!(written["usage"]["completion_tokens"], 31);
}

#[test]
fn what_was_thought_is_read_under_either_name_and_from_parts() {
    for message in [
        json!({"content": "a", "reasoning": "w"}),
        json!({"content": "a", "reasoning_content": "w", "reasoning": null}),
        json!({"content": "a", "reasoning_details": [{"type": "reasoning.summary", "summary": "w", "format": "openai-responses-v1"}]}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "w"}]}, {"type": "text", "text": "a"}, {"type": "reference"}]}),
    ] {
        let message = choice(message, json!("stop"))["message"].clone();
        assert_eq!(
            message,
            json!({"role": "assistant", "content": "a", "refusal": null, "reasoning_content": "w"})
        );
    }
}

#[test]
fn calls_of_odd_servers_are_calls() {
    let called = |call: Value| {
        choice(
            json!({"content": null, "tool_calls": [call]}),
            json!("stop"),
        )["message"]["tool_calls"][0]
            .clone()
    };
    for call in [
        json!({"id": "own", "function": {"name": "f", "arguments": {"q": 1}}}),
        json!({"id": "own", "type": "function", "index": 0, "function": {"name": "f", "arguments": "{\"q\":1}"}}),
    ] {
        assert_eq!(
            called(call),
            json!({"id": "own", "type": "function", "function": {"name": "f", "arguments": "{\"q\":1}"}})
        );
    }
    for arguments in [json!(""), Value::Null, json!(" "), json!("{}"), json!({})] {
        let call = called(json!({"id": "", "function": {"name": "f", "arguments": arguments}}));
        assert_eq!(
            call,
            json!({"id": "call_own_0_0", "type": "function", "function": {"name": "f", "arguments": "{}"}})
        );
    }
}

#[test]
fn nothing_and_half_are_no_answers() {
    for body in [
        json!({}),
        json!({"choices": []}),
        json!({"choices": null, "usage": {"prompt_tokens": 1}}),
        json!({"choices": [{"finish_reason": "stop"}]}),
        json!({"choices": [{"message": {"content": "half"}, "finish_reason": null}]}),
        json!({"choices": [{"message": {"content": null}, "finish_reason": "stop"}], "usage": {"completion_tokens": 500}}),
    ] {
        let body = body.to_string();
        assert!(matches!(read(&body), Ok(Answered::Nothing)), "{body}");
    }
    let call = json!({"choices": [{"message": {"tool_calls": [{"id": "a", "function": {"arguments": "{}"}}]}, "finish_reason": "stop"}]}).to_string();
    assert!(matches!(read(&call), Err(Malformed::Shape(_))));
    assert!(matches!(read("{"), Err(Malformed::Json(_))));
    assert!(matches!(read("<html>"), Err(Malformed::Json(_))));
    // The model may have nothing to say.
    for output in [0, 1, 5] {
        let body = json!({"choices": [{"message": {"content": ""}, "finish_reason": "stop"}], "usage": {"completion_tokens": output}}).to_string();
        assert!(matches!(read(&body), Ok(Answered::Answer(_))));
    }
}

#[test]
fn an_error_with_a_status_of_success_is_an_error() {
    for body in [
        json!({"error": {"code": 502, "message": "Bad gateway"}}),
        json!({"choices": [{"message": {"content": "x"}, "finish_reason": "error"}]}),
        json!({"object": "error", "message": "no", "code": 40_303}),
    ] {
        let body = body.to_string();
        assert!(matches!(read(&body), Ok(Answered::Error(_))), "{body}");
    }
}

#[test]
fn usage_counts_each_token_once() {
    let told = |input, cache_read, cache_write, output, reasoning| Usage {
        input,
        cache_read,
        cache_write,
        cache_write_hour: None,
        output,
        reasoning,
        ..Usage::default()
    };
    for (reported, expected) in [
        (json!(null), Usage::default()),
        (
            json!({"prompt_tokens": 10, "completion_tokens": 5}),
            told(Some(10), None, None, Some(5), None),
        ),
        (
            json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1}, "completion_tokens_details": {"reasoning_tokens": 2}}),
            told(Some(5), Some(4), Some(1), Some(3), Some(2)),
        ),
        // vLLM, when it does not cache.
        (
            json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": null}),
            told(Some(10), None, None, Some(5), None),
        ),
        // More of it cached than there is.
        (
            json!({"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 40}}),
            told(Some(0), Some(40), None, None, None),
        ),
        // DeepSeek.
        (
            json!({"prompt_tokens": 10, "completion_tokens": 5, "prompt_cache_hit_tokens": 7, "prompt_cache_miss_tokens": 3}),
            told(Some(3), Some(7), None, Some(5), None),
        ),
        // xAI counts what was thought beside the completion.
        (
            json!({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 115, "completion_tokens_details": {"reasoning_tokens": 100}}),
            told(Some(10), None, None, Some(5), Some(100)),
        ),
        (
            json!({"prompt_tokens": 10, "completion_tokens": 105, "total_tokens": 115, "completion_tokens_details": {"reasoning_tokens": 100}}),
            told(Some(10), None, None, Some(5), Some(100)),
        ),
    ] {
        assert_eq!(usage(reported.clone()), expected, "{reported}");
    }
}

#[test]
fn the_total_agrees_with_its_parts() {
    let used = Usage {
        input: Some(10),
        cache_read: Some(90),
        cache_write: Some(7),
        cache_write_hour: Some(7),
        output: Some(5),
        reasoning: Some(3),
        ..Usage::default()
    };
    let answer = Answer {
        usage: Some(used),
        ..Answer::default()
    };
    let written: Value = serde_json::from_slice(&answer::write(&answer, &HEAD)).unwrap();
    assert_eq!(
        written["usage"],
        json!({
            "prompt_tokens": 107, "completion_tokens": 8, "total_tokens": 115,
            "prompt_tokens_details": {"cached_tokens": 90, "cache_write_tokens": 7}, "completion_tokens_details": {"reasoning_tokens": 3},
        })
    );
    assert_eq!(written["id"], "chatcmpl-own");
    assert_eq!(written["model"], "asked");
}

#[test]
fn usage_in_a_vendors_place_is_usage() {
    let mut body = body(json!({"content": "x"}), json!("stop"));
    body.as_object_mut().unwrap().remove("usage");
    body["x_groq"] = json!({"id": "r", "usage": {"prompt_tokens": 3, "completion_tokens": 4}});
    assert_eq!(again(&body)["usage"]["total_tokens"], 7);
}

#[test]
fn another_formats_answer_is_written_with_all_that_a_client_must_send_back() {
    let signature = |origin, value| Signature {
        origin,
        value: Text::plain(value),
    };
    let blocks = [
        Content::Reasoning {
            text: Text::plain(""),
            signature: Some(signature(Origin::Anthropic, "s1")),
        },
        Content::Redacted(signature(Origin::OpenAi, "enc")),
        Content::Text(Text::plain("a")),
        Content::Text(Text::plain("b")),
        Content::Call {
            id: Text::plain("toolu_1"),
            name: Text::plain("f"),
            arguments: Arguments::Text(Text::plain("")),
            signature: Some(signature(Origin::OpenAi, "x")),
        },
    ];
    let answer = Answer {
        id: Some(Text::plain("msg_1")),
        choices: vec![Choice {
            blocks: blocks.into_iter().map(Block::from).collect(),
            stop: Some(Stop::Calls),
            logprobs: None,
        }],
        ..Answer::default()
    };
    let written: Value = serde_json::from_slice(&answer::write(&answer, &HEAD)).unwrap();
    assert_eq!(written["id"], "msg_1");
    assert_eq!(
        written["choices"][0]["message"],
        json!({
            "role": "assistant", "content": "ab", "refusal": null,
            "reasoning_details": [
                {"type": "reasoning.text", "text": "", "signature": "s1", "format": "anthropic-claude-v1", "index": 0},
                {"type": "reasoning.encrypted", "data": "enc", "format": "openai-responses-v1", "index": 1},
            ],
            "tool_calls": [{"id": "toolu_1", "type": "function", "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "fairlead:openai:x"}}}],
        })
    );
}

#[test]
fn stops_of_other_formats_have_their_words() {
    for (stop, word) in [
        (Some(Stop::Sequence(Some(Text::plain("x")))), "stop"),
        (Some(Stop::ContextFull), "length"),
        (Some(Stop::Paused), "stop"),
        (Some(Stop::Calls), "stop"),
        (Some(Stop::Filtered(None)), "content_filter"),
        (None, "stop"),
    ] {
        let answer = Answer {
            choices: vec![Choice {
                blocks: vec![Content::Text(Text::plain("a")).into()],
                stop: stop.clone(),
                logprobs: None,
            }],
            ..Answer::default()
        };
        let written: Value = serde_json::from_slice(&answer::write(&answer, &HEAD)).unwrap();
        assert_eq!(written["choices"][0]["finish_reason"], word, "{stop:?}");
    }
}

#[test]
fn an_error_has_the_surfaces_shape() {
    for (status, kind) in [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "api_error"),
    ] {
        let error: Value = serde_json::from_slice(&chat::error(status, "c", "m")).unwrap();
        assert_eq!(
            error,
            json!({"error": {"message": "m", "type": kind, "param": null, "code": "c"}})
        );
    }
}
