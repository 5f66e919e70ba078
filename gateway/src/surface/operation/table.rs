//! The operations: a row each, with all that is the same wherever one is asked for.

use fairlead_wire::openai::Part;

use super::super::{Format, Surface};
use super::Operation;

/// A place in a body: the names of members, from the outermost.
pub(crate) type Path = &'static [&'static str];

/// What there is to know of an operation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    /// Which it is.
    pub(super) operation: Operation,
    /// The path below a provider's base URL, and below `/v1`.
    pub(super) path: &'static str,
    /// Where the path is that of the model, what stands behind its colon.
    pub(super) action: Option<&'static str>,
    /// The value of `gen_ai.operation.name`.
    pub(super) name: &'static str,
    /// Whose it is.
    pub(super) surface: Surface,
    /// The form of a conversation.
    pub(super) format: Option<Format>,
    /// The members of the body that hold what the caller wrote.
    pub(super) content: &'static [&'static str],
    /// Whether `stream: true` means anything.
    pub(super) streams: bool,
    /// What an answer of OpenAI must have to be one.
    pub(super) part: Part,
    /// Whether the body may be a form.
    pub(super) form: bool,
    /// See [`Operation::longest`].
    pub(super) longest: &'static [Path],
    /// Whether it is passed on as it came and is no conversation: whoever has it at its path may answer.
    pub(super) passed: bool,
}

/// Where all models are.
const MODELS: &str = "/models";

/// What rows have that say nothing else.
const ANY: Row = Row {
    operation: Operation::Chat,
    path: "/chat/completions",
    action: None,
    name: "chat",
    surface: Surface::OpenAi,
    format: None,
    content: &["input"],
    streams: false,
    part: Part::Choices,
    form: false,
    longest: &[],
    passed: false,
};

/// The same of what is passed on as it came.
const PASSED: Row = Row {
    content: &["prompt"],
    part: Part::Data,
    passed: true,
    ..ANY
};

/// The rows, in the order of [`Operation`].
pub(super) const TABLE: [Row; 21] = [
    Row {
        format: Some(Format::Chat),
        content: &["messages"],
        streams: true,
        longest: &[&["max_tokens"], &["max_completion_tokens"]],
        ..ANY
    },
    Row {
        operation: Operation::Completions,
        path: "/completions",
        name: "text_completion",
        content: &["prompt"],
        streams: true,
        longest: &[&["max_tokens"]],
        ..ANY
    },
    Row {
        operation: Operation::Embeddings,
        path: "/embeddings",
        name: "embeddings",
        part: Part::Data,
        ..ANY
    },
    Row {
        operation: Operation::Messages,
        path: "/messages",
        surface: Surface::Anthropic,
        format: Some(Format::Messages),
        content: &["messages"],
        streams: true,
        longest: &[&["max_tokens"]],
        ..ANY
    },
    Row {
        operation: Operation::CountTokens,
        path: "/messages/count_tokens",
        name: "count_tokens",
        surface: Surface::Anthropic,
        content: &["messages"],
        ..ANY
    },
    Row {
        operation: Operation::Responses,
        path: "/responses",
        format: Some(Format::Responses),
        streams: true,
        longest: &[&["max_output_tokens"]],
        ..ANY
    },
    Row {
        operation: Operation::Generate,
        path: MODELS,
        action: Some("generateContent"),
        name: "generate_content",
        surface: Surface::Gemini,
        format: Some(Format::Gemini),
        content: &["contents"],
        streams: true,
        longest: &[
            &["generationConfig", "maxOutputTokens"],
            &["generation_config", "max_output_tokens"],
            &["generationConfig", "max_output_tokens"],
            &["generation_config", "maxOutputTokens"],
        ],
        ..ANY
    },
    Row {
        operation: Operation::Converse,
        path: "/model",
        format: Some(Format::Converse),
        content: &["messages"],
        streams: true,
        longest: &[&["inferenceConfig", "maxTokens"]],
        ..ANY
    },
    Row {
        operation: Operation::CountGemini,
        path: MODELS,
        action: Some("countTokens"),
        name: "count_tokens",
        surface: Surface::Gemini,
        content: &["contents", "generateContentRequest"],
        ..ANY
    },
    Row {
        operation: Operation::EmbedContent,
        path: MODELS,
        action: Some("embedContent"),
        name: "embeddings",
        surface: Surface::Gemini,
        content: &["content"],
        ..ANY
    },
    Row {
        operation: Operation::BatchEmbedContents,
        path: MODELS,
        action: Some("batchEmbedContents"),
        name: "embeddings",
        surface: Surface::Gemini,
        content: &["requests"],
        ..ANY
    },
    Row {
        operation: Operation::Predict,
        path: MODELS,
        action: Some("predict"),
        name: "embeddings",
        surface: Surface::Gemini,
        content: &["instances"],
        ..ANY
    },
    Row {
        operation: Operation::ImageGenerations,
        path: "/images/generations",
        name: "image_generation",
        streams: true,
        ..PASSED
    },
    Row {
        operation: Operation::ImageEdits,
        path: "/images/edits",
        name: "image_edit",
        content: &["prompt", "image", "images", "mask"],
        streams: true,
        form: true,
        ..PASSED
    },
    Row {
        operation: Operation::ImageVariations,
        path: "/images/variations",
        name: "image_variation",
        form: true,
        ..PASSED
    },
    Row {
        operation: Operation::Speech,
        path: "/audio/speech",
        name: "speech",
        content: &["input", "instructions"],
        streams: true,
        part: Part::Text,
        ..PASSED
    },
    Row {
        operation: Operation::Transcriptions,
        path: "/audio/transcriptions",
        name: "transcription",
        streams: true,
        part: Part::Text,
        form: true,
        ..PASSED
    },
    Row {
        operation: Operation::Translations,
        path: "/audio/translations",
        name: "translation",
        part: Part::Text,
        form: true,
        ..PASSED
    },
    Row {
        operation: Operation::Moderations,
        path: "/moderations",
        name: "moderation",
        content: &["input"],
        part: Part::Results,
        ..PASSED
    },
    Row {
        operation: Operation::Rerank,
        path: "/rerank",
        name: "rerank",
        content: &["query", "documents"],
        part: Part::Results,
        ..PASSED
    },
    Row {
        operation: Operation::Passthrough,
        path: "/passthrough",
        name: "passthrough",
        content: &[],
        ..PASSED
    },
];

/// The same, in one place.
pub(super) static ROWS: [Row; TABLE.len()] = TABLE;
