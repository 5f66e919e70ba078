//! Ids as hexadecimal digits: JSON's readers in browsers lose the last digits of a number of 64 bits.

use serde::{Deserializer, Serializer, de};

/// The number of 16 lower-case hexadecimal digits.
#[must_use]
pub fn id(text: &str) -> Option<u64> {
    bytes::<8>(text).map(u64::from_be_bytes)
}

/// The bytes of lower-case hexadecimal digits, exactly as many as make so many bytes.
#[must_use]
pub fn bytes<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *byte = digit(digits[0])? << 4 | digit(digits[1])?;
    }
    Some(bytes)
}

/// Lower-case hexadecimal digits of these bytes.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        digits.push(char::from(DIGITS[usize::from(byte >> 4)]));
        digits.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    digits
}

fn digit(letter: u8) -> Option<u8> {
    match letter {
        b'0'..=b'9' => Some(letter - b'0'),
        b'a'..=b'f' => Some(letter - b'a' + 10),
        _ => None,
    }
}

/// Reads a text with `read`, whatever the format lends.
struct Read<T>(fn(&str) -> Option<T>);

impl<T> de::Visitor<'_> for Read<T> {
    type Value = T;

    fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("lower-case hexadecimal digits, 16 for an id and 32 for a trace")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
    }
}

/// An id.
pub(crate) mod number {
    use super::*;

    pub(crate) fn serialize<S: Serializer>(id: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(&format_args!("{id:016x}"))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        from.deserialize_str(Read(id))
    }
}

/// Bytes.
pub(crate) mod array {
    use super::*;

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(&text(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error> {
        from.deserialize_str(Read(bytes::<N>))
    }
}

/// An id, or none.
pub(crate) mod optional_id {
    use serde::Deserialize as _;

    use super::*;

    pub(crate) fn serialize<S: Serializer>(id: &Option<u64>, to: S) -> Result<S::Ok, S::Error> {
        match id {
            Some(id) => number::serialize(id, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<u64>, D::Error> {
        optional(from, id)
    }

    /// Reads a text, if there is one.
    pub(super) fn optional<'de, D: Deserializer<'de>, T>(
        from: D,
        read: fn(&str) -> Option<T>,
    ) -> Result<Option<T>, D::Error> {
        use de::IntoDeserializer as _;

        let Some(text) = Option::<std::borrow::Cow<'de, str>>::deserialize(from)? else {
            return Ok(None);
        };
        let text: de::value::CowStrDeserializer<'_, D::Error> = text.into_deserializer();
        text.deserialize_str(Read(read)).map(Some)
    }
}

/// Bytes, or none.
pub(crate) mod optional_bytes {
    use super::*;

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &Option<[u8; N]>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => array::serialize(bytes, to),
            None => to.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<Option<[u8; N]>, D::Error> {
        super::optional_id::optional(from, bytes::<N>)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_for_the_bytes_they_were_made_of() {
        assert_eq!(text(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(bytes("00abff"), Some([0, 0xab, 0xff]));
        assert_eq!(id("ffffffffffffffff"), Some(u64::MAX));
        for bad in ["", "00abf", "00ABFF", "00abff00", "00abfé"] {
            assert_eq!(bytes::<3>(bad), None, "{bad}");
        }
    }
}
