//! What a token costs.

use std::fmt;

use thiserror::Error;

/// Picodollars a token, which is the same number as microdollars a million tokens. A whole number: money is never a float.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u64);

/// A text that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RateError {
    /// Not digits with at most one point among them.
    #[error("not a decimal number such as 1.25")]
    NotDecimal,
    /// More than six digits after the point.
    #[error("finer than a picodollar a token: at most six digits after the point")]
    TooFine,
    /// More than [`Rate::MAX`].
    #[error("more than 10000 dollars a million tokens")]
    Absurd,
}

impl Rate {
    /// Ten thousand dollars a million tokens. The dearest model there is costs under a tenth of it; what is above is a mistake.
    pub const MAX: Self = Self(10_000_000_000);

    const DIGITS: usize = 6;

    /// Reads dollars a million tokens, as price lists write them: `0.075`. Exact; no float is made on the way.
    ///
    /// # Errors
    /// What is wrong with the text. Signs, exponents and separators are refused.
    pub fn parse(text: &str) -> Result<Self, RateError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) {
            return Err(RateError::NotDecimal);
        }
        if fraction.len() > Self::DIGITS {
            return Err(RateError::TooFine);
        }
        let padding = std::iter::repeat_n(b'0', Self::DIGITS - fraction.len());
        let mut picos = 0_u64;
        for digit in whole.bytes().chain(fraction.bytes()).chain(padding) {
            picos = picos * 10 + u64::from(digit - b'0');
            if picos > Self::MAX.0 {
                return Err(RateError::Absurd);
            }
        }
        Ok(Self(picos))
    }

    /// Of what [`Rate::picos`] gave.
    pub(crate) const fn from_picos(picos: u64) -> Self {
        Self(picos)
    }

    /// Picodollars a token.
    #[must_use]
    pub const fn picos(self) -> u64 {
        self.0
    }

    /// What so many tokens cost, in picodollars. Round once, where an attempt is settled.
    #[must_use]
    pub const fn times(self, tokens: u64) -> u128 {
        self.0 as u128 * tokens as u128
    }
}

/// Dollars a million tokens, without zeros at the end: what [`Rate::parse`] reads.
impl fmt::Display for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, fraction) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if fraction == 0 {
            return write!(out, "{whole}");
        }
        let fraction = format!("{fraction:06}");
        write!(out, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Rate({self})")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Rate, RateError};

    #[test]
    fn decimal_text_becomes_picodollars_to_the_last_digit() {
        for (text, picos) in [
            ("0", 0),
            ("3", 3_000_000),
            ("1.25", 1_250_000),
            ("0.075", 75_000),
            ("0.000001", 1),
            ("18.75", 18_750_000),
            ("600", 600_000_000),
            ("10000", 10_000_000_000),
            // 0.1 + 0.2 and 0.15 are what floats get wrong.
            ("0.3", 300_000),
            ("0.15", 150_000),
        ] {
            assert_eq!(Rate::parse(text).map(Rate::picos), Ok(picos), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_no_price() {
        for text in [
            "", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", "NaN", "inf", " 1", "1.2.3", "١",
        ] {
            assert_eq!(Rate::parse(text), Err(RateError::NotDecimal), "{text:?}");
        }
        assert_eq!(Rate::parse("0.0000001"), Err(RateError::TooFine));
        assert_eq!(Rate::parse("10000.000001"), Err(RateError::Absurd));
        assert_eq!(Rate::parse(&"9".repeat(400)), Err(RateError::Absurd));
    }

    #[test]
    fn a_million_tokens_cost_what_the_list_says() {
        let rate = Rate::parse("1.25").expect("a rate");
        assert_eq!(rate.times(1_000_000), 1_250_000_000_000);
        assert_eq!(
            Rate::MAX.times(u64::MAX),
            10_000_000_000 * u128::from(u64::MAX)
        );
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(picos in 0..=10_000_000_000_u64) {
            let rate = Rate(picos);
            prop_assert_eq!(Rate::parse(&rate.to_string()), Ok(rate));
        }
    }
}
