//! LLMProvider: an upstream with its keys.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::adaptive::CredentialStrategy;
use super::common::{LabelSelector, Timeouts};
use super::endpoints::Endpoints;
use super::limits::{Budget, RateLimit};
use super::price::{Feature, Price};
use super::provider_type::ProviderType;
use super::request::{Headers, Parameters, Passthrough};
use super::resilience::{Concurrency, Continuation, Health, Retries};
use super::status::LimitedStatus;
use crate::text::{
    ApiVersion, BaseUrl, DurationText, Label, ModelName, ModelPattern, RoleArn, SecretKey,
    SecretName,
};

/// An upstream that answers requests: its address, its credentials, the models it offers, and who may use it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "LLMProvider",
    plural = "llmproviders",
    namespaced,
    status = "LimitedStatus",
    shortname = "llmp",
    category = "fairlead",
    derive = "PartialEq",
    doc = "An upstream that answers requests: its address, its credentials, the models it offers, and who may use it.",
    printcolumn(name = "Type", type_ = "string", json_path = ".spec.type"),
    printcolumn(name = "Used%", type_ = "integer", json_path = ".status.usage.tightest.usedPercent"),
    printcolumn(name = "Resets", type_ = "string", json_path = ".status.usage.tightest.resetsAt"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "URL", type_ = "string", json_path = ".spec.baseURL", priority = 1),
    printcolumn(name = "Service", type_ = "string", json_path = ".spec.endpoints.serviceRef.name", priority = 1),
    printcolumn(name = "InferencePool", type_ = "string", json_path = ".spec.endpoints.inferencePoolRef.name", priority = 1),
    printcolumn(name = "Limit", type_ = "string", json_path = ".status.usage.tightest.limit", priority = 1),
    printcolumn(name = "State", type_ = "string", json_path = ".status.usage.judged.state", priority = 1),
    printcolumn(name = "Score", type_ = "string", json_path = ".status.usage.judged.score", priority = 1),
    printcolumn(name = "Because", type_ = "string", json_path = ".status.usage.judged.reason", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.type == 'Simulated' || !has(self.simulated)").message("simulated goes with type Simulated only").field_path(".simulated"),
    validation = Rule::new("!(self.type in ['Anthropic', 'Gemini', 'VertexAI', 'Bedrock', 'Simulated']) || !has(self.openAI)").message("openAI goes with types that speak OpenAI's API only").field_path(".openAI"),
    validation = Rule::new("(self.type == 'Bedrock') == has(self.bedrock)").message("bedrock goes with type Bedrock, which needs it").field_path(".bedrock"),
    validation = Rule::new("(self.type == 'VertexAI') == has(self.vertexAI)").message("vertexAI goes with type VertexAI, which needs it").field_path(".vertexAI"),
    validation = Rule::new("self.type == 'AzureOpenAI' || !has(self.azureOpenAI)").message("azureOpenAI goes with type AzureOpenAI only").field_path(".azureOpenAI"),
    validation = Rule::new("!(self.type in ['AzureOpenAI', 'Cloudflare', 'Databricks', 'Ollama', 'VLLM', 'SGLang', 'LlamaCpp', 'LMStudio']) || has(self.baseURL) || has(self.endpoints)").message("a provider of this type has no public address; give its baseURL").field_path(".baseURL"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.baseURL)").message("a Simulated provider opens no connection, so baseURL does not apply; remove it").field_path(".baseURL"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.tls)").message("a Simulated provider opens no connection, so tls does not apply; remove it").field_path(".tls"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.credentials)").message("a Simulated provider opens no connection, so credentials does not apply; remove it").field_path(".credentials"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.httpVersion)").message("a Simulated provider opens no connection, so httpVersion does not apply; remove it").field_path(".httpVersion"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.tracing)").message("a Simulated provider opens no connection, so tracing does not apply; remove it").field_path(".tracing"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.continuation)").message("a Simulated provider opens no connection, so continuation does not apply; remove it").field_path(".continuation"),
    validation = Rule::new("self.type != 'Simulated' || !has(self.allowPrivateNetwork)").message("a Simulated provider opens no connection, so allowPrivateNetwork does not apply; remove it").field_path(".allowPrivateNetwork"),
    validation = Rule::new("!(self.type in ['VertexAI', 'Bedrock', 'AzureOpenAI', 'Simulated']) || !has(self.endpoints)").message("a provider of this type is at one address, so endpoints does not apply; remove it").field_path(".endpoints"),
    validation = Rule::new("!has(self.endpoints) || has(self.endpoints.addresses) || (has(self.allowPrivateNetwork) && self.allowPrivateNetwork)").message("pods have private addresses: endpoints.serviceRef and endpoints.inferencePoolRef need allowPrivateNetwork: true").field_path(".allowPrivateNetwork"),
    validation = Rule::new("!has(self.credentialStrategy) || has(self.credentials)").message("there are no credentials to choose from; list them under credentials, or remove the field").field_path(".credentialStrategy"),
    validation = Rule::new("!has(self.tls) || !has(self.endpoints) || has(self.baseURL)").message("tls needs a baseURL that starts with https://").field_path(".tls"),
    validation = Rule::new("!has(self.tls) || !has(self.baseURL) || self.baseURL.startsWith('https://')").message("tls needs a baseURL that starts with https://").field_path(".tls"),
)]
pub struct LLMProviderSpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// Whose API it is. OpenAI also serves everything compatible with it that has no type of its own, by baseURL. Callers may speak any API
    /// that the gateway serves, whatever this is.
    #[serde(rename = "type")]
    pub kind: ProviderType,
    /// Where the API begins, version path included; a host alone gets the path that the type's own clients put behind it. Absent: the
    /// provider's public address; types without one need it.
    #[serde(rename = "baseURL")]
    pub base_url: Option<BaseUrl>,
    /// The servers that answer in the place of the one behind baseURL: a pool of equal ones, of which each request goes to one.
    pub endpoints: Option<Endpoints>,
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
    /// How one of the credentials is chosen. Absent: Weighted.
    pub credential_strategy: Option<CredentialStrategy>,
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
    /// What its models cost that name no price of their own. Absent: what the catalog says; nothing, for types that are served at home (Ollama, VLLM,
    /// SGLang, LlamaCpp, LMStudio, Simulated).
    pub price: Option<Price>,
    /// How much money may be spent at it for each window; when a budget is used up, the next target is asked.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 8), transform = super::limits::about_itself)]
    pub budgets: Option<Vec<Budget>>,
    /// How many attempts and tokens it may be asked for within an interval; beyond, the next target is asked.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 16), transform = super::limits::about_itself)]
    pub rate_limits: Option<Vec<RateLimit>>,
    /// Who may name this provider. Absent: its own namespace.
    pub access: Option<Access>,
    /// What an OpenAI-compatible server can and cannot; only for type OpenAI.
    #[serde(rename = "openAI")]
    pub open_ai: Option<OpenAi>,
    /// Which of Azure's APIs is meant; only for type AzureOpenAI.
    #[serde(rename = "azureOpenAI")]
    pub azure_open_ai: Option<AzureOpenAi>,
    /// Where it is; for type Bedrock, which needs it.
    pub bedrock: Option<Bedrock>,
    /// Where it is; for type VertexAI, which needs it.
    #[serde(rename = "vertexAI")]
    pub vertex_ai: Option<VertexAi>,
    /// How the simulated provider behaves; only for type Simulated.
    pub simulated: Option<Simulated>,
    /// Members of the body that are set or taken away in what it is sent.
    pub parameters: Option<Parameters>,
    /// Headers that are set or taken away in what it is sent.
    pub headers: Option<Headers>,
    /// What callers may ask of it that the gateway neither reads nor translates. Absent: nothing.
    pub passthrough: Option<Passthrough>,
    /// Whether it is told where in a trace a request stands.
    pub tracing: Option<Tracing>,
}

/// Whether a provider is told where in a trace a request stands (traceparent, tracestate): by the span of the attempt where the gateway exports
/// traces, else by the caller's own headers. Absent: Propagate with allowPrivateNetwork: true, None elsewhere.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracing {
    /// It is.
    Propagate,
    /// It is not.
    None,
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
#[x_kube(validation = Rule::new("has(self.secretRef) != has(self.workloadIdentity)").message("give secretRef or workloadIdentity, one of them"))]
pub struct Credential {
    /// The credential's name, unique in its provider; metrics and logs show it.
    pub name: Label,
    /// Its share of the requests, relative to the others. 0: never chosen. Absent: 1.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub weight: Option<u32>,
    /// The Secret that holds it.
    pub secret_ref: Option<SecretReference>,
    /// The gateway's own identity at the cloud instead of a Secret; for types AzureOpenAI, Bedrock and VertexAI. Counts only in namespaces where
    /// the installation allows it, for it is the same for everybody.
    pub workload_identity: Option<WorkloadIdentity>,
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
    /// The key in the Secret. Absent: apiKey; where a Secret of types AzureOpenAI, Bedrock and VertexAI has no apiKey, all of its keys together
    /// (docs/providers.md names them).
    pub key: Option<SecretKey>,
}

/// The identity that the gateway's pods have at a cloud: by their service account, or by the machine they run on.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct WorkloadIdentity {
    /// The role to take on with it (AWS). Absent: none but its own.
    #[serde(rename = "roleARN")]
    pub role_arn: Option<RoleArn>,
}

/// A model that a provider offers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.supports) || !has(self.lacks) || self.supports.all(a, !(a in self.lacks))").message("a model cannot both support and lack something").field_path(".lacks"))]
pub struct OfferedModel {
    /// The name callers and rules use.
    pub name: ModelName,
    /// The name the upstream knows it by. Absent: the same.
    pub upstream_name: Option<ModelName>,
    /// What it costs. Absent: what the provider's price says.
    pub price: Option<Price>,
    /// The window, prompt and answer together, in tokens. Absent: what the catalog says. This and what follows is about the model behind the
    /// upstream's name: of several models with one, the first that says something counts.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("format" = "int32"))]
    pub context_window: Option<u32>,
    /// The longest answer, in tokens. Absent: what the catalog says.
    #[schemars(range(min = 1, max = 1_000_000_000), extend("format" = "int32"))]
    pub max_output_tokens: Option<u32>,
    /// What it can do, whatever the catalog says. (Quote "n", which is a boolean in YAML 1.1.)
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub supports: Option<Vec<Feature>>,
    /// What it cannot do, whatever the catalog says: requests that need it go to another target.
    #[schemars(length(min = 1, max = 32))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub lacks: Option<Vec<Feature>>,
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

/// Which of Azure's APIs is meant.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AzureOpenAi {
    /// The version of the API by deployments, which stands in the query (api-version): the upstream name of a model is then that of its
    /// deployment. Absent: the v1 API, which has no versions.
    pub api_version: Option<ApiVersion>,
}

/// Where Bedrock is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Bedrock {
    /// The region, such as eu-central-1: of the address, and of the signature.
    pub region: Label,
}

/// Where Vertex AI is.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct VertexAi {
    /// The id of the Google Cloud project.
    pub project: Label,
    /// The location, such as europe-west4 or global.
    pub location: Label,
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
