//! Which configuration is in force, and how the gateway is.

use fairlead_console::Viewer;
use fairlead_console::view::standing::{GatewayView, LogView, Standing};

use super::{ITSELF, Local};
use crate::status::Source;
use crate::told::findings::not_ok;
use crate::worker::Phase;

/// How this gateway stands.
pub(super) fn told(local: &Local, viewer: &Viewer) -> Standing {
    let runtime = local.shared.live.load();
    let status = local.shared.status.borrow().clone();
    let store = runtime.governor().counters.state();
    let enforced = local.shared.enforced.load();
    let verdicts = enforced.as_ref().map(|enforced| &*enforced.verdicts);
    let serves = *local.shared.phase.borrow() == Phase::Serving && status.source.is_some();
    Standing {
        generation: runtime.generation,
        digest: runtime.digest.to_string(),
        source: status.source.map(Source::as_str).map(str::to_owned),
        problem: status.error,
        objects_not_ok: not_ok(verdicts.unwrap_or_default(), viewer),
        gateways: vec![GatewayView {
            name: ITSELF.to_owned(),
            generation: runtime.generation,
            ready: serves && store.ready,
            store_reachable: store.reachable,
            store_problem: store.problem,
        }],
        callers_at: local.callers_at.clone(),
        log: log(local),
        read_only: true,
    }
}

/// Where requests are kept.
fn log(local: &Local) -> LogView {
    let unrecorded = local.shared.observe.metrics.records_dropped.get();
    let Some((place, standing)) = local.shared.requests.standing() else {
        return LogView {
            kept_in: "memory".to_owned(),
            reach: "the last 10,000, in memory".to_owned(),
            dropped: unrecorded,
        };
    };
    let reach = match standing.problem {
        None => format!("{} days, in {place}", local.days),
        Some(problem) => format!("in {place}, which cannot be written just now: {problem}"),
    };
    LogView {
        kept_in: place.to_owned(),
        reach,
        dropped: unrecorded + standing.dropped,
    }
}
