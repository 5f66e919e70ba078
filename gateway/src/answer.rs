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

use crate::failure::{Failure, UpstreamError};
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
