//! Where an object lies in the API: from its `apiVersion`, `kind` and `metadata` to a path.

use anyhow::{Context as _, Result};
use serde_json::Value;

/// The kinds that tests use and that have no namespace.
const WITHOUT_NAMESPACE: [&str; 4] = [
    "Namespace",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
];

/// The address of an object.
#[derive(Debug)]
pub(super) struct Resource<'o> {
    api_version: &'o str,
    plural: String,
    /// `None` for kinds without namespaces.
    namespace: Option<&'o str>,
    name: &'o str,
}

impl<'o> Resource<'o> {
    /// The kinds of Kubernetes that the tests use, and ours.
    pub(super) fn of(object: &'o Value) -> Result<Self> {
        let text = |value: &'o Value, what: &str| {
            value
                .as_str()
                .with_context(|| format!("an object without {what}"))
        };
        let kind = text(&object["kind"], "kind")?;
        let metadata = &object["metadata"];
        Ok(Self {
            api_version: text(&object["apiVersion"], "apiVersion")?,
            plural: plural(kind),
            namespace: (!WITHOUT_NAMESPACE.contains(&kind))
                .then(|| metadata["namespace"].as_str().unwrap_or("default")),
            name: text(&metadata["name"], "metadata.name")?,
        })
    }

    /// Where objects of the kind are created.
    pub(super) fn collection(&self) -> String {
        collection(self.api_version, self.namespace, &self.plural)
    }

    /// Where this object is.
    pub(super) fn item(&self) -> String {
        format!("{}/{}", self.collection(), self.name)
    }
}

/// Where the objects of a kind lie.
pub(super) fn collection(api_version: &str, namespace: Option<&str>, plural: &str) -> String {
    // The core group lies apart for historical reasons.
    let root = if api_version.contains('/') {
        "/apis"
    } else {
        "/api"
    };
    let namespace = namespace
        .map(|namespace| format!("/namespaces/{namespace}"))
        .unwrap_or_default();
    format!("{root}/{api_version}{namespace}/{plural}")
}

fn plural(kind: &str) -> String {
    let ours = fairlead_crds::all()
        .into_iter()
        .find(|crd| crd.spec.names.kind == kind);
    ours.map_or_else(
        || format!("{}s", kind.to_lowercase()),
        |crd| crd.spec.names.plural,
    )
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_lies_below_its_group_and_namespace() {
        let provider = json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "LLMProvider", "metadata": {"name": "openai", "namespace": "search"}});
        assert_eq!(
            Resource::of(&provider).unwrap().item(),
            "/apis/fairlead.dev/v1alpha1/namespaces/search/llmproviders/openai"
        );
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "search"}});
        assert_eq!(
            Resource::of(&namespace).unwrap().collection(),
            "/api/v1/namespaces"
        );
    }
}
