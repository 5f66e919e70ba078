//! What a rule says of streams, as far as it concerns one request.

use fairlead_snapshot::{Commit, OnClientGone, Recovery, Streams};
use fairlead_wire::openai::continuation::Continuation;
use fairlead_wire::openai::request::Request;

use super::transcript::Transcript;
use crate::surface::Operation;

/// How the stream of one request is treated. The default is what holds without a rule.
#[derive(Debug, Clone, Default)]
pub(crate) struct StreamPolicy {
    /// Whether it is held until it is whole.
    pub hold: bool,
    /// Whether it is read on when the caller hangs up.
    pub finish: bool,
    /// How the request is continued where the answer breaks; `None`: the rule does not want it, or it cannot be.
    pub continuation: Option<Continuation>,
    /// What the caller has had already: what is asked for now is the rest.
    so_far: Option<Transcript>,
}

impl StreamPolicy {
    /// What the rule's words come to for this request.
    #[must_use]
    pub(crate) fn of(streams: Streams, operation: Operation, request: &Request<'_>) -> Self {
        if !request.stream {
            return Self::default();
        }
        let wanted = streams.recovery == Recovery::Continue && operation == Operation::Chat;
        Self {
            hold: streams.commit == Commit::Complete,
            finish: streams.on_client_gone == OnClientGone::Finish,
            continuation: wanted.then(|| Continuation::of(&request.object)).flatten(),
            so_far: None,
        }
    }

    /// The terms of the request for the rest of an answer: what comes is passed on at once, for the caller has had the beginning.
    #[must_use]
    pub(crate) fn of_rest(&self, transcript: &Transcript) -> Self {
        Self {
            hold: false,
            so_far: Some(transcript.clone()),
            ..self.clone()
        }
    }

    /// What a stream notes of itself: nothing, unless somebody may have to go on with it.
    #[must_use]
    pub(crate) fn transcript(&self) -> Option<Transcript> {
        self.continuation.as_ref()?;
        Some(self.so_far.clone().unwrap_or_default())
    }

    /// Whether the caller has had the beginning.
    #[must_use]
    pub(crate) fn is_rest(&self) -> bool {
        self.so_far.is_some()
    }
}
