//! One event of a stream: `chat.completion.chunk`, or `text_completion` of the older API.
//!
//! Read for every event that passes, so nothing is copied but what an error says. What decides is whether
//! there is content (the commit point), which choices are finished (completeness), and the usage.

use std::sync::Arc;

use smallvec::SmallVec;

use super::answer::read_tier;
use super::told::kept;
use super::{ErrorFacts, Malformed, Told, Usage, error};
use crate::json::{JsonError, Kind, Limits, Scanner};

/// What the data of an event is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// `[DONE]`: the end of the stream.
    Done,
    /// A piece of the answer.
    Chunk(Chunk),
    /// The upstream failed, in the stream.
    Error(ErrorFacts),
}

/// A piece of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chunk {
    /// Whether any choice carries something for the caller: in its `delta` a member other than the role that
    /// is a non-empty string, array or object; or a non-empty `text`.
    pub content: bool,
    /// The indexes of choices that have a finish reason. An empty one is none.
    pub finished: SmallVec<[u64; 1]>,
    /// The indexes of all choices in this piece. A choice that does not say has its place in the list.
    pub seen: SmallVec<[u64; 1]>,
    /// How many choices are in this piece.
    pub choices: usize,
    /// The usage, if it is in this piece, be it Groq's `x_groq.usage` or, as Moonshot has it, in a choice.
    pub usage: Option<Usage>,
    /// Whether there is something at the top beside choices, usage and what names the answer: citations, timings.
    pub more: bool,
    /// Why the first of its choices to end has ended; where it was read of another dialect, also what the answer calls itself.
    pub told: Told,
}

/// Reads the data of one event, and checks that all of it is well-formed.
///
/// # Errors
/// It is neither `[DONE]` nor a well-formed object of at most 128 levels.
pub fn payload(data: &[u8]) -> Result<Payload, Malformed> {
    if data.trim_ascii() == b"[DONE]" {
        return Ok(Payload::Done);
    }
    let mut chunk = Chunk::default();
    let (mut vendor_usage, mut served) = (None, None);
    let mut failed = false;
    let mut has_choices = false;
    let mut scanner = Scanner::over(data, &Limits::default())?;
    scanner.object(|scanner, key| {
        match &*key.name() {
            "choices" => {
                has_choices = true;
                chunk.read_choices(scanner, &mut failed)?;
            }
            "usage" => chunk.usage = Usage::read(scanner)?.or(chunk.usage),
            "x_groq" => vendor_usage = read_x_groq(scanner, &mut failed)?,
            "error" => failed |= error::is_set(scanner)?,
            // vLLM's and SGLang's errors lie flat: {"object": "error", "message": ...}.
            "object" => failed |= scanner.words()?.is_some_and(|object| object == "error"),
            "service_tier" => served = read_tier(scanner)?,
            "id" | "created" | "model" | "provider" | "system_fingerprint" | "obfuscation" => {
                scanner.skip()?;
            }
            _ => chunk.more |= is_filled(scanner)?,
        }
        Ok(())
    })?;
    scanner.end()?;
    if failed {
        return Ok(Payload::Error(error::error_body(data).unwrap_or_default()));
    }
    if !has_choices
        && chunk.usage.is_none()
        && let Some(facts) = error::error_body(data).filter(ErrorFacts::is_told_flat)
    {
        return Ok(Payload::Error(facts));
    }
    chunk.usage = chunk.usage.or(vendor_usage);
    chunk.usage = chunk.usage.map(|usage| usage.served(served));
    Ok(Payload::Chunk(chunk))
}

/// An error that stands in an event stream without the framing of one: a bare JSON text, or a line `error: ..`.
#[must_use]
pub fn stray_error(raw: &[u8]) -> Option<ErrorFacts> {
    let text = raw.trim_ascii();
    match text.first()? {
        b'{' => match payload(text) {
            Ok(Payload::Error(facts)) => Some(facts),
            Ok(Payload::Done | Payload::Chunk(_)) | Err(_) => None,
        },
        b'[' => error::error_body(text),
        _ => {
            let mut lines = text.split(|byte| matches!(byte, b'\n' | b'\r'));
            let said = lines.find_map(|line| line.strip_prefix(b"error:"))?;
            Some(error::named_error(said))
        }
    }
}

/// Groq reports usage in the last chunk's `x_groq`, and there too why it stopped a stream early.
fn read_x_groq(scanner: &mut Scanner<'_>, failed: &mut bool) -> Result<Option<Usage>, JsonError> {
    let mut usage = None;
    scanner.object_or_skip(|scanner, key| {
        match &*key.name() {
            "usage" => usage = Usage::read(scanner)?,
            "error" => *failed |= error::is_set(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    Ok(usage)
}

impl Chunk {
    fn read_choices(
        &mut self,
        scanner: &mut Scanner<'_>,
        failed: &mut bool,
    ) -> Result<(), JsonError> {
        scanner.array_or_skip(|scanner| {
            let place = u64::try_from(self.choices).unwrap_or(u64::MAX);
            let choice = Choice::read(scanner)?;
            let index = choice.index.unwrap_or(place);
            self.choices += 1;
            self.seen.push(index);
            if choice.finished {
                self.finished.push(index);
                self.told.finish_reason = self.told.finish_reason.take().or(choice.why);
            }
            self.content |= choice.content;
            *failed |= choice.failed;
            self.usage = self.usage.or(choice.usage);
            Ok(())
        })
    }
}

#[derive(Default)]
struct Choice {
    index: Option<u64>,
    content: bool,
    finished: bool,
    failed: bool,
    usage: Option<Usage>,
    why: Option<Arc<str>>,
}

impl Choice {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonError> {
        let (mut choice, mut reason) = (Self::default(), Reason::None);
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "index" => choice.index = scanner.count()?,
                "delta" => choice.content |= delta_has_content(scanner)?,
                "text" => choice.content |= is_filled(scanner)?,
                "finish_reason" => {
                    let word = scanner.words()?;
                    reason = Reason::of(word.as_deref());
                    choice.why = word.and_then(kept);
                }
                "error" => choice.failed = error::is_set(scanner)?,
                "usage" => choice.usage = Usage::read(scanner)?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        choice.finished = reason == Reason::Finished;
        choice.failed |= reason == Reason::Failed;
        Ok(choice)
    }
}

fn delta_has_content(scanner: &mut Scanner<'_>) -> Result<bool, JsonError> {
    let mut content = false;
    scanner.object_or_skip(|scanner, key| {
        let filled = is_filled(scanner)?;
        content |= filled && key.name() != "role";
        Ok(())
    })?;
    Ok(content)
}

/// Whether a value is a string, an array or an object, and not empty.
fn is_filled(scanner: &mut Scanner<'_>) -> Result<bool, JsonError> {
    let value = scanner.value()?;
    let inside = || {
        scanner
            .raw(&value)
            .get(1..value.span.len() - 1)
            .unwrap_or_default()
    };
    Ok(match value.kind {
        Kind::String => !inside().is_empty(),
        Kind::Array | Kind::Object => !inside().trim_ascii().is_empty(),
        Kind::Number | Kind::Bool(_) | Kind::Null => false,
    })
}

/// What a `finish_reason` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// Nothing yet: null, or no string at all.
    None,
    /// An empty string, which some send until the end, and some at the end.
    Empty,
    /// Why the model stopped.
    Finished,
    /// That the upstream failed.
    Failed,
}

impl Reason {
    pub(super) fn of(word: Option<&str>) -> Self {
        match word {
            None => Self::None,
            Some("") => Self::Empty,
            Some(word) if is_failure(word) => Self::Failed,
            Some(_) => Self::Finished,
        }
    }
}

/// The reasons that are no end of an answer: `OpenRouter`'s and Mistral's `error`, Z.ai's `network_error`, Cohere's in capitals.
fn is_failure(word: &str) -> bool {
    ["error", "network_error"]
        .iter()
        .any(|failure| word.eq_ignore_ascii_case(failure))
}
