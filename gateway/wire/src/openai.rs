//! The OpenAI shapes, only where the gateway acts; everything else passes through unread.
//!
//! [`request`] says what a caller asks for and makes the upstream's body of it; [`payload`], [`media_payload`] and [`answer`]
//! say what has come back; [`error_body`] and [`render_error`] read and write errors; [`continuation`] asks for
//! the rest of an answer that broke off; [`opening`] tells conversations apart; [`kept`] says what goes on from something that a
//! provider keeps. Upstreams that call
//! themselves compatible differ in detail, so a wrong type where we only look means "not there"; but a text
//! that is not well-formed is refused as a whole ([`Malformed`]), for it may hold half of something.

mod answer;
mod chunk;
pub mod continuation;
mod conversation;
mod error;
mod kept;
mod media;
pub mod request;
mod told;
mod usage;

pub use answer::{Answer, AnswerFacts, Part, answer, reported_usage};
pub use chunk::{Chunk, Payload, payload, stray_error};
pub use conversation::opening;
pub use error::{ErrorFacts, error_body, is_set, named_error, render_error};
pub use kept::kept;
pub use media::media_payload;
pub use told::Told;
pub use usage::Usage;

use crate::json::JsonError;

/// What an upstream sent is not the JSON object that its API promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the provider's answer is malformed: {0}")]
pub struct Malformed(#[from] pub JsonError);
