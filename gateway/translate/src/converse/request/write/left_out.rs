//! What has no words in this format at all.

use fairlead_json::{Number, Raw};

use crate::{Conversation, Notes};

pub(super) fn tell(conversation: &Conversation<'_>, notes: &mut Notes) {
    let verbosity = conversation.verbosity.as_ref();
    for (name, is_asked) in [
        ("presence_penalty", is_set(conversation.presence_penalty)),
        ("frequency_penalty", is_set(conversation.frequency_penalty)),
        ("n", conversation.choices > 1),
        ("logprobs", conversation.logprobs.is_some()),
    ] {
        if is_asked {
            notes.cannot(name);
        }
    }
    for (name, is_said) in [
        // Best effort, where there is one.
        ("seed", conversation.seed.is_some()),
        ("prompt_cache_key", conversation.cache_key.is_some()),
        ("store", conversation.store == Some(true)),
        // A wish for more or fewer words.
        (
            "verbosity",
            verbosity.is_some_and(|verbosity| *verbosity != "medium"),
        ),
    ] {
        if is_said {
            notes.drops(name);
        }
    }
    for other in &conversation.others {
        let name = other.name.clone().into_owned();
        if other.changes_meaning {
            notes.cannot(name);
        } else {
            notes.drops(name);
        }
    }
}

/// A penalty of 0 is none.
fn is_set(penalty: Option<Raw<'_>>) -> bool {
    penalty.is_some_and(|raw| !matches!(raw.number(), Ok(Number::Int(0)) | Ok(Number::Double(0.0))))
}
