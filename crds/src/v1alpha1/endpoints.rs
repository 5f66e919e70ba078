//! The servers of a pool: of a provider that is served at home by several equal ones.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{EndpointAddress, Label};

/// The servers of a pool. What baseURL says of scheme, path, Host header and TLS name counts for all of them; absent, it is
/// `http://NAME.NAMESPACE.svc:PORT` of the Service, or each address by itself, with the path that the type's own clients use.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.serviceRef) != has(self.addresses)").message("give serviceRef or addresses, one of them"))]
pub struct Endpoints {
    /// The ready pods of a Service of the provider's namespace. They have private addresses, so allowPrivateNetwork: true goes with it.
    pub service_ref: Option<ServiceReference>,
    /// The servers, each with its port.
    #[schemars(length(min = 1, max = 256))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub addresses: Option<Vec<EndpointAddress>>,
    /// What a request is placed by. Absent: Prefix.
    pub affinity: Option<EndpointAffinity>,
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

/// What a request is placed by, within a pool. Prefix: what prompts begin with, so that a conversation finds its server's cache warm, unless
/// that server has a quarter more to do than the others. None: by who has least to do.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointAffinity {
    /// What prompts begin with.
    Prefix,
    /// Nothing of the request.
    None,
}
