//! Blocks as this format takes them: found out first, written then, for a message without any is refused.

use super::documents::Documents;
use super::media::{Medium, medium};
use crate::converse::{Family, ids};
use crate::messages::is_blank;
use crate::write::Json;
use crate::{Arguments, Block, Cache, Content, Media, Notes, Origin, Role, Signature, Text};

/// A block that can be said.
pub(super) struct Part<'t> {
    pub(super) what: What<'t>,
    pub(super) cache: Option<Cache>,
    /// Its place among the blocks of its turn.
    pub(super) at: usize,
}

pub(super) enum What<'t> {
    Text(Text<'t>),
    /// Instructions in the middle of the conversation.
    System(&'t Text<'t>),
    Reasoning(&'t Text<'t>, &'t Text<'t>),
    Redacted(&'t Text<'t>),
    Medium(Medium<'t>),
    Call(&'t Text<'t>, &'t Text<'t>, &'t Arguments<'t>),
    Result(&'t Text<'t>, Vec<Part<'t>>, bool),
}

/// Whose blocks they are, and where they stand.
#[derive(Clone, Copy)]
pub(super) struct Owner<'o> {
    pub(super) role: Role,
    pub(super) in_result: bool,
    pub(super) family: Family,
    /// The path to the block at a place, for notes.
    pub(super) path: &'o dyn Fn(usize) -> String,
}

/// What can be said of a turn or a result; `notes` has the rest. Blank texts are left out: the provider refuses them.
pub(super) fn parts<'t>(
    blocks: &'t [Block<'t>],
    owner: Owner<'_>,
    documents: &mut Documents,
    notes: &mut Notes,
) -> Vec<Part<'t>> {
    let mut parts = Vec::with_capacity(blocks.len());
    for (at, block) in blocks.iter().enumerate() {
        if let Content::Text(text) | Content::Refusal(text) = &block.content
            && is_blank(text)
        {
            continue;
        }
        if is_foreign(&block.content, owner.family) && owner.role == Role::Assistant {
            continue;
        }
        match what(&block.content, at, owner, documents, notes) {
            Some(what) => parts.push(Part {
                what,
                cache: block.cache,
                at,
            }),
            None => notes.cannot(named(&block.content, &(owner.path)(at))),
        }
    }
    parts
}

/// Whether it is what another provider, or an unnamed one, thought: only what it has signed itself does a model take back. Signatures of
/// Claude are good here for Claude, wherever they were made.
fn is_foreign(content: &Content<'_>, family: Family) -> bool {
    let is_own = |signature: &Signature<'_>| signature.origin == Origin::Bedrock;
    if let Content::Redacted(data) = content {
        return !is_own(data);
    }
    if let Content::Reasoning { signature, .. } = content {
        return !signature
            .as_ref()
            .is_some_and(|signature| is_own(signature) || signature.origin == family.signs_as());
    }
    false
}

fn what<'t>(
    content: &'t Content<'t>,
    at: usize,
    owner: Owner<'_>,
    documents: &mut Documents,
    notes: &mut Notes,
) -> Option<What<'t>> {
    let is_user = owner.role == Role::User;
    let is_assistant = owner.role == Role::Assistant;
    match content {
        Content::Text(text) | Content::Refusal(text) => Some(if owner.role == Role::System {
            What::System(text)
        } else {
            What::Text(text.borrowed())
        }),
        Content::Image(media) if is_user => {
            let medium = medium(media, documents).filter(Medium::is_image)?;
            note_detail(media, notes, || (owner.path)(at));
            Some(What::Medium(medium))
        }
        Content::File(media) if is_user => medium(media, documents)
            .filter(|medium| !owner.in_result || !medium.is_audio())
            .map(What::Medium),
        Content::Audio(media) if is_user && !owner.in_result => medium(media, documents)
            .filter(Medium::is_audio)
            .map(What::Medium),
        Content::Reasoning {
            text,
            signature: Some(signature),
        } if is_assistant => Some(What::Reasoning(text, &signature.value)),
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
            if *is_error && !owner.family.knows_failed_tools() {
                notes.drops(format!("{}.is_error", (owner.path)(at)));
            }
            let owner = Owner {
                in_result: true,
                path: &path,
                ..owner
            };
            let parts = parts(content, owner, documents, notes);
            Some(What::Result(id, parts, *is_error))
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

impl Part<'_> {
    /// Writes the member that the block is, of the object that is open.
    pub(super) fn write(&self, json: &mut Json, family: Family) {
        match &self.what {
            What::Text(text) => json.key("text").text(text),
            What::System(text) => json.key("text").texts([&Text::plain("System: "), *text]),
            What::Reasoning(text, signature) => json.key("reasoningContent").object(|json| {
                json.key("reasoningText").object(|json| {
                    json.key("text").text(text);
                    json.key("signature").text(signature);
                });
            }),
            What::Redacted(data) => json
                .key("reasoningContent")
                .object(|json| json.key("redactedContent").text(data)),
            What::Medium(medium) => medium.write(json),
            What::Call(id, name, arguments) => json.key("toolUse").object(|json| {
                json.key("toolUseId").text(&ids::call(id));
                json.key("name").text(&ids::name(name));
                json.key("input").arguments_as_object(arguments);
            }),
            What::Result(id, content, is_error) => json.key("toolResult").object(|json| {
                json.key("toolUseId").text(&ids::call(id));
                json.key("content").array(|json| {
                    for part in content {
                        json.object(|json| part.write(json, family));
                    }
                });
                if *is_error && family.knows_failed_tools() {
                    json.key("status").str("error");
                }
            }),
        }
    }

    /// How long the cache is wished for up to here: in a result there are no marks, so that one inside of it is its own.
    pub(super) fn wish(&self) -> Option<Cache> {
        if let What::Result(_, content, _) = &self.what {
            let inside = content.iter().map(|part| part.cache);
            return inside.fold(self.cache, super::cache::longer);
        }
        self.cache
    }
}
