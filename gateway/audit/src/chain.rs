//! The chain. A line is a JSON object whose last two members are its number and its hash: SHA-256 over the 64 hexadecimal digits of the hash
//! before, a line feed, and the line up to the comma before `"hash"`. Before the first line stands a hash of zeros.

use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

/// A hash of a chain, shown as 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hash([u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl Hash {
    /// The hash of 64 lower-case hexadecimal digits.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let plain = |digit: &u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(digit);
        if digits.len() != 64 || !digits.iter().all(plain) {
            return None;
        }
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(bytes))
    }

    fn after(self, body: &str) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.to_string());
        hash.update("\n");
        hash.update(body);
        Self(hash.finalize().into())
    }
}

/// The end of a chain: what the next line hangs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Head {
    /// How many lines there are; the number of the last one.
    pub lines: u64,
    /// The hash of the last line; zeros before the first.
    pub hash: Hash,
}

/// A text that is no JSON object on one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a line of the audit is a JSON object on one line, without members `seq` and `hash`")]
pub struct NotAnObject;

impl Head {
    /// Hangs a JSON object on the end; gives its line, without a line feed.
    ///
    /// # Errors
    /// It is none.
    pub fn link(&mut self, object: &str) -> Result<String, NotAnObject> {
        let members: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(object).map_err(|_| NotAnObject)?;
        let open = object.trim_end().strip_suffix('}').ok_or(NotAnObject)?;
        if object.contains('\n') || members.contains_key("seq") || members.contains_key("hash") {
            return Err(NotAnObject);
        }
        let number = self.lines + 1;
        let comma = if members.is_empty() { "" } else { "," };
        let mut line = format!("{open}{comma}\"seq\":{number}");
        let hash = self.hash.after(&line);
        let _ = write!(line, ",\"hash\":\"{hash}\"}}");
        *self = Self {
            lines: number,
            hash,
        };
        Ok(line)
    }

    /// Whether a line hangs on the end; then it is the end.
    #[must_use]
    pub(crate) fn holds(&mut self, line: &str) -> bool {
        let Some((body, head)) = take_apart(line) else {
            return false;
        };
        let next = Self {
            lines: self.lines + 1,
            hash: self.hash.after(body),
        };
        let good = next == head;
        if good {
            *self = next;
        }
        good
    }
}

/// What a line says of its own place, unproven: what its hash is over, its number and its hash.
pub(crate) fn take_apart(line: &str) -> Option<(&str, Head)> {
    let (body, hash) = line.strip_suffix("\"}")?.rsplit_once(",\"hash\":\"")?;
    let (_, number) = body.rsplit_once("\"seq\":")?;
    let head = Head {
        lines: number.parse().ok()?,
        hash: Hash::read(hash)?,
    };
    Some((body, head))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_an_object_and_holds_where_it_was_made() {
        let mut head = Head::default();
        let first = head.link(r#"{"audit":"key.made","name":"a"}"#).unwrap();
        let second = head.link("{}").unwrap();
        let read: serde_json::Value = serde_json::from_str(&first).unwrap();
        assert_eq!((&read["seq"], &read["name"]), (&1.into(), &"a".into()));
        assert!(second.starts_with(r#"{"seq":2,"hash":""#), "{second}");
        let mut again = Head::default();
        assert!(!again.holds(&second));
        assert!(again.holds(&first) && again.holds(&second));
        assert_eq!(again, head);
    }

    #[test]
    fn hashes_can_be_reckoned_by_other_means() {
        // printf '%064d\n{"a":1,"seq":1' 0 | sha256sum
        let mut head = Head::default();
        head.link(r#"{"a":1}"#).unwrap();
        assert_eq!(
            head.hash.to_string(),
            "c1b8583779309b5761a4f5a6c5d0da6bbd56c0343ef7a121f1f0955d916e6dad"
        );
    }

    #[test]
    fn what_is_no_object_is_not_hung_on() {
        let mut head = Head::default();
        for bad in [
            "",
            "1",
            "[]",
            "{\n}",
            r#"{"seq":1}"#,
            r#"{"hash":""}"#,
            "{} {}",
        ] {
            assert_eq!(head.link(bad), Err(NotAnObject), "{bad}");
        }
        assert_eq!(head, Head::default());
    }
}
