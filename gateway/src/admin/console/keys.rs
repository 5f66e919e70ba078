//! Keys, and how limits stand.

use fairlead_console::view::key::{Keys, Mine};
use fairlead_console::{Holder, Trouble, Viewer};
use fairlead_record::{By, RequestLog as _, Scope, UsageAsk};
use fairlead_snapshot::ObjectName;
use fairlead_store::Unavailable;

use super::Local;
use crate::clock;
use crate::govern::chain::{Chain, Owners};
use crate::govern::report::Line;
use crate::told::keys::{self, limit, view};

/// So many limits are told of: each is asked of the store.
const LIMITS: usize = 1_024;
/// The holder of a key sees what it has used over so long.
const MONTH: i64 = 30 * 86_400;

/// Those that this viewer may see.
pub(super) async fn told(local: &Local, viewer: &Viewer) -> Result<Keys, Trouble> {
    let enforced = local.enforced()?;
    let runtime = local.shared.live.load_full();
    let holders = runtime.holders.iter().flat_map(|limits| limits.iter());
    let bounds = holders
        .filter(|bound| viewer.rights.usage.sees_object(&bound.holder.name))
        .take(LIMITS);
    let lines = runtime
        .governor()
        .report_each(bounds)
        .await
        .map_err(unavailable)?;
    let mut unread: Vec<String> = lines
        .iter()
        .filter(|(_, line)| line.is_none())
        .map(|(bound, _)| format!("{} {}", bound.holder.level.as_str(), bound.holder.name))
        .collect();
    unread.dedup();
    let (keys, total) = keys::told(&enforced.snapshot, viewer, clock::unix_seconds());
    Ok(Keys {
        total,
        keys,
        limits: lines
            .into_iter()
            .filter_map(|(_, line)| Some(limit(&line?)))
            .collect(),
        unread,
    })
}

/// What the holder of a key may know of it.
pub(super) async fn mine(local: &Local, holder: &Holder) -> Result<Mine, Trouble> {
    let gone = || Trouble::NotFound("this key is no longer there; ask its owner".to_owned());
    let name: ObjectName = holder.key.parse().map_err(|_| gone())?;
    let enforced = local.enforced()?;
    let key = enforced.snapshot.keys.get(&name).ok_or_else(gone)?;
    let runtime = local.shared.live.load_full();
    let models = runtime.table.models(&runtime.table.caller(&name, key));
    let chain = Owners::of(&enforced.snapshot, 0).chain(&name, key);
    let ask = UsageAsk {
        scope: Scope::Key(holder.key.as_str().into()),
        from_unix_s: Some(clock::unix_seconds() - MONTH),
        by: vec![By::Day],
        ..UsageAsk::default()
    };
    let lines = lines(local, &chain).await?;
    Ok(Mine {
        key: view(&name, key, clock::unix_seconds()),
        models,
        limits: lines.iter().map(limit).collect(),
        usage: local.shared.requests.usage(&ask).await?,
        callers_at: local.callers_at.clone(),
    })
}

/// How the limits of a key and its owners stand.
pub(super) async fn lines(local: &Local, chain: &Chain) -> Result<Vec<Line>, Trouble> {
    let runtime = local.shared.live.load_full();
    let lines = runtime.governor().report_each(chain.iter()).await;
    let lines = lines.map_err(unavailable)?.into_iter();
    Ok(lines.filter_map(|(_, line)| line).collect())
}

fn unavailable(error: Unavailable) -> Trouble {
    Trouble::Unavailable(format!("how limits stand is not known just now: {error}"))
}
