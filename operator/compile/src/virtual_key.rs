//! VirtualKey -> [`Key`].

mod callers;
mod conflict;
mod value;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::v1alpha1::{VirtualKey, VirtualKeySpec};
use fairlead_snapshot::{Key, KeyDigest, ObjectName, Provider, Refusal};

use crate::allow;
use crate::finding::{Finding, Reason};
use crate::kinds::{About, Kind};
use crate::limits::{self, Said};
use crate::object::Object;
use crate::owner::Owners;
use crate::path::Path;
use crate::reference;
use crate::world::World;

pub(crate) use conflict::settle;
pub(crate) use value::Claims;
pub use value::WantedKey;

impl Kind for VirtualKey {
    const NAME: &'static str = "VirtualKey";
    type Spec = VirtualKeySpec;

    fn faults(spec: &VirtualKeySpec, about: &About<'_>) -> Vec<Finding> {
        let mut faults = allow::faults(spec.allow.as_ref(), spec.deny.as_ref());
        faults.extend(callers::faults(spec, about));
        faults.extend(said(spec).faults(&Path::of("spec")));
        faults
    }
}

fn said(spec: &VirtualKeySpec) -> Said<'_> {
    let (budgets, rates) = (spec.budgets.as_ref(), spec.rate_limits.as_ref());
    Said::new(budgets, rates, spec.concurrency.as_ref())
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

/// A key with its value, team and providers looked up. Values still to be made are noted in `claims`; `created` is in seconds since 1970.
pub(crate) fn build(
    name: &ObjectName,
    created: Option<i64>,
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
        oidc: callers::oidc(&spec.key, created),
        networks: callers::networks(spec),
        refused: None,
        expires_at: spec.expires_at.as_ref().map(|time| time.0.as_second()),
        team: spec.team_ref.as_ref().map(|team| team.name.to_string()),
        organization: None,
        allow: allow::build(&name.namespace, spec.allow.as_ref(), spec.deny.as_ref()),
        limits: said(spec).build(&name.namespace),
    };
    unresolved.extend(link(name, &mut key, spec.suspended == Some(true), to));
    let listed = allow::listed(&name.namespace, spec.allow.as_ref());
    unresolved.extend(provider_findings(name, &key, listed, to));
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
    if let Some(oidc) = &mut key.oidc {
        let settings = &to.world.settings;
        oidc.issuer.private_network &= settings.permits_private_network(&object.name.namespace);
    }
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
    let listed = key.allow.providers.iter().flatten();
    let listed = listed.map(|entry| entry.provider.clone()).collect();
    unresolved.extend(provider_findings(&object.name, &key, listed, to));
    (key, unresolved)
}

/// Fills in organization and refusal. A suspension is never hidden behind a missing team: the snapshot remembers one refusal, and the team may
/// come back while the object cannot be read.
fn link(name: &ObjectName, key: &mut Key, suspended: bool, to: &Linked<'_>) -> Vec<Finding> {
    let team = key.team.as_deref();
    let team = team.map(|team| ObjectName::new(&name.namespace, team));
    let found = team.as_ref().map(|team| to.owners.team(team));
    key.organization = match found {
        Some(Some(owner)) if !owner.apart => owner.organization.clone(),
        Some(_) | None => None,
    };
    let missing = match (&team, found) {
        (Some(team), Some(None)) => Some((
            Refusal::NoTeam,
            Reason::TeamNotFound,
            format!(
                "there is no accepted Team {team}; the key is refused until there is, because the team's rules would not hold for it"
            ),
        )),
        (Some(team), Some(Some(owner))) if owner.apart => Some((
            Refusal::NoOrganization,
            Reason::OrganizationNotFound,
            format!(
                "the Team {team} names an Organization that is not there or does not take it; the key is refused until it does, because the organization's limits would not hold for it"
            ),
        )),
        _ => None,
    };
    key.refused = match (key.can_be_presented(), &missing) {
        (false, _) => Some(Refusal::NoValue),
        (true, _) if suspended => Some(Refusal::Suspended),
        (true, Some((refusal, _, _))) => Some(*refusal),
        (true, None) => None,
    };
    let finding = |(_, reason, message): (Refusal, Reason, String)| {
        Finding::new(&Path::of("spec").field("teamRef"), reason, message)
    };
    missing.map(finding).into_iter().collect()
}

fn provider_findings(
    name: &ObjectName,
    key: &Key,
    listed: Vec<ObjectName>,
    to: &Linked<'_>,
) -> Vec<Finding> {
    let mut findings = allow::unresolved(Some(&name.namespace), listed, to.providers);
    let named = allow::denied(&key.allow.deny).chain(limits::named(&key.limits));
    findings.extend(reference::missing(named, to.providers));
    findings
}
