//! From the provider's answer to the caller's: whole, too large to hold, or streamed; and what is said instead of one.

pub(crate) mod body;
pub(crate) mod classify;
pub(crate) mod finish;
pub(crate) mod heartbeat;
pub(crate) mod large;
mod patience;
pub(crate) mod policy;
pub(crate) mod progress;
pub(crate) mod recovery;
pub(crate) mod reject;
pub(crate) mod respond;
pub(crate) mod stream;
pub(crate) mod told;
pub(crate) mod transcript;
mod whole;

use fairlead_snapshot::FailureClass;
use http::StatusCode;
use tokio::time::Instant;

use crate::failure::{Failure, UpstreamError};
use crate::judges::Tokens;
use crate::observe::record::Record;
use crate::upstream::ticket::Ticket;
use large::LargeAnswer;
pub(crate) use patience::Patience;
use recovery::Recoverable;
use reject::Rejection;
pub(crate) use whole::WholeAnswer;

/// An answer that may be given to the caller.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "the usual answer is not worth a box"
)]
pub(crate) enum Committed {
    /// All of it.
    Whole(WholeAnswer),
    /// The beginning of one that is too large to hold.
    Large(Box<LargeAnswer>),
    /// The beginning of a stream that has brought content.
    Stream(Box<Recoverable>),
}

/// How a request ended that no target could answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// In the gateway's words.
    Own(Rejection),
    /// In the provider's words.
    Provider(Box<UpstreamError>, FailureClass),
}

/// How the work on a request ended.
pub(crate) type Outcome = (Record, Result<Committed, Unanswered>);

impl Committed {
    /// What one that came whole has used, as far as is known.
    #[must_use]
    pub(crate) fn tokens(&self) -> Tokens {
        match self {
            Self::Whole(whole) => Tokens::of(whole.usage.as_deref()),
            Self::Large(_) => Tokens::default(),
            Self::Stream(stream) => stream.answer.tokens(),
        }
    }

    /// The status that the provider answered with.
    #[must_use]
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::Whole(whole) => whole.status,
            Self::Large(large) => large.status,
            // One that is streamed has no other.
            Self::Stream(_) => StatusCode::OK,
        }
        .as_u16()
    }

    /// Whether nothing more of it is to come.
    #[must_use]
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole(_))
    }

    /// When its first content came, where that was earlier than that it could be given.
    #[must_use]
    pub(crate) fn content_at(&self) -> Option<Instant> {
        match self {
            Self::Stream(stream) => stream.answer.content_at(),
            Self::Whole(_) | Self::Large(_) => None,
        }
    }

    /// With what its attempt holds until the answer has ended.
    pub(crate) fn hold(&mut self, ticket: Ticket) {
        match self {
            Self::Whole(whole) => whole.ticket = Some(ticket),
            Self::Large(large) => large.hold(ticket),
            Self::Stream(stream) => stream.answer.hold(ticket),
        }
    }
}

/// The failure of a body that ended before its end.
pub(crate) fn broken() -> Failure {
    Failure::new(
        FailureClass::Reset,
        "the connection broke before the answer was complete",
    )
}
