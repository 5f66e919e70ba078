//! What is kept of content, as the command line says.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;

use crate::args::Serve;
use crate::observe::content::{Contents, stores};
use crate::observe::metrics::Metrics;
use crate::observe::recorder::End;

/// How long the last ones may take.
const LAST: Duration = Duration::from_secs(3);

/// What is kept; `None`: the installation lets nothing be kept.
///
/// # Errors
/// It says something that cannot be done, or there is no thread.
pub(super) fn kept(
    args: &Serve,
    metrics: &mut Metrics,
    ends: &mut Vec<End>,
) -> anyhow::Result<Option<Contents>> {
    let Some(ceiling) = args.content.ceiling.content() else {
        return Ok(None);
    };
    let stores = stores::open(
        args.content,
        &args.request_log,
        args.settings.state_dir.as_ref(),
    )?;
    let (contents, over) = Contents::to(stores, (ceiling, args.content.hours), Counter::default())?;
    metrics.show_contents(&contents);
    ends.push(End::new(over, LAST));
    tracing::info!(ceiling = ?ceiling, hours = args.content.hours, "content of requests is kept where a rule asks for it");
    Ok(Some(contents))
}
