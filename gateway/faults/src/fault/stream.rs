//! Streams whose events are wrong, too large, too few, or framed in ways that the standard allows.

use serde_json::json;

use super::{Fault, TEXT, healthy};
use crate::{Framing, Moment, Play, Step};

/// The largest event that is usual to allow.
const MIB: usize = 1024 * 1024;

pub(super) const FAULTS: &[Fault] = &[
    Fault::new("stream-empty", "the head of a stream and its end", |_| {
        Play::events([])
    })
    .streams(),
    Fault::new("stream-done-only", "nothing but the terminator", |_| {
        Play::events(["[DONE]"])
    })
    .streams(),
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
        |_| done_at(Moment::Opening),
    )
    .streams(),
    Fault::new(
        "stream-done-before-finish",
        "a word, then the terminator without a finish reason",
        |_| done_at(Moment::Content),
    )
    .streams(),
    Fault::new(
        "stream-events-after-done",
        "more events behind the terminator",
        |_| {
            let more = [
                Step::Event("[DONE]".into()),
                Step::Event("not JSON".into()),
                Step::End,
            ];
            healthy().instead(Moment::Finish, more)
        },
    )
    .streams(),
    Fault::new(
        "event-not-json",
        "a role, then an event that is not JSON",
        |_| odd(Moment::Opening, "not JSON"),
    )
    .streams(),
    Fault::new(
        "event-not-json-after-content",
        "a word, then an event that is not JSON",
        |_| odd(Moment::Content, "not JSON"),
    )
    .streams(),
    Fault::new("event-half", "a role, then half an event", |_| {
        odd(Moment::Opening, "{\"choices\":[{\"delta\"")
    })
    .streams(),
    Fault::new(
        "event-half-after-content",
        "a word, then half an event",
        |_| odd(Moment::Content, "{\"choices\":[{\"delta\""),
    )
    .streams(),
    Fault::new("event-1m", "an event of just under 1 MiB", |_| {
        let text = "x".repeat(MIB - 200);
        healthy().insert(Moment::Content, [said(&text)])
    })
    .streams(),
    Fault::new(
        "event-over-1m",
        "an event of 1.1 MiB before the first word",
        |_| odd(Moment::Opening, &"x".repeat(MIB / 10 * 11)),
    )
    .streams(),
    Fault::new(
        "event-over-1m-after-content",
        "an event of 1.1 MiB after the first word",
        |_| odd(Moment::Content, &"x".repeat(MIB / 10 * 11)),
    )
    .streams(),
    Fault::new("event-2m", "an event of 2 MiB, as images come", |_| {
        healthy().insert(Moment::Content, [image(2 * MIB)])
    })
    .streams(),
    Fault::new(
        "event-17m",
        "an event of 17 MiB before the first word",
        |_| healthy().insert(Moment::Opening, [image(17 * MIB)]),
    )
    .streams(),
    Fault::new(
        "stream-ends-without-blank-line",
        "a last event without its blank line, and no terminator",
        |_| {
            let last = format!("data: {}", finish());
            healthy().instead(Moment::Percent(100), [Step::Body(last.into()), Step::End])
        },
    )
    .streams(),
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
    .streams(),
    Fault::new(
        "usage-chunk-that-holds-more",
        "usage and citations in a chunk without choices",
        |_| {
            let chunk = json!({"choices": [], "usage": {"total_tokens": 2}, "citations": ["https://example.org"]});
            healthy().insert(Moment::Content, [Step::Event(chunk.to_string())])
        },
    )
    .streams(),
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
    .streams(),
    Fault::new(
        "openings-70-then-error",
        "70 events without content, then an error",
        |_| {
            let role =
                json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]})
                    .to_string();
            let mut steps = vec![Step::Event(role); 70];
            steps.extend([
                Step::Event(json!({"error": {"message": "The engine broke."}}).to_string()),
                Step::End,
            ]);
            healthy().instead(Moment::Head, steps)
        },
    )
    .streams(),
    Fault::new("frames-crlf", "lines that end with CRLF", |_| {
        healthy().line_end("\r\n")
    })
    .streams(),
    Fault::new("frames-cr", "lines that end with CR", |_| {
        healthy().line_end("\r")
    })
    .streams(),
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
    .streams(),
    Fault::new("frames-all-in-one", "all events in one chunk", |_| {
        healthy().in_pieces_of(usize::MAX)
    })
    .streams(),
    Fault::new(
        "frames-bom",
        "a byte order mark before the first event",
        |_| healthy().insert(Moment::Head, [Step::Body("\u{feff}".into())]),
    )
    .streams(),
    Fault::new(
        "frames-several-data-lines",
        "an event of several data lines",
        |_| {
            let event =
                "data: {\"choices\":\ndata: [{\"index\":0,\"delta\":{\"content\":\"\"}}]}\n\n";
            healthy().insert(Moment::Content, [Step::Body(event.into())])
        },
    )
    .streams(),
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
    .streams(),
    Fault::new(
        "frames-end-with-connection",
        "a stream without chunks that ends with its connection",
        |_| {
            let finish = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
                .to_string();
            let head = Step::head(
                200,
                &[("content-type", "text/event-stream")],
                Framing::Close,
            );
            Play::steps([
                head,
                said(TEXT),
                Step::Event(finish),
                Step::Event("[DONE]".into()),
            ])
        },
    )
    .streams(),
];

/// An event of so many bytes that holds no text.
fn image(bytes: usize) -> Step {
    let choice =
        json!({"index": 0, "delta": {"images": ["A".repeat(bytes)]}, "finish_reason": null});
    Step::Event(json!({"choices": [choice]}).to_string())
}

fn finish() -> String {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}).to_string()
}

fn done_at(moment: Moment) -> Play {
    healthy().instead(moment, [Step::Event("[DONE]".into()), Step::End])
}

fn odd(moment: Moment, event: &str) -> Play {
    healthy().instead(moment, [Step::Event(event.to_owned()), Step::End])
}

fn said(text: &str) -> Step {
    Step::Event(
        json!({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": null}]})
            .to_string(),
    )
}
