//! Refusals: a status, and a body such as servers send with it.

use std::time::Duration;

use serde_json::json;

use super::Fault;
use crate::{Framing, Play, Seen, Shape, Step};

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("status-400", "400: a parameter is wrong", |_| {
        Play::status(400)
    }),
    Fault::new("status-401", "401: the key is wrong", |_| Play::status(401)),
    Fault::new("status-402", "402: the account has no money left", |_| {
        Play::status(402)
    }),
    Fault::new("status-403", "403: not from this country", |_| {
        Play::status(403)
    }),
    Fault::new("status-404", "404: no such model", |_| Play::status(404)),
    Fault::new("status-408", "408: the request took too long", |_| {
        Play::status(408)
    }),
    Fault::new("status-409", "409: a conflict", |_| Play::status(409)),
    Fault::new("status-410", "410: the model is gone", |_| {
        Play::status(410)
    }),
    Fault::new("status-413", "413: the request is too large", |_| {
        Play::status(413)
    }),
    Fault::new(
        "status-422",
        "422: a parameter is wrong, as FastAPI says it",
        |_| Play::status(422),
    ),
    Fault::new("status-429", "429: too many requests", |_| {
        Play::status(429)
    }),
    Fault::new(
        "status-498",
        "498: no capacity, as Groq's flex tier says it",
        |_| Play::status(498),
    ),
    Fault::new("status-500", "500: the server failed", |_| {
        Play::status(500)
    }),
    Fault::new("status-501", "501: not implemented", |_| Play::status(501)),
    Fault::new("status-502", "502: a bad gateway further on", |_| {
        Play::status(502)
    }),
    Fault::new("status-503", "503: overloaded", |_| Play::status(503)),
    Fault::new(
        "status-504",
        "504: a gateway further on ran out of time",
        |_| Play::status(504),
    ),
    Fault::new(
        "status-529",
        "529: overloaded, as Anthropic says it",
        |_| Play::status(529),
    ),
    Fault::new("retry-after-0", "429 with Retry-After: 0", |_| {
        Play::status(429).header("retry-after", "0")
    }),
    Fault::new("retry-after-ms", "429 with retry-after-ms: 20", |_| {
        Play::status(429).header("retry-after-ms", "20")
    }),
    Fault::new(
        "retry-after-date",
        "429 with Retry-After as a date that has passed",
        |_| Play::status(429).header("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),
    ),
    Fault::new("retry-after-hour", "429 with Retry-After: 3600", |_| {
        Play::status(429).header("retry-after", "3600")
    }),
    Fault::new(
        "retry-after-garbage",
        "429 with a Retry-After that is neither number nor date",
        |_| Play::status(429).header("retry-after", "soon"),
    ),
    Fault::new("quota", "429: the quota is used up", |_| {
        coded(
            429,
            "insufficient_quota",
            "You exceeded your current quota.",
        )
    }),
    Fault::new(
        "context-too-long",
        "400 with the code for a prompt that is too long",
        |_| coded(400, "context_length_exceeded", "Too many tokens."),
    ),
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
    Fault::new("refusal-as-text", "400 in plain text", |_| {
        Play::answer(
            400,
            &[("content-type", "text/plain")],
            "proxy-7.internal: max_tokens",
        )
    }),
    Fault::new("refusal-as-html", "403 with a page of a firewall", |_| {
        Play::answer(
            403,
            &[("content-type", "text/html")],
            "<h1>proxy-7.internal</h1>",
        )
    }),
    Fault::new("refusal-as-stream", "400 with an event of a stream", |_| {
        Play::answer(
            400,
            &[("content-type", "text/event-stream")],
            "data: {\"error\":{\"message\":\"bad\"}}\n\n",
        )
    }),
    Fault::new("throttled-as-html", "429 with a page of a proxy", |_| {
        Play::answer(
            429,
            &[("content-type", "text/html")],
            "<h1>proxy-7.internal</h1>",
        )
        .header("retry-after", "3600")
    }),
    Fault::new(
        "error-says-nothing",
        "400 with an error object that is empty",
        |_| Play::json(400, &json!({"error": {}})),
    ),
    Fault::new("content-filtered", "400: the prompt was filtered", |_| {
        coded(400, "content_filter", "The prompt was filtered.")
    }),
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
    Fault::new(
        "key-repeated-401",
        "401 that repeats the key it was sent",
        |seen| repeats_the_key(401, seen),
    ),
    Fault::new(
        "key-repeated-500",
        "500 that repeats the key it was sent",
        |seen| repeats_the_key(500, seen),
    ),
    Fault::new("error-as-html", "502 with a page of HTML", |_| {
        Play::answer(
            502,
            &[("content-type", "text/html")],
            "<html><h1>502 Bad Gateway</h1><hr>proxy-7.internal</html>",
        )
    }),
    Fault::new("error-as-text", "500 in plain text", |_| {
        Play::answer(
            500,
            &[("content-type", "text/plain")],
            "upstream connect error, host proxy-7.internal",
        )
    }),
    Fault::new("error-empty", "500 without a body", |_| {
        Play::answer(500, &[], "")
    }),
    Fault::new("error-broken-json", "500 with half a JSON object", |_| {
        Play::answer(
            500,
            &[("content-type", "application/json")],
            "{\"error\": {\"message\": \"proxy-7.internal",
        )
    }),
    Fault::new("error-huge", "500 with a body of 2 MiB", |_| {
        coded(500, "boom", &"x".repeat(2 * 1024 * 1024))
    }),
    Fault::new(
        "error-body-hangs",
        "the head of a 500, then silence",
        |_| {
            let json = [("content-type", "application/json")];
            Play::steps([Step::head(500, &json, Framing::Length(100)), Step::Hang])
        },
    ),
    Fault::new(
        "error-body-drips",
        "a 500 whose body comes a byte at a time",
        |_| {
            Play::status(500)
                .in_pieces_of(1)
                .every(Duration::from_millis(2))
        },
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
];

fn coded(status: u16, code: &str, message: &str) -> Play {
    Play::json(
        status,
        &json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": code}}),
    )
}

/// Some servers show what they were sent.
fn repeats_the_key(status: u16, seen: &Seen) -> Play {
    let key = seen.header("authorization").unwrap_or_default();
    coded(status, "boom", &format!("No luck with {key}."))
}
