//! Frames of HTTP/2 that ask for nothing: pings, settings, priorities, windows, empty pieces (CVE-2019-9512, 9513, 9515 and 9518). One costs its
//! sender some bytes and the core that reads it a hundred times that, so a connection that goes on with them is ended.
//!
//! How many there may be follows from what the other side does: each request, or its answer, has some of them, what is sent to it is
//! acknowledged by windows, and a connection that is only kept sends a few as time goes by.

use tokio::time::Instant;

/// What every HTTP/2 client, and no server, sends before its first frame (RFC 9113, 3.4).
const PREFACE: usize = 24;
/// The head of a frame (RFC 9113, 4.1).
const HEAD: usize = 9;
const DATA: u8 = 0;
const HEADERS: u8 = 1;

/// Frames that a connection may send at any time.
const AT_FIRST: u64 = 100;
/// More of them, for each second that it lasts.
const A_SECOND: u64 = 50;
/// More of them, for each request or answer.
const A_REQUEST: u64 = 20;
/// More of them, one for so many bytes that were sent to it. Clients acknowledge a frame of an event, about a hundred bytes, by two windows
/// at most; the answer to a ping is less than a third of this.
const BYTES: u64 = 64;

/// Counts the frames that one connection sends.
#[derive(Debug)]
pub(super) struct Flood {
    began: Instant,
    /// Bytes that are not a head, before the next head.
    skip: usize,
    head: [u8; HEAD],
    /// How many bytes of the head have come.
    have: usize,
    idle: u64,
    requests: u64,
    written: u64,
}

impl Flood {
    /// Of a client that begins now.
    pub(super) fn of_client() -> Self {
        Self {
            skip: PREFACE,
            ..Self::of_server()
        }
    }

    /// Of a server that begins now.
    pub(super) fn of_server() -> Self {
        Self {
            began: Instant::now(),
            skip: 0,
            head: [0; HEAD],
            have: 0,
            idle: 0,
            requests: 0,
            written: 0,
        }
    }

    /// So many bytes were sent to the other side.
    pub(super) fn wrote(&mut self, bytes: usize) {
        self.written += bytes as u64;
    }

    /// These bytes have come. Whether there were too many frames that ask for nothing.
    #[must_use]
    pub(super) fn is_too_much(&mut self, mut bytes: &[u8]) -> bool {
        while !bytes.is_empty() {
            let of = if self.skip > 0 {
                self.skip
            } else {
                HEAD - self.have
            };
            let (now, rest) = bytes.split_at(of.min(bytes.len()));
            bytes = rest;
            if self.skip > 0 {
                self.skip -= now.len();
                continue;
            }
            self.head[self.have..][..now.len()].copy_from_slice(now);
            self.have += now.len();
            if self.have == HEAD {
                self.have = 0;
                self.count();
            }
        }
        self.idle > AT_FIRST && self.idle > self.allowed()
    }

    /// The frame whose head is here.
    fn count(&mut self) {
        let [a, b, c, kind, ..] = self.head;
        self.skip = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        match kind {
            HEADERS => self.requests += 1,
            DATA if self.skip > 0 => {}
            _ => self.idle += 1,
        }
    }

    fn allowed(&self) -> u64 {
        AT_FIRST
            + A_SECOND * self.began.elapsed().as_secs()
            + A_REQUEST * self.requests
            + self.written / BYTES
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PING: u8 = 6;
    const WINDOW_UPDATE: u8 = 8;

    fn frame(kind: u8, payload: usize) -> Vec<u8> {
        let mut frame = vec![0, 0, 0, kind, 0, 0, 0, 0, 1];
        frame[1..3].copy_from_slice(&u16::try_from(payload).unwrap().to_be_bytes());
        frame.resize(HEAD + payload, 1);
        frame
    }

    fn begun() -> Flood {
        let mut flood = Flood::of_client();
        assert!(!flood.is_too_much(&[b'P'; PREFACE]));
        flood
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_only_pings_is_too_much_at_once_and_one_that_pings_now_and_then_never() {
        let mut flood = begun();
        let pings = frame(PING, 8).repeat(100);
        assert!(!flood.is_too_much(&pings));
        for _ in 0..100 {
            flood.wrote(HEAD + 8);
        }
        assert!(flood.is_too_much(&pings));
        let mut flood = begun();
        for _ in 0..10_000 {
            tokio::time::advance(Duration::from_millis(100)).await;
            assert!(!flood.is_too_much(&frame(PING, 8)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn empty_pieces_are_counted_and_full_ones_are_not() {
        let mut flood = begun();
        assert!(!flood.is_too_much(&frame(DATA, 1).repeat(10_000)));
        assert!(flood.is_too_much(&frame(DATA, 0).repeat(101)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_acknowledges_each_event_twice_is_not_too_much() {
        let mut flood = begun();
        assert!(!flood.is_too_much(&frame(HEADERS, 100)));
        let mut answer = 0;
        for _ in 0..100_000 {
            flood.wrote(HEAD + 150);
            answer += 150;
            assert!(
                !flood.is_too_much(&frame(WINDOW_UPDATE, 4).repeat(2)),
                "after {answer} bytes"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_without_number_are_not_counted_however_they_are_cut() {
        let mut flood = begun();
        let mut request = frame(HEADERS, 300);
        request.extend(frame(DATA, 5_000));
        request.extend(frame(WINDOW_UPDATE, 4).repeat(10));
        let text = request.repeat(1_000);
        for piece in text.chunks(7) {
            assert!(!flood.is_too_much(piece));
        }
        assert_eq!((flood.requests, flood.idle), (1_000, 10_000));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_begins_with_a_frame() {
        let mut flood = Flood::of_server();
        assert!(!flood.is_too_much(&frame(HEADERS, 50)));
        assert!(!flood.is_too_much(&frame(DATA, 200).repeat(10_000)));
        assert_eq!((flood.requests, flood.idle), (1, 0));
        assert!(flood.is_too_much(&frame(PING, 8).repeat(200)));
    }
}
