//! What holds of every surface before every dialect.

#![cfg(test)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is looked for is named, and nothing else"
)]

mod answers;
#[path = "../checks/formats.rs"]
mod formats;
mod heard;
mod panics;
#[path = "../checks/translate_request.rs"]
mod request_check;
mod requests;
mod said;
mod speed;
#[path = "../checks/translate_stream.rs"]
mod stream_check;
mod streams;
