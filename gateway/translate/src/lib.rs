//! From what a caller speaks (its *surface*) to what a provider speaks (its *dialect*), and back.
//!
//! Every format is read into, and written from, one neutral shape: a [`Conversation`] asks, an [`Answer`]
//! answers at once, [`Piece`]s answer bit by bit. So a new format is one folder, and goes with every other.
//! Nothing is decided here but what means the same: what a format cannot express is left out and told to
//! [`Notes`], and whoever asked decides whether that is a refusal or a warning.
//!
//! What was asked is translated by its prefix alone: no clock, no chance, nothing that depends on later
//! messages. Caches of providers, and their checks on histories that were tampered with, rest on that.
//!
//! Texts are carried as they are written, escapes and all ([`Text`]): a prompt is copied, never unescaped.

pub mod answer;
pub mod chat;
pub mod conversation;
pub mod converse;
mod edits;
pub mod embeddings;
mod estimate;
pub mod gemini;
pub mod messages;
pub mod names;
pub mod notes;
pub mod piece;
pub mod responses;
pub mod text;
mod top;
pub mod value;
pub mod write;

pub use answer::{Answer, Choice, Stop};
pub use conversation::{
    Arguments, Block, Cache, Content, Conversation, Effort, Format, Media, Origin, Reasoning, Role,
    Signature, Source, Tool, ToolChoice, Turn,
};
pub use names::{Grammar, Names};
pub use notes::{Notes, Unsupported};
pub use piece::Piece;
pub use text::Text;
pub use value::Value;

/// How many tokens were used, each counted once.
pub use fairlead_wire::usage::Parts as Usage;

/// What a provider sent is not what its format promises, and why, for a log: it names no content.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// No JSON.
    #[error("it is not well-formed JSON: {0}")]
    Json(#[from] fairlead_json::JsonError),
    /// JSON of another shape.
    #[error("{0}")]
    Shape(&'static str),
}

/// Why a caller's body is no request of its surface.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// No JSON.
    #[error("the request body cannot be read: {0}")]
    Json(#[from] fairlead_json::JsonError),
    /// A member of another kind than its surface allows.
    #[error("{at} must be {expected}")]
    Wrong {
        /// Where it stands, as a path: `messages[2].content`.
        at: String,
        /// What it must be.
        expected: &'static str,
    },
}

/// Whom a request is written for.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The provider's name of the model.
    pub model: &'a str,
    /// The limit of the output where the format demands one and the caller has named none.
    pub default_max_output: u64,
}

/// What an answer needs that the provider may not give, and what its caller wants to see of it.
#[derive(Debug, Clone, Copy)]
pub struct Head<'a> {
    /// An id of ours, without a prefix; taken where the provider gives none that the surface's grammar admits.
    pub id: &'a str,
    /// The model to name where the provider names none.
    pub model: &'a str,
    /// Seconds since 1970, for surfaces that tell when an answer was made.
    pub created: u64,
    /// Whether the caller of a Chat Completions stream has asked for its usage.
    pub include_usage: bool,
}

/// What a whole body with a status of success is.
#[derive(Debug, Clone)]
pub enum Answered<'a> {
    /// An answer.
    Answer(Answer<'a>),
    /// An error, in spite of the status.
    Error(fairlead_wire::openai::ErrorFacts),
    /// Well-formed, and without what would make an answer of it.
    Nothing,
}
