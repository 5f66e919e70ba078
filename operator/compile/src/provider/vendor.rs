//! What is known of each type of provider: what it speaks, how it is shown a key, and where it begins. A vendor is a row.
//!
//! In what a vendor departs from OpenAI's API is a row of the gateway's (`gateway/src/upstream/hosts.rs`). Sources: the reference of each, as of
//! November 2026; names after `gen_ai.provider.name` of OpenTelemetry's GenAI conventions, where they have one.

use fairlead_crds::v1alpha1::{LLMProviderSpec, ProviderType};
use fairlead_snapshot::{Addressing, Authentication, Dialect};

/// A vendor.
pub(super) struct Vendor {
    /// What it speaks.
    pub(super) dialect: Dialect,
    /// Its name, in the words of `gen_ai.provider.name`; empty: what the dialect says.
    pub(super) name: &'static str,
    /// Where its API begins; empty: everybody has one of their own.
    address: &'static str,
    /// What a base URL gets behind it that is only a host.
    version: &'static str,
}

/// One that is compatible with OpenAI's API.
const fn compatible(name: &'static str, address: &'static str, version: &'static str) -> Vendor {
    Vendor {
        dialect: Dialect::OpenAi,
        name,
        address,
        version,
    }
}

/// One that speaks its own words.
const fn own(
    dialect: Dialect,
    name: &'static str,
    address: &'static str,
    version: &'static str,
) -> Vendor {
    Vendor {
        dialect,
        name,
        address,
        version,
    }
}

/// The row of a type; `None`: it opens no connection.
#[rustfmt::skip]
pub(super) const fn vendor(kind: ProviderType) -> Option<Vendor> {
    use ProviderType as T;
    Some(match kind {
        T::Simulated => return None,
        T::OpenAI => compatible("", "https://api.openai.com/v1", ""),
        T::Anthropic => own(Dialect::Anthropic, "", "https://api.anthropic.com/v1", "/v1"),
        T::Gemini => own(Dialect::Gemini, "", "https://generativelanguage.googleapis.com/v1beta", "/v1beta"),
        T::VertexAI => own(Dialect::Gemini, "gcp.vertex_ai", "", ""),
        T::Bedrock => own(Dialect::Converse, "aws.bedrock", "", ""),
        T::AzureOpenAI => compatible("azure.ai.openai", "", ""),
        T::Cohere => compatible("cohere", "https://api.cohere.ai/compatibility/v1", "/compatibility/v1"),
        T::Groq => compatible("groq", "https://api.groq.com/openai/v1", "/openai/v1"),
        T::Mistral => compatible("mistral_ai", "https://api.mistral.ai/v1", "/v1"),
        T::DeepSeek => compatible("deepseek", "https://api.deepseek.com/v1", "/v1"),
        T::XAI => compatible("x_ai", "https://api.x.ai/v1", "/v1"),
        T::Together => compatible("together", "https://api.together.xyz/v1", "/v1"),
        T::Fireworks => compatible("fireworks", "https://api.fireworks.ai/inference/v1", "/inference/v1"),
        T::OpenRouter => compatible("openrouter", "https://openrouter.ai/api/v1", "/api/v1"),
        T::Perplexity => compatible("perplexity", "https://api.perplexity.ai", ""),
        T::Cerebras => compatible("cerebras", "https://api.cerebras.ai/v1", "/v1"),
        T::Nebius => compatible("nebius", "https://api.tokenfactory.nebius.com/v1", "/v1"),
        T::HuggingFace => compatible("huggingface", "https://router.huggingface.co/v1", "/v1"),
        T::NvidiaNIM => compatible("nvidia_nim", "https://integrate.api.nvidia.com/v1", "/v1"),
        T::Cloudflare => compatible("cloudflare", "", ""),
        T::Databricks => compatible("databricks", "", "/serving-endpoints"),
        T::Ollama => compatible("ollama", "", "/v1"),
        T::VLLM => compatible("vllm", "", "/v1"),
        T::SGLang => compatible("sglang", "", "/v1"),
        T::LlamaCpp => compatible("llama_cpp", "", "/v1"),
        T::LMStudio => compatible("lm_studio", "", "/v1"),
    })
}

impl Vendor {
    /// Whether a base URL has to be given.
    pub(super) fn needs_base_url(&self, kind: ProviderType) -> bool {
        self.address.is_empty() && !matches!(kind, ProviderType::Bedrock | ProviderType::VertexAI)
    }

    /// How it is shown a key.
    pub(super) fn authentication(&self, spec: &LLMProviderSpec) -> Authentication {
        match (spec.kind, &spec.bedrock) {
            (ProviderType::AzureOpenAI, _) => Authentication::Azure,
            (ProviderType::VertexAI, _) => Authentication::Google,
            (ProviderType::Bedrock, Some(bedrock)) => Authentication::Aws {
                region: bedrock.region.to_string(),
            },
            _ => Authentication::Dialect,
        }
    }

    /// Where below its base URL its operations are.
    pub(super) fn addressing(&self, spec: &LLMProviderSpec) -> Addressing {
        match (spec.kind, api_version(spec)) {
            (ProviderType::VertexAI, _) => Addressing::Publishers,
            (ProviderType::AzureOpenAI, Some(api_version)) => Addressing::Deployments {
                api_version: api_version.to_owned(),
            },
            _ => Addressing::Below,
        }
    }

    /// Where its API begins. The clients of many vendors are told only the host, and put the version behind it themselves.
    pub(super) fn base_url(&self, spec: &LLMProviderSpec) -> String {
        let Some(given) = &spec.base_url else {
            return self.public(spec);
        };
        let url = given.as_str().trim_end_matches('/');
        let host_on = url.split_once("://").map_or(url, |(_, rest)| rest);
        if host_on.contains('/') {
            return url.to_owned();
        }
        let version = match (spec.kind, &spec.vertex_ai) {
            (ProviderType::AzureOpenAI, _) if api_version(spec).is_none() => "/openai/v1",
            (ProviderType::AzureOpenAI, _) => "/openai",
            (ProviderType::VertexAI, Some(at)) => return format!("{url}{}", project(at)),
            _ => self.version,
        };
        format!("{url}{version}")
    }

    /// Where its API begins at a host that serves it at home.
    pub(super) fn below(&self, host: &str) -> String {
        let version = if self.version.is_empty() {
            "/v1"
        } else {
            self.version
        };
        format!("{host}{version}")
    }

    fn public(&self, spec: &LLMProviderSpec) -> String {
        match (&spec.bedrock, &spec.vertex_ai) {
            (Some(bedrock), _) => {
                let region = bedrock.region.as_str();
                let domain = if region.starts_with("cn-") {
                    "amazonaws.com.cn"
                } else {
                    "amazonaws.com"
                };
                format!("https://bedrock-runtime.{region}.{domain}")
            }
            (None, Some(at)) => {
                let host = match at.location.as_str() {
                    "global" => "aiplatform.googleapis.com".to_owned(),
                    place @ ("us" | "eu") => format!("aiplatform.{place}.rep.googleapis.com"),
                    region => format!("{region}-aiplatform.googleapis.com"),
                };
                format!("https://{host}{}", project(at))
            }
            (None, None) => self.address.to_owned(),
        }
    }
}

/// The version of Azure's API by deployments, if that is meant.
pub(super) fn api_version(spec: &LLMProviderSpec) -> Option<&str> {
    let version = spec.azure_open_ai.as_ref()?.api_version.as_ref()?;
    Some(version.as_str())
}

/// The path of a project's location at Vertex AI.
fn project(at: &fairlead_crds::v1alpha1::VertexAi) -> String {
    format!("/v1/projects/{}/locations/{}", at.project, at.location)
}
