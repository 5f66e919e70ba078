//! One call over a real socket, so that what a library has to do is seen to be enough.

use std::sync::Arc;

use bytes::Bytes;
use fairlead_auth::configure::google::from_environment;
use fairlead_auth::source::google::CLOUD_PLATFORM;
use fairlead_auth::{Http, Keeper, Request, Response, SendError, Sending, SystemClock, World};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::script::{bearer, of, spawn};

/// As much HTTP as a test needs.
struct Plain;

impl Http for Plain {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let failed = |error: std::io::Error| SendError(error.to_string());
            call(&request).await.map_err(failed)
        })
    }
}

async fn call(request: &Request) -> std::io::Result<Response> {
    let (host, path) = request.url["http://".len()..].split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).await?;
    let method = request.method.as_str();
    let mut head = format!("{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in &request.headers {
        head.push_str(&format!("{name}: {}\r\n", value.expose()));
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&request.body).await?;
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    Ok(Response {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        retry_after: None,
        body: Bytes::from(body.to_owned()),
    })
}

/// A metadata server that answers once.
async fn serve(listener: TcpListener) -> Vec<String> {
    let (mut stream, _) = listener.accept().await.unwrap();
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let mut seen = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        if line.is_empty() {
            break;
        }
        seen.push(line);
    }
    let body = r#"{"access_token":"ya29.real","expires_in":3599,"token_type":"Bearer"}"#;
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
    write
        .write_all(format!("{head}{body}").as_bytes())
        .await
        .unwrap();
    seen
}

#[tokio::test]
async fn a_token_comes_over_a_real_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let server = spawn(serve(listener));
    let source = from_environment(&of(&[("GCE_METADATA_HOST", &host)]), CLOUD_PLATFORM).unwrap();
    let world = World {
        http: Arc::new(Plain),
        clock: Arc::new(SystemClock),
        random: || 7,
    };
    let (keeper, refresher) = Keeper::new("default/vertex", source, world);
    spawn(refresher.run());
    assert_eq!(bearer(&keeper.token().await.unwrap()), "ya29.real");
    let seen = server.await.unwrap();
    assert!(seen[0].starts_with("GET /computeMetadata/v1/"), "{seen:?}");
    assert!(
        seen.contains(&"metadata-flavor: Google".to_owned()),
        "{seen:?}"
    );
}
