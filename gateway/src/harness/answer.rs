//! An answer as its caller hears it, with the time of every piece.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::time::Instant;

use super::rounded;
use crate::answer::body::{Body, Response};

/// An answer whose head is there. Dropping it is hanging up.
#[derive(Debug)]
pub(crate) struct Hearing {
    body: Body,
    began: Instant,
    so_far: Answer,
}

/// A status, headers, and as much of a body as came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The pieces of the body, each with the time since the request at which it came.
    pub(crate) pieces: Vec<(Duration, Bytes)>,
    /// Whether the body ended as HTTP says that it must.
    pub(crate) whole: bool,
    /// From the request to its head.
    head_after: Duration,
    /// From the request to its end.
    took: Duration,
}

impl Hearing {
    /// Of an answer whose head came now.
    pub(super) fn of(response: Response, began: Instant) -> Self {
        let (head, body) = response.into_parts();
        let so_far = Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            pieces: Vec::new(),
            whole: false,
            head_after: began.elapsed(),
            took: began.elapsed(),
        };
        Self {
            body,
            began,
            so_far,
        }
    }

    /// The next piece of the body as text; `None` at its end.
    pub(crate) async fn next(&mut self) -> Option<String> {
        let frame = self.body.frame().await;
        self.so_far.took = self.began.elapsed();
        match frame {
            Some(Ok(frame)) => {
                // What the caller keeps is its own memory; the gateway's is free again.
                let piece = Bytes::copy_from_slice(&frame.into_data().unwrap_or_default());
                let text = String::from_utf8_lossy(&piece).into_owned();
                self.so_far.pieces.push((self.so_far.took, piece));
                Some(text)
            }
            Some(Err(_)) => None,
            None => {
                self.so_far.whole = true;
                None
            }
        }
    }

    /// Hears on until the text was said.
    pub(crate) async fn until(&mut self, text: &str) {
        while !self.so_far.text().contains(text) {
            let piece = self.next().await;
            assert!(piece.is_some(), "{text} never came: {}", self.so_far.text());
        }
    }

    /// Hears the answer to its end.
    pub(crate) async fn rest(mut self) -> Answer {
        while self.next().await.is_some() {}
        self.so_far
    }
}

impl Answer {
    /// From the request to the head of the answer.
    pub(crate) fn head_after(&self) -> Duration {
        rounded(self.head_after)
    }

    /// From the request to the end of the answer.
    pub(crate) fn took(&self) -> Duration {
        rounded(self.took)
    }

    /// When this text came for the first time; it must be whole in one piece.
    pub(crate) fn came(&self, text: &str) -> Option<Duration> {
        self.times(text).first().copied()
    }

    /// Whenever a piece with this text came.
    pub(crate) fn times(&self, text: &str) -> Vec<Duration> {
        let with_text =
            |(_, piece): &&(Duration, Bytes)| String::from_utf8_lossy(piece).contains(text);
        let pieces = self.pieces.iter().filter(with_text);
        pieces.map(|(at, _)| rounded(*at)).collect()
    }

    /// A header as text; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// `x-fairlead-attempts`: of the head, or as a comment in a stream whose head went out before.
    pub(crate) fn attempts(&self) -> String {
        let commented = || {
            let text = self.text();
            let mut lines = text.lines();
            lines
                .find_map(|line| line.strip_prefix(": x-fairlead-attempts: "))
                .map(str::to_owned)
        };
        match self.header("x-fairlead-attempts") {
            "" => commented().unwrap_or_default(),
            header => header.to_owned(),
        }
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        let all: Vec<u8> = self
            .pieces
            .iter()
            .flat_map(|(_, piece)| piece)
            .copied()
            .collect();
        String::from_utf8_lossy(&all).into_owned()
    }

    /// The code of an error, be it all of the answer or the last event of a stream; empty if there is none.
    pub(crate) fn code(&self) -> String {
        let last = self.events().pop();
        let json: Value =
            serde_json::from_str(&last.unwrap_or_else(|| self.text())).unwrap_or_default();
        json["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The data of each event of a stream.
    pub(crate) fn events(&self) -> Vec<String> {
        let text = self.text();
        text.lines()
            .filter_map(|line| line.strip_prefix("data: "))
            .map(str::to_owned)
            .collect()
    }

    /// Whether a stream ended as the API promises.
    pub(crate) fn done(&self) -> bool {
        self.whole && self.events().last().is_some_and(|event| event == "[DONE]")
    }

    /// What the model says, whole or streamed.
    pub(crate) fn content(&self) -> String {
        let said = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        if !self.header("content-type").starts_with("text/event-stream") {
            let json: Value = serde_json::from_str(&self.text()).unwrap_or_default();
            return said(&json["choices"][0]["message"]["content"]);
        }
        let chunks = self
            .events()
            .into_iter()
            .filter_map(|event| serde_json::from_str::<Value>(&event).ok());
        chunks
            .map(|chunk| said(&chunk["choices"][0]["delta"]["content"]))
            .collect()
    }
}
