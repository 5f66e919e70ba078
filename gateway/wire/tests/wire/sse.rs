//! The framing of events.

use bytes::Bytes;
use fairlead_wire::sse::{Decoder, Event, TooLarge, begins_events};
use proptest::prelude::*;

use crate::check_sse::check;

fn decode(chunks: &[&'static str]) -> (Vec<Event>, usize) {
    let mut decoder = Decoder::new(1 << 20);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.push(Bytes::from_static(chunk.as_bytes()));
        while let Some(event) = decoder.next().unwrap() {
            events.push(event);
        }
    }
    (events, decoder.pending())
}

fn data(chunks: &[&'static str]) -> Vec<Option<String>> {
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    decode(chunks)
        .0
        .into_iter()
        .map(|event| event.data.map(text))
        .collect()
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn cuts_several_events_out_of_one_chunk_without_copying() {
    let chunk = "data: {\"a\":1}\n\nevent: ping\ndata:two\n\n";
    let (events, pending) = decode(&[chunk]);
    assert_eq!(pending, 0);
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].raw, "data: {\"a\":1}\n\n");
    assert_eq!(events[0].raw.as_ptr(), chunk.as_ptr());
    assert_eq!(
        events[0].data.as_ref().unwrap().as_ptr(),
        chunk[6..].as_ptr()
    );
    assert_eq!(events[1].data.as_ref().unwrap(), "two");
    assert_eq!(events[1].name.as_ref().unwrap(), "ping");
}

#[test]
fn understands_every_line_end() {
    for stream in [
        "data: a\ndata: b\n\n",
        "data: a\r\ndata: b\r\n\r\n",
        "data: a\rdata: b\r\r",
        "data: a\r\ndata: b\n\r",
    ] {
        assert_eq!(data(&[stream]), [some("a\nb")], "{stream:?}");
    }
}

#[test]
fn an_event_may_be_split_anywhere() {
    assert_eq!(
        data(&["da", "ta: {\"a", "\":1}", "\n", "\ndata: 2\n\n"]),
        [some("{\"a\":1}"), some("2")]
    );
}

#[test]
fn an_event_that_ends_in_cr_is_not_held_back() {
    let (events, pending) = decode(&["data: a\r\n\r"]);
    assert_eq!((events.len(), pending), (1, 0));
    // The LF of its CRLF comes out by itself.
    assert_eq!(
        data(&["data: a\r\n\r", "\ndata: b\r\n\r\n"]),
        [some("a"), None, some("b")]
    );
    assert_eq!(data(&["data: a\r", "\n\r\n"]), [some("a")]);
    assert_eq!(data(&["data: a\r", "\r"]), [some("a")]);
}

#[test]
fn comments_and_blank_lines_have_no_data() {
    let stream = ": OPENROUTER PROCESSING\n\n\ndata: x\n: between\n\nid: 7\nretry: 10\n\n";
    assert_eq!(data(&[stream]), [None, None, some("x"), None]);
    let raw: Vec<u8> = decode(&[stream])
        .0
        .iter()
        .flat_map(|event| event.raw.to_vec())
        .collect();
    assert_eq!(raw, stream.as_bytes());
}

#[test]
fn data_may_be_empty_and_loses_one_space_only() {
    assert_eq!(
        data(&["data\n\n", "data:\n\n", "data:  x \n\n", "data:\ndata:\n\n"]),
        [some(""), some(""), some(" x "), some("\n")]
    );
    assert_eq!(
        data(&["database: x\n\n", " data: x\n\n", "Data: x\n\n"]),
        [None, None, None]
    );
}

#[test]
fn the_last_name_of_an_event_counts() {
    let (events, _) = decode(&["event: a\ndata: x\nevent:b\n\ndata: y\n\n"]);
    assert_eq!(events[0].name.as_deref(), Some(&b"b"[..]));
    assert_eq!(events[1].name, None);
}

#[test]
fn a_byte_order_mark_is_ignored_at_the_start_only() {
    assert_eq!(
        data(&["\u{feff}data: x\n\n", "\u{feff}data: y\n\n"]),
        [some("x"), None]
    );
    let mut decoder = Decoder::new(100);
    for byte in "\u{feff}data: x\n\n".bytes() {
        decoder.push(vec![byte].into());
    }
    assert_eq!(decoder.next().unwrap().unwrap().data.unwrap(), "x");
}

#[test]
fn a_byte_order_mark_is_not_passed_on() {
    // Behind a comment of ours it would stand in the middle of a stream, where it spoils the line.
    for chunks in [&["\u{feff}data: x\n\n"][..], &["\u{feff}", "data: x\n\n"]] {
        assert_eq!(decode(chunks).0[0].raw, "data: x\n\n");
    }
}

#[test]
fn what_is_left_of_a_stream_that_ends_cleanly_is_its_last_event() {
    for (stream, raw) in [
        ("data: x\n", "data: x\n\n"),
        ("data: x", "data: x\n\n"),
        ("data: x\r\n", "data: x\r\n\n"),
        ("data: x\r", "data: x\r\n\n"),
        ("event: e\ndata: x", "event: e\ndata: x\n\n"),
    ] {
        let mut decoder = Decoder::new(100);
        decoder.push(Bytes::from_static(b"data: before\n\n"));
        decoder.push(Bytes::from_static(stream.as_bytes()));
        assert_eq!(decoder.next().unwrap().unwrap().data.unwrap(), "before");
        assert_eq!(decoder.next(), Ok(None));
        let rest = decoder.rest().unwrap();
        assert_eq!(
            (rest.raw, rest.data.unwrap()),
            (raw.into(), "x".into()),
            "{stream:?}"
        );
        assert_eq!((decoder.rest(), decoder.pending()), (None, 0));
    }
    assert_eq!(Decoder::new(100).rest(), None);
}

#[test]
fn a_stream_of_events_is_known_by_its_beginning() {
    for begins in [
        "data: {",
        "data:{",
        ": hello",
        "event: ping",
        "id: 7",
        "retry: 10",
        "\n\r\ndata: x",
        "\u{feff}data: x",
    ] {
        assert_eq!(begins_events(begins.as_bytes()), Some(true), "{begins:?}");
    }
    for other in [
        "{",
        "[",
        "<html>",
        "database: x",
        "dat\n",
        "I am fine.",
        " data: x",
        "ide",
    ] {
        assert_eq!(begins_events(other.as_bytes()), Some(false), "{other:?}");
    }
    for undecided in [
        &b""[..],
        b"\n",
        b"d",
        b"data",
        b"event",
        b"\xef",
        b"\xef\xbb\xbf",
        b"\xef\xbb\xbfd",
    ] {
        assert_eq!(begins_events(undecided), None, "{undecided:?}");
    }
}

#[test]
fn a_comment_does_without_a_blank_line() {
    for (stream, line) in [
        (": a\n\n", Some(": a\n")),
        (": a\n: b\n\n", Some(": a\n: b\n")),
        (": a\r\n\r\n", Some(": a\r\n")),
        ("\n", None),
        ("id: 7\n\n", None),
        (": a\ndata: x\n\n", None),
    ] {
        let event = decode(&[stream]).0.remove(0);
        assert_eq!(event.is_comment(), line.is_some(), "{stream:?}");
        if let Some(line) = line {
            assert_eq!(event.without_blank_line(), line);
        }
    }
}

#[test]
fn an_event_without_its_blank_line_is_pending() {
    assert_eq!(decode(&["data: a\n\ndata: b\n"]).1, 8);
    let mut decoder = Decoder::new(100);
    decoder.push(Bytes::from_static(b"data"));
    assert_eq!(
        decoder.pending(),
        4,
        "before anyone asked for an event, too"
    );
}

#[test]
fn refuses_an_event_over_the_limit_and_stays_with_it() {
    let fits = "data: 78\n\n";
    let mut decoder = Decoder::new(fits.len());
    decoder.push(Bytes::from_static(fits.as_bytes()));
    assert!(decoder.next().unwrap().is_some());
    decoder.push(Bytes::from_static(b"data: 789\n\ndata: a\n\n"));
    let refusal = Err(TooLarge { limit: 10 });
    assert_eq!(decoder.next(), refusal);
    decoder.push(Bytes::from_static(fits.as_bytes()));
    assert_eq!(decoder.next(), refusal);
}

#[test]
fn refuses_an_event_that_grows_over_the_limit_before_it_ends() {
    let mut decoder = Decoder::new(10);
    decoder.push(Bytes::from_static(b"data: 1"));
    assert_eq!(decoder.next(), Ok(None));
    decoder.push(Bytes::from_static(b"2345"));
    assert_eq!(decoder.next(), Err(TooLarge { limit: 10 }));
}

#[test]
fn many_data_lines_take_linear_time() {
    let stream = format!("{}\n", "data\n".repeat(200_000));
    let mut decoder = Decoder::new(stream.len());
    decoder.push(stream.into());
    assert_eq!(
        decoder.next().unwrap().unwrap().data.unwrap().len(),
        199_999
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn says_what_the_standard_says_however_it_is_split(
        split in any::<u8>(),
        parts in prop::collection::vec(prop_oneof![
            Just("\n"), Just("\r"), Just("\r\n"), Just("data"), Just(":"), Just(" "), Just("event"), Just("id"), Just("x"), Just("\u{feff}"),
        ], 0..40),
    ) {
        let mut bytes = vec![split];
        bytes.extend(parts.concat().bytes());
        check(&bytes);
    }
}
