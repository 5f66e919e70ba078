//! Who looks, and at what they may look.

use std::collections::BTreeSet;

use fairlead_record::Scope;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// What the pages call them.
    pub name: String,
    /// What they may see.
    pub sees: Sees,
}

/// What somebody may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sees {
    /// All of it.
    Everything,
    /// What belongs to these namespaces.
    Namespaces(BTreeSet<String>),
    /// What belongs to one key, `namespace/name`.
    Key(String),
}

impl Viewer {
    /// Whether what belongs to this namespace may be shown. Whoever holds a key sees no namespace.
    #[must_use]
    pub fn sees(&self, namespace: &str) -> bool {
        match &self.sees {
            Sees::Everything => true,
            Sees::Namespaces(names) => names.contains(namespace),
            Sees::Key(_) => false,
        }
    }

    /// The same of `namespace/name`.
    #[must_use]
    pub fn sees_object(&self, name: &str) -> bool {
        self.sees(
            name.split_once('/')
                .map_or(name, |(namespace, _)| namespace),
        )
    }

    /// Whose requests they may see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match &self.sees {
            Sees::Everything => Scope::All,
            Sees::Namespaces(names) => {
                Scope::Namespaces(names.iter().map(|name| name.as_str().into()).collect())
            }
            Sees::Key(key) => Scope::Key(key.as_str().into()),
        }
    }

    /// Whether they are there as the holder of a key.
    #[must_use]
    pub fn is_holder(&self) -> bool {
        matches!(self.sees, Sees::Key(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn viewer(sees: Sees) -> Viewer {
        Viewer {
            name: "someone".to_owned(),
            sees,
        }
    }

    #[test]
    fn who_may_see_one_namespace_sees_nothing_of_another() {
        let lead = viewer(Sees::Namespaces(BTreeSet::from(["search".to_owned()])));
        assert!(lead.sees_object("search/checkout"));
        for other in ["search-2/a", "shop/search", "searc/h"] {
            assert!(!lead.sees_object(other), "{other}");
        }
        assert_eq!(lead.scope(), Scope::Namespaces(vec!["search".into()]));
    }

    #[test]
    fn who_holds_a_key_sees_its_requests_and_no_object() {
        let holder = viewer(Sees::Key("search/a".to_owned()));
        assert_eq!(holder.scope(), Scope::Key("search/a".into()));
        assert!(!holder.sees_object("search/a"));
    }
}
