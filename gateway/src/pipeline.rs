//! The path of a request, one line a phase (`docs/request-path.md`).

use std::sync::Arc;

use bytes::Bytes;
use fairlead_route::Plan;
use http::request::Parts;

use crate::answer::body::Response;
use crate::answer::heartbeat::Delivery;
use crate::answer::reject::Rejection;
use crate::answer::respond;
use crate::dispatch::dispatch;
use crate::dispatch::job::Job;
use crate::dispatch::mirror;
use crate::memory::Permit;
use crate::observe::record::Record;
use crate::request::caller;
use crate::request::form;
use crate::request::inbound::Inbound;
use crate::request::phases;
use crate::runtime::{Admission, Runtime};
use crate::surface::{Asking, Operation, Surface};
use crate::upstream::betas;
use crate::upstream::transport::TRACESTATE;
use crate::worker::Worker;

/// Serves one request. Whatever happens, the caller gets an answer in its dialect, and the record is finished once.
pub(crate) async fn serve<B>(
    worker: &Arc<Worker>,
    asking: Asking,
    head: Parts,
    body: &mut Inbound<B>,
) -> Response
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let record = Record::begin(&worker.shared.observe, worker.begin());
    let (record, outcome) = pipeline(worker, asking, head, body, record).await;
    match outcome {
        Ok((mut job, mut plan)) => {
            let (end, mut record) = (job.deadline, record);
            job.due = mirror::due(&mut plan, &mut record);
            // What is passed on as it came may come whole though a stream was asked for: its head waits for the provider's.
            let mut response = if job.stream && !job.operation.is_passed() {
                let heartbeat = worker.shared.limits.heartbeat;
                let delivery = Delivery::of(
                    &job.policy,
                    &worker.tasks,
                    heartbeat,
                    job.operation.surface(),
                );
                respond::stream(Box::pin(dispatch(job, plan, record)), delivery, heartbeat).await
            } else {
                respond::whole(dispatch(job, plan, record).await)
            };
            response.body_mut().ends_by(end);
            response
        }
        Err(rejection) => respond::rejected(&rejection, record),
    }
}

async fn pipeline<B>(
    worker: &Arc<Worker>,
    asking: Asking,
    head: Parts,
    body: &mut Inbound<B>,
    mut record: Record,
) -> (Record, Result<(Box<Job>, Box<Plan>), Rejection>)
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let received = match receive(worker, asking.operation, &head, body, &mut record).await {
        Ok(received) => received,
        Err(rejection) => return (record, Err(rejection)),
    };
    let (asker, length) = (received.admitted.asker, received.body.len());
    let (beside, worker) = (&worker.shared.beside, Arc::clone(worker));
    let work = move || {
        let outcome = understand(&worker, &asking, &head, received, &mut record);
        (record, outcome)
    };
    let (mut record, outcome) = beside.work(asker, length, work).await;
    let (job, plan) = match outcome {
        Ok(understood) => understood,
        Err(rejection) => return (record, Err(rejection)),
    };
    let admitted = phases::admit(&job, &mut record).await;
    (record, admitted.map(|()| (job, plan)))
}

/// A request that has come to its end.
struct Received {
    runtime: Arc<Runtime>,
    admitted: Arc<Admission>,
    body: Bytes,
    permit: Permit,
}

async fn receive<B>(
    worker: &Worker,
    operation: Operation,
    head: &Parts,
    body: &mut Inbound<B>,
    record: &mut Record,
) -> Result<Received, Rejection>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let headers = &head.headers;
    let runtime = worker.shared.live.load_full();
    phases::note(record, operation, head);
    record.generation = runtime.generation;
    let admitted = caller::authenticate(worker, &runtime, head, record)?;
    phases::refuse_encoding(headers)?;
    let (body, permit) = phases::read(worker, admitted.asker, body).await?;
    record.request_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    Ok(Received {
        runtime,
        admitted,
        body,
        permit,
    })
}

/// What is done in one go.
fn understand(
    worker: &Arc<Worker>,
    asking: &Asking,
    head: &Parts,
    received: Received,
    record: &mut Record,
) -> Result<(Box<Job>, Box<Plan>), Rejection> {
    let Received {
        runtime,
        admitted,
        body,
        permit,
    } = received;
    let headers = &head.headers;
    let form = form::read(asking.operation, headers, &body)?;
    let asked = phases::peek(asking, &admitted, &body, form.as_ref(), headers, record)?;
    let wish = phases::wish(headers)?;
    let plan = phases::plan(&runtime, &asked, headers, record)?;
    if let Some(logging) = plan.rule.as_ref().and_then(|rule| rule.logging.as_ref()) {
        record.keep_content(logging, &body);
    }
    record.probe = runtime.judges.probe(&plan).map(Box::new);
    let deadline = phases::deadline(&runtime, &plan, wish, record);
    let mut job = Job {
        betas: asking.operation.surface() == Surface::Anthropic && betas::are_asked(&head.uri),
        trace: record.spans().cloned(),
        ..asked.job(worker, &runtime, headers, &plan, permit, deadline)
    };
    if let Some(state) = record.trace_state() {
        job.headers.insert(TRACESTATE.clone(), state);
    }
    Ok((Box::new(job), Box::new(plan)))
}
