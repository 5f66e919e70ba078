//! The parts of one speaker as blocks.
//!
//! What a model says comes in pieces, and SDKs keep the pieces of a stream as they came: neighbouring texts are one text, and
//! neighbouring thoughts are one thought, up to the signature that proves them.

use super::signature::{self, Proof};
use crate::{Block, Content, Signature, Text};

/// Blocks that grow.
#[derive(Debug, Default)]
pub(super) struct Spoken<'a> {
    blocks: Vec<Block<'a>>,
    /// Texts of one kind that may go on.
    run: Vec<Text<'a>>,
    is_thought: bool,
}

impl<'a> Spoken<'a> {
    /// More text, or more of a thought. What is empty adds nothing.
    pub(super) fn text(&mut self, text: Text<'a>, is_thought: bool) {
        if text.is_empty() {
            return;
        }
        if self.is_thought != is_thought {
            self.close();
        }
        self.is_thought = is_thought;
        self.run.push(text);
    }

    /// A signature beside a text, or beside nothing: of the thought that is open, or of what was thought unseen.
    pub(super) fn signed(&mut self, written: Text<'a>) {
        match signature::read(written) {
            Proof::Signed(signature) => self.sign(signature),
            Proof::Redacted(data) => self.block(Content::Redacted(data)),
        }
    }

    fn sign(&mut self, signature: Signature<'a>) {
        let mut text = Text::default();
        if self.is_thought {
            text = joined(std::mem::take(&mut self.run)).unwrap_or_default();
        } else {
            self.close();
        }
        self.blocks.push(Block::from(Content::Reasoning {
            text,
            signature: Some(signature),
        }));
    }

    /// Anything else.
    pub(super) fn block(&mut self, content: Content<'a>) {
        self.close();
        self.blocks.push(content.into());
    }

    /// Ends the text that is open, so that the next one stands for itself.
    pub(super) fn close(&mut self) {
        let Some(text) = joined(std::mem::take(&mut self.run)) else {
            return;
        };
        self.blocks.push(Block::from(if self.is_thought {
            Content::Reasoning {
                text,
                signature: None,
            }
        } else {
            Content::Text(text)
        }));
    }

    pub(super) fn finish(mut self) -> Vec<Block<'a>> {
        self.close();
        self.blocks
    }
}

fn joined(mut run: Vec<Text<'_>>) -> Option<Text<'_>> {
    if run.len() > 1 {
        return Some(Text::joined(&run, ""));
    }
    run.pop()
}
