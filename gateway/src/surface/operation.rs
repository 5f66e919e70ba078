//! The operations, and what can be asked of each.
//!
//! A further one is a variant, a row in [`table`], and its place in [`Operation::in_dialect`].

mod table;

use std::borrow::Cow;

use fairlead_snapshot::Dialect;
use fairlead_wire::event_stream;
use fairlead_wire::openai::Part;

use super::{Format, Surface};
pub(crate) use table::Path;
use table::{ROWS, Row, TABLE};

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
    /// Bedrock's `POST /model/MODEL/converse`, and `/converse-stream`: what nobody asks for, and what some are asked for.
    Converse,
    /// `POST /v1beta/models/MODEL:countTokens`.
    CountGemini,
    /// `POST /v1beta/models/MODEL:embedContent`.
    EmbedContent,
    /// `POST /v1beta/models/MODEL:batchEmbedContents`.
    BatchEmbedContents,
    /// Vertex AI's `POST ../publishers/google/models/MODEL:predict`: what nobody asks for, and what it is asked for embeddings.
    Predict,
    /// `POST /v1/images/generations`.
    ImageGenerations,
    /// `POST /v1/images/edits`.
    ImageEdits,
    /// `POST /v1/images/variations`.
    ImageVariations,
    /// `POST /v1/audio/speech`.
    Speech,
    /// `POST /v1/audio/transcriptions`.
    Transcriptions,
    /// `POST /v1/audio/translations`.
    Translations,
    /// `POST /v1/moderations`.
    Moderations,
    /// `POST /v1/rerank`, as Cohere and Jina have it.
    Rerank,
    /// Anything below `/passthrough/NAMESPACE/PROVIDER`: no operation of a model, and nothing that a plan is made for.
    Passthrough,
}

impl Operation {
    /// Whether its answer is a text, more or less.
    #[must_use]
    pub(crate) fn writes_text(self) -> bool {
        self == Self::Completions || self.row().format.is_some()
    }

    /// Whether its answer has no tokens: only what is asked is paid for.
    #[must_use]
    pub(crate) fn is_without_output(self) -> bool {
        matches!(
            self,
            Self::Embeddings
                | Self::EmbedContent
                | Self::BatchEmbedContents
                | Self::Predict
                | Self::Rerank
        )
    }

    /// Where a request says how long its answer may be, in tokens: any of these. The first is where that is written; of Chat Completions the
    /// second, where the model wants the newer name. Empty: nowhere.
    #[must_use]
    pub(crate) fn longest(self) -> &'static [Path] {
        self.row().longest
    }

    /// Whether no provider takes money for it.
    #[must_use]
    pub(crate) fn is_free(self) -> bool {
        matches!(
            self,
            Self::CountTokens | Self::CountGemini | Self::Moderations
        )
    }

    /// Every operation.
    pub(crate) const ALL: [Self; TABLE.len()] = {
        let mut all = [Self::Chat; TABLE.len()];
        let mut at = 0;
        while at < TABLE.len() {
            all[at] = TABLE[at].operation;
            at += 1;
        }
        all
    };

    fn row(self) -> &'static Row {
        &ROWS[self as usize]
    }

    /// The path below a provider's base URL, and below `/v1`; of one whose path names the model, where all of its models are.
    #[must_use]
    pub(crate) fn path(self) -> &'static str {
        self.row().path
    }

    /// What stands behind the model in the path, where the path names the model; as a stream, if that is told there, too.
    #[must_use]
    pub(crate) fn action(self, stream: bool) -> Option<&'static str> {
        match self.row().action {
            Some(_) if stream && self == Self::Generate => Some("streamGenerateContent"),
            action => action,
        }
    }

    /// The value of `gen_ai.operation.name` (source: OpenTelemetry GenAI semantic conventions), as far as there is one.
    #[must_use]
    pub(crate) fn name(self) -> &'static str {
        self.row().name
    }

    /// The path that it is asked for at, as a pattern: whatever a base URL puts before it is left out.
    #[must_use]
    pub(crate) fn route(self, stream: bool) -> Cow<'static, str> {
        if self == Self::Passthrough {
            return "/passthrough/{namespace}/{provider}/{path}".into();
        }
        match self.action(stream) {
            Some(action) => format!("/v1beta/models/{{model}}:{action}").into(),
            None => format!("/v1{}", self.path()).into(),
        }
    }

    /// Whose it is.
    #[must_use]
    pub(crate) fn surface(self) -> Surface {
        self.row().surface
    }

    /// Whether callers ask for it by its own path.
    #[must_use]
    pub(crate) fn is_asked(self) -> bool {
        !matches!(self, Self::Passthrough | Self::Converse | Self::Predict)
    }

    /// What a provider of a dialect is asked for in its place; `None`: the dialect has nothing like it.
    #[must_use]
    pub(crate) fn in_dialect(self, dialect: Dialect) -> Option<Self> {
        let is = |theirs| (dialect == theirs).then_some(self);
        match self {
            Self::Passthrough | Self::Converse | Self::Predict => None,
            Self::CountTokens => is(Dialect::Anthropic),
            Self::CountGemini => is(Dialect::Gemini),
            // What is a conversation can be asked of everybody.
            Self::Chat | Self::Messages | Self::Responses | Self::Generate => Some(match dialect {
                Dialect::OpenAi => Self::Chat,
                Dialect::Anthropic => Self::Messages,
                Dialect::Gemini => Self::Generate,
                Dialect::Converse => Self::Converse,
            }),
            Self::Embeddings | Self::EmbedContent | Self::BatchEmbedContents => match dialect {
                Dialect::OpenAi => Some(Self::Embeddings),
                Dialect::Gemini if self == Self::Embeddings => Some(Self::BatchEmbedContents),
                Dialect::Gemini => Some(self),
                Dialect::Anthropic | Dialect::Converse => None,
            },
            Self::Completions
            | Self::ImageGenerations
            | Self::ImageEdits
            | Self::ImageVariations
            | Self::Speech
            | Self::Transcriptions
            | Self::Translations
            | Self::Moderations
            | Self::Rerank => is(Dialect::OpenAi),
        }
    }

    /// Whether an answer of OpenAI may be a text and no object.
    #[must_use]
    pub(crate) fn is_text(self) -> bool {
        matches!(self, Self::Transcriptions | Self::Translations)
    }

    /// Whether what an answer has of output are pictures.
    #[must_use]
    pub(crate) fn makes_pictures(self) -> bool {
        matches!(
            self,
            Self::ImageGenerations | Self::ImageEdits | Self::ImageVariations
        )
    }

    /// Whether an answer is bytes that nobody here can read: a sound.
    #[must_use]
    pub(crate) fn is_bytes(self) -> bool {
        self == Self::Speech
    }

    /// Whether the provider that the gateway plays by itself knows it.
    #[must_use]
    pub(crate) fn is_simulated(self) -> bool {
        matches!(self, Self::Chat | Self::Completions | Self::Embeddings)
    }

    /// The model that its API has where none is named (source: the OpenAI API reference).
    #[must_use]
    pub(crate) fn usual_model(self) -> Option<&'static str> {
        (self == Self::Moderations).then_some("omni-moderation-latest")
    }

    /// Whether its body may be a form.
    #[must_use]
    pub(crate) fn takes_forms(self) -> bool {
        self.row().form
    }

    /// Whether it is passed on as it came and is no conversation, so that whoever has something at its path may answer.
    #[must_use]
    pub(crate) fn is_passed(self) -> bool {
        self.row().passed
    }

    /// Whether its body may name again the model that its path has named.
    #[must_use]
    pub(crate) fn names_model_again(self) -> bool {
        matches!(
            self,
            Self::CountGemini | Self::EmbedContent | Self::BatchEmbedContents
        )
    }

    /// The form that it has; `None`: it is no conversation.
    #[must_use]
    pub(crate) fn format(self) -> Option<Format> {
        self.row().format
    }

    /// Whether a stream can be asked for.
    #[must_use]
    pub(crate) fn streams(self) -> bool {
        self.row().streams
    }

    /// What type of content its streams are.
    #[must_use]
    pub(crate) fn stream_type(self) -> &'static str {
        if self == Self::Converse {
            event_stream::CONTENT_TYPE
        } else {
            "text/event-stream"
        }
    }

    /// Whether a stream ends with its usage only if that is asked for.
    #[must_use]
    pub(crate) fn asks_usage(self) -> bool {
        matches!(self, Self::Chat | Self::Completions)
    }

    /// What an answer of OpenAI must have to be one.
    #[must_use]
    pub(crate) fn part(self) -> Part {
        self.row().part
    }

    /// The members of the body that hold what the caller wrote. Conditions do not see them: they are large, and not theirs to read.
    #[must_use]
    pub(crate) fn content_members(self) -> &'static [&'static str] {
        self.row().content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_finds_its_own_row() {
        for (at, operation) in Operation::ALL.into_iter().enumerate() {
            assert_eq!(operation as usize, at, "{operation:?}");
            assert_eq!(operation.row().operation, operation);
        }
    }

    #[test]
    fn whatever_writes_text_says_where_its_length_is_bounded() {
        for operation in Operation::ALL {
            let bounded = !operation.longest().is_empty();
            assert_eq!(bounded, operation.writes_text(), "{operation:?}");
        }
    }
}
