//! `affinity`: the turns of a conversation go to one target, which may hold what it has read of it in its cache.
//!
//! A conversation is known by a header, or by what all its turns begin with: the messages up to the first one from the user. A request that
//! shows neither is placed as the strategy says. Which target it is follows from the conversation alone ([`Plan::keep`]); where that target
//! is not healthy the next in the conversation's own order takes its place, and nothing is remembered anywhere.

use fairlead_route::{Plan, ProviderIndex};
use fairlead_snapshot::Affinity;
use fairlead_wire::json::Object;
use fairlead_wire::openai::opening;
use http::HeaderMap;
use sha2::{Digest as _, Sha256};

use crate::request::phases::Asked;
use crate::runtime::Runtime;

/// Puts the targets of a plan into the order of the conversation, if its rule has conversations and the request belongs to one.
pub(crate) fn keep(plan: &mut Plan, asked: &Asked<'_>, headers: &HeaderMap) {
    let affinity = plan.rule.as_ref().and_then(|rule| rule.affinity.as_ref());
    let conversation =
        affinity.and_then(|affinity| conversation(affinity, &asked.request.object, headers));
    if let Some(conversation) = conversation {
        plan.keep(conversation);
    }
}

/// The number of the conversation that a request is a turn of, if it shows.
pub(crate) fn conversation(
    affinity: &Affinity,
    object: &Object<'_>,
    headers: &HeaderMap,
) -> Option<u64> {
    let name = match affinity {
        Affinity::Header(name) => headers.get(name.as_str()).map(|value| value.as_bytes()),
        Affinity::Prefix => opening(object).map(str::as_bytes),
    };
    name.filter(|name| !name.is_empty()).map(hash)
}

/// Whether every request of this conversation comes to one account of one provider, as long as that is up: it is held by a header, or there is
/// no other. What a request that goes on from a kept answer begins with says nothing of its conversation.
pub(crate) fn holds(plan: &Plan, runtime: &Runtime) -> bool {
    let affinity = plan.rule.as_ref().and_then(|rule| rule.affinity.as_ref());
    let first = plan.steps.first();
    let by_header = matches!(affinity, Some(Affinity::Header(_)))
        && first.is_some_and(|step| step.conversation.is_some());
    by_header
        || first.and_then(|step| step.provider).is_some_and(|only| {
            let mut targets = plan.steps.iter().filter(|step| !step.fallback);
            targets.all(|step| step.provider == Some(only)) && has_one_account(only, runtime)
        })
}

fn has_one_account(provider: ProviderIndex, runtime: &Runtime) -> bool {
    let upstream = runtime.upstreams.get(provider.0);
    upstream.is_some_and(|upstream| upstream.provider.credentials.len() <= 1)
}

/// The same on every replica and in every version: a rolling upgrade must not move conversations.
fn hash(conversation: &[u8]) -> u64 {
    let digest = Sha256::digest(conversation);
    digest
        .first_chunk()
        .map_or(0, |bytes| u64::from_be_bytes(*bytes))
}
