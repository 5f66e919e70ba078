//! What a model thought, and what proves that it did, in the fields that providers have added to the format.
//!
//! `reasoning_details` is a list of `reasoning.text` (with a `signature`, once it is whole), `reasoning.summary` and
//! `reasoning.encrypted`, each with a `format` that tells whose it is. Clients that keep a stream's details keep its fragments, so
//! neighbours that are one thought are put together again.

mod write;

pub(super) use write::{
    has_details, write_call_signature, write_details, write_encrypted, write_signed,
};

use fairlead_json::{Kind, Raw};

use super::lenient::{count, filled, inside, some};
use crate::{Block, Content, Origin, Signature, Text};

/// What marks a signature that rides in a field made for another's.
const TAG: &str = "fairlead:";

/// Of one message or delta: the text, and the details.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Thought<'a> {
    /// `reasoning_content`.
    pub(super) content: Option<Raw<'a>>,
    /// `reasoning`.
    pub(super) reasoning: Option<Raw<'a>>,
    /// `reasoning_details`.
    pub(super) details: Option<Raw<'a>>,
}

/// An entry of the details.
#[derive(Debug)]
pub(super) enum Detail<'a> {
    /// Words, or some of them; whole with the signature.
    Text {
        /// Which of the thoughts.
        index: Option<u64>,
        /// The words.
        text: Option<Text<'a>>,
        /// What proves them.
        signature: Option<Signature<'a>>,
    },
    /// What only its provider can read.
    Encrypted(Signature<'a>),
}

impl<'a> Thought<'a> {
    /// Takes a member of a message or delta, if it is one of these.
    pub(super) fn take(&mut self, name: &str, value: Raw<'a>) -> bool {
        match name {
            "reasoning_content" => self.content = some(value),
            "reasoning" => self.reasoning = some(value),
            "reasoning_details" => self.details = some(value),
            _ => return false,
        }
        true
    }

    /// The text under either name. Some send it under both.
    pub(super) fn text(&self) -> Option<Text<'a>> {
        let of = |raw: Option<Raw<'a>>| raw.and_then(filled);
        of(self.content).or_else(|| of(self.reasoning))
    }

    /// All of it, in order. The text is used where the details hold none.
    pub(super) fn blocks(&self) -> Vec<Block<'a>> {
        let mut blocks = Blocks::default();
        if let Some(details) = self.details {
            each_detail(details, |detail| blocks.add(detail));
        }
        blocks.flush();
        let mut blocks = blocks.done;
        if words(&blocks).iter().any(|text| !text.is_empty()) {
            return blocks;
        }
        let Some(words) = self.text() else {
            return blocks;
        };
        let signed = blocks.iter_mut().find_map(|block| {
            if let Content::Reasoning { text, .. } = &mut block.content {
                Some(text)
            } else {
                None
            }
        });
        match signed {
            Some(text) => *text = words,
            None => blocks.insert(0, reasoning(words, None)),
        }
        blocks
    }
}

/// Calls for every entry of `reasoning_details` that says something.
pub(super) fn each_detail<'a>(details: Raw<'a>, mut call: impl FnMut(Detail<'a>)) {
    details.each_element(|entry| {
        let (mut kind, mut text, mut proof, mut data) = (None, None, None, None);
        let (mut index, mut origin) = (None, Origin::Unknown);
        entry.each_member(|name, value| match &*name {
            "type" => kind = Some(inside(value)),
            "text" | "summary" => text = filled(value).or(text.take()),
            "signature" => proof = filled(value).map(|_| value),
            "data" => data = filled(value).map(|_| value),
            "format" => origin = origin_of(inside(value)),
            "index" => index = count(value),
            _ => {}
        });
        match (kind, data) {
            (Some("reasoning.encrypted"), Some(data)) => {
                call(Detail::Encrypted(signature(data, origin)));
            }
            (Some("reasoning.text" | "reasoning.summary"), _)
                if text.is_some() || proof.is_some() =>
            {
                call(Detail::Text {
                    index,
                    text,
                    signature: proof.map(|proof| signature(proof, origin)),
                });
            }
            _ => {}
        }
    });
}

/// A signature as it stands in a field that is made for those of `origin`.
pub(super) fn signature(value: Raw<'_>, origin: Origin) -> Signature<'_> {
    let written = inside(value);
    let tagged = written
        .strip_prefix(TAG)
        .and_then(|rest| rest.split_once(':'));
    let (origin, written) = match tagged {
        Some((origin, value)) => (origin_of(origin), value),
        None => (origin, written),
    };
    Signature {
        origin,
        value: Text::escaped(written),
    }
}

/// Gemini's proof of a call, be it another's in its place: the `google.thought_signature` of an `extra_content`.
pub(super) fn call_signature(extra: Raw<'_>) -> Option<Signature<'_>> {
    let mut found = None;
    extra.each_member(|name, google| {
        if name == "google" {
            google.each_member(|name, value| {
                if name == "thought_signature" && filled(value).is_some() {
                    found = Some(signature(value, Origin::Gemini));
                }
            });
        }
    });
    found
}

/// The words of all reasoning, if there are any blocks of it.
pub(super) fn words<'b>(blocks: &'b [Block<'_>]) -> Vec<&'b Text<'b>> {
    let texts = blocks.iter().filter_map(|block| {
        if let Content::Reasoning { text, .. } = &block.content {
            Some(text)
        } else {
            None
        }
    });
    texts.collect()
}

#[derive(Default)]
struct Blocks<'a> {
    done: Vec<Block<'a>>,
    open: Vec<Text<'a>>,
    index: Option<u64>,
}

impl<'a> Blocks<'a> {
    fn add(&mut self, detail: Detail<'a>) {
        match detail {
            Detail::Text {
                index,
                text,
                signature,
            } => {
                let other = matches!((self.index, index), (Some(one), Some(two)) if one != two);
                if other {
                    self.flush();
                }
                self.open.extend(text);
                self.index = index.or(self.index);
                if let Some(signature) = signature {
                    self.close(Some(signature));
                }
            }
            Detail::Encrypted(data) => {
                self.flush();
                self.done.push(Content::Redacted(data).into());
            }
        }
    }

    fn flush(&mut self) {
        if !self.open.is_empty() {
            self.close(None);
        }
        self.index = None;
    }

    fn close(&mut self, signature: Option<Signature<'a>>) {
        let text = match self.open.as_slice() {
            [] => Text::default(),
            [one] => one.clone(),
            several => Text::joined(several, ""),
        };
        self.open.clear();
        self.index = None;
        self.done.push(reasoning(text, signature));
    }
}

fn reasoning<'a>(text: Text<'a>, signature: Option<Signature<'a>>) -> Block<'a> {
    Content::Reasoning { text, signature }.into()
}

/// Whose a signature is, by its tag or the `format` of its entry.
fn origin_of(name: &str) -> Origin {
    let begins = |with: &str| name.starts_with(with);
    if begins("anthropic") {
        Origin::Anthropic
    } else if begins("openai") || begins("azure-openai") {
        Origin::OpenAi
    } else if begins("gemini") || begins("google") {
        Origin::Gemini
    } else if begins("bedrock") || begins("amazon") {
        Origin::Bedrock
    } else {
        Origin::Unknown
    }
}

/// Words of a `thinking` part of a content list, as Mistral has it: a text, or a list of text parts.
pub(super) fn thinking_part(value: Raw<'_>) -> Text<'_> {
    if value.kind() != Kind::Array {
        return Text::of(value).unwrap_or_default();
    }
    let mut texts = Vec::new();
    value.each_element(|part| {
        part.each_member(|name, value| {
            if name == "text" {
                texts.extend(filled(value));
            }
        });
    });
    match texts.as_slice() {
        [one] => one.clone(),
        several => Text::joined(several, ""),
    }
}
