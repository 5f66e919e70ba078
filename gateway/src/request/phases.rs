//! The phases of a request before anything is sent, each a function that the pipeline names.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use bytes::Bytes;
use fairlead_health::Asker;
use fairlead_health::adaptive::Standing;
use fairlead_route::{ChosenBy, Plan, Refused, RuleRef};
use fairlead_translate::embeddings::Coding;
use fairlead_wire::openai::kept;
use fairlead_wire::openai::request::{
    Edits, Request, parse, parse_named, parse_named_again, parse_or,
};
use http::request::Parts;
use http::{HeaderMap, header};
use tokio::time::Instant;

use crate::answer::policy::StreamPolicy;
use crate::answer::reject::Rejection;
use crate::codec::Found;
use crate::dispatch::job::{Job, Kept};
use crate::govern::Governed;
use crate::govern::bound::Bound;
use crate::govern::soft::cheapest_first;
use crate::headers;
use crate::memory::{Gathering, Permit};
use crate::observe::record::Record;
use crate::request::affinity;
use crate::request::form::Filled;
use crate::request::governed::governed;
use crate::request::inbound::Inbound;
use crate::request::outlook;
use crate::request::prefix;
use crate::request::sight::Sight;
use crate::request::standing;
use crate::request::window::without_wish;
use crate::runtime::{Admission, Runtime};
use crate::surface::{Asking, Operation, Surface};
use crate::worker::Worker;

/// A caller may lower the time for its request, never raise it.
const TIMEOUT_HEADER: &str = "x-fairlead-timeout-ms";

/// The longest model name, in bytes, as for the names in resources.
const MAX_MODEL: usize = 256;
/// The most choices for one prompt, as OpenAI has it.
const MAX_N: u64 = 128;
/// The most choices of one stream.
const MAX_CHOICES: u64 = 2048;

/// Notes what the head says.
pub(crate) fn note(record: &mut Record, operation: Operation, head: &Parts) {
    record.operation = Some(operation);
    record.surface = operation.surface();
    record.head(head);
}

/// The gateway reads and edits bodies; one that is compressed could be a thousand times its size.
///
/// # Errors
/// Any `Content-Encoding` but one that says there is none.
pub(crate) fn refuse_encoding(head: &HeaderMap) -> Result<(), Rejection> {
    if headers::is_coded(head) {
        return Err(Rejection::UnsupportedEncoding);
    }
    Ok(())
}

/// Reads the body, within its limits of size, time and memory.
///
/// # Errors
/// Too large, too slow, no memory left, or the caller stopped sending.
pub(crate) async fn read<B>(
    worker: &Worker,
    asker: Asker,
    body: &mut Inbound<B>,
) -> Result<(Bytes, Permit), Rejection>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    let limits = &worker.shared.limits;
    let announced = body
        .announced()
        .map(|length| usize::try_from(length).unwrap_or(usize::MAX));
    if announced.is_some_and(|length| length > limits.body_bytes) {
        return Err(Rejection::BodyTooLarge(limits.body_bytes));
    }
    let gathering = Gathering::new(&worker.shared.memory.of(asker), announced);
    tokio::time::timeout(limits.body_time, gather(body, limits.body_bytes, gathering))
        .await
        .map_err(|_| Rejection::BodyTimeout(limits.body_time.as_secs()))?
}

async fn gather<B>(
    body: &mut Inbound<B>,
    limit: usize,
    mut gathering: Gathering,
) -> Result<(Bytes, Permit), Rejection>
where
    B: http_body::Body<Data = Bytes> + Unpin,
{
    loop {
        gathering.expect().map_err(|_| Rejection::Overloaded)?;
        let Some(piece) = body.next().await else {
            return Ok(gathering.finish());
        };
        let piece = piece.map_err(|_| {
            Rejection::InvalidRequest(
                "the body ended before its announced end; send all of it".to_owned(),
            )
        })?;
        if gathering.len().saturating_add(piece.len()) > limit {
            return Err(Rejection::BodyTooLarge(limit));
        }
        gathering.push(piece).map_err(|_| Rejection::Overloaded)?;
    }
}

/// What the body says, as far as the gateway acts on it.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) request: Request<'a>,
    admitted: &'a Arc<Admission>,
    /// How many choices the answer is to have.
    choices: u64,
    body: &'a Bytes,
    operation: Operation,
    edits: Edits,
    /// The member that refers to what a provider keeps.
    kept: Option<&'static str>,
    /// Whether the body is a form.
    form: bool,
    /// What limits look at.
    governed: Arc<Governed>,
}

/// Looks into the body without building a tree of it.
///
/// # Errors
/// A body that is no well-formed request.
pub(crate) fn peek<'a>(
    asking: &'a Asking,
    admitted: &'a Arc<Admission>,
    body: &'a Bytes,
    form: Option<&'a Filled<'_>>,
    headers: &HeaderMap,
    record: &mut Record,
) -> Result<Asked<'a>, Rejection> {
    let operation = asking.operation;
    let mut request = match (&asking.named, form) {
        (None, None) => match operation.usual_model() {
            None => parse(body)?,
            Some(usual) => parse_or(body, usual)?,
        },
        (None, Some(form)) => form.request()?,
        (Some(named), _) if operation.names_model_again() => {
            parse_named_again(body, &named.model, named.stream)?
        }
        (Some(named), _) => parse_named(body, &named.model, named.stream)?,
    };
    if operation == Operation::Speech {
        request.stream = is_streamed_speech(&request);
    }
    if request.model.len() > MAX_MODEL || request.model.chars().any(char::is_control) {
        let message = format!(
            "model is longer than {MAX_MODEL} bytes or holds control characters; GET /v1/models lists the names this key can use"
        );
        return Err(Rejection::InvalidRequest(message));
    }
    let choices = choices(operation, &request)?;
    record.model = Some(request.model.as_ref().into());
    record.stream = request.stream && operation.streams();
    let edits = request.edits(operation.asks_usage());
    let kept = (operation == Operation::Responses).then(|| kept(&request.object));
    Ok(Asked {
        kept: kept.flatten(),
        governed: Arc::new(governed(
            admitted,
            operation,
            &request,
            headers,
            choices,
            &record.bill,
        )),
        form: form.is_some(),
        request,
        admitted,
        choices,
        body,
        operation,
        edits,
    })
}

/// Whether a sound is to come in events; otherwise it comes as it is.
fn is_streamed_speech(request: &Request<'_>) -> bool {
    let format = request.object.get("stream_format");
    let format = format.and_then(|format| request.object.string(format));
    format.is_some_and(|format| format == "sse")
}

/// How vectors are to be written, where they are asked for and it is said.
fn coding(operation: Operation, request: &Request<'_>) -> Option<Coding> {
    let object = &request.object;
    let said = object.get("encoding_format");
    let said = said.filter(|_| operation == Operation::Embeddings)?;
    Coding::named(&object.string(said)?)
}

/// How many choices a request asks for: `n`, for each prompt. A stream of more than are taken would blame its provider.
fn choices(operation: Operation, request: &Request<'_>) -> Result<u64, Rejection> {
    let many = operation == Operation::Completions && request.stream;
    let prompts = if many { request.prompts() } else { 1 };
    // Elsewhere the member means nothing.
    let n = if operation.asks_usage() { request.n } else { 1 };
    let choices = n.saturating_mul(prompts);
    if n > MAX_N || choices > MAX_CHOICES {
        return Err(Rejection::InvalidRequest(format!(
            "this asks for {choices} choices; n may be {MAX_N} at most, and a stream may have {MAX_CHOICES} choices"
        )));
    }
    Ok(choices)
}

/// Where the request goes.
///
/// # Errors
/// The key may not, or nobody answers to the name.
pub(crate) fn plan(
    runtime: &Runtime,
    asked: &Asked<'_>,
    headers: &HeaderMap,
    record: &mut Record,
) -> Result<Plan, Rejection> {
    let caller = &asked.admitted.caller;
    let content = asked.operation.content_members();
    let outlook = outlook::Now::of(runtime, &asked.governed, asked.operation);
    let sight = Sight::new(asked.operation, &asked.request, headers, content, &outlook);
    let standing = standing::Now {
        runtime,
        asker: asked.admitted.asker,
        stream: asked.request.stream && asked.operation.streams(),
        noted: !asked.operation.is_free(),
        ceiling: asked.governed.ceiling,
    };
    let model = &asked.request.model;
    let find = |model: &str| runtime.table.planned(caller, model, &sight, &standing);
    let mut planned = find(model);
    // A name that is configured as it stands is one, whatever it ends in.
    let is_configured = planned.as_ref().is_ok_and(|plan| plan.configured);
    if asked.operation.surface() == Surface::Anthropic
        && !is_configured
        && let Some(plain) = without_wish(model)
    {
        // What is forbidden by its plain name is not served by the other one.
        let by_plain_name = find(plain);
        let decides = |refused: &Refused| refused.reason.is_binding();
        if by_plain_name.as_ref().err().is_none_or(decides) {
            planned = by_plain_name;
        }
    }
    let mut plan = planned.map_err(|refused| {
        // Whatever it is refused for, what it was held to is worth knowing.
        record.constraints = refused.constraints;
        Rejection::no_route(refused.reason, model)
    })?;
    record.constraints.clone_from(&plan.constraints);
    record.through.clone_from(&plan.through);
    affinity::keep(&mut plan, asked, headers);
    save(runtime, &asked.governed, asked.operation, &mut plan, record);
    record.configured = plan.configured;
    record.chosen_by = Some(plan.chosen_by);
    record.standing = standing_of_first(runtime, &plan);
    record.rule = plan.rule.as_ref().map(|rule| rule.name.to_string().into());
    Ok(plan)
}

/// How the first target stands, where its rule judges targets by how they do.
fn standing_of_first(runtime: &Runtime, plan: &Plan) -> Option<Standing> {
    let rule = plan.rule.as_ref().filter(|rule| rule.judges)?;
    let judged = runtime.judges.get(&rule.name)?;
    judged.standing(&plan.steps.first()?.target)
}

/// Puts cheaper targets first where a budget says so.
fn save(
    runtime: &Runtime,
    governed: &Governed,
    operation: Operation,
    plan: &mut Plan,
    record: &mut Record,
) {
    record.soft = runtime.governor().soft_limit(governed);
    if record.soft.is_some() {
        cheapest_first(plan, |step| {
            let upstream = runtime.upstreams.get(step.provider?.0)?;
            let target = upstream.target(&step.model, operation);
            runtime.governor().expected_cost(governed, &target)
        });
        plan.chosen_by = ChosenBy::Budget;
    }
}

/// Takes what the request takes once, however many attempts it has.
///
/// # Errors
/// A limit is used up.
pub(crate) async fn admit(job: &Job, record: &mut Record) -> Result<(), Rejection> {
    if job.governed.caller.chain.is_empty() {
        return Ok(());
    }
    let governor = job.runtime.governor();
    let now = governor.now();
    let admitted = governor.admit(&job.governed, now).await;
    record.rates = governor.rates(&job.governed, now);
    let holds = admitted.map_err(|refusal| Rejection::Limited(Box::new(refusal)))?;
    record.holds = (!holds.is_empty()).then(|| Box::new(holds));
    Ok(())
}

/// What the caller says of the time for its request.
///
/// # Errors
/// A header that is not a number of milliseconds.
pub(crate) fn wish(headers: &HeaderMap) -> Result<Option<Duration>, Rejection> {
    let Some(wish) = headers.get(TIMEOUT_HEADER) else {
        return Ok(None);
    };
    let millis: Option<u64> = wish
        .to_str()
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .filter(|millis| *millis > 0);
    millis.map(Duration::from_millis).map(Some).ok_or_else(|| {
        Rejection::InvalidRequest(format!(
            "the header {TIMEOUT_HEADER} must be a whole number of milliseconds, at least 1"
        ))
    })
}

/// When the whole request must be over: the first target's `total` time, or less if the caller says so.
pub(crate) fn deadline(
    runtime: &Runtime,
    plan: &Plan,
    wish: Option<Duration>,
    record: &Record,
) -> Instant {
    let first = plan
        .steps
        .iter()
        .find_map(|step| runtime.upstreams.get(step.provider?.0));
    let provider = first
        .map(|upstream| upstream.provider.timeouts)
        .unwrap_or_default();
    let total = plan
        .rule
        .as_ref()
        .map_or(provider, |rule| rule.timeouts.over(&provider))
        .total;
    record.started + wish.map_or(total, |wish| wish.min(total))
}

impl Asked<'_> {
    /// What is left of a strict budget is known only when it is known what was used: its streams are read to their end, whoever is left.
    fn policy(&self, mut policy: StreamPolicy) -> StreamPolicy {
        let strict = self.admitted.limited.chain.iter().any(Bound::is_strict);
        policy.finish |= strict && self.request.stream;
        policy
    }

    /// The owned part of it, with what else an answer is made from.
    #[must_use]
    pub(crate) fn job(
        &self,
        worker: &Arc<Worker>,
        runtime: &Arc<Runtime>,
        headers: &HeaderMap,
        plan: &Plan,
        permit: Permit,
        deadline: Instant,
    ) -> Job {
        let policy = |rule: &RuleRef| StreamPolicy::of(rule.stream, self.operation, &self.request);
        Job {
            worker: Arc::clone(worker),
            runtime: Arc::clone(runtime),
            asker: self.admitted.asker,
            operation: self.operation,
            stream: self.request.stream && self.operation.streams(),
            choices: self.choices,
            caller_wants_usage: self.request.include_usage,
            headers: headers::for_provider(headers),
            betas: false,
            content_type: headers
                .get(header::CONTENT_TYPE)
                .filter(|_| self.form)
                .cloned(),
            edits: self.edits.clone(),
            body: self.body.clone(),
            deadline,
            permit,
            policy: self.policy(plan.rule.as_ref().map(policy).unwrap_or_default()),
            coding: coding(self.operation, &self.request),
            kept: self.kept.map(|member| Kept {
                member,
                held: affinity::holds(plan, runtime),
            }),
            prefix: prefix::key(plan, runtime, &self.request.object, self.operation),
            needs: Found::default(),
            sent: AtomicU32::default(),
            governed: Arc::clone(&self.governed),
            copy: false,
            due: None,
            trace: None,
        }
    }
}
