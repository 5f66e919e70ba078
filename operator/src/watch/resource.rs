//! What is kept of each watched object: what the compiler reads and what the reports compare, nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use fairlead_compile::{Document, Origin, Secret, SecretBytes};
use fairlead_snapshot::ObjectName;
use k8s_openapi::api::core::v1::{Namespace, Secret as KubeSecret};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::ResourceExt as _;
use kube::api::DynamicObject;
use serde_json::Value;

/// A custom resource. It is kept as the JSON it is: no object can be so wrong that a watch stumbles over it.
#[derive(Debug)]
pub struct Resource {
    /// Its uid.
    pub uid: String,
    /// Counted up by the API server with every change of the spec.
    pub generation: i64,
    /// Without status and what the API server notes for itself.
    pub document: Arc<Document>,
    /// What was reported of it last.
    pub status: Value,
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
    pub fn read(
        api: &kube::api::ApiResource,
        mut object: DynamicObject,
    ) -> Option<(ObjectName, Self)> {
        let name = ObjectName::new(object.namespace().unwrap_or_default(), object.name_any());
        let status = object
            .data
            .as_object_mut()
            .and_then(|data| data.remove("status"))
            .unwrap_or_default();
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
pub struct LabelledSecret {
    /// Its labels and values; for whom it was made is not known yet.
    pub secret: Secret,
    /// The uid of the virtual key that controls it.
    pub controller: Option<String>,
}

/// Keeps a Secret.
#[must_use]
pub fn secret(object: KubeSecret) -> Option<(ObjectName, LabelledSecret)> {
    let name = ObjectName::new(object.namespace().unwrap_or_default(), object.name_any());
    let mut owners = object.owner_references().iter();
    let controller = owners
        .find(|owner| owner.controller == Some(true) && owner.kind == "VirtualKey")
        .map(|owner| owner.uid.clone());
    let labels = object.labels().clone();
    let data = object.data.unwrap_or_default();
    let secret = Secret {
        labels,
        any_use: false,
        data: data
            .into_iter()
            .map(|(key, value)| (key, SecretBytes::new(value.0)))
            .collect(),
        generated_for: None,
    };
    Some((name, LabelledSecret { secret, controller }))
}

/// Keeps the labels of a namespace; its name stands for both parts.
#[must_use]
#[expect(
    clippy::needless_pass_by_value,
    reason = "what a watch calls with each object"
)]
pub fn namespace(object: Namespace) -> Option<(ObjectName, BTreeMap<String, String>)> {
    let name = object.name_any();
    Some((ObjectName::new(&name, &name), object.labels().clone()))
}

/// An endpoint of the gateways' Service that takes requests.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The pod, or the address where none is named.
    pub pod: String,
    /// Its address.
    pub address: String,
}

/// Keeps the endpoints of a slice that are ready and not about to go.
#[must_use]
pub fn endpoints(slice: EndpointSlice) -> Option<(ObjectName, Vec<Endpoint>)> {
    let name = ObjectName::new(slice.namespace().unwrap_or_default(), slice.name_any());
    let ready = slice.endpoints.into_iter().filter(|endpoint| {
        let conditions = endpoint.conditions.clone().unwrap_or_default();
        // An absent `ready` means ready; `terminating` overrules it for Services that publish unready addresses.
        conditions.ready.unwrap_or(true) && !conditions.terminating.unwrap_or(false)
    });
    let mut found: Vec<Endpoint> = ready
        .filter_map(|endpoint| {
            let address = endpoint.addresses.first()?.clone();
            let pod = endpoint.target_ref.and_then(|target| target.name);
            Some(Endpoint {
                pod: pod.unwrap_or_else(|| address.clone()),
                address,
            })
        })
        .collect();
    found.sort();
    Some((name, found))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn endpoints_that_are_not_ready_or_about_to_go_are_left_out() {
        let endpoint = |pod: &str, conditions: Value| json!({"addresses": [format!("10.0.0.{pod}")], "conditions": conditions, "targetRef": {"kind": "Pod", "name": pod}});
        let slice = json!({
            "metadata": {"namespace": "own", "name": "gateway-1"},
            "addressType": "IPv4",
            "endpoints": [
                endpoint("3", json!({"ready": true})),
                endpoint("1", json!({})),
                endpoint("2", json!({"ready": false})),
                endpoint("4", json!({"ready": true, "terminating": true})),
            ],
        });
        let (_, found) = endpoints(serde_json::from_value(slice).unwrap()).unwrap();
        let pods: Vec<&str> = found.iter().map(|endpoint| endpoint.pod.as_str()).collect();
        assert_eq!(pods, ["1", "3"]);
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
