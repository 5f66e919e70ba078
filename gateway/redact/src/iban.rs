//! Numbers of bank accounts: IBAN (ISO 13616), two letters, two digits, up to 30 letters and digits, and 1 is left of all of it by 97.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// The fewest and the most letters and digits.
const LENGTHS: std::ops::RangeInclusive<usize> = 15..=34;

static BEGINS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)[A-Za-z]{2}[0-9]{2}[ ]?[A-Za-z0-9]{4}").ok());

/// Where in a text there are such. What is none is passed over by a character, so that one may follow within it.
pub(crate) fn find(text: &str, found: &mut Vec<(Range<usize>, &'static str)>) {
    let bytes = text.as_bytes();
    let Some(begins) = BEGINS.as_ref() else {
        found.push((0..text.len(), "iban"));
        return;
    };
    let mut from = 0;
    while let Some(one) = begins.find_at(bytes, from) {
        let start = one.start();
        from = start + 1;
        if !is_start(bytes, start) {
            continue;
        }
        if let Some(end) = end(bytes, start) {
            found.push((start..end, "iban"));
            from = end;
        }
    }
}

/// Whether a number may begin here: no letter or digit precedes it, unless that ends an escape of JSON.
fn is_start(bytes: &[u8], at: usize) -> bool {
    let back = |by: usize| at.checked_sub(by).and_then(|at| bytes.get(at)).copied();
    let escape = back(2) == Some(b'\\') && back(1).is_some_and(|byte| b"bfnrt".contains(&byte));
    escape || !back(1).is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Where the longest number ends that begins here.
fn end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut taken = Vec::with_capacity(*LENGTHS.end());
    let mut last = None;
    let mut at = start;
    while taken.len() < *LENGTHS.end() {
        match bytes.get(at) {
            Some(byte) if byte.is_ascii_alphanumeric() => taken.push(byte.to_ascii_uppercase()),
            Some(b' ') if bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) => {
                at += 1;
                continue;
            }
            _ => break,
        }
        at += 1;
        let ends = !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
        if ends && LENGTHS.contains(&taken.len()) && is_checked(&taken) {
            last = Some(at);
        }
    }
    last
}

/// The first four go to the end, letters become 10 to 35, and what is left by 97 is 1.
fn is_checked(taken: &[u8]) -> bool {
    let (first, rest) = taken.split_at(taken.len().min(4));
    let left = rest.iter().chain(first).fold(0_u32, |left, byte| {
        if byte.is_ascii_digit() {
            (left * 10 + u32::from(byte - b'0')) % 97
        } else {
            (left * 100 + u32::from(byte - b'A') + 10) % 97
        }
    });
    left == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut ranges = Vec::new();
        find(text, &mut ranges);
        ranges.into_iter().map(|(range, _)| &text[range]).collect()
    }

    /// Examples of the registry of IBANs.
    #[test]
    fn accounts_are_found_in_groups_or_not() {
        for account in [
            "DE89370400440532013000",
            "DE89 3704 0044 0532 0130 00",
            "gb29nwbk60161331926819",
            "FR14 2004 1010 0505 0001 3M02 606",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S",
        ] {
            let text = format!("to {account}, please");
            assert_eq!(found(&text), [account]);
        }
    }

    #[test]
    fn what_has_a_wrong_check_is_none() {
        for text in ["DE88370400440532013000", "xDE89370400440532013000", "AB12"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
