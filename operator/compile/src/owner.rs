//! Team and Organization: who belongs to whom.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::{LabelSelector, Organization, OrganizationSpec, Team, TeamSpec};
use fairlead_snapshot::ObjectName;

use crate::finding::{Finding, Reason};
use crate::kinds::{About, Kind};
use crate::object::Object;
use crate::path::Path;
use crate::selector;
use crate::world::World;

impl Kind for Team {
    const NAME: &'static str = "Team";
    type Spec = TeamSpec;

    fn faults(_: &TeamSpec, _: &About<'_>) -> Vec<Finding> {
        Vec::new()
    }
}

impl Kind for Organization {
    const NAME: &'static str = "Organization";
    type Spec = OrganizationSpec;

    fn faults(spec: &OrganizationSpec, about: &About<'_>) -> Vec<Finding> {
        let mut faults = selector::faults(
            &spec.namespace_selector,
            &Path::of("spec").field("namespaceSelector"),
        );
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
    organizations: BTreeMap<String, Membership>,
    teams: BTreeMap<ObjectName, Option<String>>,
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
    ) -> Self {
        let mut owners = Self::default();
        for object in organizations {
            owners.add_organization(object, world);
        }
        for object in teams {
            owners.add_team(object, world);
        }
        owners
    }

    /// The organization of a team, if there is such a team.
    pub(crate) fn team(&self, name: &ObjectName) -> Option<Option<&str>> {
        self.teams.get(name).map(Option::as_deref)
    }

    /// Whether there is such an organization.
    pub(crate) fn has_organization(&self, name: &str) -> bool {
        self.organizations.contains_key(name)
    }

    fn add_organization(&mut self, object: &mut Object<'_, Organization>, world: &World<'_>) {
        if let Some(spec) = &object.spec {
            self.organizations.insert(
                object.name.name.clone(),
                Membership::Selected(spec.namespace_selector.clone()),
            );
        } else if world.settings.is_gateway(&object.name.namespace)
            && world.past.organization(&object.name.name)
        {
            self.organizations
                .insert(object.name.name.clone(), Membership::AsBefore);
            object.previous(Vec::new());
        }
    }

    fn add_team(&mut self, object: &mut Object<'_, Team>, world: &World<'_>) {
        let before = world.past.team(&object.name);
        let wanted = match (&object.spec, before) {
            (Some(spec), _) => spec
                .organization_ref
                .as_ref()
                .map(|reference| reference.name.to_string()),
            (None, Some(organization)) => organization.map(str::to_owned),
            (None, None) => return,
        };
        let joined = wanted
            .map(|organization| self.join(&object.name, organization, before.flatten(), world))
            .transpose();
        let (organization, unresolved) = joined.map_or_else(
            |finding| (None, vec![finding]),
            |organization| (organization, Vec::new()),
        );
        self.teams.insert(object.name.clone(), organization);
        if object.spec.is_some() {
            object.unresolved(unresolved);
        } else {
            object.previous(unresolved);
        }
    }

    /// The organization, if it is there and takes teams of this namespace.
    fn join(
        &self,
        team: &ObjectName,
        organization: String,
        before: Option<&str>,
        world: &World<'_>,
    ) -> Result<String, Finding> {
        let finding = |reason, message: String| {
            Finding::new(&Path::of("spec").field("organizationRef"), reason, message)
        };
        let gateway = &world.settings.gateway_namespace;
        match self.organizations.get(&organization) {
            Some(Membership::Selected(selector)) if world.selects(selector, &team.namespace) => {
                Ok(organization)
            }
            Some(Membership::AsBefore) if before == Some(organization.as_str()) => Ok(organization),
            Some(Membership::Selected(_)) => {
                let message = format!(
                    "the Organization {organization} does not select the namespace {}; have it do so, or remove the reference",
                    team.namespace
                );
                Err(finding(Reason::NotPermitted, message))
            }
            Some(Membership::AsBefore) => {
                let message = format!(
                    "the Organization {gateway}/{organization} is not acceptable as it stands, so no further team can join it"
                );
                Err(finding(Reason::OrganizationNotFound, message))
            }
            None => {
                let message = format!("there is no accepted Organization {gateway}/{organization}");
                Err(finding(Reason::OrganizationNotFound, message))
            }
        }
    }
}
