//! `recovery: Continue`: where a stream breaks after its caller has had content, another target is asked for the rest of it.
//!
//! Who may go on is settled when the stream commits: the steps of the plan that are left, then the one that answered, as far as their
//! providers declare a continuation; each is asked once. Whether there is a rest to ask for is settled where the stream breaks: only plain
//! text can be gone on with. If nobody goes on, the caller is told of the failure that broke the stream.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use fairlead_route::{Plan, Step};
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::request::parse;

use crate::answer::Committed;
use crate::answer::recovery::{Continue, Rest};
use crate::answer::stream::StreamAnswer;
use crate::answer::transcript::Transcript;
use crate::codec::Found;
use crate::dispatch::job::Job;
use crate::dispatch::step::try_step;
use crate::govern::Governed;
use crate::observe::record::Record;

/// What it takes to ask for the rest of an answer.
#[derive(Debug)]
pub(crate) struct Resume {
    job: Box<Job>,
    plan: Box<Plan>,
    /// Positions in the plan.
    candidates: VecDeque<usize>,
}

/// Gives a stream that the step at `at` has begun what it needs to be gone on with, where the rule wants that and somebody can.
#[must_use]
pub(crate) fn arm(
    mut committed: Committed,
    job: Box<Job>,
    plan: Box<Plan>,
    at: usize,
) -> Committed {
    if let Committed::Stream(answer) = &mut committed {
        let resume = Resume::of(job, plan, at);
        answer.recover_by(resume.map(|resume| Box::new(resume) as Box<dyn Continue>));
    }
    committed
}

impl Resume {
    fn of(job: Box<Job>, plan: Box<Plan>, at: usize) -> Option<Self> {
        job.policy.continuation.as_ref()?;
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

    async fn ask(
        &mut self,
        transcript: &Transcript,
        class: FailureClass,
        record: &mut Record,
    ) -> Option<StreamAnswer> {
        let over = matches!(class, FailureClass::TotalTimeout | FailureClass::ClientGone);
        if over || !transcript.can_be_continued() {
            return None;
        }
        record.broke_off(class);
        let job = self.job.for_rest(transcript)?;
        while let Some(at) = self.candidates.pop_front() {
            let step = self.plan.steps.get(at);
            if !step.is_some_and(|step| meant_for(step, class)) {
                continue;
            }
            let rest = try_step(&job, &self.plan, at, None, &mut record.attempts).await;
            if let Ok(Committed::Stream(rest)) = rest {
                return Some(rest.answer);
            }
        }
        None
    }
}

impl Continue for Resume {
    fn covers(&mut self, transcript: &Transcript) -> bool {
        let bytes = self.job.body.len() + transcript.text.len();
        self.job.permit.grow_to(bytes).is_ok()
    }

    /// Asks one candidate after the other.
    fn rest<'a>(
        &'a mut self,
        transcript: &'a Transcript,
        class: FailureClass,
        record: &'a mut Record,
    ) -> Rest<'a> {
        Box::pin(self.ask(transcript, class, record))
    }
}

impl Job {
    /// The job whose answer is the rest of this one's.
    fn for_rest(&self, transcript: &Transcript) -> Option<Self> {
        let continuation = self.policy.continuation.as_ref()?;
        let body = continuation
            .request(&self.body, &transcript.text, transcript.pieces)
            .to_bytes();
        let request = parse(&body).ok()?;
        let (edits, policy) = (request.edits(true), self.policy.of_rest(transcript));
        Some(Self {
            worker: self.worker.clone(),
            runtime: self.runtime.clone(),
            asker: self.asker,
            operation: self.operation,
            stream: self.stream,
            choices: self.choices,
            caller_wants_usage: self.caller_wants_usage,
            headers: self.headers.clone(),
            betas: self.betas,
            content_type: self.content_type.clone(),
            edits,
            deadline: self.deadline,
            permit: self.memory().permit(body.len()).ok()?,
            policy,
            coding: self.coding,
            kept: self.kept,
            prefix: self.prefix,
            needs: Found::default(),
            sent: self.sent.load(Ordering::Relaxed).into(),
            trace: self.trace.clone(),
            governed: Arc::new(Governed {
                bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
                ..Governed::clone(&self.governed)
            }),
            copy: self.copy,
            due: None,
            body,
        })
    }
}

fn declares(job: &Job, step: &Step) -> bool {
    job.upstream(step)
        .is_some_and(|upstream| upstream.provider.continuation.is_some())
}

/// Whether a step that is only for some failures is for this one.
fn meant_for(step: &Step, class: FailureClass) -> bool {
    step.on
        .as_ref()
        .is_none_or(|on| on.classes.contains(&class))
}
