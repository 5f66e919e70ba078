//! What tools have given back.

use super::{Messages, parts};
use crate::write::Json;
use crate::{Block, Content, Text};

/// A medium of a tool's result, which has to stand elsewhere.
pub(super) struct Carried<'b, 'a> {
    call: &'b Text<'a>,
    block: &'b Block<'a>,
}

impl Messages<'_> {
    pub(super) fn result(
        &mut self,
        json: &mut Json,
        id: &Text<'_>,
        content: &[Block<'_>],
        is_error: bool,
    ) {
        let follows = Text::escaped("The image or file follows in a message of the user.");
        let error = Text::escaped("Error: ");
        let mut texts: Vec<&Text<'_>> = Vec::with_capacity(1);
        let mut media = false;
        for block in content {
            if let Content::Text(text) = &block.content {
                texts.push(text);
            } else {
                media |= parts::can_be_said(block);
            }
        }
        if media {
            texts.push(&follows);
        }
        json.object(|json| {
            json.key("role").str("tool");
            json.key("tool_call_id").text(&self.call_id(id));
            let json = json.key("content");
            let flag = is_error.then_some(&error);
            match texts.as_slice() {
                [] if is_error => json.str("Error"),
                [] => json.str(""),
                [one] => json.texts(flag.into_iter().chain([*one])),
                [first, rest @ ..] => json.array(|json| {
                    write_text(json, flag.into_iter().chain([*first]));
                    for text in rest {
                        write_text(json, [*text]);
                    }
                }),
            }
        });
    }

    /// Takes from a result what has to stand elsewhere.
    pub(super) fn carry<'b, 'a>(
        &mut self,
        call: &'b Text<'a>,
        content: &'b [Block<'a>],
        (at, place): (usize, usize),
        carried: &mut Vec<Carried<'b, 'a>>,
    ) {
        let here = format!("messages[{at}].content[{place}]");
        for (place, block) in content.iter().enumerate() {
            if block.cache.is_some() {
                self.notes.drops("cache_control");
            }
            if matches!(block.content, Content::Text(_)) {
                continue;
            }
            if parts::can_be_said(block) {
                carried.push(Carried { call, block });
            } else {
                self.notes.cannot(parts::path(&here, place, block));
            }
        }
    }

    pub(super) fn carried(&mut self, json: &mut Json, carried: &[Carried<'_, '_>]) {
        json.object(|json| {
            json.key("role").str("user");
            json.key("content").array(|json| {
                for each in carried {
                    let call = self.call_id(each.call);
                    let said = [
                        &Text::escaped("From the result of "),
                        &call,
                        &Text::escaped(":"),
                    ];
                    write_text(json, said);
                    parts::write_part(json, each.block, self.host, self.notes);
                }
            });
        });
    }
}

fn write_text<'t>(json: &mut Json, texts: impl IntoIterator<Item = &'t Text<'t>>) {
    json.object(|json| {
        json.key("type").str("text");
        json.key("text").texts(texts);
    });
}
