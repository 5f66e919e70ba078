//! Which part of what a model has said bears which signature.
//!
//! Gemini signs the first call of a step, or the last text of an answer. Other surfaces can carry a signature only with
//! reasoning, before or after what it belongs to; so it is put back where Gemini looks for it.

use crate::gemini::signature;
use crate::{Block, Content, Text};

/// A signature that came with reasoning and has no part yet.
struct Pending<'b> {
    value: &'b Text<'b>,
    /// Where it stood.
    at: usize,
    /// Whether it came without words: then it is that of the text before it, rather than of the one after.
    alone: bool,
    before: Option<usize>,
    after: Option<usize>,
}

/// For each block the signature of its part.
pub(super) fn assign<'b>(blocks: &[&'b Block<'b>]) -> Vec<Option<&'b Text<'b>>> {
    let mut borne = vec![None; blocks.len()];
    let mut pending: Option<Pending<'b>> = None;
    let mut last_text = None;
    for (at, block) in blocks.iter().enumerate() {
        match &block.content {
            Content::Text(text) | Content::Refusal(text) if !text.is_empty() => {
                last_text = Some(at);
                if let Some(pending) = &mut pending {
                    pending.after = pending.after.or(last_text);
                }
            }
            Content::Reasoning { .. } | Content::Redacted(_) => {
                if let Some(newer) = Pending::of(block, at, last_text) {
                    settle(pending.replace(newer), &mut borne);
                }
            }
            Content::Call {
                signature: proof, ..
            } => match (signature::own(proof.as_ref()), pending.take()) {
                (Some(own), earlier) => {
                    settle(earlier, &mut borne);
                    set(&mut borne, at, own);
                }
                (None, Some(pending)) => {
                    set(&mut borne, at, pending.value);
                }
                (None, None) => {}
            },
            Content::Text(_)
            | Content::Refusal(_)
            | Content::Image(_)
            | Content::File(_)
            | Content::Audio(_)
            | Content::Result { .. }
            | Content::Other(_) => {}
        }
    }
    settle(pending, &mut borne);
    borne
}

impl<'b> Pending<'b> {
    fn of(block: &'b Block<'b>, at: usize, before: Option<usize>) -> Option<Self> {
        let (alone, proof) = match &block.content {
            Content::Reasoning { text, signature } => (text.is_empty(), signature.as_ref()),
            Content::Redacted(data) => (true, Some(data)),
            Content::Text(_)
            | Content::Refusal(_)
            | Content::Image(_)
            | Content::File(_)
            | Content::Audio(_)
            | Content::Call { .. }
            | Content::Result { .. }
            | Content::Other(_) => return None,
        };
        Some(Self {
            value: signature::own(proof)?,
            at,
            alone,
            before,
            after: None,
        })
    }
}

/// No call took it: it goes to a text, or stands alone.
fn settle<'b>(pending: Option<Pending<'b>>, borne: &mut [Option<&'b Text<'b>>]) {
    let Some(pending) = pending else { return };
    let [first, second] = if pending.alone {
        [pending.before, pending.after]
    } else {
        [pending.after, pending.before]
    };
    let places = [first, second, Some(pending.at)];
    for place in places.into_iter().flatten() {
        if set(borne, place, pending.value) {
            return;
        }
    }
}

/// Whether the place was free.
fn set<'b>(borne: &mut [Option<&'b Text<'b>>], at: usize, value: &'b Text<'b>) -> bool {
    match borne.get_mut(at) {
        Some(place @ None) => {
            *place = Some(value);
            true
        }
        Some(Some(_)) | None => false,
    }
}
