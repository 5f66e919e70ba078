//! An answer as a caller sees it.

use reqwest::header::HeaderMap;
use serde_json::Value;

/// A status, headers, and as much of a body as came.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body, as far as it came.
    pub(crate) body: Vec<u8>,
    /// Whether the body ended as HTTP says that it must.
    pub(crate) whole: bool,
}

impl Answer {
    /// Sends a request and reads what comes.
    pub(crate) async fn to(request: reqwest::RequestBuilder) -> Self {
        Self::of(request.send().await.expect("the gateway does not answer")).await
    }

    /// Reads the rest of an answer.
    pub(crate) async fn of(mut response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = Vec::new();
        let whole = loop {
            match response.chunk().await {
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                Ok(None) => break true,
                Err(_) => break false,
            }
        };
        Self {
            status,
            headers,
            body,
            whole,
        }
    }

    /// A header as text; empty if there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// `x-fairlead-attempts`.
    pub(crate) fn attempts(&self) -> &str {
        self.header("x-fairlead-attempts")
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON; null if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The code of an error; empty if the answer is none.
    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The message of an error; empty if the answer is none.
    pub(crate) fn message(&self) -> String {
        self.json()["error"]["message"]
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
            return said(&self.json()["choices"][0]["message"]["content"]);
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
