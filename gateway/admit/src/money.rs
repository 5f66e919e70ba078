//! What an attempt costs: afterwards by what it used, beforehand at most.
//!
//! Prices are whole picodollars a token; what an attempt comes to is rounded up once, to whole nanodollars. **Unknown is not zero**: where a
//! kind of token was used that has no known rate, there is no cost, and the caller decides what to charge. Free is only what is said to be.

mod bound;

use fairlead_catalog::{Mode, Prices, Unit};
use fairlead_snapshot::ModelPrice;
use fairlead_wire::usage::{Part, Parts, Served};

pub use bound::{Bound, LEAST_OUTPUT, Request, Unbounded};

/// Nothing costs more than this, in nano-USD: the largest budget there is, 4,000,000 USD.
pub const MOST: i64 = 4_000_000_000_000_000;

const PICOS_A_NANO: u128 = 1_000;

/// What an attempt cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cost {
    /// How much, in nano-USD.
    pub nanos: i64,
    /// Whether something of it is not known and was estimated or left out.
    pub estimated: bool,
}

/// What a model costs, by whoever says so.
#[derive(Debug, Clone, Copy)]
pub enum Price<'a> {
    /// The configuration: holds however the request is served.
    Own(&'a ModelPrice),
    /// The catalog.
    Listed(Prices<'a>),
    /// The catalog, for a request that asks to be served in another way than as usual: holds where its answer does not say how it was.
    Asked(Prices<'a>, Mode),
}

impl Price<'_> {
    /// Whether it is said to cost nothing. Rates that nobody knows, or that are all zero, do not say so.
    #[must_use]
    pub const fn is_free(&self) -> bool {
        matches!(self, Self::Own(ModelPrice::Free))
    }

    /// Whether nobody has said what it costs.
    #[must_use]
    pub const fn is_unknown(&self) -> bool {
        matches!(self, Self::Listed(prices) | Self::Asked(prices, _) if prices.is_unknown())
    }

    /// How a request is taken to be served before an answer says so.
    const fn asked(&self) -> Mode {
        match self {
            Self::Asked(_, mode) => *mode,
            Self::Own(_) | Self::Listed(_) => Mode::Standard,
        }
    }

    /// What a token of a kind costs, in picodollars, after a prompt of so many tokens; `None`: nobody has said.
    #[must_use]
    pub fn rate(&self, part: Part, mode: Mode, prompt: u64) -> Option<u64> {
        match self {
            Self::Own(price) => Some(own_rate(price, part)),
            Self::Listed(prices) | Self::Asked(prices, _) => prices
                .charged(mode, unit(part), prompt)
                .map(fairlead_catalog::Rate::picos),
        }
    }
}

/// How the price list calls what an answer says of how it was served.
#[must_use]
pub const fn mode(served: Served) -> Mode {
    match served {
        // What was bought beforehand has no price a token; as usual is its bound.
        Served::Standard | Served::Committed => Mode::Standard,
        Served::Batch => Mode::Batch,
        Served::Flex => Mode::Flex,
        Served::Priority => Mode::Priority,
        Served::Fast => Mode::Fast,
    }
}

/// What was used, in nano-USD, rounded up; `None`: a kind of token was used that has no known rate. What is not told counts as nothing:
/// see [`Parts::or_estimated`]. Searches have no price here.
#[must_use]
pub fn cost(parts: &Parts, price: Price<'_>) -> Option<i64> {
    picos(parts, price, |_| true).map(rounded_up)
}

/// The same of the input alone: what is learned for a byte of it.
#[must_use]
pub fn input_cost(parts: &Parts, price: Price<'_>) -> Option<i64> {
    picos(parts, price, is_input).map(rounded_up)
}

/// What an answer of so many tokens costs after a prompt of so many, in nano-USD, at the dearer rate of what is said and thought.
#[must_use]
pub fn output_cost(prompt: u64, tokens: u64, price: Price<'_>) -> Option<i64> {
    let rate = |part| price.rate(part, price.asked(), prompt);
    let rate = rate(Part::Output)?.max(rate(Part::Reasoning)?);
    Some(rounded_up(u128::from(rate) * u128::from(tokens)))
}

/// What so much of an answer costs that was cut, after a prompt of so many tokens, in nano-USD.
#[must_use]
pub fn cut_cost(prompt: u64, said: u64, thought: u64, price: Price<'_>) -> Option<i64> {
    if price.is_free() {
        return Some(0);
    }
    let picos = |part, tokens: u64| {
        let rate = price.rate(part, price.asked(), prompt)?;
        Some(u128::from(rate).saturating_mul(u128::from(tokens)))
    };
    let (said, thought) = (picos(Part::Output, said)?, picos(Part::Reasoning, thought)?);
    Some(rounded_up(said.saturating_add(thought)))
}

/// What an attempt is charged: by what its answer told, for the rest by estimates of its input and output in tokens, which a used-up stream
/// or a hang-up leaves. `None` as for [`cost`].
#[must_use]
pub fn charge(parts: Option<&Parts>, price: Price<'_>, input: u64, output: u64) -> Option<Cost> {
    let told = parts.copied().unwrap_or_default();
    let (whole, estimated) = told.or_estimated(input, output);
    let nanos = cost(&whole, price)?;
    let estimated = !price.is_free() && (estimated || whole.searches > 0);
    Some(Cost { nanos, estimated })
}

/// In picodollars, of the kinds that are wanted.
fn picos(parts: &Parts, price: Price<'_>, wanted: impl Fn(Part) -> bool) -> Option<u128> {
    if price.is_free() {
        return Some(0);
    }
    let prompt = parts.whole_input().unwrap_or(0);
    let mode = parts.served.map_or(price.asked(), mode);
    let mut all: u128 = 0;
    for (part, tokens) in parts.each() {
        if tokens == 0 || !wanted(part) {
            continue;
        }
        let rate = price.rate(part, mode, prompt)?;
        all = all.saturating_add(u128::from(rate).saturating_mul(u128::from(tokens)));
    }
    Some(all)
}

/// Nano-USD of picodollars, rounded up, at most [`MOST`].
fn rounded_up(picos: u128) -> i64 {
    i64::try_from(picos.div_ceil(PICOS_A_NANO)).map_or(MOST, |nanos| nanos.min(MOST))
}

const fn is_input(part: Part) -> bool {
    !matches!(
        part,
        Part::Output | Part::OutputAudio | Part::OutputImage | Part::Reasoning
    )
}

const fn unit(part: Part) -> Unit {
    match part {
        Part::Input => Unit::Input,
        Part::InputAudio => Unit::InputAudio,
        Part::InputImage => Unit::InputImage,
        Part::InputVideo => Unit::InputVideo,
        Part::CacheRead => Unit::CacheRead,
        Part::CacheReadAudio => Unit::CacheReadAudio,
        Part::CacheReadImage => Unit::CacheReadImage,
        Part::CacheWrite => Unit::CacheWrite,
        Part::CacheWriteHour => Unit::CacheWrite1h,
        Part::Output => Unit::Output,
        Part::OutputAudio => Unit::OutputAudio,
        Part::OutputImage => Unit::OutputImage,
        Part::Reasoning => Unit::Reasoning,
    }
}

/// A price of the configuration knows fewer kinds: what it does not name is charged as what it is a part of.
const fn own_rate(price: &ModelPrice, part: Part) -> u64 {
    let ModelPrice::Tokens {
        input,
        cached_input,
        cache_write,
        output,
        reasoning,
    } = price
    else {
        return 0;
    };
    let (named, whole) = match part {
        Part::Input | Part::InputAudio | Part::InputImage | Part::InputVideo => (None, *input),
        Part::CacheRead | Part::CacheReadAudio | Part::CacheReadImage => (*cached_input, *input),
        Part::CacheWrite | Part::CacheWriteHour => (*cache_write, *input),
        Part::Output | Part::OutputAudio | Part::OutputImage => (None, *output),
        Part::Reasoning => (*reasoning, *output),
    };
    match named {
        Some(rate) => rate,
        None => whole,
    }
}
