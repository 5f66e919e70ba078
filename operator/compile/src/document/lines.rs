//! Which line of its file each field of an object stands on.

use std::collections::BTreeMap;

/// Where an object was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file; `None` for an object from the API server.
    pub file: Option<String>,
    /// The lines of its fields.
    pub lines: Lines,
}

/// Field path -> line, from 1. Empty for objects from the API server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines(BTreeMap<String, u32>);

impl Lines {
    /// The line of a field (`spec.targets[1].providerRef.name`); of the nearest field around it when it is not written itself.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<u32> {
        let mut path = path;
        loop {
            if let Some(line) = self.0.get(path) {
                return Some(*line);
            }
            // A key in brackets may hold dots; the stumps in between are in no map, so they only cost a look-up.
            path = if path.is_empty() {
                return None;
            } else {
                &path[..path.rfind(['.', '[']).unwrap_or(0)]
            };
        }
    }

    /// Notes the line of a field.
    pub(super) fn insert(&mut self, path: &str, line: u32) {
        self.0.insert(path.to_owned(), line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_field_is_looked_for_around_it() {
        let mut lines = Lines::default();
        lines.insert("", 1);
        lines.insert("metadata.labels", 4);
        lines.insert("spec.targets[1]", 9);
        assert_eq!(lines.of("spec.targets[1].providerRef.name"), Some(9));
        assert_eq!(lines.of("metadata.labels[a.b/c]"), Some(4));
        assert_eq!(lines.of("spec.match"), Some(1));
        assert_eq!(Lines::default().of("spec"), None);
    }
}
