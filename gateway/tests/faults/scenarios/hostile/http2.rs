//! HTTP/2 as nobody should speak it (RFC 9113).

use tokio::io::AsyncWriteExt as _;

use super::stage::Stage;
use crate::harness::http2::{RST_STREAM, Shut, frame};
use crate::harness::{streamed, whole};

const DATA: u8 = 0;
const PRIORITY: u8 = 2;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const CONTINUATION: u8 = 9;
const CANCEL: [u8; 4] = [0, 0, 0, 8];

pub(super) async fn windows_that_stay_shut(stage: &Stage) {
    for _ in 0..2 {
        let mut shut = Shut::open(&stage.gateway, 0).await;
        for _ in 0..4 {
            shut.ask_as("words", &streamed("chat").to_string()).await;
        }
        stage.keep(shut);
    }
}

pub(super) async fn large_answers_that_nobody_takes(stage: &Stage) {
    for window in [0, 1000] {
        let mut shut = Shut::open(&stage.gateway, window).await;
        for _ in 0..stage.sizes.many.min(128) {
            shut.ask_as("large", &whole("chat").to_string()).await;
        }
        stage.keep(shut);
    }
}

/// CVE-2023-44487.
pub(super) async fn streams_that_are_reset_at_once(stage: &Stage) {
    stage
        .again(async || {
            let mut shut = Shut::open(&stage.gateway, 1000).await;
            let mut text = Vec::new();
            for number in 0..500 {
                text.extend(shut.request("", whole("chat").to_string().as_bytes()));
                text.extend(frame(RST_STREAM, 0, 2 * number + 1, &CANCEL));
            }
            let _ = shut.try_send(&text).await;
        })
        .await;
}

async fn flood(stage: &Stage, frames: Vec<u8>) {
    let many = frames.repeat(2_000);
    stage
        .again(async || {
            let mut shut = Shut::open(&stage.gateway, 1000).await;
            let _ = shut.try_send(&many).await;
        })
        .await;
    let mut shut = Shut::open(&stage.gateway, 1000).await;
    let _ = shut.try_send(&many).await;
    // Its answers are never read.
    stage.keep(shut);
}

pub(super) async fn pings(stage: &Stage) {
    flood(stage, frame(PING, 0, 0, &[7; 8])).await;
}

pub(super) async fn settings(stage: &Stage) {
    flood(stage, frame(SETTINGS, 0, 0, &[0, 4, 0, 0, 0, 9])).await;
}

pub(super) async fn priorities_and_frames_of_no_type(stage: &Stage) {
    let mut frames = frame(PRIORITY, 0, 1, &[0, 0, 0, 3, 1]);
    frames.extend(frame(200, 0, 0, &[0; 100]));
    flood(stage, frames).await;
}

/// CVE-2024-27316.
pub(super) async fn heads_that_go_on_and_on(stage: &Stage) {
    let more = frame(CONTINUATION, 0, 1, &[0x00, 1, b'x', 1, b'y'].repeat(200));
    stage
        .again(async || {
            let mut shut = Shut::open(&stage.gateway, 1000).await;
            let mut text = shut.head("");
            // END_HEADERS is taken away.
            text[4] = 0;
            text.extend(more.repeat(500));
            let _ = shut.try_send(&text).await;
        })
        .await;
}

pub(super) async fn data_of_no_bytes_and_windows_beyond_all_bounds(stage: &Stage) {
    stage
        .again(async || {
            let mut shut = Shut::open(&stage.gateway, 1000).await;
            let mut text = shut.head("");
            text.extend(frame(DATA, 0, 1, b"").repeat(2_000));
            text.extend(frame(WINDOW_UPDATE, 0, 1, &[0x7f, 0xff, 0xff, 0xff]).repeat(3));
            let _ = shut.try_send(&text).await;
        })
        .await;
}

pub(super) async fn a_preface_and_then_anything(stage: &Stage) {
    stage
        .again(async || {
            let mut socket = stage.connect().await;
            let _ = socket.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
            let _ = socket.write_all(&[0xff; 4_000]).await;
        })
        .await;
}
