//! Where a field is: `spec.targets[1].providerRef.name`, as Kubernetes writes it in field errors.
//!
//! The same texts are keys of [`crate::Lines`], so a finding's path is also how its line is found.

use std::fmt;

/// The path of a field within an object. The empty path is the object itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path(String);

impl Path {
    /// A field of the object itself.
    pub(crate) fn of(field: &str) -> Self {
        Self::default().field(field)
    }

    /// A member. A name that would be ambiguous between dots stands in brackets, as label keys do: `metadata.labels[a.b/c]`.
    #[must_use]
    pub(crate) fn field(&self, name: &str) -> Self {
        let plain = !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'));
        Self(match (plain, self.0.is_empty()) {
            (true, true) => name.to_owned(),
            (true, false) => format!("{}.{name}", self.0),
            (false, _) => format!("{}[{name}]", self.0),
        })
    }

    /// An item of a list.
    #[must_use]
    pub(crate) fn index(&self, at: usize) -> Self {
        Self(format!("{}[{at}]", self.0))
    }

    /// The path as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_as_kubernetes_writes_it() {
        assert_eq!(
            Path::of("spec")
                .field("targets")
                .index(1)
                .field("providerRef")
                .as_str(),
            "spec.targets[1].providerRef"
        );
        assert_eq!(
            Path::of("metadata").field("labels").field("a.b/c").as_str(),
            "metadata.labels[a.b/c]"
        );
    }
}
