//! The contract between the compiler and the gateway: plain data, total (every default resolved) and free of secrets.
//!
//! Between compile and the gateway's runtime. A snapshot is what `compile` produces, what the operator renders into ConfigMaps, and what a
//! gateway builds its runtime from. Unknown fields are refused: a reader that does not know a restriction must not serve as if it
//! were not there, so a new restriction raises the format ([`FORMAT`]).

mod adaptive;
mod amend;
mod digest;
mod format;
mod index;
mod key;
mod limits;
mod logging;
mod name;
pub mod names;
mod network;
mod oidc;
pub mod order;
mod provider;
mod reasoning;
mod resilience;
mod rule;
mod secret;
mod selector;
mod shard;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use adaptive::{Adaptive, AdaptiveWeights, CredentialStrategy};
pub use amend::{Headers, Parameters};
pub use digest::Digest;
pub use format::{FORMAT, FORMATS, OLDEST};
pub use index::{Index, IndexError, Parts, Publication};
pub use key::{Allow, AllowedProvider, Deny, Key, KeyDigest, Previous, Refusal};
pub use limits::{
    Budget, ConcurrentLimit, FreeTargets, LimitScope, Limits, ModelPrice, OnExceeded,
    OnStoreFailure, Owner, Period, Raise, RateLimit, Unit,
};
pub use logging::{LoggedContent, Logging, RedactPattern};
pub use name::{NameError, ObjectName};
pub use network::{Network, NetworkError};
pub use oidc::{Issuer, Oidc};
pub use provider::{
    Access, Addressing, Authentication, Credential, CredentialId, Dialect, EndpointAffinity,
    EndpointMetrics, Endpoints, HttpVersion, Model, ModelFacts, Protocol, Provider, ServicePort,
    Simulated, Timeouts, Tracing, WorkloadIdentity, is_never_an_endpoint,
};
pub use reasoning::reasons;
pub use resilience::{
    Affinity, Commit, Concurrency, Continuation, Health, Hedge, OnClientGone, Overflow, Queue,
    Recovery, Retries, RetryOverrides, Streams,
};
pub use rule::{
    Changes, Charge, Failover, FailureClass, Fallback, Mirror, ModelPattern, OnUnsupported,
    Problem, Rule, SaidDefault, Scope, Sticky, Strategy, Target, TimeoutOverrides,
};
pub use secret::{
    CREDENTIAL_PART_BYTES, CREDENTIAL_PARTS, CREDENTIALS_BYTES, Credentials, SecretBytes,
};
pub use selector::{Labels, Operator, Requirement, Selector};
pub use shard::{Part, Section, Shard, ShardError};

/// A whole configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    /// The lowest format in which all of it can be said; see [`FORMAT`].
    pub format: u32,
    /// The namespace in which the gateway itself runs.
    pub gateway_namespace: String,
    /// Every provider ever accepted and still there.
    pub providers: BTreeMap<ObjectName, Provider>,
    /// Every rule ever accepted and still there, in the order in which they are tried.
    pub rules: Vec<Rule>,
    /// Every key ever accepted and still there, refused ones included.
    pub keys: BTreeMap<ObjectName, Key>,
    /// Every team that limits its keys, or names an organization that does not take it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub teams: BTreeMap<ObjectName, Owner>,
    /// Every organization that limits its teams, in the gateway's namespace.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub organizations: BTreeMap<ObjectName, Owner>,
}

impl Snapshot {
    /// A snapshot of nothing.
    #[must_use]
    pub fn empty(gateway_namespace: &str) -> Self {
        Self::new(
            gateway_namespace,
            BTreeMap::new(),
            Vec::new(),
            BTreeMap::new(),
        )
    }

    /// The digest of the canonical form: equal snapshots have equal digests.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(self)
    }
}
