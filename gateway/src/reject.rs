//! A refusal: status, stable code, and a sentence that says how to mend it. The table of codes is `docs/errors.md`.

use axum::response::{IntoResponse, Response};
use fairlead_route::NoRoute;
use fairlead_wire::json::JsonError;
use fairlead_wire::openai;
use fairlead_wire::openai::request::RequestError;
use http::{HeaderValue, StatusCode, header};

/// Why the gateway itself refuses a request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
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
    /// The key may not ask for this model.
    #[error(
        "this key may not use the model {0:?}; ask for one that GET /v1/models lists, or have it added to spec.allow.models of the VirtualKey"
    )]
    ModelNotAllowed(String),
    /// The key may not use any provider that would answer.
    #[error(
        "no provider that this key may use answers the model {0:?}; have one added to spec.allow.providers of the VirtualKey, or to spec.access of the LLMProvider"
    )]
    ProviderNotAllowed(String),
    /// The name is a virtual model, and none of its rules takes this request.
    #[error(
        "no routing rule for the model {0:?} takes this request; check the conditions in spec.match.when of its RoutingRules"
    )]
    NoRule(String),
    /// Nobody offers the name.
    #[error("the model {0:?} is not known here; GET /v1/models lists the names this key can use")]
    UnknownModel(String),
    /// There is nothing at this path.
    #[error(
        "there is nothing at this path; the gateway serves POST /v1/chat/completions, /v1/completions, /v1/embeddings and GET /v1/models"
    )]
    UnknownPath,
    /// The path is right, the method is not.
    #[error(
        "this path does not take this method; use POST for completions and embeddings, GET for models"
    )]
    MethodNotAllowed,
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
    /// Every target has as many requests as it may.
    #[error(
        "every provider of this model has as many requests as it may; try again in a moment, or have spec.concurrency of the LLMProvider raised"
    )]
    ProviderFull,
    /// The provider's answer is of no use.
    #[error("the provider failed: {0}; try again, or have a fallback added to the routing rule")]
    ProviderError(String),
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
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::InvalidRequest(_) | Self::DuplicateKey(_) => StatusCode::BAD_REQUEST,
            Self::MissingKey | Self::InvalidKey | Self::KeyExpired | Self::KeySuspended => {
                StatusCode::UNAUTHORIZED
            }
            Self::ModelNotAllowed(_) | Self::ProviderNotAllowed(_) => StatusCode::FORBIDDEN,
            Self::NoRule(_) | Self::UnknownModel(_) | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedEncoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::ProviderError(_) | Self::ProviderCredential => StatusCode::BAD_GATEWAY,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Overloaded
            | Self::ProviderFull
            | Self::RuleError(_)
            | Self::NoHealthyTarget(..) => StatusCode::SERVICE_UNAVAILABLE,
            Self::ProviderTimeout(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::DuplicateKey(_) => "duplicate_key",
            Self::MissingKey => "missing_key",
            Self::InvalidKey => "invalid_key",
            Self::KeyExpired => "key_expired",
            Self::KeySuspended => "key_suspended",
            Self::ModelNotAllowed(_) => "model_not_allowed",
            Self::ProviderNotAllowed(_) => "provider_not_allowed",
            Self::NoRule(_) => "no_rule",
            Self::UnknownModel(_) => "unknown_model",
            Self::UnknownPath => "unknown_path",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTooLarge(_) => "body_too_large",
            Self::UnsupportedEncoding => "unsupported_encoding",
            Self::BodyTimeout(_) => "request_timeout",
            Self::Overloaded | Self::ProviderFull => "overloaded",
            Self::RateLimited(_) => "rate_limited",
            Self::RuleError(_) => "rule_error",
            Self::NoHealthyTarget(..) => "no_healthy_target",
            Self::ProviderError(_) => "provider_error",
            Self::ProviderCredential => "provider_credential",
            Self::ProviderTimeout(_) => "provider_timeout",
        }
    }

    /// In how many seconds it is worth trying again, if it is.
    fn retry_after(&self) -> Option<u64> {
        match self {
            Self::Overloaded | Self::ProviderFull => Some(1),
            Self::RateLimited(seconds) => Some(*seconds),
            Self::NoHealthyTarget(_, seconds) => *seconds,
            Self::InvalidRequest(_)
            | Self::DuplicateKey(_)
            | Self::MissingKey
            | Self::InvalidKey
            | Self::KeyExpired
            | Self::KeySuspended
            | Self::ModelNotAllowed(_)
            | Self::ProviderNotAllowed(_)
            | Self::NoRule(_)
            | Self::UnknownModel(_)
            | Self::UnknownPath
            | Self::MethodNotAllowed
            | Self::BodyTooLarge(_)
            | Self::UnsupportedEncoding
            | Self::BodyTimeout(_)
            | Self::RuleError(_)
            | Self::ProviderError(_)
            | Self::ProviderCredential
            | Self::ProviderTimeout(_) => None,
        }
    }

    /// The `type` of an OpenAI error object.
    fn kind(&self) -> &'static str {
        match self.status().as_u16() {
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        }
    }

    /// The error object.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let parameter = matches!(
            self,
            Self::ModelNotAllowed(_)
                | Self::ProviderNotAllowed(_)
                | Self::NoRule(_)
                | Self::UnknownModel(_)
        );
        openai::render_error(
            self.code(),
            self.kind(),
            &self.to_string(),
            parameter.then_some("model"),
        )
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let mut response = (self.status(), self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
        if self.status().is_server_error() {
            // The gateway has been through its plan: a client that repeats the request repeats all of it.
            headers.insert("x-should-retry", HeaderValue::from_static("false"));
        }
        // Nothing was sent, and something is known of when it can be.
        if let Some(seconds) = self.retry_after() {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
            headers.insert("x-should-retry", HeaderValue::from_static("true"));
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
            | RequestError::WrongType { .. } => Self::InvalidRequest(error.to_string()),
        }
    }
}

impl Rejection {
    /// What a request for `model` is told when there is no route.
    #[must_use]
    pub fn no_route(reason: NoRoute, model: &str) -> Self {
        let model = shorten(model);
        match reason {
            NoRoute::ModelNotAllowed => Self::ModelNotAllowed(model),
            NoRoute::ProviderNotAllowed => Self::ProviderNotAllowed(model),
            NoRoute::NoRule => Self::NoRule(model),
            NoRoute::UnknownModel => Self::UnknownModel(model),
            NoRoute::ConditionError { rule } => Self::RuleError(rule.to_string()),
        }
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
