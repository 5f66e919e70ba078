//! Figures as they are measured: one for each round, under a name.

use std::fmt::Display;

use serde::{Deserialize, Serialize};

use crate::statistics::{Median, median};

/// A figure and how often it was taken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Figure {
    /// What was measured: `prompt`.
    pub(crate) scenario: String,
    /// Whose it is: `nginx`.
    pub(crate) who: String,
    /// What it tells: `cpu`.
    pub(crate) what: String,
    /// The median of the rounds, and its interval.
    pub(crate) figure: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Of each round, in their order.
    pub(crate) rounds: Vec<f64>,
}

impl Figure {
    /// The median and its interval.
    pub(crate) fn median(&self) -> Median {
        Median {
            middle: self.figure,
            low: self.low,
            high: self.high,
        }
    }
}

/// All that was measured.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// In the order in which they were first taken.
    pub(crate) figures: Vec<Figure>,
    /// What could not be measured, each with its reason.
    pub(crate) problems: Vec<String>,
    /// What took part, with its configuration.
    pub(crate) configurations: Vec<(String, String)>,
}

impl Book {
    /// Notes a figure of a round. What is no number is left out.
    pub(crate) fn note(&mut self, scenario: &str, who: &str, what: &str, value: f64) {
        if !value.is_finite() {
            return;
        }
        let same = |known: &&mut Figure| {
            known.scenario == scenario && known.who == who && known.what == what
        };
        if let Some(known) = self.figures.iter_mut().find(same) {
            known.rounds.push(value);
            if let Some(told) = median(&known.rounds) {
                (known.figure, known.low, known.high) = (told.middle, told.low, told.high);
            }
            return;
        }
        self.figures.push(Figure {
            scenario: scenario.to_owned(),
            who: who.to_owned(),
            what: what.to_owned(),
            figure: value,
            low: value,
            high: value,
            rounds: vec![value],
        });
    }

    /// Notes that something could not be measured.
    pub(crate) fn miss(&mut self, what: impl Display, why: &anyhow::Error) {
        self.problems.push(format!("{what}: {why:#}"));
    }

    /// Notes how something is configured, once.
    pub(crate) fn configured(&mut self, name: &str, text: &str) {
        if !text.is_empty() && !self.configurations.iter().any(|(known, _)| known == name) {
            self.configurations.push((name.to_owned(), text.to_owned()));
        }
    }

    /// The median of a figure, if it was taken.
    pub(crate) fn median(&self, scenario: &str, who: &str, what: &str) -> Option<f64> {
        let found = self
            .figures
            .iter()
            .find(|figure| figure.scenario == scenario && figure.who == who && figure.what == what);
        found.map(|figure| figure.figure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_of_a_name_are_one_figure() {
        let mut book = Book::default();
        for value in [3.0, 1.0, f64::NAN, 2.0] {
            book.note("whole", "nginx", "cpu", value);
        }
        book.note("whole", "fairlead", "cpu", 9.0);
        assert_eq!(book.figures.len(), 2);
        assert_eq!(book.figures[0].who, "nginx");
        assert_eq!(book.figures[0].rounds, [3.0, 1.0, 2.0]);
        assert_eq!(book.median("whole", "nginx", "cpu"), Some(2.0));
        assert_eq!(book.median("whole", "nginx", "rate"), None);
    }
}
