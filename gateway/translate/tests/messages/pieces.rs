//! Pieces as readers of other formats give them, and what a caller gets of them.

use fairlead_translate::messages::stream;
use fairlead_translate::{Answer, Block, Choice, Content, Piece, Stop, Text};
use serde_json::Value;

use crate::HEAD;
use crate::client::message;

pub(crate) fn streamed(pieces: &[Piece<'_>]) -> Vec<u8> {
    let mut writer = stream::Writer::new(&HEAD);
    let mut out = Vec::new();
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    out
}

pub(crate) fn text(text: &'static str) -> Piece<'static> {
    Piece::Text {
        choice: 0,
        text: Text::plain(text),
    }
}

pub(crate) fn thought(text: &'static str) -> Piece<'static> {
    Piece::Reasoning {
        choice: 0,
        text: Text::plain(text),
    }
}

pub(crate) fn call(call: u64, id: &'static str) -> Piece<'static> {
    Piece::Call {
        choice: 0,
        call,
        id: (!id.is_empty()).then(|| Text::plain(id)),
        name: Text::plain("find"),
        signature: None,
    }
}

pub(crate) fn arguments(call: u64, fragment: &'static str) -> Piece<'static> {
    Piece::Arguments {
        choice: 0,
        call,
        fragment: Text::plain(fragment),
    }
}

pub(crate) fn finish(stop: Stop<'static>) -> Piece<'static> {
    Piece::Finish { choice: 0, stop }
}

pub(crate) fn content(pieces: &[Piece<'_>]) -> Value {
    message(&streamed(pieces))["content"].clone()
}

pub(crate) fn whole(blocks: Vec<Content<'static>>, stop: Option<Stop<'static>>) -> Answer<'static> {
    Answer {
        choices: vec![Choice {
            blocks: blocks.into_iter().map(Block::from).collect(),
            stop,
            logprobs: None,
        }],
        ..Answer::default()
    }
}
