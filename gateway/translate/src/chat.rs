//! OpenAI's Chat Completions: what most callers speak, and most providers, each with its own additions.
//!
//! The format has no word of its own for what a model thinks. Its text rides in `reasoning_content`, what proves it in
//! `reasoning_details` (the shape of `OpenRouter`), and Gemini's proof of a call in the call's `extra_content`: a client that sends an
//! answer back as it came keeps all three. A compatible provider that wants it otherwise is a [`request::Host`].

pub mod answer;
mod ids;
mod lenient;
pub mod request;
mod stop;
pub mod stream;
mod thought;
pub(crate) mod usage;

pub use ids::tool_name;

use fairlead_wire::openai::render_error;

/// An error in the surface's shape.
#[must_use]
pub fn error(status: u16, code: &str, message: &str) -> Vec<u8> {
    render_error(code, kind(status), message, None)
}

/// The `type` of an error.
fn kind(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}
