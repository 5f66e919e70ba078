//! Money as people read it.

use std::fmt;

/// Nano-USD. Shown in USD, with as many digits as it takes and two at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Usd(pub i64);

impl fmt::Display for Usd {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NANOS: u64 = 1_000_000_000;
        let (sign, nanos) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        let digits = format!("{:09}", nanos % NANOS);
        let kept = digits.trim_end_matches('0').len().max(2);
        write!(out, "{sign}{}.{}", nanos / NANOS, &digits[..kept])
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
