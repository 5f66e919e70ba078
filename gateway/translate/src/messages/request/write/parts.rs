//! Blocks as this format takes them: found out first, written then, for a message without any is none.

use super::media::{Medium, document, image};
use crate::messages::block::is_blank;
use crate::messages::ids;
use crate::names::Grammar;
use crate::write::Json;
use crate::{Arguments, Block, Cache, Content, Media, Notes, Origin, Role, Signature, Text};

/// A block that can be said.
pub(super) struct Part<'t> {
    what: What<'t>,
    cache: Option<Cache>,
}

enum What<'t> {
    Text(&'t Text<'t>),
    /// Instructions in the middle of the conversation.
    System(&'t Text<'t>),
    Thinking(&'t Text<'t>, &'t Text<'t>),
    Redacted(&'t Text<'t>),
    Medium(Medium<'t>),
    Call(&'t Text<'t>, &'t Text<'t>, &'t Arguments<'t>),
    Result(&'t Text<'t>, Vec<Part<'t>>, bool),
}

impl Part<'_> {
    pub(super) fn is_result(&self) -> bool {
        matches!(self.what, What::Result(..))
    }
}

/// Whose blocks they are, and where they stand.
#[derive(Clone, Copy)]
pub(super) struct Owner<'o> {
    pub(super) role: Role,
    pub(super) in_result: bool,
    /// The path to the block at a place, for notes.
    pub(super) path: &'o dyn Fn(usize) -> String,
}

/// What can be said of a turn or a result; `notes` has the rest. Empty texts are left out, and blank ones too where nothing stands beside
/// them: the provider refuses both.
pub(super) fn parts<'t>(
    blocks: &'t [Block<'t>],
    owner: Owner<'_>,
    notes: &mut Notes,
) -> Vec<Part<'t>> {
    let speaks = blocks.iter().any(|block| match &block.content {
        Content::Text(text) | Content::Refusal(text) => !is_blank(text),
        Content::Call { .. } => true,
        Content::Image(_)
        | Content::File(_)
        | Content::Audio(_)
        | Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Result { .. }
        | Content::Other(_) => false,
    });
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.iter().enumerate() {
        if let Content::Text(text) | Content::Refusal(text) = &block.content
            && (text.is_empty() || (!speaks && is_blank(text)))
        {
            continue;
        }
        if is_foreign(&block.content) && owner.role == Role::Assistant {
            continue;
        }
        match what(&block.content, at, owner, notes) {
            Some(what) => parts.push(Part {
                what,
                cache: block.cache,
            }),
            None => notes.cannot(named(&block.content, &(owner.path)(at))),
        }
    }
    parts
}

/// Whether it is what another provider, or an unnamed one, thought: only what it has signed itself does this one take back.
fn is_foreign(content: &Content<'_>) -> bool {
    let is_own = |signature: &Signature<'_>| signature.origin == Origin::Anthropic;
    if let Content::Redacted(data) = content {
        return !is_own(data);
    }
    if let Content::Reasoning { signature, .. } = content {
        return !signature.as_ref().is_some_and(is_own);
    }
    false
}

fn what<'t>(
    content: &'t Content<'t>,
    at: usize,
    owner: Owner<'_>,
    notes: &mut Notes,
) -> Option<What<'t>> {
    let is_user = owner.role == Role::User;
    let is_assistant = owner.role == Role::Assistant;
    match content {
        Content::Text(text) | Content::Refusal(text) => Some(if owner.role == Role::System {
            What::System(text)
        } else {
            What::Text(text)
        }),
        Content::Image(media) if is_user => {
            let medium = image(media)?;
            note_detail(media, notes, || (owner.path)(at));
            Some(What::Medium(medium))
        }
        Content::File(media) if is_user => document(media).map(What::Medium),
        Content::Reasoning {
            text,
            signature: Some(signature),
        } if is_assistant => Some(What::Thinking(text, &signature.value)),
        Content::Redacted(data) if is_assistant => Some(What::Redacted(&data.value)),
        Content::Call {
            id,
            name,
            arguments,
            ..
        } if is_assistant => Some(What::Call(id, name, arguments)),
        Content::Result {
            id,
            content,
            is_error,
        } if is_user && !owner.in_result => {
            let path = |inner| format!("{}.content[{inner}]", (owner.path)(at));
            let owner = Owner {
                in_result: true,
                path: &path,
                ..owner
            };
            Some(What::Result(id, parts(content, owner, notes), *is_error))
        }
        Content::Image(_)
        | Content::File(_)
        | Content::Audio(_)
        | Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. }
        | Content::Result { .. }
        | Content::Other(_) => None,
    }
}

fn note_detail(media: &Media<'_>, notes: &mut Notes, path: impl Fn() -> String) {
    if media
        .detail
        .as_ref()
        .is_some_and(|detail| *detail != "auto")
    {
        notes.drops(format!("{}.detail", path()));
    }
}

fn named(content: &Content<'_>, path: &str) -> String {
    if let Content::Other(kind) = content {
        return format!("{path} ({kind})");
    }
    path.to_owned()
}

/// Writes blocks as an array.
pub(super) fn write(json: &mut Json, parts: &[Part<'_>]) {
    json.array(|json| {
        for part in parts {
            json.object(|json| block(json, part));
        }
    });
}

fn block(json: &mut Json, part: &Part<'_>) {
    match &part.what {
        What::Text(text) => {
            json.key("type").str("text");
            json.key("text").text(text);
        }
        What::System(text) => {
            json.key("type").str("text");
            json.key("text").texts([&Text::plain("System: "), *text]);
        }
        // Neither takes a mark for the cache.
        What::Thinking(text, signature) => {
            json.key("type").str("thinking");
            json.key("thinking").text(text);
            json.key("signature").text(signature);
            return;
        }
        What::Redacted(data) => {
            json.key("type").str("redacted_thinking");
            json.key("data").text(data);
            return;
        }
        What::Medium(medium) => medium.write(json),
        What::Call(id, name, arguments) => {
            json.key("type").str("tool_use");
            json.key("id").text(&ids::call(id));
            json.key("name").text(&Grammar::ANTHROPIC.name(name));
            json.key("input").arguments_as_object(arguments);
        }
        What::Result(id, content, is_error) => {
            json.key("type").str("tool_result");
            json.key("tool_use_id").text(&ids::call(id));
            result(json, content);
            if *is_error {
                json.key("is_error").bool(true);
            }
        }
    }
    cache_control(json, part.cache);
}

fn result(json: &mut Json, content: &[Part<'_>]) {
    match content {
        [] => {}
        [
            Part {
                what: What::Text(text),
                cache: None,
            },
        ] => json.key("content").text(text),
        parts => {
            json.key("content");
            write(json, parts);
        }
    }
}

pub(super) fn cache_control(json: &mut Json, cache: Option<Cache>) {
    let Some(cache) = cache else {
        return;
    };
    json.key("cache_control").object(|json| {
        json.key("type").str("ephemeral");
        if cache == Cache::Hour {
            json.key("ttl").str("1h");
        }
    });
}
