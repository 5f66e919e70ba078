//! What callers may ask for, and in whose words: the operations, and the surfaces they belong to.

use bytes::Bytes;
use fairlead_snapshot::Dialect;
use fairlead_translate::{chat, gemini, messages};
use fairlead_wire::openai::{Part, render_error};
use fairlead_wire::sse::framed;
use http::StatusCode;

/// The member of Anthropic's requests by which a provider is to keep the conversation.
pub(crate) const THREAD: &str = "thread";

/// An operation: what a caller asks for, and what a provider is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/completions`.
    Completions,
    /// `POST /v1/embeddings`.
    Embeddings,
    /// `POST /v1/messages`.
    Messages,
    /// `POST /v1/messages/count_tokens`.
    CountTokens,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1beta/models/MODEL:generateContent`, and `:streamGenerateContent`.
    Generate,
}

/// What a path asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asking {
    /// The operation.
    pub operation: Operation,
    /// What the path says of it, where the body does not.
    pub named: Option<Named>,
}

/// What the path of a request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    /// The model.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub stream: bool,
}

/// A form of conversations that is translated into others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// OpenAI's Chat Completions.
    Chat,
    /// Anthropic's Messages.
    Messages,
    /// OpenAI's Responses.
    Responses,
    /// Gemini's generateContent.
    Gemini,
}

/// Whose words a caller speaks: what errors, the ends of streams and lists of models look like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Surface {
    /// OpenAI's.
    #[default]
    OpenAi,
    /// Anthropic's.
    Anthropic,
    /// Gemini's.
    Gemini,
}

impl Operation {
    /// Every operation.
    pub(crate) const ALL: [Self; 7] = [
        Self::Chat,
        Self::Completions,
        Self::Embeddings,
        Self::Messages,
        Self::CountTokens,
        Self::Responses,
        Self::Generate,
    ];

    /// The path below a provider's base URL, and below `/v1`; of one whose path names the model, where all of its models are.
    #[must_use]
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Responses => "/responses",
            Self::Generate => "/models",
            Self::Chat => "/chat/completions",
            Self::Completions => "/completions",
            Self::Embeddings => "/embeddings",
            Self::Messages => "/messages",
            Self::CountTokens => "/messages/count_tokens",
        }
    }

    /// The value of `gen_ai.operation.name` (source: OpenTelemetry GenAI semantic conventions); counting has none there.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat | Self::Messages | Self::Responses => "chat",
            Self::Generate => "generate_content",
            Self::Completions => "text_completion",
            Self::Embeddings => "embeddings",
            Self::CountTokens => "count_tokens",
        }
    }

    /// Whose it is.
    #[must_use]
    pub(crate) fn surface(self) -> Surface {
        match self {
            Self::Chat | Self::Completions | Self::Embeddings | Self::Responses => Surface::OpenAi,
            Self::Generate => Surface::Gemini,
            Self::Messages | Self::CountTokens => Surface::Anthropic,
        }
    }

    /// What a provider of a dialect is asked for in its place; `None`: the dialect has nothing like it.
    #[must_use]
    pub(crate) fn in_dialect(self, dialect: Dialect) -> Option<Self> {
        match (self, dialect) {
            (Self::Completions | Self::Embeddings, Dialect::OpenAi)
            | (Self::CountTokens, Dialect::Anthropic) => Some(self),
            (
                Self::Completions | Self::Embeddings,
                Dialect::Anthropic | Dialect::Gemini | Dialect::Converse,
            )
            | (Self::CountTokens, Dialect::OpenAi | Dialect::Gemini | Dialect::Converse) => None,
            // What is a conversation can be asked of everybody.
            (Self::Chat | Self::Messages | Self::Responses | Self::Generate, dialect) => {
                Some(match dialect {
                    Dialect::OpenAi => Self::Chat,
                    Dialect::Anthropic => Self::Messages,
                    Dialect::Gemini => Self::Generate,
                    Dialect::Converse => return None,
                })
            }
        }
    }

    /// The form that it has; `None`: it is translated into no other.
    #[must_use]
    pub(crate) fn format(self) -> Option<Format> {
        match self {
            Self::Chat => Some(Format::Chat),
            Self::Messages => Some(Format::Messages),
            Self::Responses => Some(Format::Responses),
            Self::Generate => Some(Format::Gemini),
            Self::Completions | Self::Embeddings | Self::CountTokens => None,
        }
    }

    /// Whether `stream: true` means anything.
    #[must_use]
    pub(crate) fn streams(self) -> bool {
        !matches!(self, Self::Embeddings | Self::CountTokens)
    }

    /// Whether a stream ends with its usage only if that is asked for.
    #[must_use]
    pub(crate) fn asks_usage(self) -> bool {
        matches!(self, Self::Chat | Self::Completions)
    }

    /// What an answer of OpenAI must have to be one.
    #[must_use]
    pub(crate) fn part(self) -> Part {
        match self {
            Self::Embeddings => Part::Data,
            Self::Chat
            | Self::Completions
            | Self::Messages
            | Self::CountTokens
            | Self::Responses
            | Self::Generate => Part::Choices,
        }
    }

    /// The member of the body that holds what the caller wrote. Conditions do not see it: it is large, and not theirs to read.
    #[must_use]
    pub(crate) fn content_member(self) -> &'static str {
        match self {
            Self::Chat | Self::Messages | Self::CountTokens => "messages",
            Self::Completions => "prompt",
            Self::Embeddings | Self::Responses => "input",
            Self::Generate => "contents",
        }
    }
}

impl Surface {
    /// A status as the surface has it: 529 is Anthropic's word for 503.
    #[must_use]
    pub(crate) fn status(self, status: StatusCode) -> StatusCode {
        let overloaded = StatusCode::from_u16(529).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        match self {
            Self::OpenAi | Self::Gemini if status == overloaded => StatusCode::SERVICE_UNAVAILABLE,
            Self::OpenAi | Self::Gemini => status,
            Self::Anthropic if status == StatusCode::SERVICE_UNAVAILABLE => overloaded,
            Self::Anthropic => status,
        }
    }

    /// An error object. `kind` is OpenAI's `type`; other surfaces have theirs by the status, and so has OpenAI's where the kind is Google's.
    #[must_use]
    pub(crate) fn error(
        self,
        status: u16,
        code: &str,
        kind: &str,
        message: &str,
        param: Option<&str>,
    ) -> Vec<u8> {
        match self {
            Self::OpenAi if is_of_google(kind) => chat::error(status, code, message),
            Self::OpenAi => render_error(code, kind, message, param),
            Self::Anthropic if param == Some(THREAD) => messages::unthreaded(status, code, message),
            Self::Anthropic => messages::error(status, code, message),
            Self::Gemini => gemini::error(status, code, message),
        }
    }

    /// What is sent while there is nothing to send. No blank line behind the comment: some readers would take it for an empty event. Google's clients
    /// take a comment for data, and skip a blank line.
    #[must_use]
    pub(crate) fn waiting(self) -> Bytes {
        match self {
            Self::OpenAi | Self::Anthropic => Bytes::from_static(b": waiting\n"),
            Self::Gemini => Bytes::from_static(b"\n"),
        }
    }

    /// An error object as the last event of a stream.
    #[must_use]
    pub(crate) fn in_band(self, object: &Bytes) -> Bytes {
        let event = framed(std::iter::once(object.clone()));
        match self {
            Self::OpenAi | Self::Gemini => event,
            Self::Anthropic => [b"event: error\n", event.as_ref()].concat().into(),
        }
    }
}

/// Whether it is a name of gRPC's, such as `INVALID_ARGUMENT`, which no client of OpenAI's knows.
fn is_of_google(kind: &str) -> bool {
    let mut bytes = kind.bytes();
    !kind.is_empty() && bytes.all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_of_google_becomes_one_that_clients_of_openai_know() {
        for (status, kind, told) in [
            (400, "INVALID_ARGUMENT", "invalid_request_error"),
            (429, "RESOURCE_EXHAUSTED", "rate_limit_error"),
            (503, "UNAVAILABLE", "api_error"),
            (400, "invalid_request_error", "invalid_request_error"),
            (429, "requests", "requests"),
        ] {
            let error = Surface::OpenAi.error(status, "400", kind, "No.", None);
            let text = String::from_utf8(error).unwrap();
            let told = format!(r#""type":"{told}""#);
            assert!(text.contains(&told), "{text}");
        }
    }
}
