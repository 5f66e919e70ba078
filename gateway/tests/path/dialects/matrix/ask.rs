//! What is asked, in no format's words.

use serde_json::{Value, json};

/// The system prompt.
pub(crate) const SYSTEM: &str = "Be brief.";
/// What the user says.
pub(crate) const HELLO: &str = "Hi.";
/// What the user says then.
pub(crate) const MORE: &str = "And now?";
/// The limit of the output.
pub(crate) const LIMIT: u64 = 2000;
/// An image in base64.
pub(crate) const PNG: &str = "iVBORw0KGgo=";
/// The address of an image.
pub(crate) const ADDRESS: &str = "https://example.com/cat.png";
/// Where an answer has to stop.
pub(crate) const STOP: &str = "###";
/// What a tool gives back.
pub(crate) const RESULT: &str = "It is red.";

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    /// Whom: the name of a rule.
    pub(crate) model: &'static str,
    /// Whether the answer is streamed.
    pub(crate) stream: bool,
    /// What is asked for beside the conversation.
    pub(crate) with: &'static [With],
    /// The conversation after the first words.
    pub(crate) turns: Vec<Turn>,
}

/// What may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum With {
    System,
    Tools,
    Image,
    ImageAtAddress,
    Schema,
    Effort,
    Stop,
    Sampling,
    TopK,
    Seed,
    Penalties,
    AnyTool,
    OneTool,
    NoTool,
    /// No calls at the same time.
    Serial,
}

/// More of a conversation.
#[derive(Debug, Clone)]
pub(crate) enum Turn {
    /// What was answered, given back in the surface's own words.
    Answered(Vec<Value>),
    /// More words of the user.
    More,
    /// The results of calls, by the calls' ids.
    Results(Vec<String>),
}

/// The schema of the tool's arguments.
pub(crate) fn parameters() -> Value {
    json!({"type": "object", "properties": {"q": {"type": "string"}}, "required": ["q"]})
}

/// The schema of an answer.
pub(crate) fn schema() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": false})
}

/// The address of an image that is in it.
pub(crate) fn data_url() -> String {
    format!("data:image/png;base64,{PNG}")
}
