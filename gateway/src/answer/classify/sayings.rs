//! The table of what providers say.

use std::sync::LazyLock;

use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::ErrorFacts;

/// The table as it is written; its head says how to read it.
const TABLE: &str = include_str!("sayings.tsv");

/// A line of the table.
#[derive(Debug)]
pub(super) struct Saying {
    /// What it means.
    pub class: FailureClass,
    /// Whether the words are about our account.
    pub own: bool,
    with: Statuses,
    place: Place,
    /// In lower case, between what may be anything.
    pieces: Vec<&'static str>,
}

#[derive(Debug, PartialEq)]
enum Statuses {
    Any,
    /// Only where nothing names one.
    None,
    These(Vec<u16>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    Code,
    Start,
    Anywhere,
}

/// The first line that applies.
pub(super) fn find(status: Option<u16>, error: &ErrorFacts) -> Option<&'static Saying> {
    static SAYINGS: LazyLock<Vec<Saying>> =
        LazyLock::new(|| lines().filter_map(Saying::parse).collect());
    let lower = |text: &Option<String>| text.as_deref().map(str::to_lowercase);
    let codes = [&error.code, &error.kind, &error.reason].map(lower);
    let words = [&error.message, &error.further].map(lower);
    SAYINGS
        .iter()
        .find(|saying| saying.is_for(status) && saying.is_said(&codes, &words))
}

/// The lines that are no comments.
fn lines() -> impl Iterator<Item = &'static str> {
    TABLE
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
}

impl Saying {
    /// `None` for a line that is not of the table's form, which a test does not let pass.
    fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let class = fields.next()?;
        let (class, own) = match class.strip_suffix(" own") {
            Some(class) => (class, true),
            None => (class, false),
        };
        let with = match fields.next()? {
            "*" => Statuses::Any,
            "-" => Statuses::None,
            list => {
                let statuses = list.split(',').map(|status| status.parse().ok());
                Statuses::These(statuses.collect::<Option<_>>()?)
            }
        };
        let place = match fields.next()? {
            "code" => Place::Code,
            "starts" => Place::Start,
            "says" => Place::Anywhere,
            _ => return None,
        };
        let gap = if place == Place::Code { "*" } else { " ... " };
        Some(Self {
            class: FailureClass::ALL
                .into_iter()
                .find(|known| known.as_str() == class)?,
            own,
            with,
            place,
            pieces: fields.next()?.split(gap).collect(),
        })
    }

    fn is_for(&self, status: Option<u16>) -> bool {
        match (&self.with, status) {
            (Statuses::Any, _) | (Statuses::None | Statuses::These(_), None) => true,
            (Statuses::None, Some(_)) => false,
            (Statuses::These(list), Some(status)) => list.contains(&status),
        }
    }

    fn is_said(
        &self,
        codes: &[Option<String>; 3],
        [message, further]: &[Option<String>; 2],
    ) -> bool {
        match self.place {
            Place::Code => codes
                .iter()
                .flatten()
                .any(|code| self.begins(code) && self.ends(code) && self.holds(code)),
            Place::Start => message
                .as_deref()
                .is_some_and(|words| self.begins(words) && self.holds(words)),
            Place::Anywhere => [message, further]
                .into_iter()
                .flatten()
                .any(|words| self.holds(words)),
        }
    }

    /// Whether the pieces are there, one after the other.
    fn holds(&self, text: &str) -> bool {
        let found = self.pieces.iter().try_fold(text, |rest, piece| {
            rest.find(piece).and_then(|at| rest.get(at + piece.len()..))
        });
        found.is_some()
    }

    fn begins(&self, text: &str) -> bool {
        self.pieces
            .first()
            .is_some_and(|piece| text.starts_with(piece))
    }

    /// Of a code without anything in between, the end is that of its one piece.
    fn ends(&self, text: &str) -> bool {
        match self.pieces.as_slice() {
            [only] => text == *only,
            pieces => pieces.last().is_some_and(|piece| text.ends_with(piece)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::class::{Blame, consequences};

    #[test]
    fn every_line_has_the_form_of_the_table() {
        for line in lines() {
            assert!(Saying::parse(line).is_some(), "{line}");
            let fields: Vec<_> = line.split('\t').collect();
            assert_eq!(fields.len(), 6, "{line}");
            assert_eq!(fields[3], fields[3].to_lowercase(), "{line}");
            assert!(fields[5].starts_with("https://"), "a source: {line}");
        }
        assert!(lines().count() > 100);
    }

    #[test]
    fn what_a_caller_can_have_repeated_stops_nobody() {
        for saying in lines().filter_map(Saying::parse) {
            let row = consequences(saying.class);
            let stops = row.blames == Blame::Model
                || row.blames == Blame::Provider
                || matches!(
                    saying.class,
                    FailureClass::BadCredential | FailureClass::RateLimited
                );
            assert!(!(stops && saying.place == Place::Anywhere), "{saying:?}");
        }
    }

    #[test]
    fn a_star_stands_for_anything_and_nothing() {
        let saying = |text| Saying::parse(text).unwrap();
        let code = |saying: &Saying, code: &str| {
            saying.is_said(&[Some(code.to_owned()), None, None], &[None, None])
        };
        let exact = saying("overloaded\t*\tcode\tbusy\t\t");
        assert!(code(&exact, "busy") && !code(&exact, "busybody") && !code(&exact, "too busy"));
        let around = saying("overloaded\t*\tcode\t*busy*\t\t");
        assert!(code(&around, "busy") && code(&around, "too_busy_now") && !code(&around, "bus"));
        let begins = saying("overloaded\t*\tcode\tbusy*\t\t");
        assert!(code(&begins, "busy") && code(&begins, "busybody") && !code(&begins, "too busy"));
    }
}
