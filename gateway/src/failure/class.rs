//! What follows from a failure, one row a class (`docs/failures.md`).

use fairlead_snapshot::FailureClass;
use http::StatusCode;

/// What a failure speaks against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// The provider cannot be reached.
    Provider,
    /// It can, and does not answer for this model as it should.
    Model,
    /// The request, or how often we ask; the target is up.
    Request,
    /// The caller's patience or presence, or this gateway itself: of the target it says nothing.
    Nobody,
}

/// Whether the same target is asked again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// It is not.
    Never,
    /// After a pause that grows.
    Backoff,
    /// After the time that the provider names, if it can be waited for.
    WhenTold,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Consequences {
    /// Whether another target is tried where a rule says nothing else.
    pub falls_back: bool,
    /// Whom it speaks against.
    pub blames: Blame,
    /// Whether the same target is asked again.
    pub repeat: Repeat,
    /// Whether it says that there are too many requests at once, which lowers an adaptive limit.
    pub crowded: bool,
    /// The status for the caller, where the provider has not given one.
    pub status: StatusCode,
    /// What is said of a provider that answered with it.
    pub refusal: &'static str,
    /// Whether the provider's own words are for the caller: they are about its request.
    pub shown: bool,
}

/// The row of a class.
#[must_use]
pub(crate) fn consequences(class: FailureClass) -> Consequences {
    use Blame::{Model, Nobody, Provider, Request};
    use FailureClass as C;
    use Repeat::{Backoff, Never, WhenTold};
    use StatusCode as S;
    const ON: bool = true;
    const END: bool = false;
    const ERROR: &str = "it answered with an error";
    const REFUSED: &str = "it refused the request";
    const TOO_LONG: &str = "the request is too long for it";
    const CONTENT: &str = "it refused the content of the request";
    const RATE: &str = "it limits our rate";
    const CAPACITY: &str = "it has no capacity";
    const STATUS: &str = "it answered with a status that its API does not have";
    const CREDENTIAL: &str = "it refused the gateway's credential";
    const UNKNOWN: &str = "it does not know this model or path";
    match class {
        C::Connect => row(ON, Provider, Never, S::BAD_GATEWAY, ERROR),
        C::Reset => row(ON, Model, Backoff, S::BAD_GATEWAY, ERROR),
        C::FirstTokenTimeout => crowded(row(ON, Model, Never, S::GATEWAY_TIMEOUT, ERROR)),
        C::IdleTimeout => row(ON, Model, Never, S::GATEWAY_TIMEOUT, ERROR),
        C::TotalTimeout => row(END, Nobody, Never, S::GATEWAY_TIMEOUT, ERROR),
        C::RateLimited => crowded(row(ON, Request, WhenTold, S::TOO_MANY_REQUESTS, RATE)),
        C::Overloaded => crowded(row(ON, Model, Never, S::SERVICE_UNAVAILABLE, CAPACITY)),
        C::ServerError => row(ON, Model, Backoff, S::BAD_GATEWAY, ERROR),
        C::ProtocolError => row(ON, Model, Never, S::BAD_GATEWAY, STATUS),
        C::BadCredential => row(ON, Request, Never, S::BAD_GATEWAY, CREDENTIAL),
        C::ContextTooLong => shown(row(ON, Request, Never, S::BAD_REQUEST, TOO_LONG)),
        C::ContentFiltered => shown(row(END, Request, Never, S::BAD_REQUEST, CONTENT)),
        C::BadRequest => shown(row(END, Request, Never, S::BAD_REQUEST, REFUSED)),
        C::ClientGone => row(END, Nobody, Never, S::BAD_GATEWAY, ERROR),
        C::Unavailable => row(ON, Nobody, Never, S::SERVICE_UNAVAILABLE, UNKNOWN),
    }
}

fn row(
    falls_back: bool,
    blames: Blame,
    repeat: Repeat,
    status: StatusCode,
    refusal: &'static str,
) -> Consequences {
    Consequences {
        falls_back,
        blames,
        repeat,
        crowded: false,
        status,
        refusal,
        shown: false,
    }
}

fn shown(row: Consequences) -> Consequences {
    Consequences { shown: true, ..row }
}

fn crowded(row: Consequences) -> Consequences {
    Consequences {
        crowded: true,
        ..row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_blames_no_target() {
        for class in [
            FailureClass::BadRequest,
            FailureClass::ContentFiltered,
            FailureClass::ContextTooLong,
            FailureClass::BadCredential,
        ] {
            assert_eq!(consequences(class).blames, Blame::Request, "{class:?}");
        }
        for class in [FailureClass::ClientGone, FailureClass::TotalTimeout] {
            assert_eq!(consequences(class).blames, Blame::Nobody, "{class:?}");
        }
    }
}
