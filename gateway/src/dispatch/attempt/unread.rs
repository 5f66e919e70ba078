//! An answer that nobody here can read, such as a sound: passed on as it comes, once its first bytes are there.

use fairlead_snapshot::FailureClass;

use super::Try;
use crate::answer::large::LargeAnswer;
use crate::answer::{Committed, broken};
use crate::failure::{Deadline, Failure};
use crate::headers;
use crate::upstream::transport::Reply;

/// The media type of what can be read.
const JSON: &str = "application/json";

impl Try<'_> {
    /// Whether an answer is to be passed on unread.
    pub(super) fn is_unread(&self, reply: &Reply) -> bool {
        self.codec.sent.is_bytes() && !headers::is(&reply.headers, JSON)
    }

    /// Waits for the first bytes of it.
    ///
    /// # Errors
    /// None came; nothing has reached the caller then.
    pub(super) async fn unread(&self, reply: Reply, first: Deadline) -> Result<Committed, Failure> {
        let Reply {
            status,
            headers,
            mut body,
        } = reply;
        let piece = match first.wait(body.chunk()).await? {
            Some(Ok(piece)) => piece,
            Some(Err(_)) => return Err(broken()),
            None => {
                let detail = "its answer holds nothing of what was asked for";
                return Err(Failure::new(FailureClass::ProtocolError, detail));
            }
        };
        let headers = self.shown(&headers);
        let large = LargeAnswer::new(status, headers, piece, body, self.patience()).unread();
        Ok(Committed::Large(Box::new(large)))
    }
}
