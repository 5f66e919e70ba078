//! Errors that are reported where a success was announced: with status 200, or inside a stream.

use serde_json::Value;

use super::{Fault, healthy, json_body, reports};
use crate::{Means, Moment, Play, Seen, Step};

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("error-with-200", "200 with an error object", |seen| {
        json_body(&error(seen, Means::Failed).to_string())
    })
    .means(Means::Failed),
    Fault::new(
        "rate-limit-with-200",
        "200 with an error object that says: too many requests",
        |seen| json_body(&error(seen, Means::TooMany).to_string()),
    )
    .means(Means::TooMany),
    Fault::new(
        "overloaded-with-200",
        "200 with an error object that says: no capacity",
        |seen| json_body(&error(seen, Means::Overloaded).to_string()),
    )
    .means(Means::Overloaded),
    Fault::new(
        "error-first-event",
        "a stream whose first event is an error",
        |seen| says(seen, Moment::Head, Means::Failed),
    )
    .means(Means::Failed)
    .streams(),
    Fault::new(
        "error-after-opening",
        "a stream that brings a role, then an error",
        |seen| says(seen, Moment::Opening, Means::Failed),
    )
    .means(Means::Failed)
    .streams(),
    Fault::new(
        "error-after-content",
        "a stream that brings a word, then an error",
        |seen| says(seen, Moment::Content, Means::Failed),
    )
    .means(Means::Failed)
    .late()
    .streams(),
    Fault::new(
        "error-at-90",
        "a stream that brings 90 % of its words, then an error",
        |seen| says(seen, Moment::Percent(90), Means::Failed),
    )
    .means(Means::Failed)
    .late()
    .streams(),
    Fault::new(
        "rate-limit-first-event",
        "a stream whose first event says: too many requests",
        |seen| says(seen, Moment::Head, Means::TooMany),
    )
    .means(Means::TooMany)
    .streams(),
    Fault::new(
        "rate-limit-after-content",
        "a word, then an error that says: too many requests",
        |seen| says(seen, Moment::Content, Means::TooMany),
    )
    .means(Means::TooMany)
    .late()
    .streams(),
    Fault::new(
        "overloaded-first-event",
        "a stream whose first event says: no capacity",
        |seen| says(seen, Moment::Head, Means::Overloaded),
    )
    .means(Means::Overloaded)
    .streams(),
    Fault::new(
        "overloaded-after-content",
        "a word, then an error that says: no capacity",
        |seen| says(seen, Moment::Content, Means::Overloaded),
    )
    .means(Means::Overloaded)
    .late()
    .streams(),
    Fault::new(
        "filter-first-event",
        "a stream whose first event says: the prompt was filtered",
        |seen| says(seen, Moment::Head, Means::Filtered),
    )
    .means(Means::Filtered)
    .streams(),
    Fault::new(
        "refusal-first-event",
        "a stream whose first event says that the request is wrong",
        |seen| says(seen, Moment::Head, Means::BadRequest),
    )
    .means(Means::BadRequest)
    .streams(),
    Fault::new(
        "key-repeated-in-stream",
        "a word, then an error that repeats the key it was sent",
        |seen| {
            let dialect = seen.dialect();
            let message = format!("No luck with {}.", dialect.key_of(seen));
            let error = dialect.speech().error(500, Some(&message));
            reports(seen, Moment::Content, &error)
        },
    )
    .means(Means::Failed)
    .late()
    .streams(),
    Fault::new(
        "error-as-named-event",
        "a stream that brings a word, then `event: error`",
        |seen| {
            let event = format!("event: error\ndata: {}\n\n", error(seen, Means::Failed));
            unframed(Moment::Content, &event)
        },
    )
    .means(Means::Failed)
    .late()
    .of_events(),
    Fault::new(
        "error-flat-named-event",
        "a stream that brings a role, then `event: error` with a flat object",
        |_| {
            let event =
                "event: error\ndata: {\"message\":\"Busy.\",\"type\":\"overloaded_error\"}\n\n";
            unframed(Moment::Opening, event)
        },
    )
    .of_events(),
    Fault::new(
        "error-line",
        "a stream that brings a role, then a line `error: ..`",
        |_| {
            let line = "error: {\"code\":503,\"message\":\"Busy.\"}\n\n";
            unframed(Moment::Opening, line)
        },
    )
    .of_events(),
    Fault::new(
        "error-bare-after-content",
        "a stream that brings a word, then a bare JSON object",
        |_| {
            let bare = "{\"error\":{\"message\":\"The engine broke.\"}}\n";
            unframed(Moment::Content, bare)
        },
    )
    .of_events(),
];

/// The error by which an API says this.
fn error(seen: &Seen, means: Means) -> Value {
    let speech = seen.dialect().speech();
    match speech.refusal(means) {
        Some((_, error)) => error,
        // Played by name in an API that never says it.
        None => speech.error(500, None),
    }
}

fn says(seen: &Seen, moment: Moment, means: Means) -> Play {
    reports(seen, moment, &error(seen, means))
}

fn unframed(moment: Moment, text: &str) -> Play {
    healthy().instead(moment, [Step::Body(text.to_owned().into()), Step::End])
}
