//! Values while a condition is evaluated. They borrow from the condition and from the facts.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

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
    Array(&'a [Json]),
    Object(&'a Map<String, Json>),
    Headers(&'a [(String, String)]),
}

impl<'a> Value<'a> {
    /// A JSON value: an integer of 64 bits is an integer, any other number a double.
    pub(crate) fn json(json: &'a Json) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(*value),
            Json::Number(number) => number.as_i64().map_or_else(
                || Self::Double(number.as_f64().unwrap_or(f64::NAN)),
                Self::Int,
            ),
            Json::String(text) => Self::text(text),
            Json::Array(items) => Self::Array(items),
            Json::Object(members) => Self::Object(members),
        }
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
            Self::Headers(_) => "set of headers",
        }
    }

    /// The value as a double, if it is a number. Integers beyond 2^53 are rounded.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            #[expect(
                clippy::cast_precision_loss,
                reason = "what comparing and mixing with a double means"
            )]
            Self::Int(value) => Some(*value as f64),
            Self::Double(value) => Some(*value),
            Self::Null
            | Self::Bool(_)
            | Self::Text(_)
            | Self::List(_)
            | Self::Array(_)
            | Self::Object(_)
            | Self::Headers(_) => None,
        }
    }

    /// The elements, if it is a list.
    fn elements(&self) -> Option<Vec<Value<'_>>> {
        match self {
            Self::List(items) => Some(items.clone()),
            Self::Array(items) => Some(items.iter().map(Value::json).collect()),
            Self::Null
            | Self::Bool(_)
            | Self::Int(_)
            | Self::Double(_)
            | Self::Text(_)
            | Self::Object(_)
            | Self::Headers(_) => None,
        }
    }

    /// Equality; values of different kinds are not equal.
    pub(crate) fn equals(&self, other: &Value<'_>) -> bool {
        match (self, other) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(a), Value::Bool(b)) => a == b,
            (Self::Int(a), Value::Int(b)) => a == b,
            (Self::Text(a), Value::Text(b)) => a == b,
            (Self::Object(a), Value::Object(b)) => a == b,
            (Self::Headers(a), Value::Headers(b)) => a == b,
            _ => match (self.number(), other.number()) {
                (Some(a), Some(b)) => a == b,
                _ => match (self.elements(), other.elements()) {
                    (Some(a), Some(b)) => {
                        a.len() == b.len() && a.iter().zip(&b).all(|(a, b)| a.equals(b))
                    }
                    _ => false,
                },
            },
        }
    }

    /// The order of two numbers, texts or booleans; anything else, and NaN, has none.
    pub(crate) fn order(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Value::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// Whether `item` is in the value: an element of a list, a name of an object or of the headers. Nothing is in a null.
    pub(crate) fn holds(&self, item: &Value<'_>) -> Option<bool> {
        match (self, item) {
            (Self::Null, _) => Some(false),
            (Self::List(items), _) => Some(items.iter().any(|each| each.equals(item))),
            (Self::Array(items), _) => {
                Some(items.iter().any(|each| Value::json(each).equals(item)))
            }
            (Self::Object(members), Value::Text(name)) => Some(members.contains_key(name.as_ref())),
            (Self::Headers(headers), Value::Text(name)) => Some(header(headers, name).is_some()),
            (Self::Object(_) | Self::Headers(_), _) => Some(false),
            (Self::Bool(_) | Self::Int(_) | Self::Double(_) | Self::Text(_), _) => None,
        }
    }

    /// How many characters or elements there are.
    pub(crate) fn size(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.chars().count()),
            Self::List(items) => Some(items.len()),
            Self::Array(items) => Some(items.len()),
            Self::Object(members) => Some(members.len()),
            Self::Headers(headers) => Some(headers.len()),
            Self::Null | Self::Bool(_) | Self::Int(_) | Self::Double(_) => None,
        }
    }
}

/// The value of a header, by its name in any case.
pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers
        .iter()
        .find(|(each, _)| each.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.as_str())
}
