//! What concerns the account, not the answer.

use super::super::{Host, Users};
use crate::chat::ids::{pseudonym, short};
use crate::write::Json;
use crate::{Conversation, Notes, Text};

/// The longest name of a user, and key of a cache, in characters.
const LONGEST_KEY: usize = 64;

/// Writes all of it.
pub(super) fn write(
    json: &mut Json,
    conversation: &Conversation<'_>,
    host: &Host,
    notes: &mut Notes,
) {
    if let Some(verbosity) = &conversation.verbosity
        && known(host, "verbosity", notes)
    {
        json.key("verbosity").text(verbosity);
    }
    if let Some(tier) = &conversation.service_tier
        && known(host, "service_tier", notes)
    {
        json.key("service_tier").text(tier);
    }
    if let Some(user) = &conversation.user {
        write_user(json, user, host, notes);
    }
    if let Some(metadata) = conversation.metadata
        && known(host, "metadata", notes)
    {
        json.key("metadata").raw(metadata);
    }
    if let Some(key) = &conversation.cache_key
        && known(host, "prompt_cache_key", notes)
    {
        json.key("prompt_cache_key").text(&short(key, LONGEST_KEY));
    }
    // Not to keep an answer is what is done unless it is asked for.
    if conversation.store == Some(true) && known(host, "store", notes) {
        json.key("store").bool(true);
    }
}

/// Whether a host knows a member; that it is left out is told where it does not.
fn known(host: &Host, member: &'static str, notes: &mut Notes) -> bool {
    let known = host.has(member);
    if !known {
        notes.drops(member);
    }
    known
}

fn write_user(json: &mut Json, user: &Text<'_>, host: &Host, notes: &mut Notes) {
    if host.users == Users::None {
        return notes.drops("user");
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_plain = || user.as_written().bytes().all(plain);
    // Cut names collide, and an address is not for others to see.
    let fits = !user.as_written().contains('@')
        && short(user, LONGEST_KEY) == *user
        && (host.users != Users::Plain || is_plain());
    if fits {
        json.key("user").text(user);
    } else {
        json.key("user").text(&pseudonym(user));
    }
}
