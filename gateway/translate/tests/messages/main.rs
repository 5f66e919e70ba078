//! Anthropic Messages, there and back.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod answers;
#[cfg(test)]
mod calls;
#[cfg(test)]
mod client;
#[cfg(test)]
mod common;
#[cfg(test)]
mod history;
#[cfg(test)]
mod media;
#[cfg(test)]
mod pieces;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod requests;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod surface;

#[cfg(test)]
use common::{json, round, written};
use fairlead_translate::{Head, Target};

/// Whom requests are written for.
const TARGET: Target<'static> = Target {
    model: "claude-x",
    default_max_output: 4096,
};

/// What answers are written with.
const HEAD: Head<'static> = Head {
    id: "0a1b",
    model: "asked-for",
    created: 1,
    include_usage: false,
};
