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
