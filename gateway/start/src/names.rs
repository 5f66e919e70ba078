//! Names of objects: DNS labels made of whatever something was called, each given once.

use std::collections::BTreeSet;

/// The longest label (RFC 1123).
const LONGEST: usize = 63;
/// Room for `-` and the number that tells two names apart.
const SUFFIX: usize = 5;

/// `text` as a DNS label: lower-case letters, digits and single hyphens.
pub(crate) fn label(text: &str) -> String {
    let mut label = String::new();
    for letter in text.chars() {
        if letter.is_ascii_alphanumeric() {
            label.push(letter.to_ascii_lowercase());
        } else if !label.is_empty() && !label.ends_with('-') {
            label.push('-');
        }
        if label.len() == LONGEST - SUFFIX {
            break;
        }
    }
    let label = label.trim_end_matches('-');
    if label.is_empty() {
        "any".to_owned()
    } else {
        label.to_owned()
    }
}

/// The names given so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(BTreeSet<String>);

impl Names {
    /// A label after `text`; the second one of a name is `name-2`.
    pub(crate) fn give(&mut self, text: &str) -> String {
        let label = label(text);
        let mut name = label.clone();
        let mut number = 1;
        while !self.0.insert(name.clone()) {
            number += 1;
            name = format!("{label}-{number}");
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_becomes_a_label() {
        assert_eq!(label("GPT-4o (EU)"), "gpt-4o-eu");
        assert_eq!(label("openai/gpt_4.1"), "openai-gpt-4-1");
        assert_eq!(label("*"), "any");
        assert_eq!(label(&"x".repeat(100)).len(), LONGEST - SUFFIX);
    }

    #[test]
    fn the_second_of_a_name_has_a_number() {
        let mut names = Names::default();
        let given = ["azure", "Azure", "azure"].map(|text| names.give(text));
        assert_eq!(given, ["azure", "azure-2", "azure-3"]);
    }
}
