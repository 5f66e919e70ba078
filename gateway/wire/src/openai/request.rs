//! What a caller asks for, and the body that goes upstream in its place.
//!
//! Parsed once per request, right after the body is read. The upstream's body is made per attempt, by
//! editing the caller's: the model's name, and the wish for usage at the end of a stream. All other bytes
//! stay as they came.

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;

use crate::json::{JsonError, Kind, Limits, Member, Object, write_string};
use crate::splice::{Pieces, Splice};

/// A request body and what is read of it.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The whole body, by member.
    pub object: Object<'a>,
    /// The model, as sent.
    pub model: Cow<'a, str>,
    /// Where the model's value is, quotes included.
    pub model_span: Range<usize>,
    /// Whether the answer is to be streamed.
    pub stream: bool,
    /// How many choices are asked for.
    pub n: u64,
    /// Whether the caller wants usage at the end of a stream.
    pub include_usage: bool,
    /// What it takes to ask the upstream for usage.
    usage_edit: Option<UsageEdit>,
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
}

impl RequestError {
    /// The member that is to blame, for the `param` of an error.
    #[must_use]
    pub fn param(&self) -> Option<&'static str> {
        match self {
            Self::Json(_) => None,
            Self::MissingModel | Self::EmptyModel => Some("model"),
            Self::WrongType { field, .. } => Some(field),
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
    let (model, model_span) = model(&object)?;
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
        object,
    })
}

/// The edits that make an upstream's body of a caller's: owns what it needs, so that it outlives the parsed [`Request`].
#[derive(Debug, Clone)]
pub struct Edits {
    model: Box<str>,
    model_span: Range<usize>,
    usage: Option<UsageEdit>,
}

impl Request<'_> {
    /// The edits that an attempt may need.
    #[must_use]
    pub fn edits(&self) -> Edits {
        Edits {
            model: self.model.as_ref().into(),
            model_span: self.model_span.clone(),
            usage: self.usage_edit.clone().filter(|_| self.stream),
        }
    }
}

impl Edits {
    /// The body for an upstream that knows the model as `upstream_model`. `body` is the one that was parsed.
    ///
    /// `ask_usage`: a stream is to end with its usage, whether or not the caller wished so. What need not
    /// change is shared with `body`; if nothing must, it is `body` itself.
    #[must_use]
    pub fn upstream_body(&self, body: &Bytes, upstream_model: &str, ask_usage: bool) -> Pieces {
        let mut splice = Splice::new(body.clone());
        if *self.model != *upstream_model {
            let mut name = Vec::with_capacity(upstream_model.len() + 2);
            write_string(&mut name, upstream_model);
            splice.replace(self.model_span.clone(), name.into());
        }
        if let Some(edit) = self.usage.as_ref().filter(|_| ask_usage) {
            splice.replace(edit.range.clone(), Bytes::from_static(edit.with.as_bytes()));
        }
        splice.finish()
    }
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
