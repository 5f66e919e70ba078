//! Changes of a body that is otherwise passed as it came.
//!
//! For histories: what other providers have signed, or named, goes out of what is sent to one that would refuse it. Every other byte stays.

use std::ops::Range;

/// Places of a body and what stands there instead, in the order of the text.
#[derive(Debug, Default)]
pub(crate) struct Edits {
    all: Vec<(Range<usize>, String)>,
}

impl Edits {
    /// Something else stands there.
    pub(crate) fn replace(&mut self, range: Range<usize>, with: impl Into<String>) {
        self.all.push((range, with.into()));
    }

    /// Whatever is changed behind these.
    pub(crate) fn then(mut self, later: Self) -> Self {
        self.all.extend(later.all);
        self
    }

    /// The body with all of it changed; `None`: nothing is.
    pub(crate) fn apply(&self, body: &[u8]) -> Option<Vec<u8>> {
        if self.all.is_empty() {
            return None;
        }
        let mut out = Vec::with_capacity(body.len());
        let mut kept_to = 0;
        for (range, with) in &self.all {
            out.extend_from_slice(body.get(kept_to..range.start)?);
            out.extend_from_slice(with.as_bytes());
            kept_to = range.end;
        }
        out.extend_from_slice(body.get(kept_to..)?);
        Some(out)
    }
}

/// The elements of a list, or members of an object, of which some go: each with the comma behind it, or before it where it is the last.
#[derive(Debug, Default)]
pub(crate) struct Pruning {
    /// Where the last one that stays ends.
    kept_to: Option<usize>,
    /// What goes since.
    gone: Option<Range<usize>>,
    /// Edits within those that stay come between, so that what goes is noted once its end is known.
    edits: Edits,
}

impl Pruning {
    /// One that stays.
    pub(crate) fn keep(&mut self, span: &Range<usize>) {
        if let Some(gone) = self.gone.take() {
            self.edits.replace(gone.start..span.start, "");
        }
        self.kept_to = Some(span.end);
    }

    /// One that stays but for what is changed in it.
    pub(crate) fn keep_with(&mut self, span: &Range<usize>, inside: Edits) {
        self.keep(span);
        self.edits.all.extend(inside.all);
    }

    /// One that goes.
    pub(crate) fn drop(&mut self, span: Range<usize>) {
        let start = self.gone.as_ref().map_or(span.start, |gone| gone.start);
        self.gone = Some(start..span.end);
    }

    /// What has been changed; `None`: none stays, and somebody else has to see to the whole.
    pub(crate) fn finish(mut self) -> Option<Edits> {
        if let Some(gone) = self.gone.take() {
            self.edits.replace(self.kept_to?..gone.end, "");
        }
        Some(self.edits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_takes_one_comma_with_it() {
        let text = "[a , b , c]";
        let spans = [1..2, 5..6, 9..10];
        for (stays, expected) in [
            ([true, true, true], None),
            ([false, true, true], Some("[b , c]")),
            ([true, false, true], Some("[a , c]")),
            ([true, true, false], Some("[a , b]")),
            ([false, false, true], Some("[c]")),
            ([true, false, false], Some("[a]")),
            ([false, true, false], Some("[b]")),
        ] {
            let mut pruning = Pruning::default();
            for (span, stays) in spans.iter().zip(stays) {
                if stays {
                    pruning.keep(span);
                } else {
                    pruning.drop(span.clone());
                }
            }
            let edits = pruning.finish().unwrap();
            let after = edits.apply(text.as_bytes());
            let after = after.map(|after| String::from_utf8(after).unwrap());
            assert_eq!(after.as_deref(), expected, "{stays:?}");
        }
        let mut pruning = Pruning::default();
        spans.iter().for_each(|span| pruning.drop(span.clone()));
        assert!(pruning.finish().is_none(), "nothing stays");
    }

    #[test]
    fn changes_within_what_stays_come_in_their_order() {
        let mut inside = Edits::default();
        inside.replace(5..6, "x");
        let mut pruning = Pruning::default();
        pruning.drop(1..2);
        pruning.keep_with(&(5..6), inside);
        pruning.drop(9..10);
        let edits = pruning.finish().unwrap();
        assert_eq!(edits.apply(b"[a , b , c]").unwrap(), b"[x]");
    }
}
