//! What else is known of providers by their hosts: what they speak beside, how they count, and what they have elsewhere.

use fairlead_snapshot::{Dialect, Protocol};
use fairlead_translate::chat::request::Host;

use super::{host, is_of};
use crate::surface::Operation;

/// Who speaks Responses beside Chat Completions, and keeps the answers that it is asked to store (sources: the OpenAI API reference; Azure OpenAI,
/// "Use the Azure OpenAI Responses API").
const RESPONSES: [(&str, &str); 2] = [
    ("api.openai.com", "openai"),
    (".openai.azure.com", "azure.ai.openai"),
];

/// Who counts what went through a cache among the input, in Anthropic's format, where Anthropic does not: in some of their reports, or in all
/// (Moonshot's Kimi: <https://github.com/maximhq/bifrost/issues/5510>, <https://github.com/maximhq/bifrost/issues/5354>).
const CACHE_AS_INPUT: [(&str, &str); 3] = [
    ("api.moonshot.ai", "moonshot"),
    ("api.moonshot.cn", "moonshot"),
    ("api.kimi.com", "moonshot"),
];

/// An operation that a vendor has elsewhere than the API that is compatible with OpenAI's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Elsewhere {
    /// The operation.
    pub operation: Operation,
    /// Where it is, in place of the path of the compatible API.
    pub path: &'static str,
    /// That path: a base URL that ends otherwise is somebody's own, who has it below.
    pub compatible: &'static str,
}

/// Vendors by their host's name, and by their own, and what they have elsewhere (source: the Cohere API reference, v2).
const ELSEWHERE: [(&str, &str, Elsewhere); 2] = {
    const RERANK: Elsewhere = Elsewhere {
        operation: Operation::Rerank,
        path: "/v2/rerank",
        compatible: "/compatibility/v1",
    };
    [
        ("api.cohere.ai", "cohere", RERANK),
        ("api.cohere.com", "cohere", RERANK),
    ]
};

/// What is known of a provider.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    /// In what it departs from Chat Completions.
    pub host: Host,
    /// Whether it speaks Responses beside Chat Completions.
    pub responses: bool,
    /// Whether the input that it tells in Anthropic's format holds what went through a cache.
    pub cache_as_input: bool,
}

impl Known {
    /// What is known of whoever is behind a protocol.
    #[must_use]
    pub(crate) fn of(protocol: &Protocol) -> Self {
        match protocol {
            Protocol::Http {
                base_url,
                dialect,
                vendor,
                ..
            } => Self {
                host: host(vendor, base_url),
                responses: *dialect == Dialect::OpenAi && speaks_responses(vendor, base_url),
                cache_as_input: counts_cache_as_input(vendor, base_url),
            },
            Protocol::Simulated(_) => Self {
                host: Host::default(),
                responses: false,
                cache_as_input: false,
            },
        }
    }
}

/// What a vendor's API at a base URL has elsewhere.
#[must_use]
pub(crate) fn elsewhere(vendor: &str, base_url: &str) -> Option<Elsewhere> {
    let mut known = ELSEWHERE.iter();
    let found = known.find(|(name, row, _)| is_of(vendor, base_url, row, name));
    found.map(|(_, _, elsewhere)| *elsewhere)
}

/// Whether the input that the provider at a base URL tells is known to hold what went through a cache.
fn counts_cache_as_input(vendor: &str, base_url: &str) -> bool {
    let mut known = CACHE_AS_INPUT.iter();
    known.any(|(name, row)| is_of(vendor, base_url, row, name))
}

/// Whether the provider at a base URL is known to speak Responses.
fn speaks_responses(vendor: &str, base_url: &str) -> bool {
    let mut known = RESPONSES.iter();
    known.any(|(name, row)| is_of(vendor, base_url, row, name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_counts_the_cache_as_input_is_known_by_the_host() {
        for (url, counts) in [
            ("https://api.moonshot.ai/anthropic/v1", true),
            ("https://api.kimi.com/coding/v1", true),
            ("https://api.anthropic.com/v1", false),
            ("http://10.0.0.1:8080/v1", false),
        ] {
            assert_eq!(counts_cache_as_input("", url), counts, "{url}");
        }
    }

    #[test]
    fn who_speaks_responses_is_known_by_the_host() {
        for (url, speaks) in [
            ("https://api.openai.com/v1", true),
            ("https://eu.api.openai.com:443/v1", true),
            ("https://acme.openai.azure.com/openai/v1", true),
            ("https://api.openai.com.example/v1", false),
            ("https://api.groq.com/openai/v1", false),
            ("http://127.0.0.1:8000/v1", false),
        ] {
            assert_eq!(speaks_responses("", url), speaks, "{url}");
        }
    }
}
