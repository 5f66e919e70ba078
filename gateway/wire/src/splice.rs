//! Edits over a body: what stays is shared, not copied.
//!
//! Last step before a request goes upstream. Edits are collected by offset and cut into pieces that can
//! be written one after the other. It cannot fail: offsets past the end count as the end, and bytes that
//! two edits cover are removed once.

use std::ops::Range;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

/// A body with edits to make.
#[derive(Debug, Clone)]
pub struct Splice {
    body: Bytes,
    edits: SmallVec<[Edit; 2]>,
}

#[derive(Debug, Clone)]
struct Edit {
    range: Range<usize>,
    with: Bytes,
}

/// A body in pieces, to be written one after the other. No piece is empty, but for an empty body without
/// edits, which is one piece.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces(SmallVec<[Bytes; 4]>);

impl Splice {
    /// Nothing to change yet.
    #[must_use]
    pub fn new(body: Bytes) -> Self {
        Self {
            body,
            edits: SmallVec::new(),
        }
    }

    /// Puts `with` in the place of a range, given in offsets of the original body.
    pub fn replace(&mut self, range: Range<usize>, with: Bytes) {
        self.edits.push(Edit { range, with });
    }

    /// Puts `what` before the byte at an offset of the original body. What is inserted at one offset stays in
    /// the order of the calls.
    pub fn insert(&mut self, at: usize, what: Bytes) {
        self.replace(at..at, what);
    }

    /// The edited body. Without edits it is one piece: the body itself.
    #[must_use]
    pub fn finish(mut self) -> Pieces {
        if self.edits.is_empty() {
            return Pieces(smallvec![self.body]);
        }
        // A stable sort: insertions at one offset keep their order.
        self.edits.sort_by_key(|edit| edit.range.start);
        let mut pieces = Pieces(SmallVec::new());
        let mut kept_to = 0;
        for Edit { range, with } in self.edits {
            let start = range.start.clamp(kept_to, self.body.len());
            pieces.push(self.body.slice(kept_to..start));
            pieces.push(with);
            kept_to = range.end.clamp(start, self.body.len());
        }
        pieces.push(self.body.slice(kept_to..));
        pieces
    }
}

impl Pieces {
    /// The length of the whole, in bytes.
    #[must_use]
    pub fn len_bytes(&self) -> usize {
        self.0.iter().map(Bytes::len).sum()
    }

    /// The pieces, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Bytes] {
        &self.0
    }

    /// The whole in one: copied, unless it is one piece already.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        match self.as_slice() {
            [whole] => whole.clone(),
            pieces => pieces.concat().into(),
        }
    }

    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            self.0.push(piece);
        }
    }
}

impl From<Bytes> for Pieces {
    fn from(body: Bytes) -> Self {
        Splice::new(body).finish()
    }
}

impl IntoIterator for Pieces {
    type Item = Bytes;
    type IntoIter = smallvec::IntoIter<[Bytes; 4]>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}
