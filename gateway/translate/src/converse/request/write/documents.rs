//! The names of documents: each must have one, none twice in a request, of few characters.

use std::collections::{BTreeMap, BTreeSet};

/// The longest name, with room for a number behind it.
const LONGEST: usize = 180;
/// What a document without a name is called.
const NAMELESS: &str = "document";

/// The names that were given so far. Each follows from the documents before it alone.
#[derive(Default)]
pub(super) struct Documents {
    taken: BTreeSet<String>,
    /// The number that the next of the same name gets.
    next: BTreeMap<String, u64>,
}

impl Documents {
    /// The name of the next document: its own as far as it can be said, without what tells its format.
    pub(super) fn name(&mut self, said: Option<&str>, format: &str) -> String {
        let name = sayable(without_extension(said.unwrap_or_default(), format));
        if self.taken.insert(name.clone()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let numbered = format!("{name} {next}");
            *next += 1;
            if self.taken.insert(numbered.clone()) {
                return numbered;
            }
        }
    }
}

fn without_extension<'n>(name: &'n str, format: &str) -> &'n str {
    match name.rsplit_once('.') {
        Some((stem, extension)) if extension.eq_ignore_ascii_case(format) => stem,
        _ => name,
    }
}

/// Letters, digits, hyphens, brackets of two kinds and single spaces (`DocumentBlock` in the API's model).
fn sayable(name: &str) -> String {
    let mut said = String::new();
    for character in name.chars() {
        let character = match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '(' | ')' | '[' | ']' => character,
            space if space.is_whitespace() => ' ',
            _ => '-',
        };
        let repeats = said.ends_with(character) && matches!(character, ' ' | '-');
        if said.len() < LONGEST && !repeats {
            said.push(character);
        }
    }
    let said = said.trim_matches([' ', '-']);
    if said.is_empty() {
        NAMELESS.to_owned()
    } else {
        said.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_of_the_grammar_and_none_is_given_twice() {
        let mut documents = Documents::default();
        let mut name = |said| documents.name(said, "pdf");
        assert_eq!(name(Some("report_v1.2 (final).pdf")), "report-v1-2 (final)");
        assert_eq!(name(Some("a\u{3000}\u{3000}b")), "a b");
        assert_eq!(name(None), "document");
        assert_eq!(name(Some("文書.PDF")), "document 2");
        assert_eq!(name(Some("document 3")), "document 3");
        assert_eq!(name(Some("..")), "document 4");
        assert_eq!(name(Some("a b")), "a b 2");
        let long = "x".repeat(1000);
        assert_eq!(name(Some(&long)).len(), LONGEST);
        assert!(name(Some(&long)).len() <= 200);
    }
}
