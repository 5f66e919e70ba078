//! What objects are linked against: settings, Secrets, namespaces, and the last accepted versions.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::LabelSelector;

use crate::envelope::Envelope;
use crate::inputs::{Inputs, Settings};
use crate::previous::Past;
use crate::provider::pods::LookedUp;
use crate::secret::Secrets;
use crate::services::Services;

/// The label that Kubernetes puts on every namespace: its name.
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// What objects are linked against.
pub(crate) struct World<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) secrets: &'a Secrets,
    pub(crate) services: &'a Services,
    /// The pods that were looked up there.
    pub(crate) looked_up: LookedUp,
    pub(crate) past: Past<'a>,
    /// Seconds since 1970.
    pub(crate) now: i64,
    namespaces: BTreeMap<String, BTreeMap<String, String>>,
}

impl<'a> World<'a> {
    pub(crate) fn new(inputs: &'a Inputs, past: Past<'a>) -> Self {
        Self {
            settings: &inputs.settings,
            secrets: &inputs.secrets,
            services: &inputs.services,
            looked_up: LookedUp::default(),
            past,
            now: inputs.now,
            namespaces: namespaces(inputs),
        }
    }

    /// The namespaces whose labels satisfy `selector`.
    pub(crate) fn selected(&self, selector: &LabelSelector) -> impl Iterator<Item = &String> {
        self.namespaces
            .iter()
            .filter(|(_, labels)| selector.matches(labels))
            .map(|(name, _)| name)
    }

    /// Whether the labels of `namespace` satisfy `selector`.
    pub(crate) fn selects(&self, selector: &LabelSelector, namespace: &str) -> bool {
        self.namespaces
            .get(namespace)
            .is_some_and(|labels| selector.matches(labels))
    }
}

/// Every namespace that exists or that an object mentions. The name label is always the true one, whatever a file says.
fn namespaces(inputs: &Inputs) -> BTreeMap<String, BTreeMap<String, String>> {
    let mentioned = inputs
        .objects
        .iter()
        .map(|document| Envelope::of(document).name().namespace);
    let mut namespaces = inputs.namespaces.clone();
    for name in mentioned.chain([inputs.settings.gateway_namespace.clone()]) {
        namespaces.entry(name).or_default();
    }
    for (name, labels) in &mut namespaces {
        labels.insert(NAME_LABEL.to_owned(), name.clone());
    }
    namespaces
}
