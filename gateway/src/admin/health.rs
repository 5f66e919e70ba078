//! `GET /health`: every breaker, rest and limit of this replica, as JSON (`docs/resilience.md`).

use std::sync::Arc;
use std::time::Duration;

use fairlead_health::ModelHealth;
use fairlead_health::registry::Guarded;
use fairlead_health::tempo::USUAL_ANSWER;
use serde_json::{Map, Value, json};

use crate::judges::{Judged, Judges};
use crate::upstream::Upstream;
use crate::upstream::servers::Server;

/// How all providers do, and how the targets of rules that go by that are judged.
#[must_use]
pub(crate) fn report(upstreams: &[Arc<Upstream>], judges: &Judges) -> Value {
    let providers: Map<String, Value> = upstreams
        .iter()
        .map(|upstream| (upstream.label.to_string(), provider(upstream)))
        .collect();
    let rules: Map<String, Value> = judges
        .all()
        .into_iter()
        .map(|(rule, judged)| (rule.to_string(), json!({ "targets": standings(judged) })))
        .collect();
    json!({ "providers": providers, "rules": rules })
}

/// How candidates are judged.
fn standings(judged: &Judged) -> Map<String, Value> {
    let all = judged.standings().zip(judged.in_flight());
    let told = all.map(|((label, standing), in_flight)| {
        // Shares and scores are parts of 1.
        let told = json!({
            "state": standing.state.as_str(),
            "score": f64::from(standing.score) / 1000.0,
            "share": f64::from(standing.share) / 1000.0,
            "reason": standing.reason.to_string(),
            "inFlight": in_flight,
        });
        (label.to_string(), told)
    });
    told.collect()
}

fn provider(upstream: &Upstream) -> Value {
    let now = upstream.now();
    let models: Map<String, Value> = upstream
        .health
        .models()
        .iter()
        .map(|(name, (model, _))| {
            let mut told = guarded(&model.answers, now);
            told["firstContentP95Ms"] = json!({
                "streams": millis(model.latency(true).percentile(95)),
                "whole": millis(model.latency(false).percentile(95)),
            });
            let read = |stream| model.tempo.read(now, stream, USUAL_ANSWER);
            let [streams, whole] = [true, false].map(read);
            told["expectedMs"] = json!({
                "streams": millis(streams.expected),
                "whole": millis(whole.expected),
            });
            told["inFlight"] = streams.busy.into();
            told["waiting"] = streams.waiting.into();
            told["credentials"] = credentials(upstream, model).into();
            if let Some(judged) = upstream.judged_credentials(name) {
                told["judgedCredentials"] = standings(&judged).into();
            }
            (name.to_string(), told)
        })
        .collect();
    let limited = upstream.provider.concurrency.is_some();
    json!({
        "connections": guarded(&upstream.health.reach, now),
        "models": models,
        "inFlight": upstream.gate.in_flight(),
        "queued": upstream.gate.queued(),
        "limit": limited.then(|| upstream.limit()),
        "servers": upstream.servers().map(|servers| {
            let all = servers.all().iter();
            all.map(|one| (one.address.to_string(), server(one, now)))
                .collect::<Map<String, Value>>()
        }),
    })
}

/// One server of a pool.
fn server(server: &Server, now: Duration) -> Value {
    let mut told = guarded(&server.health, now);
    told["inFlight"] = server.in_flight().into();
    told["reported"] = server.reading(now).map_or(Value::Null, |reading| {
        json!({"running": reading.running, "waiting": reading.waiting, "cacheUsed": reading.cache})
    });
    told
}

fn guarded(guarded: &Guarded, now: Duration) -> Value {
    let (requests, failures) = guarded.breaker.recent(now);
    let until = guarded.breaker.until(now);
    json!({
        "state": guarded.breaker.state(now),
        "forMs": millis(until.map(|until| until.saturating_sub(now))),
        "consecutiveFailures": guarded.breaker.consecutive_failures(),
        "last10s": {"requests": requests, "failures": failures},
        "lastFailure": guarded.last_failure().map(|(class, _)| class.as_str()),
    })
}

/// Those with which there was ever anything wrong at this model.
fn credentials(upstream: &Upstream, model: &ModelHealth) -> Map<String, Value> {
    let of = |(at, credential): (usize, &fairlead_snapshot::Credential)| {
        let (state, rest) = upstream.credential_state(Some(model), at)?;
        Some((
            credential.name.clone(),
            json!({"state": state, "forMs": millis(rest)}),
        ))
    };
    let all = upstream.provider.credentials.iter().enumerate();
    all.filter_map(of).collect()
}

fn millis(time: Option<Duration>) -> Option<u64> {
    time.and_then(|time| u64::try_from(time.as_millis()).ok())
}
