//! `requestMetadata`: pairs that stand in Bedrock's log of calls, for whoever looks for some of them there.

use fairlead_json::Raw;

use super::unless_empty;
use crate::messages::ids::hash;
use crate::write::Json;
use crate::{Conversation, Notes, Text};

/// The most pairs.
const MOST: usize = 16;
/// The longest name or value, in characters.
const LONGEST: usize = 256;
/// The name of the pair that tells whose request it is.
const USER: &str = "user";

pub(super) fn write(json: &mut Json, conversation: &Conversation<'_>, notes: &mut Notes) {
    unless_empty(json, "requestMetadata", |json| {
        let (mut room, mut has_user) = (MOST, false);
        if let Some(metadata) = conversation.metadata {
            metadata.each_member(|name, value| match said(&name, value) {
                Some(value) if room > 0 => {
                    room -= 1;
                    has_user |= name == USER;
                    json.key(&name).text(&value);
                }
                Some(_) | None => notes.drops("metadata"),
            });
        }
        let Some(user) = &conversation.user else {
            return;
        };
        match user_id(user) {
            Some(id) if room > 0 && !has_user => json.key(USER).text(&id),
            Some(_) | None => notes.drops("user"),
        }
    });
}

fn said<'a>(name: &str, value: Raw<'a>) -> Option<Text<'a>> {
    let value = Text::of(value)?;
    let fits = !name.is_empty() && is_sayable(name) && is_sayable(&value.unescaped());
    fits.then_some(value)
}

/// `[a-zA-Z0-9\s:_@$#=/+,-.]{0,256}` (`RequestMetadata` in the API's model).
fn is_sayable(text: &str) -> bool {
    let is_safe = |byte: u8| {
        byte.is_ascii_alphanumeric() || byte.is_ascii_whitespace() || b":_@$#=/+,-.".contains(&byte)
    };
    text.len() <= LONGEST && text.bytes().all(is_safe)
}

/// A hash where the name cannot be said, or tells who it is.
fn user_id<'t>(user: &'t Text<'_>) -> Option<Text<'t>> {
    let plain = user.unescaped();
    if plain.trim().is_empty() {
        return None;
    }
    if plain.contains('@') || !is_sayable(&plain) {
        return Some(Text::escaped(format!("{:032x}", hash(&plain))));
    }
    Some(user.borrowed())
}
