//! What a provider's refusal means: status, codes and words together, to a failure class (`docs/failures.md`). Pure.
//!
//! The codes and words are data: `classify/sayings.tsv`, each with the place where it can be read. What they do not know, the status
//! decides; where there is none either, the provider has failed.

mod sayings;

use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::ErrorFacts;
use http::StatusCode;

use crate::failure::class::consequences;

/// Statuses whose words are about our account, not about the request.
const ABOUT_US: [u16; 4] = [401, 402, 407, 429];

/// What is made of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// What it means.
    pub class: FailureClass,
    /// Whether the caller may read the provider's own words: they are about its request, and not about our account.
    pub shown: bool,
}

/// Judges an error in the OpenAI dialect. `status`: that of the HTTP answer, if it was an error; one that came with 200, or inside a
/// stream, may name one itself.
#[must_use]
pub(crate) fn judge(status: Option<u16>, error: Option<&ErrorFacts>) -> Judgement {
    let status = status.or_else(|| error?.status);
    let said = error
        .filter(|_| status.is_none_or(|status| status >= 400 && status != 401))
        .and_then(|error| sayings::find(status, error));
    let class = said.map_or_else(|| by_status(status), |saying| saying.class);
    let about_us = said.is_some_and(|saying| saying.own)
        || status.is_some_and(|status| ABOUT_US.contains(&status));
    Judgement {
        class,
        shown: consequences(class).shown && error.is_some() && !about_us,
    }
}

/// The status that a caller sees of a refusal with `status`: that one, unless it says something else than the class.
#[must_use]
pub(crate) fn shown_status(class: FailureClass, status: StatusCode) -> StatusCode {
    let usual = consequences(class).status;
    let alike = by_status(Some(status.as_u16())) == class
        || (status.is_client_error()
            && (usual.is_client_error() || class == FailureClass::Unavailable));
    if alike { status } else { usual }
}

fn by_status(status: Option<u16>) -> FailureClass {
    match status {
        None => FailureClass::ServerError,
        Some(401) => FailureClass::BadCredential,
        // The target, not the request, is at fault: this provider knows neither the path nor the model.
        Some(404 | 410) => FailureClass::Unavailable,
        // 424: what stands behind the server has failed.
        Some(408 | 424 | 425) => FailureClass::ServerError,
        Some(413) => FailureClass::ContextTooLong,
        Some(429) => FailureClass::RateLimited,
        // 498: Groq's flex tier has no capacity; 529: overloaded, as several providers say it.
        Some(498 | 503 | 529) => FailureClass::Overloaded,
        // A bare 402 or 403 speaks of this one request - its content, what it costs -, for all that is known.
        Some(400..=499) => FailureClass::BadRequest,
        Some(500..=599) => FailureClass::ServerError,
        // Redirects are never followed, and an informational or empty success is not an answer.
        Some(_) => FailureClass::ProtocolError,
    }
}

#[cfg(test)]
mod tests;
