//! The servers of a pool: of a provider that is served at home by several equal ones.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{DurationText, EndpointAddress, Label, ObjectText, PathText};

/// The servers of a pool. What baseURL says of scheme, path, Host header and TLS name counts for all of them; absent, it is
/// `http://NAME.NAMESPACE.svc:PORT` of the Service or InferencePool, or each address by itself, with the path that the type's own clients use.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(has(self.serviceRef) ? 1 : 0) + (has(self.inferencePoolRef) ? 1 : 0) + (has(self.addresses) ? 1 : 0) == 1").message("give serviceRef, inferencePoolRef or addresses, one of them"))]
pub struct Endpoints {
    /// The ready pods of a Service of the provider's namespace. They have private addresses, so allowPrivateNetwork: true goes with it.
    pub service_ref: Option<ServiceReference>,
    /// The ready pods of an InferencePool (inference.networking.k8s.io/v1) of the provider's namespace, at each of its target ports. As of a Service,
    /// allowPrivateNetwork: true goes with it.
    pub inference_pool_ref: Option<InferencePoolReference>,
    /// The servers, each with its port.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub addresses: Option<Vec<EndpointAddress>>,
    /// What a request is placed by. Absent: Prefix.
    pub affinity: Option<EndpointAffinity>,
    /// Whether the servers are asked for their queues and caches. Absent: they are not, and a server is as busy as what this replica has sent it.
    pub metrics: Option<EndpointMetrics>,
}

/// A Service of the provider's namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.port) || !has(self.portName)").message("give port or portName, not both").field_path(".portName"))]
pub struct ServiceReference {
    /// The Service's name.
    pub name: Label,
    /// The port that the pods listen at (the Service's targetPort). Absent, and no portName: the only one there is.
    #[schemars(range(min = 1, max = 65_535), extend("format" = "int32"))]
    pub port: Option<u16>,
    /// The port by the name that the Service gives it.
    pub port_name: Option<Label>,
}

/// An InferencePool of the provider's namespace.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct InferencePoolReference {
    /// The InferencePool's name.
    pub name: ObjectText,
}

/// Where each server tells how much it has to do, as vLLM, SGLang and llama.cpp do: in the text format of Prometheus, at the port that requests go
/// to. No credential goes with it.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct EndpointMetrics {
    /// The path. Absent: /metrics.
    pub path: Option<PathText>,
    /// How often each server is asked, from 1s to 1m. Absent: 5s.
    #[x_kube(validation = Rule::new("duration(self) >= duration('1s') && duration(self) <= duration('1m')").message("must be from 1s to 1m"))]
    pub interval: Option<DurationText>,
}

/// What a request is placed by, within a pool. Prefix: what prompts begin with, so that a conversation finds its server's cache warm, unless
/// that server has a quarter more to do than the others. None: by who has least to do.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointAffinity {
    /// What prompts begin with.
    Prefix,
    /// Nothing of the request.
    None,
}
