//! Who offers models: their makers, and hosts of other people's.

use std::ops::Range;

use crate::order::compare;

/// A vendor, and where its models stand in the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vendor {
    pub(crate) id: &'static str,
    pub(crate) others: &'static str,
    pub(crate) hosts: &'static str,
    pub(crate) models: Range<usize>,
}

impl Vendor {
    /// Its name here.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// Other names of it.
    pub fn others(&self) -> impl Iterator<Item = &'static str> + use<> {
        list(self.others)
    }

    /// The hosts of its API.
    pub fn hosts(&self) -> impl Iterator<Item = &'static str> + use<> {
        list(self.hosts)
    }

    /// Whether it goes by this name.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.id.eq_ignore_ascii_case(name)
            || self.others().any(|other| other.eq_ignore_ascii_case(name))
    }
}

/// The parts of a list in the data.
fn list(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.split(',').filter(|part| *part != "-")
}

/// A word that a vendor is found by, and the vendor's place.
pub(crate) type Word = (&'static str, u16);

/// The words of all vendors, in order.
pub(crate) fn words<I: Iterator<Item = &'static str>>(
    vendors: &[Vendor],
    of: impl Fn(&Vendor) -> I,
) -> Vec<Word> {
    let all = vendors.iter().zip(0..);
    let mut all: Vec<Word> = all
        .flat_map(|(vendor, place)| of(vendor).map(move |word| (word, place)))
        .collect();
    all.sort_by(|left, right| compare(left.0, right.0));
    all
}

/// The place of whom a word means.
pub(crate) fn place(words: &[Word], word: &str) -> Option<usize> {
    let found = words
        .binary_search_by(|entry| compare(entry.0, word))
        .ok()?;
    words.get(found).map(|entry| usize::from(entry.1))
}

/// The words that mean two vendors.
pub(crate) fn twice(words: &[Word]) -> impl Iterator<Item = &'static str> {
    words.windows(2).filter_map(|pair| match pair {
        [left, right] if left.0.eq_ignore_ascii_case(right.0) => Some(left.0),
        _ => None,
    })
}
