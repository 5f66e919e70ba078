//! What the data calls things: kinds of models, abilities, efforts, quirks, units and modes of prices.

/// An enum whose variants have the names that stand in the data.
macro_rules! named {
    ($(#[$meta:meta])* $type:ident { $($(#[$about:meta])* $variant:ident = $name:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $type {
            $($(#[$about])* $variant,)+
        }

        impl $type {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The name in the data.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// The one of this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

named! {
    /// What a model is asked for.
    Kind {
        /// Conversations: Chat Completions, Responses, Messages, Gemini.
        Chat = "chat",
        /// Text that goes on where a prompt ends.
        Completion = "completion",
        /// Vectors.
        Embedding = "embedding",
        /// Documents by relevance.
        Rerank = "rerank",
        /// Speech both ways over one connection.
        Realtime = "realtime",
        /// Text from speech.
        Transcription = "transcription",
        /// Speech from text.
        Speech = "speech",
        /// Pictures from text.
        Image = "image",
    }
}

named! {
    /// Something that a model can or cannot do, or that its API takes or refuses.
    Feature {
        /// Function tools.
        Tools = "tools",
        /// More than one call in an answer.
        ParallelTools = "parallel-tools",
        /// A tool choice that forces a call.
        ForcedTool = "forced-tool",
        /// An answer held to a JSON schema by the provider.
        Schema = "schema",
        /// Images in the prompt.
        Images = "images",
        /// PDF files in the prompt.
        Pdf = "pdf",
        /// Audio in the prompt.
        Audio = "audio",
        /// Video in the prompt.
        Video = "video",
        /// Images in the answer.
        ImageOut = "image-out",
        /// Audio in the answer.
        AudioOut = "audio-out",
        /// Reasoning before the answer.
        Reasoning = "reasoning",
        /// `thinking: {type: adaptive}` (Anthropic).
        AdaptiveThinking = "adaptive-thinking",
        /// A budget of tokens for thinking: `budget_tokens` (Anthropic), `thinkingBudget` (Gemini).
        BudgetThinking = "budget-thinking",
        /// A level of thinking: `thinkingLevel` (Gemini).
        LevelThinking = "level-thinking",
        /// Reasoning that can be turned off.
        ThinkingOff = "thinking-off",
        /// A last message of the assistant that the answer goes on from.
        Prefill = "prefill",
        /// A prompt cache.
        Cache = "cache",
        /// System prompts.
        System = "system",
        /// System messages between the turns of a conversation.
        MidSystem = "mid-system",
        /// `temperature`, `top_p` and `top_k`.
        Sampling = "sampling",
        /// `frequency_penalty` and `presence_penalty`.
        Penalties = "penalties",
        /// Stop sequences.
        Stop = "stop",
        /// Log probabilities.
        Logprobs = "logprobs",
        /// More than one answer to a request.
        N = "n",
        /// Ids on tool calls and their results (Gemini).
        CallIds = "call-ids",
        /// Web search by the provider.
        WebSearch = "web-search",
        /// Computer use.
        ComputerUse = "computer-use",
    }
}

named! {
    /// A level of reasoning, as `reasoning_effort` of OpenAI and `output_config.effort` of Anthropic name them.
    Effort {
        /// No reasoning.
        None = "none",
        /// Next to none.
        Minimal = "minimal",
        /// Little.
        Low = "low",
        /// As usual.
        Medium = "medium",
        /// Much.
        High = "high",
        /// More.
        Xhigh = "xhigh",
        /// All that the model has.
        Max = "max",
    }
}

named! {
    /// Something to be done differently for a model.
    Quirk {
        /// `max_tokens` is refused; the name is `max_completion_tokens`.
        MaxCompletionTokens = "max-completion-tokens",
        /// Sampling parameters are refused unless the effort is `none`.
        SamplingNeedsNoReasoning = "sampling-needs-no-reasoning",
        /// On Chat Completions function tools are refused unless the effort is `none`; Responses takes both.
        ChatToolsNeedNoReasoning = "chat-tools-need-no-reasoning",
        /// Served on the Responses API alone.
        ResponsesOnly = "responses-only",
        /// `reasoning_content` has to be sent back in later turns.
        ReplaysReasoningContent = "replays-reasoning-content",
        /// `reasoning_details` has to be sent back in later turns.
        ReplaysReasoningDetails = "replays-reasoning-details",
        /// Tool calls of the current turn have to carry their thought signatures.
        NeedsSignatures = "needs-signatures",
        /// A forced tool choice is refused while the model thinks.
        NoForcedToolWhileThinking = "no-forced-tool-while-thinking",
    }
}

named! {
    /// What is counted, always exclusive parts: input that no cache served or took, output without reasoning.
    Unit {
        /// Text of the prompt.
        Input = "input",
        /// Text of the answer.
        Output = "output",
        /// Prompt read from the cache.
        CacheRead = "cache-read",
        /// Prompt written to the cache, for as long as the vendor keeps it by default (Anthropic: five minutes).
        CacheWrite = "cache-write",
        /// Prompt written to the cache for an hour.
        CacheWrite1h = "cache-write-1h",
        /// Prompt written to the cache for twelve hours.
        CacheWrite12h = "cache-write-12h",
        /// Reasoning, where it has a price of its own.
        Reasoning = "reasoning",
        /// Audio of the prompt.
        InputAudio = "input-audio",
        /// Audio of the answer.
        OutputAudio = "output-audio",
        /// Audio read from the cache.
        CacheReadAudio = "cache-read-audio",
        /// Images of the prompt.
        InputImage = "input-image",
        /// Images of the answer.
        OutputImage = "output-image",
        /// Images read from the cache.
        CacheReadImage = "cache-read-image",
        /// Video of the prompt.
        InputVideo = "input-video",
    }
}

named! {
    /// How a request was served, as the answer tells it.
    Mode {
        /// As usual.
        Standard = "standard",
        /// Within a day, through a batch API.
        Batch = "batch",
        /// When there is room: OpenAI's and Gemini's flex.
        Flex = "flex",
        /// Before others: the tier `priority`.
        Priority = "priority",
        /// Anthropic's `speed: fast`.
        Fast = "fast",
    }
}

/// Whether a model can do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Support {
    /// A source says so.
    Yes,
    /// A source says that it cannot.
    No,
    /// No source says, or sources contradict each other.
    Unknown,
}

impl Support {
    /// Whether it surely cannot: what to pass over a target for.
    #[must_use]
    pub const fn is_no(self) -> bool {
        matches!(self, Self::No)
    }

    /// What two sets of bits say of one.
    pub(crate) const fn of(yes: u32, no: u32, bit: u8) -> Self {
        match (yes >> bit & 1, no >> bit & 1) {
            (1, 0) => Self::Yes,
            (0, 1) => Self::No,
            _ => Self::Unknown,
        }
    }
}
