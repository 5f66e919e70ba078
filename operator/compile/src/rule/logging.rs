//! `logging`: what is kept of the content of a rule's requests. A rule is only ever about the requests that it takes itself, and a tenant's takes those of
//! the tenant's own keys; what an installation does not keep, no rule makes it keep.

use std::sync::Arc;

use fairlead_crds::v1alpha1::{
    LoggedContent as ContentSpec, Logging as LoggingSpec, RoutingRuleSpec,
};
use fairlead_snapshot::{LoggedContent, Logging, RedactPattern};

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// As it travels; `None`: nothing is kept.
pub(super) fn build(spec: Option<&LoggingSpec>) -> Option<Arc<Logging>> {
    let spec = spec?;
    let content = match spec.content? {
        ContentSpec::None => return None,
        ContentSpec::Request => LoggedContent::Request,
        ContentSpec::Full => LoggedContent::Full,
    };
    let redact = spec.redact.iter().flatten().map(|pattern| RedactPattern {
        name: pattern.name.to_string(),
        pattern: pattern.pattern.clone(),
    });
    Some(Arc::new(Logging {
        content,
        redact: redact.collect(),
    }))
}

/// What CEL refuses, and what no schema can see: a pattern that does not compile.
pub(super) fn faults(spec: &RoutingRuleSpec, path: &Path) -> Vec<Finding> {
    let Some(logging) = &spec.logging else {
        return Vec::new();
    };
    let path = path.field("logging");
    let mut faults = Vec::new();
    if spec.targets.is_none() {
        let message =
            "logging goes with targets only: it is of the requests that the rule sends there";
        faults.push(Finding::new(&path, Reason::Invalid, message));
    }
    for (at, pattern) in logging.redact.iter().flatten().enumerate() {
        let path = path.field("redact").index(at);
        if let Err(error) = fairlead_redact::check(&pattern.pattern) {
            faults.push(Finding::new(
                &path.field("pattern"),
                Reason::Invalid,
                error.to_string(),
            ));
        }
    }
    faults
}
