//! One vector, as its provider writes it, and as its caller wants it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_json::{Kind, Raw};

use super::Coding;
use crate::write::Json;
use crate::{Malformed, Text};

/// A vector.
#[derive(Debug, Clone)]
pub enum Vector<'a> {
    /// A list of numbers.
    Numbers(Raw<'a>),
    /// The bytes of little-endian floats of 32 bits, in base64.
    Base64(Text<'a>),
}

const NO_VECTOR: Malformed = Malformed::Shape("an embedding is no list of numbers");

impl<'a> Vector<'a> {
    /// What a value is.
    ///
    /// # Errors
    /// Neither a list with something in it nor a text.
    pub fn of(value: Raw<'a>) -> Result<Self, Malformed> {
        match value.kind() {
            Kind::Array if value.count() > 0 => Ok(Self::Numbers(value)),
            Kind::String => Text::of(value).map(Self::Base64).ok_or(NO_VECTOR),
            Kind::Array | Kind::Object | Kind::Number | Kind::Bool(_) | Kind::Null => {
                Err(NO_VECTOR)
            }
        }
    }

    /// Writes it.
    ///
    /// # Errors
    /// It is no vector, or has a number that the coding does not hold.
    pub fn write(&self, coding: Coding, json: &mut Json) -> Result<(), Malformed> {
        match coding {
            Coding::Numbers => self.numbers(json),
            Coding::Base64 => self.base64(json),
        }
    }

    /// Writes it as numbers: as they are written, if they are.
    ///
    /// # Errors
    /// It is no vector.
    pub fn numbers(&self, json: &mut Json) -> Result<(), Malformed> {
        let text = match self {
            Self::Numbers(raw) => {
                json.raw(*raw);
                return Ok(());
            }
            Self::Base64(text) => text,
        };
        let bytes = STANDARD.decode(&*text.unescaped());
        let bytes = bytes.map_err(|_| NO_VECTOR)?;
        let (floats, rest) = bytes.as_chunks::<4>();
        if floats.is_empty() || !rest.is_empty() {
            return Err(NO_VECTOR);
        }
        let mut list = String::with_capacity(12 * floats.len());
        for float in floats {
            let float = &f32::from_le_bytes(*float);
            if !float.is_finite() {
                return Err(NO_VECTOR);
            }
            list.push(if list.is_empty() { '[' } else { ',' });
            list.push_str(&number(*float));
        }
        list.push(']');
        json.verbatim(&list);
        Ok(())
    }

    /// Writes it in base64: each number rounded once to 32 bits.
    ///
    /// # Errors
    /// It is no vector, or has a number that 32 bits do not hold.
    fn base64(&self, json: &mut Json) -> Result<(), Malformed> {
        let raw = match self {
            Self::Base64(text) => {
                json.text(text);
                return Ok(());
            }
            Self::Numbers(raw) => raw,
        };
        let mut bytes = Vec::new();
        let mut wrong = false;
        raw.each_element(|number| {
            let float = number.text().parse().unwrap_or(f32::NAN);
            wrong |= number.kind() != Kind::Number || !float.is_finite();
            bytes.extend_from_slice(&float.to_le_bytes());
        });
        if wrong {
            return Err(NO_VECTOR);
        }
        json.str(&STANDARD.encode(bytes));
        Ok(())
    }
}

/// A number that reads back as the same 32 bits, with an exponent where it would be long without: a small one has up to 47 digits.
fn number(float: f32) -> String {
    const LONGEST: usize = 16;
    let plain = float.to_string();
    if plain.len() <= LONGEST {
        plain
    } else {
        format!("{float:e}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_number_is_long_and_each_reads_back() {
        for float in [
            0.0,
            -0.012_345_679,
            1.0,
            f32::from_bits(1),
            -f32::from_bits(0x0080_0001),
            f32::MIN_POSITIVE,
            f32::MAX,
            f32::MIN,
            1e-7,
        ] {
            let text = number(float);
            assert!(text.len() <= 16, "{text}");
            let read: f32 = serde_json::from_str(&text).unwrap();
            assert_eq!(read.to_bits(), float.to_bits(), "{text}");
        }
    }
}
