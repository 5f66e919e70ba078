//! What nobody translates - files, batches, fine-tuning, assistants -, passed on to one provider by its name: `/passthrough/NAMESPACE/PROVIDER/..`.
//!
//! Off, unless the LLMProvider allows the path. The caller needs a key that may name the provider and is bound to no models, for which model is
//! asked nobody here can see. Method, query and body go as they came, with the provider's credential in the place of the caller's; the
//! answer comes as it is, whatever its status, but for one that speaks of our credential. Nothing is retried and nobody else is asked:
//! what such a request does is not known.

mod place;

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use fairlead_health::Trial;
use fairlead_route::{CredentialChoice, ProviderIndex};
use fairlead_snapshot::{Dialect, FailureClass, ObjectName, Provider};
use fairlead_wire::openai::error_body;
use http::request::Parts;
use http::{HeaderMap, HeaderName, Method, StatusCode, header};
use tokio::time::Instant;

use crate::answer::body::Response;
use crate::answer::classify::judge;
use crate::answer::large::LargeAnswer;
use crate::answer::reject::Rejection;
use crate::answer::{Committed, Patience, Unanswered, WholeAnswer, broken, respond};
use crate::dispatch::verdict::verdict;
use crate::failure::{Deadline, Failure, Skip};
use crate::headers;
use crate::observe::record::{Attempt, Record};
use crate::request::inbound::Inbound;
use crate::request::phases;
use crate::runtime::{Admission, Runtime};
use crate::surface::Operation;
use crate::upstream::source::Source;
use crate::upstream::ticket::{Permission, Ticket};
use crate::upstream::transport::{self, Beyond, Content, Outbound, Reply, Way};
use crate::upstream::{Authorization, Reach, Upstream};
use crate::worker::Worker;

use place::Place;
pub(super) use place::behind_the_door;

/// Of an error answer this much is read, to look for our credential in it.
const MAX_ERROR: usize = 64 * 1024;

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
    index: ProviderIndex,
    upstream: Arc<Upstream>,
}

/// The paths that a provider lets through, below its base URL.
// The snapshot does not say yet: `Provider::passthrough` takes the place of this.
fn allowed(_provider: &Provider) -> Vec<String> {
    let paths: &[&str] = if cfg!(test) {
        &["/files", "/batches"]
    } else {
        &[]
    };
    paths.iter().map(|path| (*path).to_owned()).collect()
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
    phases::note(&mut record, Operation::Passthrough, &head.headers);
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
    let admitted = phases::authenticate(&runtime, &head.headers, &head.uri, record).map_err(own)?;
    if !METHODS.contains(&head.method) {
        return Err(own(Rejection::MethodNotAllowed(ALLOWED)));
    }
    let place = Place::of(behind).ok_or(own(Rejection::UnknownPath))?;
    let target = target(&runtime, &admitted, place).ok_or(own(Rejection::NotPassedThrough))?;
    let operation = native(target.upstream.provider.protocol.dialect());
    record.surface = operation.surface();
    phases::refuse_encoding(&head.headers).map_err(own)?;
    let read = phases::read(worker, admitted.asker, body).await;
    let (body, permit) = read.map_err(own)?;
    let wish = phases::wish(&head.headers).map_err(own)?;
    let total = target.upstream.provider.timeouts.total;
    let end = record.started + wish.map_or(total, |wish| wish.min(total));
    let path = place.with(head.uri.query());
    let beyond = target
        .beyond(head, &path)
        .ok_or(own(Rejection::UnknownPath))?;
    let sending = Sending {
        worker,
        runtime: &runtime,
        admitted: &admitted,
        target: &target,
        operation,
        beyond: &beyond,
        end,
    };
    let began = Instant::now();
    let answered = sending.answer(&body).await;
    drop(permit);
    let class = match &answered {
        Ok((_, class)) => *class,
        Err(failure) => Some(failure.class),
    };
    record.attempts.push(target.attempt(class, began));
    match answered {
        Ok((committed, _)) => Ok((committed, end)),
        Err(failure) => Err(verdict(vec![failure])),
    }
}

/// The provider that is named, if it lets the path through and the key may name it.
fn target(runtime: &Runtime, admitted: &Admission, place: Place<'_>) -> Option<Target> {
    let name = ObjectName::new(place.namespace, place.name);
    let index = runtime.table.passed_through(&admitted.caller, &name)?;
    let upstream = runtime.upstreams.get(index.0)?;
    let upstream = Arc::clone(upstream);
    let allows = place.is_within(&allowed(&upstream.provider));
    allows.then_some(Target { index, upstream })
}

/// What a provider of a dialect is asked for usually: in its words errors are told, and its headers go along.
fn native(dialect: Dialect) -> Operation {
    match dialect {
        Dialect::OpenAi => Operation::Chat,
        Dialect::Anthropic => Operation::Messages,
        Dialect::Gemini => Operation::Generate,
    }
}

impl Target {
    /// The request as it goes out; `None`: there is nowhere that it could go.
    fn beyond(&self, head: &Parts, path: &str) -> Option<Beyond> {
        let Reach::Http(endpoint) = &self.upstream.reach else {
            return None;
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
            absolute: endpoint.beyond(path, true)?,
            headers: along,
        })
    }

    fn attempt(&self, class: Option<FailureClass>, began: Instant) -> Attempt {
        let label = &self.upstream.label;
        Attempt {
            target: Arc::clone(label),
            provider: Some(Arc::clone(label)),
            system: self.upstream.system(),
            model: "".into(),
            class,
            hedged: false,
            skip: None,
            own: false,
            queued: None,
            dropped: None,
            took: began.elapsed(),
        }
    }
}

/// What a request is sent with.
struct Sending<'a> {
    worker: &'a Arc<Worker>,
    runtime: &'a Runtime,
    admitted: &'a Admission,
    target: &'a Target,
    operation: Operation,
    beyond: &'a Beyond,
    end: Instant,
}

impl Sending<'_> {
    /// The answer, and what it means if it is a refusal.
    async fn answer(&self, body: &Bytes) -> Result<(Committed, Option<FailureClass>), Failure> {
        let (upstream, asker) = (&self.target.upstream, self.admitted.asker);
        let full = || Failure::skipped(Skip::Full, FailureClass::Overloaded);
        let slot = upstream
            .gate
            .enter(upstream.limit(), asker)
            .ok_or_else(full)?;
        let mut pass = Permission::ask(upstream, None, asker, true)?;
        let credential = self.credential()?;
        let authorization = credential.and_then(|(at, _)| upstream.authorization(at));
        let identity = credential.and_then(|(at, _)| upstream.identity(at));
        let trial = credential.and_then(|(_, trial)| trial);
        pass.goes_out(identity.map(Arc::clone), trial);
        let reply = match self.ask(body, authorization.as_ref()).await {
            Ok(reply) => reply,
            Err(failure) => {
                pass.failed(&failure);
                return Err(failure);
            }
        };
        pass.answered();
        if reply.status == StatusCode::UNAUTHORIZED {
            let failure = Failure::new(FailureClass::BadCredential, "it refused the credential");
            pass.failed(&failure);
            return Err(failure);
        }
        let (mut committed, class) = self.read(reply, authorization.as_ref()).await?;
        committed.hold(Ticket::new(pass, slot));
        Ok((committed, class))
    }

    async fn ask(
        &self,
        body: &Bytes,
        authorization: Option<&Authorization>,
    ) -> Result<Reply, Failure> {
        let timeouts = self.target.upstream.provider.timeouts;
        let outbound = Outbound {
            operation: self.operation,
            stream: false,
            headers: &self.beyond.headers,
            content_type: None,
            content: Content::Made(body),
            model: "",
            authorization,
            beyond: Some(self.beyond),
        };
        let way = Way {
            upstream: &self.target.upstream,
            pool: &self.worker.pool,
            drivers: &self.worker.drivers,
            connect: timeouts.connect,
            anew: false,
        };
        let total = Deadline::total(self.end);
        let first = Instant::now() + timeouts.first_byte;
        let first = total.or_at(first, FailureClass::FirstTokenTimeout);
        transport::send(&outbound, &way, total, first).await
    }

    /// The answer as its caller gets it: one that is a success as it comes, any other once it is clear that it does not repeat our credential.
    async fn read(
        &self,
        reply: Reply,
        authorization: Option<&Authorization>,
    ) -> Result<(Committed, Option<FailureClass>), Failure> {
        let Reply {
            status,
            headers,
            mut body,
        } = reply;
        let redactor = authorization.and_then(|known| known.redactor.as_ref());
        let shown = headers::for_caller(&headers, redactor.map(AsRef::as_ref));
        let patience = Patience {
            idle: self.target.upstream.provider.timeouts.idle,
            deadline: self.end,
        };
        if !status.is_success() {
            let error = up_to(&mut body, patience).await?;
            let error = redactor.map_or(error.clone(), |redactor| redactor.cut(error));
            let class = judge(Some(status.as_u16()), error_body(&error).as_ref()).class;
            return Ok((whole(status, shown, error), Some(class)));
        }
        let first = patience.next().wait(body.chunk()).await?;
        Ok(match first {
            None => (whole(status, shown, Bytes::new()), None),
            Some(Err(_)) => return Err(broken()),
            Some(Ok(piece)) => {
                let large = LargeAnswer::new(status, shown, piece, body, patience).unread();
                (Committed::Large(Box::new(large)), None)
            }
        })
    }

    /// The position of the credential to send, if one is sent at all, and the trial of one that was benched.
    fn credential(&self) -> Result<Option<(usize, Option<Trial>)>, Failure> {
        let (upstream, asker) = (&self.target.upstream, self.admitted.asker);
        let ready = |at| upstream.is_ready(None, at, asker);
        let table = &self.runtime.table;
        match table.credential(self.target.index, "", None, ready) {
            CredentialChoice::NotNeeded => Ok(None),
            CredentialChoice::Use(at) => match upstream.admits(None, at, asker) {
                Some(trial) => Ok(Some((at, trial))),
                None => Err(upstream.resting(None)),
            },
            CredentialChoice::NoneReady => Err(upstream.resting(None)),
            CredentialChoice::NoneUsable => {
                Err(Failure::skipped(Skip::Unusable, FailureClass::Unavailable))
            }
        }
    }
}

fn whole(status: StatusCode, headers: HeaderMap, body: Bytes) -> Committed {
    Committed::Whole(WholeAnswer {
        status,
        headers,
        body,
        usage: None,
        ticket: None,
    })
}

/// The beginning of an error, which is all of most.
async fn up_to(source: &mut Source, patience: Patience) -> Result<Bytes, Failure> {
    let mut read = BytesMut::new();
    while let Some(piece) = patience.next().wait(source.chunk()).await? {
        read.extend_from_slice(&piece.map_err(|_| broken())?);
        if read.len() > MAX_ERROR {
            read.truncate(MAX_ERROR);
            break;
        }
    }
    Ok(read.freeze())
}
