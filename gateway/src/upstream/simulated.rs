//! The simulated provider: answers in the shape of the OpenAI API without any upstream. For the quick start, for game days, for tests.
//!
//! It calls the first tool it is offered, unless `tool_choice` is `none` or the conversation ends in a tool's result.

mod render;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use fairlead_snapshot::Simulated;
use fairlead_wire::json::{Limits, Object};
use http::StatusCode;
use serde_json::Value;

use crate::surface::Operation;

/// What is read of a request besides its content.
const READ: [&str; 5] = [
    "stream",
    "stream_options",
    "tools",
    "tool_choice",
    "encoding_format",
];
/// The longest member that is read as a tree, in bytes.
const MAX_TREE: usize = 256 * 1024;

/// An answer: its status, its media type, and its body.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The media type.
    pub content_type: &'static str,
    /// The body.
    pub body: Frames,
}

/// A body that arrives piece by piece, with pauses.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    /// Waited for before the next piece.
    pause: Duration,
    /// Waited for before each piece after that.
    between: Duration,
    pieces: VecDeque<Bytes>,
}

impl Frames {
    /// The next piece, after its pause.
    pub(crate) async fn next(&mut self) -> Option<Bytes> {
        // Whoever stops waiting loses nothing: the piece is taken after the pause.
        if !self.pause.is_zero() && !self.pieces.is_empty() {
            tokio::time::sleep(self.pause).await;
        }
        self.pause = self.between;
        self.pieces.pop_front()
    }
}

/// What the answer is made from.
pub(crate) struct Question<'a> {
    /// The operation.
    pub(crate) operation: Operation,
    /// The request's body; well-formed, as it came through the gateway's own checks.
    pub(crate) body: &'a [u8],
    /// The upstream's name of the model.
    pub(crate) model: &'a str,
    /// The provider's `namespace/name`.
    pub(crate) provider: &'a str,
    /// Seconds since 1970.
    pub(crate) now: i64,
    /// Identifies the answer.
    pub(crate) id: u64,
    /// 0 to 99, evenly drawn: below `errorPercent` the request fails.
    pub(crate) die: u32,
}

/// Answers a question as `config` says.
pub(crate) fn answer(config: &Simulated, question: &Question<'_>) -> Reply {
    if question.die < config.error_percent {
        return failure(config);
    }
    let body = read(question);
    let words = words(config, question);
    let rendered = render::Rendered::new(question, &body, &words);
    let streamed = question.operation.streams() && body["stream"] == Value::Bool(true);
    if streamed {
        return Reply {
            status: StatusCode::OK,
            content_type: "text/event-stream",
            body: Frames {
                pause: config.first_token_latency,
                between: config.token_latency,
                pieces: rendered.events(),
            },
        };
    }
    let tokens = u32::try_from(words.len()).unwrap_or(u32::MAX);
    let pause = config.first_token_latency
        + config
            .token_latency
            .saturating_mul(tokens.saturating_sub(1));
    whole(StatusCode::OK, pause, &rendered.whole())
}

/// The members that an answer is made from. One that is large, or that makes no tree (`"\ud800"`), stays the text that it is: a tree can be a
/// hundred times as large, and nobody counts it.
fn read(question: &Question<'_>) -> Value {
    let Ok(object) = Object::parse(question.body, &Limits::default()) else {
        return Value::Null;
    };
    let content = question.operation.content_members();
    let members = object
        .members()
        .iter()
        .filter(|member| content.contains(&&*member.key) || READ.contains(&&*member.key));
    let value = |text: &str| -> Value {
        let tree = (text.len() <= MAX_TREE).then(|| serde_json::from_str::<Value>(text).ok());
        tree.flatten()
            .unwrap_or_else(|| Value::String(text.to_owned()))
    };
    members
        .map(|member| (member.key.to_string(), value(object.text(member))))
        .collect()
}

fn failure(config: &Simulated) -> Reply {
    let status =
        StatusCode::from_u16(config.error_status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let error = serde_json::json!({"error": {"message": "simulated failure", "type": "server_error", "param": null, "code": "simulated_error"}});
    whole(status, config.first_token_latency, &error)
}

fn whole(status: StatusCode, pause: Duration, body: &Value) -> Reply {
    let pieces = VecDeque::from([Bytes::from(body.to_string())]);
    Reply {
        status,
        content_type: "application/json",
        body: Frames {
            pause,
            between: Duration::ZERO,
            pieces,
        },
    }
}

/// The words of the answer: the text's, repeated or cut to the number of tokens that is wanted.
fn words(config: &Simulated, question: &Question<'_>) -> Vec<String> {
    let text = config.text.clone().unwrap_or_else(|| {
        format!(
            "Hello from {}, answering as {}.",
            question.provider, question.model
        )
    });
    let words: Vec<&str> = text.split_whitespace().collect();
    let wanted = config.tokens.map_or(words.len(), |tokens| tokens as usize);
    words
        .iter()
        .cycle()
        .take(if words.is_empty() { 0 } else { wanted })
        .map(|word| (*word).to_owned())
        .collect()
}
