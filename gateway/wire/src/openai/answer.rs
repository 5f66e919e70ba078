//! A whole answer with status 200: `chat.completion`, `text_completion`, or a list of embeddings.

use super::chunk::is_reason;
use super::{ErrorFacts, Malformed, Usage, error};
use crate::json::{JsonError, Limits, Scanner};

/// What a whole answer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An answer.
    Complete(AnswerFacts),
    /// An error, in spite of the status.
    Error(ErrorFacts),
}

/// What is read of an answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AnswerFacts {
    /// The usage it reports.
    pub usage: Option<Usage>,
    /// The model it says has answered.
    pub model: Option<String>,
    /// Whether it is an answer to the end: every choice has a finish reason and there is one, or it is a list
    /// of data without choices.
    pub finished: bool,
}

/// Reads a whole answer, and checks that all of it is well-formed.
///
/// # Errors
/// It is not a well-formed object of at most 128 levels.
pub fn answer(body: &[u8]) -> Result<Answer, Malformed> {
    let mut facts = AnswerFacts::default();
    let mut choices = Choices::default();
    let mut has_data = false;
    let mut failed = false;
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        match &*key.name() {
            "choices" => choices = Choices::read(scanner)?,
            "usage" => facts.usage = Usage::read(scanner)?,
            "model" => facts.model = scanner.words()?.map(Into::into),
            "error" => failed |= error::is_set(scanner)?,
            "object" => failed |= scanner.words()?.is_some_and(|object| object == "error"),
            "data" => {
                has_data = scanner.peek() == Some(b'[');
                scanner.value()?;
            }
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    scanner.end()?;
    if failed || choices.failed {
        return Ok(Answer::Error(error::error_body(body).unwrap_or_default()));
    }
    facts.finished = choices.finished == choices.count && (choices.count > 0 || has_data);
    Ok(Answer::Complete(facts))
}

#[derive(Default)]
struct Choices {
    count: usize,
    finished: usize,
    failed: bool,
}

impl Choices {
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, JsonError> {
        let mut choices = Self::default();
        scanner.array_or_skip(|scanner| {
            let mut finished = false;
            scanner.object_or_skip(|scanner, key| {
                match &*key.name() {
                    "finish_reason" => finished = is_reason(scanner)?,
                    "error" => choices.failed |= error::is_set(scanner)?,
                    _ => scanner.skip()?,
                }
                Ok(())
            })?;
            choices.count += 1;
            choices.finished += usize::from(finished);
            Ok(())
        })?;
        Ok(choices)
    }
}
