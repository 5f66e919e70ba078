//! What holds of every surface before every dialect.

#![cfg(test)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is looked for is named, and nothing else"
)]

mod answers;
#[path = "../checks/translate.rs"]
mod checks;
mod corpus;
mod heard;
mod names;
mod panics;
mod requests;
mod said;
#[expect(clippy::disallowed_types, reason = "what it measures is real time")]
mod speed;
mod streams;

use checks::formats;
