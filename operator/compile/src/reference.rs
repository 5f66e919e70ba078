//! Names of providers in any object: resolved in its namespace, and looked at once the providers are known.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::ProviderReference;
use fairlead_snapshot::{ObjectName, Provider};

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// The provider that is meant.
pub(crate) fn resolve(own: &str, reference: &ProviderReference) -> ObjectName {
    let namespace = reference.namespace.as_ref();
    ObjectName::new(
        namespace.map_or(own, |namespace| namespace.as_str()),
        reference.name.as_str(),
    )
}

/// Those of the names that no provider has.
pub(crate) fn missing<'a>(
    named: impl Iterator<Item = (Path, &'a ObjectName)>,
    providers: &BTreeMap<ObjectName, Provider>,
) -> Vec<Finding> {
    let missing = named.filter(|(_, name)| !providers.contains_key(*name));
    missing.map(|(path, name)| not_found(&path, name)).collect()
}

pub(crate) fn not_found(path: &Path, name: &ObjectName) -> Finding {
    Finding::new(path, Reason::ProviderNotFound, crate::rule::not_found(name))
}
