//! What callgrind writes: functions, what each takes itself, and what it calls.

use std::collections::HashMap;

use anyhow::{Result, ensure};

use crate::statistics::precise;

/// Instructions by function, for one request.
#[derive(Debug)]
pub(super) struct Profile {
    /// By name: of the function itself, and of what it calls.
    functions: HashMap<String, (u64, u64)>,
    requests: f64,
}

/// What is being read.
#[derive(Default)]
struct Reader<'a> {
    names: HashMap<&'a str, &'a str>,
    functions: HashMap<&'a str, (u64, u64)>,
    /// The function whose lines come.
    of: &'a str,
    /// Whether the next line is what a call took.
    is_call: bool,
}

impl Profile {
    /// Reads a dump that was made over so many requests.
    ///
    /// # Errors
    /// There is nothing in it.
    pub(super) fn read(text: &str, requests: f64) -> Result<Self> {
        let mut reader = Reader::default();
        for line in text.lines() {
            reader.line(line);
        }
        let functions = reader.functions.into_iter();
        let functions: HashMap<_, _> = functions
            .map(|(name, cost)| (name.to_owned(), cost))
            .collect();
        ensure!(
            !functions.is_empty() && requests > 0.0,
            "callgrind has counted nothing"
        );
        Ok(Self {
            functions,
            requests,
        })
    }

    /// Instructions for one request of everything.
    pub(super) fn all(&self) -> f64 {
        let all = self.functions.values().map(|(own, _)| own).sum::<u64>();
        precise(all) / self.requests
    }

    /// The same of all functions whose names have this in them, and of what they call; `None`: there is none, for the compiler has made it part of
    /// another.
    pub(super) fn of(&self, name: &str) -> Option<f64> {
        let mut functions = self
            .functions
            .iter()
            .filter(|(function, _)| is(function, name))
            .peekable();
        functions.peek()?;
        let sum: u64 = functions.map(|(_, (own, called))| own + called).sum();
        Some(precise(sum) / self.requests)
    }
}

/// Whether a function is meant. What drops another has its name within its own.
fn is(function: &str, name: &str) -> bool {
    function.contains(name) && !function.starts_with("core::ptr::drop_in_place")
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) {
        if let Some(name) = line.strip_prefix("fn=") {
            self.of = self.name(name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            // Known by its number from here on.
            self.name(name);
        } else if line.starts_with("calls=") {
            self.is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first)) {
            let cost = line.split(' ').nth(1).and_then(|cost| cost.parse().ok());
            let (own, called) = self.functions.entry(self.of).or_default();
            let of = if std::mem::take(&mut self.is_call) {
                called
            } else {
                own
            };
            *of += cost.unwrap_or(0u64);
        }
    }

    /// A name that stands there in full the first time, as `(12) name`, and then as `(12)`.
    fn name(&mut self, text: &'a str) -> &'a str {
        match text.split_once(' ') {
            Some((number, name)) => {
                self.names.insert(number, name);
                name
            }
            None => self.names.get(text).copied().unwrap_or(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DUMP: &str = "# callgrind format\nevents: Ir\n\nfl=(1) a.rs\nfn=(1) outer\n10 5\n+1 6\ncfn=(2) inner\ncalls=2 20\n+2 40\n* 1\n\n\
        fn=(2)\n20 38\ncfn=(3) core::ptr::drop_in_place<inner>\ncalls=1 0\n20 2\n\nfn=(3)\n30 4\n";

    #[test]
    fn what_a_function_takes_is_its_own_and_that_of_what_it_calls() {
        let profile = Profile::read(DUMP, 2.0).unwrap();
        assert_eq!(profile.of("outer"), Some(26.0));
        assert_eq!(profile.of("inner"), Some(20.0));
        assert_eq!(profile.all(), 27.0);
    }

    #[test]
    fn what_is_not_there_takes_nothing_that_is_known() {
        let profile = Profile::read(DUMP, 2.0).unwrap();
        assert_eq!(profile.of("gone"), None);
        assert!(Profile::read("events: Ir\n", 1.0).is_err());
    }
}
