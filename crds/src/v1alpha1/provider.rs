//! LLMProvider: an upstream with its keys.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::common::{LabelSelector, Timeouts};
use super::resilience::{Concurrency, Continuation, Health, Retries};
use super::status::Status;
use crate::text::{BaseUrl, DurationText, Label, ModelName, ModelPattern, SecretKey, SecretName};

/// An upstream that answers requests: its address, its credentials, the models it offers, and who may use it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "LLMProvider",
    plural = "llmproviders",
    namespaced,
    status = "Status",
    shortname = "llmp",
    category = "fairlead",
    derive = "PartialEq",
    doc = "An upstream that answers requests: its address, its credentials, the models it offers, and who may use it.",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.baseURL", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.type == 'Simulated' || !has(self.simulated)").message("simulated goes with type Simulated only").field_path(".simulated"),
    validation = Rule::new("self.type == 'OpenAI' || !has(self.openAI)").message("openAI goes with type OpenAI only").field_path(".openAI"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.baseURL)").message("a Simulated provider opens no connection, so baseURL does not apply; remove it").field_path(".baseURL"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.tls)").message("a Simulated provider opens no connection, so tls does not apply; remove it").field_path(".tls"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.credentials)").message("a Simulated provider opens no connection, so credentials does not apply; remove it").field_path(".credentials"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.httpVersion)").message("a Simulated provider opens no connection, so httpVersion does not apply; remove it").field_path(".httpVersion"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.continuation)").message("a Simulated provider opens no connection, so continuation does not apply; remove it").field_path(".continuation"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.allowPrivateNetwork)").message("a Simulated provider opens no connection, so allowPrivateNetwork does not apply; remove it").field_path(".allowPrivateNetwork"),
    validation = Rule::new("!has(self.tls) || !has(self.baseURL) || self.baseURL.startsWith('https://')").message("tls needs a baseURL that starts with https://").field_path(".tls"),
)]
pub struct LLMProviderSpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// The API the upstream speaks. OpenAI also serves everything compatible with it, by baseURL. Callers may speak any API that the gateway
    /// serves, whatever this is.
    #[serde(rename = "type")]
    pub kind: ProviderType,
    /// Where the API begins, version path included. Absent: the provider's public address (OpenAI: https://api.openai.com/v1; Anthropic:
    /// https://api.anthropic.com/v1; Gemini: https://generativelanguage.googleapis.com/v1beta).
    #[serde(rename = "baseURL")]
    pub base_url: Option<BaseUrl>,
    /// Whether addresses that are private, loopback or link-local may be connected to. Counts only in namespaces where the
    /// installation allows it. Absent: false.
    pub allow_private_network: Option<bool>,
    /// Which certificates count on a connection to the upstream.
    pub tls: Option<ProviderTls>,
    /// The version of HTTP that connections to it speak. Absent: HTTP1.
    pub http_version: Option<HttpVersion>,
    /// The keys sent to the upstream, chosen by weight. Absent: none is sent.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.exists(c, !has(c.weight) || c.weight > 0)").message("at least one credential needs a weight above 0"))]
    #[schemars(length(min = 1, max = 16))]
    pub credentials: Option<Vec<Credential>>,
    /// The models this provider offers by name. Absent: any name by rule or by provider/model, none by bare name.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 512))]
    pub models: Option<Vec<OfferedModel>>,
    /// How long each part of a request may take.
    pub timeouts: Option<Timeouts>,
    /// How often a failed attempt is repeated here.
    pub retries: Option<Retries>,
    /// When it counts as down, and how it comes back.
    pub health: Option<Health>,
    /// How many requests it is sent at a time. Absent: as many as there are.
    pub concurrency: Option<Concurrency>,
    /// How it continues an answer that another provider has begun, for rules with stream.recovery: Continue. Absent: it is not asked to.
    pub continuation: Option<Continuation>,
    /// Who may name this provider. Absent: its own namespace.
    pub access: Option<Access>,
    /// What an OpenAI-compatible server can and cannot; only for type OpenAI.
    #[serde(rename = "openAI")]
    pub open_ai: Option<OpenAi>,
    /// How the simulated provider behaves; only for type Simulated.
    pub simulated: Option<Simulated>,
}

/// The API that an upstream speaks.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderType {
    /// The OpenAI API, or one compatible with it.
    OpenAI,
    /// Anthropic Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
    /// No upstream: the gateway answers by itself.
    Simulated,
}

/// The version of HTTP that connections speak. Absent: HTTP1. With HTTP2 up to 50 requests share a connection: over https it is offered, and
/// HTTP/1.1 is spoken with a server that does not select it; over http it is spoken without asking, so the server has to know it.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum HttpVersion {
    /// HTTP/1.1, with a connection for each request.
    #[serde(rename = "HTTP1")]
    Http1,
    /// HTTP/2, with connections that requests share.
    #[serde(rename = "HTTP2")]
    Http2,
}

/// Which certificates count on a connection to an upstream.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.caCertificateRef) || has(self.clientCertificateRef)").message("tls says nothing; give caCertificateRef, clientCertificateRef or both"))]
pub struct ProviderTls {
    /// The certificates to trust instead of the system's.
    pub ca_certificate_ref: Option<CaReference>,
    /// The certificate to show to an upstream that asks who connects (mutual TLS).
    pub client_certificate_ref: Option<ClientCertificateReference>,
}

/// A certificate chain under tls.crt and its private key under tls.key (PEM), as in Secrets of type kubernetes.io/tls, in a Secret of the
/// same namespace, labelled fairlead.dev/secret: client-certificate.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ClientCertificateReference {
    /// The Secret's name.
    pub name: SecretName,
}

/// A bundle of CA certificates (PEM) in a Secret of the same namespace, labelled fairlead.dev/secret: ca.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct CaReference {
    /// The Secret's name.
    pub name: SecretName,
    /// The key in the Secret. Absent: ca.crt.
    pub key: Option<SecretKey>,
}

/// A key for the upstream.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Credential {
    /// The credential's name, unique in its provider; metrics and logs show it.
    pub name: Label,
    /// Its share of the requests, relative to the others. 0: never chosen. Absent: 1.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub weight: Option<u32>,
    /// The Secret that holds it.
    pub secret_ref: SecretReference,
    /// The models it may serve, by the name the caller asked for: exact, or a prefix ending in *. Absent: all.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub models: Option<Vec<ModelPattern>>,
}

/// A value in a Secret of the same namespace.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SecretReference {
    /// The Secret's name.
    pub name: SecretName,
    /// The key in the Secret. Absent: apiKey.
    pub key: Option<SecretKey>,
}

/// A model that a provider offers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OfferedModel {
    /// The name callers and rules use.
    pub name: ModelName,
    /// The name the upstream knows it by. Absent: the same.
    pub upstream_name: Option<ModelName>,
}

/// Who may name a provider.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Access {
    /// The namespaces whose rules and keys may name it.
    pub namespaces: NamespaceAccess,
}

/// A set of namespaces.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.from == 'Selector') == has(self.selector)").message("selector goes with from: Selector, and only with it").field_path(".selector"))]
pub struct NamespaceAccess {
    /// How the set is given.
    pub from: From,
    /// The labels of the namespaces; only for from: Selector.
    pub selector: Option<LabelSelector>,
}

/// How a set of namespaces is given.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The object's own namespace.
    Same,
    /// Every namespace.
    All,
    /// Namespaces with certain labels, and the object's own.
    Selector,
}

/// What an OpenAI-compatible server can and cannot.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct OpenAi {
    /// Whether streams are asked for their usage (stream_options.include_usage). Absent: true. Set it to false for a server that refuses
    /// the member; usage that it sends unasked is still read.
    pub stream_usage: Option<bool>,
}

/// How a simulated provider behaves. It answers in the shape of the OpenAI API, without any upstream.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Simulated {
    /// The text of an answer. Absent: a sentence that names the provider and the model.
    #[schemars(length(min = 1, max = 4096))]
    pub text: Option<String>,
    /// How many tokens (words) an answer has. Absent: as many as the text.
    #[schemars(range(min = 1, max = 100_000), extend("format" = "int32"))]
    pub tokens: Option<u32>,
    /// Time to the first token. Absent: 0ms.
    pub first_token_latency: Option<DurationText>,
    /// Time between two tokens of a stream. Absent: 0ms.
    pub token_latency: Option<DurationText>,
    /// The share of requests that fail, in percent. Absent: 0.
    #[schemars(range(min = 0, max = 100), extend("format" = "int32"))]
    pub error_percent: Option<u32>,
    /// The status a failed request gets. Absent: 503.
    #[schemars(range(min = 400, max = 599), extend("format" = "int32"))]
    pub error_status: Option<u16>,
}
