//! What is told of a finished request, made of what was noted while it was served. Done once, off the cores.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use fairlead_health::adaptive::Standing;
use fairlead_record as told;
use fairlead_record::{Tokens, Word};
use fairlead_route::ChosenBy;
use fairlead_snapshot::Charge;
use fairlead_wire::openai::Usage;
use http::Method;
use tokio::time::Instant;

use super::mirror::Mirrored;
use super::record::{Attempt, Entry};
use super::trace::Tracing;
use crate::govern::reservation::Cost;
use crate::surface::{Operation, Surface};

/// Makes it, and decides whether its trace is kept.
#[must_use]
pub(crate) fn made(done: Entry, tracing: &Tracing) -> told::Entry {
    let attempts = done.attempts.iter().map(|one| attempt(one, &done));
    let attempts = attempts.collect();
    let duration_us = micros(done.duration);
    let mut entry = told::Entry {
        id: done.id,
        started_unix_us: done.ended_unix_us - i64::try_from(duration_us).unwrap_or(0),
        duration_us,
        first_content_us: done.first_token.map(micros),
        method: done.method.as_ref().map(method),
        route: route(&done),
        operation: done.operation.map(Operation::name).map(Cow::Borrowed),
        surface: Cow::Borrowed(surface(done.surface)),
        stream: done.stream,
        key: done.key,
        team: done.team,
        model: done.model,
        configured: done.configured,
        rule: done.rule,
        constraints: done.constraints,
        through: done.through,
        mirror: done.mirrored.as_deref().map(mirror),
        judgement: done.standing.as_ref().map(judgement),
        chosen_by: done.chosen_by.map(ChosenBy::as_str).map(Cow::Borrowed),
        attempts,
        trace: done.trace,
        status: done.status,
        error: done.error.map(Cow::Borrowed),
        limit: done.limit.map(|limit| *limit),
        complete: done.complete,
        finish_reason: done.finish_reason,
        tokens: done.usage.as_ref().map(tokens),
        cost: done.cost.map(cost),
        budget: done.soft,
        request_bytes: done.request_bytes,
        response_bytes: done.response_bytes,
        user_agent: done.user_agent,
        tags: done.tags,
        generation: done.generation,
    };
    tracing.keep(&mut entry);
    entry
}

fn attempt(attempt: &Attempt, entry: &Entry) -> told::Attempt {
    let queued = attempt.queued.unwrap_or_default();
    let began = entry.began.unwrap_or(attempt.began);
    let since = |at: Instant| at.saturating_duration_since(began);
    let end = entry.duration.max(since(attempt.began));
    // What was dropped for another must have read the same.
    let lost = entry.lost_input_tokens(attempt).map(|input| Tokens {
        input: Some(input),
        estimated: true,
        ..Tokens::default()
    });
    told::Attempt {
        target: Arc::clone(&attempt.target),
        provider: attempt.provider.clone(),
        system: attempt.system.clone(),
        model: Arc::clone(&attempt.model),
        credential: attempt.credential.clone(),
        server: attempt.server.clone(),
        address: attempt.address.clone().filter(|_| attempt.sent),
        outcome: Cow::Borrowed(attempt.outcome()),
        sent: attempt.sent,
        status: attempt.status,
        resend: attempt.resend,
        hedge: attempt.hedge,
        started_us: micros(since(attempt.began).saturating_sub(queued)),
        queued_us: micros(queued),
        took_us: micros(attempt.took),
        first_content_us: attempt.content.map(|at| micros(since(at))),
        ended_us: micros(attempt.ended.map_or(end, since)),
        span: attempt.span,
        response_id: attempt.response_id.clone(),
        response_model: attempt.response_model.clone(),
        tokens: lost.or(attempt.tokens),
        cost: attempt.cost.map(cost),
        dropped: attempt.dropped.clone(),
        clamped: attempt.clamped,
    }
}

fn judgement(standing: &Standing) -> told::Judgement {
    told::Judgement {
        state: Cow::Borrowed(standing.state.as_str()),
        score: standing.score,
        share: standing.share,
        reason: standing.reason.to_string().into(),
    }
}

fn mirror(mirrored: &Mirrored) -> told::Mirror {
    let original = &mirrored.original;
    told::Mirror {
        name: Arc::clone(&mirrored.mirror.name),
        rule: Arc::clone(&mirrored.mirror.rule),
        charged: mirrored.mirror.charge == Charge::Caller,
        of: mirrored.of,
        outcome: Cow::Borrowed(original.outcome),
        first_content_us: original.first_token.map(micros),
        duration_us: micros(original.duration),
        tokens: original.usage.as_ref().map(tokens),
        cost: original.cost.map(cost),
    }
}

/// A method as a word; whatever a caller made up is one together (source: OpenTelemetry's HTTP conventions).
fn method(method: &Method) -> Word {
    Cow::Borrowed(match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    })
}

fn route(entry: &Entry) -> Option<Word> {
    let operation = || {
        entry
            .operation
            .map(|operation| operation.route(entry.stream))
    };
    entry.route.map(Cow::Borrowed).or_else(operation)
}

fn surface(surface: Surface) -> &'static str {
    match surface {
        Surface::OpenAi => "openai",
        Surface::Anthropic => "anthropic",
        Surface::Gemini => "gemini",
    }
}

fn tokens(usage: &Usage) -> Tokens {
    Tokens {
        input: usage.input_tokens,
        output: usage.output_tokens,
        cache_read: usage.cached_input_tokens,
        cache_write: usage.parts.cache_write,
        reasoning: usage.reasoning_tokens,
        estimated: false,
    }
}

fn cost(cost: Cost) -> told::Cost {
    told::Cost {
        nanos: cost.nanos,
        estimated: cost.estimated,
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
