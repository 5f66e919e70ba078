//! The tree that is evaluated: names resolved, patterns compiled, argument counts checked.

use regex::Regex;

use crate::limit::{Limit, Member};
use crate::need::Need;

/// An expression.
#[derive(Debug, Clone)]
pub(crate) enum Node {
    /// A constant.
    Literal(Literal),
    /// Something of the request or its caller.
    Fact(Fact),
    /// How a limit stands.
    Usage(Box<Limit>, Member),
    /// `[a, b]`
    List(Vec<Node>),
    /// `a[b]`, and `a.b` with a literal for `b`.
    Index(Box<[Node; 2]>),
    /// `has(a[b])`
    Has(Box<[Node; 2]>),
    /// `!a`
    Not(Box<Node>),
    /// `-a`
    Negate(Box<Node>),
    /// `a && b`
    And(Box<[Node; 2]>),
    /// `a || b`
    Or(Box<[Node; 2]>),
    /// `a ? b : c`
    Choose(Box<[Node; 3]>),
    /// `a == b` and its kind.
    Compare(Comparison, Box<[Node; 2]>),
    /// `a + b` and its kind.
    Compute(Arithmetic, Box<[Node; 2]>),
    /// `a in b`
    In(Box<[Node; 2]>),
    /// `a.matches("b")`
    Matches(Box<Node>, Regex),
    /// `a.contains(b)` and its kind.
    Search(Search, Box<[Node; 2]>),
    /// `size(a)`
    Size(Box<Node>),
    /// `int(a)` and its kind.
    Convert(Conversion, Box<Node>),
}

/// A constant.
#[derive(Debug, Clone)]
pub(crate) enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Double(f64),
    Text(String),
}

/// Something of the request or its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Headers,
    Model,
    Stream,
    Params,
    Operation,
    Needs(Need),
    InputTokens,
    Cost,
    KeyName,
    KeyNamespace,
    TeamName,
    OrganizationName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Search {
    Contains,
    StartsWith,
    EndsWith,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Conversion {
    Int,
    Double,
    Text,
}

impl Fact {
    /// Whether it follows from what the body says.
    pub(crate) fn is_of_the_body(self) -> bool {
        match self {
            Self::Model
            | Self::Stream
            | Self::Params
            | Self::Needs(_)
            | Self::InputTokens
            | Self::Cost => true,
            Self::Headers
            | Self::Operation
            | Self::KeyName
            | Self::KeyNamespace
            | Self::TeamName
            | Self::OrganizationName => false,
        }
    }

    /// The fact that `root.field` names.
    pub(crate) fn named(root: &str, field: &str) -> Option<Self> {
        Some(match (root, field) {
            ("request", "headers") => Self::Headers,
            ("request", "model") => Self::Model,
            ("request", "stream") => Self::Stream,
            ("request", "params") => Self::Params,
            ("request", "operation") => Self::Operation,
            ("key", "name") => Self::KeyName,
            ("key", "namespace") => Self::KeyNamespace,
            ("team", "name") => Self::TeamName,
            ("organization", "name") => Self::OrganizationName,
            _ => return None,
        })
    }
}

impl Node {
    /// What the node certainly is instead of a boolean; `None` if it is one, or may be.
    pub(crate) fn never_boolean(&self) -> Option<&'static str> {
        match self {
            Self::Literal(Literal::Bool(_))
            | Self::Fact(Fact::Stream | Fact::Needs(_))
            | Self::Index(_)
            | Self::Has(_)
            | Self::Not(_) => None,
            Self::And(_)
            | Self::Or(_)
            | Self::Compare(..)
            | Self::In(_)
            | Self::Matches(..)
            | Self::Search(..) => None,
            Self::Choose(parts) => parts[1]
                .never_boolean()
                .or_else(|| parts[2].never_boolean()),
            Self::Literal(Literal::Null) => Some("null"),
            Self::Literal(Literal::Int(_) | Literal::Double(_))
            | Self::Fact(Fact::InputTokens | Fact::Cost)
            | Self::Usage(..)
            | Self::Negate(_)
            | Self::Size(_) => Some("a number"),
            Self::Convert(Conversion::Int | Conversion::Double, _) => Some("a number"),
            Self::Literal(Literal::Text(_)) | Self::Convert(Conversion::Text, _) => Some("a text"),
            Self::Fact(Fact::Headers) => Some("request.headers"),
            Self::Fact(Fact::Params) => Some("request.params"),
            Self::Fact(
                Fact::Model
                | Fact::Operation
                | Fact::KeyName
                | Fact::KeyNamespace
                | Fact::TeamName
                | Fact::OrganizationName,
            ) => Some("a text"),
            Self::List(_) => Some("a list"),
            Self::Compute(..) => Some("the result of arithmetic"),
        }
    }
}
