//! `strategy.sticky`: users are spread over the targets instead of requests.

use fairlead_crds::v1alpha1::{RoutingRuleSpec, Sticky as StickySpec, StickyType, StrategyType};
use fairlead_snapshot::Sticky;

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// As it travels; `None`: it names no header though it goes by one, which is a fault.
pub(super) fn build(spec: &StickySpec) -> Option<Sticky> {
    match spec.kind {
        StickyType::EndUser => Some(Sticky::EndUser),
        StickyType::Header => Some(Sticky::Header(spec.header.as_ref()?.as_str().to_owned())),
    }
}

/// What CEL refuses, said again for those without an API server.
pub(super) fn faults(spec: &RoutingRuleSpec, path: &Path) -> Vec<Finding> {
    let path = path.field("strategy").field("sticky");
    let Some((strategy, sticky)) = spec
        .strategy
        .as_ref()
        .and_then(|strategy| Some((strategy, strategy.sticky.as_ref()?)))
    else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    if strategy.kind != StrategyType::Weighted {
        let message = "sticky goes with type Weighted only: it spreads users by weight";
        faults.push(Finding::new(&path, Reason::Invalid, message));
    }
    if (sticky.kind == StickyType::Header) != sticky.header.is_some() {
        let message = "header goes with type Header, and only with it";
        faults.push(Finding::new(
            &path.field("header"),
            Reason::Invalid,
            message,
        ));
    }
    faults
}
