//! Streams whose events are wrong, too large, too few, or framed in ways that the standard allows.

use serde_json::Value;

use super::{Fault, TEXT, healthy};
use crate::{Means, Moment, Play, Seen, Step};

/// The largest event that is usual to allow.
const MIB: usize = 1024 * 1024;

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("stream-empty", "the head of a stream and its end", |_| {
        healthy().instead(Moment::Head, [Step::End])
    })
    .streams(),
    Fault::new("stream-done-only", "nothing but the terminator", |seen| {
        done_at(seen, Moment::Head)
    })
    .of_terminators(),
    Fault::new("stream-opening-only", "a role, then the end", |_| {
        healthy().instead(Moment::Opening, [Step::End])
    })
    .streams(),
    Fault::new(
        "stream-ends-after-content",
        "a word, then the end of the body",
        |_| healthy().instead(Moment::Content, [Step::End]),
    )
    .streams(),
    Fault::new(
        "stream-without-done",
        "everything but the terminator",
        |_| healthy().instead(Moment::Finish, [Step::End]),
    )
    .streams(),
    Fault::new(
        "stream-done-before-content",
        "a role, then the terminator",
        |seen| done_at(seen, Moment::Opening),
    )
    .of_terminators(),
    Fault::new(
        "stream-done-before-finish",
        "a word, then the terminator without a finish reason",
        |seen| done_at(seen, Moment::Content),
    )
    .of_terminators(),
    Fault::new(
        "stream-events-after-done",
        "more events behind the terminator",
        |seen| {
            let speech = seen.dialect().speech();
            let mut more = Vec::from_iter(speech.terminator());
            more.extend([speech.event("not JSON"), Step::End]);
            healthy().instead(Moment::Finish, more)
        },
    )
    .of_terminators(),
    Fault::new(
        "event-not-json",
        "a role, then an event that is not JSON",
        |seen| odd(seen, Moment::Opening, "not JSON"),
    )
    .streams(),
    Fault::new(
        "event-not-json-after-content",
        "a word, then an event that is not JSON",
        |seen| odd(seen, Moment::Content, "not JSON"),
    )
    .streams(),
    Fault::new("event-half", "a role, then half an event", |seen| {
        odd(seen, Moment::Opening, &half(seen))
    })
    .streams(),
    Fault::new(
        "event-half-after-content",
        "a word, then half an event",
        |seen| odd(seen, Moment::Content, &half(seen)),
    )
    .streams(),
    Fault::new("event-1m", "an event of just under 1 MiB", |seen| {
        let text = "x".repeat(MIB - 200);
        let said = seen.dialect().speech().says(&text);
        healthy().insert(Moment::Content, [framed(seen, &said)])
    })
    .streams(),
    Fault::new(
        "event-over-1m",
        "an event of 1.1 MiB before the first word",
        |seen| odd(seen, Moment::Opening, &"x".repeat(MIB / 10 * 11)),
    )
    .streams(),
    Fault::new(
        "event-over-1m-after-content",
        "an event of 1.1 MiB after the first word",
        |seen| odd(seen, Moment::Content, &"x".repeat(MIB / 10 * 11)),
    )
    .streams(),
    Fault::new("event-2m", "an event of 2 MiB, as images come", |seen| {
        healthy().insert(Moment::Content, [image(seen, 2 * MIB)])
    })
    .streams(),
    Fault::new(
        "event-17m",
        "an event of 17 MiB before the first word",
        |seen| healthy().insert(Moment::Opening, [image(seen, 17 * MIB)]),
    )
    .streams(),
    Fault::new(
        "stream-ends-without-blank-line",
        "a last event without its blank line, and no terminator",
        |_| healthy().without_blank_line(),
    )
    .of_events(),
    Fault::new(
        "events-empty",
        "events with empty data before and between the words",
        |_| {
            let beat = "data:\n\nevent: ping\ndata: \n\n";
            healthy()
                .insert(Moment::Head, [Step::Body(beat.into())])
                .insert(Moment::Content, [Step::Body(beat.into())])
        },
    )
    .of_events(),
    Fault::new("line-endless", "a line that never ends", |_| {
        healthy().instead(
            Moment::Head,
            [
                Step::Body("data: ".into()),
                Step::Body("x".repeat(2 * MIB).into()),
                Step::Hang,
            ],
        )
    })
    .of_events(),
    Fault::new(
        "openings-70-then-error",
        "70 events without content, then an error",
        |seen| {
            let speech = seen.dialect().speech();
            let mut steps = vec![framed(seen, &speech.opening()); 70];
            steps.extend([speech.error_event(&speech.error(500, None)), Step::End]);
            healthy().instead(Moment::Head, steps)
        },
    )
    .means(Means::Failed)
    .late()
    .streams(),
    Fault::new("frames-crlf", "lines that end with CRLF", |_| {
        healthy().line_end("\r\n")
    })
    .of_events(),
    Fault::new("frames-cr", "lines that end with CR", |_| {
        healthy().line_end("\r")
    })
    .of_events(),
    Fault::new(
        "frames-of-7",
        "chunks of 7 bytes, wherever events begin",
        |_| healthy().in_pieces_of(7),
    )
    .streams(),
    Fault::new("frames-of-1", "a byte at a time", |_| {
        healthy().in_pieces_of(1)
    })
    .streams(),
    Fault::new("frames-crlf-of-1", "CRLF, a byte at a time", |_| {
        healthy().line_end("\r\n").in_pieces_of(1)
    })
    .of_events(),
    Fault::new("frames-all-in-one", "all events in one chunk", |_| {
        healthy().in_pieces_of(usize::MAX)
    })
    .streams(),
    Fault::new(
        "frames-bom",
        "a byte order mark before the first event",
        |_| healthy().insert(Moment::Head, [Step::Body("\u{feff}".into())]),
    )
    .of_events(),
    Fault::new(
        "frames-several-data-lines",
        "an event of several data lines",
        |seen| {
            let silent = seen.dialect().speech().says("").to_string();
            let lines = silent.replacen('{', "{\ndata: ", 1);
            let event = format!("data: {lines}\n\n");
            healthy().insert(Moment::Content, [Step::Body(event.into())])
        },
    )
    .of_events(),
    Fault::new(
        "frames-other-fields",
        "ids, retry hints, named events and comments between the words",
        |_| {
            let lines = ": a comment\n\nid: 7\nretry: 1000\n\nevent: ping\ndata: {}\n\n";
            healthy()
                .insert(Moment::Opening, [Step::Body(lines.into())])
                .insert(Moment::Content, [Step::Body(lines.into())])
        },
    )
    .of_events(),
    Fault::new(
        "frames-end-with-connection",
        "a stream without chunks that ends with its connection",
        |_| healthy().until_close(),
    )
    .streams(),
];

fn framed(seen: &Seen, payload: &Value) -> Step {
    seen.dialect().speech().event(&payload.to_string())
}

/// An event of so many bytes that holds no text.
fn image(seen: &Seen, bytes: usize) -> Step {
    let holds = seen.dialect().speech().holds(&"A".repeat(bytes));
    framed(seen, &holds)
}

/// The first half of what an event says.
fn half(seen: &Seen) -> String {
    let payload = seen.dialect().speech().says(TEXT).to_string();
    payload.chars().take(payload.len() / 2).collect()
}

fn done_at(seen: &Seen, moment: Moment) -> Play {
    let mut steps = Vec::from_iter(seen.dialect().speech().terminator());
    steps.push(Step::End);
    healthy().instead(moment, steps)
}

fn odd(seen: &Seen, moment: Moment, payload: &str) -> Play {
    let event = seen.dialect().speech().event(payload);
    healthy().instead(moment, [event, Step::End])
}
