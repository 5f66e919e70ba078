//! What a caller asks for, and the body that goes upstream in its place.
//!
//! Parsed once per request, right after the body is read. The upstream's body is made per attempt, by
//! editing the caller's: the model's name, and the wish for usage at the end of a stream. All other bytes
//! stay as they came.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use super::continuation::NOT_PLAIN;
use crate::form::Form;
use crate::json::{
    JsonError, Kind, Limits, Member, Object, Scanner, alike, is_plain, write_string,
};
use crate::splice::{Pieces, Splice};

/// The members that the gateway acts on, besides those that tell whether an answer can be continued.
const ACTED_ON: [&str; 9] = [
    "model",
    "stream",
    "stream_options",
    "n",
    "messages",
    "prompt",
    "input",
    "max_tokens",
    "max_completion_tokens",
];
/// The same of `stream_options`.
const OPTIONS_ACTED_ON: [&str; 1] = ["include_usage"];
/// The fields of a form that the gateway acts on.
const FORM_ACTED_ON: [&str; 2] = ["model", "stream"];
/// How much of a misspelt name an error repeats, in characters.
const SHOWN: usize = 64;

/// A request body and what is read of it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The whole body, by member.
    pub object: Object<'a>,
    /// The model, as sent.
    pub model: Cow<'a, str>,
    /// Where the model's value is, quotes included; `None`: not in the body.
    pub model_span: Option<Range<usize>>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// How many choices are asked for.
    pub n: u64,
    /// Whether the caller wants usage at the end of a stream.
    pub include_usage: bool,
    /// What it takes to ask the upstream for usage.
    usage_edit: Option<UsageEdit>,
    /// Whether the model stands there as it is, without quotes.
    plain: bool,
    /// What goes before its name, where it has to be put in.
    before: &'static str,
}

/// Why a body is no request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// It is not one well-formed object, or is ambiguous.
    #[error("the request body cannot be read: {0}")]
    Json(#[from] JsonError),
    /// No model is named.
    #[error("the request names no model; add \"model\": \"...\"")]
    MissingModel,
    /// The model's name is empty.
    #[error("the request's model is an empty string; name one")]
    EmptyModel,
    /// A member that is acted upon has a type that its API does not allow.
    #[error("the request's {field:?} must be {expected}")]
    WrongType {
        /// The member, as a path.
        field: &'static str,
        /// What it must be.
        expected: &'static str,
    },
    /// The name of a member is one that is acted upon, but in other letters. Some servers take the one for the other, so the model that
    /// is checked would not be the one that answers.
    #[error(
        "the request has the member {given:?}, which some servers take for {field:?}; spell it so, or leave it out"
    )]
    Misspelt {
        /// The member that it may be taken for.
        field: &'static str,
        /// How it is spelt, shortened if it is long.
        given: String,
    },
}

impl RequestError {
    /// The member that is to blame, for the `param` of an error.
    #[must_use]
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => None,
            Self::MissingModel | Self::EmptyModel => Some("model"),
            Self::WrongType { field, .. } | Self::Misspelt { field, .. } => Some(field),
        }
    }
}

/// The edit that sets `stream_options.include_usage`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct UsageEdit {
    range: Range<usize>,
    with: &'static str,
}

/// Reads a request body.
///
/// # Errors
/// See [`RequestError`]. Members that are not acted upon may be anything.
pub fn parse(body: &[u8]) -> Result<Request<'_>, RequestError> {
    let object = Object::parse(body, &Limits::default())?;
    refuse_misspelt(&object, || ACTED_ON.into_iter().chain(NOT_PLAIN))?;
    let (model, model_span) = model(&object)?;
    let model_span = Some(model_span);
    let stream = object
        .get("stream")
        .map_or(Ok(None), |member| flag(member, "stream"))?
        .unwrap_or_default();
    let n = object
        .get("n")
        .map_or(Ok(1), |member| choices(&object, member))?;
    let (include_usage, usage_edit) = usage_wish(&object)?;
    Ok(Request {
        model,
        model_span,
        stream,
        n,
        include_usage,
        usage_edit,
        plain: false,
        before: "",
        object,
    })
}

/// Reads a body of an API that has a model of its own where none is named.
///
/// # Errors
/// See [`RequestError`].
pub fn parse_or<'a>(body: &'a [u8], usual: &'a str) -> Result<Request<'a>, RequestError> {
    match parse(body) {
        Err(RequestError::MissingModel) => {}
        read => return read,
    }
    let mut request = parse_named_again(body, usual, false)?;
    let object = &request.object;
    let (span, before) = match object.get("model") {
        Some(null) => (null.value.clone(), ""),
        None if object.is_empty() => (
            object.end_of_members()..object.end_of_members(),
            "\"model\":",
        ),
        None => (
            object.end_of_members()..object.end_of_members(),
            ",\"model\":",
        ),
    };
    request.model_span = Some(span);
    request.before = before;
    Ok(request)
}

/// Reads a body that names neither its model nor whether its answer is streamed: its path did.
///
/// # Errors
/// It is not one well-formed object.
pub fn parse_named<'a>(
    body: &'a [u8],
    model: &'a str,
    stream: bool,
) -> Result<Request<'a>, RequestError> {
    let request = parse_named_again(body, model, stream)?;
    // Who reads it there would answer by another model than the one that was looked at.
    let names = |member: &Member<'_>| alike(&member.key, "model");
    if request.object.members().iter().any(names) {
        return Err(RequestError::WrongType {
            field: "model",
            expected: "left out: the path names the model",
        });
    }
    Ok(request)
}

/// The same of a body that may name the model again. Whoever sends it on must write it anew.
///
/// # Errors
/// It is not one well-formed object.
pub fn parse_named_again<'a>(
    body: &'a [u8],
    model: &'a str,
    stream: bool,
) -> Result<Request<'a>, RequestError> {
    if model.is_empty() {
        return Err(RequestError::EmptyModel);
    }
    let object = Object::parse(body, &Limits::default())?;
    Ok(Request {
        object,
        model: Cow::Borrowed(model),
        model_span: None,
        stream,
        n: 1,
        include_usage: false,
        usage_edit: None,
        plain: false,
        before: "",
    })
}

/// Reads what a form says; `parameters` are its own ([`Form::parameters`]), which the request is a view of.
///
/// # Errors
/// No model is named, or not in a way that everybody reads alike.
pub fn parse_form<'a>(form: &Form<'_>, parameters: &'a str) -> Result<Request<'a>, RequestError> {
    let object = Object::parse(parameters.as_bytes(), &Limits::default())?;
    refuse_misspelt(&object, || FORM_ACTED_ON.into_iter())?;
    let mut named = form
        .fields
        .iter()
        .filter(|field| alike(&field.name, "model"));
    let field = named.next().ok_or(RequestError::MissingModel)?;
    if field.file || named.next().is_some() {
        return Err(RequestError::WrongType {
            field: "model",
            expected: "given once, as a text",
        });
    }
    let (model, _) = model(&object)?;
    let says = |name, expected: &str| {
        let member = object.get(name).and_then(|member| object.string(member));
        member.is_some_and(|value| value.eq_ignore_ascii_case(expected))
    };
    let stream = says("stream", "true") || says("stream", "1");
    Ok(Request {
        model,
        model_span: Some(field.value.clone()),
        stream,
        n: 1,
        include_usage: false,
        usage_edit: None,
        plain: true,
        before: "",
        object,
    })
}

/// The edits that make an upstream's body of a caller's: owns what it needs, so that it outlives the parsed [`Request`].
#[derive(Debug, Clone)]
pub struct Edits {
    model: Box<str>,
    model_span: Option<Range<usize>>,
    usage: Option<UsageEdit>,
    plain: bool,
    before: &'static str,
}

impl Request<'_> {
    /// The edits that an attempt may need. `streams`: whether `stream` means anything to the operation; to embeddings it does not.
    #[must_use]
    pub fn edits(&self, streams: bool) -> Edits {
        Edits {
            model: self.model.as_ref().into(),
            model_span: self.model_span.clone(),
            usage: self.usage_edit.clone().filter(|_| self.stream && streams),
            plain: self.plain,
            before: self.before,
        }
    }

    /// How many prompts the older completions API is given: each is answered by choices of its own, beside `n`. A list of
    /// numbers is one prompt, in tokens.
    #[must_use]
    pub fn prompts(&self) -> u64 {
        let count = |member: &Member<'_>| list_of_prompts(self.object.text(member));
        self.object.get("prompt").map_or(1, count).max(1)
    }
}

/// How many strings and lists are in a list; 0 if it is none.
fn list_of_prompts(text: &str) -> u64 {
    let mut count = 0;
    let Ok(mut scanner) = Scanner::over(text.as_bytes(), &Limits::default()) else {
        return 0;
    };
    // It was read before: nothing in it is malformed.
    let _ = scanner.array_or_skip(|scanner| {
        let kind = scanner.value()?.kind;
        count += u64::from(matches!(kind, Kind::String | Kind::Array));
        Ok(())
    });
    count
}

impl Edits {
    /// Whether a wish for usage would be added that the caller has not uttered.
    #[must_use]
    pub fn may_ask_usage(&self) -> bool {
        self.usage.is_some()
    }

    /// The body for an upstream that knows the model as `upstream_model`. `body` is the one that was parsed.
    ///
    /// `ask_usage`: a stream is to end with its usage, whether or not the caller wished so. What need not
    /// change is shared with `body`; if nothing must, it is `body` itself.
    #[must_use]
    pub fn upstream_body(&self, body: &Bytes, upstream_model: &str, ask_usage: bool) -> Pieces {
        let mut splice = Splice::new(body.clone());
        if let Some(span) = &self.model_span
            && *self.model != *upstream_model
        {
            let mut name = Vec::with_capacity(upstream_model.len() + 2 + self.before.len());
            name.extend_from_slice(self.before.as_bytes());
            if self.plain {
                name.extend_from_slice(upstream_model.as_bytes());
            } else {
                write_string(&mut name, upstream_model);
            }
            splice.replace(span.clone(), name.into());
        }
        if let Some(edit) = self.usage.as_ref().filter(|_| ask_usage) {
            splice.replace(edit.range.clone(), Bytes::from_static(edit.with.as_bytes()));
        }
        splice.finish()
    }
}

/// Refuses every member that is not one of `names` but that some server takes for it.
fn refuse_misspelt<N>(object: &Object<'_>, names: impl Fn() -> N) -> Result<(), RequestError>
where
    N: Iterator<Item = &'static str>,
{
    let odd = object
        .members()
        .iter()
        .filter(|member| !is_plain(&member.key));
    for Member { key, .. } in odd {
        if let Some(field) = names().find(|name| alike(key, name)) {
            let given = key.chars().take(SHOWN).collect();
            return Err(RequestError::Misspelt { field, given });
        }
    }
    Ok(())
}

fn model<'a>(object: &Object<'a>) -> Result<(Cow<'a, str>, Range<usize>), RequestError> {
    let member = object
        .get("model")
        .filter(|member| member.kind != Kind::Null)
        .ok_or(RequestError::MissingModel)?;
    let name = object.string(member).ok_or(RequestError::WrongType {
        field: "model",
        expected: "a string of text",
    })?;
    if name.is_empty() {
        return Err(RequestError::EmptyModel);
    }
    Ok((name, member.value.clone()))
}

/// A boolean; `None` for null.
fn flag(member: &Member<'_>, field: &'static str) -> Result<Option<bool>, RequestError> {
    match member.kind {
        Kind::Bool(value) => Ok(Some(value)),
        Kind::Null => Ok(None),
        Kind::String | Kind::Number | Kind::Array | Kind::Object => Err(RequestError::WrongType {
            field,
            expected: "true or false",
        }),
    }
}

fn choices(object: &Object<'_>, member: &Member<'_>) -> Result<u64, RequestError> {
    if member.kind == Kind::Null {
        return Ok(1);
    }
    let wrong = RequestError::WrongType {
        field: "n",
        expected: "a whole number of at least 1",
    };
    object
        .text(member)
        .parse()
        .ok()
        .filter(|n| *n >= 1)
        .ok_or(wrong)
}

/// Whether the caller wishes for usage, and the edit that would make it so.
fn usage_wish(object: &Object<'_>) -> Result<(bool, Option<UsageEdit>), RequestError> {
    let Some(options) = object.get("stream_options") else {
        let end = object.end_of_members();
        return Ok((
            false,
            Some(UsageEdit {
                range: end..end,
                with: ",\"stream_options\":{\"include_usage\":true}",
            }),
        ));
    };
    match options.kind {
        Kind::Object => usage_wish_in(object.text(options), options.value.start),
        Kind::Null => Ok((
            false,
            Some(UsageEdit {
                range: options.value.clone(),
                with: "{\"include_usage\":true}",
            }),
        )),
        Kind::String | Kind::Number | Kind::Bool(_) | Kind::Array => Err(RequestError::WrongType {
            field: "stream_options",
            expected: "an object",
        }),
    }
}

/// The same inside `stream_options`, whose text begins at `offset` of the body.
fn usage_wish_in(text: &str, offset: usize) -> Result<(bool, Option<UsageEdit>), RequestError> {
    let options = Object::parse(text.as_bytes(), &Limits::default())?;
    refuse_misspelt(&options, || OPTIONS_ACTED_ON.into_iter())?;
    let Some(member) = options.get("include_usage") else {
        let end = offset + options.end_of_members();
        let with = if options.is_empty() {
            "\"include_usage\":true"
        } else {
            ",\"include_usage\":true"
        };
        return Ok((
            false,
            Some(UsageEdit {
                range: end..end,
                with,
            }),
        ));
    };
    if flag(member, "stream_options.include_usage")? == Some(true) {
        return Ok((true, None));
    }
    let range = offset + member.value.start..offset + member.value.end;
    Ok((
        false,
        Some(UsageEdit {
            range,
            with: "true",
        }),
    ))
}
