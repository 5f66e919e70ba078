//! Whether a chain holds from its first line to its last.

use std::io::{self, BufRead};

use crate::chain::{Hash, Head, take_apart};

/// What is wrong with the line, as far as it can be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It is none that was written here.
    #[error("this is no line of an audit, or one whose end is missing")]
    Form,
    /// Its number is not the one after that of the line before.
    #[error(
        "it is number {found}, and number {wanted} has to stand here: lines were removed, added or put elsewhere"
    )]
    Number {
        /// The number that it has.
        found: u64,
        /// The number after that of the line before.
        wanted: u64,
    },
    /// Its number is right and its hash is not.
    #[error("its hash is not over what stands here and in the line before: one of them was edited")]
    Hash,
}

/// The first line that does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {wrong}")]
pub struct Fault {
    /// Which line of the file, from 1.
    pub line: u64,
    /// What is wrong with it.
    pub wrong: Wrong,
}

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// The end, as far as the chain holds: that of a whole chain is to be held against what was told elsewhere.
    pub head: Head,
    /// What does not hold; `None`: all of it holds.
    pub fault: Option<Fault>,
    /// Whether the hash that was asked for was met: at a line of this number, or later.
    pub anchored: bool,
}

/// Reads a chain and says how far it holds, and whether a hash that was told elsewhere is in it.
///
/// # Errors
/// It cannot be read.
pub fn verify(mut file: impl BufRead, anchor: Option<Hash>) -> io::Result<Verdict> {
    let mut verdict = Verdict {
        head: Head::default(),
        fault: None,
        anchored: anchor.is_none_or(|anchor| anchor == Hash::default()),
    };
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        if file.read_until(b'\n', &mut bytes)? == 0 {
            break;
        }
        // A line without a line feed is one that was not written to its end.
        let text = bytes.strip_suffix(b"\n").map(std::str::from_utf8);
        if let Err(wrong) = next(&mut verdict.head, text.and_then(Result::ok)) {
            verdict.fault = Some(Fault { line, wrong });
            break;
        }
        verdict.anchored |= anchor == Some(verdict.head.hash);
    }
    Ok(verdict)
}

fn next(head: &mut Head, line: Option<&str>) -> Result<(), Wrong> {
    let line = line.ok_or(Wrong::Form)?;
    if head.holds(line) {
        return Ok(());
    }
    let (_, found) = take_apart(line).ok_or(Wrong::Form)?;
    let wanted = head.lines + 1;
    Err(if found.lines == wanted {
        Wrong::Hash
    } else {
        Wrong::Number {
            found: found.lines,
            wanted,
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn chain(lines: usize) -> Vec<String> {
        let mut head = Head::default();
        (0..lines)
            .map(|at| {
                head.link(&format!(r#"{{"audit":"key.made","name":"k{at}"}}"#))
                    .unwrap()
            })
            .collect()
    }

    fn check(lines: &[String]) -> Verdict {
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        verify(text.as_bytes(), None).unwrap()
    }

    #[test]
    fn a_chain_as_it_was_written_holds() {
        let lines = chain(20);
        let verdict = check(&lines);
        assert_eq!((verdict.fault, verdict.head.lines), (None, 20));
        assert_eq!(check(&[]).fault, None);
    }

    #[test]
    fn what_is_removed_added_or_put_elsewhere_is_found_where_it_was() {
        let lines = chain(9);
        for at in 0..8 {
            let mut removed = lines.clone();
            removed.remove(at);
            let fault = check(&removed).fault.unwrap();
            assert_eq!(fault.line, at as u64 + 1);
            assert!(matches!(fault.wrong, Wrong::Number { .. }));
            let mut moved = lines.clone();
            moved.swap(at, at + 1);
            assert_eq!(check(&moved).fault.unwrap().line, at as u64 + 1);
            let mut twice = lines.clone();
            twice.insert(at, lines[at].clone());
            assert_eq!(check(&twice).fault.unwrap().line, at as u64 + 2);
        }
    }

    #[test]
    fn an_edit_with_a_hash_of_its_own_breaks_the_next_line() {
        let mut lines = chain(5);
        let mut head = Head::default();
        for line in &lines[..2] {
            assert!(head.holds(line));
        }
        lines[2] = head
            .link(r#"{"audit":"key.made","name":"mallory"}"#)
            .unwrap();
        let fault = check(&lines).fault.unwrap();
        assert_eq!((fault.line, fault.wrong), (4, Wrong::Hash));
    }

    #[test]
    fn a_tail_that_is_cut_shows_only_against_a_hash_told_elsewhere() {
        let lines = chain(6);
        let told = check(&lines).head.hash;
        let cut: String = lines[..4].iter().map(|line| format!("{line}\n")).collect();
        let verdict = verify(cut.as_bytes(), Some(told)).unwrap();
        assert_eq!((verdict.fault, verdict.anchored), (None, false));
        let grown: String = chain(8).iter().map(|line| format!("{line}\n")).collect();
        assert!(verify(grown.as_bytes(), Some(told)).unwrap().anchored);
    }

    proptest! {
        #[test]
        fn no_byte_can_be_another(at in 0usize..4_000, byte in any::<u8>()) {
            let text: String = chain(12).iter().map(|line| format!("{line}\n")).collect();
            let mut bytes = text.into_bytes();
            let at = at % bytes.len();
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            prop_assert!(verify(&*bytes, None).unwrap().fault.is_some());
        }

        #[test]
        fn no_part_of_it_can_be_missing(from in 0usize..4_000, length in 1usize..400) {
            let text: String = chain(12).iter().map(|line| format!("{line}\n")).collect();
            let mut bytes = text.into_bytes();
            let whole = bytes.clone();
            let from = from % bytes.len();
            let to = (from + length).min(bytes.len() - 1);
            prop_assume!(from < to);
            bytes.drain(from..to);
            // Else it is the tail that is cut.
            prop_assume!(!whole.starts_with(&bytes));
            prop_assert!(verify(&*bytes, None).unwrap().fault.is_some());
        }
    }
}
