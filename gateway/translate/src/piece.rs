//! What is answered, bit by bit.

use fairlead_json::Raw;
use fairlead_wire::openai::ErrorFacts;

use crate::{Origin, Signature, Stop, Text, Usage};

/// A bit of an answer. Choices are counted from 0, as are the calls of one choice.
#[derive(Debug, Clone)]
pub enum Piece<'a> {
    /// The answer begins. Comes once, first.
    Begin {
        /// The provider's id of it.
        id: Option<Text<'a>>,
        /// The model that the provider says answers.
        model: Option<Text<'a>>,
    },
    /// More text.
    Text {
        /// Of which choice.
        choice: u64,
        /// The text.
        text: Text<'a>,
    },
    /// More of a refusal by the model.
    Refusal {
        /// Of which choice.
        choice: u64,
        /// The text.
        text: Text<'a>,
    },
    /// More of what the model thinks.
    Reasoning {
        /// Of which choice.
        choice: u64,
        /// The text.
        text: Text<'a>,
    },
    /// What was thought so far is signed: it is whole.
    Signed {
        /// Of which choice.
        choice: u64,
        /// The signature.
        signature: Signature<'a>,
    },
    /// Thinking in a form only its provider can read: whole.
    Redacted {
        /// Of which choice.
        choice: u64,
        /// The data.
        data: Signature<'a>,
    },
    /// A call of a tool begins.
    Call {
        /// Of which choice.
        choice: u64,
        /// Which of its calls.
        call: u64,
        /// Its id; `None`: the provider gives none.
        id: Option<Text<'a>>,
        /// The tool.
        name: Text<'a>,
        /// Gemini's proof that the call is its own.
        signature: Option<Signature<'a>>,
    },
    /// More of what a tool is called with: a bit of a JSON text.
    Arguments {
        /// Of which choice.
        choice: u64,
        /// Which of its calls.
        call: u64,
        /// The bit.
        fragment: Text<'a>,
    },
    /// OpenAI's `logprobs` of what came last.
    Logprobs {
        /// Of which choice.
        choice: u64,
        /// The object.
        logprobs: Raw<'a>,
    },
    /// A choice has ended.
    Finish {
        /// Which.
        choice: u64,
        /// Why.
        stop: Stop<'a>,
    },
    /// What has been used so far; replaces what was told before, member by member.
    Usage(Usage),
    /// The stream says that it is over.
    End,
    /// The provider failed, in the stream.
    Error(ErrorFacts),
}

impl Piece<'_> {
    /// Whether it is something for the caller to see: what commits an answer.
    #[must_use]
    pub fn is_content(&self) -> bool {
        match self {
            Self::Text { text, .. } | Self::Refusal { text, .. } | Self::Reasoning { text, .. } => {
                !text.is_empty()
            }
            Self::Arguments { fragment, .. } => !fragment.is_empty(),
            Self::Signed { .. } | Self::Redacted { .. } | Self::Call { .. } => true,
            Self::Begin { .. }
            | Self::Logprobs { .. }
            | Self::Finish { .. }
            | Self::Usage(_)
            | Self::End
            | Self::Error(_) => false,
        }
    }
}

impl Origin {
    /// How it is named where a signature has to say whose it is.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anthropic => "anthropic",
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Bedrock => "bedrock",
            Self::Unknown => "unknown",
        }
    }
}
