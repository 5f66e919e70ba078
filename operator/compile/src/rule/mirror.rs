//! `mirror`: who gets copies of requests, and whose limits these count towards.
//!
//! A copy is nothing that its caller has asked for. Where the platform says so, it is the platform's expense; where a tenant does, it counts towards
//! the limits of the tenant's own keys, for else whoever may write rules could spend what no budget counts.

use fairlead_crds::v1alpha1::{Mirror as MirrorSpec, MirrorCharge, RoutingRuleSpec};
use fairlead_snapshot::{Charge, Mirror, Target};

use super::resolve;
use crate::amend;
use crate::finding::{Finding, Reason};
use crate::inputs::Settings;
use crate::kinds::About;
use crate::path::Path;

/// How many copies may be under way at a time, where it is not said.
const IN_FLIGHT: u32 = 16;

/// As it travels.
pub(super) fn build(own: &str, spec: &MirrorSpec, settings: &Settings) -> Mirror {
    let target = Target {
        name: spec.name.to_string(),
        provider: resolve(own, &spec.provider_ref),
        model: spec.model.as_ref().map(ToString::to_string),
        weight: 1,
        problem: None,
        parameters: amend::parameters(spec.parameters.as_ref()),
        headers: amend::headers(spec.headers.as_ref()),
    };
    Mirror {
        target,
        percent: spec.percent,
        max_in_flight: spec.max_in_flight.unwrap_or(IN_FLIGHT),
        charge: match spec.charge {
            Some(MirrorCharge::Caller) => Charge::Caller,
            Some(MirrorCharge::Provider) | None if settings.is_gateway(own) => Charge::Provider,
            Some(MirrorCharge::Provider) | None => Charge::Caller,
        },
    }
}

/// What a namespace may not ask for, and what cannot be changed in a request.
pub(super) fn faults(spec: &RoutingRuleSpec, about: &About<'_>, path: &Path) -> Vec<Finding> {
    let path = path.field("mirror");
    let mut faults = Vec::new();
    for (at, mirror) in spec.mirror.iter().flatten().enumerate() {
        let path = path.index(at);
        if mirror.charge == Some(MirrorCharge::Provider) && !about.is_gateway() {
            let message = format!(
                "copies that count towards no limit of a key are permitted only in the gateway's namespace, {}; remove the field",
                about.settings.gateway_namespace
            );
            faults.push(Finding::new(
                &path.field("charge"),
                Reason::NotPermitted,
                message,
            ));
        }
        let (parameters, headers) = (mirror.parameters.as_ref(), mirror.headers.as_ref());
        faults.extend(amend::faults(parameters, headers, &path));
    }
    faults
}
