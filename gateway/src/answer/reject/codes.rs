//! The codes that only this gateway may send.

use fairlead_admit::Missed;
use fairlead_auth::BadToken;

/// The code of a refusal by the provider that is told in the gateway's words.
pub(crate) const PROVIDER_REFUSED: &str = "provider_refused";

/// Every code of the gateway's (`docs/errors.md`).
const CODES: [&str; 43] = [
    "invalid_request",
    "duplicate_key",
    "ambiguous_request",
    "missing_key",
    "invalid_key",
    "key_expired",
    "key_suspended",
    "invalid_token",
    "token_expired",
    "unknown_issuer",
    "wrong_audience",
    "no_key_for_token",
    "issuer_unavailable",
    "network_not_allowed",
    "key_rotated",
    "key_owner_missing",
    "model_not_allowed",
    "provider_not_allowed",
    "passthrough_not_allowed",
    "no_rule",
    "unknown_model",
    "unsupported_by_target",
    "unsupported_operation",
    "unknown_path",
    "method_not_allowed",
    "request_timeout",
    "body_too_large",
    "unsupported_encoding",
    "too_many_headers",
    "rate_limited",
    "budget_exhausted",
    "store_unavailable",
    "price_unknown",
    "cost_unbounded",
    "max_cost_exceeded",
    PROVIDER_REFUSED,
    "unsupported_transfer_encoding",
    "provider_error",
    "provider_credential",
    "overloaded",
    "rule_error",
    "no_healthy_target",
    "provider_timeout",
];

/// Whether a code is one of the gateway's, so that nobody else may send it in its name.
#[must_use]
pub(crate) fn is_ours(code: &str) -> bool {
    CODES.contains(&code)
}

/// What a token is told as that is not taken, whoever it is for.
pub(super) fn bad_token(bad: BadToken) -> &'static str {
    match bad {
        BadToken::Expired => "token_expired",
        BadToken::TooLong
        | BadToken::Unreadable
        | BadToken::Algorithm
        | BadToken::Critical
        | BadToken::NoIssuer
        | BadToken::NoExpiry
        | BadToken::UnknownKey
        | BadToken::Signature
        | BadToken::NotYet => "invalid_token",
    }
}

/// What a token is told as that no key takes.
pub(super) fn no_key(missed: Missed) -> &'static str {
    match missed {
        Missed::Issuer => "unknown_issuer",
        Missed::Audience => "wrong_audience",
        Missed::Claims | Missed::Witness => "no_key_for_token",
    }
}
