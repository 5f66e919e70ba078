//! A stream that another target goes on with where it breaks, if a rule wants that. The stream itself knows nothing of it.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use fairlead_snapshot::FailureClass;

use super::stream::StreamAnswer;
use super::transcript::Transcript;
use crate::failure::Failure;
use crate::observe::record::Record;

/// The rest of an answer, or nobody who gives it.
pub(crate) type Rest<'a> = Pin<Box<dyn Future<Output = Option<StreamAnswer>> + Send + 'a>>;

/// Who can be asked for the rest of an answer that broke off.
pub(crate) trait Continue: Send + Debug {
    /// Whether the memory for what was said so far is there; it is taken then.
    fn covers(&mut self, transcript: &Transcript) -> bool;

    /// Asks for the rest of an answer that broke off with a failure of `class`. The attempts go into the record.
    fn rest<'a>(
        &'a mut self,
        transcript: &'a Transcript,
        class: FailureClass,
        record: &'a mut Record,
    ) -> Rest<'a>;
}

/// A stream on its way to the caller, and who goes on with it where it breaks.
#[derive(Debug)]
pub(crate) struct Recoverable {
    /// The stream.
    pub answer: StreamAnswer,
    /// `None`: nobody goes on.
    by: Option<Box<dyn Continue>>,
}

impl Recoverable {
    /// A stream that nobody goes on with.
    #[must_use]
    pub(crate) fn new(answer: StreamAnswer) -> Self {
        Self { answer, by: None }
    }

    /// Lets somebody go on where the stream breaks, if there is more of it to come; `None`: nobody.
    pub(crate) fn recover_by(&mut self, by: Option<Box<dyn Continue>>) {
        self.by = by.filter(|_| !self.answer.has_ended());
    }

    /// The next piece for the caller; `None` when the stream is over. After the first content a failure is told in the stream itself, which
    /// then ends without its terminator, unless somebody goes on.
    pub(crate) async fn next(&mut self, record: &mut Record) -> Option<Bytes> {
        record.content_begins();
        self.answer.caller_is_back();
        while let Err(failure) = self.answer.fill().await {
            if !self.go_on(&failure, record).await {
                record.is_told(self.answer.told());
                record.cut(failure.class);
                self.answer.fail(&failure);
            }
        }
        record.usage = self.answer.usage();
        record.comes_by(self.answer.used());
        self.remember();
        let piece = self.answer.take_ready();
        record.gives(piece.as_deref().unwrap_or_default());
        // The end may come after the last piece, where nothing is written to mark it.
        if self.answer.is_given() && record.error.is_none() {
            record.is_told(self.answer.told());
            // Whoever asks for more has room again: until then all of a short answer may lie here, in one piece that nobody takes.
            record.complete = piece.is_none();
            self.answer.settle(None);
        }
        piece
    }

    /// Lets somebody go on with the answer; says whether anybody does.
    async fn go_on(&mut self, failure: &Failure, record: &mut Record) -> bool {
        let Some(mut by) = self.by.take() else {
            return false;
        };
        record.comes_by(self.answer.used());
        record.is_told(self.answer.told());
        let Some(transcript) = self.answer.break_off(failure) else {
            return false;
        };
        record.settle();
        let Some(rest) = by.rest(transcript, failure.class, record).await else {
            return false;
        };
        self.answer.replace_by(rest);
        self.by = Some(by);
        true
    }

    /// What the caller has had takes memory as long as somebody may have to go on with it; without room nobody does.
    fn remember(&mut self) {
        if let (Some(by), Some(transcript)) = (&mut self.by, self.answer.transcript())
            && !by.covers(transcript)
        {
            self.by = None;
        }
    }
}
