//! Money as people read it.

use std::fmt;

/// Nano-USD. Shown in USD, with as many digits as it takes and two at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usd(pub i64);

impl fmt::Display for Usd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(Written::new(*self).as_str())
    }
}

/// The longest sum: a sign, ten digits, a point and nine more.
const LONGEST: usize = 21;

/// A sum as it is shown. It is told of every request, and made without `format!`, which takes several times as long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Written {
    /// Writes a sum.
    #[must_use]
    pub(crate) fn new(Usd(nanos): Usd) -> Self {
        const NANOS: u64 = 1_000_000_000;
        let mut written = Self {
            bytes: [0; LONGEST],
            length: 0,
        };
        let all = nanos.unsigned_abs();
        if nanos < 0 {
            written.push(b"-");
        }
        written.push(itoa::Buffer::new().format(all / NANOS).as_bytes());
        let mut digits = *b".000000000";
        let mut rest = itoa::Buffer::new();
        let rest = rest.format(all % NANOS).as_bytes();
        let end = digits.len() - rest.len();
        digits[end..].copy_from_slice(rest);
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0');
        let kept = (digits.len() - zeros.count()).max(3);
        written.push(&digits[..kept]);
        written
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.length + bytes.len();
        if let Some(room) = self.bytes.get_mut(self.length..end) {
            room.copy_from_slice(bytes);
            self.length = end;
        }
    }

    /// The text.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.length]).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::Usd;

    #[test]
    fn money_has_as_many_digits_as_it_takes() {
        for (nanos, text) in [
            (0, "0.00"),
            (1, "0.000000001"),
            (1_000_000_000, "1.00"),
            (1_500_000_000, "1.50"),
            (99_999_999, "0.099999999"),
            (-2_250_000_000, "-2.25"),
            (4_000_000_000_000_000, "4000000.00"),
            (i64::MIN, "-9223372036.854775808"),
        ] {
            assert_eq!(Usd(nanos).to_string(), text);
        }
    }
}
