//! Whole answers that are none, though HTTP says that all is well.

use super::http::whole;
use super::{Fault, TEXT, healthy};
use crate::{Framing, Play, Step};

/// Beyond what a gateway would hold to fail over.
const LARGE: usize = 6 * 1024 * 1024;

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("body-empty", "200 without a body", |_| json("")).whole(),
    Fault::new("body-not-json", "200 with words", |_| {
        json("I am fine, thank you.")
    })
    .whole(),
    Fault::new("body-half-json", "200 with half a JSON object", |_| {
        let whole = whole();
        json(&whole[..whole.len() / 2])
    })
    .whole(),
    Fault::new("body-two-objects", "200 with two JSON objects", |_| {
        json(&whole().repeat(2))
    })
    .whole(),
    Fault::new("body-null", "200 with `null`", |_| json("null")).whole(),
    Fault::new("body-empty-object", "200 with `{}`", |_| json("{}")).whole(),
    Fault::new("body-detail", "200 that says: not found", |_| {
        json("{\"detail\":\"Not Found\"}")
    })
    .whole(),
    Fault::new(
        "body-no-choices",
        "200 with an empty list of choices",
        |_| json("{\"object\":\"chat.completion\",\"choices\":[]}"),
    )
    .whole(),
    Fault::new(
        "body-unfinished",
        "200 with a choice that has no end",
        |_| json(&whole().replace("\"stop\"", "null")),
    )
    .whole(),
    Fault::new(
        "body-finish-error",
        "200 with a choice that ends with `error`",
        |_| json(&whole().replace("\"stop\"", "\"error\"")),
    )
    .whole(),
    Fault::new(
        "body-empty-error",
        "an answer beside which stands an error that says nothing",
        |_| {
            let nothing = "{\"error\":{\"message\":\"\",\"type\":\"\",\"code\":null},";
            json(&whole().replacen('{', nothing, 1))
        },
    )
    .whole(),
    Fault::new("body-array", "200 with a list", |_| json("[]")).whole(),
    Fault::new(
        "body-nested-deep",
        "200 with JSON nested 10,000 levels deep",
        |_| json(&format!("{}{}", "[".repeat(10_000), "]".repeat(10_000))),
    )
    .whole(),
    Fault::new(
        "body-not-utf8",
        "200 with bytes that are no text inside a JSON string",
        |_| {
            let body = whole().replace("One", "\u{1}").into_bytes();
            let body = body
                .into_iter()
                .map(|byte| if byte == 1 { 0xff } else { byte })
                .collect::<Vec<_>>();
            Play::answer(200, &[("content-type", "application/json")], body)
        },
    )
    .whole(),
    Fault::new("body-html", "200 with a page of HTML", |_| {
        Play::answer(
            200,
            &[("content-type", "text/html")],
            "<html><h1>Welcome to proxy-7.internal!</h1></html>",
        )
    }),
    Fault::new(
        "body-without-type",
        "a JSON answer that does not say what it is",
        |_| Play::answer(200, &[], whole()),
    )
    .whole(),
    Fault::new("body-6m", "an answer of 6 MiB", |_| json(&large())).whole(),
    Fault::new(
        "body-6m-cut",
        "an answer of 6 MiB that is cut after 5",
        |_| {
            let body = large().into_bytes();
            let head = Step::head(
                200,
                &[("content-type", "application/json")],
                Framing::Length(body.len()),
            );
            let cut = body[..body.len() / 6 * 5].to_vec();
            Play::steps([head, Step::Body(cut.into()), Step::Close])
        },
    )
    .whole(),
    Fault::new(
        "stream-for-whole",
        "a stream, though a whole answer was asked for",
        |_| {
            let chunk =
                r#"{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}"#;
            Play::events([chunk, "[DONE]"])
        },
    )
    .whole(),
    Fault::new(
        "whole-for-stream",
        "a whole answer, though a stream was asked for",
        |_| json(&whole()),
    )
    .streams(),
    Fault::new(
        "stream-without-type",
        "a stream that does not say what it is",
        |_| stream_called(&[]),
    )
    .streams(),
    Fault::new("stream-called-json", "a stream that is called JSON", |_| {
        stream_called(&[("content-type", "application/json")])
    })
    .streams(),
    Fault::new(
        "stream-called-text",
        "a stream that is called plain text",
        |_| stream_called(&[("content-type", "text/plain")]),
    )
    .streams(),
    Fault::new(
        "healthy",
        "nothing: an answer with which all is well",
        |_| healthy(),
    ),
];

fn json(body: &str) -> Play {
    Play::answer(
        200,
        &[("content-type", "application/json")],
        body.to_owned(),
    )
}

fn stream_called(headers: &[(&str, &str)]) -> Play {
    let choice =
        format!("{{\"index\":0,\"delta\":{{\"content\":\"{TEXT}\"}},\"finish_reason\":\"stop\"}}");
    let events = format!("data: {{\"choices\":[{choice}]}}\n\ndata: [DONE]\n\n");
    Play::steps([
        Step::head(200, headers, Framing::Chunked),
        Step::Body(events.into()),
        Step::End,
    ])
}

fn large() -> String {
    whole().replacen(TEXT, &"x".repeat(LARGE), 1)
}
