//! VirtualKey: a caller with its limits.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allow::{Allow, Deny};
use super::limits::{Budget, InFlightLimit, RateLimit};
use super::provider::SecretReference;
use super::status::VirtualKeyStatus;
use crate::text::{Audience, BaseUrl, DurationText, Label, NetworkText, Usd};

/// A caller: the key it presents, whom it belongs to, and what it may use.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "VirtualKey",
    namespaced,
    status = "VirtualKeyStatus",
    shortname = "vk",
    category = "fairlead",
    derive = "PartialEq",
    doc = "A caller: the key it presents, whom it belongs to, and what it may use.",
    printcolumn(name = "Team", type_ = "string", json_path = ".spec.teamRef.name"),
    printcolumn(name = "Suspended", type_ = "boolean", json_path = ".spec.suspended"),
    printcolumn(name = "Key", type_ = "string", json_path = ".status.key.hint"),
    printcolumn(name = "Used%", type_ = "integer", json_path = ".status.usage.tightest.usedPercent"),
    printcolumn(name = "Resets", type_ = "string", json_path = ".status.usage.tightest.resetsAt"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Expires", type_ = "string", json_path = ".spec.expiresAt", priority = 1),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.usage.tightest.limit", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.rotation) || self.key.type != 'OIDC'").message("rotation goes with key.type: Generate and SecretRef; tokens are replaced by their issuer").field_path(".rotation"))]
#[x_kube(validation = Rule::new("!has(self.rotation) || !has(self.rotation.every) || self.key.type == 'Generate'").message("every goes with key.type: Generate only; a value that stands in a Secret is rotated by writing another").field_path(".rotation.every"))]
pub struct VirtualKeySpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// The team it belongs to, in the same namespace. Absent: none.
    pub team_ref: Option<OwnerReference>,
    /// Where the key's value comes from, or which tokens its callers present instead.
    pub key: KeySource,
    /// The networks that its callers connect from, in CIDR notation: 10.1.0.0/16, 2001:db8::/32. Everybody else is refused. Absent: from anywhere.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 64))]
    pub networks: Option<Vec<NetworkText>>,
    /// How the value is replaced by another. Absent: a generated one on request only, by the annotation fairlead.dev/rotate; one that stands in a
    /// Secret is refused as soon as another stands there.
    pub rotation: Option<Rotation>,
    /// A suspended key is refused until this is taken back; so is, for good, the value that it had before the present one. Absent: false.
    pub suspended: Option<bool>,
    /// The moment from which the key is refused (RFC 3339), by the gateway's clock. Absent: never.
    pub expires_at: Option<Time>,
    /// What the key may use. Absent: all that its namespace may.
    pub allow: Option<Allow>,
    /// What the key may not use, whatever is allowed.
    pub deny: Option<Deny>,
    /// How much money the key may use for each window.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 8))]
    pub budgets: Option<Vec<Budget>>,
    /// How many requests and tokens the key may use within an interval.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 16))]
    pub rate_limits: Option<Vec<RateLimit>>,
    /// How many requests the key may have in flight at a time.
    pub concurrency: Option<InFlightLimit>,
    /// What a request of the key may probably cost at most, in US dollars; quote it. A target where it would cost more, or whose price nobody knows,
    /// is passed over; if no other is left, the request is refused. Absent: anything.
    pub max_cost_per_request: Option<Usd>,
}

/// How a key's value is replaced by another.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.every) || (has(self.overlap) ? duration(self.overlap) : duration('24h')) < duration(self.every)").message("overlap (absent: 24h) must be shorter than every").field_path(".overlap"))]
pub struct Rotation {
    /// How old a value becomes at most, in whole seconds from 1h to 8784h; keys are spread over the last tenth of it. Only with key.type: Generate.
    /// Absent: it is replaced on request only.
    #[x_kube(validation = Rule::new("!self.contains('ms') && duration(self) >= duration('1h') && duration(self) <= duration('8784h')").message("must be whole seconds, from 1h to 8784h"))]
    pub every: Option<DurationText>,
    /// How long the value before works beside a new one, in whole seconds up to 8784h; 0s: not at all. Shortening it shortens what is left of it.
    /// Absent: 24h.
    #[x_kube(validation = Rule::new("!self.contains('ms') && duration(self) <= duration('8784h')").message("must be whole seconds, at most 8784h"))]
    pub overlap: Option<DurationText>,
}

/// An owner in the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OwnerReference {
    /// The owner's name.
    pub name: Label,
}

/// Where a key's value comes from, or which tokens its callers present instead.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.type == 'OIDC') == has(self.oidc)").message("oidc goes with type: OIDC, which needs it").field_path(".oidc"),
    validation = Rule::new("(self.type == 'OIDC') != has(self.secretRef)").message("secretRef goes with type: Generate and SecretRef, which need it, and not with OIDC").field_path(".secretRef"),
)]
pub struct KeySource {
    /// Whether the value is made or supplied, or callers present tokens.
    #[serde(rename = "type")]
    pub kind: KeySourceType,
    /// The Secret that holds the value, or that will: same namespace, labelled fairlead.dev/secret: virtual-key. For type: Generate and
    /// SecretRef, which need it.
    pub secret_ref: Option<SecretReference>,
    /// Which tokens callers present; for type: OIDC, which needs it.
    pub oidc: Option<OidcSource>,
}

/// Which tokens (JWT) are taken. Outside of the gateway's namespace a key takes only tokens that name its own: in Kubernetes's claim
/// /kubernetes.io/namespace, or in an audience fairlead:NAMESPACE if that is among audiences.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.issuer.startsWith('https://') || (has(self.allowPrivateNetwork) && self.allowPrivateNetwork)").message("must begin with https://; http is taken only where allowPrivateNetwork is true").field_path(".issuer"),
    validation = Rule::new("!has(self.jwksURL) || self.jwksURL.startsWith('https://') || (has(self.allowPrivateNetwork) && self.allowPrivateNetwork)").message("must begin with https://; http is taken only where allowPrivateNetwork is true").field_path(".jwksURL"),
)]
pub struct OidcSource {
    /// Who issues them, exactly as it stands in a token's iss. With http only where allowPrivateNetwork is true.
    pub issuer: BaseUrl,
    /// Whom they are for: one of these at least is in a token's aud.
    #[x_kube(merge_strategy = ListMerge::Set)]
    #[schemars(length(min = 1, max = 8))]
    pub audiences: Vec<Audience>,
    /// What else they say: claims that have exactly these values, all of them. A name that begins with / is a JSON Pointer into the claims, such
    /// as /kubernetes.io/serviceaccount/name; any other is a claim at the top, such as sub. A number or a boolean is compared as JSON writes it, and
    /// of a list one entry must be equal. Absent: nothing.
    #[schemars(transform = bound_claims)]
    pub claims: Option<BTreeMap<String, String>>,
    /// Where the issuer's keys are (a JSON Web Key Set). Absent: where its /.well-known/openid-configuration says; the API server of the cluster,
    /// https://kubernetes.default.svc or https://kubernetes.default.svc.cluster.local, is asked as the gateway's own service account.
    #[serde(rename = "jwksURL")]
    pub jwks_url: Option<BaseUrl>,
    /// Whether the issuer may be asked at an address that is private, loopback or link-local. Counts only in namespaces where the
    /// installation allows it. Absent: false.
    pub allow_private_network: Option<bool>,
}

/// Bounds the claims: `schemars` has no attribute for the size of a map, nor for its values.
fn bound_claims(schema: &mut schemars::Schema) {
    schema.insert("maxProperties".to_owned(), 16.into());
    let values = serde_json::json!({"type": "string", "maxLength": 512});
    schema.insert("additionalProperties".to_owned(), values);
}

/// Whether a key's value is made or supplied, or callers present tokens.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeySourceType {
    /// A value is made and the Secret created; a Secret that is there already is never adopted.
    Generate,
    /// The value stands in a Secret; at least 32 characters.
    SecretRef,
    /// There is no value: callers present tokens of an issuer, such as those of service accounts.
    #[serde(rename = "OIDC")]
    Oidc,
}
