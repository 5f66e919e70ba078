//! The first step: text -> documents, each a JSON value that remembers the line of every field.
//!
//! YAML is read as YAML 1.2 with its core schema: only `true` and `false` are booleans, `yes` and `on` are strings, `010` is ten.
//! (`kubectl` follows YAML 1.1 there; quote such words and both agree.) JSON is a subset. Stricter than either: a key that stands twice
//! in a mapping, an alias that grows without bound, merge keys and private tags are errors, because each of them makes what is
//! enforced differ from what is read. A file with an error yields no documents at all.

mod lines;
mod node;
mod parse;
mod scalar;

use std::sync::Arc;

use fairlead_snapshot::ObjectName;
use serde_json::Value;

use crate::envelope::Envelope;

pub use lines::{Lines, Origin};

use node::Node;

/// One object as it was written: `apiVersion`, `kind`, `metadata`, `spec`.
#[derive(Clone, PartialEq)]
pub struct Document {
    /// The whole object.
    pub value: Value,
    /// Where it was written.
    pub origin: Origin,
}

impl Document {
    /// The name by which the compiler knows it; the namespace `default` where it says none.
    #[must_use]
    pub fn name(&self) -> ObjectName {
        Envelope::of(self).name()
    }
}

/// A Secret is a document too, so nothing of the value is shown.
impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Document")
            .field("kind", &self.value["kind"])
            .field("name", &self.value["metadata"]["name"])
            .finish_non_exhaustive()
    }
}

/// A file that cannot be read as YAML or JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}:{column}: {message}")]
pub struct ParseError {
    /// The file, as given to [`documents`].
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// All objects of one file, in order. Empty documents are skipped, and the items of a `kind: List` stand for themselves.
///
/// # Errors
///
/// The first place that cannot be read; nothing of the file counts then.
pub fn documents(file: &str, text: &str) -> Result<Vec<Document>, ParseError> {
    let located = |fault: parse::Fault| ParseError {
        file: file.to_owned(),
        line: fault.at.line,
        column: fault.at.column,
        message: fault.message,
    };
    let file: Arc<str> = file.into();
    let mut found = Vec::new();
    parse::roots(text, |root| flatten(&file, root, &mut found)).map_err(located)?;
    Ok(found)
}

/// Adds one document, or the items of a list of them.
fn flatten(file: &Arc<str>, root: Node, found: &mut Vec<Document>) -> Result<(), parse::Fault> {
    if root.is_null() {
        return Ok(());
    }
    if !root.is_mapping() {
        return Err(parse::Fault::new(
            root.at,
            "a document must be an object with apiVersion, kind and metadata; indent lists and texts below a field",
        ));
    }
    match root.into_items_of_list() {
        Ok(items) => items
            .into_iter()
            .try_for_each(|item| flatten(file, item, found)),
        Err(object) => {
            let (value, lines) = object.into_value_and_lines();
            found.push(Document {
                value,
                origin: Origin {
                    file: Some(Arc::clone(file)),
                    lines,
                },
            });
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
