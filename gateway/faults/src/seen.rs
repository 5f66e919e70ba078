//! What reached the provider: one entry of its log per complete request.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use crate::Dialect;

/// One request, as it reached the provider.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// Place in the provider's log, from 0.
    pub sequence: usize,
    /// The connection it came on, counted from 0 in the order of acceptance.
    pub connection: usize,
    /// Place among the requests of that connection; 1 and more mean that the connection was reused.
    pub nth_on_connection: usize,
    /// When the head had been read, since the provider started.
    pub head_at: Duration,
    /// When the last byte had been read; the same as `head_at` where the answer did not wait for the body.
    pub at: Duration,
    /// The method, as sent.
    pub method: String,
    /// The request target, as sent: path and query.
    pub path: String,
    /// Header fields in order; names in lower case, values as sent.
    pub headers: Vec<(String, String)>,
    /// The head's exact bytes, the blank line included.
    pub head: Bytes,
    /// The body, with chunked encoding taken off.
    pub body: Bytes,
}

impl Seen {
    /// The first field of that name, which is compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON; null when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The API in which it is.
    #[must_use]
    pub fn dialect(&self) -> Dialect {
        Dialect::of(&self.path)
    }

    /// The model that is asked for; empty when none is named.
    #[must_use]
    pub fn model(&self) -> String {
        let path = self.path.split('?').next().unwrap_or_default();
        if let Some(model) = self.dialect().speech().model(path) {
            return unescaped(model);
        }
        self.json()["model"].as_str().unwrap_or_default().to_owned()
    }

    /// Whether a stream is asked for.
    #[must_use]
    pub fn streamed(&self) -> bool {
        self.dialect().speech().is_streamed(self)
    }

    /// Whether the body asks for a usage chunk at the end of the stream.
    #[must_use]
    pub fn include_usage(&self) -> bool {
        self.json()["stream_options"]["include_usage"] == true
    }

    /// A request that nobody has made, for what an API says to any.
    pub(crate) fn asking(dialect: Dialect, streamed: bool) -> Self {
        let body = json!({"model": "m", "stream": streamed}).to_string();
        Self {
            sequence: 0,
            connection: 0,
            nth_on_connection: 0,
            head_at: Duration::ZERO,
            at: Duration::ZERO,
            method: "POST".to_owned(),
            path: dialect.path("m", streamed),
            headers: Vec::new(),
            head: Bytes::new(),
            body: body.into(),
        }
    }

    /// Whether the caller announced that this is the connection's last request.
    pub(crate) fn closes(&self) -> bool {
        self.header("connection")
            .is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

/// A segment of a path as it was meant.
fn unescaped(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let escaped = || {
            let digits = std::str::from_utf8(behind.get(..2)?).ok()?;
            u8::from_str_radix(digits, 16).ok()
        };
        match (byte == b'%').then(escaped).flatten() {
            Some(meant) => {
                bytes.push(meant);
                rest = &behind[2..];
            }
            None => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
