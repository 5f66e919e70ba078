//! Candidates that are chosen by how they do: what users write -> what the gateway judges by. Every default is that of the snapshot's type.

use std::time::Duration;

use fairlead_crds::text::DurationText;
use fairlead_crds::v1alpha1 as spec;
use fairlead_snapshot::{Adaptive, AdaptiveWeights, CredentialStrategy};

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// An interval is no shorter and no longer: fewer requests than come in a second tell nothing, and after minutes they tell of what was.
const INTERVALS: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(300)];
/// A ramp is no longer.
const LONGEST_RAMP: Duration = Duration::from_secs(3600);

/// How the targets of a rule are judged.
pub(crate) fn build(given: Option<&spec::Strategy>) -> Adaptive {
    let given = given.and_then(|strategy| strategy.adaptive.clone());
    let (given, default) = (given.unwrap_or_default(), Adaptive::default());
    Adaptive {
        interval: length(given.interval.as_ref()).unwrap_or(default.interval),
        explore_percent: given.explore_percent.unwrap_or(default.explore_percent),
        ramp_up: length(given.ramp_up.as_ref()).unwrap_or(default.ramp_up),
        weights: weights(given.weights.as_ref()),
    }
}

/// How a provider's credentials are chosen.
pub(crate) fn credentials(given: Option<spec::CredentialStrategy>) -> CredentialStrategy {
    match given {
        None | Some(spec::CredentialStrategy::Weighted) => CredentialStrategy::Weighted,
        Some(spec::CredentialStrategy::Adaptive) => CredentialStrategy::Adaptive,
    }
}

fn weights(given: Option<&spec::AdaptiveWeights>) -> AdaptiveWeights {
    let given = given.cloned().unwrap_or_default();
    let default = AdaptiveWeights::default();
    AdaptiveWeights {
        errors: given.errors.unwrap_or(default.errors),
        first_token: given.first_token.unwrap_or(default.first_token),
        per_token: given.per_token.unwrap_or(default.per_token),
        utilization: given.utilization.unwrap_or(default.utilization),
    }
}

/// What is wrong with a strategy.
pub(crate) fn faults(given: &spec::Strategy, path: &Path) -> Vec<Finding> {
    let Some(adaptive) = &given.adaptive else {
        return Vec::new();
    };
    let path = path.field("adaptive");
    let built = build(Some(given));
    let AdaptiveWeights {
        errors,
        first_token,
        per_token,
        utilization,
    } = built.weights;
    let [shortest, longest] = INTERVALS;
    let fault = |wrong: bool, path: Path, message: &str| {
        wrong.then(|| Finding::new(&path, Reason::Invalid, message.to_owned()))
    };
    let all = [
        fault(
            given.kind != spec::StrategyType::Adaptive,
            path.clone(),
            "adaptive goes with type Adaptive only",
        ),
        fault(
            built.interval < shortest || built.interval > longest,
            path.field("interval"),
            "must be from 1s to 5m",
        ),
        fault(
            built.ramp_up > LONGEST_RAMP,
            path.field("rampUp"),
            "must be at most 1h",
        ),
        fault(
            adaptive.weights.is_some() && errors + first_token + per_token + utilization == 0,
            path.field("weights"),
            "nothing counts, so that all targets would be alike; give one of them a weight above 0, or use strategy Weighted",
        ),
    ];
    all.into_iter().flatten().collect()
}

/// What is wrong with how credentials are chosen.
pub(crate) fn credential_faults(spec: &spec::LLMProviderSpec, path: &Path) -> Option<Finding> {
    let none = spec.credential_strategy.is_some() && spec.credentials.is_none();
    none.then(|| {
        Finding::new(
            &path.field("credentialStrategy"),
            Reason::Invalid,
            "there are no credentials to choose from; list them under credentials, or remove the field",
        )
    })
}

fn length(text: Option<&DurationText>) -> Option<Duration> {
    text.map(DurationText::to_duration)
}
