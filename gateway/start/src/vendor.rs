//! Who serves models: how people name them in variables, what their providers are called here, and where they are.
//!
//! Sources: the vendors' own SDKs and API references for variables and addresses, as of 2026-11.

/// A vendor, or a server that people run themselves.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Vendor {
    /// What its provider is called.
    pub(crate) name: &'static str,
    /// `spec.type`.
    pub(crate) kind: &'static str,
    /// Where it is, if nobody says.
    pub(crate) address: Address,
    /// The variables that may hold its key, the first one set counts.
    pub(crate) keys: &'static [&'static str],
    /// The variables that may hold its address.
    pub(crate) bases: &'static [&'static str],
    /// What is added to an address without a version.
    pub(crate) version: &'static str,
    /// A model of it, for an example.
    pub(crate) example: Option<&'static str>,
    /// Which model names it serves beside its own.
    pub(crate) hosts: Hosts,
}

/// Where a vendor is, if nobody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Address {
    /// Where everybody finds it, which need not be said.
    Public,
    /// Somewhere on this machine.
    Local(&'static str),
    /// Everybody has one of their own.
    Given,
}

/// Whether somebody serves models of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// Its own only.
    Own,
    /// Models of others, by names with a slash.
    Slashed,
    /// Models of others, by names without one.
    Bare,
}

const NOBODY: Vendor = Vendor {
    name: "",
    kind: "OpenAI",
    address: Address::Public,
    keys: &[],
    bases: &[],
    version: "",
    example: None,
    hosts: Hosts::Own,
};

/// Everybody who is known. Of several who serve models of others, the first one set gets the names that nobody else claims.
pub(crate) const VENDORS: &[Vendor] = &[
    Vendor {
        name: "openai",
        kind: "OpenAI",
        keys: &["OPENAI_API_KEY"],
        bases: &["OPENAI_BASE_URL", "OPENAI_API_BASE"],
        example: Some("gpt-5"),
        ..NOBODY
    },
    Vendor {
        name: "anthropic",
        kind: "Anthropic",
        keys: &["ANTHROPIC_API_KEY"],
        bases: &["ANTHROPIC_BASE_URL"],
        version: "/v1",
        example: Some("claude-sonnet-5"),
        ..NOBODY
    },
    Vendor {
        name: "gemini",
        kind: "Gemini",
        keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        bases: &["GOOGLE_GEMINI_BASE_URL"],
        version: "/v1beta",
        example: Some("gemini-3-pro"),
        ..NOBODY
    },
    Vendor {
        name: "mistral",
        kind: "Mistral",
        keys: &["MISTRAL_API_KEY"],
        example: Some("mistral-large-latest"),
        ..NOBODY
    },
    Vendor {
        name: "deepseek",
        kind: "DeepSeek",
        keys: &["DEEPSEEK_API_KEY"],
        example: Some("deepseek-chat"),
        ..NOBODY
    },
    Vendor {
        name: "xai",
        kind: "XAI",
        keys: &["XAI_API_KEY"],
        example: Some("grok-4"),
        ..NOBODY
    },
    Vendor {
        name: "cohere",
        kind: "Cohere",
        keys: &["COHERE_API_KEY", "CO_API_KEY"],
        example: Some("command-a-03-2025"),
        ..NOBODY
    },
    Vendor {
        name: "perplexity",
        kind: "Perplexity",
        keys: &["PERPLEXITY_API_KEY", "PPLX_API_KEY"],
        example: Some("sonar"),
        ..NOBODY
    },
    Vendor {
        name: "bedrock",
        kind: "Bedrock",
        example: Some("openai.gpt-oss-120b-1:0"),
        ..NOBODY
    },
    Vendor {
        name: "azure",
        kind: "AzureOpenAI",
        address: Address::Given,
        keys: &["AZURE_OPENAI_API_KEY"],
        bases: &["AZURE_OPENAI_ENDPOINT"],
        ..NOBODY
    },
    Vendor {
        name: "vertex",
        kind: "VertexAI",
        example: Some("gemini-3-pro"),
        ..NOBODY
    },
    Vendor {
        name: "openrouter",
        kind: "OpenRouter",
        keys: &["OPENROUTER_API_KEY"],
        example: Some("openai/gpt-5"),
        hosts: Hosts::Slashed,
        ..NOBODY
    },
    Vendor {
        name: "together",
        kind: "Together",
        keys: &["TOGETHER_API_KEY", "TOGETHERAI_API_KEY"],
        example: Some("openai/gpt-oss-120b"),
        hosts: Hosts::Slashed,
        ..NOBODY
    },
    Vendor {
        name: "fireworks",
        kind: "Fireworks",
        keys: &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY"],
        example: Some("accounts/fireworks/models/gpt-oss-120b"),
        hosts: Hosts::Slashed,
        ..NOBODY
    },
    Vendor {
        name: "nebius",
        kind: "Nebius",
        keys: &["NEBIUS_API_KEY"],
        example: Some("openai/gpt-oss-120b"),
        hosts: Hosts::Slashed,
        ..NOBODY
    },
    Vendor {
        name: "huggingface",
        kind: "HuggingFace",
        keys: &["HF_TOKEN", "HUGGINGFACE_API_KEY"],
        example: Some("openai/gpt-oss-120b"),
        hosts: Hosts::Slashed,
        ..NOBODY
    },
    Vendor {
        name: "nvidia",
        kind: "NvidiaNIM",
        keys: &["NVIDIA_API_KEY", "NVIDIA_NIM_API_KEY"],
        example: Some("openai/gpt-oss-120b"),
        hosts: Hosts::Slashed,
        ..NOBODY
    },
    Vendor {
        name: "cloudflare",
        kind: "Cloudflare",
        address: Address::Given,
        keys: &["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_API_KEY"],
        hosts: Hosts::Slashed,
        ..NOBODY
    },
    Vendor {
        name: "ollama",
        kind: "Ollama",
        address: Address::Local("http://127.0.0.1:11434/v1"),
        bases: &["OLLAMA_HOST"],
        version: "/v1",
        hosts: Hosts::Bare,
        ..NOBODY
    },
    Vendor {
        name: "groq",
        kind: "Groq",
        keys: &["GROQ_API_KEY"],
        example: Some("llama-3.3-70b-versatile"),
        hosts: Hosts::Bare,
        ..NOBODY
    },
    Vendor {
        name: "cerebras",
        kind: "Cerebras",
        keys: &["CEREBRAS_API_KEY"],
        example: Some("gpt-oss-120b"),
        hosts: Hosts::Bare,
        ..NOBODY
    },
    Vendor {
        name: "databricks",
        kind: "Databricks",
        address: Address::Given,
        keys: &["DATABRICKS_TOKEN"],
        bases: &["DATABRICKS_HOST"],
        version: "/serving-endpoints",
        hosts: Hosts::Bare,
        ..NOBODY
    },
    Vendor {
        name: "vllm",
        kind: "VLLM",
        address: Address::Given,
        hosts: Hosts::Bare,
        version: "/v1",
        ..NOBODY
    },
    Vendor {
        name: "sglang",
        kind: "SGLang",
        address: Address::Given,
        hosts: Hosts::Bare,
        version: "/v1",
        ..NOBODY
    },
    Vendor {
        name: "llamacpp",
        kind: "LlamaCpp",
        address: Address::Given,
        hosts: Hosts::Bare,
        version: "/v1",
        ..NOBODY
    },
    Vendor {
        name: "lmstudio",
        kind: "LMStudio",
        address: Address::Local("http://127.0.0.1:1234/v1"),
        hosts: Hosts::Bare,
        version: "/v1",
        ..NOBODY
    },
    Vendor {
        name: "sim",
        kind: "Simulated",
        example: Some("any"),
        hosts: Hosts::Bare,
        ..NOBODY
    },
];

/// The vendor of this name.
pub(crate) fn vendor(name: &str) -> Option<&'static Vendor> {
    VENDORS.iter().find(|vendor| vendor.name == name)
}

impl Vendor {
    /// Its place among all of them.
    pub(crate) fn rank(&self) -> usize {
        let place = VENDORS.iter().position(|vendor| vendor.name == self.name);
        place.unwrap_or(VENDORS.len())
    }

    /// The address to write, if one has to be. `None`: one has to be given.
    pub(crate) fn base_url(&self, given: Option<&str>) -> Option<Option<String>> {
        match (given, self.address) {
            (Some(given), _) => Some(Some(given.to_owned())),
            (None, Address::Public) => Some(None),
            (None, Address::Local(url)) => Some(Some(url.to_owned())),
            (None, Address::Given) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn nobody_is_named_twice_and_no_variable_means_two() {
        let names: BTreeSet<_> = VENDORS.iter().map(|vendor| vendor.name).collect();
        assert_eq!(names.len(), VENDORS.len());
        let variables: Vec<_> = VENDORS
            .iter()
            .flat_map(|vendor| vendor.keys.iter().chain(vendor.bases))
            .collect();
        assert_eq!(
            variables.iter().collect::<BTreeSet<_>>().len(),
            variables.len()
        );
    }
}
