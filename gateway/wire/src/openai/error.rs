//! Errors: what upstreams say of theirs, in every shape that compatible ones use, and ours as we send them.
//!
//! Read when a status says so, or when an answer or event turns out to be an error: never on the way of an
//! answer that is fine.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Limits, Scanner, Value, write_string};

/// How much of a message is kept, in characters: enough to classify by and to log.
const LONGEST_MESSAGE: usize = 2048;

/// What an error says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorFacts {
    /// Its `code`: a string, or a number as it was written.
    pub code: Option<String>,
    /// Its `type`, or Google's `status` in words.
    pub kind: Option<String>,
    /// What it tells a human; the JSON text where that is no string. At most 2,048 characters.
    pub message: Option<String>,
    /// The HTTP status it claims: a `code` or `status` from 400 to 599, written as number or string.
    pub status: Option<u16>,
}

impl ErrorFacts {
    /// Takes from `other` what is missing here.
    fn or(self, other: Self) -> Self {
        Self {
            code: self.code.or(other.code),
            kind: self.kind.or(other.kind),
            message: self.message.or(other.message),
            status: self.status.or(other.status),
        }
    }
}

/// Reads the body of an answer that is an error. `None`: not JSON, or nothing in it that looks like one.
///
/// Known shapes: `{"error": {..}}` (OpenAI, Groq, DeepSeek, OpenRouter, vLLM), the same inside an array
/// (Google), `{"error": ".."}` (Ollama), the members at the top (vLLM and SGLang before, Mistral),
/// `{"detail": ..}` (FastAPI), and the error inside a choice or `x_groq` of a stream.
#[must_use]
pub fn error_body(body: &[u8]) -> Option<ErrorFacts> {
    read(body).ok().flatten()
}

/// The body of an error as OpenAI has it.
#[must_use]
pub fn render_error(code: &str, kind: &str, message: &str, param: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(96 + message.len());
    out.extend_from_slice(b"{\"error\":{\"message\":");
    write_string(&mut out, message);
    out.extend_from_slice(b",\"type\":");
    write_string(&mut out, kind);
    out.extend_from_slice(b",\"param\":");
    match param {
        Some(param) => write_string(&mut out, param),
        None => out.extend_from_slice(b"null"),
    }
    out.extend_from_slice(b",\"code\":");
    write_string(&mut out, code);
    out.extend_from_slice(b"}}");
    out
}

/// Steps over a value; whether it is there at all, that is, not null.
pub(super) fn is_set(scanner: &mut Scanner<'_>) -> Result<bool, JsonError> {
    Ok(scanner.value()?.kind != Kind::Null)
}

fn read(body: &[u8]) -> Result<Option<ErrorFacts>, JsonError> {
    let mut scanner = Scanner::over(body, &Limits::default())?;
    let mut found = None;
    if scanner.peek() == Some(b'[') {
        scanner.array(|scanner| {
            let element = read_top(scanner)?;
            found = found.take().or(element);
            Ok(())
        })?;
    } else {
        found = read_top(&mut scanner)?;
    }
    scanner.end()?;
    Ok(found)
}

/// An error, or an object that has one inside.
fn read_top(scanner: &mut Scanner<'_>) -> Result<Option<ErrorFacts>, JsonError> {
    let mut inside: Option<ErrorFacts> = None;
    let mut around = ErrorFacts::default();
    scanner.object_or_skip(|scanner, key| {
        match &*key.name() {
            "error" => inside = read_error(scanner)?.or(inside.take()),
            "x_groq" => inside = inside.take().or(read_nested(scanner)?),
            "choices" => scanner.array_or_skip(|scanner| {
                inside = inside.take().or(read_nested(scanner)?);
                Ok(())
            })?,
            name => around.read_member(name, scanner)?,
        }
        Ok(())
    })?;
    let around = (around != ErrorFacts::default()).then_some(around);
    Ok(match (inside, around) {
        (Some(inside), Some(around)) => Some(inside.or(around)),
        (inside, around) => inside.or(around),
    })
}

/// The `error` member of an object.
fn read_nested(scanner: &mut Scanner<'_>) -> Result<Option<ErrorFacts>, JsonError> {
    let mut found = None;
    scanner.object_or_skip(|scanner, key| {
        if key.name() == "error" {
            found = read_error(scanner)?;
            return Ok(());
        }
        scanner.skip()
    })?;
    Ok(found)
}

/// The value of an `error` member: an object, or just what it has to tell.
fn read_error(scanner: &mut Scanner<'_>) -> Result<Option<ErrorFacts>, JsonError> {
    let mut facts = ErrorFacts::default();
    if scanner.peek() == Some(b'{') {
        scanner.object(|scanner, key| facts.read_member(&key.name(), scanner))?;
        return Ok(Some(facts));
    }
    let value = scanner.value()?;
    facts.message = message(scanner, &value);
    Ok((value.kind != Kind::Null).then_some(facts))
}

impl ErrorFacts {
    fn read_member(&mut self, name: &str, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        let value = scanner.value()?;
        match name {
            "message" | "detail" => self.message = message(scanner, &value).or(self.message.take()),
            "type" => self.kind = scalar(scanner, &value).map(Cow::into_owned),
            "code" => {
                let code = scalar(scanner, &value);
                self.status = code.as_deref().and_then(http_status).or(self.status);
                self.code = code.map(Cow::into_owned);
            }
            "status" => {
                let status = scalar(scanner, &value);
                match status.as_deref().and_then(http_status) {
                    Some(status) => self.status = self.status.or(Some(status)),
                    None => self.kind = self.kind.take().or(status.map(Cow::into_owned)),
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// A string, or a number as it is written.
fn scalar<'a>(scanner: &Scanner<'a>, value: &Value) -> Option<Cow<'a, str>> {
    match value.kind {
        Kind::String => scanner.text_of(value),
        Kind::Number => Some(Cow::Borrowed(scanner.raw(value))),
        Kind::Bool(_) | Kind::Null | Kind::Array | Kind::Object => None,
    }
}

fn message(scanner: &Scanner<'_>, value: &Value) -> Option<String> {
    let text = match value.kind {
        Kind::Null => return None,
        Kind::String => scanner.text_of(value)?,
        Kind::Number | Kind::Bool(_) | Kind::Array | Kind::Object => {
            Cow::Borrowed(scanner.raw(value))
        }
    };
    Some(text.chars().take(LONGEST_MESSAGE).collect())
}

fn http_status(code: &str) -> Option<u16> {
    code.parse()
        .ok()
        .filter(|status| (400..600).contains(status))
}
