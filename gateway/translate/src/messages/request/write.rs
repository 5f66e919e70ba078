//! The body for a provider of this format.

mod base64;
mod media;
mod options;
mod parts;
mod schema;
mod tools;
mod turns;

pub(crate) use schema::closed;
pub(crate) use tools::input_schema;

use crate::write::Json;
use crate::{Conversation, Notes, Target};

/// Room for a body without its texts.
const ROOM: usize = 4096;

/// What is asked for, as this format says it. Where a thing has no words here, `notes` has it.
pub fn write(conversation: &Conversation<'_>, target: &Target<'_>, notes: &mut Notes) -> Vec<u8> {
    let max_output = conversation.max_output.unwrap_or(target.default_max_output);
    let mut json = Json::with_capacity(ROOM);
    json.object(|json| {
        json.key("model").str(target.model);
        json.key("max_tokens").number(max_output);
        turns::system(json, conversation, notes);
        turns::messages(json, conversation, notes);
        tools::write(json, conversation, notes);
        options::write(json, conversation, max_output, notes);
        if conversation.stream {
            json.key("stream").bool(true);
        }
    });
    options::leave_out(conversation, notes);
    json.finish()
}
