//! Faults placed by meaning, those that come before the body of a request, and the log of what was played.

use std::io::ErrorKind;

use crate::support::{chat, connect, converse, converse_until, payloads, post};
use fairlead_faults::{Dialect, Ending, Fault, Moment, Play, Provider, Reply, Shape, TEXT};

const ASK: &str = r#"{"model":"m","messages":[]}"#;
const ASK_STREAM: &str =
    r#"{"model":"m","messages":[],"stream":true,"stream_options":{"include_usage":true}}"#;

/// What a stream that was cut at this moment says.
async fn said(shape: Shape, moment: Moment) -> (String, bool) {
    let reply = Reply::words(["One", " two", " three", " four"]).shape(shape);
    let provider = Provider::always(Play::from(reply).cut_at(moment)).await;
    let answer = chat(&provider, ASK_STREAM).await.expect("an orderly end");
    let chunks = payloads(&answer);
    let finished = chunks.iter().any(|chunk| chunk.contains("\"stop\""));
    let texts = chunks.iter().filter_map(|chunk| {
        let chunk: serde_json::Value = serde_json::from_str(chunk).ok()?;
        Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
    });
    (texts.collect(), finished)
}

#[tokio::test]
async fn a_moment_means_the_same_in_the_stream_of_every_server() {
    let table = [
        (Moment::Head, "", false),
        (Moment::Opening, "", false),
        (Moment::Content, "One", false),
        (Moment::Percent(50), "One two", false),
        (Moment::Percent(100), "One two three four", false),
        (Moment::Finish, "One two three four", true),
    ];
    for shape in Shape::ALL {
        for (moment, text, finished) in table {
            let expected = (text.to_owned(), finished);
            assert_eq!(said(shape, moment).await, expected, "{shape:?} {moment:?}");
        }
    }
}

#[tokio::test]
async fn a_moment_means_the_same_in_every_api() {
    // How each of them marks the end of the answer, and of the stream.
    let table = [
        ("OpenAI", vec!["\"finish_reason\":\"stop\"", "[DONE]"]),
        ("Anthropic", vec!["message_delta", "message_stop"]),
        ("Gemini", vec!["\"finishReason\":\"STOP\""]),
    ];
    for dialect in Dialect::all() {
        let row = table.iter().find(|(name, _)| *name == dialect.name());
        let Some((_, marks)) = row else {
            continue;
        };
        for (moment, words, ends) in [
            (Moment::Head, 0, 0),
            (Moment::Opening, 0, 0),
            (Moment::Content, 1, 0),
            (Moment::Percent(50), 2, 0),
            (Moment::Percent(100), 4, 0),
            (Moment::Finish, 4, 1),
        ] {
            let reply = Reply::words(["One", " two", " three", " four"]);
            let provider = Provider::always(Play::from(reply).cut_at(moment)).await;
            let body = "{\"model\":\"m\",\"stream\":true}";
            let asked = post(&dialect.path("m", true), body, false);
            let answer = converse(connect(&provider).await, &asked).await;
            let answer = answer.expect("an orderly end");
            let said = ["One", " two", " three", " four"];
            let said = said.iter().filter(|word| answer.contains(**word)).count();
            let ended = marks.iter().filter(|mark| answer.contains(**mark)).count();
            assert_eq!(
                (said, ended),
                (words, ends),
                "{dialect:?} {moment:?}: {answer}"
            );
        }
    }
}

#[tokio::test]
async fn the_path_says_in_which_api_it_is_answered() {
    let provider = Provider::start(|seen| match Fault::asked_by(seen) {
        Some(fault) => fault.play(seen),
        None => Play::words(["Hello."]),
    })
    .await;
    let ask = async |path: &str| {
        let answer = converse(connect(&provider).await, &post(path, "{}", false)).await;
        let answer = answer.expect("an answer");
        let body = answer.split_once("\r\n\r\n").expect("a body").1.to_owned();
        serde_json::from_str::<serde_json::Value>(&body).expect("JSON")
    };
    let whole = ask("/v1/chat/completions").await;
    assert_eq!(whole["choices"][0]["message"]["content"], "Hello.");
    assert_eq!(ask("/v1/messages").await["content"][0]["text"], "Hello.");
    let whole = ask("/v1beta/models/m:generateContent").await;
    assert_eq!(
        whole["candidates"][0]["content"]["parts"][0]["text"],
        "Hello."
    );
    let error = ask("/v1beta/models/fault:overloaded:generateContent").await;
    assert_eq!(error["error"]["status"], "UNAVAILABLE");
    let error = ask("/play/overloaded/v1/messages").await;
    assert_eq!(error["error"]["type"], "overloaded_error");
}

#[tokio::test]
async fn a_moment_divides_a_whole_answer_by_bytes() {
    let whole = Play::chat("Hello.");
    let length = async |play: Play| {
        let answer = chat(&Provider::always(play).await, ASK).await;
        let answer = answer.expect("an orderly end");
        answer
            .split_once("\r\n\r\n")
            .map_or(0, |(_, body)| body.len())
    };
    let all = length(whole.clone()).await;
    let table = [
        (Moment::WithinHead, 0),
        (Moment::Head, 0),
        (Moment::Opening, 1),
        (Moment::Content, all / 2),
        (Moment::Percent(90), all * 90 / 100),
        (Moment::Finish, all - 1),
    ];
    for (moment, bytes) in table {
        assert_eq!(
            length(whole.clone().cut_at(moment)).await,
            bytes,
            "{moment:?}"
        );
    }
}

#[tokio::test]
async fn the_bytes_of_a_stream_are_the_same_however_they_are_cut() {
    let body = async |play: Play| {
        let answer = chat(&Provider::always(play).await, ASK_STREAM).await;
        let answer = answer.expect("an answer");
        let (_, chunks) = answer.split_once("\r\n\r\n").expect("a body");
        let sizes = chunks.split("\r\n").step_by(2).count();
        let data: String = chunks.split("\r\n").skip(1).step_by(2).collect();
        (data, sizes)
    };
    let (whole, few) = body(Play::words(["a", "b"])).await;
    let (cut, many) = body(Play::words(["a", "b"]).in_pieces_of(5)).await;
    assert_eq!(whole, cut);
    assert!(many > few * 5, "{many} {few}");
}

#[tokio::test]
async fn answers_before_the_body_has_come_and_goes_on_behind_it() {
    let provider = Provider::builder()
        .early(|seen| (seen.path == "/early").then(|| Play::answer(200, &[], "soon")))
        .start(|_| Play::answer(200, &[], "late"))
        .await;
    let mut stream = connect(&provider).await;
    let head = "POST /early HTTP/1.1\r\nContent-Length: 4\r\n\r\n";
    converse_until(&mut stream, head, "soon").await;
    assert!(provider.seen()[0].body.is_empty());
    let rest = format!("body{}", post("/late", "", true));
    converse_until(&mut stream, &rest, "late").await;
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn leaves_a_handshake_in_the_middle() {
    let provider = Provider::builder()
        .cut_handshakes()
        .start(|_| Play::chat("Hi"))
        .await;
    let answer = converse(connect(&provider).await, "hello")
        .await
        .expect("an orderly end");
    assert!(
        answer.starts_with('\u{16}') && answer.len() < 20,
        "{answer:?}"
    );
    assert_eq!(provider.requests(), 0);
}

#[tokio::test]
async fn keeps_listening_on_a_socket_that_is_half_closed() {
    let fault = Fault::named("half-closed-after-content").expect("a fault");
    let provider = Provider::start(|seen| fault.play(seen)).await;
    let mut stream = connect(&provider).await;
    tokio::io::AsyncWriteExt::write_all(
        &mut stream,
        post("/v1/chat/completions", ASK_STREAM, true).as_bytes(),
    )
    .await
    .expect("the provider reads");
    let mut answer = Vec::new();
    tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut answer)
        .await
        .expect("FIN");
    assert_eq!(provider.abandoned(), 0);
    drop(stream);
    provider.until(|provider| provider.abandoned() == 1).await;
}

#[tokio::test]
async fn logs_what_it_played() {
    let provider = Provider::start(|seen| match seen.sequence {
        0 => Play::answer(200, &[], "12345"),
        _ => Play::chat("Hi").reset_at(Moment::Content),
    })
    .await;
    chat(&provider, ASK).await.expect("an answer");
    let error = chat(&provider, ASK_STREAM).await.expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    provider
        .until(|provider| provider.played().len() == 2)
        .await;
    let played = provider.played();
    let endings: Vec<_> = played
        .iter()
        .map(|played| (played.sequence, played.ending))
        .collect();
    assert_eq!(endings, [(0, Ending::KeptAlive), (1, Ending::Reset)]);
    let head = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n";
    assert_eq!(
        played[0].bytes,
        u64::try_from(head.len() + 5).expect("a small number")
    );
}

#[tokio::test]
async fn a_fault_is_asked_for_by_model_or_by_path() {
    let provider = Provider::start(|seen| match Fault::asked_by(seen) {
        Some(fault) => Play::answer(200, &[], fault.name),
        None => Play::answer(200, &[], "none"),
    })
    .await;
    let ask = async |path: &str, model: &str| {
        let body = format!("{{\"model\":\"{model}\"}}");
        let answer = converse(connect(&provider).await, &post(path, &body, false)).await;
        let answer = answer.expect("an answer");
        answer.split_once("\r\n\r\n").expect("a body").1.to_owned()
    };
    assert_eq!(ask("/v1/x", "fault:status-503").await, "status-503");
    assert_eq!(ask("/play/slow-start/v1/x", "m").await, "slow-start");
    assert_eq!(ask("/v1/x", "m").await, "none");
    assert_eq!(ask("/v1/x", "fault:nothing-like-it").await, "none");
}

#[tokio::test]
async fn the_healthy_answer_is_whole() {
    let fault = Fault::named("healthy").expect("a fault");
    let provider = Provider::start(|seen| fault.play(seen)).await;
    let answer = chat(&provider, ASK).await.expect("an answer");
    assert!(answer.contains(TEXT), "{answer}");
}
