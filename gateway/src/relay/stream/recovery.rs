//! Where a stream breaks and the rule lets another target go on: what is remembered for that, and how the rest takes the place of the beginning.

use fairlead_wire::openai::Usage;
use fairlead_wire::sse::Event;

use super::StreamAnswer;
use crate::continuation::Resume;
use crate::failure::Failure;
use crate::record::Record;
use crate::relay::said::rejoined;

impl StreamAnswer {
    /// Lets another target go on where the stream breaks, if there is more of it to come.
    pub fn recover_by(&mut self, resume: Option<Box<Resume>>) {
        self.resume = resume.filter(|_| !self.ended);
    }

    /// Lets another target go on with the answer; says whether one does.
    pub(super) async fn go_on(&mut self, failure: &Failure, record: &mut Record) -> bool {
        let (Some(mut resume), Some(said)) = (self.resume.take(), self.said.as_mut()) else {
            return false;
        };
        self.source = None;
        said.cut(self.progress.usage);
        let Some(rest) = Box::pin(resume.rest(said, failure.class, record)).await else {
            return false;
        };
        let before = std::mem::replace(self, *rest);
        for piece in before.ready.into_iter().rev() {
            self.ready.push_front(piece);
        }
        self.resume = Some(resume);
        true
    }

    /// What the caller has had takes memory as long as somebody may have to go on with it; without room nobody does.
    pub(super) fn remember(&mut self) {
        if let (Some(resume), Some(said)) = (&mut self.resume, &self.said)
            && !resume.covers(said)
        {
            self.resume = None;
        }
    }

    /// What everyone together used who had a part in the answer, as far as it was reported.
    pub(super) fn usage(&self) -> Option<Usage> {
        let last = self.progress.usage;
        self.said.as_ref().map_or(last, |said| said.usage(last))
    }

    /// Puts an event where the caller will find it.
    pub(super) fn pass(&mut self, event: Event) {
        self.held += event.raw.len();
        let Some(said) = &mut self.said else {
            self.ready.push_back(event.raw);
            return;
        };
        let seen = if self.is_rest {
            rejoined(&event, &said.identity)
        } else {
            Some(event.raw)
        };
        if let Some(data) = &event.data {
            said.take(data);
        }
        self.ready.extend(seen);
    }
}
