//! The kinds of the API, and what each must answer to be read: its name, its spec, and what its schema cannot say.

use fairlead_snapshot::ObjectName;
use serde::de::DeserializeOwned;

use crate::envelope::Envelope;
use crate::finding::Finding;
use crate::inputs::Settings;

/// What `apiVersion` says on every object of ours.
pub(crate) const API_VERSION: &str = "fairlead.dev/v1alpha1";
/// What `apiVersion` begins with in any version of the API.
pub(crate) const GROUP_PREFIX: &str = "fairlead.dev/";

/// The names of all kinds.
pub(crate) const NAMES: [&str; 5] = [
    "LLMProvider",
    "RoutingRule",
    "VirtualKey",
    "Team",
    "Organization",
];

/// Whether an object says that it is of our API, in the version that is read.
pub(crate) fn is_ours(envelope: &Envelope<'_>) -> bool {
    envelope.api_version == API_VERSION
}

/// A kind: one parser each.
pub(crate) trait Kind {
    /// The kind's name, one of [`NAMES`].
    const NAME: &'static str;
    /// What users write.
    type Spec: DeserializeOwned;

    /// What is wrong with a spec that follows the schema: the CEL rules of the CRD, what its namespace does not permit, and what only a
    /// parser sees. References to other objects are not looked at.
    fn faults(spec: &Self::Spec, about: &About<'_>) -> Vec<Finding>;
}

/// What a parser may know beside the spec.
pub(crate) struct About<'a> {
    /// The object's name.
    pub(crate) name: &'a ObjectName,
    /// What the installation says.
    pub(crate) settings: &'a Settings,
}

impl About<'_> {
    /// Whether the object stands in the gateway's namespace.
    pub(crate) fn is_gateway(&self) -> bool {
        self.settings.is_gateway(&self.name.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crd_has_a_parser() {
        let crds: Vec<String> = fairlead_crds::all()
            .into_iter()
            .map(|crd| crd.spec.names.kind)
            .collect();
        assert_eq!(crds, NAMES);
        assert!(
            fairlead_crds::all().iter().all(|crd| format!(
                "{}/{}",
                crd.spec.group, crd.spec.versions[0].name
            ) == API_VERSION)
        );
    }
}
