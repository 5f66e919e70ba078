//! What the schema cannot say about a label selector, and the form in which those of providers travel.

use fairlead_crds::v1alpha1::{LabelSelector, Operator};
use fairlead_snapshot::{Operator as Comparison, Requirement, Selector};

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// Conditions whose values do not go with their operator.
pub(crate) fn faults(selector: &LabelSelector, path: &Path) -> Vec<Finding> {
    let requirements = selector.match_expressions.iter().flatten().enumerate();
    let wrong = requirements.filter(|(_, requirement)| {
        let wants_values = matches!(requirement.operator, Operator::In | Operator::NotIn);
        wants_values
            != requirement
                .values
                .as_ref()
                .is_some_and(|values| !values.is_empty())
    });
    let path = path.field("matchExpressions");
    wrong
        .map(|(at, _)| {
            Finding::new(
                &path.index(at),
                Reason::Invalid,
                "values go with In and NotIn, and only with them",
            )
        })
        .collect()
}

/// The same of a selector of providers, which has to say something: one that picks every provider was hardly meant.
pub(crate) fn provider_faults(selector: &LabelSelector, path: &Path) -> Vec<Finding> {
    let mut faults = faults(selector, path);
    let built = build(selector);
    if built.labels.is_empty() && built.requirements.is_empty() {
        faults.push(Finding::new(
            path,
            Reason::Invalid,
            "the selector is empty and picks every provider; give matchLabels or matchExpressions",
        ));
    }
    faults
}

/// A selector of providers as it travels.
pub(crate) fn build(selector: &LabelSelector) -> Selector {
    let requirements = selector.match_expressions.iter().flatten();
    Selector {
        labels: selector.match_labels.clone().unwrap_or_default(),
        requirements: requirements
            .map(|requirement| Requirement {
                key: requirement.key.clone(),
                operator: match requirement.operator {
                    Operator::In => Comparison::In,
                    Operator::NotIn => Comparison::NotIn,
                    Operator::Exists => Comparison::Exists,
                    Operator::DoesNotExist => Comparison::DoesNotExist,
                },
                values: requirement.values.clone().unwrap_or_default(),
            })
            .collect(),
    }
}
