//! The rows of the table.

use super::ask::With;
use super::dialect::{Class, Words};
use super::said::{Said, Stop};

/// Something that callers use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    /// What is asked for.
    pub(crate) with: &'static [With],
    pub(crate) way: Way,
}

/// How it is played.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Way {
    /// One answer in one piece.
    Whole(fn() -> Said),
    /// One answer as a stream.
    Streamed(fn() -> Said),
    /// Both.
    Either(fn() -> Said),
    /// Whole and streamed, and the counts are in the access log.
    Counted(fn() -> Said),
    /// The tool is called in each of these turns, by these ids; then there is an answer.
    Turns(&'static [&'static [&'static str]]),
    /// Signed thoughts are given back.
    GivenBack(fn() -> Said),
    /// The provider refuses.
    Fails(Class),
    /// The provider's stream breaks before the first content.
    CutBefore,
    /// It breaks after it.
    CutAfter,
    /// After it the provider says that it failed.
    FailsWithin(Words),
    /// Tokens are counted.
    Counts,
}

fn hello() -> Said {
    Said::words("Hello, world.")
}

fn place() -> Said {
    Said::words("{\"city\": \"Oslo\"}")
}

fn one_call() -> Said {
    Said::calls(&["call_1"])
}

fn two_calls() -> Said {
    Said::calls(&["call_1", "call_2"])
}

/// Thoughts before a call.
fn thought() -> Said {
    one_call().thought("Look it up.")
}

/// Thoughts before words.
fn thought_aloud() -> Said {
    hello().thought("Greet them.")
}

fn cut_short() -> Said {
    hello().stopped(Stop::Length)
}

fn filtered() -> Said {
    hello().stopped(Stop::Filtered)
}

const fn row(name: &'static str, with: &'static [With], way: Way) -> Feature {
    Feature { name, with, way }
}

/// All of them.
pub(crate) const ALL: [Feature; 44] = [
    row("chat", &[], Way::Whole(hello)),
    row("stream", &[], Way::Streamed(hello)),
    row("system prompt", &[With::System], Way::Whole(hello)),
    row(
        "tools over three turns",
        &[With::Tools],
        Way::Turns(&[&["call_1"], &["call_2"]]),
    ),
    row(
        "parallel results given back",
        &[With::Tools],
        Way::Turns(&[&["call_1", "call_2"]]),
    ),
    row("parallel tools", &[With::Tools], Way::Whole(two_calls)),
    row(
        "parallel tools, streamed",
        &[With::Tools],
        Way::Streamed(two_calls),
    ),
    row("image by data URL", &[With::Image], Way::Whole(hello)),
    row(
        "image by https URL",
        &[With::ImageAtAddress],
        Way::Whole(hello),
    ),
    row("JSON schema", &[With::Schema], Way::Either(place)),
    row(
        "reasoning",
        &[With::Tools, With::Effort],
        Way::Whole(thought),
    ),
    row(
        "reasoning, streamed",
        &[With::Tools, With::Effort],
        Way::Streamed(thought),
    ),
    row(
        "reasoning given back",
        &[With::Tools, With::Effort],
        Way::GivenBack(thought),
    ),
    row(
        "reasoning without a call",
        &[With::Effort],
        Way::Either(thought_aloud),
    ),
    row(
        "reasoning without a call, given back",
        &[With::Effort],
        Way::GivenBack(thought_aloud),
    ),
    row("usage", &[], Way::Counted(hello)),
    row("stop: natural", &[], Way::Either(hello)),
    row("stop: length", &[], Way::Either(cut_short)),
    row("stop: tool calls", &[With::Tools], Way::Either(one_call)),
    row("stop: filtered", &[], Way::Either(filtered)),
    row("stop sequences", &[With::Stop], Way::Either(hello)),
    row("temperature, top_p", &[With::Sampling], Way::Whole(hello)),
    row("top_k", &[With::TopK], Way::Whole(hello)),
    row("seed", &[With::Seed], Way::Whole(hello)),
    row("penalties", &[With::Penalties], Way::Whole(hello)),
    row("error: bad request", &[], Way::Fails(Class::BadRequest)),
    row("error: context too long", &[], Way::Fails(Class::TooLong)),
    row("error: bad credential", &[], Way::Fails(Class::Credential)),
    row("error: rate limited", &[], Way::Fails(Class::RateLimited)),
    row("error: overloaded", &[], Way::Fails(Class::Overloaded)),
    row("error: server error", &[], Way::Fails(Class::ServerError)),
    row("error: unknown model", &[], Way::Fails(Class::UnknownModel)),
    row("error: filtered", &[], Way::Fails(Class::Filtered)),
    row("cut before content", &[], Way::CutBefore),
    row("cut after content", &[], Way::CutAfter),
    row("cut within a call", &[With::Tools], Way::CutAfter),
    row(
        "error in a stream: of the request",
        &[],
        Way::FailsWithin(Words::ForTheCaller),
    ),
    row(
        "error in a stream: of our account",
        &[],
        Way::FailsWithin(Words::OfOurAccount),
    ),
    row(
        "tool choice: any",
        &[With::Tools, With::AnyTool],
        Way::Whole(one_call),
    ),
    row(
        "tool choice: named",
        &[With::Tools, With::OneTool],
        Way::Whole(one_call),
    ),
    row(
        "tool choice: none",
        &[With::Tools, With::NoTool],
        Way::Whole(hello),
    ),
    row(
        "one call at a time",
        &[With::Tools, With::Serial],
        Way::Whole(one_call),
    ),
    row(
        "all at once",
        &[With::System, With::Tools, With::Schema, With::Sampling],
        Way::Either(two_calls),
    ),
    row("count_tokens", &[], Way::Counts),
];
