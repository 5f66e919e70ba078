use bytes::Bytes;
use fairlead_wire::sse::Decoder;

use super::*;

const HEL: &str = r#"data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}"#;

fn progress(choices: u64, wants_usage: bool) -> Progress {
    Progress::new(Events::OpenAi, choices, wants_usage)
}

/// What becomes of each event of a stream.
fn verdicts(progress: &mut Progress, stream: &str) -> Vec<Verdict> {
    let mut decoder = Decoder::new(usize::MAX);
    decoder.push(Bytes::copy_from_slice(stream.as_bytes()));
    let mut verdicts = Vec::new();
    while let Ok(Some(event)) = decoder.next() {
        verdicts.push(progress.take(&event));
    }
    verdicts
}

/// What becomes of the last event, after one word.
fn after_a_word(wants_usage: bool, event: &str) -> Verdict {
    let mut progress = progress(1, wants_usage);
    verdicts(&mut progress, &format!("{HEL}\n\n{event}\n\n"))
        .pop()
        .unwrap()
}

#[test]
fn an_event_with_empty_data_is_a_heartbeat() {
    for event in [
        "data:",
        "data: ",
        "data",
        "event: ping\ndata: ",
        "data:\ndata:",
        "data:  \t",
    ] {
        assert_eq!(after_a_word(false, event), Verdict::Drop, "{event:?}");
        let first = verdicts(&mut progress(1, false), &format!("{event}\n\n"));
        assert_eq!(first, [Verdict::Drop], "{event:?}");
    }
    let mut progress = progress(1, false);
    verdicts(&mut progress, &format!("{HEL}\n\ndata:\n\n"));
    assert!(!progress.moved, "it does not keep a stream alive");
}

#[test]
fn an_error_is_one_in_whatever_frame_it_comes() {
    for event in [
        "event: error\ndata: {\"message\":\"Busy.\",\"type\":\"overloaded_error\"}",
        "event: error\ndata: upstream timed out",
        "event: error\ndata: {\"error\":{\"message\":\"No.\"}}",
        "data: {\"error\":\"No.\"}",
        "data: {\"code\":429,\"msg\":\"too many\"}",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}",
        "error: {\"code\":503,\"message\":\"No.\"}",
        "{\"error\":{\"message\":\"No.\"}}",
    ] {
        let told = after_a_word(false, event);
        assert!(matches!(told, Verdict::Error(_)), "{event:?}: {told:?}");
        let first = verdicts(&mut progress(1, false), &format!("{event}\n\n"));
        assert!(matches!(first[..], [Verdict::Error(_)]), "{event:?}");
    }
    for event in [
        "data: {\"choices\":[],\"error\":{}}",
        ": error: no",
        "event: note\ndata: {\"x\":1}",
    ] {
        assert_eq!(after_a_word(false, event), Verdict::Pass, "{event:?}");
    }
}

#[test]
fn only_a_chunk_that_holds_nothing_but_usage_is_taken_out() {
    let usage = r#""choices":[],"usage":{"total_tokens":2}"#;
    let bare = format!("data: {{\"id\":\"c\",{usage}}}");
    let full = format!("data: {{\"id\":\"c\",{usage},\"citations\":[\"https://example.org\"]}}");
    assert_eq!(after_a_word(false, &bare), Verdict::Drop);
    assert_eq!(after_a_word(true, &bare), Verdict::Pass);
    assert_eq!(after_a_word(false, &full), Verdict::Pass);
}

#[test]
fn as_many_choices_are_awaited_as_were_asked_for() {
    let done = |index: usize| {
        format!(
            "data: {{\"choices\":[{{\"index\":{index},\"text\":\"a\",\"finish_reason\":\"stop\"}}]}}\n\n"
        )
    };
    let mut progress = progress(2, false);
    verdicts(&mut progress, &done(0));
    assert!(!progress.complete(), "one of two prompts");
    verdicts(&mut progress, &done(1));
    assert!(progress.complete());
}

#[test]
fn more_choices_than_are_taken_are_not_malformed() {
    let choices = |count: usize| {
        let choice = |index: usize| format!("{{\"index\":{index},\"delta\":{{}}}}");
        let all: Vec<_> = (0..count).map(choice).collect();
        format!("data: {{\"choices\":[{}]}}\n\n", all.join(","))
    };
    let told = |asked, count| verdicts(&mut progress(asked, false), &choices(count)).remove(0);
    assert_eq!(told(1, 256), Verdict::Pass);
    assert!(matches!(told(1, 257), Verdict::TooMuch(_)));
    assert_eq!(told(2048, 2048), Verdict::Pass);
    assert!(matches!(told(2048, 2049), Verdict::TooMuch(_)));
}
