//! Chat Completions, from end to end: what is read and written of requests, answers and streams.

#![expect(
    clippy::needless_pass_by_value,
    reason = "what json! makes is given away"
)]
#![expect(clippy::too_many_lines, reason = "tables of cases")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is looked for is named, and nothing else"
)]

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod answers;
#[cfg(test)]
mod assemble;
#[cfg(test)]
mod hosts;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reasoning;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod results;
#[cfg(test)]
mod shared;
#[cfg(test)]
mod streams;
