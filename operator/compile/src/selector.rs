//! What the schema cannot say about a label selector.

use fairlead_crds::v1alpha1::{LabelSelector, Operator};

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
