//! An answer that is passed on as it comes: one that nobody here can read, such as a sound, once its first bytes are there, or one too large to be
//! held.

use fairlead_snapshot::FailureClass;
use http::{HeaderMap, StatusCode};

use super::Try;
use crate::answer::large::LargeAnswer;
use crate::answer::{Committed, broken};
use crate::failure::{Deadline, Failure};
use crate::headers;
use crate::memory::Gathering;
use crate::upstream::source::Source;
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

    /// An answer that is too large to be held, as far as it has come: what is no JSON is not looked through for its end.
    pub(super) fn too_large(
        &self,
        status: StatusCode,
        headers: &HeaderMap,
        held: Gathering,
        body: Source,
    ) -> LargeAnswer {
        let is_text = self.codec.sent.is_text() && !headers::is(headers, JSON);
        let (bytes, permit) = held.finish();
        let (headers, held) = (self.shown(headers), permit.keep(bytes));
        let large = LargeAnswer::new(status, headers, held, body, self.patience());
        if is_text { large.unread() } else { large }
    }
}
