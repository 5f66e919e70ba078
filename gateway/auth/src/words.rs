//! What a server says about a refusal, cut so that it may be shown.

use crate::Secret;
use crate::encode::percent;

/// A sentence is enough; some servers send a page.
const LONGEST: usize = 300;
/// A word of this many letters that could be a part of a key is not shown, whether we know it or not. Identifiers of requests and clients
/// (36) are shorter.
const LONG_WORD: usize = 40;

/// A server's sentence: one line, not too long, without the secrets that it was sent and without what looks like one.
pub(crate) fn clean(text: &str, secrets: &[&Secret]) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        text = text.replace(secret.expose(), "[cut]");
        text = text.replace(&percent(secret.expose(), b""), "[cut]");
    }
    let words = text.split(|letter: char| letter.is_whitespace() || letter.is_control());
    let mut line = String::new();
    for word in words.filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(if is_key_like(word) { "[cut]" } else { word });
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|at| line.is_char_boundary(*at));
            line.truncate(end.unwrap_or(0));
            line.push_str("...");
            break;
        }
    }
    line
}

/// Names of things at AWS have colons and slashes, addresses have them too: they stay.
fn is_key_like(word: &str) -> bool {
    let longest = word
        .split(|letter: char| !(letter.is_ascii_alphanumeric() || "+=_.-~%".contains(letter)))
        .map(str::len)
        .max();
    longest.is_some_and(|length| length >= LONG_WORD)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_cut_in_every_form() {
        let secret = Secret::new("p+/w=");
        let said = clean("bad p+/w= and p%2B%2Fw%3D\r\nTrace: 1", &[&secret]);
        assert_eq!(said, "bad [cut] and [cut] Trace: 1");
    }

    #[test]
    fn what_looks_like_a_key_is_cut_and_names_stay() {
        let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwcyJ9.c2ln";
        let said = clean(
            &format!(
                "token '{token}' of 'arn:aws:iam::123456789012:role/gateway' 6e4e2f0a-6a4c-4d8e-8f0e-1f3c0a2b4c5d"
            ),
            &[],
        );
        assert_eq!(
            said,
            "token [cut] of 'arn:aws:iam::123456789012:role/gateway' 6e4e2f0a-6a4c-4d8e-8f0e-1f3c0a2b4c5d"
        );
    }

    #[test]
    fn a_page_is_cut_to_a_sentence() {
        let said = clean(&"wörd ".repeat(1000), &[]);
        assert!(said.len() <= LONGEST + 3 && said.ends_with("..."), "{said}");
    }
}
