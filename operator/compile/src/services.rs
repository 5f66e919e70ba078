//! The endpoints of Services, as `discovery.k8s.io/v1` EndpointSlices tell of them: the pods that may be sent requests, and at which ports.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use fairlead_snapshot::{ObjectName, is_never_an_endpoint};
use k8s_openapi::api::discovery::v1::EndpointSlice;

use crate::inference::InferencePool;

/// The label that says whose endpoints a slice holds.
pub const SERVICE_LABEL: &str = "kubernetes.io/service-name";

/// The Services and InferencePools that providers may name.
#[derive(Debug, Clone, Default)]
pub struct Services {
    /// The slices of each that is known, by the Service's name: of one that is known and has none there are none. Of one that is not here nothing is
    /// known, for nobody has listed its slices yet.
    pub slices: BTreeMap<ObjectName, Vec<Arc<Slice>>>,
    /// Those that files define, which have pods in a cluster only.
    pub declared: BTreeSet<ObjectName>,
    /// Those that are named and not watched, for their namespace names too many.
    pub unwatched: BTreeSet<ObjectName>,
    /// What is known of each InferencePool. Of one that is not here that is nothing yet.
    pub inference_pools: BTreeMap<ObjectName, InferencePool>,
    /// The InferencePools that files define, which have pods in a cluster only.
    pub declared_inference_pools: BTreeSet<ObjectName>,
}

/// Some of the endpoints of a Service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    /// The Service.
    pub service: String,
    /// The ports of all of these endpoints, each with the Service's name for it, which may be empty.
    pub ports: Vec<(String, u16)>,
    /// The endpoints that take requests.
    pub addresses: Vec<IpAddr>,
}

impl Slice {
    /// What counts of a slice: its ports for TCP, and the endpoints that are ready and not about to go. `None`: it belongs to no Service. Anybody
    /// who may write slices may write any address; those that nobody may be led to are left out here, the rest is for the gateway to judge when it
    /// connects, as it judges what names resolve to.
    #[must_use]
    pub fn read(slice: &EndpointSlice) -> Option<Self> {
        let labels = slice.metadata.labels.as_ref()?;
        let service = labels.get(SERVICE_LABEL).filter(|name| !name.is_empty())?;
        let ports = slice.ports.iter().flatten().filter_map(|port| {
            let is_tcp = port.protocol.as_deref().is_none_or(|name| name == "TCP");
            let number = u16::try_from(port.port?).ok().filter(|port| *port > 0)?;
            is_tcp.then(|| (port.name.clone().unwrap_or_default(), number))
        });
        let addresses = slice.endpoints.iter().filter_map(|endpoint| {
            let says = endpoint.conditions.as_ref();
            let going = says.and_then(|says| says.terminating) == Some(true);
            // An absent `ready` means ready; `terminating` overrules it for Services that publish unready addresses.
            let ready = says.and_then(|says| says.ready) != Some(false);
            let address: IpAddr = endpoint.addresses.first()?.parse().ok()?;
            let may_be = !is_never_an_endpoint(address) && !address.to_canonical().is_loopback();
            (ready && !going && may_be).then_some(address)
        });
        Some(Self {
            service: service.clone(),
            ports: ports.collect(),
            addresses: addresses.collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(slice: Value) -> Option<Slice> {
        Slice::read(&serde_json::from_value(slice).unwrap())
    }

    fn slice(endpoints: &Value) -> Value {
        json!({
            "metadata": {"namespace": "a", "name": "vllm-1", "labels": {SERVICE_LABEL: "vllm"}},
            "addressType": "IPv4",
            "ports": [
                {"name": "http", "port": 8000, "protocol": "TCP"},
                {"name": "gossip", "port": 8001, "protocol": "UDP"},
                {"name": "any"},
                {"name": "odd", "port": 70_000},
            ],
            "endpoints": endpoints,
        })
    }

    #[test]
    fn endpoints_that_are_not_ready_or_about_to_go_do_not_count() {
        let endpoint = |last: u8, conditions: Value| json!({"addresses": [format!("10.0.0.{last}")], "conditions": conditions});
        let read = read(slice(&json!([
            endpoint(3, json!({"ready": true})),
            endpoint(1, json!({})),
            endpoint(2, json!({"ready": false})),
            endpoint(4, json!({"ready": true, "terminating": true})),
            {"addresses": ["10.0.0.5"]},
            {"addresses": ["pod.example"]},
            {"addresses": []},
        ])))
        .unwrap();
        assert_eq!(read.service, "vllm");
        assert_eq!(read.ports, [("http".to_owned(), 8000)]);
        let addresses: Vec<String> = read.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["10.0.0.3", "10.0.0.1", "10.0.0.5"]);
    }

    #[test]
    fn nobody_is_led_to_a_metadata_service_by_a_slice_that_a_tenant_has_written() {
        let endpoints = json!([
            {"addresses": ["169.254.169.254"]},
            {"addresses": ["127.0.0.1"]},
            {"addresses": ["fd00:ec2::254"]},
            {"addresses": ["::ffff:169.254.169.254"]},
        ]);
        assert_eq!(
            read(slice(&endpoints)).unwrap().addresses,
            [] as [IpAddr; 0]
        );
    }

    #[test]
    fn a_slice_of_no_service_is_nobodys() {
        assert_eq!(read(json!({"addressType": "IPv4", "endpoints": []})), None);
        let empty = json!({"metadata": {"labels": {SERVICE_LABEL: ""}}, "addressType": "IPv4", "endpoints": []});
        assert_eq!(read(empty), None);
    }
}
