//! What cannot be, and why: what one side has no words for is refused before anything is sent.

use super::ask::With;
use super::dialect::Dialect;
use super::feature::{Feature, Way};
use super::surface::Surface;

/// Why a cell is refused; `None`: it is not.
pub(crate) fn reason(
    surface: Surface,
    dialect: Dialect,
    feature: &Feature,
) -> Option<&'static str> {
    if matches!(feature.way, Way::Counts) {
        return count(surface, dialect);
    }
    if passes_bytes(surface, dialect) {
        return None;
    }
    let mut reasons = feature
        .with
        .iter()
        .filter_map(|with| with_reason(surface, dialect, *with));
    reasons.next()
}

pub(crate) fn passes_bytes(surface: Surface, dialect: Dialect) -> bool {
    matches!(
        (surface, dialect),
        (Surface::Chat, Dialect::OpenAi)
            | (Surface::Messages, Dialect::Anthropic)
            | (Surface::Gemini, Dialect::Gemini)
    )
}

/// Why something is not asked for there.
pub(crate) fn with_reason(surface: Surface, dialect: Dialect, with: With) -> Option<&'static str> {
    match with {
        With::ImageAtAddress if dialect == Dialect::Gemini => {
            Some("Gemini reads images at none but Google's own addresses")
        }
        With::ImageAtAddress if dialect == Dialect::Bedrock => {
            Some("Bedrock reads images at none but Amazon's own store")
        }
        With::Stop if surface == Surface::Responses => Some("Responses has no stop sequences"),
        With::TopK if surface == Surface::Responses => Some("Responses has no top_k"),
        With::TopK if dialect == Dialect::OpenAi => {
            Some("OpenAI has no top_k, nor has a compatible provider of whom nothing else is known")
        }
        With::Serial if surface == Surface::Gemini => {
            Some("Gemini has no word for one call at a time")
        }
        With::Seed | With::Penalties
            if matches!(surface, Surface::Responses | Surface::Messages) =>
        {
            Some("the surface has neither a seed nor penalties")
        }
        With::Penalties if dialect == Dialect::Anthropic => Some("Anthropic has no penalties"),
        With::Penalties if dialect == Dialect::Bedrock => Some("Bedrock has no penalties"),
        With::ImageAtAddress
        | With::Stop
        | With::TopK
        | With::Seed
        | With::Penalties
        | With::Serial
        | With::AnyTool
        | With::OneTool
        | With::NoTool
        | With::System
        | With::Tools
        | With::Image
        | With::Schema
        | With::Effort
        | With::Sampling => None,
    }
}

/// What is advice and has no words there: the answer comes without it, and a warning that names it.
pub(crate) fn left_out(surface: Surface, dialect: Dialect, with: With) -> Option<&'static str> {
    if passes_bytes(surface, dialect) {
        return None;
    }
    match (with, dialect) {
        (With::Seed, Dialect::Anthropic | Dialect::Bedrock) => Some("seed"),
        (With::Serial, Dialect::Gemini) => Some("parallel_tool_calls"),
        _ => None,
    }
}

fn count(surface: Surface, dialect: Dialect) -> Option<&'static str> {
    match (surface, dialect) {
        (Surface::Messages, Dialect::Anthropic) => None,
        (Surface::Messages, Dialect::OpenAi | Dialect::Gemini | Dialect::Bedrock) => {
            Some("404: only Anthropic counts tokens by this operation")
        }
        (Surface::Gemini, Dialect::Gemini) => None,
        (Surface::Gemini, Dialect::OpenAi | Dialect::Anthropic | Dialect::Bedrock) => {
            Some("404: only Gemini counts tokens by this operation")
        }
        (Surface::Chat | Surface::Responses, _) => {
            Some("404: no operation of this surface that counts tokens is served")
        }
    }
}
