//! What an attempt holds while it lasts: the breakers' permission and perhaps the trial of a credential, with the duty to say what became of
//! them, and its place at the provider.
//!
//! Taken before sending, settled once: when the attempt fails, or when the answer it has begun ends. An attempt that is dropped - its caller
//! hung up, another was quicker - gives everything back and says nothing: that is nobody's failure, and the next may find out in its place.

mod permission;
#[cfg(test)]
pub(crate) mod tests;

use super::gate::Slot;
use crate::failure::Failure;
use crate::judges::Tokens;
pub(crate) use permission::Permission;

/// What the attempt that answers holds until its answer has ended.
#[derive(Debug)]
pub(crate) struct Ticket {
    pass: Option<Permission>,
    _slot: Slot,
}

impl Ticket {
    /// Of an answer that has begun: whoever was sent to find out whether the target is back has found out. `tokens`: of one that comes whole.
    #[must_use]
    pub(crate) fn new(mut pass: Permission, slot: Slot, tokens: Tokens) -> Self {
        pass.answers(tokens);
        Self {
            pass: Some(pass),
            _slot: slot,
        }
    }

    /// The answer is whole (`None`) and has so many tokens, or has ended in a failure. Only the first word counts.
    pub(crate) fn settle(&mut self, failure: Option<&Failure>, tokens: Tokens) {
        if let Some(pass) = self.pass.take() {
            match failure {
                None => pass.succeeded(tokens),
                Some(failure) => pass.ended(failure),
            }
        }
    }
}
