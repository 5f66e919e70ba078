//! Callers who do not wait, and callers who let wait.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::stage::Stage;
use crate::harness::raw::head;
use crate::harness::{Answer, streamed, whole};

/// Slow readers of each kind: fewer than there are places.
const SLOW: usize = 15;

pub(super) async fn a_millisecond_for_everything(stage: &Stage) {
    stage
        .again(async || {
            for agent in ["silent", "silent-after-head", ""] {
                let request = stage.request(agent).header("x-fairlead-timeout-ms", "1");
                let answer = Answer::to(request.body(whole("chat").to_string())).await;
                assert_eq!(answer.status, 504, "{}", answer.text());
            }
        })
        .await;
}

pub(super) async fn hang_ups_before_anything_has_come(stage: &Stage) {
    stage
        .again(async || {
            for agent in ["silent", "silent-after-head"] {
                for body in [whole("chat"), streamed("chat")] {
                    let asking = stage.request(agent).body(body.to_string()).send();
                    let _ = tokio::time::timeout(Duration::from_millis(10), asking).await;
                }
            }
        })
        .await;
}

pub(super) async fn hang_ups_after_the_first_word(stage: &Stage) {
    stage
        .again(async || {
            let request = stage.request("words").body(streamed("chat").to_string());
            let mut answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 200);
            assert!(answer.chunk().await.unwrap().is_some());
        })
        .await;
}

/// Takes next to nothing at a time.
async fn sip(stage: &Stage) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(stage.gateway.address).await.unwrap()
}

async fn slowly(stage: &Stage, agent: &str, body: String) {
    for _ in 0..SLOW {
        let mut socket = sip(stage).await;
        let more = format!(
            "user-agent: {agent}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let text = head(&stage.gateway, &more);
        socket.write_all(text.as_bytes()).await.unwrap();
        let mut status = [0; 12];
        socket.read_exact(&mut status).await.unwrap();
        stage.keep(socket);
    }
}

pub(super) async fn whole_answers_that_nobody_takes(stage: &Stage) {
    slowly(stage, "large", whole("chat").to_string()).await;
}

pub(super) async fn streams_that_nobody_takes(stage: &Stage) {
    slowly(stage, "torrent", streamed("chat").to_string()).await;
}
