//! How callers connect: HTTP/1.1 kept alive, HTTP/2, TLS with a certificate that changes.

use fairlead_faults::{Play, Provider};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::harness::certificate::Certificate;
use crate::harness::yaml::{caller, chain, provider};
use crate::harness::{Answer, Gateway, KEY, Setup, eventually, serve, streamed, whole};

fn documents(a: &Provider) -> [String; 3] {
    [
        provider("a", &a.base_url(), ""),
        caller(),
        chain("chat", &["a"], ""),
    ]
}

fn request(gateway: &Gateway, body: &str, more: &str) -> String {
    let length = body.len();
    format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {KEY}\r\ncontent-length: {length}\r\n{more}\r\n{body}",
        gateway.address
    )
}

/// Writes to the gateway and reads until it closes.
async fn converse(gateway: &Gateway, pieces: &[&str]) -> String {
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    for piece in pieces {
        socket.write_all(piece.as_bytes()).await.unwrap();
    }
    let mut answer = Vec::new();
    // A reset after the answer is an end too.
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn one_connection_carries_many_requests() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve(documents(&a)).await;
    let body = whole("chat").to_string();
    let keep = request(&gateway, &body, "");
    let last = request(&gateway, &body, "connection: close\r\n");
    // All at once: what comes early waits for its turn.
    let answer = converse(&gateway, &[&keep, &keep, &last]).await;
    assert_eq!(
        (
            answer.matches("HTTP/1.1 200").count(),
            answer.matches("Hello.").count()
        ),
        (3, 3),
        "{answer}"
    );
}

#[tokio::test]
async fn a_stream_over_http_1_leaves_its_connection_usable() {
    let a = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = serve(documents(&a)).await;
    let first = request(&gateway, &streamed("chat").to_string(), "");
    let last = request(
        &gateway,
        &whole("chat").to_string(),
        "connection: close\r\n",
    );
    let answer = converse(&gateway, &[&first, &last]).await;
    assert!(
        answer.contains("[DONE]") && answer.contains("Hello."),
        "{answer}"
    );
}

#[tokio::test]
async fn a_request_may_arrive_in_any_pieces() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve(documents(&a)).await;
    let text = request(
        &gateway,
        &whole("chat").to_string(),
        "connection: close\r\n",
    );
    let mut socket = TcpStream::connect(gateway.address).await.unwrap();
    socket.set_nodelay(true).unwrap();
    for byte in text.as_bytes() {
        socket.write_all(&[*byte]).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.contains("Hello."),
        "{answer}"
    );
}

#[tokio::test]
async fn too_many_or_too_large_headers_are_refused() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = serve(documents(&a)).await;
    let many: String = (0..120).map(|n| format!("x-{n}: 1\r\n")).collect();
    let large = format!("x-large: {}\r\n", "x".repeat(100_000));
    for more in [many, large] {
        let more = format!("connection: close\r\n{more}");
        let answer = converse(
            &gateway,
            &[&request(&gateway, &whole("chat").to_string(), &more)],
        )
        .await;
        assert!(
            answer.starts_with("HTTP/1.1 431"),
            "{} bytes: {answer}",
            more.len()
        );
    }
    let answer = converse(&gateway, &["this is not HTTP\r\n\r\n"]).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(
        (a.requests(), gateway.ask(&whole("chat")).await.status),
        (0, 200)
    );
}

#[tokio::test]
async fn http_2_is_understood_without_tls() {
    let a = Provider::always(Play::words(["Hel", "lo."])).await;
    let gateway = serve(documents(&a)).await;
    let socket = TcpStream::connect(gateway.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(socket))
        .await
        .unwrap();
    let ask = async |body: String| {
        let request = http::Request::post(gateway.url("/v1/chat/completions"))
            .header("authorization", format!("Bearer {KEY}"));
        let answer = sender
            .clone()
            .send_request(request.body(Full::new(Bytes::from(body))).unwrap())
            .await
            .unwrap();
        let (head, body) = answer.into_parts();
        (
            head.status.as_u16(),
            String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap(),
        )
    };
    let requests = async {
        let asked = (0..20).map(|n| {
            ask(if n % 2 == 0 {
                whole("chat")
            } else {
                streamed("chat")
            }
            .to_string())
        });
        futures_util::future::join_all(asked).await
    };
    let answers = tokio::select! {
        answers = requests => answers,
        ended = connection => panic!("the connection ended: {ended:?}"),
    };
    for (at, (status, body)) in answers.iter().enumerate() {
        let expected = if at % 2 == 0 {
            "Hello."
        } else {
            "data: [DONE]"
        };
        assert!(*status == 200 && body.contains(expected), "{status} {body}");
    }
}

fn https(certificate: &Certificate) -> reqwest::Client {
    let root = reqwest::Certificate::from_pem(certificate.certificate.as_bytes()).unwrap();
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .tls_certs_only([root])
        .build()
        .unwrap()
}

async fn over_tls(
    client: &reqwest::Client,
    gateway: &Gateway,
) -> Result<reqwest::Response, reqwest::Error> {
    let url = gateway
        .url("/v1/chat/completions")
        .replace("http://", "https://");
    client
        .post(url)
        .bearer_auth(KEY)
        .body(whole("chat").to_string())
        .send()
        .await
}

#[tokio::test]
async fn callers_are_served_over_tls_and_a_new_certificate_is_picked_up() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let (old, new) = (Certificate::loopback(), Certificate::loopback());
    let setup = Setup::new().file("all.yaml", &documents(&a).concat());
    setup.write("tls/tls.crt", &old.certificate);
    setup.write("tls/tls.key", &old.key);
    let gateway = setup
        .arguments(&[
            "--tls-cert",
            "{}/tls/tls.crt",
            "--tls-key",
            "{}/tls/tls.key",
        ])
        .start()
        .await;
    let (trusts_old, trusts_new) = (https(&old), https(&new));
    assert_eq!(
        Answer::of(over_tls(&trusts_old, &gateway).await.unwrap())
            .await
            .content(),
        "Hello."
    );
    assert!(over_tls(&trusts_new, &gateway).await.is_err());
    // Half of a pair is not served: until the key is there too, the old one goes on.
    gateway.setup.write("tls/tls.crt", &new.certificate);
    gateway
        .err
        .until(|line| line.contains("the last good certificate is served"))
        .await;
    assert_eq!(over_tls(&trusts_old, &gateway).await.unwrap().status(), 200);
    gateway.setup.write("tls/tls.key", &new.key);
    eventually("the new certificate is served", async || {
        over_tls(&trusts_new, &gateway).await.ok()
    })
    .await;
    // A client that knows the gateway may resume its session; one that does not sees the new certificate.
    assert!(over_tls(&https(&old), &gateway).await.is_err());
}

#[tokio::test]
async fn a_start_without_a_certificate_that_can_be_used_is_refused() {
    let setup = Setup::new().file("all.yaml", &caller());
    setup.write("tls/tls.crt", "no certificate");
    let output = setup
        .arguments(&[
            "--tls-cert",
            "{}/tls/tls.crt",
            "--tls-key",
            "{}/tls/tls.crt",
        ])
        .refused()
        .await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.code() == Some(1) && told.contains("tls.crt") && told.contains("certificate"),
        "{told}"
    );
}
