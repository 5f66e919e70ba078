//! Keys, and how limits stand.

use fairlead_console::view::key::{KeyView, Keys, LimitView, Mine};
use fairlead_console::{Holder, Trouble, Viewer};
use fairlead_record::{By, RequestLog as _, Scope, UsageAsk};
use fairlead_snapshot::{Key, ObjectName, Refusal};
use fairlead_store::Unavailable;

use super::Local;
use crate::clock;
use crate::govern::chain::{Chain, Owners};
use crate::govern::report::Line;

/// So many keys are told of, and so many limits: each is asked of the store.
const KEYS: usize = 1_000;
const LIMITS: usize = 1_024;
/// The holder of a key sees what it has used over so long.
const MONTH: i64 = 30 * 86_400;

/// Those that this viewer may see.
pub(super) async fn told(local: &Local, viewer: &Viewer) -> Result<Keys, Trouble> {
    let enforced = local.enforced()?;
    let runtime = local.shared.live.load_full();
    let seen: Vec<_> = enforced
        .snapshot
        .keys
        .iter()
        .filter(|(name, _)| viewer.sees(&name.namespace))
        .collect();
    let holders = runtime.holders.iter().flat_map(|limits| limits.iter());
    let bounds = holders
        .filter(|bound| viewer.sees_object(&bound.holder.name))
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
    Ok(Keys {
        total: seen.len(),
        keys: seen
            .into_iter()
            .take(KEYS)
            .map(|(name, key)| view(name, key))
            .collect(),
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
        key: view(&name, key),
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

fn view(name: &ObjectName, key: &Key) -> KeyView {
    let expired = key.expires_at.is_some_and(|at| at <= clock::unix_seconds());
    KeyView {
        name: name.to_string(),
        team: key
            .team
            .as_ref()
            .map(|team| format!("{}/{team}", name.namespace)),
        organization: key.organization.clone(),
        presented_as: match &key.oidc {
            None => "value".to_owned(),
            Some(oidc) => oidc.issuer.name.clone(),
        },
        refused: key
            .refused
            .map(refusal)
            .or(expired.then_some("expired"))
            .map(str::to_owned),
        expires_unix_s: key.expires_at,
        previous_until_unix_s: key.previous.as_ref().map(|previous| previous.until),
        models: key
            .allow
            .models
            .as_ref()
            .map(|models| models.iter().map(|model| model.0.clone()).collect()),
        providers: key.allow.providers.as_ref().map(|providers| {
            providers
                .iter()
                .map(|allowed| allowed.provider.to_string())
                .collect()
        }),
        networks: key.networks.iter().map(ToString::to_string).collect(),
    }
}

/// Why a key is refused, in words.
pub(super) fn refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Suspended => "suspended",
        Refusal::NoValue => "it has no usable value",
        Refusal::Conflict => "another key had its value first",
        Refusal::NoTeam => "its team is missing",
        Refusal::NoOrganization => "its team's organization is missing, or does not take it",
    }
}

/// A limit as it is shown.
pub(super) fn limit(line: &Line) -> LimitView {
    LimitView {
        level: line.level.to_owned(),
        holder: line.holder.to_string(),
        name: line.name.to_string(),
        kind: line.kind.to_owned(),
        unit: line.unit.to_owned(),
        limit: line.limit.get().to_owned(),
        used: line.used.get().to_owned(),
        remaining: line.remaining.get().to_owned(),
        window: line
            .window
            .as_ref()
            .map(|window| [window.start.clone(), window.end.clone()]),
        per_seconds: line.per_seconds.map(|seconds| seconds.to_string()),
    }
}
