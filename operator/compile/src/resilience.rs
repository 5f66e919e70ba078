//! What happens when a provider fails: what users write -> what the gateway goes by. Every default is that of the snapshot's type.

use std::time::Duration;

use fairlead_crds::text::DurationText;
use fairlead_crds::v1alpha1 as spec;
use fairlead_snapshot::{
    Affinity, Commit, Concurrency, Continuation, Health, Hedge, OnClientGone, Overflow, Queue,
    Recovery, Retries, RetryOverrides, Streams,
};

use crate::finding::{Finding, Reason};
use crate::path::Path;

/// The header that names a conversation, where none is given.
const SESSION_HEADER: &str = "x-session-id";
/// The share of requests that may be hedged, in percent, where none is given.
const HEDGED_PERCENT: u32 = 10;

pub(crate) fn retries(given: Option<&spec::Retries>) -> Retries {
    let given = given.cloned().unwrap_or_default();
    let backoff = given.backoff.unwrap_or_default();
    let default = Retries::default();
    Retries {
        max_retries: given.max_retries.unwrap_or(default.max_retries),
        initial_backoff: length(backoff.initial.as_ref()).unwrap_or(default.initial_backoff),
        max_backoff: length(backoff.max.as_ref()).unwrap_or(default.max_backoff),
        max_retry_after: length(given.max_retry_after.as_ref()).unwrap_or(default.max_retry_after),
    }
}

pub(crate) fn retry_overrides(given: Option<&spec::RuleRetries>) -> RetryOverrides {
    RetryOverrides {
        max_retries: given.map(|retries| retries.max_retries),
    }
}

pub(crate) fn health(given: Option<&spec::Health>) -> Health {
    let given = given.cloned().unwrap_or_default();
    let default = Health::default();
    Health {
        consecutive_failures: given
            .consecutive_failures
            .unwrap_or(default.consecutive_failures),
        error_percent: given.error_percent.unwrap_or(default.error_percent),
        min_requests: given.min_requests.unwrap_or(default.min_requests),
        probe_interval: length(given.probe_interval.as_ref()).unwrap_or(default.probe_interval),
        ramp_up: length(given.ramp_up.as_ref()).unwrap_or(default.ramp_up),
    }
}

pub(crate) fn concurrency(given: &spec::Concurrency) -> Concurrency {
    Concurrency {
        max_in_flight: given.max_in_flight,
        overflow: match given.overflow {
            Some(spec::Overflow::Fallback) => Overflow::Fallback,
            Some(spec::Overflow::Reject) => Overflow::Reject,
            Some(spec::Overflow::Queue) | None => Overflow::Queue(queue(given.queue.as_ref())),
        },
        adaptive: given.adaptive == Some(true),
    }
}

fn queue(given: Option<&spec::Queue>) -> Queue {
    let default = Queue::default();
    Queue {
        length: given
            .and_then(|queue| queue.length)
            .unwrap_or(default.length),
        wait: length(given.and_then(|queue| queue.wait.as_ref())).unwrap_or(default.wait),
    }
}

pub(crate) fn continuation(given: spec::Continuation) -> Continuation {
    match given {
        spec::Continuation::AssistantPrefix => Continuation::AssistantPrefix,
    }
}

pub(crate) fn streams(given: Option<&spec::Stream>) -> Streams {
    let given = given.cloned().unwrap_or_default();
    Streams {
        recovery: match given.recovery {
            Some(spec::Recovery::Continue) => Recovery::Continue,
            Some(spec::Recovery::Fail) | None => Recovery::Fail,
        },
        commit: match given.commit {
            Some(spec::Commit::Complete) => Commit::Complete,
            Some(spec::Commit::Content) | None => Commit::Content,
        },
        on_client_gone: match given.on_client_gone {
            Some(spec::OnClientGone::Finish) => OnClientGone::Finish,
            Some(spec::OnClientGone::Cancel) | None => OnClientGone::Cancel,
        },
    }
}

pub(crate) fn hedge(given: &spec::Hedge) -> Hedge {
    Hedge {
        delay: length(given.delay.as_ref()),
        max_percent: given.max_percent.unwrap_or(HEDGED_PERCENT),
    }
}

pub(crate) fn affinity(given: &spec::Affinity) -> Affinity {
    match given.kind {
        spec::AffinityType::Prefix => Affinity::Prefix,
        spec::AffinityType::Header => Affinity::Header(
            given
                .header
                .as_ref()
                .map_or(SESSION_HEADER, |header| header.as_str())
                .to_owned(),
        ),
    }
}

/// What CEL refuses of a provider, said again for those without an API server.
pub(crate) fn provider_faults(spec: &spec::LLMProviderSpec, path: &Path) -> Vec<Finding> {
    let (retries, health) = (path.field("retries"), path.field("health"));
    let backoff = spec
        .retries
        .as_ref()
        .and_then(|retries| retries.backoff.as_ref());
    let probe = spec
        .health
        .as_ref()
        .and_then(|health| health.probe_interval.as_ref());
    let mut faults: Vec<Finding> = [
        (
            retries.field("backoff").field("initial"),
            backoff.and_then(|backoff| backoff.initial.as_ref()),
        ),
        (
            retries.field("backoff").field("max"),
            backoff.and_then(|backoff| backoff.max.as_ref()),
        ),
        (health.field("probeInterval"), probe),
    ]
    .iter()
    .filter_map(|(path, length)| nothing(*length, path))
    .collect();
    if let Some(concurrency) = &spec.concurrency {
        faults.extend(queue_faults(
            concurrency,
            &path.field("concurrency").field("queue"),
        ));
    }
    faults
}

fn queue_faults(concurrency: &spec::Concurrency, path: &Path) -> Vec<Finding> {
    let Some(queue) = &concurrency.queue else {
        return Vec::new();
    };
    let waits = matches!(concurrency.overflow, Some(spec::Overflow::Queue) | None);
    let idle = (!waits).then(|| {
        Finding::new(
            path,
            Reason::Invalid,
            "queue goes with overflow: Queue only",
        )
    });
    idle.into_iter()
        .chain(nothing(queue.wait.as_ref(), &path.field("wait")))
        .collect()
}

/// What CEL refuses of a rule, said again for those without an API server.
pub(crate) fn rule_faults(spec: &spec::RoutingRuleSpec, path: &Path) -> Vec<Finding> {
    let delay = spec.hedge.as_ref().and_then(|hedge| hedge.delay.as_ref());
    let header = spec.affinity.as_ref().filter(|affinity| {
        affinity.header.is_some() && affinity.kind != spec::AffinityType::Header
    });
    let misplaced = header.map(|_| {
        Finding::new(
            &path.field("affinity").field("header"),
            Reason::Invalid,
            "header goes with type Header only",
        )
    });
    nothing(delay, &path.field("hedge").field("delay"))
        .into_iter()
        .chain(misplaced)
        .collect()
}

fn length(text: Option<&DurationText>) -> Option<Duration> {
    text.map(DurationText::to_duration)
}

/// A length of nothing where there has to be one.
fn nothing(text: Option<&DurationText>, path: &Path) -> Option<Finding> {
    (length(text) == Some(Duration::ZERO)).then(|| {
        Finding::new(
            path,
            Reason::Invalid,
            "must be longer than 0; leave it out for the default",
        )
    })
}
