//! Keys, and how limits stand.

use fairlead_console::Viewer;
use fairlead_console::view::key::{KeyView, LimitView};
use fairlead_snapshot::{Key, ObjectName, Refusal, Snapshot};

use crate::govern::report::Line;

/// So many keys are told of.
const KEYS: usize = 1_000;

/// The first of those that this viewer may see, and how many there are; now, in seconds since 1970.
#[must_use]
pub(crate) fn told(snapshot: &Snapshot, viewer: &Viewer, now: i64) -> (Vec<KeyView>, usize) {
    let seen = || {
        let all = snapshot.keys.iter();
        all.filter(|(name, _)| viewer.rights.usage.sees(&name.namespace))
    };
    let first = seen().take(KEYS).map(|(name, key)| view(name, key, now));
    (first.collect(), seen().count())
}

/// A key as it is shown; now, in seconds since 1970.
#[must_use]
pub(crate) fn view(name: &ObjectName, key: &Key, now: i64) -> KeyView {
    let expired = key.expires_at.is_some_and(|at| at <= now);
    KeyView {
        name: name.to_string(),
        team: key
            .team
            .as_ref()
            .map(|team| format!("{}/{team}", name.namespace)),
        organization: key.organization.clone(),
        presented_as: match &key.oidc {
            None => "value".to_owned(),
            Some(oidc) => oidc.issuer.name.clone(),
        },
        refused: key
            .refused
            .map(refusal)
            .or(expired.then_some("expired"))
            .map(str::to_owned),
        expires_unix_s: key.expires_at,
        previous_until_unix_s: key.previous.as_ref().map(|previous| previous.until),
        models: key
            .allow
            .models
            .as_ref()
            .map(|models| models.iter().map(|model| model.0.clone()).collect()),
        providers: key.allow.providers.as_ref().map(|providers| {
            providers
                .iter()
                .map(|allowed| allowed.provider.to_string())
                .collect()
        }),
        networks: key.networks.iter().map(ToString::to_string).collect(),
    }
}

/// Why a key is refused, in words.
fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Suspended => "suspended",
        Refusal::NoValue => "it has no usable value",
        Refusal::Conflict => "another key had its value first",
        Refusal::NoTeam => "its team is missing",
        Refusal::NoOrganization => "its team's organization is missing, or does not take it",
    }
}

/// A limit as it is shown.
#[must_use]
pub(crate) fn limit(line: &Line) -> LimitView {
    LimitView {
        level: line.level.to_owned(),
        holder: line.holder.to_string(),
        name: line.name.to_string(),
        kind: line.kind.to_owned(),
        unit: line.unit.to_owned(),
        limit: line.limit.get().to_owned(),
        used: line.used.get().to_owned(),
        remaining: line.remaining.get().to_owned(),
        window: line
            .window
            .as_ref()
            .map(|window| [window.start.clone(), window.end.clone()]),
        per_seconds: line.per_seconds.map(|seconds| seconds.to_string()),
    }
}
