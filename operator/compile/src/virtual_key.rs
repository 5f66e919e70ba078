//! VirtualKey -> [`Key`].

mod conflict;
mod value;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::text::ModelPattern as ModelPatternSpec;
use fairlead_crds::v1alpha1::{AllowedProvider as AllowedSpec, VirtualKey, VirtualKeySpec};
use fairlead_snapshot::{
    Allow, AllowedProvider, Key, KeyDigest, Limits, ModelPattern, ObjectName, Provider, Refusal,
};

use crate::finding::{Finding, Reason};
use crate::kinds::{About, Kind};
use crate::object::Object;
use crate::owner::Owners;
use crate::path::Path;
use crate::rule;
use crate::world::World;

pub(crate) use conflict::settle;
pub(crate) use value::Claims;
pub use value::WantedKey;

impl Kind for VirtualKey {
    const NAME: &'static str = "VirtualKey";
    type Spec = VirtualKeySpec;

    fn faults(spec: &VirtualKeySpec, _: &About<'_>) -> Vec<Finding> {
        let path = Path::of("spec").field("allow").field("providers");
        let Some(providers) = spec
            .allow
            .as_ref()
            .and_then(|allow| allow.providers.as_deref())
        else {
            return Vec::new();
        };
        let mut faults: Vec<Finding> = twice(providers)
            .map(|at| {
                Finding::new(
                    &path.index(at),
                    Reason::Invalid,
                    "a provider is listed twice",
                )
            })
            .collect();
        if !providers.is_empty() && providers.iter().all(|provider| provider.weight == Some(0)) {
            faults.push(Finding::new(
                &path,
                Reason::Invalid,
                "at least one provider needs a weight above 0",
            ));
        }
        faults
    }
}

/// The entries that are written like an earlier one.
fn twice(providers: &[AllowedSpec]) -> impl Iterator<Item = usize> {
    let same = |a: &AllowedSpec, b: &AllowedSpec| a.name == b.name && a.namespace == b.namespace;
    let earlier = move |at: &usize| {
        providers[..*at]
            .iter()
            .any(|earlier| same(earlier, &providers[*at]))
    };
    (0..providers.len()).filter(earlier)
}

fn resolve(own: &str, provider: &AllowedSpec) -> ObjectName {
    ObjectName::new(
        provider
            .namespace
            .as_ref()
            .map_or(own, |namespace| namespace.as_str()),
        provider.name.as_str(),
    )
}

/// What keys are linked to.
pub(crate) struct Linked<'a> {
    pub(crate) world: &'a World<'a>,
    pub(crate) owners: &'a Owners,
    pub(crate) providers: &'a BTreeMap<ObjectName, Provider>,
    /// What the Secrets of a namespace hold, for those of which it was asked.
    pub(crate) offered: RefCell<BTreeMap<String, BTreeSet<KeyDigest>>>,
}

impl Linked<'_> {
    /// Whether a Secret of the namespace, labelled for it, still holds the value of this digest. The Secrets are gone through once, however many
    /// keys are not acceptable.
    fn offers(&self, namespace: &str, digest: &KeyDigest) -> bool {
        let mut offered = self.offered.borrow_mut();
        let offered = offered
            .entry(namespace.to_owned())
            .or_insert_with(|| value::offered(namespace, self.world.secrets));
        offered.contains(digest)
    }
}

/// A key with its value, team and providers looked up. Values still to be made are noted in `claims`.
pub(crate) fn build(
    name: &ObjectName,
    spec: &VirtualKeySpec,
    to: &Linked<'_>,
    claims: &mut Claims,
) -> (Key, Vec<Finding>) {
    let mut unresolved = Vec::new();
    let digest =
        value::digest(name, &spec.key, to.world.secrets, claims).unwrap_or_else(|finding| {
            unresolved.push(finding);
            None
        });
    let mut key = Key {
        digest,
        refused: None,
        expires_at: spec.expires_at.as_ref().map(|time| time.0.as_second()),
        team: spec.team_ref.as_ref().map(|team| team.name.to_string()),
        organization: None,
        allow: allow(&name.namespace, spec),
        limits: Limits::default(),
    };
    unresolved.extend(link(name, &mut key, spec.suspended == Some(true), to));
    let listed = spec
        .allow
        .iter()
        .flat_map(|allow| allow.providers.iter().flatten());
    let listed = listed.map(|provider| resolve(&name.namespace, provider));
    unresolved.extend(provider_findings(&name.namespace, listed, to.providers));
    (key, unresolved)
}

/// The last accepted version of a key whose present one is not acceptable. What revokes it counts all the same: a value that is in no
/// Secret any more, a team that is gone, and `suspended: true` even in a version that is otherwise bad.
pub(crate) fn relink(
    object: &Object<'_, VirtualKey>,
    last: &Key,
    to: &Linked<'_>,
) -> (Key, Vec<Finding>) {
    let mut key = last.clone();
    key.digest = last
        .digest
        .clone()
        .filter(|digest| to.offers(&object.name.namespace, digest));
    let suspended = last.refused == Some(Refusal::Suspended)
        || object.document.value["spec"]["suspended"] == true;
    let mut unresolved = Vec::new();
    if key.digest.is_none() && last.digest.is_some() {
        let message = "the value of the version in force is in no Secret of the namespace any more; mend the object so that it is read anew";
        unresolved.push(Finding::new(
            &Path::of("spec").field("key").field("secretRef"),
            Reason::SecretNotFound,
            message,
        ));
    }
    unresolved.extend(link(&object.name, &mut key, suspended, to));
    let listed = key
        .allow
        .providers
        .iter()
        .flatten()
        .map(|entry| entry.provider.clone());
    unresolved.extend(provider_findings(
        &object.name.namespace,
        listed,
        to.providers,
    ));
    (key, unresolved)
}

/// Fills in organization and refusal. A suspension is never hidden behind a missing team: the snapshot remembers one refusal, and the team may
/// come back while the object cannot be read.
fn link(name: &ObjectName, key: &mut Key, suspended: bool, to: &Linked<'_>) -> Vec<Finding> {
    let mut unresolved = Vec::new();
    let team = key
        .team
        .as_deref()
        .map(|team| ObjectName::new(&name.namespace, team));
    let found = team.as_ref().map(|team| to.owners.team(team));
    key.organization = found.flatten().flatten().map(str::to_owned);
    if let (Some(team), Some(None)) = (&team, found) {
        let message = format!(
            "there is no accepted Team {team}; the key is refused until there is, because the team's rules would not hold for it"
        );
        unresolved.push(Finding::new(
            &Path::of("spec").field("teamRef"),
            Reason::TeamNotFound,
            message,
        ));
    }
    key.refused = match (&key.digest, found) {
        (None, _) => Some(Refusal::NoValue),
        (Some(_), _) if suspended => Some(Refusal::Suspended),
        (Some(_), Some(None)) => Some(Refusal::NoTeam),
        (Some(_), Some(Some(_)) | None) => None,
    };
    unresolved
}

/// Every provider is kept by name: one that is missing offers nothing, and if all are missing the key may use nothing, rather than everything. One that is listed
/// with its namespace and again without has both shares.
fn allow(own: &str, spec: &VirtualKeySpec) -> Allow {
    let allow = spec.allow.clone().unwrap_or_default();
    let pattern = |pattern: &ModelPatternSpec| ModelPattern(pattern.to_string());
    Allow {
        models: allow
            .models
            .map(|models| models.iter().map(pattern).collect()),
        providers: allow.providers.map(|listed| {
            let mut providers: Vec<AllowedProvider> = Vec::with_capacity(listed.len());
            for entry in &listed {
                let (provider, weight) = (resolve(own, entry), entry.weight.unwrap_or(1));
                match providers
                    .iter_mut()
                    .find(|known| known.provider == provider)
                {
                    Some(known) => known.weight = known.weight.saturating_add(weight),
                    None => providers.push(AllowedProvider { provider, weight }),
                }
            }
            providers
        }),
    }
}

fn provider_findings(
    namespace: &str,
    listed: impl Iterator<Item = ObjectName>,
    providers: &BTreeMap<ObjectName, Provider>,
) -> Vec<Finding> {
    let path = Path::of("spec").field("allow").field("providers");
    let finding = |(at, name): (usize, ObjectName)| match providers.get(&name) {
        None => Some(Finding::new(
            &path.index(at),
            Reason::ProviderNotFound,
            rule::not_found(&name),
        )),
        Some(provider) if !provider.access.permits(namespace) => Some(Finding::new(
            &path.index(at),
            Reason::NotPermitted,
            rule::not_permitted(&name, namespace),
        )),
        Some(_) => None,
    };
    listed.enumerate().filter_map(finding).collect()
}
