//! The table of refusals (`docs/errors.md`): what a caller is told beside the sentence.

use http::StatusCode;
use http::StatusCode as S;

use super::Rejection;
use super::codes::{PROVIDER_REFUSED, bad_token, no_key};
use crate::govern::refusal::{Refusal, Why};

/// The code of a budget that is used up.
const BUDGET_EXHAUSTED: &str = "budget_exhausted";

/// What a caller is told beside the sentence.
pub(super) struct Row {
    /// The HTTP status.
    pub(super) status: StatusCode,
    /// The stable code.
    pub(super) code: &'static str,
    /// In how many seconds it is worth trying again, if it is.
    pub(super) retry_after: Option<u64>,
    /// The member of the body that it is about.
    pub(super) parameter: Option<&'static str>,
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
    pub(super) fn row(&self) -> Row {
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
            Self::UnknownModel(_) | Self::ModelNotOffered(..) | Self::UnknownAlias(..) => {
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
            Self::RuleError(_) | Self::TooManyRules(_) => row(S::SERVICE_UNAVAILABLE, "rule_error"),
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

    /// The `type` of an OpenAI error object.
    pub(super) fn kind(&self) -> &'static str {
        match self.status().as_u16() {
            429 if self.code() == BUDGET_EXHAUSTED => "insufficient_quota",
            401 => "authentication_error",
            403 => "permission_error",
            429 => "rate_limit_error",
            400..=499 => "invalid_request_error",
            _ => "api_error",
        }
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
