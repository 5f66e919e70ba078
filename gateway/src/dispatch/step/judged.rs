//! Who judges by how an attempt goes: the rule that has chosen its target, and whoever has chosen its credential.

use std::sync::Arc;

use fairlead_health::adaptive::Recorder;

use super::StepRun;
use super::credential::Chosen;
use crate::judges::{Flights, Judged, Terms};

impl StepRun<'_> {
    /// Whether what becomes of the attempt is noted. To count tokens takes no time, and says nothing of how long answers take; of a copy nobody is
    /// to notice anything.
    pub(super) fn is_noted(&self) -> bool {
        !self.job.operation.is_free() && !self.job.copy
    }

    /// What an attempt that goes out now is to them; `None`: nobody judges.
    pub(super) fn flights(&self, credential: Option<Chosen>) -> Option<Box<Flights>> {
        if !self.is_noted() {
            return None;
        }
        let terms = Terms {
            now: self.upstream.now(),
            stream: self.streams(),
            configured: self.step.configured,
            impatient: self.timeouts != self.upstream.provider.timeouts,
        };
        let judge = self.credential_judge();
        let credential = credential.zip(judge.as_deref());
        let credential = credential.and_then(|(chosen, judge)| judge.candidate(chosen.at));
        Flights::begin(self.target_recorder(), credential, terms)
    }

    /// Who judges the provider's credentials for the model.
    pub(super) fn credential_judge(&self) -> Option<Arc<Judged>> {
        // Of what only callers have come up with nothing is kept before it has been answered.
        self.model.as_ref()?;
        self.upstream.credential_judge(&self.step.model)
    }

    /// Whether the answer is a stream that is passed on as it comes.
    pub(super) fn streams(&self) -> bool {
        self.job.stream && !self.job.policy.hold
    }

    fn target_recorder(&self) -> Option<&Arc<Recorder>> {
        let rule = self.plan.rule.as_ref().filter(|rule| rule.judges)?;
        let judged = self.job.runtime.judges.get(&rule.name)?;
        judged.recorder(&self.step.target)
    }
}
