//! A text, and what stands in it that is masked.

use std::ops::Range;

use crate::{Redactor, card, iban, shape};

/// What was masked may bring what is beside it to light, such as by a pattern that asks for the beginning of a word: it is looked at again, so often.
const ROUNDS: usize = 4;

/// How a mark begins, and how it ends.
const OPEN: &str = "[redacted:";
const CLOSE: char = ']';

/// The kinds of numbers with a check of their own.
const CHECKED: [&str; 2] = ["card", "iban"];

/// A text that was masked.
pub(crate) struct Masked {
    /// The text, with what it was given to look ahead.
    pub(crate) text: String,
    /// How much of it is to be kept, in bytes: a mark that begins before is whole.
    pub(crate) keep: usize,
    /// Of what kind the first mark is, if anything was masked.
    pub(crate) first: Option<String>,
}

/// Masks a text of which `keep` bytes are wanted, at the boundary of a character; the rest is there to be looked at.
pub(crate) fn mask(redactor: &Redactor, text: &str, keep: usize) -> Masked {
    let mut masked = Masked {
        text: text.to_owned(),
        keep: keep.min(text.len()),
        first: None,
    };
    for _ in 0..ROUNDS {
        let found = find(redactor, &masked.text);
        if found.is_empty() {
            break;
        }
        replace(&mut masked, &found);
    }
    masked
}

/// What is found, in order and apart from each other, each with its kind.
fn find<'r>(redactor: &'r Redactor, text: &str) -> Vec<(Range<usize>, &'r str)> {
    let mut shapes = Vec::new();
    shape::find(text, &mut shapes);
    card::find(text, &mut shapes);
    iban::find(text, &mut shapes);
    let mut found: Vec<(Range<usize>, &str)> = shapes;
    for pattern in &redactor.own {
        let mut ranges = Vec::new();
        pattern.find(text, &mut ranges);
        found.extend(
            ranges
                .into_iter()
                .map(|range| (range, pattern.name.as_str())),
        );
    }
    if found.is_empty() {
        return found;
    }
    let marks = marks(redactor, text);
    for (range, _) in &mut found {
        widen(range, &marks);
        range.start = floor(text, range.start);
        range.end = ceil(text, range.end);
    }
    found.retain(|(range, _)| !is_marked(range, &marks));
    // The one that begins first and reaches farthest says what it is.
    found.sort_by_key(|(range, _)| (range.start, usize::MAX - range.end));
    found.dedup_by(|next, last| {
        let joined = next.0.start < last.0.end;
        if joined {
            last.0.end = last.0.end.max(next.0.end);
        }
        joined
    });
    found
}

/// The marks that stand in a text already. Only those of kinds that there are: whoever writes another has not masked anything.
fn marks(redactor: &Redactor, text: &str) -> Vec<Range<usize>> {
    let known = |kind: &str| {
        shape::KINDS.contains(&kind)
            || CHECKED.contains(&kind)
            || redactor.own.iter().any(|pattern| pattern.name == kind)
    };
    let mut marks = Vec::new();
    for (at, _) in text.match_indices(OPEN) {
        let inside = text.get(at + OPEN.len()..).unwrap_or_default();
        let inside = inside.get(..floor(inside, 64)).unwrap_or_default();
        if let Some((kind, _)) = inside.split_once(CLOSE)
            && known(kind)
        {
            marks.push(at..at + OPEN.len() + kind.len() + CLOSE.len_utf8());
        }
    }
    marks
}

/// Takes in marks that it reaches into, unless it is within one.
fn widen(range: &mut Range<usize>, marks: &[Range<usize>]) {
    let from = marks.partition_point(|mark| mark.end <= range.start);
    for mark in marks.iter().skip(from) {
        if mark.start >= range.end {
            break;
        }
        let within = mark.start <= range.start && range.end <= mark.end;
        if !within {
            range.start = range.start.min(mark.start);
            range.end = range.end.max(mark.end);
        }
    }
}

/// Whether it is a mark, or within one.
fn is_marked(range: &Range<usize>, marks: &[Range<usize>]) -> bool {
    let from = marks.partition_point(|mark| mark.end <= range.start);
    marks
        .get(from)
        .is_some_and(|mark| mark.start <= range.start && range.end <= mark.end)
}

fn replace(masked: &mut Masked, found: &[(Range<usize>, &str)]) {
    let text = std::mem::take(&mut masked.text);
    let mut out = String::with_capacity(text.len());
    let (mut from, keep) = (0, masked.keep);
    let mut kept = None;
    for (range, kind) in found {
        let before = text.get(from..range.start).unwrap_or_default();
        if keep <= range.start && kept.is_none() {
            kept = Some(out.len() + keep.saturating_sub(from));
        }
        out.push_str(before);
        out.push_str(OPEN);
        out.push_str(kind);
        out.push(CLOSE);
        from = range.end;
        if keep <= from && kept.is_none() {
            kept = Some(out.len());
        }
        if masked.first.is_none() {
            masked.first = Some((*kind).to_owned());
        }
    }
    masked.keep = kept.unwrap_or(out.len() + keep.saturating_sub(from));
    out.push_str(text.get(from..).unwrap_or_default());
    masked.keep = masked.keep.min(out.len());
    masked.text = out;
}

/// The last boundary of a character at or before `at`.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The first boundary of a character at or behind `at`.
fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_before_the_end_is_masked_as_a_whole() {
        let key = "sk-abcdefghijklmnopqrstuvwxyz";
        let text = format!("0123456789 {key} and more");
        for keep in 0..text.len() {
            let masked = mask(&Redactor::default(), &text, keep);
            let kept = &masked.text[..masked.keep];
            let wanted = match keep {
                0..=11 => &text[..keep],
                12..=40 => "0123456789 [redacted:key]",
                more => &format!("0123456789 [redacted:key]{}", &text[40..more]),
            };
            assert_eq!(kept, wanted, "{keep}");
        }
    }

    #[test]
    fn a_mark_is_not_masked_again_and_no_other_word_is_taken_for_one() {
        let own = Redactor::with([("own", "redacted|user=.*")]).unwrap();
        for text in [
            "[redacted:key] stays",
            "user=[redacted:email] x",
            "redacted",
            "user=a@example.com, b",
        ] {
            let once = own.text(text);
            assert_eq!(own.text(&once), once, "{text}");
        }
        let hidden = "[redacted:sk-abcdefghijklmnopqrstuvwxyz]";
        assert_eq!(
            Redactor::default().text(hidden),
            "[redacted:[redacted:key]]"
        );
    }
}
