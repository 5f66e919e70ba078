//! How the bytes of a stream may be cut into events and pieces, and that what is not understood passes.

use serde_json::Value;

use super::{HEL, LO, STOP, played, raw};

#[tokio::test]
async fn any_framing_that_the_standard_allows_is_understood() {
    let lines = [HEL, LO, STOP, "[DONE]"];
    let framed = |end: &str| lines.map(|line| format!("data: {line}{end}{end}")).concat();
    let split = framed("\r\n");
    let bytes: Vec<&str> = (0..split.len()).map(|at| &split[at..=at]).collect();
    let several = "data: {\"choices\":[{\"index\":0,\ndata: \"delta\":{\"content\":\"Hello.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let plays = [
        raw(&[&framed("\n")]),
        raw(&[&framed("\r\n")]),
        raw(&[&framed("\r")]),
        raw(&bytes),
        raw(&["\u{feff}", &framed("\n")]),
        raw(&[
            ": hello\n\n",
            "event: ping\ndata: {}\n\n",
            "id: 7\nretry: 1000\n",
            &framed("\n"),
        ]),
        raw(&[&framed("\n").replace("data: ", "data:")]),
    ];
    for play in plays {
        let answer = played(play.clone()).await;
        assert_eq!(
            (answer.status, answer.attempts()),
            (200, "a=ok"),
            "{play:?}\n{}",
            answer.text()
        );
        let text = answer
            .text()
            .replace('\u{feff}', "")
            .replace("\r\n", "\n")
            .replace('\r', "\n")
            .replace("data:{", "data: {")
            .replace("data:[", "data: [");
        let said: String = text
            .lines()
            .filter_map(|line| {
                serde_json::from_str::<Value>(line.strip_prefix("data: ")?).ok()?["choices"][0]
                        ["delta"]["content"]
                        .as_str()
                        .map(str::to_owned)
            })
            .collect();
        assert_eq!(said, "Hello.", "{play:?}\n{text}");
        assert!(
            text.trim_end().ends_with("data: [DONE]"),
            "{play:?}\n{text}"
        );
    }
    let answer = played(raw(&[several])).await;
    assert!(
        answer.text().contains(&several[..several.len() - 14]) && answer.done(),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn after_the_first_content_unknown_events_and_comments_pass_in_their_place() {
    let answer = played(raw(&[
        ": one\n\n",
        &format!("data: {HEL}\n\n"),
        ": two\n\n",
        "event: note\ndata: {\"x\":1}\n\n",
        &format!("data: {STOP}\n\ndata: [DONE]\n\n"),
    ]))
    .await;
    let expected = format!(
        "data: {HEL}\n\n: two\nevent: note\ndata: {{\"x\":1}}\n\ndata: {STOP}\n\ndata: [DONE]\n\n"
    );
    assert_eq!(answer.text(), expected);
}
