//! A failed attempt: its class, and what of the provider's answer may still be of use.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

/// Why an attempt failed.
#[derive(Debug)]
pub struct Failure {
    /// The class; decides what happens next.
    pub class: FailureClass,
    /// The status that the provider refused with, if it did.
    pub status: Option<u16>,
    /// The provider's own refusal, if it sent one that a caller may see.
    pub answer: Option<Box<Refused>>,
    /// A sentence for the caller, where there is no answer: never the provider's words, which may hold anything.
    pub detail: &'static str,
    /// After which time the provider, or what kept it from being tried, asks for another try.
    pub retry_after: Option<Duration>,
    /// Why nothing was sent, where nothing was.
    pub skip: Option<Skip>,
}

/// Why a target was not tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
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
}

impl Skip {
    /// The reason as headers, logs and metrics show it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unhealthy => "unhealthy",
            Self::Ramping => "ramping",
            Self::Resting => "resting",
            Self::Benched => "benched",
            Self::Full => "full",
            Self::Rejected => "rejected",
            Self::Unusable => "unavailable",
        }
    }

    /// Whether the target may be tried after all when nobody else has answered.
    #[must_use]
    pub fn may_yet(self) -> bool {
        matches!(self, Self::Ramping | Self::Resting)
    }
}

/// What a provider refused with.
#[derive(Debug)]
pub struct Refused {
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
    pub fn new(class: FailureClass, detail: &'static str) -> Self {
        Self {
            class,
            status: None,
            answer: None,
            detail,
            retry_after: None,
            skip: None,
        }
    }

    /// A target that was not tried. It counts as the failure that is the reason of it, so that the same fallbacks are for it.
    #[must_use]
    pub fn skipped(skip: Skip, class: FailureClass) -> Self {
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
        };
        Self {
            skip: Some(skip),
            ..Self::new(class, detail)
        }
    }

    /// The same, to be tried again after a time.
    #[must_use]
    pub fn again_after(self, time: Duration) -> Self {
        Self {
            retry_after: Some(time),
            ..self
        }
    }
}

/// The moment at which waiting ends, and what it is called when it does.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    at: Instant,
    class: FailureClass,
}

impl Deadline {
    /// The deadline of the whole request.
    #[must_use]
    pub fn total(at: Instant) -> Self {
        Self {
            at,
            class: FailureClass::TotalTimeout,
        }
    }

    /// The earlier of this deadline and another.
    #[must_use]
    pub fn or_at(self, at: Instant, class: FailureClass) -> Self {
        if at < self.at {
            Self { at, class }
        } else {
            self
        }
    }

    /// This deadline moved by a time that does not count, though never beyond the end of the request.
    #[must_use]
    pub fn later_by(self, time: Duration, end: Instant) -> Self {
        if self.class == FailureClass::TotalTimeout {
            return self;
        }
        Self::total(end).or_at(self.at + time, self.class)
    }

    /// Waits for `future`, but not beyond the deadline.
    ///
    /// # Errors
    /// A failure of the deadline's class.
    pub async fn wait<T>(self, future: impl Future<Output = T>) -> Result<T, Failure> {
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
