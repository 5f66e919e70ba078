//! Team and Organization: who belongs to whom, and what owners limit.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::{LabelSelector, Organization, OrganizationSpec, Team, TeamSpec};
use fairlead_snapshot::{Credentials, ObjectName, Owner, Provider};

use crate::allow;
use crate::bounds::Room;
use crate::finding::{Finding, Reason};
use crate::kinds::{About, Kind};
use crate::limits::{self, Said};
use crate::object::Object;
use crate::path::Path;
use crate::reference;
use crate::selector;
use crate::verdict::InForce;
use crate::world::World;

impl Kind for Team {
    const NAME: &'static str = "Team";
    type Spec = TeamSpec;

    fn faults(spec: &TeamSpec, _: &About<'_>) -> Vec<Finding> {
        let mut faults = allow::faults(spec.allow.as_ref(), spec.deny.as_ref());
        faults.extend(limits_of_team(spec).faults(&Path::of("spec")));
        faults
    }
}

fn limits_of_team(spec: &TeamSpec) -> Said<'_> {
    let (budgets, rates) = (spec.budgets.as_ref(), spec.rate_limits.as_ref());
    Said::new(budgets, rates, spec.concurrency.as_ref()).up_to(spec.max_cost_per_request.as_ref())
}

fn limits_of_organization(spec: &OrganizationSpec) -> Said<'_> {
    let (budgets, rates) = (spec.budgets.as_ref(), spec.rate_limits.as_ref());
    Said::new(budgets, rates, spec.concurrency.as_ref()).up_to(spec.max_cost_per_request.as_ref())
}

impl Kind for Organization {
    const NAME: &'static str = "Organization";
    type Spec = OrganizationSpec;

    fn faults(spec: &OrganizationSpec, about: &About<'_>) -> Vec<Finding> {
        let mut faults = selector::faults(
            &spec.namespace_selector,
            &Path::of("spec").field("namespaceSelector"),
        );
        faults.extend(allow::faults(spec.allow.as_ref(), spec.deny.as_ref()));
        faults.extend(limits_of_organization(spec).faults(&Path::of("spec")));
        if !about.is_gateway() {
            let message = format!(
                "an Organization lives in the gateway's namespace, {}; nobody else may say whose teams are one",
                about.settings.gateway_namespace
            );
            faults.push(Finding::new(
                &Path::of("metadata").field("namespace"),
                Reason::NotPermitted,
                message,
            ));
        }
        faults
    }
}

/// The teams and organizations in force.
#[derive(Default)]
pub(crate) struct Owners {
    organizations: BTreeMap<String, (Membership, Owner)>,
    teams: BTreeMap<ObjectName, Owner>,
}

/// Which teams may join an organization.
enum Membership {
    /// Those of these namespaces.
    Selected(LabelSelector),
    /// Those that had joined when its last accepted version was read.
    AsBefore,
}

impl Owners {
    /// Links teams to organizations.
    pub(crate) fn link(
        organizations: &mut [Object<'_, Organization>],
        teams: &mut [Object<'_, Team>],
        world: &World<'_>,
        room: &mut Room<'_>,
    ) -> Self {
        let mut owners = Self::default();
        for object in organizations {
            owners.add_organization(object, world, room);
        }
        for object in teams {
            owners.add_team(object, world, room);
        }
        owners
    }

    /// A team, with the organization that it names.
    pub(crate) fn team(&self, name: &ObjectName) -> Option<&Owner> {
        self.teams.get(name)
    }

    /// Whether there is such an organization.
    pub(crate) fn has_organization(&self, name: &str) -> bool {
        self.organizations.contains_key(name)
    }

    /// Looks at the providers that owners name. What an organization names is not its own: it is the providers of its teams' namespaces.
    pub(crate) fn look_up(
        &self,
        organizations: &mut [Object<'_, Organization>],
        teams: &mut [Object<'_, Team>],
        providers: &BTreeMap<ObjectName, Provider>,
    ) {
        for object in organizations {
            if let Some((_, owner)) = self.organizations.get(&object.name.name)
                && object.verdict.in_force != InForce::Nothing
            {
                object.also(missing(owner, None, providers));
            }
        }
        for object in teams {
            if let Some(owner) = self.teams.get(&object.name) {
                object.also(missing(owner, Some(&object.name.namespace), providers));
            }
        }
    }

    /// The teams and the organizations that a snapshot has to name.
    pub(crate) fn into_entries(
        self,
        gateway_namespace: &str,
    ) -> (BTreeMap<ObjectName, Owner>, BTreeMap<ObjectName, Owner>) {
        let teams = self.teams.into_iter();
        let teams = teams.filter(|(_, owner)| owner.restricts() || owner.apart);
        let organizations = self.organizations.into_iter();
        let organizations = organizations
            .map(|(name, (_, owner))| (ObjectName::new(gateway_namespace, name), owner))
            .filter(|(_, owner)| owner.restricts());
        (teams.collect(), organizations.collect())
    }

    fn add_organization(
        &mut self,
        object: &mut Object<'_, Organization>,
        world: &World<'_>,
        room: &mut Room<'_>,
    ) {
        let name = object.name.name.clone();
        if let Some(spec) = &object.spec {
            let owner = Owner {
                limits: limits_of_organization(spec).build(&object.name.namespace),
                allow: allow::build(
                    &object.name.namespace,
                    spec.allow.as_ref(),
                    spec.deny.as_ref(),
                ),
                ..Owner::default()
            };
            match take(room, &object.name, &owner) {
                Ok(()) => {
                    let selected = Membership::Selected(spec.namespace_selector.clone());
                    self.organizations.insert(name, (selected, owner));
                    return;
                }
                Err(finding) => object.refuse(finding),
            }
        }
        if !world.settings.is_gateway(&object.name.namespace) {
            return;
        }
        let last = world.past.organization(&object.name);
        let Some(owner) = last.filter(|owner| take(room, &object.name, owner).is_ok()) else {
            return;
        };
        self.organizations
            .insert(name, (Membership::AsBefore, owner));
        object.previous(Vec::new());
    }

    fn add_team(&mut self, object: &mut Object<'_, Team>, world: &World<'_>, room: &mut Room<'_>) {
        let before = world.past.team(&object.name);
        let joined = before.as_ref().filter(|owner| !owner.apart);
        let joined = joined.and_then(|owner| owner.organization.clone());
        if let Some(spec) = &object.spec {
            let mut owner = team(&object.name, spec);
            let unresolved = self.join(&object.name, &mut owner, joined.as_deref(), world);
            match take(room, &object.name, &owner) {
                Ok(()) => {
                    self.teams.insert(object.name.clone(), owner);
                    object.unresolved(unresolved);
                    return;
                }
                Err(finding) => object.refuse(finding),
            }
        }
        let Some(mut owner) = before else { return };
        let unresolved = self.join(&object.name, &mut owner, joined.as_deref(), world);
        if take(room, &object.name, &owner).is_ok() {
            self.teams.insert(object.name.clone(), owner);
            object.previous(unresolved);
        }
    }

    /// Says whether the organization that a team names is there and takes it. `before`: the one that it had joined.
    fn join(
        &self,
        team: &ObjectName,
        owner: &mut Owner,
        before: Option<&str>,
        world: &World<'_>,
    ) -> Vec<Finding> {
        let Some(organization) = owner.organization.as_deref() else {
            return Vec::new();
        };
        let refused = self.refused(team, organization, before, world);
        owner.apart = refused.is_some();
        refused.into_iter().collect()
    }

    /// Why an organization is not one that a team is in.
    fn refused(
        &self,
        team: &ObjectName,
        organization: &str,
        before: Option<&str>,
        world: &World<'_>,
    ) -> Option<Finding> {
        let finding = |reason, message: String| {
            let message = format!("{message}. Until then the keys of the team are refused");
            let path = Path::of("spec").field("organizationRef");
            Some(Finding::new(&path, reason, message))
        };
        let gateway = &world.settings.gateway_namespace;
        match self
            .organizations
            .get(organization)
            .map(|(membership, _)| membership)
        {
            Some(Membership::Selected(selector)) if world.selects(selector, &team.namespace) => {
                None
            }
            Some(Membership::AsBefore) if before == Some(organization) => None,
            Some(Membership::Selected(_)) => {
                let message = format!(
                    "the Organization {organization} does not select the namespace {}; have it do so, or remove the reference",
                    team.namespace
                );
                finding(Reason::NotPermitted, message)
            }
            Some(Membership::AsBefore) => {
                let message = format!(
                    "the Organization {gateway}/{organization} is not acceptable as it stands, so no further team can join it"
                );
                finding(Reason::OrganizationNotFound, message)
            }
            None => {
                let message = format!("there is no accepted Organization {gateway}/{organization}");
                finding(Reason::OrganizationNotFound, message)
            }
        }
    }
}

fn team(name: &ObjectName, spec: &TeamSpec) -> Owner {
    let named = spec.organization_ref.as_ref();
    Owner {
        limits: limits_of_team(spec).build(&name.namespace),
        allow: allow::build(&name.namespace, spec.allow.as_ref(), spec.deny.as_ref()),
        organization: named.map(|reference| reference.name.to_string()),
        apart: false,
    }
}

/// An owner that limits nothing is not published, so it takes no room.
fn take(room: &mut Room<'_>, name: &ObjectName, owner: &Owner) -> Result<(), Finding> {
    if owner.restricts() {
        room.take(name, owner, &Credentials::default())
    } else {
        Ok(())
    }
}

/// The providers that an owner names and cannot have.
fn missing(
    owner: &Owner,
    namespace: Option<&str>,
    providers: &BTreeMap<ObjectName, Provider>,
) -> Vec<Finding> {
    let listed = owner.allow.providers.iter().flatten();
    let listed = listed.map(|entry| entry.provider.clone());
    let mut findings = allow::unresolved(namespace, listed, providers);
    let named = allow::denied(&owner.allow.deny).chain(limits::named(&owner.limits));
    findings.extend(reference::missing(named, providers));
    findings
}
