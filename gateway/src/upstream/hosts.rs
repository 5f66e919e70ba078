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

/// Vendors by the end of their host's name, and by their own.
const HOSTS: [(&str, &str, Host); 7] = [
    ("api.openai.com", "openai", Host::STRICT),
    (".openai.azure.com", "azure.ai.openai", Host::STRICT),
    ("api.groq.com", "groq", Host::STRICT),
    (
        "api.mistral.ai",
        "mistral_ai",
        Host {
            max_tokens: true,
            call_ids: CallIds::NineCharacters,
            ..Host::STRICT
        },
    ),
    (
        "api.deepseek.com",
        "deepseek",
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
        "openrouter",
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
        "cerebras",
        Host {
            reasoning: Some("reasoning"),
            ..Host::STRICT
        },
    ),
];

/// What a vendor's API at a base URL wants otherwise. A vendor is known wherever it is, behind a proxy of one's own say.
#[must_use]
pub(crate) fn host(vendor: &str, base_url: &str) -> Host {
    let host_on = base_url
        .split_once("://")
        .map_or(base_url, |(_, rest)| rest);
    let host = host_on.split(['/', ':']).next().unwrap_or_default();
    let known = |(name, row, _): &&(&str, &str, Host)| {
        if !vendor.is_empty() {
            return vendor == *row;
        }
        host == *name || host.ends_with(name) && (name.starts_with('.') || is_below(host, name))
    };
    HOSTS
        .iter()
        .find(known)
        .map_or(COMPATIBLE, |(_, _, host)| *host)
}

fn is_below(host: &str, name: &str) -> bool {
    host.strip_suffix(name)
        .is_some_and(|rest| rest.ends_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let host = host("", url);
            assert_eq!(
                (host.max_tokens, host.call_ids),
                (max_tokens, call_ids),
                "{url}"
            );
        }
        let behind = host("mistral_ai", "https://llm.example.com/v1");
        assert_eq!(behind.call_ids, CallIds::NineCharacters);
    }
}
