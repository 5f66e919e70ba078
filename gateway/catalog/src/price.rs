//! The prices of a model: a rate for each unit, mode and length of prompt.

use crate::{Mode, Rate, Unit};

/// One rate of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    /// What is counted.
    pub unit: Unit,
    /// How the request was served.
    pub mode: Mode,
    /// Holds for prompts of more tokens than this, for all of their tokens; 0: for every prompt.
    pub above: u32,
    /// What a token costs.
    pub rate: Rate,
}

/// All the rates of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices<'a>(pub(crate) &'a [Price]);

impl Prices<'_> {
    /// Those of a model of which nobody has told any.
    pub const UNKNOWN: Prices<'static> = Prices(&[]);
}

impl<'a> Prices<'a> {
    /// Whether nobody has told any.
    #[must_use]
    pub const fn is_unknown(self) -> bool {
        self.0.is_empty()
    }

    /// Each rate there is.
    pub fn iter(self) -> impl Iterator<Item = Price> + use<'a> {
        self.0.iter().copied()
    }

    /// The rate that the vendor names for this, and nothing in its place.
    ///
    /// `prompt` is all of the prompt's tokens, those of the cache with them: that is what the vendors with prices for long prompts count.
    #[must_use]
    pub fn rate(self, mode: Mode, unit: Unit, prompt: u64) -> Option<Rate> {
        self.0
            .iter()
            .filter(|price| price.mode == mode && price.unit == unit)
            .filter(|price| price.above == 0 || prompt > u64::from(price.above))
            .max_by_key(|price| price.above)
            .map(|price| price.rate)
    }

    /// The rate to charge by: that of the unit, else that of the unit which it is a part of, so that nothing is charged too little.
    ///
    /// - What is read from or written to a cache is input, reasoning is output, images and video of a prompt are input.
    /// - Audio, and pictures that a model makes, cost many times what text does: without a rate of their own they are unknown.
    /// - Batch and flex are discounts: without a rate of their own, the standard one. Priority and fast cost more: unknown.
    #[must_use]
    pub fn charged(self, mode: Mode, unit: Unit, prompt: u64) -> Option<Rate> {
        let standard = matches!(mode, Mode::Batch | Mode::Flex).then_some(Mode::Standard);
        let own = self.rate(mode, unit, prompt);
        own.or_else(|| self.rate(standard?, unit, prompt))
            .or_else(|| self.charged(mode, part_of(unit)?, prompt))
    }

    /// The dearest rate of the unit in this mode over prompts of any length: the bound for a request whose length is not known.
    #[must_use]
    pub fn dearest(self, mode: Mode, unit: Unit) -> Option<Rate> {
        let lengths = self.0.iter().map(|price| u64::from(price.above) + 1);
        lengths
            .chain([0])
            .filter_map(|prompt| self.charged(mode, unit, prompt))
            .max()
    }
}

/// The unit whose rate holds where this one has none.
const fn part_of(unit: Unit) -> Option<Unit> {
    match unit {
        Unit::CacheRead | Unit::CacheWrite | Unit::InputImage | Unit::InputVideo => {
            Some(Unit::Input)
        }
        Unit::CacheWrite1h => Some(Unit::CacheWrite),
        Unit::CacheWrite12h => Some(Unit::CacheWrite1h),
        Unit::Reasoning => Some(Unit::Output),
        Unit::CacheReadAudio => Some(Unit::InputAudio),
        Unit::CacheReadImage => Some(Unit::InputImage),
        Unit::Input | Unit::Output | Unit::InputAudio | Unit::OutputAudio | Unit::OutputImage => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Price, Prices};
    use crate::{Mode, Rate, Unit};

    fn price(unit: Unit, mode: Mode, above: u32, rate: &str) -> Price {
        let rate = Rate::parse(rate).expect("a rate");
        Price {
            unit,
            mode,
            above,
            rate,
        }
    }

    fn sheet() -> Vec<Price> {
        vec![
            price(Unit::Input, Mode::Standard, 0, "1"),
            price(Unit::Output, Mode::Standard, 0, "4"),
            price(Unit::CacheRead, Mode::Standard, 0, "0.1"),
            price(Unit::Input, Mode::Standard, 200_000, "2"),
            price(Unit::Input, Mode::Batch, 0, "0.5"),
            price(Unit::Input, Mode::Priority, 0, "2"),
        ]
    }

    fn text(rate: Option<Rate>) -> Option<String> {
        rate.map(|rate| rate.to_string())
    }

    #[test]
    fn a_long_prompt_has_its_own_rate_from_one_token_over_the_threshold() {
        let sheet = sheet();
        let at = |prompt| text(Prices(&sheet).rate(Mode::Standard, Unit::Input, prompt));
        assert_eq!(at(0).as_deref(), Some("1"));
        assert_eq!(at(200_000).as_deref(), Some("1"));
        assert_eq!(at(200_001).as_deref(), Some("2"));
    }

    #[test]
    fn a_missing_rate_is_charged_as_the_whole_that_it_is_part_of() {
        let sheet = sheet();
        let charged = |mode, unit| text(Prices(&sheet).charged(mode, unit, 10));
        assert_eq!(
            charged(Mode::Standard, Unit::CacheWrite1h).as_deref(),
            Some("1")
        );
        assert_eq!(
            charged(Mode::Standard, Unit::Reasoning).as_deref(),
            Some("4")
        );
        assert_eq!(
            charged(Mode::Batch, Unit::Output).as_deref(),
            Some("4"),
            "a discount that is not known is none"
        );
        assert_eq!(
            charged(Mode::Batch, Unit::CacheRead).as_deref(),
            Some("0.1")
        );
        assert_eq!(
            charged(Mode::Priority, Unit::CacheRead).as_deref(),
            Some("2"),
            "never the cheaper standard rate"
        );
    }

    #[test]
    fn what_costs_more_and_has_no_rate_is_unknown() {
        let sheet = sheet();
        assert_eq!(
            Prices(&sheet).charged(Mode::Priority, Unit::Output, 10),
            None
        );
        assert_eq!(
            Prices(&sheet).charged(Mode::Standard, Unit::InputAudio, 10),
            None
        );
        assert_eq!(
            Prices(&sheet).charged(Mode::Standard, Unit::OutputImage, 10),
            None
        );
        assert_eq!(
            Prices(&[]).charged(Mode::Standard, Unit::Input, 10),
            None,
            "no price is not free"
        );
    }

    #[test]
    fn the_dearest_rate_is_that_of_the_longest_prompt() {
        let sheet = sheet();
        assert_eq!(
            text(Prices(&sheet).dearest(Mode::Standard, Unit::Input)).as_deref(),
            Some("2")
        );
        assert_eq!(
            text(Prices(&sheet).dearest(Mode::Standard, Unit::CacheWrite)).as_deref(),
            Some("2")
        );
        assert_eq!(Prices(&sheet).dearest(Mode::Fast, Unit::Input), None);
    }
}
