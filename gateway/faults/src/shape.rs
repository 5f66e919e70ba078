//! The dialects of servers that call themselves compatible with OpenAI's API, as their documentation and their users show them.
//!
//! One file a server; each says only how it departs from `openai.rs`. They differ where a gateway acts: where usage comes, what an
//! error looks like, what precedes the first content, what lies between events.

mod azure;
mod deepseek;
mod groq;
mod mistral;
mod ollama;
mod openai;
mod openrouter;
mod vllm;

use serde_json::Value;

use crate::Step;
use crate::reply::Draft;

/// A server whose dialect a reply takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// The original.
    OpenAi,
    /// Azure OpenAI: a first chunk without choices, with the verdict on the prompt.
    AzureOpenAi,
    /// DeepSeek: comments while it waits, reasoning in `reasoning_content`, usage on the last chunk.
    DeepSeek,
    /// Groq: usage in `x_groq` on the last chunk, asked for or not.
    Groq,
    /// Mistral: usage on the last chunk, asked for or not; errors without an envelope.
    Mistral,
    /// Ollama: a role in every chunk, an error code of null.
    Ollama,
    /// OpenRouter: comments while it waits, usage on a chunk with an empty delta, errors with a numeric code and metadata.
    OpenRouter,
    /// vLLM before 0.11: errors as `"object": "error"` without an envelope, with a numeric code.
    Vllm,
}

impl Shape {
    /// Every shape, to try them one after the other.
    pub const ALL: [Self; 8] = [
        Self::OpenAi,
        Self::AzureOpenAi,
        Self::DeepSeek,
        Self::Groq,
        Self::Mistral,
        Self::Ollama,
        Self::OpenRouter,
        Self::Vllm,
    ];

    /// The body this server sends with an error status.
    #[must_use]
    pub fn error(self, status: u16) -> Value {
        match self {
            Self::OpenAi => openai::error(status),
            Self::AzureOpenAi => azure::error(status),
            Self::DeepSeek => deepseek::error(status),
            Self::Groq => groq::error(status),
            Self::Mistral => mistral::error(status),
            Self::Ollama => ollama::error(status),
            Self::OpenRouter => openrouter::error(status),
            Self::Vllm => vllm::error(status),
        }
    }

    /// The body of a whole chat completion.
    pub(crate) fn chat(self, draft: &Draft<'_>) -> Value {
        match self {
            Self::OpenAi => openai::chat(draft),
            Self::AzureOpenAi => azure::chat(draft),
            Self::DeepSeek => deepseek::chat(draft),
            Self::Groq => groq::chat(draft),
            Self::Mistral => mistral::chat(draft),
            Self::Ollama => ollama::chat(draft),
            Self::OpenRouter => openrouter::chat(draft),
            Self::Vllm => vllm::chat(draft),
        }
    }

    /// Events and comments of a streamed chat completion, up to but without `[DONE]`.
    pub(crate) fn chat_stream(self, draft: &Draft<'_>) -> Vec<Step> {
        match self {
            Self::OpenAi => openai::chat_stream(draft),
            Self::AzureOpenAi => azure::chat_stream(draft),
            Self::DeepSeek => deepseek::chat_stream(draft),
            Self::Groq => groq::chat_stream(draft),
            Self::Mistral => mistral::chat_stream(draft),
            Self::Ollama => ollama::chat_stream(draft),
            Self::OpenRouter => openrouter::chat_stream(draft),
            Self::Vllm => vllm::chat_stream(draft),
        }
    }
}
