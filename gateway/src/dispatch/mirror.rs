//! `mirror`: a copy of a request for a target whose answer is measured and dropped.
//!
//! A copy is made when the first attempt of its request goes out: by then the request has got what it needs, so that no copy takes it away, and of what
//! never goes out there is none. It is at nobody's expense: it has a task of its own that nobody waits for, memory and connections that others leave over,
//! a bound on how many there are, and at its target only what is left over there. It is sent once, to one target: nothing is repeated, hedged, gone on
//! with or fallen back to, and a copy is never copied. It says nothing of anybody's health. When its caller hangs up there is nothing left to compare it
//! with, and it ends.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fairlead_health::Asker;
use fairlead_route::{ChosenBy, Copied, MirrorHead, Plan, UnderWay, hash};
use fairlead_snapshot::{Charge, FailureClass};
use parking_lot::Mutex;
use smallvec::smallvec;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::job::{Due, Job};
use super::step::try_step;
use crate::answer::policy::StreamPolicy;
use crate::answer::{Committed, respond};
use crate::codec::Found;
use crate::failure::Skip;
use crate::govern::Governed;
use crate::govern::chain::Limited;
use crate::memory::Permit;
use crate::observe::mirror::{Mirroring, Pair};
use crate::observe::record::{ActiveRequest, Entry, Record};

/// A body that is larger is not copied.
const MOST_BYTES: usize = 1024 * 1024;
/// Who asks for all copies, where askers take turns.
const COPIES: Asker = Asker::new(u64::MAX);
/// So long beyond the end of the request a copy is cut off, whatever it waits for.
const GRACE: Duration = Duration::from_secs(5);
/// The status that a record has once an answer has begun.
const BEGUN: u16 = 200;

/// The copies that are to be made of a request; each once.
#[derive(Debug)]
struct Copies(Mutex<Vec<DueCopy>>);

/// A copy that is to be made.
#[derive(Debug)]
struct DueCopy {
    copied: Copied,
    pair: Arc<Pair>,
    /// What the original's record says of the request.
    entry: Box<Entry>,
    /// When the original's record began.
    started: Instant,
    /// Since when the original is on its way.
    since: Instant,
}

/// What a copy has taken before it is sent.
struct Admitted {
    _under_way: UnderWay,
    _connection: OwnedSemaphorePermit,
}

/// Takes the copies that a plan wants, for when the request goes out.
pub(crate) fn due(plan: &mut Plan, record: &mut Record) -> Option<Box<dyn Due>> {
    if plan.copies.is_empty() {
        return None;
    }
    let copies = std::mem::take(&mut plan.copies).into_iter();
    let due: Vec<DueCopy> = copies.map(|copied| DueCopy::of(copied, record)).collect();
    let pairs = due.iter().map(|copy| Arc::clone(&copy.pair)).collect();
    record.mirroring = Some(Box::new(Mirroring::Originals(pairs)));
    Some(Box::new(Copies(Mutex::new(due))))
}

impl Due for Copies {
    /// Sends them. Waits for nothing.
    fn goes_out(&self, job: &Job, plan: &Plan) {
        let due = std::mem::take(&mut *self.0.lock());
        for copy in due {
            match admit(job, &copy.copied.mirror) {
                Ok((admitted, permit)) => send(job, plan, copy, admitted, permit),
                Err(reason) => {
                    let metrics = &job.worker.shared.observe.metrics;
                    metrics.mirrors.unsent(&copy.copied.mirror, reason);
                }
            }
        }
    }
}

/// Whether one more copy may be sent, or why not.
fn admit(job: &Job, mirror: &MirrorHead) -> Result<(Admitted, Permit), &'static str> {
    let operation = job.operation;
    // What it refers to only one account has.
    if !(operation.writes_text() || operation.is_without_output()) || job.kept.is_some() {
        return Err("unsupported");
    }
    if job.body.len() > MOST_BYTES {
        return Err("too_large");
    }
    let shared = &job.worker.shared;
    let admitted = Admitted {
        _under_way: mirror.begin().ok_or("busy")?,
        _connection: Arc::clone(&shared.copies)
            .try_acquire_owned()
            .map_err(|_| "busy")?,
    };
    let permit = shared.memory.spare().permit(job.body.len());
    Ok((admitted, permit.map_err(|_| "memory")?))
}

fn send(job: &Job, plan: &Plan, due: DueCopy, admitted: Admitted, permit: Permit) {
    let (step, mirror) = (due.copied.step.clone(), Arc::clone(&due.copied.mirror));
    let pair = Arc::clone(&due.pair);
    let mut record = due.record(job);
    let job = copy(job, &mirror, &record, permit);
    let plan = Plan {
        rule: plan.rule.clone(),
        steps: smallvec![step],
        chosen_by: ChosenBy::Only,
        configured: plan.configured,
        condition_errors: 0,
        constraints: Vec::new(),
        through: Vec::new(),
        copies: Vec::new(),
    };
    let drivers = job.worker.drivers.clone();
    drivers.spawn(async move {
        let _admitted = admitted;
        let latest = job.deadline + GRACE;
        let cut = {
            let answer = pin!(answer(&job, &plan, &mut record));
            tokio::select! {
                biased;
                () = pair.left() => Some(FailureClass::ClientGone),
                ended = tokio::time::timeout_at(latest, answer) => {
                    ended.is_err().then_some(FailureClass::TotalTimeout)
                }
            }
        };
        if let Some(class) = cut {
            record.cut_off(class);
        }
    });
}

/// Asks the one target, and reads its answer to its end.
async fn answer(job: &Job, plan: &Plan, record: &mut Record) {
    let committed = match try_step(job, plan, 0, None, &mut record.attempts).await {
        Ok(committed) => committed,
        Err(failure) => {
            let class = failure.class.as_str();
            record.error = Some(failure.skip.map_or(class, Skip::as_str));
            return;
        }
    };
    record.status = BEGUN;
    match committed {
        Committed::Whole(mut whole) => respond::take(&mut whole, record),
        Committed::Large(mut large) => while let Some(Ok(_)) = large.next(record).await {},
        Committed::Stream(mut stream) => while stream.next(record).await.is_some() {},
    }
}

/// The job of a copy.
fn copy(job: &Job, mirror: &MirrorHead, record: &Record, permit: Permit) -> Job {
    let caller = match mirror.charge {
        Charge::Caller => Arc::clone(&job.governed.caller),
        // What is learned of copies is kept apart from what is learned of any key.
        Charge::Provider => Arc::new(Limited {
            number: hash(&mirror.rule) ^ hash(&mirror.name),
            ..Limited::default()
        }),
    };
    Job {
        worker: Arc::clone(&job.worker),
        runtime: Arc::clone(&job.runtime),
        asker: COPIES,
        operation: job.operation,
        stream: job.stream,
        choices: job.choices,
        caller_wants_usage: job.caller_wants_usage,
        headers: job.headers.clone(),
        betas: job.betas,
        content_type: job.content_type.clone(),
        body: job.body.clone(),
        edits: job.edits.clone(),
        deadline: job.deadline,
        permit,
        policy: StreamPolicy::default(),
        coding: job.coding,
        kept: None,
        prefix: job.prefix,
        needs: Found::default(),
        sent: 0.into(),
        governed: Arc::new(Governed {
            caller,
            bill: Arc::clone(&record.bill),
            ..Governed::clone(&job.governed)
        }),
        copy: true,
        due: None,
        // Its attempts are nobody's spans.
        trace: None,
    }
}

impl DueCopy {
    fn of(copied: Copied, original: &Record) -> Self {
        Self {
            pair: Arc::new(Pair::new(&copied.mirror, original.id)),
            copied,
            entry: Box::new(entry(original)),
            started: original.started,
            since: Instant::now(),
        }
    }

    /// The record of the copy. How long its original has waited to go out is no time of its own: its clock begins so much later.
    fn record(self, job: &Job) -> Record {
        let active = ActiveRequest::begin(&Arc::default());
        let mut record = Record::begin(&job.worker.shared.observe, active);
        record.started = self.started + self.since.elapsed();
        record.mirroring = Some(Box::new(Mirroring::Copy(self.pair)));
        let (id, began) = (record.id, Some(record.started));
        let entry: &mut Entry = &mut record;
        *entry = Entry {
            id,
            began,
            ..*self.entry
        };
        record
    }
}

/// What the original's record says of the request, and nothing yet of what becomes of it.
fn entry(original: &Entry) -> Entry {
    Entry {
        operation: original.operation,
        surface: original.surface,
        stream: original.stream,
        key: original.key.clone(),
        team: original.team.clone(),
        model: original.model.clone(),
        configured: original.configured,
        rule: original.rule.clone(),
        through: original.through.clone(),
        constraints: original.constraints.clone(),
        trace: original.trace.clone(),
        request_bytes: original.request_bytes,
        tags: original.tags.clone(),
        generation: original.generation,
        ..Entry::default()
    }
}
