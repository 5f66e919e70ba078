//! Faults of OpenAI's dialect alone: what the servers say that call themselves compatible with it, each in its own way.

use serde_json::json;

use crate::fault::{healthy, json_body, reports, whole};
use crate::{Fault, Moment, Play, Shape, Step};

pub(super) const FAULTS: &[Fault] = &[
    Fault::new(
        "context-too-long-in-words",
        "400 that says only in words that the prompt is too long",
        |_| {
            coded(
                400,
                "BadRequestError",
                "This model's maximum context length is 4096 tokens.",
            )
        },
    ),
    Fault::new(
        "context-too-long-llama-cpp",
        "500 that says by its type that the prompt is too long, as llama.cpp did",
        |_| {
            Play::json(
                500,
                &json!({"error": {"code": 500, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}}),
            )
        },
    ),
    Fault::new(
        "context-too-long-gemini",
        "400 that says in Gemini's words, in a list, that the prompt is too long",
        |_| {
            Play::json(
                400,
                &json!([{"error": {"code": 400, "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", "status": "INVALID_ARGUMENT"}}]),
            )
        },
    ),
    Fault::new(
        "bad-key-gemini",
        "400 that says only by a reason in its details that the key is wrong",
        |_| {
            Play::json(
                400,
                &json!([{"error": {"code": 400, "message": "API key not valid.", "status": "INVALID_ARGUMENT", "details": [{"reason": "API_KEY_INVALID"}]}}]),
            )
        },
    ),
    Fault::new(
        "bad-key-in-words",
        "400 that says only in words that the key is wrong, as xAI does",
        |_| {
            Play::json(
                400,
                &json!({"code": "Client specified an invalid argument", "error": "Incorrect API key provided: xa***yz."}),
            )
        },
    ),
    Fault::new(
        "content-forbidden",
        "403 because of what the prompt says, as xAI does",
        |_| {
            Play::json(
                403,
                &json!({"code": "The caller does not have permission", "error": "Content violates usage guidelines."}),
            )
        },
    ),
    Fault::new(
        "too-dear",
        "402 because the account cannot pay for this one request, as OpenRouter does",
        |_| {
            Play::json(
                402,
                &json!({"error": {"code": 402, "message": "This request requires more credits, or fewer max_tokens."}}),
            )
        },
    ),
    Fault::new(
        "out-of-money",
        "402: the balance is used up, as DeepSeek says it",
        |_| {
            Play::json(
                402,
                &json!({"error": {"message": "Insufficient Balance", "type": "unknown_error", "code": "invalid_request_error"}}),
            )
        },
    ),
    Fault::new(
        "overloaded-by-code",
        "400 with a code that says: overloaded",
        |_| coded(400, "engine_overloaded", "Busy."),
    ),
    Fault::new(
        "bad-key-by-code",
        "400 with the code for a wrong key",
        |_| coded(400, "invalid_api_key", "Wrong key."),
    ),
    Fault::new("error-vllm", "500 as vLLM words it", |_| {
        Play::error(Shape::Vllm, 500)
    }),
    Fault::new("error-mistral", "500 as Mistral words it", |_| {
        Play::error(Shape::Mistral, 500)
    }),
    Fault::new("error-ollama", "500 as Ollama words it", |_| {
        Play::error(Shape::Ollama, 500)
    }),
    Fault::new("error-openrouter", "503 as OpenRouter words it", |_| {
        Play::error(Shape::OpenRouter, 503)
    }),
    Fault::new("error-with-200-numbered", "200 with an error object whose code is 503", |_| {
        Play::json(200, &json!({"error": {"message": "Provider returned error", "code": 503}}))
    }),
    Fault::new("error-with-200-as-text", "200 with an error that is a string", |_| {
        Play::json(200, &json!({"error": "llama runner process has terminated"}))
    }),
    Fault::new("error-in-choice", "a stream with an error inside a choice, as OpenRouter reports it", |seen| {
        let choice = json!({"index": 0, "delta": {"content": ""}, "finish_reason": "error", "error": {"code": 502, "message": "Provider disconnected"}});
        reports(seen, Moment::Opening, &json!({"id": "x", "object": "chat.completion.chunk", "choices": [choice]}))
    })
    .streams(),
    Fault::new("error-told-flat", "200 whose members tell an error without calling it one", |_| {
        Play::json(200, &json!({"code": 429, "msg": "too many requests", "success": false}))
    }),
    Fault::new("finish-reason-error", "a role, then an end with the reason `error`", |seen| {
        let choice = json!({"index": 0, "delta": {"content": ""}, "finish_reason": "error"});
        reports(seen, Moment::Opening, &json!({"choices": [choice]}))
    })
    .streams(),
    Fault::new("finish-reason-error-after-content", "a word, then an end with the reason `error`", |seen| {
        let choice = json!({"index": 0, "delta": {}, "finish_reason": "error"});
        reports(seen, Moment::Content, &json!({"choices": [choice]}))
    })
    .streams(),
    Fault::new(
        "body-finish-error",
        "200 with a choice that ends with `error`",
        |seen| json_body(&whole(seen).replace("\"stop\"", "\"error\"")),
    )
    .whole(),
    Fault::new(
        "usage-chunk-that-holds-more",
        "usage and citations in a chunk without choices",
        |_| {
            let chunk = json!({"choices": [], "usage": {"total_tokens": 2}, "citations": ["https://example.org"]});
            healthy().insert(Moment::Content, [Step::Event(chunk.to_string())])
        },
    )
    .streams(),
];

fn coded(status: u16, code: &str, message: &str) -> Play {
    Play::json(
        status,
        &json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}}),
    )
}
