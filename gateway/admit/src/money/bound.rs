//! What a request costs at most: what a strict budget reserves.
//!
//! The input is bounded by the bytes of its text, for a token of a byte-level tokenizer is at least one, plus what templates put around it;
//! the output by the limit that goes with the request. Whatever else a request sets going has no bound that anybody knows beforehand.

use fairlead_catalog::Mode;
use fairlead_wire::usage::Part;
use thiserror::Error;

use super::{Price, rounded_up};

/// No answer is cut to fewer tokens than this to fit into a budget.
pub const LEAST_OUTPUT: u64 = 16;

/// What templates put around a prompt at most, in tokens: what comes with it once, with tools, and with each turn.
const TEMPLATE: u64 = 64;
const TOOLS: u64 = 1_024;
const TURN: u64 = 16;

/// The dearest kinds that text may come to.
const READ: &[Part] = &[Part::Input, Part::CacheRead];
const WRITTEN: &[Part] = &[
    Part::Input,
    Part::CacheRead,
    Part::CacheWrite,
    Part::CacheWriteHour,
];
const OUTPUT: &[Part] = &[Part::Output, Part::Reasoning];

/// What a request may come to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Request<'a> {
    /// The bytes of its text, at least; of its body, at most.
    pub bytes: u64,
    /// How many messages it has.
    pub turns: u64,
    /// Whether it offers tools: templates describe them.
    pub tools: bool,
    /// How many answers it asks for; 0 is one.
    pub choices: u64,
    /// The most tokens of one answer, reasoning with them, as the request says it to the provider.
    pub max_output: Option<u64>,
    /// Whether it marks something to be written into a cache, or may do so.
    pub writes_cache: bool,
    /// Whether something of it is no text, or the answer is to be: images, audio, files.
    pub media: bool,
    /// Whether it has the provider run tools of its own: searches, code.
    pub server_tools: bool,
    /// Whether the provider adds a prompt, a conversation or a file that it keeps.
    pub refers: bool,
    /// How it may be served; none is as its price says.
    pub modes: &'a [Mode],
}

/// Why it cannot be said what a request costs at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Unbounded {
    /// Nobody has said what its tokens cost.
    #[error("nobody has said what it costs; set price on the provider or the model")]
    Price,
    /// Neither the request nor what is known of the model limits the answer.
    #[error("nothing limits its answer; set max_tokens, or maxOutputTokens of the model")]
    Output,
    /// Something is no text.
    #[error(
        "it has or asks for images, audio or files, whose tokens cannot be told from their bytes"
    )]
    Media,
    /// The provider runs tools.
    #[error("it has the provider run tools, whose use nothing limits")]
    ServerTools,
    /// Something is kept by the provider.
    #[error("it goes on from something that the provider keeps, whose length is not known")]
    Kept,
}

/// What a request costs at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// All of it, in nano-USD.
    pub nanos: i64,
    /// The input, in tokens.
    pub input: u64,
    input_picos: u128,
    /// A token of each of its answers together, in picodollars.
    picos_a_token: u128,
}

impl Bound {
    /// The bound of a request.
    ///
    /// # Errors
    /// Why there is none.
    pub fn of(request: &Request<'_>, price: Price<'_>) -> Result<Self, Unbounded> {
        if price.is_free() {
            return Ok(Self {
                nanos: 0,
                input: input_tokens(request),
                input_picos: 0,
                picos_a_token: 0,
            });
        }
        let reasons = [
            (request.media, Unbounded::Media),
            (request.server_tools, Unbounded::ServerTools),
            (request.refers, Unbounded::Kept),
        ];
        if let Some((_, reason)) = reasons.iter().find(|(holds, _)| *holds) {
            return Err(*reason);
        }
        let max_output = request.max_output.ok_or(Unbounded::Output)?;
        let input = input_tokens(request);
        let parts = if request.writes_cache { WRITTEN } else { READ };
        let input_rate = dearest(price, parts, request.modes, input);
        let output_rate = dearest(price, OUTPUT, request.modes, input);
        let (input_rate, output_rate) = input_rate.zip(output_rate).ok_or(Unbounded::Price)?;
        let choices = u128::from(request.choices.max(1));
        let bound = Self {
            nanos: 0,
            input,
            input_picos: u128::from(input_rate).saturating_mul(u128::from(input)),
            picos_a_token: u128::from(output_rate).saturating_mul(choices),
        };
        Ok(Self {
            nanos: bound.with_output(max_output),
            ..bound
        })
    }

    /// The bound with another limit of each answer, in nano-USD.
    #[must_use]
    pub fn with_output(&self, max_output: u64) -> i64 {
        let output = self.picos_a_token.saturating_mul(u128::from(max_output));
        rounded_up(self.input_picos.saturating_add(output))
    }

    /// The largest limit of each answer with which the bound is at most so many nano-USD; `None` if that is under [`LEAST_OUTPUT`].
    #[must_use]
    pub fn output_within(&self, nanos: i64) -> Option<u64> {
        let picos = u128::try_from(nanos).ok()?.saturating_mul(1_000);
        let left = picos.checked_sub(self.input_picos)?;
        let tokens = left.checked_div(self.picos_a_token);
        let tokens = tokens.map_or(u64::MAX, |tokens| u64::try_from(tokens).unwrap_or(u64::MAX));
        (tokens >= LEAST_OUTPUT).then_some(tokens)
    }
}

fn input_tokens(request: &Request<'_>) -> u64 {
    let tools = if request.tools { TOOLS } else { 0 };
    request
        .bytes
        .saturating_add(TEMPLATE + tools)
        .saturating_add(request.turns.saturating_mul(TURN))
}

/// The dearest rate of some kinds however the request is served, over prompts of all lengths up to `longest`; `None` if one of the ways to be
/// served has no known rate.
fn dearest(price: Price<'_>, parts: &[Part], modes: &[Mode], longest: u64) -> Option<u64> {
    let usual = [price.asked()];
    let modes = if modes.is_empty() { &usual } else { modes };
    let mut most = 0;
    for mode in modes {
        for part in parts {
            for prompt in lengths(price, longest) {
                most = most.max(price.rate(*part, *mode, prompt)?);
            }
        }
    }
    Some(most)
}

/// The lengths of prompts from which other rates hold.
fn lengths(price: Price<'_>, longest: u64) -> impl Iterator<Item = u64> {
    let listed = match price {
        Price::Own(_) => None,
        Price::Listed(prices) | Price::Asked(prices, _) => {
            Some(prices.iter().map(|price| u64::from(price.above) + 1))
        }
    };
    let longer = listed.into_iter().flatten();
    longer
        .filter(move |prompt| *prompt < longest)
        .chain([0, longest])
}
