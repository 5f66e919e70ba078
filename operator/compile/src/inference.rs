//! InferencePools of Gateway API's inference extension: which pods serve a model, and at which ports.
//!
//! Source: `inference.networking.k8s.io/v1`, <https://gateway-api-inference-extension.sigs.k8s.io/reference/spec/>. Its endpoint picker is not asked:
//! which of the pods a request goes to is for the gateway to say.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use fairlead_snapshot::is_never_an_endpoint;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

/// The API's group.
pub const INFERENCE_GROUP: &str = "inference.networking.k8s.io";
/// Its version that is read.
pub const INFERENCE_VERSION: &str = "v1";
/// The most ports that an InferencePool has.
const PORTS: usize = 8;
/// The most labels that a selector may have: they go into a request.
const LABELS: usize = 64;

/// What is known of an InferencePool that a provider names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InferencePool {
    /// The cluster has none at all, for their definition is not installed.
    NotInstalled,
    /// There is none of the name.
    Missing,
    /// More than are watched are named in its namespace, and this is not among the first of them.
    Unwatched,
    /// It says nothing that pods could be found by; this is what is wrong.
    Unreadable(&'static str),
    /// These are its pods that are ready, and their ports.
    Found {
        /// The pods.
        pods: Vec<IpAddr>,
        /// The ports, at each of which every pod has a server.
        ports: BTreeSet<u16>,
    },
}

/// Which pods an InferencePool means, and at which ports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSelector {
    /// The labels that its pods have, at least one.
    pub labels: BTreeMap<String, String>,
    /// The ports.
    pub ports: BTreeSet<u16>,
}

impl PoolSelector {
    /// What counts of an InferencePool's `spec`.
    ///
    /// # Errors
    /// What is wrong with it, where the API server should have refused it or was not asked.
    pub fn read(spec: &Value) -> Result<Self, &'static str> {
        let labels = spec["selector"]["matchLabels"].as_object();
        let labels = labels.filter(|labels| !labels.is_empty());
        let labels = labels.ok_or("its spec.selector.matchLabels is empty")?;
        let text = |(name, value): (&String, &Value)| {
            let value = value.as_str().filter(|value| is_label_value(value))?;
            is_label_name(name).then(|| (name.clone(), value.to_owned()))
        };
        let read: Option<BTreeMap<String, String>> = labels.iter().map(text).collect();
        let read = read.filter(|read| read.len() <= LABELS);
        let ports = spec["targetPorts"].as_array().into_iter().flatten();
        let ports = ports.filter_map(|port| u16::try_from(port["number"].as_u64()?).ok());
        let ports: BTreeSet<u16> = ports.filter(|port| *port > 0).take(PORTS).collect();
        if ports.is_empty() {
            return Err("its spec.targetPorts has no number");
        }
        Ok(Self {
            labels: read.ok_or("its spec.selector.matchLabels are no labels of pods")?,
            ports,
        })
    }

    /// The selector as requests write it.
    #[must_use]
    pub fn query(&self) -> String {
        let each = self.labels.iter();
        let each: Vec<String> = each
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        each.join(",")
    }
}

/// Whether a text is what a label can be called, so that it can stand in a selector: `prefix/name` or `name`.
fn is_label_name(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').unwrap_or(("x", text));
    !name.is_empty() && is_label_value(name) && !prefix.is_empty() && prefix.len() <= 253 && {
        let may = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
        prefix.bytes().all(may)
    }
}

fn is_label_value(text: &str) -> bool {
    let may = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    text.len() <= 63 && text.bytes().all(may)
}

/// Where a pod takes requests; `None`: it does not, for it is not ready, about to go, or at an address that no server can have.
#[must_use]
pub fn ready_address(pod: &Pod) -> Option<IpAddr> {
    let status = pod.status.as_ref()?;
    let conditions = status.conditions.iter().flatten();
    let ready = conditions
        .filter(|condition| condition.type_ == "Ready")
        .any(|condition| condition.status == "True");
    let going = pod.metadata.deletion_timestamp.is_some();
    let address: IpAddr = status.pod_ip.as_ref()?.parse().ok()?;
    let may_be = !is_never_an_endpoint(address) && !address.to_canonical().is_loopback();
    (ready && !going && may_be).then_some(address)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pool_means_the_pods_with_its_labels_at_each_of_its_ports() {
        let spec = json!({
            "selector": {"matchLabels": {"app": "vllm", "example.com/model": "llama-3.1_8b"}},
            "targetPorts": [{"number": 8001}, {"number": 8000}],
            "endpointPickerRef": {"name": "picker", "port": {"number": 9002}},
        });
        let read = PoolSelector::read(&spec).unwrap();
        assert_eq!(read.query(), "app=vllm,example.com/model=llama-3.1_8b");
        assert_eq!(read.ports, BTreeSet::from([8000, 8001]));
    }

    #[test]
    fn a_pool_that_would_mean_every_pod_or_none_is_not_read() {
        let read = |selector: Value, ports: Value| {
            PoolSelector::read(&json!({"selector": selector, "targetPorts": ports}))
        };
        let (labels, ports) = (
            json!({"matchLabels": {"app": "vllm"}}),
            json!([{"number": 8000}]),
        );
        assert!(read(labels.clone(), ports.clone()).is_ok());
        for selector in [
            json!({}),
            json!({"matchLabels": {}}),
            json!({"matchLabels": {"app": 1}}),
            json!({"matchLabels": {"app": "a,b!=c"}}),
            json!({"matchLabels": {"app in (a),b": ""}}),
            json!({"matchLabels": {"": "a"}}),
            json!({"matchLabels": {"/a": "a"}}),
        ] {
            let refused = read(selector.clone(), ports.clone());
            assert!(refused.is_err(), "{selector}");
        }
        for ports in [
            json!([]),
            json!(null),
            json!([{"number": 0}, {"number": 65_536}]),
        ] {
            assert!(read(labels.clone(), ports.clone()).is_err(), "{ports}");
        }
    }

    #[test]
    fn only_pods_that_are_ready_and_stay_take_requests() {
        let pod = |address: &str, ready: &str, more: Value| {
            let mut metadata = json!({"name": "vllm-0"});
            if let Some(more) = more.as_object() {
                metadata.as_object_mut().unwrap().extend(more.clone());
            }
            let pod = json!({"metadata": metadata, "status": {"podIP": address, "conditions": [
                {"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": ready},
            ]}});
            ready_address(&serde_json::from_value(pod).unwrap())
        };
        assert!(pod("10.0.0.1", "True", json!({})).is_some());
        assert!(pod("fd00::1", "True", json!({})).is_some());
        assert_eq!(pod("10.0.0.1", "False", json!({})), None);
        let going = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(pod("10.0.0.1", "True", going), None);
        for nobodys in ["169.254.169.254", "127.0.0.1", "::1", ""] {
            assert_eq!(pod(nobodys, "True", json!({})), None, "{nobodys}");
        }
        assert_eq!(ready_address(&Pod::default()), None);
    }
}
