//! A JSON value against a [`Schema`]: every fault, with its path and how to mend it.

use fairlead_crds::text::{
    BaseUrl, DurationText, Label, ModelName, ModelPattern, PerMillion, SecretKey, SecretName,
    TimeZoneName, Usd,
};
use regex::Regex;
use serde_json::{Map, Value};

use super::{Fields, List, Range, Schema, Shape, Text, Unique};
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::suggest;

impl Schema {
    /// Everything that is wrong with `value`, which stands at `path`.
    pub(crate) fn check(&self, value: &Value, path: &Path, faults: &mut Vec<Finding>) {
        if value.is_null() && self.nullable {
            return;
        }
        match (&self.shape, value) {
            (Shape::Any, _)
            | (Shape::Boolean, Value::Bool(_))
            | (Shape::IntOrText, Value::String(_)) => {}
            (Shape::Object(fields), Value::Object(members)) => fields.check(members, path, faults),
            (Shape::Map { values, most }, Value::Object(members)) => {
                counted(members.len(), None, *most, "entries", path, faults);
                members
                    .iter()
                    .for_each(|(key, value)| values.check(value, &path.field(key), faults));
            }
            (Shape::List(list), Value::Array(items)) => list.check(items, path, faults),
            (Shape::Text(text), Value::String(value)) => text.check(value, path, faults),
            (Shape::Integer(range), Value::Number(number))
                if number.is_i64() || number.is_u64() =>
            {
                range.check(number.as_f64(), path, faults);
            }
            (Shape::Number(range), Value::Number(number)) => {
                range.check(number.as_f64(), path, faults);
            }
            (Shape::IntOrText, Value::Number(number)) if number.is_i64() || number.is_u64() => {}
            _ => faults.push(Finding::new(
                path,
                Reason::Invalid,
                format!("must be {}, not {}", self.shape.noun(), noun(value)),
            )),
        }
    }
}

impl Fields {
    fn check(&self, members: &Map<String, Value>, path: &Path, faults: &mut Vec<Finding>) {
        for name in &self.required {
            // Null in a field that is not nullable counts as absent, as the API server drops it.
            if members.get(name).is_none_or(Value::is_null) {
                faults.push(Finding::new(
                    &path.field(name),
                    Reason::Required,
                    "is required",
                ));
            }
        }
        for (name, value) in members {
            match self.known.get(name) {
                Some(_) if value.is_null() => {}
                Some(schema) => schema.check(value, &path.field(name), faults),
                None => {
                    let hint = suggest::hint(name, self.known.keys().map(String::as_str));
                    faults.push(Finding::new(
                        &path.field(name),
                        Reason::UnknownField,
                        format!("is not a field of the API{hint}"),
                    ));
                }
            }
        }
    }
}

impl List {
    fn check(&self, items: &[Value], path: &Path, faults: &mut Vec<Finding>) {
        counted(items.len(), self.least, self.most, "items", path, faults);
        for (at, item) in items.iter().enumerate() {
            self.items.check(item, &path.index(at), faults);
            if let Some(first) = items[..at]
                .iter()
                .position(|earlier| self.unique.same(earlier, item))
            {
                let (path, what) = self.unique.culprit(&path.index(at));
                faults.push(Finding::new(
                    &path,
                    Reason::Duplicate,
                    format!("{what} stands twice; see the item {first}"),
                ));
            }
        }
    }
}

impl Unique {
    fn same(&self, left: &Value, right: &Value) -> bool {
        match self {
            Self::No => false,
            Self::Value => left == right,
            // An item without its key has a finding of its own.
            Self::Keys(keys) => keys.iter().all(|key| {
                left.get(key)
                    .is_some_and(|value| right.get(key) == Some(value))
            }),
        }
    }

    /// The field to blame, and what to call it.
    fn culprit(&self, item: &Path) -> (Path, String) {
        match self {
            Self::Keys(keys) if keys.len() == 1 => {
                (item.field(&keys[0]), format!("this {}", keys[0]))
            }
            Self::No | Self::Value | Self::Keys(_) => (item.clone(), "this value".to_owned()),
        }
    }
}

impl Text {
    fn check(&self, value: &str, path: &Path, faults: &mut Vec<Finding>) {
        if !self.allowed.is_empty() {
            if !self.allowed.iter().any(|allowed| allowed == value) {
                let hint = suggest::hint(value, self.allowed.iter().map(String::as_str));
                faults.push(Finding::new(
                    path,
                    Reason::Invalid,
                    format!("must be one of {}{hint}", self.allowed.join(", ")),
                ));
            }
            return;
        }
        let before = faults.len();
        counted(
            value.chars().count(),
            self.least,
            self.most,
            "characters",
            path,
            faults,
        );
        if self
            .pattern
            .as_ref()
            .is_some_and(|pattern| !pattern.is_match(value))
            && faults.len() == before
        {
            faults.push(Finding::new(
                path,
                Reason::Invalid,
                format!(
                    "must be {}",
                    self.pattern.as_ref().map_or_else(String::new, described)
                ),
            ));
        }
        if self.date_time && !is_date_time(value) {
            faults.push(Finding::new(
                path,
                Reason::Invalid,
                "must be a moment as in RFC 3339, for example 2027-01-01T00:00:00Z",
            ));
        }
    }
}

impl Range {
    fn check(&self, value: Option<f64>, path: &Path, faults: &mut Vec<Finding>) {
        let Some(value) = value else { return };
        if self.least.is_some_and(|least| value < least)
            || self.most.is_some_and(|most| value > most)
        {
            faults.push(Finding::new(
                path,
                Reason::Invalid,
                format!("must be {}", span(self.least, self.most)),
            ));
        }
    }
}

fn counted(
    count: usize,
    least: Option<usize>,
    most: Option<usize>,
    what: &str,
    path: &Path,
    faults: &mut Vec<Finding>,
) {
    if least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most) {
        let least = least.filter(|least| *least > 0);
        faults.push(Finding::new(
            path,
            Reason::Invalid,
            format!("must have {} {what}, not {count}", span(least, most)),
        ));
    }
}

/// "1 to 16", "at least 1", "at most 16".
fn span<T: std::fmt::Display>(least: Option<T>, most: Option<T>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("{least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (None, Some(most)) => format!("at most {most}"),
        (None, None) => "within bounds".to_owned(),
    }
}

impl Shape {
    fn noun(&self) -> &'static str {
        match self {
            Self::Object(_) | Self::Map { .. } => "an object",
            Self::List(_) => "a list",
            Self::Text(_) => "a text (quote it)",
            Self::Integer(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Boolean => "true or false",
            Self::IntOrText => "a whole number or a text",
            Self::Any => "anything",
        }
    }
}

fn noun(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// A pattern in words, where we have them.
fn described(pattern: &Regex) -> String {
    let known = [
        (
            Label::PATTERN,
            "a DNS label: lower-case letters, digits and '-', beginning and ending with a letter or digit",
        ),
        (
            SecretName::PATTERN,
            "the name of a Secret: lower-case letters, digits, '-' and '.'",
        ),
        (
            SecretKey::PATTERN,
            "a key of a Secret: letters, digits, '-', '_' and '.'",
        ),
        (
            ModelName::PATTERN,
            "a model name, without spaces and without '*'",
        ),
        (
            ModelPattern::PATTERN,
            "a model name, or the beginning of one followed by '*'",
        ),
        (
            BaseUrl::PATTERN,
            "an http:// or https:// URL: a host, a port from 1 to 65535 if any, a path, but no user, query or fragment",
        ),
        (
            DurationText::PATTERN,
            "a duration such as 500ms, 10s or 1m30s",
        ),
        (
            Usd::PATTERN,
            "an amount of US dollars such as \"100\" or \"0.05\", from 0 to 4000000 with at most 9 digits after the point",
        ),
        (
            PerMillion::PATTERN,
            "a price in US dollars a million tokens such as \"2.50\", from 0 to 10000 with at most 6 digits after the point",
        ),
        (
            TimeZoneName::PATTERN,
            "the name of a time zone such as Europe/Berlin",
        ),
    ];
    known
        .iter()
        .find(|(text, _)| *text == pattern.as_str())
        .map_or_else(
            || format!("of the form {pattern}"),
            |(_, words)| (*words).to_owned(),
        )
}

/// RFC 3339, as the API server takes `format: date-time`.
fn is_date_time(value: &str) -> bool {
    use k8s_openapi::jiff::Timestamp;
    let separated = value
        .get(10..11)
        .is_some_and(|separator| matches!(separator, "T" | "t"));
    let with_seconds =
        value.len() >= "2027-01-01T00:00:00Z".len() && value.get(16..17) == Some(":");
    separated && with_seconds && value.parse::<Timestamp>().is_ok()
}
