//! In what a compatible provider departs from the format.

use crate::Effort;

/// What a provider wants otherwise. The default is what most take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// The member of an assistant's message that holds what was thought: `reasoning_content`, or `reasoning` (Cerebras, Groq's answers);
    /// `None`: the provider refuses it in a history (OpenAI, Mistral, Groq), and it is left out with all that proves it.
    pub reasoning: Option<&'static str>,
    /// Whether every message of the assistant has that member, be it empty (`DeepSeek`).
    pub reasoning_always: bool,
    /// Whether `reasoning_details` and signatures of calls go along.
    pub signatures: bool,
    /// Whether a history that has what was thought, or proofs of it, is refused even from a caller of this format (Mistral, Groq) or has no
    /// meaning there (OpenAI): it is taken out of what is otherwise passed as it came.
    pub refuses_thoughts: bool,
    /// Whether the limit of the output is called `max_tokens`, as it was before there was reasoning.
    pub max_tokens: bool,
    /// Whether all that stands before the first turn has to be one message: templates of local models read no second one.
    pub one_system: bool,
    /// Which ids of calls are taken.
    pub call_ids: CallIds,
    /// Which ids of users are taken.
    pub users: Users,
    /// What the seed is called: `seed`, or `random_seed` (Mistral).
    pub seed: &'static str,
    /// Whether marks of what is to be cached are taken (`OpenRouter`).
    pub cache_control: bool,
    /// Whether `top_k` is known.
    pub top_k: bool,
    /// Whether streams are asked for their usage.
    pub stream_usage: bool,
    /// Whether thinking is switched by `thinking` (`DeepSeek`), not by an effort of `none`. Then it is on by itself, and refuses a forced tool.
    pub thinking_switch: bool,
    /// Members that are refused or have no meaning: what would be asked by them is told as left out (Cohere).
    pub lacks: &'static [&'static str],
    /// Which efforts are known; none: all of them.
    pub efforts: &'static [Effort],
    /// Whether a choice may name a tool and say `auto`; else the tool that is named is the only one that is sent, and one must be called
    /// (Cohere).
    pub names_choice: bool,
    /// Whether a schema stands in `json_schema`; else beside `json_object` (Cohere).
    pub json_schema: bool,
}

/// Which ids of calls a provider takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallIds {
    /// Any of at most 64 characters.
    Short,
    /// Nine letters and digits (Mistral).
    NineCharacters,
}

/// Which ids of users a provider takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Users {
    /// Any of at most 64 characters.
    Any,
    /// Letters, digits, `-` and `_` (`DeepSeek`).
    Plain,
    /// None: the member is refused (Mistral).
    None,
}

impl Host {
    /// Whether a member has a meaning there.
    pub(super) fn has(&self, member: &str) -> bool {
        !self.lacks.contains(&member)
    }

    /// OpenAI itself, and everybody of whom nothing is known: what is not in its reference is not sent.
    pub const STRICT: Self = Self {
        reasoning: None,
        reasoning_always: false,
        signatures: false,
        refuses_thoughts: false,
        max_tokens: false,
        one_system: false,
        call_ids: CallIds::Short,
        users: Users::Any,
        seed: "seed",
        cache_control: false,
        top_k: false,
        stream_usage: true,
        thinking_switch: false,
        lacks: &[],
        efforts: &[],
        names_choice: true,
        json_schema: true,
    };
}

impl Default for Host {
    fn default() -> Self {
        Self {
            reasoning: Some("reasoning_content"),
            reasoning_always: false,
            signatures: true,
            refuses_thoughts: false,
            max_tokens: false,
            one_system: false,
            call_ids: CallIds::Short,
            users: Users::Any,
            seed: "seed",
            cache_control: false,
            top_k: false,
            stream_usage: true,
            thinking_switch: false,
            lacks: &[],
            efforts: &[],
            names_choice: true,
            json_schema: true,
        }
    }
}
