//! The CRD's structural schema, applied to a JSON value: what the API server checks at apply, for objects that never met one.
//!
//! Findings come for every fault, not only the first. The schema is taken from the CRDs themselves, so the two cannot disagree; CEL rules
//! are not part of it and are checked again by each kind's parser.

mod check;
mod load;

use std::collections::BTreeMap;

use regex::Regex;

/// A schema, ready to be applied.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    /// Whether null stands for absent.
    nullable: bool,
    shape: Shape,
}

#[derive(Debug, Clone)]
enum Shape {
    Object(Fields),
    /// Any keys, values of one schema.
    Map {
        values: Box<Schema>,
        most: Option<usize>,
    },
    List(List),
    Text(Text),
    Integer(Range),
    Number(Range),
    Boolean,
    IntOrText,
    /// Anything: `x-kubernetes-preserve-unknown-fields`.
    Any,
}

#[derive(Debug, Clone)]
struct Fields {
    known: BTreeMap<String, Schema>,
    required: Vec<String>,
}

#[derive(Debug, Clone)]
struct List {
    items: Box<Schema>,
    least: Option<usize>,
    most: Option<usize>,
    unique: Unique,
}

/// What must not stand twice in a list.
#[derive(Debug, Clone)]
enum Unique {
    /// Nothing in particular.
    No,
    /// `x-kubernetes-list-type: set`: a value.
    Value,
    /// `x-kubernetes-list-type: map`: the values of these fields together.
    Keys(Vec<String>),
}

#[derive(Debug, Clone)]
struct Text {
    least: Option<usize>,
    most: Option<usize>,
    pattern: Option<Regex>,
    /// Empty: any.
    allowed: Vec<String>,
    date_time: bool,
}

#[derive(Debug, Clone, Copy)]
struct Range {
    least: Option<f64>,
    most: Option<f64>,
}

pub(crate) use load::spec_of;

#[cfg(test)]
mod tests;
