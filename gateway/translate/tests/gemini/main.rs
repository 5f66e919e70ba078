//! Gemini, as a surface and as a dialect.

#![cfg(test)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what else comes fails the test, whatever it is"
)]

mod answers;
mod fixtures;
mod foreign;
mod pitfalls;
mod properties;
mod requests;
mod streams;
