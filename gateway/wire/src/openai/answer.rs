//! A whole answer with status 200: `chat.completion`, `text_completion`, or a list of embeddings.

use std::sync::Arc;

use super::chunk::Reason;
use super::told::kept;
use super::{ErrorFacts, Malformed, Told, Usage, error};
use crate::json::{JsonError, Kind, Limits, Scanner};
use crate::usage::Served;

/// What an answer must have to be one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `choices`, of which each has a message or a text and is not unfinished.
    Choices,
    /// `data`, a list with something in it.
    Data,
    /// `results`, or `data`, a list: of moderations, and of what was ranked.
    Results,
    /// `text`.
    Text,
}

/// What a whole answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer.
    Complete(AnswerFacts),
    /// An error, in spite of the status.
    Error(ErrorFacts),
    /// Well-formed, and without the part that would make an answer of it.
    Nothing,
}

/// What is read of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The usage it reports.
    pub usage: Option<Usage>,
    /// What it calls itself, and why it ended.
    pub told: Told,
}

/// Reads a whole answer that must have `part`, and checks that all of it is well-formed.
///
/// # Errors
/// It is not a well-formed object of at most 128 levels.
pub fn answer(body: &[u8], part: Part) -> Result<Answer, Malformed> {
    let mut facts = AnswerFacts::default();
    let mut choices = Choices::default();
    let mut served = None;
    let (mut has_data, mut has_results, mut has_text) = (false, false, false);
    let mut failed = false;
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        match &*key.name() {
            "choices" => choices = Choices::read(scanner)?,
            "usage" => facts.usage = Usage::read(scanner)?,
            "service_tier" => served = read_tier(scanner)?,
            "id" => facts.told.id = scanner.words()?.and_then(kept),
            "model" => facts.told.model = scanner.words()?.and_then(kept),
            "error" => failed |= error::is_set(scanner)?,
            "object" => failed |= scanner.words()?.is_some_and(|object| object == "error"),
            "data" => has_data = read_data(scanner)?,
            "results" if part == Part::Results => {
                has_results = scanner.value()?.kind == Kind::Array;
            }
            "text" if part == Part::Text => has_text = scanner.value()?.kind == Kind::String,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    scanner.end()?;
    if failed || choices.failed {
        return Ok(Answer::Error(error::error_body(body).unwrap_or_default()));
    }
    let is_answer = match part {
        Part::Choices => choices.count > 0 && choices.answered == choices.count,
        Part::Data => has_data,
        Part::Results => has_results || has_data,
        Part::Text => has_text,
    };
    facts.usage = facts.usage.map(|usage| usage.served(served));
    facts.told.finish_reason = choices.why;
    if let (Part::Data, Some(usage)) = (part, &mut facts.usage) {
        // Embeddings have no output: what there is are pictures.
        usage.made_pictures();
    }
    if is_answer {
        return Ok(Answer::Complete(facts));
    }
    // Some tell an error as if it were an answer: {"code": 429, "msg": ..}.
    let told = error::error_body(body).filter(ErrorFacts::is_told_flat);
    Ok(told.map_or(Answer::Nothing, Answer::Error))
}

/// The usage that an object reports, be it an answer or only its end.
#[must_use]
pub fn reported_usage(object: &[u8]) -> Option<Usage> {
    let (mut usage, mut served) = (None, None);
    let mut scanner = Scanner::over(object, &Limits::default()).ok()?;
    let read = scanner.object(|scanner, key| {
        match &*key.name() {
            "usage" => usage = Usage::read(scanner)?,
            "service_tier" => served = read_tier(scanner)?,
            _ => scanner.skip()?,
        }
        Ok(())
    });
    read.ok().and(usage).map(|usage| usage.served(served))
}

/// How the request was served, as a `service_tier` says it.
pub(super) fn read_tier(scanner: &mut Scanner<'_>) -> Result<Option<Served>, JsonError> {
    Ok(scanner.words()?.and_then(|word| Served::of(&word)))
}

/// Whether a value is a list with something in it.
fn read_data(scanner: &mut Scanner<'_>) -> Result<bool, JsonError> {
    let mut any = false;
    scanner.array_or_skip(|scanner| {
        any = true;
        scanner.skip()
    })?;
    Ok(any)
}

#[derive(Default)]
struct Choices {
    count: usize,
    /// How many of them have an answer that is not unfinished. Servers that know no finish reasons leave it out; null says: not yet.
    answered: usize,
    failed: bool,
    /// Why the first has ended.
    why: Option<Arc<str>>,
}

impl Choices {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonError> {
        let mut choices = Self::default();
        scanner.array_or_skip(|scanner| {
            let (mut reason, mut has_content) = (Reason::Empty, false);
            scanner.object_or_skip(|scanner, key| {
                match &*key.name() {
                    "finish_reason" => {
                        let word = scanner.words()?;
                        reason = Reason::of(word.as_deref());
                        if choices.count == 0 {
                            choices.why = word.and_then(kept);
                        }
                    }
                    "message" => has_content |= scanner.value()?.kind == Kind::Object,
                    "text" => has_content |= scanner.value()?.kind == Kind::String,
                    "error" => choices.failed |= error::is_set(scanner)?,
                    _ => scanner.skip()?,
                }
                Ok(())
            })?;
            choices.failed |= reason == Reason::Failed;
            choices.count += 1;
            choices.answered += usize::from(has_content && reason != Reason::None);
            Ok(())
        })?;
        Ok(choices)
    }
}
