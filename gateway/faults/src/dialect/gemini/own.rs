//! Faults of Gemini's servers alone: errors in lists, times in details, ends that are none.

use serde_json::{Value, json};

use super::{Gemini, bad_key, finish, retry_info};
use crate::dialect::{Means, Speech as _};
use crate::fault::{TEXT, healthy};
use crate::{Fault, Framing, Moment, Play, Seen, Step};

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("status-403", "403: the key may not do this", |_| {
        Play::status(403)
    })
    .means(Means::BadRequest),
    Fault::new(
        "bad-key",
        "400 that says only by a reason in its details that the key is wrong",
        |_| Play::json(400, &bad_key()),
    )
    .means(Means::BadKey),
    Fault::new("bad-key-in-list", "the same, in a list", |_| {
        Play::json(400, &json!([bad_key()]))
    })
    .means(Means::BadKey),
    Fault::new("error-in-list", "500 in a list of one", |_| {
        Play::json(500, &json!([Gemini.error(500, None)]))
    })
    .means(Means::Failed),
    Fault::new("throttled-in-list", "429 in a list of one", |_| {
        Play::json(429, &json!([Gemini.error(429, None)]))
    })
    .means(Means::TooMany),
    Fault::new(
        "retry-info-soon",
        "429 whose details say that it may be asked again after 20 ms",
        |_| Play::json(429, &exhausted("0.020s")),
    )
    .means(Means::TooMany)
    .soon(),
    Fault::new(
        "retry-info-garbage",
        "429 whose details say no time",
        |_| Play::json(429, &exhausted("soon")),
    )
    .means(Means::TooMany),
    Fault::new(
        "overloaded-in-list-with-200",
        "200 with a list of one error",
        |_| Play::json(200, &json!([Gemini.error(503, None)])),
    )
    .means(Means::Overloaded),
    Fault::new(
        "error-in-list-after-content",
        "a word, then an event with a list of one error",
        |_| {
            let list = json!([Gemini.error(503, None)]).to_string();
            healthy().instead(Moment::Content, [Step::Event(list), Step::End])
        },
    )
    .means(Means::Overloaded)
    .late()
    .streams(),
    Fault::new(
        "error-in-bare-list-after-content",
        "a word, then a bare list of one error",
        |_| {
            let list = format!("{}\n", json!([Gemini.error(500, None)]));
            healthy().instead(Moment::Content, [Step::Body(list.into()), Step::End])
        },
    )
    .means(Means::Failed)
    .late()
    .streams(),
    Fault::new(
        "stream-as-list",
        "a stream that comes as one JSON list, as without `alt=sse`",
        |_| {
            let chunk = |text: &str| Step::Body(format!("{text}\n").into());
            let json = [("content-type", "application/json; charset=UTF-8")];
            Play::steps([
                Step::head(200, &json, Framing::Chunked),
                chunk(&format!("[{}", Gemini.says(TEXT))),
                chunk(&format!(",{}", finish("STOP"))),
                chunk("]"),
                Step::End,
            ])
        },
    )
    .streams(),
    Fault::new(
        "malformed-call",
        "an answer that is none: the model has called what is no function",
        |seen| ended(seen, None, "MALFORMED_FUNCTION_CALL"),
    )
    .means(Means::Failed)
    .unnumbered(),
    Fault::new(
        "malformed-call-after-content",
        "a word, then the end: the model has called what is no function",
        |seen| ended(seen, Some(Moment::Content), "MALFORMED_FUNCTION_CALL"),
    )
    .means(Means::Failed)
    .unnumbered()
    .late()
    .streams(),
    Fault::new(
        "answer-empty",
        "an answer without a word that ended by itself",
        |seen| ended(seen, None, "STOP"),
    )
    .means(Means::Failed)
    .unnumbered(),
    Fault::new(
        "finish-unspecified",
        "a word, then an end without a reason",
        |seen| ended(seen, Some(Moment::Content), "FINISH_REASON_UNSPECIFIED"),
    )
    .streams(),
];

/// An answer that ends for this reason at a moment of its stream; `None`: before anything was said, whole or streamed.
fn ended(seen: &Seen, at: Option<Moment>, reason: &str) -> Play {
    let last = finish(reason);
    if !seen.streamed() {
        return Play::json(200, &last);
    }
    let steps = [Step::Event(last.to_string()), Step::End];
    healthy().instead(at.unwrap_or(Moment::Head), steps)
}

fn exhausted(delay: &str) -> Value {
    let mut error = Gemini.error(429, None);
    error["error"]["details"] = json!([retry_info(delay)]);
    error
}
