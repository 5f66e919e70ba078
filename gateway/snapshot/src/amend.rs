//! What is changed in every request that goes to a provider or a target.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Members at the top of the body, in the words of the provider's API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Parameters {
    /// What a request has where its caller says nothing of it.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub defaults: BTreeMap<String, Value>,
    /// What a request has whatever its caller says.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub overrides: BTreeMap<String, Value>,
    /// What a request does not have, whatever its caller says.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub remove: BTreeSet<String>,
}

impl Parameters {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.defaults.is_empty() && self.overrides.is_empty() && self.remove.is_empty()
    }

    /// Adds what another says of members of which nothing is said here. A default here goes before one there, and gives way to what is said there
    /// whatever the caller says: where both hold, the request has the same.
    pub fn then(&mut self, other: &Self) {
        let is_said =
            |name: &str, own: &Self| own.overrides.contains_key(name) || own.remove.contains(name);
        let own = self.clone();
        for (name, value) in &other.overrides {
            if !is_said(name, &own) {
                self.overrides.insert(name.clone(), value.clone());
            }
        }
        let removed = other.remove.iter().filter(|name| !is_said(name, &own));
        self.remove.extend(removed.cloned());
        for (name, value) in &other.defaults {
            if !is_said(name, &own) && !own.defaults.contains_key(name) {
                self.defaults.insert(name.clone(), value.clone());
            }
        }
    }
}

/// Headers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Headers {
    /// Headers that are sent, whatever the caller sends under their names, which are in lower case.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<String, String>,
    /// Headers of the caller that are not passed on.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub remove: BTreeSet<String>,
}

impl Headers {
    /// Whether nothing is changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.remove.is_empty()
    }

    /// Adds what another says of headers of which nothing is said here.
    pub fn then(&mut self, other: &Self) {
        let own = self.clone();
        let is_said = |name: &String| own.set.contains_key(name) || own.remove.contains(name);
        let set = other.set.iter().filter(|(name, _)| !is_said(name));
        self.set
            .extend(set.map(|(name, value)| (name.clone(), value.clone())));
        let removed = other.remove.iter().filter(|name| !is_said(name));
        self.remove.extend(removed.cloned());
    }
}
