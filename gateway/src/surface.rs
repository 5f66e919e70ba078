//! What callers may ask for, and in whose words: the operations, and the surfaces they belong to.

mod operation;

use bytes::Bytes;
use fairlead_translate::{chat, gemini, messages};
use fairlead_wire::openai::render_error;
use fairlead_wire::sse::framed;
use http::StatusCode;

pub(crate) use operation::{Operation, Path};

/// The member of Anthropic's requests by which a provider is to keep the conversation.
pub(crate) const THREAD: &str = "thread";

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
    /// Bedrock's Converse, which is only a dialect.
    Converse,
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
