//! OpenAI's Responses, as Codex CLI and the official SDKs speak it: as a surface and as a dialect.
//!
//! The gateway keeps nothing between requests, so whatever refers to something kept (`previous_response_id`,
//! `conversation`, `item_reference`, `prompt`, `background`) is refused. `store` may be `true` or absent and is
//! answered with `false`: the answer is complete, and the caller sends it back as input.
//!
//! What proves reasoning to its provider rides in `encrypted_content` of a reasoning item, which callers send back unread. It is tagged with its
//! origin unless that is OpenAI, and goes back to none but its origin.

pub mod answer;
mod ids;
mod names;
mod output;
mod path;
mod raw;
pub mod request;
mod signature;
pub mod stream;
mod usage;

pub use names::Echo;

use fairlead_wire::openai::render_error;

/// An error before a stream begins, or instead of a whole answer. Within a stream: [`stream::Writer::fail`].
#[must_use]
pub fn error(status: u16, code: &str, message: &str) -> Vec<u8> {
    let kind = match status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    render_error(code, kind, message, None)
}
