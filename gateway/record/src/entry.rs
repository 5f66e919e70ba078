//! A finished request and its attempts.
//!
//! Plain data without a word of content, of a header, of a key or of the caller's address. Times of attempts are offsets from the start of
//! the request, so that attempts that overlap, as hedges do, can be drawn on one line.

use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A name that the configuration or a caller gave, shared with whoever else knows it.
pub type Name = Arc<str>;

/// A word out of a list of our own: a constant where it is made, a text where it was read back.
pub type Word = Cow<'static, str>;

/// A request that is over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Entry {
    /// Identifies the request in the access log and to the caller; written as 16 hexadecimal digits.
    #[serde(with = "crate::hex::number")]
    pub id: u64,
    /// When its head arrived, in microseconds since 1970.
    pub started_unix_us: i64,
    /// From its head to the end of its answer, in microseconds.
    pub duration_us: u64,
    /// From its head to the first content, in microseconds; `None`: no content went to the caller.
    pub first_content_us: Option<u64>,
    /// The method; `None` where there is no request to speak of.
    pub method: Option<Word>,
    /// The path as a pattern, `/v1/chat/completions`; `None` where the path is none of ours.
    pub route: Option<Word>,
    /// `gen_ai.operation.name`; `None` where the path is none of ours.
    pub operation: Option<Word>,
    /// Whose words the caller speaks: `openai`, `anthropic` or `gemini`.
    pub surface: Word,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// The key, `namespace/name`.
    pub key: Option<Name>,
    /// The key's team, `namespace/name`.
    pub team: Option<Name>,
    /// The model as the caller asked for it.
    pub model: Option<Name>,
    /// Whether that name stands in the configuration; others are the caller's own words.
    pub configured: bool,
    /// The rule that took the request, `namespace/name`.
    pub rule: Option<Name>,
    /// The constraints that held for the request.
    pub constraints: Vec<Name>,
    /// The rules that held for it and after which matching went on, in their order.
    pub through: Vec<Name>,
    /// Of the copy of a request, for a mirror: what it is a copy of.
    pub mirror: Option<Mirror>,
    /// What has put the first of its targets there; `None`: it has got none.
    pub chosen_by: Option<Word>,
    /// How the first of them stood then, under the strategy that goes by that.
    pub judgement: Option<Judgement>,
    /// Every attempt, in order of its beginning, but that the one that won a race against another goes last; those for which nothing was sent
    /// are among them.
    pub attempts: Vec<Attempt>,
    /// Where in a trace it stands; `None`: nobody traces.
    pub trace: Option<Trace>,
    /// The status the caller saw; 0 while there is none.
    pub status: u16,
    /// The gateway's own error code, or the class of the failure the caller saw.
    pub error: Option<Word>,
    /// The limit that refused it, if one of ours did.
    pub limit: Option<Limit>,
    /// Whether the caller got all of the answer.
    pub complete: bool,
    /// Why the answer ended, of the first choice that did: in the provider's own words where it speaks OpenAI's API, in OpenAI's words elsewhere.
    pub finish_reason: Option<Name>,
    /// What was used, as the provider told it; `None`: nobody has told.
    pub tokens: Option<Tokens>,
    /// What all of its attempts have cost; `None`: nobody knows.
    pub cost: Option<Cost>,
    /// The budget for which cheaper targets were asked first, if one was.
    pub budget: Option<Name>,
    /// Bytes of the request's body.
    pub request_bytes: u64,
    /// Bytes of the answer's body that went to the caller.
    pub response_bytes: u64,
    /// The first 64 bytes of the caller's `user-agent`.
    pub user_agent: Option<Name>,
    /// What headers that the installation lists said, at most eight.
    pub tags: Vec<Tag>,
    /// The generation of the configuration it was served with.
    pub generation: u64,
}

/// A limit that refused a request: whose it is and what it counts, not how much of it there is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limit {
    /// `organization`, `team`, `key` or `provider`.
    pub level: Word,
    /// `budget`, `rate_limit` or `concurrency`.
    pub kind: Word,
    /// Its name.
    pub name: Name,
    /// Whether it was used up, rather than held for others for a moment.
    pub used_up: bool,
}

/// How a target stood, by how it had done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Judgement {
    /// `healthy`, `degraded`, `failed` or `recovering`.
    pub state: Word,
    /// Beside the best target, whose score is 1000.
    pub score: u32,
    /// Its share of the rule's requests, in thousandths.
    pub share: u32,
    /// What decided its share.
    pub reason: Name,
}

/// What a copy is a copy of, and what became of that.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Mirror {
    /// The mirror's name.
    pub name: Name,
    /// The rule that it stands in, `namespace/name`.
    pub rule: Name,
    /// Whether it counts towards its caller's limits, so that it is the caller's spending.
    pub charged: bool,
    /// The id of the request that was copied.
    pub of: u64,
    /// `ok`, or why the caller of the original did not get all of an answer.
    pub outcome: Word,
    /// From the head of the original to its first content, in microseconds.
    pub first_content_us: Option<u64>,
    /// From the head of the original to the end of its answer, in microseconds.
    pub duration_us: u64,
    /// What the original has used.
    pub tokens: Option<Tokens>,
    /// What the original has cost, over all its attempts.
    pub cost: Option<Cost>,
}

/// One attempt at one target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    /// The target's name.
    pub target: Name,
    /// The provider, `namespace/name`; `None` where it is missing.
    pub provider: Option<Name>,
    /// `gen_ai.provider.name`; `None` where the provider is missing.
    pub system: Option<Name>,
    /// The upstream's name of the model.
    pub model: Name,
    /// The name of the credential that was sent; never the credential.
    pub credential: Option<Name>,
    /// The server that was asked, where the provider is a pool.
    pub server: Option<Name>,
    /// Host and port of the provider's address; `None` where nothing was sent.
    pub address: Option<Name>,
    /// `ok`, `hedged`, the class of its failure, or why nothing was sent.
    pub outcome: Word,
    /// Whether anything was sent.
    pub sent: bool,
    /// The status the provider answered with.
    pub status: Option<u16>,
    /// How many attempts at the same target went before it.
    pub resend: u32,
    /// Whether it was begun beside another one that was silent.
    pub hedge: bool,
    /// When it began, in microseconds from the start of the request: before it stood in line.
    pub started_us: u64,
    /// How long it stood in line for a place at the provider, in microseconds. What was sent was sent after it.
    pub queued_us: u64,
    /// How long it took from there until its answer could be given or it failed, in microseconds.
    pub took_us: u64,
    /// When its first content came, in microseconds from the start of the request.
    pub first_content_us: Option<u64>,
    /// When it was over, in microseconds from the start of the request: the end of its answer's body, or its failure.
    pub ended_us: u64,
    /// Its span, where the request is traced and something was sent.
    #[serde(with = "crate::hex::optional_bytes")]
    pub span: Option<[u8; 8]>,
    /// The id that the provider gave its answer.
    pub response_id: Option<Name>,
    /// The model that the provider says answered.
    pub response_model: Option<Name>,
    /// What it has used: as told by the provider, or what a dropped one must have read.
    pub tokens: Option<Tokens>,
    /// What it has cost; `None`: nobody knows.
    pub cost: Option<Cost>,
    /// What could not be said to the provider.
    pub dropped: Option<Name>,
    /// What its answer was cut to, so that a budget is kept, in tokens.
    pub clamped: Option<u64>,
}

/// What was used, in tokens. Input counts what came from a cache and went into one, output what was thought.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tokens {
    /// All of the input.
    pub input: Option<u64>,
    /// All of the output.
    pub output: Option<u64>,
    /// Of the input, what was read from a cache.
    pub cache_read: Option<u64>,
    /// Of the input, what was written into a cache.
    pub cache_write: Option<u64>,
    /// Of the output, what was thought.
    pub reasoning: Option<u64>,
    /// Whether the gateway has reckoned this itself, for nobody told.
    pub estimated: bool,
}

/// What something has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cost {
    /// Nano-USD.
    pub nanos: i64,
    /// Whether some of it is an estimate, for nobody has said what was used.
    pub estimated: bool,
}

/// Where a request stands in a trace (source: W3C Trace Context 2).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    /// The trace.
    #[serde(with = "crate::hex::array")]
    pub id: [u8; 16],
    /// The request's own span; all zero where this gateway exports no traces.
    #[serde(with = "crate::hex::array")]
    pub span: [u8; 8],
    /// The caller's span; `None`: the trace begins here.
    #[serde(with = "crate::hex::optional_bytes")]
    pub parent: Option<[u8; 8]>,
    /// Whether it is kept: what the caller's flag says, or what was decided here.
    pub sampled: bool,
    /// Why it is kept: `parent`, `always` or `ratio`; of those that the ratio left out `error`, `cut`, `fallback`, `hedge` or `slow`.
    pub sampled_by: Option<Word>,
}

/// What a header that the installation lists said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tag {
    /// The name of the header.
    pub name: Name,
    /// Its first 128 bytes.
    pub value: Name,
}

impl Entry {
    /// The attempt that answered.
    #[must_use]
    pub fn answered(&self) -> Option<&Attempt> {
        self.attempts
            .iter()
            .rev()
            .find(|attempt| attempt.outcome == "ok")
    }

    /// The namespace of the key.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.key
            .as_deref()?
            .split_once('/')
            .map(|(namespace, _)| namespace)
    }
}
