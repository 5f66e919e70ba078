//! RoutingRule: what to do with a request.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::adaptive::Adaptive;
use super::common::{LabelSelector, Timeouts};
use super::logging::Logging;
use super::request::{Headers, Parameters};
use super::resilience::{Affinity, Hedge, RuleRetries, Stream};
use super::status::Status;
use crate::text::{HeaderName, Label, ModelName, ModelPattern, Usd};

/// What to do with a request: whom the rule is for, which requests it takes, and where they are sent.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "fairlead.dev",
    version = "v1alpha1",
    kind = "RoutingRule",
    namespaced,
    status = "Status",
    shortname = "llmr",
    category = "fairlead",
    derive = "PartialEq",
    doc = "What to do with a request: whom the rule is for, which requests it takes, and where they are sent.",
    printcolumn(name = "Scope", type_ = "string", json_path = ".spec.scope.type"),
    printcolumn(name = "Priority", type_ = "integer", json_path = ".spec.priority"),
    printcolumn(name = "Programmed", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type=='Programmed')].reason"),
    printcolumn(name = "Models", type_ = "string", json_path = ".spec.match.models", priority = 1),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 63 && !self.metadata.name.contains('.')").message("metadata.name must be a DNS label: at most 63 characters, no dots"),
    validation = Rule::new("has(self.spec.gatewayName) == has(oldSelf.spec.gatewayName) && (!has(self.spec.gatewayName) || self.spec.gatewayName == oldSelf.spec.gatewayName)").message("spec.gatewayName cannot be changed; delete the object and create it anew").field_path(".spec.gatewayName"),
)]
#[cfg_attr(test, kube(cel))]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.fallbacks) || !has(self.targets) || !self.fallbacks.exists(f, self.targets.exists(t, t.name == f.name))").message("a fallback has the name of a target; names are unique over both lists").field_path(".fallbacks"),
    validation = Rule::new("has(self.targets) || has(self.constrain) || (has(self.__continue__) && self.__continue__)").message("a rule needs targets, or constrain or continue instead of them").field_path(".targets"),
    validation = Rule::new("!(has(self.__continue__) && self.__continue__) || !(has(self.targets) || has(self.fallbacks) || has(self.strategy) || has(self.hedge) || has(self.affinity) || has(self.constrain))").message("a rule that continues chooses nothing; targets, fallbacks, strategy, hedge, affinity and constrain belong into a rule of their own").field_path(".continue"),
    validation = Rule::new("!has(self.changes) || (has(self.__continue__) && self.__continue__)").message("changes go with continue: true only; a target has model, parameters and headers of its own").field_path(".changes"),
    validation = Rule::new("!(has(self.__continue__) && self.__continue__) || has(self.changes) || has(self.mirror) || has(self.timeouts) || has(self.retries) || has(self.stream) || has(self.onUnsupported) || has(self.maxCostPerRequest)").message("a rule that continues and changes nothing does nothing; give changes, mirror, timeouts, retries, stream, onUnsupported or maxCostPerRequest").field_path(".continue"),
    validation = Rule::new("!has(self.logging) || has(self.targets)").message("logging goes with targets only: it is of the requests that the rule sends there").field_path(".logging"),
    validation = Rule::new("!has(self.constrain) || !has(self.targets)").message("a rule that constrains chooses nothing; remove the targets, or put constrain into a rule of its own").field_path(".targets"),
    validation = Rule::new("!has(self.constrain) || (has(self.precedence) && self.precedence == 'Override')").message("constrain goes with precedence: Override only").field_path(".constrain"),
    validation = Rule::new("!has(self.constrain) || !(has(self.priority) || has(self.strategy) || has(self.fallbacks) || has(self.timeouts) || has(self.retries) || has(self.stream) || has(self.hedge) || has(self.affinity) || has(self.onUnsupported) || has(self.maxCostPerRequest) || has(self.mirror))").message("a rule that constrains chooses nothing and has no order among others: only precedence, scope and match go with constrain").field_path(".constrain"),
)]
pub struct RoutingRuleSpec {
    /// The installation that owns this object. Absent: default. Cannot be changed.
    pub gateway_name: Option<Label>,
    /// Override goes before every Default rule and is permitted only in the gateway's namespace. Absent: Default.
    pub precedence: Option<Precedence>,
    /// Whose requests the rule is for. Absent: those of its namespace.
    pub scope: Option<Scope>,
    /// Order among rules of the same scope, 0 first; then the oldest, then by name. Absent: 0.
    #[schemars(range(min = 0, max = 10_000), extend("format" = "int32"))]
    pub priority: Option<u32>,
    /// Which requests the rule takes. Absent: all.
    #[serde(rename = "match")]
    pub matches: Option<Match>,
    /// How a target is chosen. Absent: Weighted.
    pub strategy: Option<Strategy>,
    /// Instead of targets: chooses nothing, but narrows what may be asked, by whatever way, for the requests that the rule matches. All such rules
    /// hold together, before any other rule; where nothing is left the request is refused. Only with precedence: Override.
    pub constrain: Option<Constrain>,
    /// Chooses nothing: what the rule says holds for the requests that it takes, and matching goes on, with the new name where changes gives one. Ten
    /// such rules at most hold for one request. Absent: false.
    #[serde(rename = "continue")]
    pub continues: Option<bool>,
    /// What is changed in requests, before matching goes on; only with continue: true.
    pub changes: Option<Changes>,
    /// Where requests are sent; a rule has these, or constrain or continue.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]),
        validation = Rule::new("self.exists(t, !has(t.weight) || t.weight > 0)").message("at least one target needs a weight above 0"))]
    #[schemars(length(min = 1, max = 16))]
    pub targets: Option<Vec<Target>>,
    /// Where a request goes, in this order, when the targets have failed.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(max = 16))]
    pub fallbacks: Option<Vec<Fallback>>,
    /// Who gets a copy of some of the requests. What it answers is measured and dropped; callers neither see it nor wait for it.
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[schemars(length(min = 1, max = 4))]
    pub mirror: Option<Vec<Mirror>>,
    /// How long each part of a request may take; goes before the provider's.
    pub timeouts: Option<Timeouts>,
    /// How often a failed attempt is repeated at the same target; goes before the provider's.
    pub retries: Option<RuleRetries>,
    /// How streams are treated.
    pub stream: Option<Stream>,
    /// A second attempt while the first is silent. Absent: none.
    pub hedge: Option<Hedge>,
    /// Keeps the turns of a conversation at one target, which may hold them in its cache. Absent: every request is placed by itself.
    pub affinity: Option<Affinity>,
    /// What becomes of a request of which something cannot be said in the API of a target: logit_bias to Anthropic, say. Absent: Refuse.
    pub on_unsupported: Option<OnUnsupported>,
    /// What a request may probably cost at most, in US dollars; quote it. A target where it would cost more, or whose price nobody knows, is passed
    /// over; if no other is left, the request is refused. Absent: anything.
    pub max_cost_per_request: Option<Usd>,
    /// What is kept of the content of the requests that the rule takes, as far as the installation permits any. Absent: nothing.
    pub logging: Option<Logging>,
}

/// What is changed in requests before matching goes on. What was changed first holds, over later rules, targets and providers.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.model) || has(self.parameters) || has(self.headers)").message("changes says nothing; give model, parameters or headers"))]
pub struct Changes {
    /// The name that is matched and asked for from here on. Absent: the same.
    pub model: Option<ModelName>,
    /// Members of the body that are set or taken away, whatever target is asked.
    pub parameters: Option<Parameters>,
    /// Headers that are set or taken away, whatever target is asked.
    pub headers: Option<Headers>,
}

/// Who gets a copy of some of a rule's requests.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Mirror {
    /// The mirror's name, unique in its rule; metrics and logs show it.
    pub name: Label,
    /// The provider.
    pub provider_ref: ProviderReference,
    /// The model to ask for, by the name the provider offers it under. Absent: the name the caller sent.
    pub model: Option<ModelName>,
    /// How many of a hundred requests are copied.
    #[schemars(range(min = 1, max = 100), extend("format" = "int32"))]
    pub percent: u32,
    /// How many copies may be under way at a time, in each replica; what would be one more is not sent. Absent: 16.
    #[schemars(range(min = 1, max = 1_000), extend("format" = "int32"))]
    pub max_in_flight: Option<u32>,
    /// Whose limits copies count towards, beside the provider's. Absent: nobody's in the gateway's namespace; elsewhere, where it cannot be otherwise,
    /// Caller.
    pub charge: Option<MirrorCharge>,
    /// Members of the body that are set or taken away in what it is sent.
    pub parameters: Option<Parameters>,
    /// Headers that are set or taken away in what it is sent.
    pub headers: Option<Headers>,
}

/// Whose limits copies of requests count towards.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MirrorCharge {
    /// The provider's alone; only in the gateway's namespace.
    Provider,
    /// The provider's, and the budgets and token rates of the key that has asked, of its team and of its organization.
    Caller,
}

/// What requests are held to.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Constrain {
    /// The providers that may be asked, by the labels of the LLMProviders. Only providers of the gateway's namespace are picked: the labels of
    /// all others are their tenants' own word.
    #[x_kube(validation = Rule::new("(has(self.matchLabels) && self.matchLabels.size() > 0) || (has(self.matchExpressions) && self.matchExpressions.size() > 0)").message("the selector is empty and picks every provider; give matchLabels or matchExpressions"))]
    pub provider_selector: LabelSelector,
}

/// What becomes of a request of which something cannot be said in the API of a target.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnUnsupported {
    /// The target is passed over; if no other can be asked, the request is refused with a sentence that says what it is.
    Refuse,
    /// The target is asked without it, and the answer has a warning header that says what it is.
    Drop,
}

/// Whether a rule may be outranked.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precedence {
    /// The usual order of scopes.
    Default,
    /// Before all Default rules of any scope.
    Override,
}

/// Whose requests a rule is for.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("(self.type in ['VirtualKey', 'Team', 'Organization']) == has(self.name)").message("name goes with type VirtualKey, Team or Organization, and only with them").field_path(".name"),
    validation = Rule::new("!has(self.__namespace__) || self.type in ['VirtualKey', 'Team', 'Namespace']").message("namespace goes with type VirtualKey, Team or Namespace only").field_path(".namespace"),
)]
pub struct Scope {
    /// What the scope is. Narrower scopes go first: VirtualKey, Team, Organization, Namespace, Global.
    #[serde(rename = "type")]
    pub kind: ScopeType,
    /// The name of the virtual key, team or organization.
    pub name: Option<Label>,
    /// The tenant namespace that is meant; only in the gateway's namespace. Absent: the rule's own.
    pub namespace: Option<Label>,
}

/// What a scope is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeType {
    /// One virtual key.
    VirtualKey,
    /// The keys of a team.
    Team,
    /// The keys of an organization's teams.
    Organization,
    /// The keys of a namespace.
    Namespace,
    /// Every key; only in the gateway's namespace.
    Global,
}

/// Which requests a rule takes. Everything given must hold.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Match {
    /// The model names as sent: exact, or a prefix ending in *. Absent: any.
    #[schemars(length(min = 1, max = 64))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub models: Option<Vec<ModelPattern>>,
    /// A CEL expression over request, key, team and organization that must be true.
    #[schemars(length(min = 1, max = 1024))]
    pub when: Option<String>,
}

/// How a target is chosen.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!has(self.adaptive) || self.type == 'Adaptive'").message("adaptive goes with type Adaptive only").field_path(".adaptive"))]
#[x_kube(validation = Rule::new("!has(self.sticky) || self.type == 'Weighted'").message("sticky goes with type Weighted only: it spreads users by weight").field_path(".sticky"))]
pub struct Strategy {
    /// The strategy.
    #[serde(rename = "type")]
    pub kind: StrategyType,
    /// How targets are judged; only for type Adaptive. Absent: as its fields say of themselves.
    pub adaptive: Option<Adaptive>,
    /// Spreads users over the targets instead of requests: each stays at one, as long as it is healthy. Only for type Weighted. Absent: each request
    /// is placed by itself.
    pub sticky: Option<Sticky>,
}

/// Who is spread over the targets.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("(self.type == 'Header') == has(self.header)").message("header goes with type Header, and only with it").field_path(".header"))]
pub struct Sticky {
    /// How a user is known.
    #[serde(rename = "type")]
    pub kind: StickyType,
    /// The header that names the user, in lower case; only for type Header.
    pub header: Option<HeaderName>,
}

/// How a user is known.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StickyType {
    /// By a header of the request.
    Header,
    /// By the end user that the request names: x-fairlead-user, else user or safety_identifier in its body.
    EndUser,
}

/// A way to choose a target.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum StrategyType {
    /// By weight, evenly spread.
    Weighted,
    /// One after the other; weights do not count, except that 0 is never chosen.
    RoundRobin,
    /// The first in the list; the others only when it has failed.
    Priority,
    /// Who has lately been quickest to answer, as this replica has seen it; those that are about as quick by weight.
    LowestLatency,
    /// Who will probably cost the least for the request; those that cost the same as LowestLatency has it.
    LowestCost,
    /// Who is answering the fewest requests for its weight, as this replica has sent them.
    LeastBusy,
    /// By weight, and by how each has done of late, as this replica has seen it: its errors, its latency, and how much is used of what it may be sent.
    Adaptive,
}

/// Where a request is sent.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// The target's name, unique in its rule; headers, metrics and logs show it.
    pub name: Label,
    /// The provider.
    pub provider_ref: ProviderReference,
    /// The model to ask for, by the name the provider offers it under. Absent: the name the caller sent.
    pub model: Option<ModelName>,
    /// Its share of the requests, relative to the others. 0: never chosen. Absent: 1.
    #[schemars(range(min = 0, max = 1_000_000), extend("format" = "int32"))]
    pub weight: Option<u32>,
    /// Members of the body that are set or taken away in what it is sent.
    pub parameters: Option<Parameters>,
    /// Headers that are set or taken away in what it is sent.
    pub headers: Option<Headers>,
}

/// An LLMProvider.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ProviderReference {
    /// The provider's name.
    pub name: Label,
    /// The provider's namespace. Absent: the namespace of the object that names it.
    pub namespace: Option<Label>,
}

/// Where a request goes when the targets have failed.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// The fallback's name, unique in its rule; headers, metrics and logs show it.
    pub name: Label,
    /// The provider.
    pub provider_ref: ProviderReference,
    /// The model to ask for, by the name the provider offers it under. Absent: the name the caller sent.
    pub model: Option<ModelName>,
    /// The failures it is for, judged by the attempt just before it. Absent: every class that falls back by itself, which is all but
    /// ContentFiltered. (Not called `on`: kubectl reads YAML 1.1, where an unquoted on is a boolean.)
    pub on_failure: Option<Failover>,
    /// Members of the body that are set or taken away in what it is sent.
    pub parameters: Option<Parameters>,
    /// Headers that are set or taken away in what it is sent.
    pub headers: Option<Headers>,
}

/// A set of failures: those of a listed class, and those with a listed status.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.classes) || has(self.statusCodes)").message("onFailure needs classes, statusCodes or both; leave it out to mean every failure"))]
pub struct Failover {
    /// Classes of failure.
    #[schemars(length(min = 1, max = 16))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub classes: Option<Vec<FailureClass>>,
    /// Status codes of the provider's answer.
    #[schemars(length(min = 1, max = 16), inner(range(min = 400, max = 599)))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub status_codes: Option<Vec<u16>>,
}

/// A class of failure; what each means is in docs/failures.md.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailureClass {
    /// No connection came about.
    Connect,
    /// The connection broke before the answer was complete.
    Reset,
    /// No content within timeouts.firstToken, or no body within timeouts.firstByte.
    FirstTokenTimeout,
    /// Nothing more within timeouts.idle.
    IdleTimeout,
    /// The provider limits our rate.
    RateLimited,
    /// The provider has no capacity.
    Overloaded,
    /// The provider failed.
    ServerError,
    /// The answer was not what its API promises.
    ProtocolError,
    /// The provider refused the credential.
    BadCredential,
    /// The request is too long for the model.
    ContextTooLong,
    /// The provider refused the content.
    ContentFiltered,
    /// The target could not be tried: its provider is missing, forbidden, or does not offer the model.
    Unavailable,
}
