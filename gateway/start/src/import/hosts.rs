//! What the other gateways call the vendors.

use crate::family::patterns;
use crate::vendor::{VENDORS, Vendor, vendor};

/// The vendor that LiteLLM calls by this prefix of a model (source: its list of providers, as of 2026-11).
pub(super) fn litellm(prefix: &str) -> Option<&'static Vendor> {
    vendor(match prefix {
        "openai"
        | "text-completion-openai"
        | "custom_openai"
        | "openai_like"
        | "litellm_proxy"
        | "xinference" => "openai",
        "azure" | "azure_text" => "azure",
        "anthropic" | "anthropic_text" => "anthropic",
        "vertex_ai" | "vertex_ai_beta" => "vertex",
        "bedrock" | "bedrock_converse" => "bedrock",
        "cohere" | "cohere_chat" => "cohere",
        "together_ai" => "together",
        "fireworks_ai" => "fireworks",
        "nvidia_nim" => "nvidia",
        "ollama" | "ollama_chat" => "ollama",
        "hosted_vllm" | "vllm" => "vllm",
        "lm_studio" => "lmstudio",
        "llamafile" => "llamacpp",
        "gemini" | "groq" | "mistral" | "deepseek" | "xai" | "openrouter" | "perplexity"
        | "cerebras" | "nebius" | "huggingface" | "cloudflare" | "databricks" => prefix,
        _ => return None,
    })
}

/// The variables that LiteLLM reads a vendor's key from where its file names none (source: its pages of the providers, as of 2026-11).
pub(super) fn litellm_keys(vendor: &Vendor) -> &'static [&'static str] {
    match vendor.name {
        "azure" => &["AZURE_API_KEY"],
        _ => vendor.keys,
    }
}

/// The vendor that Bifrost calls so (source: the schema of its configuration, as of 2026-11).
pub(super) fn bifrost(name: &str) -> Option<&'static Vendor> {
    vendor(match name {
        "sgl" => "sglang",
        "openai" | "anthropic" | "bedrock" | "cohere" | "azure" | "vertex" | "mistral"
        | "ollama" | "groq" | "gemini" | "openrouter" | "perplexity" | "cerebras" | "deepseek"
        | "vllm" | "huggingface" | "fireworks" | "nebius" | "xai" | "databricks" => name,
        _ => return None,
    })
}

/// Whose model a bare name is, by its looks.
pub(super) fn by_model(model: &str) -> Option<&'static Vendor> {
    let fits = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(prefix) => model.starts_with(prefix),
        None => model == *pattern,
    };
    VENDORS
        .iter()
        .find(|vendor| patterns(vendor).iter().any(fits))
}
