//! `constrain`: a rule that chooses nothing and narrows what may be asked.

use fairlead_crds::v1alpha1::{Precedence, RoutingRuleSpec};

use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::selector;

/// What CEL refuses, said again for those without an API server.
pub(super) fn faults(spec: &RoutingRuleSpec, path: &Path) -> Vec<Finding> {
    let targets = path.field("targets");
    let Some(constrain) = &spec.constrain else {
        let nothing = spec.targets.is_none().then(|| {
            Finding::new(
                &targets,
                Reason::Required,
                "is required; a rule needs targets, or constrain instead of them",
            )
        });
        return nothing.into_iter().collect();
    };
    let path = path.field("constrain");
    let mut faults = selector::provider_faults(
        &constrain.provider_selector,
        &path.field("providerSelector"),
    );
    let mut fault = |path: &Path, message: &str| {
        faults.push(Finding::new(path, Reason::Invalid, message));
    };
    if spec.targets.is_some() {
        fault(
            &targets,
            "a rule that constrains chooses nothing; remove the targets, or put constrain into a rule of its own",
        );
    }
    if spec.precedence != Some(Precedence::Override) {
        fault(&path, "constrain goes with precedence: Override only");
    }
    if chooses(spec) {
        fault(
            &path,
            "a rule that constrains chooses nothing and has no order among others: only precedence, scope and match go with constrain",
        );
    }
    faults
}

/// Whether it says anything of how a target is chosen or asked.
fn chooses(spec: &RoutingRuleSpec) -> bool {
    spec.priority.is_some()
        || spec.strategy.is_some()
        || spec.fallbacks.is_some()
        || spec.timeouts.is_some()
        || spec.retries.is_some()
        || spec.stream.is_some()
        || spec.hedge.is_some()
        || spec.affinity.is_some()
        || spec.on_unsupported.is_some()
}
