//! Items become turns.
//!
//! A message, reasoning and calls of the model that stand side by side are one turn of its, and the outputs that follow are one turn of
//! results. Messages between a call and its output, which are legal here alone, come after the results.

use std::collections::{BTreeMap, BTreeSet};

use crate::{Block, Content, Conversation, Role, Signature, Text, Turn};

/// What an item comes to.
#[derive(Debug)]
enum Parsed<'a> {
    /// A message of the caller's side, or instructions.
    Message(Role, Vec<Block<'a>>),
    /// Something the model said.
    Said(Block<'a>),
    /// Something a tool gave back.
    Given(Block<'a>),
}

/// Items of an input, in order.
#[derive(Debug, Default)]
pub(super) struct Turns<'a> {
    items: Vec<(usize, Parsed<'a>)>,
    /// How many outputs there are for a call.
    outputs: BTreeMap<String, usize>,
    /// For the next call.
    signature: Option<Signature<'a>>,
}

impl<'a> Turns<'a> {
    /// An input that is one text.
    pub(super) fn say(&mut self, text: Text<'a>) {
        self.message(0, Role::User, vec![Content::Text(text).into()]);
    }

    pub(super) fn message(&mut self, at: usize, role: Role, blocks: Vec<Block<'a>>) {
        if role == Role::Assistant {
            for block in blocks {
                self.said(at, block);
            }
        } else {
            self.items.push((at, Parsed::Message(role, blocks)));
        }
    }

    pub(super) fn said(&mut self, at: usize, block: Block<'a>) {
        self.items.push((at, Parsed::Said(block)));
    }

    /// The signature of the call that comes next.
    pub(super) fn sign(&mut self, signature: Signature<'a>) {
        self.signature = Some(signature);
    }

    pub(super) fn call(&mut self, at: usize, mut call: Content<'a>) {
        if let Content::Call { signature, .. } = &mut call {
            *signature = self.signature.take();
        }
        self.said(at, call.into());
    }

    pub(super) fn given(&mut self, at: usize, block: Block<'a>) {
        if let Content::Result { id, .. } = &block.content {
            *self.outputs.entry(id.unescaped().into_owned()).or_default() += 1;
        }
        self.items.push((at, Parsed::Given(block)));
    }

    /// Puts the turns into the conversation; what leads into its system prompt.
    pub(super) fn finish(self, conversation: &mut Conversation<'a>) {
        let mut exchange = Exchange::default();
        let mut outputs = self.outputs;
        for (at, item) in self.items {
            match item {
                Parsed::Message(Role::System, blocks)
                    if conversation.turns.is_empty() && exchange.is_empty() =>
                {
                    conversation.system.extend(blocks);
                }
                Parsed::Message(role, blocks) => {
                    exchange.settle(conversation);
                    let name = None;
                    let turn = Turn {
                        role,
                        blocks,
                        name,
                        at,
                    };
                    if exchange.open.is_empty() {
                        exchange.flush(conversation);
                        conversation.turns.push(turn);
                    } else {
                        exchange.held.push(turn);
                    }
                }
                Parsed::Said(block) => {
                    exchange.settle(conversation);
                    exchange.say(at, block, &outputs);
                }
                Parsed::Given(block) => exchange.give(at, block, &mut outputs),
            }
        }
        exchange.flush(conversation);
    }
}

/// A turn of the model's with the results of its calls.
#[derive(Debug, Default)]
struct Exchange<'a> {
    said: Vec<Block<'a>>,
    said_at: usize,
    given: Vec<Block<'a>>,
    given_at: usize,
    /// Calls whose output is still to come, and does come.
    open: BTreeSet<String>,
    /// Messages that came while a call was open.
    held: Vec<Turn<'a>>,
}

impl<'a> Exchange<'a> {
    fn is_empty(&self) -> bool {
        self.said.is_empty() && self.given.is_empty()
    }

    /// Ends it if its results are there.
    fn settle(&mut self, conversation: &mut Conversation<'a>) {
        if self.open.is_empty() && !(self.given.is_empty() && self.held.is_empty()) {
            self.flush(conversation);
        }
    }

    fn say(&mut self, at: usize, block: Block<'a>, outputs: &BTreeMap<String, usize>) {
        if self.said.is_empty() {
            self.said_at = at;
        }
        if let Content::Call { id, .. } = &block.content {
            let id = id.unescaped();
            if outputs.get(&*id).is_some_and(|count| *count > 0) {
                self.open.insert(id.into_owned());
            }
        }
        self.said.push(block);
    }

    fn give(&mut self, at: usize, block: Block<'a>, outputs: &mut BTreeMap<String, usize>) {
        if self.given.is_empty() {
            self.given_at = at;
        }
        if let Content::Result { id, .. } = &block.content {
            let id = id.unescaped();
            self.open.remove(&*id);
            if let Some(count) = outputs.get_mut(&*id) {
                *count = count.saturating_sub(1);
            }
        }
        self.given.push(block);
    }

    fn flush(&mut self, conversation: &mut Conversation<'a>) {
        let turn = |role, blocks, at| Turn {
            role,
            blocks,
            name: None,
            at,
        };
        if !self.said.is_empty() {
            let said = std::mem::take(&mut self.said);
            conversation
                .turns
                .push(turn(Role::Assistant, said, self.said_at));
        }
        if !self.given.is_empty() {
            let given = std::mem::take(&mut self.given);
            conversation
                .turns
                .push(turn(Role::User, given, self.given_at));
        }
        conversation.turns.append(&mut self.held);
        self.open.clear();
    }
}
