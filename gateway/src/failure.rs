//! A failed attempt: its class, and what of the provider's answer may still be of use.

pub(crate) mod class;
mod unsupported;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::govern::dear::Dear;
use crate::govern::refusal::Refusal;
use class::{Blame, consequences};
pub(crate) use unsupported::Unsupported;

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The class; decides what happens next.
    pub class: FailureClass,
    /// The status that the provider refused with, if it did.
    pub status: Option<u16>,
    /// The provider's own refusal, if it sent one that a caller may see.
    pub answer: Option<Box<UpstreamError>>,
    /// A sentence for the caller, where there is no answer: never the provider's words, which may hold anything.
    pub detail: &'static str,
    /// After which time the provider, or what kept it from being tried, asks for another try.
    pub retry_after: Option<Duration>,
    /// Why nothing was sent, where nothing was.
    pub skip: Option<Skip>,
    /// What of it is this gateway's own doing, if it is.
    pub own: Option<Own>,
    /// What cannot be asked of the target, where that is why it was not tried.
    pub unsupported: Option<Box<Unsupported>>,
    /// The limit for which it was not tried.
    pub limited: Option<Box<Refusal>>,
    /// What it would cost, where that is why it was not tried.
    pub dear: Option<Box<Dear>>,
}

/// What this gateway itself could not do. It speaks against no target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Own {
    /// Take an answer that is larger, or has more in it, than is taken from anybody. The target is up.
    Limit,
    /// Open a connection: descriptors, ports, buffers or name resolution are wanting. Another target may do without.
    Connection,
    /// Hold an answer: memory is wanting, for whoever would answer.
    Memory,
}

impl Own {
    /// Whether it says that the gateway has too much to do.
    #[must_use]
    pub(crate) fn is_overload(self) -> bool {
        matches!(self, Self::Connection | Self::Memory)
    }
}

/// Why a target was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// Its breaker is open.
    Unhealthy,
    /// It is coming back, and it was not this request's turn.
    Ramping,
    /// Its credentials rest, as it asked.
    Resting,
    /// It refuses its credentials.
    Benched,
    /// It has as many requests as it may.
    Full,
    /// It has as many requests as it may, and wants the next refused.
    Rejected,
    /// No credential can be sent.
    Unusable,
    /// Its dialect has no words for the request, or its model lacks what it needs.
    Unsupported,
    /// A limit is used up, of the caller's or of its own.
    Limited,
    /// It would cost more than a request may.
    Dear,
}

impl Skip {
    /// The reason as headers, logs and metrics show it.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Ramping => "ramping",
            Self::Resting => "resting",
            Self::Benched => "benched",
            Self::Full => "full",
            Self::Rejected => "rejected",
            Self::Unusable => "unavailable",
            Self::Unsupported => "unsupported",
            Self::Limited => "limited",
            Self::Dear => "too_expensive",
        }
    }

    /// Whether the target may be tried after all when nobody else has answered.
    #[must_use]
    pub(crate) fn may_yet(self) -> bool {
        matches!(self, Self::Ramping | Self::Resting)
    }
}

/// What a provider refused with.
#[derive(Debug)]
pub(crate) struct UpstreamError {
    /// The status.
    pub status: StatusCode,
    /// The headers that callers may see.
    pub headers: HeaderMap,
    /// The body, with our credential cut out wherever it was repeated.
    pub body: Bytes,
}

impl Failure {
    /// A failure without an answer.
    #[must_use]
    pub(crate) fn new(class: FailureClass, detail: &'static str) -> Self {
        Self {
            class,
            status: None,
            answer: None,
            detail,
            retry_after: None,
            skip: None,
            own: None,
            unsupported: None,
            limited: None,
            dear: None,
        }
    }

    /// The same, as this gateway's own doing.
    #[must_use]
    pub(crate) fn by(self, own: Own) -> Self {
        Self {
            own: Some(own),
            ..self
        }
    }

    /// A target that was not tried. It counts as the failure that is the reason of it, so that the same fallbacks are for it.
    #[must_use]
    pub(crate) fn skipped(skip: Skip, class: FailureClass) -> Self {
        let detail = match skip {
            Skip::Unhealthy => "it has failed too often just now and is left alone for a moment",
            Skip::Ramping => "it is coming back after failures and gets few requests yet",
            Skip::Resting => "all its credentials rest for a moment, as it asked",
            Skip::Benched => "it refuses its credentials",
            Skip::Full | Skip::Rejected => {
                "it has as many requests as its LLMProvider allows (spec.concurrency)"
            }
            Skip::Unusable => {
                "the Secret of its credential is missing or cannot be used, or no credential is for this model"
            }
            Skip::Unsupported => {
                "its API has no words for the request, or its model lacks what it needs"
            }
            Skip::Limited => "a limit is used up",
            Skip::Dear => "it would cost more than spec.maxCostPerRequest allows",
        };
        Self {
            skip: Some(skip),
            ..Self::new(class, detail)
        }
    }

    /// A limit that is used up. It counts as a limit of the provider's would, so that the same fallbacks are for it.
    #[must_use]
    pub(crate) fn limited(refusal: Refusal) -> Self {
        Self {
            limited: Some(Box::new(refusal)),
            ..Self::skipped(Skip::Limited, FailureClass::RateLimited)
        }
    }

    /// A target that is too dear.
    #[must_use]
    pub(crate) fn dear(dear: Box<Dear>) -> Self {
        Self {
            dear: Some(dear),
            ..Self::skipped(Skip::Dear, FailureClass::Unavailable)
        }
    }

    /// A pool that has no servers. It counts as one that cannot be connected to, so that the same fallbacks are for it.
    #[must_use]
    pub(crate) fn without_servers() -> Self {
        Self {
            detail: "none of its servers is ready (spec.endpoints)",
            ..Self::skipped(Skip::Unhealthy, FailureClass::Connect)
        }
    }

    /// A want of memory, for whoever would answer.
    #[must_use]
    pub(crate) fn without_memory(detail: &'static str) -> Self {
        Self::new(FailureClass::Unavailable, detail).by(Own::Memory)
    }

    /// A target that cannot be asked for this; `None`: for the operation as such.
    #[must_use]
    pub(crate) fn unsupported(what: Option<Unsupported>) -> Self {
        Self {
            unsupported: what.map(Box::new),
            ..Self::skipped(Skip::Unsupported, FailureClass::Unavailable)
        }
    }

    /// Whether another target is tried where a rule says nothing else.
    #[must_use]
    pub(crate) fn falls_back(&self) -> bool {
        consequences(self.class).falls_back && self.own != Some(Own::Memory)
    }

    /// Whom it speaks against.
    #[must_use]
    pub(crate) fn blames(&self) -> Blame {
        match self.own {
            Some(Own::Limit) => Blame::Request,
            Some(Own::Connection | Own::Memory) => Blame::Nobody,
            None => consequences(self.class).blames,
        }
    }

    /// The same, to be tried again after a time.
    #[must_use]
    pub(crate) fn again_after(self, time: Duration) -> Self {
        Self {
            retry_after: Some(time),
            ..self
        }
    }
}

/// The moment at which waiting ends, and what it is called when it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    at: Instant,
    class: FailureClass,
}

impl Deadline {
    /// The deadline of the whole request.
    #[must_use]
    pub(crate) fn total(at: Instant) -> Self {
        Self {
            at,
            class: FailureClass::TotalTimeout,
        }
    }

    /// The earlier of this deadline and another.
    #[must_use]
    pub(crate) fn or_at(self, at: Instant, class: FailureClass) -> Self {
        if at < self.at {
            Self { at, class }
        } else {
            self
        }
    }

    /// This deadline moved by a time that does not count, though never beyond the end of the request.
    #[must_use]
    pub(crate) fn later_by(self, time: Duration, end: Instant) -> Self {
        if self.class == FailureClass::TotalTimeout {
            return self;
        }
        Self::total(end).or_at(self.at + time, self.class)
    }

    /// The earlier of two deadlines.
    #[must_use]
    pub(crate) fn sooner(self, other: Self) -> Self {
        self.or_at(other.at, other.class)
    }

    /// Waits for `future`, but not beyond the deadline.
    ///
    /// # Errors
    /// A failure of the deadline's class.
    pub(crate) async fn wait<T>(self, future: impl Future<Output = T>) -> Result<T, Failure> {
        tokio::time::timeout_at(self.at, future)
            .await
            .map_err(|_| Failure::new(self.class, sentence(self.class)))
    }
}

fn sentence(class: FailureClass) -> &'static str {
    match class {
        FailureClass::Connect => "no connection came about in time",
        FailureClass::FirstTokenTimeout => {
            "nothing came before the time to the first content was over"
        }
        FailureClass::IdleTimeout => "the answer stalled",
        FailureClass::TotalTimeout => "the time for the whole request was over",
        FailureClass::Reset
        | FailureClass::RateLimited
        | FailureClass::Overloaded
        | FailureClass::ServerError
        | FailureClass::ProtocolError
        | FailureClass::BadCredential
        | FailureClass::ContextTooLong
        | FailureClass::ContentFiltered
        | FailureClass::BadRequest
        | FailureClass::ClientGone
        | FailureClass::Unavailable => "the attempt took too long",
    }
}
