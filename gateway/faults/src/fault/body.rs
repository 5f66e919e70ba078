//! Whole answers that are none, though HTTP says that all is well.

use super::{Fault, TEXT, healthy, json_body as json, reply, whole};
use crate::{Framing, Play, Seen, Step};

/// Beyond what a gateway would hold to fail over.
const LARGE: usize = 6 * 1024 * 1024;

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("body-empty", "200 without a body", |_| json("")).whole(),
    Fault::new("body-not-json", "200 with words", |_| {
        json("I am fine, thank you.")
    })
    .whole(),
    Fault::new("body-half-json", "200 with half a JSON object", |seen| {
        let whole = whole(seen);
        json(&whole[..whole.len() / 2])
    })
    .whole(),
    Fault::new("body-two-objects", "200 with two JSON objects", |seen| {
        json(&whole(seen).repeat(2))
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
        "200 with nothing of what was asked for: an empty list of choices",
        |seen| json(&seen.dialect().speech().nothing().to_string()),
    )
    .whole(),
    Fault::new(
        "body-unfinished",
        "200 with a choice that has no end",
        |seen| {
            let ended = format!("\"{}\"", seen.dialect().speech().ended());
            json(&whole(seen).replace(&ended, "null"))
        },
    )
    .whole(),
    Fault::new(
        "body-empty-error",
        "an answer beside which stands an error that says nothing",
        |seen| {
            let nothing = "{\"error\":{\"message\":\"\",\"type\":\"\",\"code\":null},";
            json(&whole(seen).replacen('{', nothing, 1))
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
        |seen| {
            let body = whole(seen).replace("One", "\u{1}").into_bytes();
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
        |seen| Play::answer(200, &[], whole(seen)),
    )
    .whole(),
    Fault::new("body-6m", "an answer of 6 MiB", |seen| json(&large(seen))).whole(),
    Fault::new(
        "body-6m-cut",
        "an answer of 6 MiB that is cut after 5",
        |seen| {
            let body = large(seen).into_bytes();
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
        |_| reply().as_stream().into(),
    )
    .whole(),
    Fault::new(
        "whole-for-stream",
        "a whole answer, though a stream was asked for",
        |_| reply().as_whole().into(),
    )
    .streams(),
    Fault::new(
        "stream-without-type",
        "a stream that does not say what it is",
        |_| healthy().called(None),
    )
    .of_events(),
    Fault::new("stream-called-json", "a stream that is called JSON", |_| {
        healthy().called(Some("application/json"))
    })
    .of_events(),
    Fault::new(
        "stream-called-text",
        "a stream that is called plain text",
        |_| healthy().called(Some("text/plain")),
    )
    .of_events(),
    Fault::new(
        "answer-empty",
        "an answer without a word that ended by itself",
        |_| Play::words([]),
    ),
    Fault::new(
        "healthy",
        "nothing: an answer with which all is well",
        |_| healthy(),
    ),
];

fn large(seen: &Seen) -> String {
    whole(seen).replacen(TEXT, &"x".repeat(LARGE), 1)
}
