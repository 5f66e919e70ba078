//! A parsed document with the position of every node: what stands between the parser's events and JSON.

use serde_json::{Map, Value};

use super::lines::{Lines, Noted};
use crate::path::Path;

/// A position, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct At {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// A node and where it begins.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) at: At,
    pub(super) content: Content,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Scalar(Value),
    Sequence(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// One member of a mapping.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) at: At,
    pub(super) value: Node,
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.content, Content::Scalar(Value::Null))
    }

    pub(super) fn is_mapping(&self) -> bool {
        matches!(&self.content, Content::Mapping(_))
    }

    /// The items of a `kind: List` (or `LLMProviderList`, as the API server answers); any other node comes back as it was.
    pub(super) fn into_items_of_list(self) -> Result<Vec<Node>, Node> {
        let kind_is_list = matches!(self.member("kind"), Some(Content::Scalar(Value::String(kind))) if kind.ends_with("List"));
        if !kind_is_list || !matches!(self.member("items"), Some(Content::Sequence(_))) {
            return Err(self);
        }
        let Content::Mapping(entries) = self.content else {
            return Ok(Vec::new());
        };
        let items = entries
            .into_iter()
            .find(|entry| entry.key == "items")
            .map(|entry| entry.value.content);
        Ok(match items {
            Some(Content::Sequence(items)) => items,
            Some(Content::Scalar(_) | Content::Mapping(_)) | None => Vec::new(),
        })
    }

    fn member(&self, key: &str) -> Option<&Content> {
        match &self.content {
            Content::Mapping(entries) => entries
                .iter()
                .find(|entry| entry.key == key)
                .map(|entry| &entry.value.content),
            Content::Scalar(_) | Content::Sequence(_) => None,
        }
    }

    /// The node as JSON, and the line of everything in it.
    pub(super) fn into_value_and_lines(self) -> (Value, Lines) {
        let mut lines = Noted::default();
        lines.insert("", self.at.line);
        let value = self.into_value(&Path::default(), &mut lines);
        (value, lines.finish())
    }

    fn into_value(self, path: &Path, lines: &mut Noted) -> Value {
        match self.content {
            Content::Scalar(value) => value,
            Content::Sequence(items) => {
                let items = items.into_iter().enumerate().map(|(at, item)| {
                    let path = path.index(at);
                    lines.insert(path.as_str(), item.at.line);
                    item.into_value(&path, lines)
                });
                Value::Array(items.collect())
            }
            Content::Mapping(entries) => {
                let mut object = Map::new();
                for entry in entries {
                    let path = path.field(&entry.key);
                    lines.insert(path.as_str(), entry.at.line);
                    let value = entry.value.into_value(&path, lines);
                    object.insert(entry.key, value);
                }
                Value::Object(object)
            }
        }
    }
}
