//! How the vectors of an answer are written: as the caller has asked, whatever a host makes of that.

use fairlead_json::{JsonError, Limits, Scanner};
use memchr::memmem;

use super::Vector;
use crate::edits::Edits;
use crate::write::Json;

/// How vectors are written: `encoding_format`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Coding {
    /// As lists of numbers: `float`.
    #[default]
    Numbers,
    /// As the bytes of little-endian floats of 32 bits: `base64`.
    Base64,
}

impl Coding {
    /// The one of this name; `None`: one that only some hosts have.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "float" => Some(Self::Numbers),
            "base64" => Some(Self::Base64),
            _ => None,
        }
    }

    /// Whether an answer of OpenAI's form, of which this is the beginning, has its first vector written otherwise. A look at the first
    /// vector only: the others are written like it.
    #[must_use]
    pub fn is_missed_by(self, begun: &[u8]) -> bool {
        first(begun).is_some_and(|first| first != self)
    }

    /// An answer of OpenAI's form with its vectors written so, and all else as it was; `None`: it has something that is no vector.
    #[must_use]
    pub fn applied(self, answer: &[u8]) -> Option<Vec<u8>> {
        let mut edits = Edits::default();
        let mut scanner = Scanner::over(answer, &Limits::default()).ok()?;
        let mut only_vectors = true;
        let walked = scanner.object(|scanner, key| {
            if key.name() != "data" || scanner.peek() != Some(b'[') {
                return scanner.skip();
            }
            scanner.array(|scanner| {
                if scanner.peek() != Some(b'{') {
                    return scanner.skip();
                }
                let mut vectors = 0;
                scanner.object(|scanner, key| {
                    if key.name() != "embedding" {
                        return scanner.skip();
                    }
                    vectors += 1;
                    // The memory for it is reckoned by the objects.
                    only_vectors &= vectors == 1;
                    if vectors > 1 {
                        return scanner.skip();
                    }
                    only_vectors &= self.write(scanner, &mut edits)?;
                    Ok(())
                })
            })
        });
        walked.ok()?;
        edits.apply(answer).filter(|_| only_vectors)
    }

    /// Notes how the next value is written; `false`: it is no vector.
    fn write(self, scanner: &mut Scanner<'_>, edits: &mut Edits) -> Result<bool, JsonError> {
        let value = scanner.value()?;
        let mut json = Json::with_capacity(256);
        let vector = Vector::of(scanner.found(&value));
        let written = vector.and_then(|vector| vector.write(self, &mut json));
        edits.replace(
            value.span,
            String::from_utf8(json.finish()).unwrap_or_default(),
        );
        Ok(written.is_ok())
    }
}

/// How the first vector is written. A member's name has no backslash before its closing quote, so it is found in no text.
fn first(begun: &[u8]) -> Option<Coding> {
    const NAME: &[u8] = b"\"embedding\"";
    memmem::find_iter(begun, NAME).find_map(|at| {
        let behind = begun.get(at + NAME.len()..)?.trim_ascii_start();
        let value = behind.strip_prefix(b":")?.trim_ascii_start();
        match value.first()? {
            b'[' => Some(Coding::Numbers),
            b'"' => Some(Coding::Base64),
            _ => None,
        }
    })
}
