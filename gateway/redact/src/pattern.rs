//! Patterns of a rule's own, bounded in length, number and compiled size.

use std::ops::Range;

use regex::{Regex, RegexBuilder};

/// The most patterns of one rule.
pub const PATTERNS: usize = 16;
/// The longest pattern, in bytes.
pub const PATTERN_BYTES: usize = 256;
/// The largest compiled pattern, in bytes.
const COMPILED: usize = 512 * 1024;
/// The largest cache of its automaton, in bytes.
const CACHE: usize = 1024 * 1024;
/// The deepest nesting.
const DEPTH: u32 = 32;
/// So many finds of one pattern in one text. Each may look at all that follows, so that without a bound their work would grow with the square of
/// the text; past it all that follows is masked.
const FINDS: usize = 1024;

/// Why a pattern is not taken. The words never repeat it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPattern {
    /// Over [`PATTERN_BYTES`].
    #[error("the pattern is longer than {PATTERN_BYTES} bytes; split it in two")]
    TooLong,
    /// Over [`PATTERNS`].
    #[error("there are more than {PATTERNS} patterns; join some of them with |")]
    TooMany,
    /// It takes too much memory.
    #[error(
        "the pattern takes too much memory; lower its repetitions, or write (?-u:\\w) and [0-9] for \\w and \\d"
    )]
    TooLarge,
    /// It is no regular expression.
    #[error(
        "the pattern is no regular expression ({0}); the syntax is that of Rust's regex, without look-around and backreferences"
    )]
    Syntax(String),
    /// It finds nothing in an empty text, and so everywhere.
    #[error("the pattern also matches nothing at all; say what has to be there, such as x+ for x*")]
    Empty,
}

/// Whether this is a pattern that can be used.
///
/// # Errors
/// Why not, in words that say how to mend it.
pub fn check(pattern: &str) -> Result<(), BadPattern> {
    compile(pattern).map(drop)
}

/// A pattern with its name.
#[derive(Debug)]
pub(crate) struct Pattern {
    pub(crate) name: String,
    regex: Regex,
}

impl Pattern {
    pub(crate) fn new(name: &str, pattern: &str) -> Result<Self, BadPattern> {
        Ok(Self {
            name: name.to_owned(),
            regex: compile(pattern)?,
        })
    }

    /// Where it is found.
    pub(crate) fn find(&self, text: &str, found: &mut Vec<Range<usize>>) {
        let before = found.len();
        for one in self.regex.find_iter(text).filter(|one| !one.is_empty()) {
            if found.len() - before == FINDS {
                found.push(one.start()..text.len());
                return;
            }
            found.push(one.range());
        }
    }
}

fn compile(pattern: &str) -> Result<Regex, BadPattern> {
    if pattern.len() > PATTERN_BYTES {
        return Err(BadPattern::TooLong);
    }
    let built = RegexBuilder::new(pattern)
        .size_limit(COMPILED)
        .dfa_size_limit(CACHE)
        .nest_limit(DEPTH)
        .build();
    let regex = built.map_err(|error| {
        if matches!(error, regex::Error::CompiledTooBig(_)) {
            BadPattern::TooLarge
        } else {
            BadPattern::Syntax(reason(&error.to_string()))
        }
    })?;
    if regex.is_match("") {
        return Err(BadPattern::Empty);
    }
    Ok(regex)
}

/// The last line of what is said of a bad pattern: those before it repeat the pattern.
fn reason(said: &str) -> String {
    let last = said.lines().last().unwrap_or_default().trim();
    let words = last.strip_prefix("error: ").unwrap_or("it cannot be read");
    words.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_pattern_is_refused_in_words_that_do_not_repeat_it() {
        let long = "x".repeat(PATTERN_BYTES + 1);
        let deep = format!("{}x{}", "(".repeat(60), ")".repeat(60));
        for (pattern, words) in [
            ("hunter2(", "unclosed group"),
            ("hunter2(?=x)", "look-around"),
            (r"\w{200}{200}", "too much memory"),
            (&long, "longer than 256 bytes"),
            (&deep, "no regular expression"),
            ("(hunter2)?", "matches nothing at all"),
        ] {
            let told = check(pattern).unwrap_err().to_string();
            assert!(told.contains(words), "{told}");
            assert!(!told.contains("hunter2"), "{told}");
        }
        check("customer-[0-9]{6}").unwrap();
    }

    #[test]
    fn what_follows_too_many_finds_is_masked_as_a_whole() {
        let pattern = Pattern::new("own", "[0-9]").unwrap();
        let text = "1 ".repeat(FINDS + 10);
        let mut found = Vec::new();
        pattern.find(&text, &mut found);
        assert_eq!(found.len(), FINDS + 1);
        assert_eq!(found.last().map(|range| range.end), Some(text.len()));
    }
}
