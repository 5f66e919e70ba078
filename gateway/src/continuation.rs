//! `recovery: Continue`: where a stream breaks after its caller has had content, another target is asked for the rest of it.
//!
//! Who may go on is settled when the stream commits: the steps of the plan that are left, then the one that answered, as far as their
//! providers declare a continuation; each is asked once. Whether there is a rest to ask for is settled where the stream breaks: only plain
//! text can be gone on with. If nobody goes on, the caller is told of the failure that broke the stream.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;

use fairlead_route::{Plan, Step};
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::request::parse;

use crate::attempt::Committed;
use crate::dispatch::Job;
use crate::record::Record;
use crate::relay::said::Said;
use crate::relay::stream::StreamAnswer;
use crate::visit::try_step;

/// What it takes to ask for the rest of an answer.
#[derive(Debug)]
pub struct Resume {
    job: Job,
    plan: Plan,
    /// Positions in the plan.
    candidates: VecDeque<usize>,
}

/// Gives a stream that the step at `at` has begun what it needs to be gone on with, where the rule wants that and somebody can.
#[must_use]
pub fn arm(mut committed: Committed, job: Job, plan: Plan, at: usize) -> Committed {
    if let Committed::Stream(answer) = &mut committed {
        answer.recover_by(Resume::of(job, plan, at).map(Box::new));
    }
    committed
}

impl Resume {
    fn of(job: Job, plan: Plan, at: usize) -> Option<Self> {
        job.terms.continuation.as_ref()?;
        let goes_on = |at: &usize| plan.steps.get(*at).is_some_and(|step| declares(&job, step));
        let candidates: VecDeque<usize> = (at + 1..plan.steps.len())
            .chain([at])
            .filter(goes_on)
            .collect();
        (!candidates.is_empty()).then_some(Self {
            job,
            plan,
            candidates,
        })
    }

    /// Whether the memory for what was said so far is there; it is taken then.
    pub fn covers(&mut self, said: &Said) -> bool {
        let bytes = self.job.body.len() + said.text.len();
        self.job.permit.grow_to(bytes).is_ok()
    }

    /// Asks one candidate after the other for the rest of an answer that broke off with a failure of `class`. The attempts go into the
    /// record; `None`: nobody goes on.
    pub async fn rest(
        &mut self,
        said: &Said,
        class: FailureClass,
        record: &mut Record,
    ) -> Option<Box<StreamAnswer>> {
        let over = matches!(class, FailureClass::TotalTimeout | FailureClass::ClientGone);
        if over || !said.can_be_continued() {
            return None;
        }
        record.broke_off(class);
        let job = self.job.for_rest(said)?;
        while let Some(at) = self.candidates.pop_front() {
            let Some(step) = self
                .plan
                .steps
                .get(at)
                .filter(|step| meant_for(step, class))
            else {
                continue;
            };
            let rule = self.plan.rule.as_ref();
            let rest = try_step(&job, step, rule, &mut record.attempts).await;
            if let Ok(Committed::Stream(rest)) = rest {
                return Some(rest);
            }
        }
        None
    }
}

impl Job {
    /// The job whose answer is the rest of this one's.
    fn for_rest(&self, said: &Said) -> Option<Self> {
        let continuation = self.terms.continuation.as_ref()?;
        let body = continuation
            .request(&self.body, &said.text, said.pieces)
            .to_bytes();
        let request = parse(&body).ok()?;
        let (edits, terms) = (request.edits(), self.terms.of_rest(said));
        Some(Self {
            worker: self.worker.clone(),
            runtime: self.runtime.clone(),
            operation: self.operation,
            stream: self.stream,
            choices: self.choices,
            caller_wants_usage: self.caller_wants_usage,
            headers: self.headers.clone(),
            edits,
            deadline: self.deadline,
            permit: self.worker.shared.memory.permit(body.len()).ok()?,
            terms,
            sent: self.sent.load(Ordering::Relaxed).into(),
            body,
        })
    }
}

fn declares(job: &Job, step: &Step) -> bool {
    step.provider
        .and_then(|provider| job.runtime.upstreams.get(provider.0))
        .is_some_and(|upstream| upstream.provider.continuation.is_some())
}

/// Whether a step that is only for some failures is for this one.
fn meant_for(step: &Step, class: FailureClass) -> bool {
    step.on
        .as_ref()
        .is_none_or(|on| on.classes.contains(&class))
}
