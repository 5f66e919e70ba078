//! Errors: what upstreams say of theirs, in every shape that compatible ones use, and ours as we send them.
//!
//! Read when a status says so, or when an answer or event turns out to be an error: never on the way of an
//! answer that is fine.

use std::borrow::Cow;

use crate::json::{JsonError, Kind, Limits, Object, Scanner, Value, write_string};

/// How much of a message is kept, in characters: enough to classify by and to log.
const LONGEST_MESSAGE: usize = 2048;

/// What an error says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorFacts {
    /// Its `code`: a string, or a number as it was written. `MiniMax`'s begins with `base_resp.`, for it means something else elsewhere.
    pub code: Option<String>,
    /// Its `type`, or Google's `status` in words.
    pub kind: Option<String>,
    /// A closer reason: Google's `details[].reason`, Azure's `innererror.code`, `flagged_input` of `OpenRouter`'s moderation.
    pub reason: Option<String>,
    /// What it tells a human; the JSON text where that is no string. At most 2,048 characters.
    pub message: Option<String>,
    /// What somebody further on said to whoever says this (`OpenRouter`'s `metadata.raw`). At most 2,048 characters.
    pub further: Option<String>,
    /// The HTTP status it claims: a `code`, `status` or `status_code` from 400 to 599, written as number or string.
    pub status: Option<u16>,
    /// Google's `RetryInfo`: a span such as `17s`.
    pub retry_delay: Option<String>,
}

impl ErrorFacts {
    /// Takes from `other` what is missing here.
    fn or(self, other: Self) -> Self {
        Self {
            code: self.code.or(other.code),
            kind: self.kind.or(other.kind),
            reason: self.reason.or(other.reason),
            message: self.message.or(other.message),
            further: self.further.or(other.further),
            status: self.status.or(other.status),
            retry_delay: self.retry_delay.or(other.retry_delay),
        }
    }

    /// The same, if it says anything.
    fn if_any(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }

    /// Whether this is an error even where nothing calls it one: it has a status, or a code other than that of success beside a message.
    pub(super) fn is_told_flat(&self) -> bool {
        let number = self
            .code
            .as_deref()
            .and_then(|code| code.parse::<i64>().ok());
        let fine = number.is_some_and(|number| (0..400).contains(&number));
        self.status.is_some() || (self.code.is_some() && self.message.is_some() && !fine)
    }
}

/// Reads the body of an answer that is an error. `None`: not JSON, or nothing in it that says anything.
///
/// Known shapes: `{"error": {..}}` (OpenAI, Groq, DeepSeek, OpenRouter, vLLM), the same inside an array
/// (Google), `{"error": ".."}` (Ollama, TGI, xAI), the members at the top (vLLM and SGLang before, Mistral, Bedrock),
/// `{"detail": ..}` (FastAPI), `{"base_resp": {..}}` (MiniMax), the error inside a choice or `x_groq` of a stream, and any of
/// these as the text of a message.
#[must_use]
pub fn error_body(body: &[u8]) -> Option<ErrorFacts> {
    let facts = read(body).ok().flatten()?;
    let inside = facts.message.as_deref().and_then(nested);
    Some(match inside {
        Some(inside) => inside.or(facts),
        None => facts,
    })
}

/// The error that another server has told, where all of it has become a message.
fn nested(message: &str) -> Option<ErrorFacts> {
    let text = message.trim().as_bytes();
    let object = Object::parse(text, &Limits::default()).ok()?;
    object.get("error")?;
    read(text).ok().flatten()
}

/// The data of an event whose name is `error`, whatever its form.
#[must_use]
pub fn named_error(data: &[u8]) -> ErrorFacts {
    let text = data.trim_ascii();
    error_body(text).unwrap_or_else(|| ErrorFacts {
        message: std::str::from_utf8(text).ok().map(shortened),
        ..ErrorFacts::default()
    })
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

/// Steps over the value of an `error` member; whether it says anything. Some servers put one that is empty beside a good answer.
///
/// # Errors
/// It is no JSON.
pub fn is_set(scanner: &mut Scanner<'_>) -> Result<bool, JsonError> {
    let mut says = false;
    match scanner.peek() {
        Some(b'{') => scanner.object(|scanner, _| {
            says |= is_set(scanner)?;
            Ok(())
        })?,
        Some(b'[') => scanner.array(|scanner| {
            says |= is_set(scanner)?;
            Ok(())
        })?,
        _ => {
            let value = scanner.value()?;
            says = match value.kind {
                Kind::String => scanner
                    .text_of(&value)
                    .is_none_or(|text| !text.trim().is_empty()),
                Kind::Number => scanner.raw(&value) != "0",
                Kind::Bool(value) => value,
                Kind::Null | Kind::Array | Kind::Object => false,
            };
        }
    }
    Ok(says)
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
            "base_resp" => inside = inside.take().or(read_base_resp(scanner)?),
            "x_groq" => inside = inside.take().or(read_nested(scanner)?),
            "choices" => scanner.array_or_skip(|scanner| {
                inside = inside.take().or(read_nested(scanner)?);
                Ok(())
            })?,
            name => around.read_member(name, scanner)?,
        }
        Ok(())
    })?;
    Ok(match (inside, around.if_any()) {
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
        return Ok(facts.if_any());
    }
    let value = scanner.value()?;
    let mut text = Scanner::over(scanner.raw(&value).as_bytes(), &Limits::default())?;
    if is_set(&mut text)? {
        facts.message = message(scanner, &value);
    }
    Ok(facts.if_any())
}

/// `MiniMax` reports each outcome so; a code of 0 is a success.
fn read_base_resp(scanner: &mut Scanner<'_>) -> Result<Option<ErrorFacts>, JsonError> {
    let mut facts = ErrorFacts::default();
    scanner.object_or_skip(|scanner, key| facts.read_member(&key.name(), scanner))?;
    facts.code = facts.code.map(|code| format!("base_resp.{code}"));
    Ok(facts.code.is_some().then_some(facts))
}

impl ErrorFacts {
    fn read_member(&mut self, name: &str, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        match name {
            "details" => return self.read_details(scanner),
            "innererror" | "metadata" => return self.read_more(scanner),
            _ => {}
        }
        let value = scanner.value()?;
        // 0 is the code of a success, wherever there is one.
        let text = scalar(scanner, &value).filter(|text| !matches!(text.trim(), "" | "0"));
        match name {
            "message" | "detail" | "msg" | "status_msg" | "error_msg" => {
                self.message = message(scanner, &value).or(self.message.take());
            }
            "type" | "error_type" => self.kind = text.map(Cow::into_owned).or(self.kind.take()),
            "code" | "error_code" => {
                self.status = text.as_deref().and_then(http_status).or(self.status);
                self.code = text.map(Cow::into_owned).or(self.code.take());
            }
            "status" | "status_code" => {
                let status = text.as_deref().and_then(http_status);
                self.status = self.status.or(status);
                match text {
                    Some(text) if status.is_none() && name == "status" => {
                        self.kind = self.kind.take().or(Some(text.into_owned()));
                    }
                    Some(text) if status.is_none() => self.code = Some(text.into_owned()),
                    _ => {}
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Google's list of details.
    fn read_details(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.array_or_skip(|scanner| {
            scanner.object_or_skip(|scanner, key| {
                match &*key.name() {
                    "reason" => self.reason = own(scanner.words()?).or(self.reason.take()),
                    "retryDelay" => self.retry_delay = own(scanner.words()?),
                    _ => scanner.skip()?,
                }
                Ok(())
            })
        })
    }

    /// Azure's `innererror` and `OpenRouter`'s `metadata`.
    fn read_more(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.object_or_skip(|scanner, key| {
            match &*key.name() {
                "code" => self.reason = own(scanner.words()?).or(self.reason.take()),
                "flagged_input" => {
                    scanner.skip()?;
                    self.reason = Some("flagged_input".to_owned());
                }
                "raw" => self.further = scanner.words()?.map(|text| shortened(&text)),
                _ => scanner.skip()?,
            }
            Ok(())
        })
    }
}

fn own(text: Option<Cow<'_, str>>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(Cow::into_owned)
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
    Some(shortened(&text)).filter(|text| !text.trim().is_empty())
}

fn shortened(text: &str) -> String {
    text.chars().take(LONGEST_MESSAGE).collect()
}

fn http_status(code: &str) -> Option<u16> {
    code.parse()
        .ok()
        .filter(|status| (400..600).contains(status))
}
