//! Who looks, and at what they may look.

use std::collections::BTreeSet;
use std::sync::Arc;

use fairlead_record::Scope;

use crate::identity::Identity;
use crate::source::Holder;

/// Somebody who has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Viewer {
    /// What the pages call them.
    pub name: String,
    /// What they are there as, and which namespaces they are told that they see.
    pub sees: Sees,
    /// Which part of it they may see.
    pub rights: Rights,
    /// Whom the cluster says that they are; `None`: no cluster was asked.
    pub who: Option<Arc<Identity>>,
}

/// What somebody is there as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sees {
    /// Whoever sees all namespaces.
    Everything,
    /// Whoever sees something of these.
    Namespaces(BTreeSet<String>),
    /// The holder of one key, who sees what belongs to it and nothing else.
    Key(Holder),
}

/// What of which namespaces somebody may see. By itself it is nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// Providers, breakers and gateways' health: `get llmproviders/health`.
    pub health: Reach,
    /// Rules, explanations, the builder and what the compiler says: `get routingrules/explain`.
    pub rules: Reach,
    /// How limits stand and what was spent: `get virtualkeys/usage`.
    pub usage: Reach,
    /// Requests, of keys whose spend may be seen too, for a request tells what it cost: `get virtualkeys/requests`.
    pub requests: Reach,
    /// What was written in these requests, where that is kept: `get virtualkeys/content`.
    pub content: Reach,
    /// Whether they may write what the builder has made, as far as the cluster lets them.
    pub apply: bool,
}

/// Namespaces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All of them, and what has none.
    All,
    /// These, and no other; empty: nothing.
    Namespaces(BTreeSet<String>),
}

impl Default for Reach {
    fn default() -> Self {
        Self::Namespaces(BTreeSet::new())
    }
}

impl Reach {
    /// Whether what belongs to this namespace may be shown.
    #[must_use]
    pub fn sees(&self, namespace: &str) -> bool {
        match self {
            Self::All => true,
            Self::Namespaces(names) => names.contains(namespace),
        }
    }

    /// The same of `namespace/name`.
    #[must_use]
    pub fn sees_object(&self, name: &str) -> bool {
        let namespace = name.split_once('/').map_or(name, |(space, _)| space);
        self.sees(namespace)
    }

    /// Whose requests that is.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match self {
            Self::All => Scope::All,
            Self::Namespaces(names) => {
                Scope::Namespaces(names.iter().map(|name| name.as_str().into()).collect())
            }
        }
    }

    /// Whether there is nothing to see.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        matches!(self, Self::Namespaces(names) if names.is_empty())
    }
}

impl Rights {
    /// To see all of these namespaces, and to write nothing.
    #[must_use]
    pub fn to_see(reach: &Reach) -> Self {
        Self {
            health: reach.clone(),
            rules: reach.clone(),
            usage: reach.clone(),
            requests: reach.clone(),
            content: reach.clone(),
            apply: false,
        }
    }
}

impl Viewer {
    /// Whoever sees everything.
    #[must_use]
    pub fn of_everything(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            sees: Sees::Everything,
            rights: Rights::to_see(&Reach::All),
            who: None,
        }
    }

    /// Whoever has these rights; the namespaces are those of any of them.
    #[must_use]
    pub fn with(name: &str, rights: Rights, who: Option<Arc<Identity>>) -> Self {
        let mut all = BTreeSet::new();
        let mut everything = false;
        for reach in [
            &rights.health,
            &rights.rules,
            &rights.usage,
            &rights.requests,
        ] {
            match reach {
                Reach::All => everything = true,
                Reach::Namespaces(names) => all.extend(names.iter().cloned()),
            }
        }
        Self {
            name: name.to_owned(),
            sees: if everything {
                Sees::Everything
            } else {
                Sees::Namespaces(all)
            },
            rights,
            who,
        }
    }

    /// The holder of a key.
    #[must_use]
    pub fn holding(holder: Holder) -> Self {
        Self {
            name: holder.key.clone(),
            sees: Sees::Key(holder),
            rights: Rights::default(),
            who: None,
        }
    }

    /// Whose requests they may see.
    #[must_use]
    pub fn scope(&self) -> Scope {
        match &self.sees {
            Sees::Key(holder) => Scope::Key(holder.key.as_str().into()),
            Sees::Everything | Sees::Namespaces(_) => self.rights.requests.scope(),
        }
    }

    /// Whose spend they may see.
    #[must_use]
    pub fn spend(&self) -> Scope {
        match &self.sees {
            Sees::Key(holder) => Scope::Key(holder.key.as_str().into()),
            Sees::Everything | Sees::Namespaces(_) => self.rights.usage.scope(),
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

    fn of(names: &[&str]) -> Reach {
        Reach::Namespaces(names.iter().map(|name| (*name).to_owned()).collect())
    }

    #[test]
    fn who_may_see_one_namespace_sees_nothing_of_another() {
        let search = of(&["search"]);
        assert!(search.sees_object("search/checkout"));
        for other in ["search-2/a", "shop/search", "searc/h", ""] {
            assert!(!search.sees_object(other), "{other}");
        }
        assert_eq!(search.scope(), Scope::Namespaces(vec!["search".into()]));
    }

    #[test]
    fn each_right_has_a_reach_of_its_own_and_none_is_there_by_itself() {
        let rights = Rights {
            health: of(&["a"]),
            usage: of(&["b"]),
            ..Rights::default()
        };
        let lead = Viewer::with("lead", rights, None);
        assert_eq!(
            lead.sees,
            Sees::Namespaces(BTreeSet::from(["a".to_owned(), "b".to_owned()]))
        );
        assert_eq!(lead.scope(), Scope::default());
        assert_eq!(lead.spend(), Scope::Namespaces(vec!["b".into()]));
        assert!(lead.rights.rules.is_empty() && !lead.rights.apply);
    }

    #[test]
    fn who_holds_a_key_sees_its_requests_and_no_object() {
        let holder = Viewer::holding(Holder::of("search/a", b"sk-fairlead-a"));
        assert_eq!(holder.scope(), Scope::Key("search/a".into()));
        assert_eq!(holder.rights, Rights::default());
        assert!(holder.is_holder());
    }
}
