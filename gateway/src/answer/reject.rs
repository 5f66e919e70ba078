//! A refusal: status, stable code, and a sentence that says how to mend it. The table of codes is `docs/errors.md`.

mod answer;
mod codes;
mod reasons;
mod table;

use fairlead_admit::Missed;
use fairlead_auth::BadToken;
use http::StatusCode;

use crate::failure::Unsupported;
use crate::govern::dear::{Dear, MaxCost};
use crate::govern::refusal::Refusal;

pub(crate) use codes::{PROVIDER_REFUSED, is_ours};

/// Why the gateway itself refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Rejection {
    /// The body is not what the API takes.
    #[error("{0}")]
    InvalidRequest(String),
    /// A member stands twice in the body: whoever reads it next might take the other one.
    #[error("the body has the member {0:?} twice; send it once")]
    DuplicateKey(String),
    /// No key was sent.
    #[error(
        "no key was sent; put your virtual key into the header 'Authorization: Bearer KEY' (x-api-key and api-key work too)"
    )]
    MissingKey,
    /// Nobody has this key.
    #[error(
        "this key is not known here; check that it is a virtual key of this gateway and that it has not been deleted"
    )]
    InvalidKey,
    /// The key's time is over.
    #[error(
        "this key has expired; ask its owner for a new one, or for a later spec.expiresAt on the VirtualKey"
    )]
    KeyExpired,
    /// The key's owner suspended it.
    #[error("this key is suspended; its owner can set spec.suspended to false on the VirtualKey")]
    KeySuspended,
    /// The token is not taken, whoever it is for.
    #[error("{0}")]
    BadToken(BadToken),
    /// No key takes the token.
    #[error("{0}")]
    NoKeyForToken(Missed),
    /// The keys that the token was signed with are not known yet.
    #[error(
        "the keys of the token's issuer have not been had yet; try again in a moment, and have the gateway's operator look at its logs if it lasts"
    )]
    IssuerUnavailable,
    /// The key is for callers from elsewhere.
    #[error(
        "this key is not for callers from this address; ask its owner to add the network to spec.networks of the VirtualKey"
    )]
    NetworkNotAllowed,
    /// The key's team, or the team's organization, is missing.
    #[error(
        "the team of this key, or the team's organization, is not there or does not take it, so that their limits would not hold; have its owner look at the condition ResolvedRefs of the VirtualKey"
    )]
    KeyOwnerMissing,
    /// The key has another value now.
    #[error(
        "this key was rotated: it has a new value, and the time of this one is over; take the new value from the Secret that the VirtualKey names, or ask its owner for it"
    )]
    KeyRotated,
    /// The key may not ask for this model.
    #[error(
        "this key may not use the model {0:?}; ask for one that GET /v1/models lists, or have it added to spec.allow.models of the VirtualKey, and permitted by its Team and Organization"
    )]
    ModelNotAllowed(String),
    /// The key may not use any provider that would answer.
    #[error(
        "no provider that this key may use answers the model {0:?}; have one added to spec.allow of the VirtualKey, permitted by its Team and Organization, or opened by spec.access of the LLMProvider"
    )]
    ProviderNotAllowed(String),
    /// Constraints leave no provider that would answer.
    #[error(
        "{1} permits no provider that would answer the model {0:?}; ask for another model, or have the platform team look at the constraint"
    )]
    Constrained(String, String),
    /// Constraints permit no provider of what would be passed through.
    #[error(
        "{0} does not permit what is passed through to this provider; ask for another one, or have the platform team look at the constraint"
    )]
    PassThroughConstrained(String),
    /// Nothing is passed through there, or not for this key.
    #[error(
        "nothing is passed through here for this key: the path is /passthrough/NAMESPACE/PROVIDER/.., the LLMProvider must allow what follows in spec.passthrough.paths, and the key must be one that may name the provider and is bound to no models (spec.allow.models)"
    )]
    NotPassedThrough,
    /// The name is a virtual model, and none of its rules takes this request.
    #[error(
        "no routing rule for the model {0:?} takes this request; check the conditions in spec.match.when of its RoutingRules"
    )]
    NoRule(String),
    /// Nobody offers the name.
    #[error("the model {0:?} is not known here; GET /v1/models lists the names this key can use")]
    UnknownModel(String),
    /// A rule takes the name, and none of its providers offers it.
    #[error(
        "the routing rule {1} takes the model {0:?}, and no provider that it names offers that; have it added to spec.models of the LLMProvider, or another model named in the rule"
    )]
    ModelNotOffered(String, String),
    /// A rule gives the request a name that nobody knows.
    #[error(
        "the routing rule {1} gives a request for the model {0:?} the name {2:?}, which is not known here; have spec.changes.model of the rule mended, or the model added to spec.models of an LLMProvider that this key can use"
    )]
    UnknownAlias(String, String, String),
    /// More rules continue than may hold for one request.
    #[error(
        "more than ten routing rules continue for this request, the last of them {0}; have some of them put into one"
    )]
    TooManyRules(String),
    /// No target of the plan can be asked for this.
    #[error("{0}")]
    Unsupported(Box<Unsupported>),
    /// No target of the plan knows the operation.
    #[error(
        "no provider of this model knows this operation; ask for another model, or have a provider added whose API has it"
    )]
    UnsupportedOperation,
    /// Every target that could be asked would cost more than the request may.
    #[error("{0}")]
    TooExpensive(Box<Dear>),
    /// What the request would cost nobody can tell, and there is a most that it may.
    #[error(
        "what is passed through costs nobody knows how much, and spec.maxCostPerRequest of the {kind} {holder} holds; ask by a path of the gateway's, or have it removed", kind = .0.kind, holder = .0.holder
    )]
    CostUnknown(Box<MaxCost>),
    /// There is nothing at this path.
    #[error(
        "there is nothing at this path; the gateway serves POST /v1/chat/completions, /v1/completions, /v1/embeddings, /v1/responses, /v1/images/generations, /v1/images/edits, /v1/images/variations, /v1/audio/speech, /v1/audio/transcriptions, /v1/audio/translations, /v1/moderations, /v1/rerank, /v1/messages, /v1/messages/count_tokens, /v1beta/models/MODEL:generateContent and :streamGenerateContent, :countTokens, :embedContent and :batchEmbedContents, and GET /v1/models"
    )]
    UnknownPath,
    /// The path is right, the method is not.
    #[error("this path does not take this method; use POST for what asks a model, GET for models")]
    MethodNotAllowed(&'static str),
    /// The head says more than one thing about where the request ends or whom it is for.
    #[error("{0}")]
    AmbiguousHead(&'static str),
    /// The body is transferred in a way that is not understood.
    #[error(
        "the body has a Transfer-Encoding other than chunked; send it as it is, or in chunks without compression"
    )]
    TransferCoding,
    /// More header fields than are read.
    #[error("the request has more than {0} header fields; send fewer")]
    TooManyHeaders(usize),
    /// The body is over the limit.
    #[error(
        "the body is larger than {0} bytes; send less, or have the gateway started with a larger --max-request-bytes"
    )]
    BodyTooLarge(usize),
    /// The body is compressed.
    #[error("the body has a Content-Encoding; send it as it is, without compression")]
    UnsupportedEncoding,
    /// The body did not arrive in time.
    #[error("the body did not arrive within {0} s; send it faster, or in smaller parts")]
    BodyTimeout(u64),
    /// All the memory for bodies is taken.
    #[error("the gateway holds as many bytes as it may; try again in a moment")]
    Overloaded,
    /// The gateway cannot open a connection, to whomever.
    #[error(
        "the gateway could open no connection: {0}; try again in a moment, and have its operator look at its logs and metrics if it lasts"
    )]
    NoConnection(&'static str),
    /// The condition of a rule that must not be passed over cannot be evaluated.
    #[error(
        "the condition of the routing rule {0} cannot be evaluated for this request, and the rule is an Override; have its spec.match.when mended (has() asks whether a parameter is there)"
    )]
    RuleError(String),
    /// Not one target could be tried.
    #[error("no target for this model can be used: {0}")]
    NoHealthyTarget(String, Option<u64>),
    /// Every target's credentials rest; for so many seconds more.
    #[error(
        "the provider limits the rate of this gateway; try again in {0} s, or have a fallback or another credential added"
    )]
    RateLimited(u64),
    /// Nobody can say how the limits stand.
    #[error(
        "the store of counters cannot be reached; try again in a moment, and have the gateway's operator look at it if it lasts"
    )]
    StoreUnavailable,
    /// A limit refuses.
    #[error("{0}")]
    Limited(Box<Refusal>),
    /// Every target has as many requests as it may.
    #[error(
        "every provider of this model has as many requests as it may; try again in a moment, or have spec.concurrency of the LLMProvider raised"
    )]
    ProviderFull,
    /// The provider's answer is of no use.
    #[error("the provider failed: {0}; try again, or have a fallback added to the routing rule")]
    ProviderError(String),
    /// The provider answered that it failed, in words that are not for callers.
    #[error(
        "the provider failed: {detail}; try again, or have a fallback added to the routing rule"
    )]
    ProviderFailed {
        /// The provider's status.
        status: StatusCode,
        /// In our words.
        detail: &'static str,
        /// In how many seconds it wants to be asked again.
        retry_after: Option<u64>,
    },
    /// The provider refused the request, and not in words that can be passed on.
    #[error(
        "the provider refused the request with the status {}: {detail}; what it says beside that is not passed on",
        status.as_u16()
    )]
    ProviderRefused {
        /// The provider's status.
        status: StatusCode,
        /// In our words.
        detail: &'static str,
    },
    /// The provider limits our rate; it wants to be asked again in so many seconds, if it says.
    #[error(
        "the provider limits the rate of this gateway, or its account there is used up; try again later, or have a fallback or another credential added"
    )]
    ProviderLimits(Option<u64>),
    /// Every target refused our credential.
    #[error(
        "the provider does not accept the gateway's credential; the owner of the LLMProvider must renew it"
    )]
    ProviderCredential,
    /// The provider took too long.
    #[error(
        "the provider did not answer in time ({0}); try again, or raise spec.timeouts of the LLMProvider or RoutingRule"
    )]
    ProviderTimeout(&'static str),
}

impl Rejection {
    /// The limit that refuses, where one does.
    #[must_use]
    pub(crate) fn limit(&self) -> Option<&Refusal> {
        if let Self::Limited(refusal) = self {
            Some(refusal)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
