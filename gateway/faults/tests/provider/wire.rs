//! What the provider does on the wire: faults byte by byte, connections, the log.

use std::io::ErrorKind;
use std::time::Duration;

use crate::support::{chat, connect, converse, converse_until, payloads, post};
use fairlead_faults::{Framing, Play, Provider, Refusing, Step};
use tokio::net::TcpStream;
use tokio_rustls::rustls;

const ASK: &str = r#"{"model":"m","messages":[]}"#;
const ASK_STREAM: &str = r#"{"model":"m","messages":[],"stream":true}"#;

#[tokio::test]
async fn logs_what_reached_it() {
    let provider = Provider::always(Play::chat("Hi")).await;
    chat(&provider, ASK).await.expect("an answer");
    let seen = provider.seen().remove(0);
    assert_eq!(
        (seen.method.as_str(), seen.path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(seen.header("HOST"), Some("x"));
    assert_eq!(seen.body, ASK);
    assert_eq!(seen.model(), "m");
    assert!(!seen.streamed());
    assert!(
        seen.head
            .starts_with(b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n")
    );
}

#[tokio::test]
async fn reads_a_body_in_chunks_and_grants_100_continue() {
    let provider = Provider::always(Play::chat("Hi")).await;
    let head = "POST /v1/chat/completions HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    let ask = format!("{head}4;ext=1\r\n{{\"mo\r\n8\r\ndel\":1}} \r\n0\r\nTrailer: x\r\n\r\n");
    let answer = converse(connect(&provider).await, &ask)
        .await
        .expect("an answer");
    assert!(
        answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
        "{answer}"
    );
    assert_eq!(provider.seen()[0].body, r#"{"model":1} "#);
}

#[tokio::test]
async fn refuses_what_is_not_http_with_a_400() {
    let provider = Provider::always(Play::chat("Hi")).await;
    let answer = converse(connect(&provider).await, "hello\r\n\r\n")
        .await
        .expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert_eq!(provider.requests(), 0);
}

#[tokio::test]
async fn keeps_a_connection_and_counts_its_requests() {
    let provider = Provider::always(Play::answer(200, &[], "done")).await;
    let mut stream = connect(&provider).await;
    for _ in 0..2 {
        converse_until(&mut stream, &post("/x", "", true), "done").await;
    }
    chat(&provider, ASK).await.expect("an answer");
    let places = provider
        .seen()
        .iter()
        .map(|seen| (seen.sequence, seen.connection, seen.nth_on_connection))
        .collect::<Vec<_>>();
    assert_eq!(places, [(0, 0, 0), (1, 0, 1), (2, 1, 0)]);
    assert_eq!(provider.connections(), 2);
}

#[tokio::test]
async fn plays_by_what_it_has_seen() {
    let provider = Provider::start(|seen| {
        if seen.sequence == 0 {
            Play::status(429)
        } else {
            Play::chat("Hi")
        }
    })
    .await;
    assert!(
        chat(&provider, ASK)
            .await
            .expect("an answer")
            .starts_with("HTTP/1.1 429 ")
    );
    assert!(
        chat(&provider, ASK)
            .await
            .expect("an answer")
            .starts_with("HTTP/1.1 200 ")
    );
}

#[tokio::test]
async fn resets_before_the_answer() {
    let provider = Provider::always(Play::reset()).await;
    assert_eq!(
        chat(&provider, ASK).await.expect_err("a reset").kind(),
        ErrorKind::ConnectionReset
    );
    assert_eq!(provider.requests(), 1);
}

#[tokio::test]
async fn resets_a_reused_connection_only() {
    let play = |again| {
        if again {
            Play::reset()
        } else {
            Play::answer(200, &[], "done")
        }
    };
    let provider = Provider::start(move |seen| play(seen.nth_on_connection > 0)).await;
    let mut stream = connect(&provider).await;
    converse_until(&mut stream, &post("/x", "", true), "done").await;
    let error = converse(stream, &post("/x", "", true))
        .await
        .expect_err("a reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn resets_its_first_connections_unread() {
    let provider = Provider::resetting(1, |_| Play::chat("Hi")).await;
    // Depending on who is faster the client fails to write or to read; either way there is no answer.
    chat(&provider, ASK).await.expect_err("a reset");
    chat(&provider, ASK).await.expect("an answer");
    assert_eq!((provider.connections(), provider.requests()), (2, 1));
}

#[tokio::test]
async fn closes_before_the_answer() {
    let provider = Provider::always(Play::close()).await;
    assert_eq!(chat(&provider, ASK).await.expect("an orderly end"), "");
}

#[tokio::test]
async fn stays_silent_until_the_peer_goes() {
    let provider = Provider::always(Play::silent()).await;
    let mut stream = connect(&provider).await;
    let ask = post("/x", "", true);
    tokio::io::AsyncWriteExt::write_all(&mut stream, ask.as_bytes())
        .await
        .expect("the provider reads");
    provider.until(|provider| provider.requests() == 1).await;
    assert_eq!(provider.abandoned(), 0);
    drop(stream);
    provider.until(|provider| provider.abandoned() == 1).await;
}

#[tokio::test]
async fn notices_during_a_pause_that_the_peer_went() {
    let provider = Provider::always(Play::chat("Hi").after(Duration::from_secs(3600))).await;
    let mut stream = connect(&provider).await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, post("/x", "", true).as_bytes())
        .await
        .expect("the provider reads");
    provider.until(|provider| provider.requests() == 1).await;
    drop(stream);
    provider.until(|provider| provider.abandoned() == 1).await;
}

#[tokio::test]
async fn falls_silent_after_the_head() {
    let provider = Provider::always(Play::silent_after_head()).await;
    let mut stream = connect(&provider).await;
    let answer = converse_until(&mut stream, &post("/x", ASK_STREAM, true), "\r\n\r\n").await;
    assert!(
        answer.contains("content-type: text/event-stream\r\n"),
        "{answer}"
    );
    assert!(
        answer.contains("transfer-encoding: chunked\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn cuts_a_stream_after_so_many_events() {
    let provider = Provider::always(Play::words(["a", "b", "c"]).cut_after(2)).await;
    let answer = chat(&provider, ASK_STREAM).await.expect("an orderly end");
    assert_eq!(payloads(&answer).len(), 2);
    assert!(!answer.contains("[DONE]"));
    assert!(
        !answer.ends_with("0\r\n\r\n"),
        "the chunked body must not look complete"
    );
}

#[tokio::test]
async fn cuts_the_end_of_the_encoding_off_when_all_events_went_out() {
    let provider = Provider::always(Play::events(["1", "2"]).cut_after(2)).await;
    let answer = chat(&provider, ASK_STREAM).await.expect("an orderly end");
    assert_eq!(payloads(&answer), ["1", "2"]);
    assert!(!answer.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn resets_a_stream_after_so_many_events() {
    let provider = Provider::always(Play::words(["a", "b"]).reset_after(1)).await;
    assert_eq!(
        chat(&provider, ASK_STREAM)
            .await
            .expect_err("a reset")
            .kind(),
        ErrorKind::ConnectionReset
    );
}

#[tokio::test]
async fn cuts_a_whole_answer_to_its_head() {
    let provider = Provider::always(Play::chat("Hi").cut_after(0)).await;
    let answer = chat(&provider, ASK).await.expect("an orderly end");
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn promises_more_bytes_than_it_sends() {
    let head = Step::Head {
        status: 200,
        headers: vec![],
        framing: Framing::Length(100),
    };
    let provider = Provider::always(Play::steps([head, Step::Body("short".into())])).await;
    let answer = chat(&provider, ASK).await.expect("an orderly end");
    assert!(
        answer.ends_with("content-length: 100\r\n\r\nshort"),
        "{answer}"
    );
}

#[tokio::test]
async fn ends_a_body_with_the_connection() {
    let head = Step::Head {
        status: 200,
        headers: vec![],
        framing: Framing::Close,
    };
    let provider = Provider::always(Play::steps([head, Step::Body("all".into())])).await;
    let answer = converse(connect(&provider).await, &post("/x", "", true))
        .await
        .expect("an orderly end");
    assert!(answer.ends_with("connection: close\r\n\r\nall"), "{answer}");
}

#[tokio::test]
async fn sends_bytes_that_are_not_http() {
    let provider = Provider::always(Play::garbage()).await;
    assert!(
        !chat(&provider, ASK)
            .await
            .expect("an orderly end")
            .starts_with("HTTP/")
    );
}

#[tokio::test]
async fn spaces_the_pieces_of_a_body() {
    let provider =
        Provider::always(Play::events(["1", "2", "3"]).every(Duration::from_millis(20))).await;
    let started = tokio::time::Instant::now();
    chat(&provider, ASK_STREAM).await.expect("an answer");
    assert!(started.elapsed() >= Duration::from_millis(60));
}

#[tokio::test]
async fn adds_fields_to_the_head() {
    let provider = Provider::always(Play::status(429).header("retry-after", "7")).await;
    assert!(
        chat(&provider, ASK)
            .await
            .expect("an answer")
            .contains("\r\nretry-after: 7\r\n")
    );
}

#[tokio::test]
async fn refuses_connections_once_stopped() {
    let provider = Provider::always(Play::chat("Hi")).await;
    let (address, mut idle) = (provider.address(), connect(&provider).await);
    converse_until(&mut idle, &post("/v1/embeddings", "{}", true), "}").await;
    provider.stop().await;
    assert_eq!(
        TcpStream::connect(address)
            .await
            .expect_err("a refusal")
            .kind(),
        ErrorKind::ConnectionRefused
    );
    // Its open connections ended with it.
    assert_eq!(converse(idle, "").await.unwrap_or_default(), "");
}

#[tokio::test]
async fn refuses_connections_where_nothing_listens() {
    let nobody = Refusing::bind();
    let authority = nobody.base_url().replace("http://", "").replace("/v1", "");
    assert_eq!(
        TcpStream::connect(authority)
            .await
            .expect_err("a refusal")
            .kind(),
        ErrorKind::ConnectionRefused
    );
}

#[tokio::test]
async fn speaks_tls_with_the_certificate_given() {
    let authority =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let provider = Provider::start_tls(
        |_| Play::chat("Hi"),
        &authority.cert.pem(),
        &authority.signing_key.serialize_pem(),
    )
    .await;
    assert!(provider.base_url().starts_with("https://"));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.cert.der().clone()).expect("a root");
    let crypto = std::sync::Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .expect("versions");
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
    let name = "localhost".try_into().expect("a name");
    let stream = connector
        .connect(name, connect(&provider).await)
        .await
        .expect("a handshake");
    let answer = converse(stream, &post("/v1/chat/completions", ASK, false))
        .await
        .expect("an answer");
    assert!(answer.contains("\"content\":\"Hi\""), "{answer}");
}
