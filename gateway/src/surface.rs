//! What callers may ask for: the operations of the OpenAI surface.

use fairlead_wire::openai::Part;

/// An operation that is forwarded to a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/completions`.
    Completions,
    /// `POST /v1/embeddings`.
    Embeddings,
}

impl Operation {
    /// Every operation.
    pub(crate) const ALL: [Self; 3] = [Self::Chat, Self::Completions, Self::Embeddings];

    /// The path below a provider's base URL.
    #[must_use]
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
        }
    }

    /// The value of `gen_ai.operation.name` (source: OpenTelemetry GenAI semantic conventions).
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::Completions => "text_completion",
            Self::Embeddings => "embeddings",
        }
    }

    /// Whether `stream: true` means anything.
    #[must_use]
    pub(crate) fn streams(self) -> bool {
        !matches!(self, Self::Embeddings)
    }

    /// What an answer must have to be one.
    #[must_use]
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Chat | Self::Completions => Part::Choices,
            Self::Embeddings => Part::Data,
        }
    }

    /// The member of the body that holds what the caller wrote. Conditions do not see it: it is large, and not theirs to read.
    #[must_use]
    pub(crate) fn content_member(self) -> &'static str {
        match self {
            Self::Chat => "messages",
            Self::Completions => "prompt",
            Self::Embeddings => "input",
        }
    }
}
