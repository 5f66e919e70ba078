//! What is asked, in no format's words.

use std::borrow::Cow;

use fairlead_json::Raw;

use crate::{Text, Value};

/// A request for the next turn of a conversation. The model is not in it: that is the plan's business.
#[derive(Debug, Clone, Default)]
pub struct Conversation<'a> {
    /// What stands before the first turn: system and developer prompts, each a block of its own.
    pub system: Vec<Block<'a>>,
    /// The turns, in order. Neighbours may have the same role.
    pub turns: Vec<Turn<'a>>,
    /// The tools the model may call.
    pub tools: Vec<Tool<'a>>,
    /// Which of them, if that is said.
    pub tool_choice: Option<ToolChoice<'a>>,
    /// Whether it may call several at once, if that is said.
    pub parallel_tools: Option<bool>,
    /// The most tokens of the answer, reasoning included.
    pub max_output: Option<u64>,
    /// A number as it is written.
    pub temperature: Option<Raw<'a>>,
    /// A number as it is written.
    pub top_p: Option<Raw<'a>>,
    /// A number as it is written.
    pub top_k: Option<Raw<'a>>,
    /// A number as it is written.
    pub seed: Option<Raw<'a>>,
    /// A number as it is written.
    pub presence_penalty: Option<Raw<'a>>,
    /// A number as it is written.
    pub frequency_penalty: Option<Raw<'a>>,
    /// The texts at which the answer ends.
    pub stop: Vec<Text<'a>>,
    /// How many answers; 0 and 1 are one.
    pub choices: u64,
    /// Log probabilities, with so many alternatives for each token.
    pub logprobs: Option<u64>,
    /// The form of the answer; `None` is text.
    pub format: Option<Format<'a>>,
    /// How much the model is to think first, if that is said.
    pub reasoning: Option<Reasoning>,
    /// `low`, `medium`, `high`.
    pub verbosity: Option<Text<'a>>,
    /// OpenAI's word: `auto`, `default`, `flex`, `priority`.
    pub service_tier: Option<Text<'a>>,
    /// Whose request it is, as the caller names its user.
    pub user: Option<Text<'a>>,
    /// An object of texts.
    pub metadata: Option<Raw<'a>>,
    /// What requests with the same beginning have in common.
    pub cache_key: Option<Text<'a>>,
    /// Whether the provider may keep the answer, if that is said.
    pub store: Option<bool>,
    /// Whether the answer comes bit by bit.
    pub stream: bool,
    /// Members that mean something in the caller's surface only, by name; all of them are told as left out.
    pub others: Vec<Other<'a>>,
}

/// A member that no neutral one stands for.
#[derive(Debug, Clone)]
pub struct Other<'a> {
    /// Its name, or the path to it.
    pub name: Cow<'a, str>,
    /// Whether leaving it out changes what is asked for.
    pub changes_meaning: bool,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The caller's side. Results of tools are blocks of such a turn.
    User,
    /// The model.
    Assistant,
    /// Instructions in the middle of the conversation.
    System,
}

/// One turn.
#[derive(Debug, Clone)]
pub struct Turn<'a> {
    /// Who speaks.
    pub role: Role,
    /// What is said.
    pub blocks: Vec<Block<'a>>,
    /// The participant's name, where a surface has one.
    pub name: Option<Text<'a>>,
    /// Where it stands in the caller's body, for notes: `messages[2]`.
    pub at: usize,
}

/// A piece of what is said, with the wish that what comes up to here be cached.
#[derive(Debug, Clone)]
pub struct Block<'a> {
    /// What it is.
    pub content: Content<'a>,
    /// Whether the prompt up to and with this is to be cached.
    pub cache: Option<Cache>,
}

impl<'a> From<Content<'a>> for Block<'a> {
    fn from(content: Content<'a>) -> Self {
        Self {
            content,
            cache: None,
        }
    }
}

/// For how long something is cached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// As long as the provider does by itself.
    Default,
    /// One hour.
    Hour,
}

/// What a block is.
#[derive(Debug, Clone)]
pub enum Content<'a> {
    /// Text.
    Text(Text<'a>),
    /// What the model said instead of an answer.
    Refusal(Text<'a>),
    /// An image.
    Image(Media<'a>),
    /// A document.
    File(Media<'a>),
    /// Sound.
    Audio(Media<'a>),
    /// What the model thought.
    Reasoning {
        /// In words; may be empty beside a signature.
        text: Text<'a>,
        /// What proves to its provider that the words are its own.
        signature: Option<Signature<'a>>,
    },
    /// What the model thought, in a form only its provider can read.
    Redacted(Signature<'a>),
    /// The model calls a tool.
    Call {
        /// What the result refers to.
        id: Text<'a>,
        /// The tool.
        name: Text<'a>,
        /// What it is called with.
        arguments: Arguments<'a>,
        /// Gemini's proof that the call is its own.
        signature: Option<Signature<'a>>,
    },
    /// What a tool gave back.
    Result {
        /// The call's id.
        id: Text<'a>,
        /// Texts, images, files.
        content: Vec<Block<'a>>,
        /// Whether the tool failed.
        is_error: bool,
    },
    /// What has no neutral form, by its type: server tools, search results and the like.
    Other(Cow<'a, str>),
}

/// An image, a file or a sound.
#[derive(Debug, Clone)]
pub struct Media<'a> {
    /// Where it is.
    pub source: Source<'a>,
    /// `image/png`; of sounds and data always, else where it is said.
    pub media_type: Option<Text<'a>>,
    /// The name of a file.
    pub name: Option<Text<'a>>,
    /// `low`, `high`, `auto`: how closely an image is looked at.
    pub detail: Option<Text<'a>>,
}

/// Where a medium is.
#[derive(Debug, Clone)]
pub enum Source<'a> {
    /// Here, in base64 of the standard alphabet.
    Base64(Text<'a>),
    /// Here, as text.
    Text(Text<'a>),
    /// At an address.
    Url(Text<'a>),
    /// In a store of one provider, by its id.
    Id(Text<'a>),
}

/// Whose signature it is: it goes back to none but the same format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Anthropic's thinking, on whatever host.
    Anthropic,
    /// OpenAI's encrypted reasoning.
    OpenAi,
    /// Gemini's thought signatures.
    Gemini,
    /// What comes through Bedrock's Converse, but for the signatures of Claude, which are Anthropic's.
    Bedrock,
    /// Any other, and what cannot be told.
    Unknown,
}

/// A text that a provider made and only the same can check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature<'a> {
    /// Who made it.
    pub origin: Origin,
    /// What it is.
    pub value: Text<'a>,
}

/// What a tool is called with: an object in some formats, a text in others.
#[derive(Debug, Clone)]
pub enum Arguments<'a> {
    /// An object.
    Object(Raw<'a>),
    /// A text that should be one; the empty text is an empty object.
    Text(Text<'a>),
}

/// A tool.
#[derive(Debug, Clone)]
pub struct Tool<'a> {
    /// Its name.
    pub name: Text<'a>,
    /// What it does.
    pub description: Option<Text<'a>>,
    /// The JSON schema of its arguments.
    pub parameters: Option<Value<'a>>,
    /// Whether arguments must follow the schema.
    pub strict: Option<bool>,
    /// Whether the prompt up to and with this is to be cached.
    pub cache: Option<Cache>,
}

/// Which tools are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToolChoice<'a> {
    /// As the model likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Any,
    /// This one.
    Tool(Text<'a>),
}

/// The form of an answer.
#[derive(Debug, Clone)]
pub enum Format<'a> {
    /// Some JSON object.
    Json,
    /// JSON that follows a schema.
    Schema {
        /// The schema's name.
        name: Option<Text<'a>>,
        /// What it is for.
        description: Option<Text<'a>>,
        /// The schema.
        schema: Value<'a>,
        /// Whether it must be followed to the letter.
        strict: Option<bool>,
    },
}

/// How much a model thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// OpenAI's `minimal`.
    Minimal,
    /// `low`.
    Low,
    /// `medium`.
    Medium,
    /// `high`.
    High,
    /// `xhigh`.
    ExtraHigh,
    /// `max`.
    Max,
}

/// What is said of thinking. What is absent is the provider's own choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// How much, in words.
    pub effort: Option<Effort>,
    /// How much, in tokens.
    pub budget: Option<u64>,
    /// As much as the model likes (Anthropic's `adaptive`, Gemini's -1).
    pub adaptive: bool,
    /// Whether the caller wants to see it, if that is said.
    pub shown: Option<bool>,
}
