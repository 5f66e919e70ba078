//! An answer in one piece: held until it is there, so that a cut fails over, and translated where it has to be.

use bytes::Bytes;
use fairlead_snapshot::FailureClass;
use fairlead_translate::embeddings::Coding;
use fairlead_wire::redact::Redactor;
use tokio::time::Instant;

use super::{Try, no_room};
use crate::answer::{Committed, WholeAnswer, broken};
use crate::codec::{self, Identity, Read};
use crate::failure::{Deadline, Failure, Own};
use crate::memory::{Gathering, Permit};
use crate::upstream::transport::Reply;

/// A whole answer is held up to this size, so that a cut fails over; a larger one is passed on as it comes.
const MAX_HELD: usize = 4 * 1024 * 1024;
/// A whole answer in another dialect is read up to this size: it cannot be passed on as it comes. One of which only the vectors are written
/// otherwise can, and then is.
const MAX_TRANSLATED: usize = 32 * 1024 * 1024;

/// Four bytes of a vector are 17 as a number, three times while they are written; in base64 they were 5.
const AS_NUMBERS: usize = 8;

impl Try<'_> {
    /// Reads an answer to its end, and makes of it what the caller gets.
    pub(super) async fn whole(
        &self,
        reply: Reply,
        first: Deadline,
        total: Deadline,
    ) -> Result<Committed, Failure> {
        let Reply {
            status,
            headers,
            mut body,
        } = reply;
        let announced = body
            .announced()
            .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        let mut held = Gathering::new(&self.job.memory(), announced);
        let mut deadline = first;
        loop {
            held.expect().map_err(|_| no_room())?;
            let Some(chunk) = deadline.wait(body.chunk()).await? else {
                break;
            };
            let chunk = chunk.map_err(|_| broken())?;
            deadline = total.or_at(
                Instant::now() + self.timeouts.idle,
                FailureClass::IdleTimeout,
            );
            held.push(chunk).map_err(|_| no_room())?;
            if self.passes_on(&held)? {
                let large = self.too_large(status, &headers, held, body);
                return Ok(Committed::Large(Box::new(large)));
            }
        }
        let (body, mut permit) = held.finish();
        let identity = Identity {
            recoded: self.recoded(&body),
            ..self.identity()
        };
        let (codec, looked) = (self.codec, body.clone());
        let _room = self.room_to_translate(&body, identity.recoded)?;
        let redactor = self.redactor().cloned();
        let beside = &self.job.worker.shared.beside;
        let look = move || codec.whole(&clean(redactor.as_deref(), looked), &identity);
        match beside.work(self.job.asker, body.len(), look).await {
            Read::Complete(answer, usage, told) => {
                // It may be longer than what came.
                permit.grow_to(answer.len()).map_err(|_| no_room())?;
                Ok(Committed::Whole(WholeAnswer {
                    status,
                    headers: self.shown(&headers),
                    body: permit.keep(answer),
                    usage: usage.map(Box::new),
                    told,
                    ticket: None,
                }))
            }
            Read::Error(facts) => Err(self.error_in_success(&facts, &headers, body)),
            Read::Nothing => Err(Failure::new(
                FailureClass::ProtocolError,
                "its answer holds nothing of what was asked for",
            )),
            Read::Malformed => Err(Failure::new(
                FailureClass::ProtocolError,
                "its answer is not well-formed JSON",
            )),
        }
    }

    /// Whether an answer has become too large to be held, and is passed on as it comes.
    ///
    /// # Errors
    /// It cannot be, for it has to be translated.
    fn passes_on(&self, held: &Gathering) -> Result<bool, Failure> {
        let is_large = held.len() > MAX_TRANSLATED;
        if self.codec.is_identity() {
            let is_held = held.len() <= MAX_HELD || self.recoded(held.begun()).is_some();
            return Ok(is_large || !is_held);
        }
        if is_large {
            let detail = "its answer is larger than is translated";
            return Err(Failure::new(FailureClass::ProtocolError, detail).by(Own::Limit));
        }
        Ok(false)
    }

    /// How the vectors of an answer, of which this is the beginning, have to be written, where a host has not heeded what was asked.
    fn recoded(&self, begun: &[u8]) -> Option<Coding> {
        let asked = self.job.coding.filter(|_| self.codec.is_identity());
        asked.filter(|coding| coding.is_missed_by(begun))
    }

    /// The memory that it takes to translate an answer.
    fn room_to_translate(
        &self,
        body: &Bytes,
        recoded: Option<Coding>,
    ) -> Result<Option<Permit>, Failure> {
        if self.codec.is_identity() && recoded.is_none() {
            return Ok(None);
        }
        let mut room = codec::room(body);
        if recoded == Some(Coding::Numbers) {
            room = room.saturating_add(body.len().saturating_mul(AS_NUMBERS));
        }
        let permit = self.job.memory().permit(room);
        permit.map(Some).map_err(|_| no_room())
    }
}

/// An answer as the caller sees it, without our credential.
fn clean(redactor: Option<&Redactor>, answer: Bytes) -> Bytes {
    match redactor {
        Some(redactor) if redactor.may_be_in(&answer) => redactor.cut(answer),
        _ => answer,
    }
}
