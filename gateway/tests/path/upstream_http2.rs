//! Providers that speak HTTP/2: requests share connections, and what befalls one of them befalls no other.

mod streams;

use std::sync::Arc;

use fairlead_faults::{Play, Provider};
use futures_util::future::join_all;
use h2::Reason;
use tokio::sync::{Notify, Semaphore};

use crate::harness::certificate::Certificate;
use crate::harness::http2_provider::{Asked, Http2Provider};
use crate::harness::yaml::{ONCE, caller, provider};
use crate::harness::{Gateway, Setup, streamed, whole};
use crate::upstream_tls::{ca, over_tls};

/// What no test reaches.
const MANY: u32 = 1000;

fn http2(base_url: &str) -> String {
    provider("a", base_url, &format!("httpVersion: HTTP2, {ONCE}"))
}

/// On one core, so that all requests share their connections.
async fn serve<const N: usize>(documents: [String; N]) -> Gateway {
    Setup::new()
        .file("all.yaml", &documents.concat())
        .arguments(&["--cores", "1"])
        .start()
        .await
}

/// Answers as it is asked, whole or streamed.
fn hello(asked: Asked) {
    let body: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
    if body["stream"] != true {
        return asked.answer("Hello.");
    }
    let mut words = asked.stream();
    words.say("Hel");
    words.say("lo.");
    words.end();
}

#[tokio::test]
async fn answers_come_over_http_2_with_and_without_tls() {
    let certificate = Certificate::loopback();
    let script = |asked: Asked| async move {
        let (uri, fields) = (asked.head.uri.clone(), &asked.head.headers);
        assert_eq!(uri.path(), "/v1/chat/completions");
        assert!(uri.authority().is_some_and(|at| at.host() == "127.0.0.1"));
        for hop in ["host", "connection", "transfer-encoding", "keep-alive"] {
            assert!(!fields.contains_key(hop), "{hop}");
        }
        let length = asked.body.len().to_string();
        assert_eq!(fields["content-length"], length.as_str());
        hello(asked);
    };
    let plain = Http2Provider::start(MANY, script).await;
    let secure = Http2Provider::start_tls(&certificate, script).await;
    let more = "httpVersion: HTTP2, tls: {caCertificateRef: {name: ca}}";
    let gateway = serve([
        http2(&plain.base_url()),
        provider("secure", &secure.base_url(), more),
        ca("ca", &certificate),
        caller(),
    ])
    .await;
    for name in ["a", "secure"] {
        for body in [whole, streamed] {
            let answer = gateway.ask(&body(&format!("{name}/any"))).await;
            assert_eq!(answer.status, 200, "{name}: {}", answer.text());
            assert_eq!(answer.content(), "Hello.", "{name}");
        }
    }
    assert_eq!((plain.requests(), plain.connections()), (2, 1));
    assert_eq!((secure.requests(), secure.connections()), (2, 1));
}

#[tokio::test]
async fn requests_at_once_share_connections_of_at_most_50_streams() {
    let open = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&open);
    let a = Http2Provider::start(MANY, move |asked| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            asked.answer("Hello.");
        }
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let (body, all) = (whole("a/any"), async {
        a.until(120).await;
        open.add_permits(120);
    });
    let asked = join_all((0..120).map(|_| gateway.ask(&body)));
    let (answers, ()) = tokio::join!(asked, all);
    assert!(answers.iter().all(|answer| answer.content() == "Hello."));
    assert_eq!((a.connections(), a.most_streams()), (3, 50));
}

#[tokio::test]
async fn a_server_that_allows_fewer_streams_refuses_none() {
    let open = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&open);
    let a = Http2Provider::start(10, move |asked| {
        let held = Arc::clone(&held);
        async move {
            held.acquire().await.unwrap().forget();
            asked.answer("Hello.");
        }
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let (body, all) = (whole("a/any"), async {
        a.until(30).await;
        open.add_permits(30);
    });
    let asked = join_all((0..30).map(|_| gateway.ask(&body)));
    let (answers, ()) = tokio::join!(asked, all);
    assert!(
        answers
            .iter()
            .all(|answer| answer.attempts() == "default/a=ok")
    );
    assert_eq!((a.connections(), a.most_streams()), (3, 10));
}

#[tokio::test]
async fn http_1_is_spoken_with_a_server_that_does_not_select_http_2() {
    let certificate = Certificate::loopback();
    let a = over_tls(&certificate).await;
    let more = "httpVersion: HTTP2, tls: {caCertificateRef: {name: ca}}";
    let gateway = serve([
        provider("a", &a.base_url(), more),
        ca("ca", &certificate),
        caller(),
    ])
    .await;
    let body = whole("a/any");
    let answers = join_all((0..20).map(|_| gateway.ask(&body))).await;
    assert!(answers.iter().all(|answer| answer.content() == "Hello."));
    assert!(a.connections() <= 20, "{}", a.connections());
    let before = a.connections();
    assert_eq!(gateway.ask(&body).await.content(), "Hello.");
    assert_eq!(a.connections(), before, "it is used again");
}

#[tokio::test]
async fn a_server_without_http_2_is_told_from_one_that_is_down() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let answer = gateway.ask(&whole("a/any")).await;
    assert_eq!(answer.attempts(), "default/a=connect", "{}", answer.text());
    assert!(answer.message().contains("HTTP/2"), "{}", answer.message());
}

#[tokio::test]
async fn no_request_fails_when_the_server_goes_away_between_two() {
    let a = Http2Provider::start(MANY, |asked| async move {
        let leave = asked.leave();
        hello(asked);
        leave.notify_one();
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    for nth in 1..=20 {
        let answer = gateway.ask(&whole("a/any")).await;
        assert_eq!(answer.attempts(), "default/a=ok", "{}", answer.text());
        assert_eq!(a.requests(), nth, "nothing is sent twice");
    }
    assert!(a.connections() > 1);
}

#[tokio::test]
async fn a_stream_goes_on_after_the_server_has_said_that_it_goes_away() {
    let (gone, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (said, wait) = (Arc::clone(&gone), Arc::clone(&go_on));
    let a = Http2Provider::start(MANY, move |asked| {
        let (said, wait) = (Arc::clone(&said), Arc::clone(&wait));
        async move {
            if asked.nth > 0 {
                return hello(asked);
            }
            asked.leave().notify_one();
            let mut words = asked.stream();
            words.say("Hel");
            said.notify_one();
            wait.notified().await;
            words.say("lo.");
            words.end();
        }
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let (body, other) = (streamed("a/any"), async {
        gone.notified().await;
        let answer = gateway.ask(&whole("a/any")).await;
        go_on.notify_one();
        answer
    });
    let (long, short) = tokio::join!(gateway.ask(&body), other);
    assert!(long.done() && long.content() == "Hello.", "{}", long.text());
    assert_eq!(short.content(), "Hello.");
}

#[tokio::test]
async fn a_refused_stream_is_asked_for_again_on_another_connection() {
    let a = Http2Provider::start(MANY, |asked| async move {
        match asked.nth {
            0 => asked.reset(Reason::REFUSED_STREAM),
            _ => hello(asked),
        }
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let answer = gateway.ask(&whole("a/any")).await;
    assert_eq!(
        (answer.content(), answer.attempts()),
        ("Hello.".to_owned(), "default/a=ok")
    );
    assert_eq!((a.requests(), a.connections()), (2, 2));
}

#[tokio::test]
async fn a_server_that_refuses_every_stream_is_a_reset() {
    let a = Http2Provider::start(MANY, |asked| async move {
        asked.reset(Reason::REFUSED_STREAM);
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let answer = gateway.ask(&whole("a/any")).await;
    assert_eq!(answer.attempts(), "default/a=reset");
    assert!(a.requests() <= 4, "{}", a.requests());
}

#[tokio::test]
async fn a_large_request_is_sent_whole() {
    let a = Http2Provider::start(MANY, |asked| async move {
        let length = asked.body.len();
        asked.answer(&length.to_string());
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let mut body = whole("a/any");
    body["messages"][0]["content"] = "x".repeat(3_000_000).into();
    let answer = gateway.ask(&body).await;
    let length: usize = answer.content().parse().unwrap();
    assert!(length > 3_000_000, "{length}");
}
