//! A refusal: status, stable code, and a sentence that says how to mend it. The table of codes is `docs/errors.md`.

mod codes;

use std::sync::Arc;

use fairlead_admit::Missed;
use fairlead_auth::BadToken;
use fairlead_route::NoRoute;
use fairlead_wire::json::JsonError;
use fairlead_wire::openai::request::RequestError;
use http::StatusCode as S;
use http::{HeaderName, HeaderValue, StatusCode, header};

use crate::answer::body::{Body, Response};
use crate::failure::Unsupported;
use crate::govern::dear::{Dear, MaxCost};
use crate::govern::refusal::{Refusal, Why};
use crate::surface::Surface;

pub(crate) use codes::{PROVIDER_REFUSED, is_ours};
use codes::{bad_token, no_key};

/// The code of a budget that is used up.
const BUDGET_EXHAUSTED: &str = "budget_exhausted";
/// A client may wait for so many seconds by itself.
const BEARABLE: u64 = 60;
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

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

/// What a caller is told beside the sentence.
struct Row {
    status: StatusCode,
    /// The stable code.
    code: &'static str,
    /// In how many seconds it is worth trying again, if it is.
    retry_after: Option<u64>,
    /// The member of the body that it is about.
    parameter: Option<&'static str>,
}

impl Row {
    fn new(status: StatusCode, code: &'static str) -> Self {
        Self {
            status,
            code,
            retry_after: None,
            parameter: None,
        }
    }

    fn after(self, seconds: Option<u64>) -> Self {
        Self {
            retry_after: seconds,
            ..self
        }
    }

    fn about(self, parameter: &'static str) -> Self {
        Self {
            parameter: Some(parameter),
            ..self
        }
    }
}

impl Rejection {
    /// The table of refusals (`docs/errors.md`).
    fn row(&self) -> Row {
        let row = Row::new;
        let busy = |code| row(S::SERVICE_UNAVAILABLE, code).after(Some(1));
        let rate_limited = |seconds| row(S::TOO_MANY_REQUESTS, "rate_limited").after(seconds);
        let model = |row: Row| row.about("model");
        let unhealthy = |seconds| row(S::SERVICE_UNAVAILABLE, "no_healthy_target").after(seconds);
        match self {
            Self::InvalidRequest(_) => row(S::BAD_REQUEST, "invalid_request"),
            Self::DuplicateKey(_) => row(S::BAD_REQUEST, "duplicate_key"),
            Self::MissingKey => row(S::UNAUTHORIZED, "missing_key"),
            Self::InvalidKey => row(S::UNAUTHORIZED, "invalid_key"),
            Self::KeyExpired => row(S::UNAUTHORIZED, "key_expired"),
            Self::KeySuspended => row(S::UNAUTHORIZED, "key_suspended"),
            Self::BadToken(bad) => row(S::UNAUTHORIZED, bad_token(*bad)),
            Self::NoKeyForToken(missed) => row(S::UNAUTHORIZED, no_key(*missed)),
            Self::IssuerUnavailable => busy("issuer_unavailable"),
            Self::NetworkNotAllowed => row(S::FORBIDDEN, "network_not_allowed"),
            Self::KeyRotated => row(S::UNAUTHORIZED, "key_rotated"),
            Self::KeyOwnerMissing => row(S::UNAUTHORIZED, "key_owner_missing"),
            Self::ModelNotAllowed(_) => model(row(S::FORBIDDEN, "model_not_allowed")),
            Self::Constrained(..) | Self::ProviderNotAllowed(_) => {
                model(row(S::FORBIDDEN, "provider_not_allowed"))
            }
            Self::PassThroughConstrained(_) => row(S::FORBIDDEN, "provider_not_allowed"),
            Self::NotPassedThrough => row(S::FORBIDDEN, "passthrough_not_allowed"),
            Self::NoRule(_) => model(row(S::NOT_FOUND, "no_rule")),
            Self::UnknownModel(_) | Self::ModelNotOffered(..) => {
                model(row(S::NOT_FOUND, "unknown_model"))
            }
            Self::Unsupported(what) => Row {
                parameter: what.parameter(),
                ..row(S::BAD_REQUEST, "unsupported_by_target")
            },
            Self::TooExpensive(dear) => row(S::FORBIDDEN, dear.code()),
            Self::CostUnknown(_) => row(S::FORBIDDEN, "cost_unbounded"),
            Self::UnsupportedOperation => row(S::NOT_FOUND, "unsupported_operation"),
            Self::UnknownPath => row(S::NOT_FOUND, "unknown_path"),
            Self::MethodNotAllowed(_) => row(S::METHOD_NOT_ALLOWED, "method_not_allowed"),
            Self::AmbiguousHead(_) => row(S::BAD_REQUEST, "ambiguous_request"),
            Self::TransferCoding => row(S::NOT_IMPLEMENTED, "unsupported_transfer_encoding"),
            Self::TooManyHeaders(_) => row(S::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers"),
            Self::BodyTooLarge(_) => row(S::PAYLOAD_TOO_LARGE, "body_too_large"),
            Self::UnsupportedEncoding => row(S::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding"),
            Self::BodyTimeout(_) => row(S::REQUEST_TIMEOUT, "request_timeout"),
            Self::Overloaded | Self::NoConnection(_) | Self::ProviderFull => busy("overloaded"),
            Self::RateLimited(seconds) => rate_limited(Some(*seconds)),
            Self::Limited(refusal) => limited(refusal),
            Self::StoreUnavailable => busy("store_unavailable"),
            Self::RuleError(_) => row(S::SERVICE_UNAVAILABLE, "rule_error"),
            Self::NoHealthyTarget(_, seconds) => unhealthy(*seconds),
            Self::ProviderError(_) => row(S::BAD_GATEWAY, "provider_error"),
            Self::ProviderFailed {
                status,
                retry_after,
                ..
            } => row(*status, "provider_error").after(*retry_after),
            Self::ProviderRefused { status, .. } => row(*status, PROVIDER_REFUSED),
            Self::ProviderLimits(seconds) => rate_limited(*seconds),
            Self::ProviderCredential => row(S::BAD_GATEWAY, "provider_credential"),
            Self::ProviderTimeout(_) => row(S::GATEWAY_TIMEOUT, "provider_timeout"),
        }
    }

    /// The HTTP status.
    #[must_use]
    pub(crate) fn status(&self) -> StatusCode {
        self.row().status
    }

    /// The stable code.
    #[must_use]
    pub(crate) fn code(&self) -> &'static str {
        self.row().code
    }

    /// Whether it is what a provider has answered.
    fn is_an_answer(&self) -> bool {
        matches!(
            self,
            Self::ProviderFailed { .. } | Self::ProviderRefused { .. } | Self::ProviderLimits(_)
        )
    }

    /// The `type` of an OpenAI error object.
    fn kind(&self) -> &'static str {
        match self.status().as_u16() {
            429 if self.code() == BUDGET_EXHAUSTED => "insufficient_quota",
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        }
    }

    /// The error object.
    #[must_use]
    pub(crate) fn body(&self, surface: Surface) -> Vec<u8> {
        surface.error(
            surface.status(self.status()).as_u16(),
            self.code(),
            self.kind(),
            &self.to_string(),
            self.row().parameter,
        )
    }
}

impl Rejection {
    /// The answer that says so.
    #[must_use]
    pub(crate) fn response(&self, surface: Surface) -> Response {
        let mut response = Response::new(Body::whole(self.body(surface)));
        *response.status_mut() = surface.status(self.status());
        let headers = response.headers_mut();
        let mut set = |name, value| drop(headers.insert(name, HeaderValue::from_static(value)));
        set(header::CONTENT_TYPE, "application/json");
        // What a status has to be told with (RFC 9110, 15.5.2, 15.5.6, 15.5.16; RFC 6750, 3).
        if self.status() == StatusCode::UNAUTHORIZED {
            let known = if matches!(self, Self::MissingKey) {
                "Bearer"
            } else {
                "Bearer error=\"invalid_token\""
            };
            set(header::WWW_AUTHENTICATE, known);
        }
        if let Self::MethodNotAllowed(allowed) = self {
            set(header::ALLOW, allowed);
        }
        if matches!(self, Self::UnsupportedEncoding) {
            set(header::ACCEPT_ENCODING, "identity");
        }
        let retry_after = self.row().retry_after;
        // The gateway has been through its plan: a client that repeats the request repeats all of it. But where nothing was sent, and
        // something is known of when it can be.
        if self.is_an_answer() || (self.status().is_server_error() && retry_after.is_none()) {
            set(SHOULD_RETRY, "false");
        } else if let Some(seconds) = retry_after {
            // Clients wait for as long as they are told, and agents hang over it.
            let bearable = seconds <= BEARABLE || !matches!(self, Self::Limited(_));
            set(SHOULD_RETRY, if bearable { "true" } else { "false" });
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}

impl From<RequestError> for Rejection {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Json(JsonError::DuplicateKey { key }) => {
                Self::DuplicateKey(shorten(&key))
            }
            RequestError::Json(_)
            | RequestError::MissingModel
            | RequestError::EmptyModel
            | RequestError::WrongType { .. }
            | RequestError::Misspelt { .. } => Self::InvalidRequest(error.to_string()),
        }
    }
}

impl Rejection {
    /// What is told where nothing may be passed through.
    #[must_use]
    pub(crate) fn not_passed_through(reason: &NoRoute) -> Self {
        match reason {
            NoRoute::ConditionError { rule } => Self::RuleError(rule.to_string()),
            NoRoute::Constrained { constraints } => {
                Self::PassThroughConstrained(listed(constraints))
            }
            NoRoute::ModelNotAllowed
            | NoRoute::ProviderNotAllowed
            | NoRoute::NoRule
            | NoRoute::UnknownModel
            | NoRoute::ModelNotOffered { .. } => Self::NotPassedThrough,
        }
    }

    /// What a request for `model` is told when there is no route.
    #[must_use]
    pub(crate) fn no_route(reason: NoRoute, model: &str) -> Self {
        let model = shorten(model);
        match reason {
            NoRoute::ModelNotAllowed => Self::ModelNotAllowed(model),
            NoRoute::ProviderNotAllowed => Self::ProviderNotAllowed(model),
            NoRoute::Constrained { constraints } => Self::Constrained(model, listed(&constraints)),
            NoRoute::NoRule => Self::NoRule(model),
            NoRoute::UnknownModel => Self::UnknownModel(model),
            NoRoute::ModelNotOffered { rule } => Self::ModelNotOffered(model, rule.to_string()),
            NoRoute::ConditionError { rule } => Self::RuleError(rule.to_string()),
        }
    }
}

/// Constraints, as a sentence begins with them. Their names are all that a tenant learns of them.
fn listed(constraints: &[Arc<str>]) -> String {
    match constraints {
        [only] => format!("the constraint {only}"),
        several => format!("what the constraints {} have in common", several.join(", ")),
    }
}

/// What a limit that refuses is told as. One that is used up says when it is full again; where nobody can say how much is left, that is no
/// fault of the caller's.
fn limited(refusal: &Refusal) -> Row {
    let row = match refusal.why {
        Why::Exhausted if refusal.is_money() => Row::new(S::TOO_MANY_REQUESTS, BUDGET_EXHAUSTED),
        Why::Exhausted | Why::Busy => Row::new(S::TOO_MANY_REQUESTS, "rate_limited"),
        Why::Unavailable => Row::new(S::SERVICE_UNAVAILABLE, "store_unavailable").after(Some(1)),
        Why::Unpriced => Row::new(S::FORBIDDEN, "price_unknown"),
        Why::Unbounded => Row::new(S::FORBIDDEN, "cost_unbounded"),
    };
    match refusal.retry_after {
        Some(seconds) => row.after(Some(seconds)),
        None => row,
    }
}

/// Callers' text is repeated to them only up to a length that cannot be abused.
fn shorten(text: &str) -> String {
    const LONGEST: usize = 100;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
