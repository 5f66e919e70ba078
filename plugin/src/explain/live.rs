//! The configuration that gateways enforce, as the operator publishes it.

use fairlead_published::ReadError;
use fairlead_snapshot::Snapshot;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;

use crate::args::Place;
use crate::error::{Error, Need};
use crate::session::Session;

/// The live generation and all of it.
///
/// # Errors
/// The user may not read it, it is not there, or it is of another version.
pub(super) async fn snapshot(session: &Session, place: &Place) -> Result<(u64, Snapshot), Error> {
    let namespace = &place.gateway_namespace;
    let maps: Api<ConfigMap> = Api::namespaced(session.client.clone(), namespace);
    let found = fairlead_published::read(&maps, &place.gateway_name).await;
    found.map_err(|error| match error {
        ReadError::Api(error) => {
            let need = Need::new("get", "configmaps", Some(namespace));
            need.failed("reading what gateways enforce", &error)
        }
        ReadError::Absent(name) => Error::Other(format!(
            "nothing is published as {name} in the namespace {namespace}; is it another --gateway-namespace or --gateway-name?"
        )),
        ReadError::Index(_) | ReadError::Shard(..) => Error::Other(error.to_string()),
    })
}
