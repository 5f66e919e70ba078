//! Numbers of payment cards: 13 to 19 digits that begin as an issuer's do (ISO/IEC 7812) and whose check digit is right (Luhn). Digits may be in groups,
//! with a space or a hyphen between.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// The most digits of a card.
const LONGEST: usize = 19;

static DIGITS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?-u)[0-9](?:[ -]?[0-9]){12,}").ok());

/// Where in a text there are such.
pub(crate) fn find(text: &str, found: &mut Vec<(Range<usize>, &'static str)>) {
    let bytes = text.as_bytes();
    let Some(digits) = DIGITS.as_ref() else {
        found.push((0..text.len(), "card"));
        return;
    };
    for run in digits.find_iter(bytes) {
        let mut from = run.start();
        while let Some(range) = first(bytes, from..run.end()) {
            from = range.end;
            found.push((range, "card"));
        }
    }
}

/// The first card in a run of digits and what separates them: one that begins and ends where a group does.
fn first(bytes: &[u8], run: Range<usize>) -> Option<Range<usize>> {
    let mut from = run.start;
    while from < run.end {
        if begins(bytes, from)
            && let Some(end) = end(bytes, from..run.end)
        {
            return Some(from..end);
        }
        from += 1;
    }
    None
}

/// Where the longest card ends that begins here.
fn end(bytes: &[u8], run: Range<usize>) -> Option<usize> {
    let mut digits = Vec::with_capacity(LONGEST);
    let mut last = None;
    for at in run {
        let byte = *bytes.get(at)?;
        if !byte.is_ascii_digit() {
            continue;
        }
        if digits.len() == LONGEST {
            break;
        }
        digits.push(byte - b'0');
        if ends(bytes, at + 1) && is_issued(&digits) && is_checked(&digits) {
            last = Some(at + 1);
        }
    }
    last
}

/// Whether a number may begin here: at a digit that no letter, digit or decimal point precedes, unless the letter ends an escape of JSON.
fn begins(bytes: &[u8], at: usize) -> bool {
    if !bytes.get(at).is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let back = |by: usize| at.checked_sub(by).and_then(|at| bytes.get(at)).copied();
    let escape = back(2) == Some(b'\\') && back(1).is_some_and(|byte| b"bfnrt".contains(&byte));
    escape || !back(1).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
}

/// Whether a number may end before this: no letter or digit follows.
fn ends(bytes: &[u8], at: usize) -> bool {
    !bytes.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether an issuer gives out numbers that begin so and are so long.
fn is_issued(digits: &[u8]) -> bool {
    let number = |count: usize| {
        let first = digits.iter().take(count);
        first.fold(0_u32, |number, digit| number * 10 + u32::from(*digit))
    };
    let two = number(2);
    match digits.len() {
        14 => matches!(two, 36 | 38 | 39) || (300..=305).contains(&number(3)),
        15 => matches!(two, 34 | 37),
        13 => number(1) == 4,
        16..=19 => {
            number(1) == 4
                || (51..=55).contains(&two)
                || (2221..=2720).contains(&number(4))
                || matches!(two, 35 | 50)
                || (56..=69).contains(&two)
        }
        _ => false,
    }
}

/// Luhn's check: doubled from the right, every second digit.
fn is_checked(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(*digit) * (1 + u32::from(at % 2 == 1));
            if digit > 9 { digit - 9 } else { digit }
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<&str> {
        let mut ranges = Vec::new();
        find(text, &mut ranges);
        ranges.into_iter().map(|(range, _)| &text[range]).collect()
    }

    /// Numbers that issuers publish for tests.
    #[test]
    fn cards_of_every_issuer_are_found_in_groups_or_not() {
        for card in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5555-5555-5555-4444",
            "2223003122003222",
            "378282246310005",
            "3782 822463 10005",
            "6011111111111117",
            "3530111333300000",
            "30569309025904",
            "6200000000000005",
        ] {
            let text = format!("12 {card}, 7");
            assert_eq!(found(&text), [card]);
        }
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "4111111111111112",
            "1700000000000",
            "0.4111111111111111",
            "a4111111111111111",
            "41111111111111110000",
            "2026-11-30 07:00:00",
        ] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn one_after_the_other_is_found() {
        let text = "4111111111111111 5555555555554444\\n378282246310005";
        assert_eq!(found(text).len(), 3);
    }
}
