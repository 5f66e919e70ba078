//! What is kept of each watched object: what the compiler reads and what the reports compare, nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_admin_client::Endpoint;
use fairlead_compile::{
    CA_BYTES, CLIENT_CERTIFICATE_BYTES, CREDENTIAL_BYTES, Document, KEY_BYTES, Origin,
    ROTATION_REQUEST_BYTES, RotationState, Secret,
};
use fairlead_crds::{
    SECRET_CA, SECRET_CLIENT_CERTIFICATE, SECRET_CREDENTIAL, SECRET_LABEL, SECRET_VIRTUAL_KEY,
};
use fairlead_snapshot::ObjectName;
use fairlead_snapshot::SecretBytes;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret as KubeSecret};
use kube::ResourceExt as _;
use kube::api::{DynamicObject, ObjectMeta};
use serde_json::Value;

use super::kept::Item;

/// What an entry of a Secret takes beside its key and value.
const ENTRY_BYTES: usize = 100;

/// A custom resource. It is kept as the JSON it is: no object can be so wrong that a watch stumbles over it.
#[derive(Debug)]
pub(crate) struct Resource {
    /// Its uid.
    pub uid: String,
    /// Counted up by the API server with every change of the spec.
    pub generation: i64,
    /// Without status and what the API server notes for itself.
    pub document: Arc<Document>,
    /// What was reported of it last, but for its usage.
    pub status: Value,
    /// What was said last of how its limits stand: `status.usage`.
    pub usage: Value,
    /// What an event about it is attached to.
    pub reference: k8s_openapi::api::core::v1::ObjectReference,
}

/// A status that changed is our own doing.
impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.uid == other.uid && self.document == other.document
    }
}

impl Resource {
    /// Keeps an object.
    #[must_use]
    pub(crate) fn read(
        api: &kube::api::ApiResource,
        mut object: DynamicObject,
    ) -> Option<(ObjectName, Self)> {
        let name = ObjectName::new(object.namespace().unwrap_or_default(), object.name_any());
        let take = |value: &mut Value, name: &str| {
            let members = value.as_object_mut();
            members.and_then(|members| members.remove(name))
        };
        let mut status = take(&mut object.data, "status").unwrap_or_default();
        let usage = take(&mut status, "usage").unwrap_or_default();
        let reference = reference(api, &name, &object);
        object.metadata.managed_fields = None;
        object.metadata.resource_version = None;
        let (uid, generation) = (
            object.uid().unwrap_or_default(),
            object.metadata.generation.unwrap_or_default(),
        );
        // A list carries no types on its items.
        object.types = Some(kube::api::TypeMeta {
            api_version: api.api_version.clone(),
            kind: api.kind.clone(),
        });
        let value = serde_json::to_value(object).ok()?;
        let resource = Self {
            uid,
            generation,
            document: Arc::new(Document {
                value,
                origin: Origin::default(),
            }),
            status,
            usage,
            reference,
        };
        Some((name, resource))
    }
}

fn reference(
    api: &kube::api::ApiResource,
    name: &ObjectName,
    object: &DynamicObject,
) -> k8s_openapi::api::core::v1::ObjectReference {
    k8s_openapi::api::core::v1::ObjectReference {
        api_version: Some(api.api_version.clone()),
        kind: Some(api.kind.clone()),
        namespace: Some(name.namespace.clone()),
        name: Some(name.name.clone()),
        uid: object.uid(),
        ..Default::default()
    }
}

/// A Secret that is labelled for us.
#[derive(Debug, PartialEq)]
pub(crate) struct LabelledSecret {
    /// Its labels and values; for whom it was made is not known yet.
    pub secret: Secret,
    /// The uid of the virtual key that controls it.
    pub controller: Option<String>,
    /// It is deleted, and only held back by a finalizer.
    pub is_being_deleted: bool,
}

impl Item for LabelledSecret {
    fn bytes(&self) -> usize {
        let entries = self.secret.data.iter();
        let bytes: usize = entries
            .map(|(key, value)| key.len() + value.len() + ENTRY_BYTES)
            .sum();
        bytes + self.secret.rotation.served.as_ref().map_or(0, String::len)
    }

    fn withhold(&mut self) {
        self.secret.withheld |= !self.secret.data.is_empty();
        self.secret.data = Arc::default();
    }
}

impl Item for Resource {}
impl Item for BTreeMap<String, String> {}
impl Item for Vec<(Endpoint, bool)> {}
impl Item for String {}

/// Keeps of a Secret what may be used: one label, and of a value that is too long no more than shows that it is.
#[must_use]
pub(crate) fn secret(object: KubeSecret) -> Option<(ObjectName, LabelledSecret)> {
    let name = ObjectName::new(object.namespace().unwrap_or_default(), object.name_any());
    let mut owners = object.owner_references().iter();
    let controller = owners
        .find(|owner| owner.controller == Some(true) && owner.kind == "VirtualKey")
        .map(|owner| owner.uid.clone());
    let label = object
        .labels()
        .get(SECRET_LABEL)
        .cloned()
        .unwrap_or_default();
    let is_being_deleted = object.metadata.deletion_timestamp.is_some();
    let most = match label.as_str() {
        SECRET_CREDENTIAL => CREDENTIAL_BYTES,
        SECRET_VIRTUAL_KEY => KEY_BYTES,
        SECRET_CA => CA_BYTES,
        SECRET_CLIENT_CERTIFICATE => CLIENT_CERTIFICATE_BYTES,
        _ => 0,
    };
    let value = |(key, value): (String, ByteString)| {
        let mut value = value.0;
        value.truncate(most + 1);
        value.shrink_to_fit();
        (key, SecretBytes::new(value))
    };
    let rotation = match controller {
        Some(_) => rotation(&object.metadata),
        None => RotationState::default(),
    };
    let data = object.data.unwrap_or_default().into_iter().map(value);
    let secret = Secret {
        labels: BTreeMap::from([(SECRET_LABEL.to_owned(), label)]),
        any_use: false,
        withheld: false,
        data: Arc::new(data.collect()),
        generated_for: None,
        rotation,
    };
    let labelled = LabelledSecret {
        secret,
        controller,
        is_being_deleted,
    };
    Some((name, labelled))
}

/// What the Secret of a generated key says of its value. A request that is longer than one may be was not served by us.
#[must_use]
pub(crate) fn rotation(metadata: &ObjectMeta) -> RotationState {
    let created = metadata.creation_timestamp.as_ref();
    let created = created.map(|time| time.0.as_second());
    let none = BTreeMap::new();
    let mut says = RotationState::of(created, metadata.annotations.as_ref().unwrap_or(&none));
    says.served = says
        .served
        .filter(|served| served.len() <= ROTATION_REQUEST_BYTES);
    says
}

/// Keeps the version of the index.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a watch calls with each object"
)]
pub(crate) fn version(object: ConfigMap) -> Option<(ObjectName, String)> {
    let name = ObjectName::new(object.namespace().unwrap_or_default(), object.name_any());
    Some((name, object.resource_version()?))
}

/// Keeps the labels of a namespace; its name stands for both parts.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a watch calls with each object"
)]
pub(crate) fn namespace(object: Namespace) -> Option<(ObjectName, BTreeMap<String, String>)> {
    let name = object.name_any();
    Some((ObjectName::new(&name, &name), object.labels().clone()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_a_value_that_is_too_long_no_more_is_kept_than_shows_it() {
        let object = json!({
            "metadata": {"namespace": "a", "name": "s", "labels": {"fairlead.dev/secret": "credential", "x": "y".repeat(63)}},
            "data": {"long": "QUJD".repeat(200_000), "short": "QUJD"},
        });
        let (_, kept) = secret(serde_json::from_value(object).unwrap()).unwrap();
        assert_eq!(kept.secret.data["long"].len(), CREDENTIAL_BYTES + 1);
        assert_eq!(kept.secret.data["short"].expose(), b"ABC");
        assert_eq!(kept.secret.labels.len(), 1);
        assert!(kept.bytes() < 10_000);
    }

    #[test]
    fn a_status_alone_is_no_change() {
        let api = kube::api::ApiResource::erase::<fairlead_crds::v1alpha1::Team>(&());
        let read = |status: &str, organization: &str| {
            let object = json!({
                "metadata": {"namespace": "a", "name": "t", "uid": "1", "generation": 1, "resourceVersion": status},
                "spec": {"organizationRef": {"name": organization}},
                "status": {"observedGeneration": 1, "x": status},
            });
            Resource::read(&api, serde_json::from_value(object).unwrap())
                .unwrap()
                .1
        };
        assert!(read("1", "o") == read("2", "o"));
        assert!(read("1", "o") != read("1", "p"));
        assert_eq!(read("1", "o").document.value["kind"], "Team");
    }
}
