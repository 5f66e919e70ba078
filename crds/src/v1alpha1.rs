//! Version `v1alpha1`, one file a kind.

mod adaptive;
mod allow;
mod common;
mod endpoints;
mod limits;
mod logging;
mod owner;
mod price;
mod provider;
mod provider_type;
mod request;
mod resilience;
mod rule;
mod status;
mod usage;
mod virtual_key;

pub use adaptive::{Adaptive, AdaptiveWeights, CredentialStrategy};
pub use allow::{Allow, AllowedProvider, Deny};
pub use common::{LabelSelector, Operator, Requirement, Timeouts};
pub use endpoints::{
    EndpointAffinity, EndpointMetrics, Endpoints, InferencePoolReference, ServiceReference,
};
pub use limits::{
    Budget, BudgetOverride, FreeTargets, InFlightLimit, Month, OnExceeded, OnStoreFailure, Period,
    RateLimit, RateUnit, Weekday,
};
pub use logging::{LoggedContent, Logging, RedactPattern};
pub use owner::{Organization, OrganizationSpec, Team, TeamSpec};
pub use price::{Feature, Price};
pub use provider::{
    Access, AzureOpenAi, Bedrock, CaReference, ClientCertificateReference, Credential, From,
    HttpVersion, LLMProvider, LLMProviderSpec, NamespaceAccess, OfferedModel, OpenAi, ProviderTls,
    SecretReference, Simulated, Tracing, VertexAi, WorkloadIdentity,
};
pub use provider_type::ProviderType;
pub use request::{Header, Headers, Parameters, Passthrough};
pub use resilience::{
    Affinity, AffinityType, Backoff, Commit, Concurrency, Continuation, Health, Hedge,
    OnClientGone, Overflow, Queue, Recovery, Retries, RuleRetries, Stream,
};
pub use rule::{
    Changes, Constrain, Failover, FailureClass, Fallback, Match, Mirror, MirrorCharge,
    OnUnsupported, Precedence, ProviderReference, RoutingRule, RoutingRuleSpec, Scope, ScopeType,
    Sticky, StickyType, Strategy, StrategyType, Target,
};
pub use status::{
    ACCEPTED, KeyStatus, LimitedStatus, PROGRAMMED, READY, RESOLVED_REFS, Status, VirtualKeyStatus,
};
pub use usage::{BudgetUsage, Judged, RateLimitUsage, TightestLimit, Usage};
pub use virtual_key::{
    KeySource, KeySourceType, OidcSource, OwnerReference, Rotation, VirtualKey, VirtualKeySpec,
};
