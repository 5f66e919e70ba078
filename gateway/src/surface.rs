//! What callers may ask for: the operations of the OpenAI surface.

/// An operation that is forwarded to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/completions`.
    Completions,
    /// `POST /v1/embeddings`.
    Embeddings,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 3] = [Self::Chat, Self::Completions, Self::Embeddings];

    /// The path below a provider's base URL.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
        }
    }

    /// The value of `gen_ai.operation.name` (source: OpenTelemetry GenAI semantic conventions).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "text_completion",
            Self::Embeddings => "embeddings",
        }
    }

    /// Whether `stream: true` means anything.
    #[must_use]
    pub fn streams(self) -> bool {
        !matches!(self, Self::Embeddings)
    }

    /// The member of the body that holds what the caller wrote. Conditions do not see it: it is large, and not theirs to read.
    #[must_use]
    pub fn content_member(self) -> &'static str {
        match self {
            Self::Chat => "messages",
            Self::Completions => "prompt",
            Self::Embeddings => "input",
        }
    }
}
