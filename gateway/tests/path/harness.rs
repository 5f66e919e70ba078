//! What every test stands on: a folder of YAML, the process that serves it, and callers.

pub(crate) mod answer;
pub(crate) mod certificate;
pub(crate) mod gateway;
pub(crate) mod http2;
pub(crate) mod http2_provider;
pub(crate) mod lines;
pub(crate) mod raw;
pub(crate) mod results;
pub(crate) mod setup;
pub(crate) mod yaml;

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

pub(crate) use answer::Answer;
pub(crate) use gateway::Gateway;
pub(crate) use setup::Setup;
pub(crate) use yaml::KEY;

/// Waits for conditions of which nobody tells; far longer than any takes, for machines that are busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves these documents, all in one file.
pub(crate) async fn serve<const N: usize>(documents: [String; N]) -> Gateway {
    Setup::new()
        .file("all.yaml", &documents.concat())
        .start()
        .await
}

/// A chat request whose answer comes whole.
pub(crate) fn whole(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi."}]})
}

/// A chat request whose answer is streamed.
pub(crate) fn streamed(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi."}], "stream": true})
}

/// Asks again and again until there is an answer.
pub(crate) async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < end, "it never came to this: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
