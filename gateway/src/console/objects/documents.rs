//! Objects as the compiler reads them, for whoever writes a rule.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::{Document, Origin};
use fairlead_console::view::build::Form;
use fairlead_snapshot::ObjectName;
use kube::ResourceExt as _;
use kube::api::{DynamicObject, TypeMeta};

use super::Objects;
use crate::config::form;

/// What kubectl notes for itself.
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// An object as people write it: without its status, and without what the API server notes for itself.
#[must_use]
pub(super) fn document(kind: &str, mut object: DynamicObject) -> Option<Arc<Document>> {
    object.metadata.managed_fields = None;
    object.metadata.resource_version = None;
    object.metadata.generation = None;
    object.metadata.uid = None;
    object.annotations_mut().remove(APPLIED);
    if let Some(data) = object.data.as_object_mut() {
        data.remove("status");
    }
    // A list carries no types on its items.
    object.types = Some(TypeMeta {
        api_version: format!("{}/v1alpha1", fairlead_crds::GROUP),
        kind: kind.to_owned(),
    });
    let value = serde_json::to_value(object).ok()?;
    let origin = Origin::default();
    Some(Arc::new(Document { value, origin }))
}

impl Objects {
    /// All of this installation.
    #[must_use]
    pub(in crate::console) fn documents(&self) -> Vec<Arc<Document>> {
        let mut all = Vec::new();
        for (_, _, shelf) in &self.shelves {
            let shelf = shelf.lock();
            let objects = shelf.iter().flat_map(|objects| objects.values());
            let ours = objects.filter(|object| self.is_ours(object));
            all.extend(ours.filter_map(|object| object.document.clone()));
        }
        all
    }

    /// The rules of the platform and its tenants, each as the form says it.
    #[must_use]
    pub(in crate::console) fn forms(&self) -> BTreeMap<ObjectName, Form> {
        let mut forms = BTreeMap::new();
        for shelf in self.of_kind(form::KIND) {
            for (name, object) in shelf.lock().iter().flatten() {
                let document = object.document.as_ref().filter(|_| self.is_ours(object));
                let form = document.and_then(|document| form::of(document));
                forms.extend(form.map(|form| (name.clone(), form)));
            }
        }
        forms
    }

    /// The labels of namespaces.
    #[must_use]
    pub(in crate::console) fn labels(&self) -> BTreeMap<String, BTreeMap<String, String>> {
        self.labels.lock().clone().unwrap_or_default()
    }
}
