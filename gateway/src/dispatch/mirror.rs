//! `mirror`: a copy of a request for a target whose answer is measured and dropped.
//!
//! A copy is at nobody's expense: it has a task of its own that nobody waits for, memory that others leave over, a bound on how many there are, and at
//! its target only what is left over there. It is sent once, to one target: nothing is repeated, hedged, gone on with or fallen back to, and a copy is
//! never copied. It says nothing of anybody's health. When its caller hangs up there is nothing left to compare it with, and it ends.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fairlead_health::Asker;
use fairlead_route::{ChosenBy, Copied, MirrorHead, Plan, UnderWay, hash};
use fairlead_snapshot::{Charge, FailureClass};
use smallvec::smallvec;

use super::job::Job;
use super::step::try_step;
use crate::answer::policy::StreamPolicy;
use crate::answer::{Committed, respond};
use crate::codec::Found;
use crate::failure::Skip;
use crate::govern::Governed;
use crate::govern::chain::Limited;
use crate::memory::Permit;
use crate::observe::mirror::{Mirroring, Pair};
use crate::observe::record::{ActiveRequest, Record};

/// A body that is larger is not copied.
const MOST_BYTES: usize = 1024 * 1024;
/// Who asks for all copies, where askers take turns.
const COPIES: Asker = Asker::new(u64::MAX);
/// So long beyond the end of the request a copy is cut off, whatever it waits for.
const GRACE: Duration = Duration::from_secs(5);
/// The status that a record has once an answer has begun.
const BEGUN: u16 = 200;

/// Sends the copies that a plan wants. Waits for nothing.
pub(crate) fn begin(job: &Job, plan: &mut Plan, record: &mut Record) {
    if plan.copies.is_empty() {
        return;
    }
    let mut pairs = Vec::new();
    for copied in std::mem::take(&mut plan.copies) {
        match admit(job, &copied.mirror) {
            Ok(admitted) => {
                let pair = Arc::new(Pair::new(&copied.mirror, record.id));
                pairs.push(Arc::clone(&pair));
                send(job, plan, copied, admitted, record, pair);
            }
            Err(reason) => {
                let metrics = &job.worker.shared.observe.metrics;
                metrics.mirrors.unsent(&copied.mirror, reason);
            }
        }
    }
    if !pairs.is_empty() {
        record.mirroring = Some(Box::new(Mirroring::Originals(pairs)));
    }
}

/// What a copy has taken before it is sent.
struct Admitted {
    under_way: UnderWay,
    permit: Permit,
}

/// Whether one more copy may be sent, or why not.
fn admit(job: &Job, mirror: &MirrorHead) -> Result<Admitted, &'static str> {
    let operation = job.operation;
    // What it refers to only one account has.
    if !(operation.writes_text() || operation.is_without_output()) || job.kept.is_some() {
        return Err("unsupported");
    }
    if job.body.len() > MOST_BYTES {
        return Err("too_large");
    }
    let under_way = mirror.begin().ok_or("busy")?;
    let permit = job.worker.shared.memory.spare().permit(job.body.len());
    let permit = permit.map_err(|_| "memory")?;
    Ok(Admitted { under_way, permit })
}

fn send(
    job: &Job,
    plan: &Plan,
    copied: Copied,
    admitted: Admitted,
    original: &Record,
    pair: Arc<Pair>,
) {
    let Admitted { under_way, permit } = admitted;
    let mut record = record(job, original);
    record.mirroring = Some(Box::new(Mirroring::Copy(Arc::clone(&pair))));
    let job = copy(job, &copied.mirror, &record, permit);
    let plan = Plan {
        rule: plan.rule.clone(),
        steps: smallvec![copied.step],
        chosen_by: ChosenBy::Only,
        configured: plan.configured,
        condition_errors: 0,
        constraints: Vec::new(),
        through: Vec::new(),
        copies: Vec::new(),
    };
    let drivers = job.worker.drivers.clone();
    drivers.spawn(async move {
        let _under_way = under_way;
        let latest = job.deadline + GRACE;
        let error = {
            let answer = pin!(answer(&job, &plan, &mut record));
            tokio::select! {
                biased;
                () = pair.left() => Some(FailureClass::ClientGone),
                ended = tokio::time::timeout_at(latest, answer) => {
                    ended.is_err().then_some(FailureClass::TotalTimeout)
                }
            }
        };
        if let Some(class) = error {
            record.complete = false;
            record.error = Some(class.as_str());
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
        // Its attempts are nobody's spans.
        trace: None,
    }
}

/// The record of a copy: what the original's says of the request, and nothing yet of what becomes of it.
fn record(job: &Job, original: &Record) -> Record {
    let active = ActiveRequest::begin(&Arc::default());
    let mut record = Record::begin(&job.worker.shared.observe, active);
    record.started = original.started;
    record.operation = original.operation;
    record.surface = original.surface;
    record.stream = original.stream;
    record.key.clone_from(&original.key);
    record.team.clone_from(&original.team);
    record.model.clone_from(&original.model);
    record.configured = original.configured;
    record.rule.clone_from(&original.rule);
    record.through.clone_from(&original.through);
    record.constraints.clone_from(&original.constraints);
    record.trace.clone_from(&original.trace);
    record
}
