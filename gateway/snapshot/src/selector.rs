//! Picking providers by their labels.
//!
//! A selector travels as it was written and the labels of providers beside it, so that what is picked follows from what is in force: of an
//! object whose edit was refused, the last accepted version. Whose labels count is said in [`Selector::picks`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ObjectName, Provider};

/// The labels that a provider must have; all of it holds together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Selector {
    /// Labels with exactly these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// Conditions on labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
}

/// One condition on a label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirement {
    /// The label.
    pub key: String,
    /// How it is compared.
    pub operator: Operator,
    /// With what, where it is compared with something.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// How a label is compared, as Kubernetes means it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Operator {
    /// It has one of the values.
    In,
    /// It has none of them, or is missing.
    NotIn,
    /// It is there.
    Exists,
    /// It is missing.
    DoesNotExist,
}

/// The labels of a provider, as far as a selector asks for them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Labels {
    /// Those that it has.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub given: BTreeMap<String, String>,
    /// Whether it may have others, too: then what is not given is not missing, but unknown, and satisfies nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
}

impl Labels {
    /// Whether it is known to have none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && !self.partial
    }
}

impl Selector {
    /// Whether a provider is picked by an object of the namespace `own`. Anybody may write any label onto a provider of a namespace of theirs, so
    /// that only labels of the object's own namespace and of the gateway's count; no other provider is picked, whatever is asked of its labels.
    #[must_use]
    pub fn picks(
        &self,
        own: &str,
        gateway_namespace: &str,
        name: &ObjectName,
        provider: &Provider,
    ) -> bool {
        let vouched = name.namespace == gateway_namespace || name.namespace == own;
        vouched && self.matches(&provider.labels)
    }

    /// Whether labels satisfy every condition.
    #[must_use]
    pub fn matches(&self, labels: &Labels) -> bool {
        let exact = |(key, value): (&String, &String)| labels.given.get(key) == Some(value);
        self.labels.iter().all(exact)
            && self
                .requirements
                .iter()
                .all(|requirement| requirement.holds(labels))
    }

    /// The labels that it asks for.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        let keys = self.requirements.iter().map(|requirement| &requirement.key);
        self.labels.keys().chain(keys).map(String::as_str)
    }
}

impl Requirement {
    fn holds(&self, labels: &Labels) -> bool {
        let found = labels.given.get(&self.key);
        let listed = found.is_some_and(|value| self.values.contains(value));
        let known = found.is_some() || !labels.partial;
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => known && !listed,
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => known && found.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(text: &str, partial: bool) -> Labels {
        let pairs = text.split_whitespace().filter_map(|pair| {
            let (key, value) = pair.split_once('=')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Labels {
            given: pairs.collect(),
            partial,
        }
    }

    /// Which of some labels a requirement holds for: `region=eu`, `region=us`, none, and none that is known.
    fn holds_for(operator: Operator, values: &[&str]) -> [bool; 4] {
        let selector = Selector {
            requirements: vec![Requirement {
                key: "region".to_owned(),
                operator,
                values: values.iter().map(|value| (*value).to_owned()).collect(),
            }],
            ..Selector::default()
        };
        let all = [
            labels("region=eu", false),
            labels("region=us", false),
            labels("tier=gold", false),
            labels("tier=gold", true),
        ];
        all.map(|labels| selector.matches(&labels))
    }

    #[test]
    fn conditions_mean_what_they_mean_in_kubernetes_and_nothing_unknown_satisfies_one() {
        for (operator, values, expected) in [
            (Operator::In, &["eu", "ch"][..], [true, false, false, false]),
            (Operator::NotIn, &["us"][..], [true, false, true, false]),
            (Operator::Exists, &[], [true, true, false, false]),
            (Operator::DoesNotExist, &[], [false, false, true, false]),
        ] {
            assert_eq!(holds_for(operator, values), expected, "{operator:?}");
        }
    }

    #[test]
    fn every_condition_has_to_hold() {
        let selector = Selector {
            labels: labels("region=eu certification=hipaa", false).given,
            requirements: vec![Requirement {
                key: "stage".to_owned(),
                operator: Operator::NotIn,
                values: vec!["test".to_owned()],
            }],
        };
        for (text, matches) in [
            ("region=eu certification=hipaa", true),
            ("region=eu certification=hipaa stage=live", true),
            ("region=eu certification=hipaa stage=test", false),
            ("region=eu", false),
            ("region=EU certification=hipaa", false),
            ("", false),
        ] {
            assert_eq!(selector.matches(&labels(text, false)), matches, "{text}");
        }
        let keys: Vec<&str> = selector.keys().collect();
        assert_eq!(keys, ["certification", "region", "stage"]);
    }
}
