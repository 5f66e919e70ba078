//! A caller of the gateway: chat completions, whole and streamed, and what their answers say about where they came from.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Result, ensure};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// For one request, whole or streamed; a slow stream takes 20 s.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Calls one gateway with one key.
#[derive(Debug, Clone)]
pub struct Caller {
    http: reqwest::Client,
    url: String,
    key: String,
}

/// An answer, read to its end.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Completion {
    /// The HTTP status.
    pub status: u16,
    /// `x-fairlead-provider`: `namespace/name`.
    pub provider: Option<String>,
    /// `x-fairlead-model`: the name upstream.
    pub model: Option<String>,
    /// `x-fairlead-rule`.
    pub rule: Option<String>,
    /// `x-fairlead-attempts`: what failed before.
    pub attempts: Option<String>,
    /// `x-fairlead-cost-usd`, in thousandths of a millionth of a dollar; of whole answers.
    pub cost_nanos: Option<u64>,
    /// `retry-after`, in seconds.
    pub retry_after: Option<u64>,
    /// What the model said.
    pub text: String,
    /// The code of the error, if it is one.
    pub code: Option<String>,
    /// Whether it came to its proper end: always for a whole answer, by `[DONE]` for a streamed one.
    pub finished: bool,
}

/// Whether connections are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Connections {
    /// As clients do: those that are idle are used again.
    Kept,
    /// Each request has its own.
    Fresh,
}

impl Caller {
    /// Of the gateway at this address.
    ///
    /// # Errors
    /// When no client can be made.
    pub fn new(gateway: SocketAddr, key: &str, connections: Connections) -> Result<Self> {
        let idle = match connections {
            Connections::Kept => usize::MAX,
            Connections::Fresh => 0,
        };
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(idle)
            .build()?;
        Ok(Self {
            http,
            url: format!("http://{gateway}/v1"),
            key: key.to_owned(),
        })
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self {
            key: key.to_owned(),
            ..self.clone()
        }
    }

    /// Asks for a whole answer.
    ///
    /// # Errors
    /// When there is none; an error status is an answer.
    pub async fn chat(&self, model: &str) -> Result<Completion> {
        self.send(&message(model)).await
    }

    /// Sends a body of one's own, for a whole answer.
    ///
    /// # Errors
    /// When there is none; an error status is an answer.
    pub async fn send(&self, body: &Value) -> Result<Completion> {
        let response = self.post(body).send().await?;
        let mut completion = head(&response);
        completion.take_body(response).await?;
        Ok(completion)
    }

    /// Asks for a stream and reads it to its end, proper or not.
    ///
    /// # Errors
    /// When there is no answer; one that breaks off is not [`Completion::finished`].
    pub async fn stream(&self, model: &str) -> Result<Completion> {
        let mut body = message(model);
        body["stream"] = json!(true);
        let mut response = self.post(&body).send().await?;
        let mut completion = head(&response);
        if !response.status().is_success() {
            completion.take_body(response).await?;
            return Ok(completion);
        }
        let mut events = Vec::new();
        while let Ok(Some(bytes)) = response.chunk().await {
            events.extend_from_slice(&bytes);
        }
        completion.take_events(&String::from_utf8_lossy(&events));
        Ok(completion)
    }

    /// The names of the models that the key may use.
    ///
    /// # Errors
    /// When the answer is not a list of models.
    pub async fn models(&self) -> Result<Vec<String>> {
        let request = self.http.get(format!("{}/models", self.url));
        let response = request.bearer_auth(&self.key).send().await?;
        let status = response.status();
        let body: Value = response.json().await?;
        ensure!(status.is_success(), "{status}: {body}");
        let models = body["data"].as_array().into_iter().flatten();
        let names = models.filter_map(|model| model["id"].as_str());
        Ok(names.map(str::to_owned).collect())
    }

    /// What the key's limits say: `GET /v1/usage`.
    ///
    /// # Errors
    /// When the answer is not a success.
    pub async fn usage(&self) -> Result<Value> {
        let request = self.http.get(format!("{}/usage", self.url));
        let response = request.bearer_auth(&self.key).send().await?;
        let status = response.status();
        let body: Value = response.json().await?;
        ensure!(status.is_success(), "{status}: {body}");
        Ok(body)
    }

    fn post(&self, body: &Value) -> RequestBuilder {
        self.http
            .post(format!("{}/chat/completions", self.url))
            .bearer_auth(&self.key)
            .json(body)
    }
}

impl Completion {
    async fn take_body(&mut self, response: Response) -> Result<()> {
        let body: Value = response.json().await?;
        body["choices"][0]["message"]["content"]
            .as_str()
            .unwrap_or_default()
            .clone_into(&mut self.text);
        self.code = body["error"]["code"].as_str().map(str::to_owned);
        self.finished = true;
        Ok(())
    }

    fn take_events(&mut self, events: &str) {
        for data in events
            .lines()
            .filter_map(|line| line.strip_prefix("data: "))
        {
            self.finished = data == "[DONE]";
            let event: Value = serde_json::from_str(data).unwrap_or_default();
            let delta = &event["choices"][0]["delta"]["content"];
            self.text.push_str(delta.as_str().unwrap_or_default());
            if let Some(code) = event["error"]["code"].as_str() {
                self.code = Some(code.to_owned());
            }
        }
    }
}

fn message(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hello"}]})
}

/// `0.02` dollars are 20,000,000.
fn nanos(usd: &str) -> Option<u64> {
    let (whole, part) = usd.split_once('.').unwrap_or((usd, ""));
    let part: u64 = format!("{part:0<9}").get(..9)?.parse().ok()?;
    whole
        .parse::<u64>()
        .ok()?
        .checked_mul(1_000_000_000)?
        .checked_add(part)
}

fn head(response: &Response) -> Completion {
    let field = |name: &str| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    Completion {
        status: response.status().as_u16(),
        provider: field("x-fairlead-provider"),
        model: field("x-fairlead-model"),
        rule: field("x-fairlead-rule"),
        attempts: field("x-fairlead-attempts"),
        cost_nanos: field("x-fairlead-cost-usd").as_deref().and_then(nanos),
        retry_after: field("retry-after").and_then(|seconds| seconds.parse().ok()),
        ..Completion::default()
    }
}

#[cfg(test)]
mod tests {
    use fairlead_faults::{Play, Provider};

    use super::*;

    #[tokio::test]
    async fn a_stream_that_breaks_off_is_not_finished() {
        let provider = Provider::start(|seen| match seen.sequence {
            0 => Play::words(["Hello", " world"]),
            _ => Play::words(["Hello", " world"]).cut_after(2),
        })
        .await;
        let caller = Caller::new(provider.address(), "k", Connections::Kept).unwrap();
        let whole = caller.stream("m").await.unwrap();
        assert_eq!((whole.text.as_str(), whole.finished), ("Hello world", true));
        assert!(!caller.stream("m").await.unwrap().finished);
    }

    #[test]
    fn dollars_are_read_without_rounding() {
        let read = ["0.02", "0.010002501", "3", "1.00", "free"].map(nanos);
        let expected = [20_000_000, 10_002_501, 3_000_000_000, 1_000_000_000];
        assert_eq!(read[..4], expected.map(Some));
        assert_eq!(read[4], None);
    }

    #[tokio::test]
    async fn a_refusal_is_an_answer_with_a_code() {
        let body = json!({"error": {"code": "invalid_key", "message": "no"}});
        let provider = Provider::always(Play::json(401, &body)).await;
        let caller = Caller::new(provider.address(), "k", Connections::Fresh).unwrap();
        for refusal in [caller.chat("m").await, caller.stream("m").await] {
            let refusal = refusal.unwrap();
            assert_eq!(
                (refusal.status, refusal.code.as_deref()),
                (401, Some("invalid_key"))
            );
        }
    }
}
