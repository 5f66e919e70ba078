//! Our objects as they stand in the API server. As plain data: a plugin is often of another version than the cluster, and what it does not know must
//! not keep it from showing the rest.

use futures_util::future::try_join_all;
use kube::api::{DynamicObject, ListParams};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Api, Client};
use serde_json::Value;

use crate::error::{Error, Need};

/// The kinds, with the names that rights go by.
pub(crate) const KINDS: [(&str, &str); 5] = [
    ("LLMProvider", "llmproviders"),
    ("RoutingRule", "routingrules"),
    ("VirtualKey", "virtualkeys"),
    ("Team", "teams"),
    ("Organization", "organizations"),
];

/// How many objects an answer of the API server has at most.
const PAGE: u32 = 500;

/// The objects of a kind; `namespace`: `None` for all.
pub(crate) fn api(client: &Client, kind: &str, namespace: Option<&str>) -> Api<DynamicObject> {
    let plural = KINDS.iter().find(|(name, _)| *name == kind);
    let plural = plural.map_or("", |(_, plural)| plural);
    let kind = GroupVersionKind::gvk(fairlead_crds::GROUP, "v1alpha1", kind);
    let resource = ApiResource::from_gvk_with_plural(&kind, plural);
    match namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    }
}

/// The name by which rights on a kind go.
pub(crate) fn resource(kind: &str) -> String {
    let found = KINDS.iter().find(|(name, _)| *name == kind);
    let plural = found.map_or(kind, |(_, plural)| plural);
    format!("{plural}.{}", fairlead_crds::GROUP)
}

/// All objects of these kinds, in the order of the kinds and then of their names.
///
/// # Errors
/// The user may not list one of them, or the API server does not answer.
pub(crate) async fn list(
    client: &Client,
    kinds: &[&'static str],
    namespace: Option<&str>,
) -> Result<Vec<(&'static str, Value)>, Error> {
    let all = kinds.iter().map(|&kind| list_kind(client, kind, namespace));
    Ok(try_join_all(all).await?.into_iter().flatten().collect())
}

async fn list_kind(
    client: &Client,
    kind: &'static str,
    namespace: Option<&str>,
) -> Result<Vec<(&'static str, Value)>, Error> {
    let api = api(client, kind, namespace);
    let mut found = Vec::new();
    let mut page = ListParams::default().limit(PAGE);
    loop {
        let list = api.list(&page).await.map_err(|error| {
            let need = Need::new("list", &resource(kind), namespace);
            need.failed(&format!("listing {kind}s"), &error)
        })?;
        for object in list.items {
            let object = serde_json::to_value(&object);
            found.push((
                kind,
                object.map_err(|error| Error::Other(error.to_string()))?,
            ));
        }
        match list.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => page = page.continue_token(&token),
            None => break,
        }
    }
    found.sort_by_key(|(_, object)| full_name(object));
    Ok(found)
}

/// `namespace/name`.
pub(crate) fn full_name(object: &Value) -> String {
    let of = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    format!("{}/{}", of("namespace"), of("name"))
}
