//! What models cost, and what a provider's owner knows better about them than the catalog.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::PerMillion;

/// What tokens cost, in US dollars a million; quote the numbers. Of a model, absent: what its provider's price says. Of a provider, for models that
/// name no price of their own, absent: nothing for types that are served at home (Ollama, VLLM, SGLang, LlamaCpp, LMStudio, Simulated), else what the
/// catalog says. Images and audio have no price here.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("has(self.free) && self.free || has(self.inputPerMillion) && has(self.outputPerMillion)").message("a price is free: true, or inputPerMillion and outputPerMillion"),
    validation = Rule::new("!has(self.free) || !(has(self.inputPerMillion) || has(self.cachedInputPerMillion) || has(self.cacheWritePerMillion) || has(self.outputPerMillion) || has(self.reasoningPerMillion))").message("free goes without prices; remove it or them").field_path(".free"),
    validation = Rule::new("!has(self.inputPerMillion) || !has(self.outputPerMillion) || self.inputPerMillion.matches('[1-9]') || self.outputPerMillion.matches('[1-9]')").message("what costs nothing says free: true"),
)]
pub struct Price {
    /// Whether it costs nothing; true, or absent.
    pub free: Option<bool>,
    /// Tokens of prompts.
    pub input_per_million: Option<PerMillion>,
    /// Tokens of prompts that came from a cache. Absent: as inputPerMillion.
    pub cached_input_per_million: Option<PerMillion>,
    /// Tokens of prompts that were written to a cache. Absent: as inputPerMillion.
    pub cache_write_per_million: Option<PerMillion>,
    /// Tokens of answers.
    pub output_per_million: Option<PerMillion>,
    /// Tokens of answers that are reasoning. Absent: as outputPerMillion.
    pub reasoning_per_million: Option<PerMillion>,
}

/// Something that a model can or cannot do, or that its API takes or refuses, by its name in the catalog (docs/catalog.md).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Function tools.
    Tools,
    /// More than one call in an answer.
    ParallelTools,
    /// A tool choice that forces a call.
    ForcedTool,
    /// An answer held to a JSON schema.
    Schema,
    /// Images in the prompt.
    Images,
    /// PDF files in the prompt.
    Pdf,
    /// Audio in the prompt.
    Audio,
    /// Video in the prompt.
    Video,
    /// Images in the answer.
    ImageOut,
    /// Audio in the answer.
    AudioOut,
    /// Reasoning before the answer.
    Reasoning,
    /// Adaptive thinking (Anthropic).
    AdaptiveThinking,
    /// A budget of tokens for thinking.
    BudgetThinking,
    /// A level of thinking (Gemini).
    LevelThinking,
    /// Reasoning that can be turned off.
    ThinkingOff,
    /// A last message of the assistant that the answer goes on from.
    Prefill,
    /// A prompt cache.
    Cache,
    /// System prompts.
    System,
    /// System messages between the turns of a conversation.
    MidSystem,
    /// Temperature and its kin.
    Sampling,
    /// Penalties for repetition.
    Penalties,
    /// Stop sequences.
    Stop,
    /// Log probabilities.
    Logprobs,
    /// More than one answer to a request.
    N,
    /// Ids on tool calls and their results (Gemini).
    CallIds,
    /// Web search by the provider.
    WebSearch,
    /// Computer use.
    ComputerUse,
}

impl Feature {
    /// The name in the catalog.
    #[must_use]
    pub fn name(self) -> String {
        // A variant without data is a string in JSON, so this always is one.
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            Ok(_) | Err(_) => String::new(),
        }
    }
}
