//! In what known providers depart from OpenAI's Chat Completions where a request is written for them. Data: a row a provider, from its reference.
//!
//! What a caller of Chat Completions sends is not touched, for it is known to whom it is written, but for what of its history somebody else
//! has said ([`own`](fairlead_translate::chat::request::own)). The rest is for what is translated.

mod known;

use fairlead_translate::Effort;
use fairlead_translate::chat::request::{CallIds, Host, Users};

pub(crate) use known::{Elsewhere, Known, elsewhere};

/// Whoever is compatible: the older name for the limit of the output, which all know, and one system message, which templates of local models
/// expect.
const COMPATIBLE: Host = Host {
    max_tokens: true,
    one_system: true,
    ..Host::STRICT
};

/// Whoever refuses what is not in its reference, or takes it for nothing: in a history, too.
const REFUSING: Host = Host {
    refuses_thoughts: true,
    ..Host::STRICT
};

/// How much can be thought at most hosts of open models.
const UP_TO_HIGH: &[Effort] = &[Effort::None, Effort::Low, Effort::Medium, Effort::High];

/// Vendors by the end of their host's name, and by their own.
const HOSTS: [(&str, &str, Host); 15] = [
    ("api.openai.com", "openai", REFUSING),
    (".openai.azure.com", "azure.ai.openai", REFUSING),
    (
        "api.groq.com",
        "groq",
        Host {
            lacks: &["logprobs", "n", "prompt_cache_key", "verbosity"],
            efforts: UP_TO_HIGH,
            ..REFUSING
        },
    ),
    (
        "api.mistral.ai",
        "mistral_ai",
        Host {
            max_tokens: true,
            call_ids: CallIds::NineCharacters,
            users: Users::None,
            seed: "random_seed",
            top_k: true,
            lacks: &["store", "verbosity"],
            ..REFUSING
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
            users: Users::Plain,
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
            lacks: &["metadata", "store", "verbosity"],
            efforts: UP_TO_HIGH,
            ..Host::STRICT
        },
    ),
    ("api.cohere.ai", "cohere", COHERE),
    ("api.cohere.com", "cohere", COHERE),
    ("api.together.xyz", "together", OPEN_MODELS),
    ("api.fireworks.ai", "fireworks", OPEN_MODELS),
    (NOWHERE, "vllm", OPEN_MODELS),
    (NOWHERE, "sglang", OPEN_MODELS),
    (NOWHERE, "llama_cpp", OPEN_MODELS),
    (NOWHERE, "lm_studio", OPEN_MODELS),
];

/// The host of a server that everybody has for themselves.
const NOWHERE: &str = "";

/// Who serves open models with the sampling that they have beside OpenAI's.
const OPEN_MODELS: Host = Host {
    top_k: true,
    ..COMPATIBLE
};

/// Its API for OpenAI's clients, by its documentation ("Using Cohere models via the OpenAI SDK": what is supported, and what is not).
const COHERE: Host = Host {
    max_tokens: true,
    lacks: &[
        "logprobs",
        "metadata",
        "n",
        "parallel_tool_calls",
        "prompt_cache_key",
        "service_tier",
        "store",
        "verbosity",
    ],
    efforts: &[Effort::None, Effort::High],
    names_choice: false,
    json_schema: false,
    ..Host::STRICT
};

/// What a vendor's API at a base URL wants otherwise. A vendor is known wherever it is, behind a proxy of one's own say.
#[must_use]
pub(crate) fn host(vendor: &str, base_url: &str) -> Host {
    HOSTS
        .iter()
        .find(|(name, row, _)| is_of(vendor, base_url, row, name))
        .map_or(COMPATIBLE, |(_, _, host)| *host)
}

/// Whether it is the vendor of a row: by its own name where that is known, else by its host's.
fn is_of(vendor: &str, base_url: &str, row: &str, name: &str) -> bool {
    if !vendor.is_empty() {
        return vendor == row;
    }
    let host_on = base_url
        .split_once("://")
        .map_or(base_url, |(_, rest)| rest);
    let host = host_on.split(['/', ':']).next().unwrap_or_default();
    if name.is_empty() {
        return false;
    }
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
    fn rows_say_what_their_providers_are_known_for() {
        let deepseek = host("", "https://api.deepseek.com");
        assert!(deepseek.reasoning_always && deepseek.thinking_switch);
        assert_eq!(deepseek.reasoning, Some("reasoning_content"));
        assert_eq!(deepseek.users, Users::Plain);
        let openrouter = host("", "https://openrouter.ai/api/v1");
        assert!(openrouter.cache_control && openrouter.signatures);
        assert_eq!(
            host("", "https://api.cerebras.ai/v1").reasoning,
            Some("reasoning")
        );
        let cohere = host("cohere", "https://llm.example.com/compatibility/v1");
        assert!(cohere.max_tokens && !cohere.names_choice);
        assert_eq!(cohere.efforts, [Effort::None, Effort::High]);
        assert_eq!(cohere, host("", "https://api.cohere.ai/compatibility/v1"));
        // Codex and Claude Code say these of themselves, and a member that is unknown is refused with the whole request.
        for (vendor, lacks) in [
            ("groq", "prompt_cache_key"),
            ("groq", "verbosity"),
            ("mistral_ai", "store"),
            ("cerebras", "metadata"),
            ("cohere", "prompt_cache_key"),
        ] {
            assert!(host(vendor, "").lacks.contains(&lacks), "{vendor} {lacks}");
        }
        for vendor in ["openai", "openrouter", "vllm"] {
            assert!(host(vendor, "").lacks.is_empty(), "{vendor}");
        }
        let mistral = host("", "https://api.mistral.ai/v1");
        assert_eq!((mistral.users, mistral.seed), (Users::None, "random_seed"));
        for (url, refuses) in [
            ("https://api.mistral.ai/v1", true),
            ("https://api.groq.com/openai/v1", true),
            ("https://api.openai.com/v1", true),
            ("https://openrouter.ai/api/v1", false),
            ("https://api.deepseek.com", false),
            ("http://vllm:8000/v1", false),
        ] {
            assert_eq!(host("", url).refuses_thoughts, refuses, "{url}");
        }
    }

    #[test]
    fn servers_of_open_models_sample_as_these_do() {
        for (vendor, url, top_k) in [
            ("vllm", "http://vllm:8000/v1", true),
            ("together", "https://llm.example.com", true),
            ("", "https://api.fireworks.ai/inference/v1", true),
            // Of whom nothing is known gets what OpenAI knows.
            ("", "http://vllm:8000/v1", false),
            ("ollama", "http://ollama:11434/v1", false),
            ("", "", false),
        ] {
            assert_eq!(host(vendor, url).top_k, top_k, "{vendor} {url}");
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
