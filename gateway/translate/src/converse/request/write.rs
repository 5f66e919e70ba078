//! The body for Bedrock. The model stands in the path, and so does whether the answer is streamed.

mod additional;
mod cache;
mod documents;
mod left_out;
mod media;
mod messages;
mod metadata;
mod options;
mod parts;
mod reasoning;
mod tools;

use super::super::Family;
use crate::write::Json;
use crate::{Conversation, Notes, Target};

/// Room for a body without its texts.
const ROOM: usize = 4096;

/// What is asked for, as this format says it. Where a thing has no words here, `notes` has it. Of the target only the model matters, and of
/// it whose it is: where the path names an inference profile, that should be the name of the model behind it.
#[must_use]
pub fn write(conversation: &Conversation<'_>, target: &Target<'_>, notes: &mut Notes) -> Vec<u8> {
    let family = Family::of(target.model);
    let said = messages::said(conversation, family, notes);
    let reasoning = reasoning::asked(conversation, family, notes);
    let mut json = Json::with_capacity(ROOM);
    json.object(|json| {
        messages::write(json, &said, family, notes);
        tools::write(json, conversation, said.has_tools(), family, notes);
        options::inference(json, conversation, &reasoning, notes);
        options::output(json, conversation, &reasoning, notes);
        additional::write(json, conversation, &reasoning, family, notes);
        options::service_tier(json, conversation, notes);
        metadata::write(json, conversation, notes);
    });
    left_out::tell(conversation, notes);
    json.finish()
}

/// An object as a member of that name, unless nothing is in it.
fn unless_empty(json: &mut Json, name: &str, members: impl FnOnce(&mut Json)) {
    let mut inside = Json::with_capacity(256);
    inside.object(members);
    let inside = inside.finish();
    if inside != b"{}" {
        json.key(name).verbatim(&String::from_utf8_lossy(&inside));
    }
}
