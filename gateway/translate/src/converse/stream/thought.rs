//! The proof of a thought, and what cannot be read of it: told when its block is over, for nobody else takes them in bits.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::converse::Family;
use crate::converse::block::{redacted, signed};
use crate::{Malformed, Piece, Text};

/// The most that is kept of one thought, in bytes.
const MOST: usize = 8 << 20;

#[derive(Debug, Clone)]
pub(super) struct Thought {
    index: u64,
    signature: String,
    /// Bits of base64, each whole.
    redacted: Vec<String>,
    kept: usize,
}

impl Thought {
    pub(super) fn new(index: u64) -> Self {
        Self {
            index,
            signature: String::new(),
            redacted: Vec::new(),
            kept: 0,
        }
    }

    /// Of which block it is.
    pub(super) fn index(&self) -> u64 {
        self.index
    }

    pub(super) fn sign(&mut self, bit: &Text<'_>) -> Result<(), Malformed> {
        self.keep(bit)?;
        self.signature.push_str(bit.as_written());
        Ok(())
    }

    pub(super) fn redact(&mut self, bit: &Text<'_>) -> Result<(), Malformed> {
        self.keep(bit)?;
        self.redacted.push(bit.unescaped().into_owned());
        Ok(())
    }

    pub(super) fn tell(self, family: Family, piece: &mut dyn FnMut(Piece<'_>)) {
        if !self.signature.is_empty() {
            piece(Piece::Signed {
                choice: 0,
                signature: signed(Text::escaped(self.signature), family),
            });
        }
        if !self.redacted.is_empty() {
            let data = joined(&self.redacted);
            piece(Piece::Redacted {
                choice: 0,
                data: redacted(Text::plain(&data)),
            });
        }
    }

    fn keep(&mut self, bit: &Text<'_>) -> Result<(), Malformed> {
        self.kept = self.kept.saturating_add(bit.as_written().len());
        if self.kept > MOST {
            return Err(Malformed::Shape("the proof of a thought is too long"));
        }
        Ok(())
    }
}

/// Bits of base64 as one: each stands for whole bytes, so they cannot just be put in a row.
fn joined(bits: &[String]) -> String {
    if let [one] = bits {
        return one.clone();
    }
    let bytes: Result<Vec<_>, _> = bits.iter().map(|bit| STANDARD.decode(bit)).collect();
    match bytes {
        Ok(bytes) => STANDARD.encode(bytes.concat()),
        Err(_) => bits.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_of_base64_become_one() {
        let bits =
            |bits: &[&str]| joined(&bits.iter().map(|bit| (*bit).to_owned()).collect::<Vec<_>>());
        assert_eq!(bits(&["Zm8=", "b2I="]), "Zm9vYg==");
        assert_eq!(bits(&["Zm9v"]), "Zm9v");
        assert_eq!(bits(&["no base64", "?"]), "no base64?");
    }

    #[test]
    fn no_more_than_so_much_is_kept() {
        let mut thought = Thought::new(0);
        let bit = Text::escaped("x".repeat(MOST / 2));
        assert!(thought.sign(&bit).is_ok() && thought.redact(&bit).is_ok());
        assert!(thought.sign(&Text::plain("x")).is_err());
    }
}
