//! Values while a condition is evaluated. They borrow from the condition and from the request.

mod compare;

use std::borrow::Cow;

use fairlead_json::{Kind, Number, Raw};

use crate::eval::MAX_TEXT;
use crate::{EvaluationError, Facts};

/// A value.
#[derive(Debug, Clone)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(Cow<'a, str>),
    /// A list the condition wrote.
    List(Vec<Value<'a>>),
    /// A list the caller sent.
    Array(Raw<'a>),
    /// An object the caller sent.
    Object(Raw<'a>),
    /// All headers.
    Headers,
    /// All parameters.
    Params,
}

impl<'a> Value<'a> {
    /// A JSON value. Lists and objects are not looked into yet.
    pub(crate) fn json(raw: Raw<'a>, facts: &Facts<'_>) -> Result<Self, EvaluationError> {
        Ok(match raw.kind() {
            Kind::Null => Self::Null,
            Kind::Bool(value) => Self::Bool(value),
            Kind::Number => match raw.number()? {
                Number::Int(number) => Self::Int(number),
                Number::Double(number) => Self::Double(number),
            },
            Kind::String => {
                let text = raw.text();
                facts.reads(text)?;
                // Only one with escapes is copied.
                if text.len() > MAX_TEXT && text.as_bytes().contains(&b'\\') {
                    return Err(EvaluationError::TooLong);
                }
                Self::Text(raw.string()?)
            }
            Kind::Array => Self::Array(raw),
            Kind::Object => Self::Object(raw),
        })
    }

    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// What messages call it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Int(_) | Self::Double(_) => "number",
            Self::Text(_) => "text",
            Self::List(_) | Self::Array(_) => "list",
            Self::Object(_) => "object",
            Self::Headers => "set of headers",
            Self::Params => "set of parameters",
        }
    }

    /// The value as a double, if it is a number. Integers beyond 2^53 are rounded.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "what mixing with a double means"
            )]
            Self::Int(value) => Some(*value as f64),
            Self::Double(value) => Some(*value),
            Self::Null
            | Self::Bool(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Array(_)
            | Self::Object(_)
            | Self::Headers
            | Self::Params => None,
        }
    }

    /// Whether `item` is in the value: an element of a list, a name of an object, of the headers or of the parameters. Nothing is in a null.
    ///
    /// An element that cannot be read is an error only if the item is not found besides.
    pub(crate) fn holds(
        &self,
        item: &Value<'_>,
        facts: &Facts<'_>,
    ) -> Result<bool, EvaluationError> {
        match (self, item) {
            (Self::Null, _) => Ok(false),
            (Self::List(items), _) => {
                let mut found = Ok(false);
                for each in items {
                    found = either(found, || each.equals(item, facts));
                }
                found
            }
            (Self::Array(raw), _) => {
                facts.reads(raw.text())?;
                let mut found = Ok(false);
                raw.each_element(|each| {
                    let same = || Value::json(each, facts)?.equals(item, facts);
                    found = either(std::mem::replace(&mut found, Ok(false)), same);
                });
                found
            }
            (Self::Object(raw), Value::Text(name)) => {
                facts.reads(raw.text())?;
                Ok(raw.member(name)?.is_some())
            }
            (Self::Headers, Value::Text(name)) => Ok(facts.request.header(name)?.is_some()),
            (Self::Params, Value::Text(name)) => Ok(facts.request.param(name)?.is_some()),
            (Self::Object(_) | Self::Headers | Self::Params, _) => Ok(false),
            (Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::Text(_), _) => {
                Err(EvaluationError::NotApplicable("in", self.kind()))
            }
        }
    }

    /// How many characters, elements or members there are.
    pub(crate) fn size(&self, facts: &Facts<'_>) -> Result<usize, EvaluationError> {
        match self {
            Self::Text(text) => Ok(text.chars().count()),
            Self::List(items) => Ok(items.len()),
            Self::Array(raw) | Self::Object(raw) => {
                facts.reads(raw.text())?;
                Ok(raw.count())
            }
            Self::Headers => Ok(facts.request.headers()),
            Self::Params => Ok(facts.request.params()),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Double(_) => {
                Err(EvaluationError::NotApplicable("size()", self.kind()))
            }
        }
    }
}

/// `found`, or else what `next` says; true beside an error is true.
fn either(
    found: Result<bool, EvaluationError>,
    next: impl FnOnce() -> Result<bool, EvaluationError>,
) -> Result<bool, EvaluationError> {
    match found {
        Ok(true) => Ok(true),
        Ok(false) => next(),
        Err(error) => match next() {
            Ok(true) => Ok(true),
            Ok(false) | Err(_) => Err(error),
        },
    }
}
