//! The text in one chunk of an answer, and whether it is nothing but text.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Limits, Scanner};
use crate::openai::Malformed;

/// What a chunk adds to an answer of one plain text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delta<'a> {
    /// The chunk's own id.
    pub id: Option<Cow<'a, str>>,
    /// When the answer claims to have been made, in seconds since 1970.
    pub created: Option<u64>,
    /// The text it adds; empty where it adds none.
    pub text: Cow<'a, str>,
    /// Whether it holds nothing else: no second choice, no tool call, reasoning, refusal or sound.
    pub plain: bool,
}

/// Reads the text of a chunk.
///
/// # Errors
/// It is not a well-formed object of at most 128 levels.
pub fn delta(data: &[u8]) -> Result<Delta<'_>, Malformed> {
    let mut delta = Delta {
        id: None,
        created: None,
        text: Cow::Borrowed(""),
        plain: true,
    };
    let mut choices = 0;
    let mut scanner = Scanner::over(data, &Limits::default())?;
    scanner.object(|scanner, key| {
        match &*key.name() {
            "id" => delta.id = scanner.words()?,
            "created" => delta.created = scanner.count()?,
            "choices" => scanner.array_or_skip(|scanner| {
                choices += 1;
                delta.choice(scanner)
            })?,
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    scanner.end()?;
    delta.plain &= choices <= 1;
    Ok(delta)
}

impl<'a> Delta<'a> {
    fn choice(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "index" => self.plain &= scanner.count()?.is_none_or(|index| index == 0),
                "delta" => {
                    scanner.object_or_skip(|scanner, key| self.member(scanner, &key.name()))?;
                }
                _ => scanner.skip()?,
            }
            Ok(())
        })
    }

    /// A member of `delta`: text, the role, or something that cannot be gone on with.
    fn member(&mut self, scanner: &mut Scanner<'a>, name: &str) -> Result<(), JsonError> {
        let value = scanner.value()?;
        match (name, value.kind) {
            ("role", _) | (_, Kind::Null) => {}
            ("content", Kind::String) => match scanner.text_of(&value) {
                Some(text) => self.text = text,
                None => self.plain = false,
            },
            (_, Kind::String | Kind::Array | Kind::Object) => {
                let inside = scanner.raw(&value).get(1..value.span.len() - 1);
                self.plain &= inside.is_none_or(|inside| inside.trim_ascii().is_empty());
            }
            (_, Kind::Number | Kind::Bool(_)) => {}
        }
        Ok(())
    }
}
