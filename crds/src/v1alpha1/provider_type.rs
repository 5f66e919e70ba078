//! The types of LLMProvider: whose API it is.
//!
//! What is known of each - its address, what it speaks, how it is shown a key - is a row of `operator/compile/src/provider/vendor.rs`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose API an upstream has.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderType {
    /// The OpenAI API, or one compatible with it.
    OpenAI,
    /// OpenAI's models on Azure.
    AzureOpenAI,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
    /// Google's and Anthropic's models on Vertex AI.
    VertexAI,
    /// Amazon Bedrock's Converse.
    Bedrock,
    /// Cohere, by its API that is compatible with OpenAI's.
    Cohere,
    /// Groq.
    Groq,
    /// Mistral.
    Mistral,
    /// DeepSeek.
    DeepSeek,
    /// xAI.
    XAI,
    /// Together AI.
    Together,
    /// Fireworks AI.
    Fireworks,
    /// OpenRouter.
    OpenRouter,
    /// Perplexity.
    Perplexity,
    /// Cerebras.
    Cerebras,
    /// Nebius Token Factory.
    Nebius,
    /// Hugging Face's inference providers.
    HuggingFace,
    /// NVIDIA NIM.
    NvidiaNIM,
    /// Cloudflare Workers AI.
    Cloudflare,
    /// Databricks model serving.
    Databricks,
    /// Ollama.
    Ollama,
    /// vLLM.
    VLLM,
    /// SGLang.
    SGLang,
    /// llama.cpp's server.
    LlamaCpp,
    /// LM Studio.
    LMStudio,
    /// No upstream: the gateway answers by itself.
    Simulated,
}
