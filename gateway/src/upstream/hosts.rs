//! In what known providers depart from OpenAI's Chat Completions where a request is written for them. Data: a row a provider, from its reference.
//!
//! What a caller of Chat Completions sends is not touched: it is known to whom it is written. This is for what is translated.

use fairlead_translate::chat::request::{CallIds, Host};

/// Whoever is compatible: the older name for the limit of the output, which all know, and one system message, which templates of local models
/// expect.
const COMPATIBLE: Host = Host {
    max_tokens: true,
    one_system: true,
    ..Host::STRICT
};

/// Providers by the end of their host's name.
const HOSTS: [(&str, Host); 7] = [
    ("api.openai.com", Host::STRICT),
    (".openai.azure.com", Host::STRICT),
    ("api.groq.com", Host::STRICT),
    (
        "api.mistral.ai",
        Host {
            max_tokens: true,
            call_ids: CallIds::NineCharacters,
            ..Host::STRICT
        },
    ),
    (
        "api.deepseek.com",
        Host {
            reasoning: Some("reasoning_content"),
            reasoning_always: true,
            max_tokens: true,
            thinking_switch: true,
            ..Host::STRICT
        },
    ),
    (
        "openrouter.ai",
        Host {
            reasoning: Some("reasoning"),
            signatures: true,
            max_tokens: true,
            cache_control: true,
            top_k: true,
            ..Host::STRICT
        },
    ),
    (
        "api.cerebras.ai",
        Host {
            reasoning: Some("reasoning"),
            ..Host::STRICT
        },
    ),
];

/// Who speaks Responses beside Chat Completions, and keeps the answers that it is asked to store (sources: the OpenAI API reference; Azure OpenAI,
/// "Use the Azure OpenAI Responses API").
const RESPONSES: [&str; 2] = ["api.openai.com", ".openai.azure.com"];

/// What the provider at a base URL wants otherwise.
#[must_use]
pub(crate) fn host(base_url: &str) -> Host {
    let host = name_in(base_url);
    HOSTS
        .iter()
        .find(|(name, _)| is_of(host, name))
        .map_or(COMPATIBLE, |(_, host)| *host)
}

/// Whether the provider at a base URL is known to speak Responses.
#[must_use]
pub(crate) fn speaks_responses(base_url: &str) -> bool {
    let host = name_in(base_url);
    RESPONSES.iter().any(|name| is_of(host, name))
}

fn name_in(base_url: &str) -> &str {
    let host_on = base_url
        .split_once("://")
        .map_or(base_url, |(_, rest)| rest);
    host_on.split(['/', ':']).next().unwrap_or_default()
}

fn is_of(host: &str, name: &str) -> bool {
    host == name || host.ends_with(name) && (name.starts_with('.') || is_below(host, name))
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name)
        .is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(speaks_responses(url), speaks, "{url}");
        }
    }

    #[test]
    fn a_provider_is_known_by_its_host() {
        for (url, max_tokens, call_ids) in [
            ("https://api.openai.com/v1", false, CallIds::Short),
            (
                "https://acme.openai.azure.com/openai/v1",
                false,
                CallIds::Short,
            ),
            ("https://api.mistral.ai/v1", true, CallIds::NineCharacters),
            (
                "https://eu.api.mistral.ai:443/v1",
                true,
                CallIds::NineCharacters,
            ),
            ("https://notapi.mistral.ai.example/v1", true, CallIds::Short),
            ("https://myapi.openai.com.example/v1", true, CallIds::Short),
            ("http://vllm:8000/v1", true, CallIds::Short),
        ] {
            let host = host(url);
            assert_eq!(
                (host.max_tokens, host.call_ids),
                (max_tokens, call_ids),
                "{url}"
            );
        }
    }
}
