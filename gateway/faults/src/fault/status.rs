//! Refusals: a status, and a body such as servers send with it.

use std::time::Duration;

use serde_json::json;

use super::Fault;
use crate::{Framing, Means, Play, Seen, Step};

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
    })
    .soon(),
    Fault::new("retry-after-ms", "429 with retry-after-ms: 20", |_| {
        Play::status(429).header("retry-after-ms", "20")
    })
    .soon(),
    Fault::new(
        "retry-after-date",
        "429 with Retry-After as a date that has passed",
        |_| Play::status(429).header("retry-after", "Wed, 21 Oct 2015 07:28:00 GMT"),
    )
    .soon(),
    Fault::new("retry-after-hour", "429 with Retry-After: 3600", |_| {
        Play::status(429).header("retry-after", "3600")
    }),
    Fault::new(
        "retry-after-garbage",
        "429 with a Retry-After that is neither number nor date",
        |_| Play::status(429).header("retry-after", "soon"),
    ),
    Fault::new("quota", "the account has no money left", |seen| {
        refuses(seen, Means::NoMoney)
    })
    .means(Means::NoMoney),
    Fault::new("overloaded", "no capacity", |seen| {
        refuses(seen, Means::Overloaded)
    })
    .means(Means::Overloaded),
    Fault::new("unknown-model", "no such model", |seen| {
        refuses(seen, Means::NoModel)
    })
    .means(Means::NoModel),
    Fault::new("wrong-key", "the key is wrong", |seen| {
        refuses(seen, Means::BadKey)
    })
    .means(Means::BadKey),
    Fault::new("content-filtered", "the prompt was filtered", |seen| {
        refuses(seen, Means::Filtered)
    })
    .means(Means::Filtered),
    Fault::new("context-too-long", "the prompt is too long", |seen| {
        refuses(seen, Means::TooLong)
    })
    .means(Means::TooLong),
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
        Play::status_saying(500, &"x".repeat(2 * 1024 * 1024))
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
];

/// Says this as its API does.
fn refuses(seen: &Seen, means: Means) -> Play {
    match seen.dialect().speech().refusal(means) {
        Some((status, body)) => Play::json(status, &body),
        // Played by name in an API that never says it.
        None => Play::status(500),
    }
}

/// Some servers show what they were sent.
fn repeats_the_key(status: u16, seen: &Seen) -> Play {
    let key = seen.dialect().key_of(seen);
    Play::status_saying(status, &format!("No luck with {key}."))
}
