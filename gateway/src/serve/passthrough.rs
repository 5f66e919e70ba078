//! What nobody translates - files, batches, fine-tuning, assistants -, passed on to one provider by its name: `/passthrough/NAMESPACE/PROVIDER/..`.
//!
//! Off, unless the LLMProvider allows the path. The caller needs a key that may name the provider and is bound to no models, for which model is
//! asked nobody here can see. Method, query and body go as they came, with the provider's credential in the place of the caller's; the
//! answer comes as it is, whatever its status, but for one that speaks of our credential. Nothing is retried and nobody else is asked:
//! what such a request does is not known.

mod place;
mod sending;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use fairlead_record::Trace;
use fairlead_route::{NoRoute, ProviderIndex};
use fairlead_snapshot::{Dialect, FailureClass, ObjectName};
use http::request::Parts;
use http::{HeaderName, Method, header};
use tokio::time::Instant;

use crate::answer::body::Response;
use crate::answer::reject::Rejection;
use crate::answer::{Committed, Unanswered, respond};
use crate::dispatch::verdict::verdict;
use crate::govern::Governed;
use crate::govern::holds::Holds;
use crate::headers;
use crate::observe::record::{Attempt, Record};
use crate::observe::trace;
use crate::request::caller;
use crate::request::inbound::Inbound;
use crate::request::phases;
use crate::request::sight::HeadAlone;
use crate::runtime::{Admission, Runtime};
use crate::surface::Operation;
use crate::upstream::transport::{Beyond, Carried};
use crate::upstream::{Reach, Upstream};
use crate::worker::Worker;

use place::Place;
pub(super) use place::behind_the_door;
use sending::Sending;

/// The caller's headers that go along beside those of every request.
static ALONG: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::ACCEPT,
    header::RANGE,
    HeaderName::from_static("idempotency-key"),
    HeaderName::from_static("openai-project"),
];

/// What can be asked: all but what is for those in between (`TRACE`, `CONNECT`).
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];
/// The same as a header has it.
const ALLOWED: &str = "GET, HEAD, POST, PUT, PATCH, DELETE";

/// Where a request goes.
struct Target {
    /// Its place in the table.
    index: ProviderIndex,
    upstream: Arc<Upstream>,
}

/// Serves a request for what is `behind` the door.
pub(super) async fn serve<B>(
    worker: &Arc<Worker>,
    behind: &str,
    head: &Parts,
    body: &mut Inbound<B>,
) -> Response
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let mut record = Record::begin(&worker.shared.observe, worker.begin());
    phases::note(&mut record, Operation::Passthrough, head);
    let outcome = pass(worker, behind, head, body, &mut record).await;
    let (committed, end) = match outcome {
        Ok(answered) => answered,
        Err(refusal) => {
            if let Unanswered::Own(rejection) = &refusal {
                record.error = Some(rejection.code());
            }
            return respond::whole((record, Err(refusal)));
        }
    };
    let mut response = respond::whole((record, Ok(committed)));
    response.body_mut().ends_by(end);
    response
}

/// The answer, and by when all of it must have come.
async fn pass<B>(
    worker: &Arc<Worker>,
    behind: &str,
    head: &Parts,
    body: &mut Inbound<B>,
    record: &mut Record,
) -> Result<(Committed, Instant), Unanswered>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let own = Unanswered::Own;
    let runtime = worker.shared.live.load_full();
    record.generation = runtime.generation;
    let admitted = caller::authenticate(worker, &runtime, head, record).map_err(own)?;
    if !METHODS.contains(&head.method) {
        return Err(own(Rejection::MethodNotAllowed(ALLOWED)));
    }
    let place = Place::of(behind).ok_or(own(Rejection::UnknownPath))?;
    let target = target(&runtime, &admitted, place).ok_or(own(Rejection::NotPassedThrough))?;
    constrain(&runtime, &admitted, &target, head, record).map_err(own)?;
    let operation = native(target.upstream.provider.protocol.dialect());
    record.surface = operation.surface();
    phases::refuse_encoding(&head.headers).map_err(own)?;
    let read = phases::read(worker, admitted.asker, body).await;
    let (body, permit) = read.map_err(own)?;
    record.request_bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    if let Some(most) = &admitted.limited.max_cost {
        return Err(own(Rejection::CostUnknown(Box::new(most.clone()))));
    }
    let governed = Governed::passed_through(&admitted.limited, body.len(), &record.bill);
    let taken = Box::pin(taken(&runtime, &governed, &target)).await;
    record.holds = Some(taken.map_err(own)?);
    let wish = phases::wish(&head.headers).map_err(own)?;
    let end = record.started + target.within(wish);
    let path = place.with(head.uri.query());
    let beyond = target
        .beyond(head, &path)
        .ok_or(own(Rejection::UnknownPath))?;
    let spans = record.spans().map(|trace| (trace, trace::span()));
    let (carried, span) = (target.carried(spans), spans.map(|(_, span)| span));
    let sending = Sending {
        trace: &carried,
        worker,
        runtime: &runtime,
        admitted: &admitted,
        target: &target,
        operation,
        beyond: &beyond,
        end,
        server: OnceLock::new(),
    };
    let began = Instant::now();
    let answered = Box::pin(sending.answer(&body)).await;
    drop(permit);
    let (class, status) = match &answered {
        Ok((committed, class)) => (*class, Some(committed.status())),
        Err(failure) => (Some(failure.class), failure.status),
    };
    let server = sending.server.into_inner();
    record.attempts.push(Attempt {
        span,
        status,
        ..target.attempt(server, class, began)
    });
    match answered {
        Ok((committed, _)) => Ok((committed, end)),
        Err(failure) => Err(verdict(vec![failure])),
    }
}

/// What is taken of limits for one request.
async fn taken(
    runtime: &Runtime,
    governed: &Governed,
    target: &Target,
) -> Result<Box<Holds>, Rejection> {
    let upstream = &target.upstream;
    let governor = runtime.governor();
    let taken = governor.pass_through(governed, &upstream.label, &upstream.limits);
    let refused = |refusal| Rejection::Limited(Box::new(refusal));
    taken.await.map(Box::new).map_err(refused)
}

/// The provider that is named, if it lets the path through and the key may name it.
fn target(runtime: &Runtime, admitted: &Admission, place: Place<'_>) -> Option<Target> {
    let name = ObjectName::new(place.namespace, place.name);
    let index = runtime.table.passed_through(&admitted.caller, &name)?;
    let upstream = runtime.upstreams.get(index.0)?;
    let upstream = Arc::clone(upstream);
    let allows = place.is_within(&upstream.provider.passthrough);
    allows.then_some(Target { index, upstream })
}

/// Holds the request to the constraints of its caller.
///
/// # Errors
/// They do not permit the provider, or whether they do cannot be told.
fn constrain(
    runtime: &Runtime,
    admitted: &Admission,
    target: &Target,
    head: &Parts,
    record: &mut Record,
) -> Result<(), Rejection> {
    let sight = HeadAlone(&head.headers);
    let permitted = (runtime.table).constrain(&admitted.caller, target.index, &sight);
    match permitted {
        Ok(constraints) => {
            record.constraints = constraints;
            Ok(())
        }
        Err(reason) => {
            if let NoRoute::Constrained { constraints } = &reason {
                record.constraints.clone_from(constraints);
            }
            Err(Rejection::not_passed_through(&reason))
        }
    }
}

/// What a provider of a dialect is asked for usually: in its words errors are told, and its headers go along.
fn native(dialect: Dialect) -> Operation {
    match dialect {
        Dialect::OpenAi => Operation::Chat,
        Dialect::Anthropic => Operation::Messages,
        Dialect::Gemini => Operation::Generate,
        Dialect::Converse => Operation::Converse,
    }
}

impl Target {
    /// The request as it goes out; `None`: there is nowhere that it could go.
    fn beyond(&self, head: &Parts, path: &str) -> Option<Beyond> {
        let endpoint = match &self.upstream.reach {
            Reach::Http(endpoint) => endpoint,
            Reach::Pool(servers) => servers.common(),
            Reach::Simulated | Reach::Broken => return None,
        };
        let mut along = headers::for_provider(&head.headers);
        for name in &ALONG {
            for value in head.headers.get_all(name) {
                along.append(name, value.clone());
            }
        }
        Some(Beyond {
            method: head.method.clone(),
            uri: endpoint.beyond(path, false)?,
            path: path.to_owned(),
            headers: along,
        })
    }

    /// How long all of it may take.
    fn within(&self, wish: Option<Duration>) -> Duration {
        let total = self.upstream.provider.timeouts.total;
        wish.map_or(total, |wish| wish.min(total))
    }

    /// What of the trace goes along.
    fn carried(&self, spans: Option<(&Trace, [u8; 8])>) -> Carried {
        if !self.upstream.provider.is_told_of_traces() {
            return Carried::Nothing;
        }
        match spans {
            Some((trace, span)) => Carried::Span(trace::traceparent(trace, span)),
            None => Carried::AsItCame,
        }
    }

    fn attempt(
        &self,
        server: Option<Arc<str>>,
        class: Option<FailureClass>,
        began: Instant,
    ) -> Attempt {
        let label = &self.upstream.label;
        Attempt {
            server,
            target: Arc::clone(label),
            provider: Some(Arc::clone(label)),
            system: Some(Arc::clone(&self.upstream.system)),
            model: "".into(),
            class,
            hedged: false,
            skip: None,
            own: false,
            queued: None,
            dropped: None,
            clamped: None,
            sent: true,
            under_way: false,
            hedge: false,
            resend: 0,
            address: self.upstream.address.clone(),
            credential: None,
            status: None,
            span: None,
            began,
            took: began.elapsed(),
            content: class.is_none().then(Instant::now),
            ended: class.is_some().then(Instant::now),
            tokens: None,
            response_id: None,
            response_model: None,
            cost: None,
            reservation: None,
        }
    }
}
