//! Shapes that several kinds share.

use std::collections::BTreeMap;

use kube::KubeSchema;
use serde::{Deserialize, Serialize};

use crate::text::DurationText;

/// How long each part of a request may take. The same field stands on LLMProvider and RoutingRule; the rule's wins, member by member.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Timeouts {
    /// To open a connection, TLS included, per attempt. Absent: 5s.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub connect: Option<DurationText>,
    /// From sending a streamed request to its first content, per attempt. Absent: 30s, or 5m for models known to reason; where another target can be asked, also four times what all but 1 % of this one's streams take, but not under 10s.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub first_token: Option<DurationText>,
    /// From sending a request that is not streamed to the first byte of the answer's body, per attempt. Absent: 5m.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub first_byte: Option<DurationText>,
    /// Between two pieces of an answer; on streams, between two events with content. Absent: 1m.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub idle: Option<DurationText>,
    /// Over all attempts of one request together. Absent: 10m. A caller may lower it with the header x-fairlead-timeout-ms.
    #[x_kube(validation = Rule::new("self.matches('[1-9]')").message("must be longer than 0; leave it out for the default"))]
    pub total: Option<DurationText>,
}

/// Picks objects by their labels; every condition must hold.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels that must have exactly these values.
    #[schemars(transform = bound_labels)]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Conditions on labels.
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub match_expressions: Option<Vec<Requirement>>,
}

/// One condition on a label.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.operator in ['In', 'NotIn']) == (has(self.values) && self.values.size() > 0)")
    .message("values go with In and NotIn, and only with them"))]
pub struct Requirement {
    /// The label's key.
    #[schemars(length(min = 1, max = 317))]
    pub key: String,
    /// How the label is compared.
    pub operator: Operator,
    /// The values to compare with; only for In and NotIn.
    #[schemars(length(max = 16), inner(length(max = 63)))]
    #[x_kube(merge_strategy = ListMerge::Atomic)]
    pub values: Option<Vec<String>>,
}

/// How a label is compared.
#[derive(schemars::JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// The label has one of the values.
    In,
    /// The label has none of the values, or is missing.
    NotIn,
    /// The label is there.
    Exists,
    /// The label is missing.
    DoesNotExist,
}

/// Bounds a map of labels: `schemars` has no attribute for the size of a map, nor for its values.
fn bound_labels(schema: &mut schemars::Schema) {
    schema.insert("maxProperties".to_owned(), 16.into());
    schema.insert(
        "additionalProperties".to_owned(),
        serde_json::json!({"type": "string", "maxLength": 63}),
    );
}

impl LabelSelector {
    /// Whether `labels` satisfy every condition; an empty selector is satisfied by everything, as in Kubernetes.
    #[must_use]
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let exact = self
            .match_labels
            .iter()
            .flatten()
            .all(|(key, value)| labels.get(key) == Some(value));
        exact
            && self
                .match_expressions
                .iter()
                .flatten()
                .all(|requirement| requirement.holds(labels))
    }
}

impl Requirement {
    fn holds(&self, labels: &BTreeMap<String, String>) -> bool {
        let found = labels.get(&self.key);
        let listed =
            found.is_some_and(|value| self.values.iter().flatten().any(|listed| listed == value));
        match self.operator {
            Operator::In => listed,
            Operator::NotIn => !listed,
            Operator::Exists => found.is_some(),
            Operator::DoesNotExist => found.is_none(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels_of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect()
    }

    #[test]
    fn a_selector_wants_every_condition() {
        let selector: LabelSelector = serde_json::from_value(serde_json::json!({
            "matchLabels": {"llm": "true"},
            "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["test"]}],
        }))
        .unwrap();
        assert!(selector.matches(&labels_of(&[("llm", "true")])));
        assert!(selector.matches(&labels_of(&[("llm", "true"), ("tier", "gold")])));
        assert!(!selector.matches(&labels_of(&[("llm", "true"), ("tier", "test")])));
        assert!(!selector.matches(&labels_of(&[("tier", "gold")])));
    }
}
