//! From two looks to lines: counters by their increase, gauges as they stand. A gateway that was started in between counts from nothing.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Look;
use crate::exposition::{Histogram, Sample};

/// Requests, and how long they took (`docs/observability.md`).
const DURATION: &str = "gen_ai_server_request_duration_seconds";
const FIRST_TOKEN: &str = "gen_ai_server_time_to_first_token_seconds";
const TOKENS: &str = "gen_ai_client_token_usage_sum";
const SPEND: &str = "fairlead_cost_usd_total";
/// Value of `fairlead_breaker_state` of an open one.
const OPEN: f64 = 1.0;

/// One line of `top`.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) data: Value,
}

/// What happened between the looks: each counter of now with its increase.
fn increases<'l>(before: &'l Look, now: &'l Look) -> impl Iterator<Item = (&'l Sample, f64)> {
    now.iter().flat_map(move |(gateway, samples)| {
        let known: BTreeMap<_, f64> = before
            .get(gateway)
            .into_iter()
            .flatten()
            .map(|sample| ((&sample.name, &sample.labels), sample.value))
            .collect();
        samples.iter().map(move |sample| {
            let last = known
                .get(&(&sample.name, &sample.labels))
                .copied()
                .unwrap_or(0.0);
            // A counter that fell was begun anew.
            let since = if sample.value < last {
                sample.value
            } else {
                sample.value - last
            };
            (sample, since)
        })
    })
}

#[derive(Default)]
struct Requests {
    all: f64,
    failed: f64,
    tokens: f64,
    usd: f64,
    duration: Histogram,
    first: Histogram,
}

/// A line for each provider and requested model that was asked since.
pub(super) fn providers(before: &Look, now: &Look, seconds: f64) -> Vec<Line> {
    let mut found = BTreeMap::<(&str, &str), Requests>::new();
    for (sample, since) in increases(before, now) {
        if since <= 0.0 {
            continue;
        }
        let line = || {
            (
                sample.label("fairlead_provider"),
                sample.label("gen_ai_request_model"),
            )
        };
        if let Some(part) = sample.name.strip_prefix(DURATION) {
            let requests = found.entry(line()).or_default();
            match part {
                "_count" => {
                    requests.all += since;
                    if !sample.label("error_type").is_empty() {
                        requests.failed += since;
                    }
                }
                "_bucket" => requests.duration.add(sample.label("le"), since),
                _ => {}
            }
        } else if sample.name.strip_prefix(FIRST_TOKEN) == Some("_bucket") {
            found
                .entry(line())
                .or_default()
                .first
                .add(sample.label("le"), since);
        } else if sample.name == TOKENS {
            found.entry(line()).or_default().tokens += since;
        } else if sample.name == SPEND {
            found.entry(line()).or_default().usd += since;
        }
    }
    let lines = found.into_iter().filter(|(_, requests)| requests.all > 0.0);
    lines
        .map(|((provider, model), requests)| line(provider, model, &requests, now, seconds))
        .collect()
}

fn line(provider: &str, model: &str, requests: &Requests, now: &Look, seconds: f64) -> Line {
    let of_provider = |name: &'static str| {
        let samples = now.values().flatten();
        samples.filter(move |sample| sample.name == name && sample.label("provider") == provider)
    };
    let sum = |name| of_provider(name).map(|sample| sample.value).sum::<f64>();
    // Connections alone: a model's breaker is told by the name upstream.
    let connections =
        of_provider("fairlead_breaker_state").filter(|sample| sample.label("model").is_empty());
    let open = connections.filter(|sample| is(sample.value, OPEN)).count();
    let models = of_provider("fairlead_breaker_state")
        .filter(|sample| !sample.label("model").is_empty() && is(sample.value, OPEN));
    let mut models: Vec<&str> = models.map(|sample| sample.label("model")).collect();
    models.sort_unstable();
    models.dedup();
    let breaker = match (open, models.is_empty()) {
        (0, true) => String::new(),
        (0, false) => format!("open: {}", models.join(", ")),
        (open, _) => format!("open on {open} of {}", now.len()),
    };
    Line {
        data: json!({
            "provider": provider, "model": model,
            "requestsPerSecond": requests.all / seconds,
            "errorPercent": 100.0 * requests.failed / requests.all,
            "p95Seconds": requests.duration.quantile(0.95),
            "firstTokenP95Seconds": requests.first.quantile(0.95),
            "tokensPerSecond": requests.tokens / seconds,
            "usdPerHour": requests.usd / seconds * 3600.0,
            "inFlight": sum("fairlead_in_flight"), "queued": sum("fairlead_queued"),
            "breaker": breaker,
        }),
    }
}

fn is(value: f64, other: f64) -> bool {
    (value - other).abs() < 0.5
}

/// A line for each key that spent something since or has a limit that is counted, the one that spends most first.
pub(super) fn keys(before: &Look, now: &Look, seconds: f64) -> Vec<Line> {
    let mut spend = BTreeMap::<&str, (f64, &str)>::new();
    for (sample, since) in increases(before, now).filter(|(sample, _)| sample.name == SPEND) {
        let key = spend.entry(sample.label("fairlead_key")).or_default();
        *key = (key.0 + since, sample.label("fairlead_team"));
    }
    let mut limits = BTreeMap::<(String, String), (f64, f64)>::new();
    let all = now.values().flatten();
    for sample in all.filter(|sample| sample.label("level") == "key") {
        let key = format!("{}/{}", sample.label("namespace"), sample.label("name"));
        let limit = format!("{}/{}", sample.label("kind"), sample.label("limit"));
        match sample.name.as_str() {
            // What is used is over all gateways, so the largest is the newest.
            "fairlead_limit_used" => {
                let known = limits.entry((key, limit)).or_default();
                known.0 = known.0.max(sample.value);
            }
            "fairlead_limit" => limits.entry((key, limit)).or_default().1 = sample.value,
            _ => {}
        }
    }
    let mut lines: Vec<Line> = Vec::new();
    for (&key, &(usd, team)) in spend
        .iter()
        .filter(|(key, (usd, _))| !key.is_empty() && *usd > 0.0)
    {
        let mut own = limits
            .iter()
            .filter(|((holder, _), _)| holder == key)
            .peekable();
        if own.peek().is_none() {
            lines.push(key_line(key, team, usd / seconds, None));
        }
        lines.extend(own.map(|((_, limit), amounts)| {
            key_line(key, team, usd / seconds, Some((limit, amounts)))
        }));
    }
    let quiet = limits
        .iter()
        .filter(|((key, _), _)| spend.get(key.as_str()).is_none_or(|(usd, _)| *usd <= 0.0));
    lines.extend(
        quiet.map(|((key, limit), amounts)| key_line(key, "", 0.0, Some((limit, amounts)))),
    );
    let pace = |line: &Line| line.data["usdPerHour"].as_f64().unwrap_or_default();
    lines.sort_by(|one, other| pace(other).total_cmp(&pace(one)));
    lines
}

fn key_line(
    key: &str,
    team: &str,
    usd_per_second: f64,
    limit: Option<(&String, &(f64, f64))>,
) -> Line {
    let used = limit.map(|(_, (used, _))| used);
    let of = limit.map(|(_, (_, of))| of);
    let percent = limit.and_then(|(_, (used, of))| (*of > 0.0).then(|| 100.0 * used / of));
    Line {
        data: json!({
            "key": key, "team": team, "usdPerHour": usd_per_second * 3600.0,
            "limit": limit.map(|(name, _)| name), "used": used, "of": of, "usedPercent": percent,
        }),
    }
}
