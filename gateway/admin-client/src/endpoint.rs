//! Where gateways are.

use fairlead_snapshot::ObjectName;
use k8s_openapi::api::discovery::v1::EndpointSlice;

/// An endpoint of the gateways' Service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Endpoint {
    /// The pod, or the address where none is named.
    pub pod: String,
    /// Its address.
    pub address: String,
}

/// The endpoints of a slice that are not about to go, and whether each takes requests.
#[must_use]
pub fn endpoints(slice: EndpointSlice) -> Option<(ObjectName, Vec<(Endpoint, bool)>)> {
    let namespace = slice.metadata.namespace.unwrap_or_default();
    let name = ObjectName::new(namespace, slice.metadata.name.unwrap_or_default());
    let endpoints = slice.endpoints.into_iter().filter_map(|endpoint| {
        let conditions = endpoint.conditions.unwrap_or_default();
        // `terminating` overrules `ready` for Services that publish unready addresses.
        if conditions.terminating.unwrap_or(false) {
            return None;
        }
        let address = endpoint.addresses.first()?.clone();
        let pod = endpoint.target_ref.and_then(|target| target.name);
        let endpoint = Endpoint {
            pod: pod.unwrap_or_else(|| address.clone()),
            address,
        };
        // An absent `ready` means ready.
        Some((endpoint, conditions.ready.unwrap_or(true)))
    });
    let mut found: Vec<_> = endpoints.collect();
    found.sort();
    Some((name, found))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn endpoints_that_are_about_to_go_are_left_out_and_those_that_are_not_ready_are_known() {
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
        let pods: Vec<(&str, bool)> = found
            .iter()
            .map(|(endpoint, ready)| (endpoint.pod.as_str(), *ready))
            .collect();
        assert_eq!(pods, [("1", true), ("2", false), ("3", true)]);
    }
}
