//! What one attempt has reserved, from before it is sent until it is known what it used.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use fairlead_admit::estimate::{self, Cut, Learned};
use fairlead_admit::money;
use fairlead_record::Tokens;
use fairlead_snapshot::FailureClass;
use fairlead_wire::usage::Parts;

use super::holds::{Amounts, Holds};
use super::tariff::Tariff;
use super::{Governed, Target};
use crate::surface::Operation;

/// What an attempt has reserved. It is settled once: by what its answer says, or, dropped, by what it must have used.
#[derive(Debug)]
pub(crate) struct Reservation {
    pub(super) holds: Holds,
    pub(super) tariff: Tariff,
    /// What is known of such requests; `None`: nothing is limited, and nobody asks.
    pub(super) learned: Option<Arc<Learned>>,
    /// The length of the request, in bytes.
    pub(super) bytes: u64,
    /// What the prompt alone is expected to use.
    pub(super) prompt: Amounts,
    /// What is held.
    pub(super) expected: Amounts,
    /// Where what was spent is added up.
    pub(super) bill: Arc<Bill>,
    pub(super) sent: bool,
    pub(super) open: bool,
}

/// What an attempt used, as far as anybody knows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Used {
    /// What the provider said.
    pub parts: Option<Parts>,
    /// Whether it said so at the end of the answer.
    pub whole: bool,
    /// About how many tokens of the answer came by.
    pub seen: u64,
    /// Whether that is the pieces of a stream, of which it has to be learned how many tokens they are.
    pub in_pieces: bool,
}

impl Used {
    /// Of an answer in one piece, of so many bytes. Where nobody says, its text is most of it.
    #[must_use]
    pub(crate) fn of_whole(
        parts: Option<Parts>,
        operation: Option<Operation>,
        bytes: usize,
    ) -> Self {
        const BYTES_A_TOKEN: usize = 4;
        let writes = parts.is_none() && operation.is_some_and(Operation::writes_text);
        let seen = if writes { bytes / BYTES_A_TOKEN } else { 0 };
        Self {
            parts,
            whole: true,
            seen: u64::try_from(seen).unwrap_or(0),
            in_pieces: false,
        }
    }

    /// What the provider said, as it is told.
    #[must_use]
    pub(crate) fn tokens(&self) -> Option<Tokens> {
        let parts = self.parts?;
        Some(Tokens {
            input: parts.whole_input(),
            output: parts.whole_output(),
            cache_read: parts.cache_read,
            cache_write: parts.cache_write,
            reasoning: parts.reasoning,
            estimated: false,
        })
    }

    /// What is told of it; of an answer that broke off, at least what came by.
    fn told(&self, seen: Cut) -> Parts {
        let mut told = self.parts.unwrap_or_default();
        let output = told.whole_output().unwrap_or(0);
        if !self.whole && output < seen.said.saturating_add(seen.thought) {
            told.output = Some(seen.said);
            told.reasoning = Some(seen.thought);
        }
        told
    }
}

/// What a request has cost so far, over all its attempts.
#[derive(Debug, Default)]
pub(crate) struct Bill {
    nanos: AtomicI64,
    estimated: AtomicBool,
    unknown: AtomicBool,
}

/// What a request has cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Nano-USD.
    pub nanos: i64,
    /// Whether some of it is an estimate, for nobody has said what was used.
    pub estimated: bool,
}

impl Cost {
    /// Nothing, for certain.
    pub(crate) const NOTHING: Self = Self {
        nanos: 0,
        estimated: false,
    };

    /// The same in USD, for what adds up in floats.
    #[must_use]
    pub(crate) fn usd(self) -> f64 {
        Duration::from_nanos(self.nanos.unsigned_abs()).as_secs_f64()
    }
}

impl Bill {
    fn add(&self, nanos: i64, estimated: bool) {
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        if estimated {
            self.estimated.store(true, Ordering::Relaxed);
        }
    }

    /// What it comes to; `None`: what something costs is not known.
    #[must_use]
    pub(crate) fn cost(&self) -> Option<Cost> {
        (!self.unknown.load(Ordering::Relaxed)).then(|| Cost {
            nanos: self.nanos.load(Ordering::Relaxed),
            estimated: self.estimated.load(Ordering::Relaxed),
        })
    }
}

impl Reservation {
    /// Of an attempt that no limit counts, so far.
    pub(crate) fn unlimited(asked: &Governed, target: &Target<'_>) -> Self {
        Self {
            holds: Holds::default(),
            tariff: target.tariff,
            learned: None,
            bytes: asked.bytes,
            prompt: Amounts::default(),
            expected: Amounts::default(),
            bill: Arc::clone(&asked.bill),
            sent: false,
            open: true,
        }
    }

    /// What is expected of the attempt, by what has been learned of such requests.
    pub(super) fn expect(&mut self, learned: &Learned, asked: &Governed, target: &Target<'_>) {
        let most = asked.most(target.max_output);
        let price = self.tariff.price();
        let expected = learned.before(asked.bytes, most);
        let prompt_nanos = learned.input_cost_before(asked.bytes, price).unwrap_or(0);
        let output = money::output_cost(expected.input_tokens, expected.output_tokens, price);
        self.prompt = Amounts {
            nanos: prompt_nanos,
            input: count(expected.input_tokens),
            output: 0,
            prompt_nanos,
            most_nanos: None,
        };
        self.expected = Amounts {
            nanos: prompt_nanos.saturating_add(output.unwrap_or(0)),
            output: count(expected.output_tokens),
            ..self.prompt
        };
    }

    /// The request goes out now.
    pub(crate) fn goes_out(&mut self) {
        self.sent = true;
    }

    /// About so many tokens of the answer came by: more may be held than was expected.
    pub(crate) fn comes_by(&mut self, seen: u64) {
        if count(seen) <= self.expected.output || self.holds.is_empty() {
            return;
        }
        let Some(learned) = &self.learned else { return };
        let output = learned.beyond(seen).max(seen.saturating_add(1));
        let price = self.tariff.price();
        let nanos = money::output_cost(self.prompt_tokens(), output, price).unwrap_or(0);
        self.expected.output = count(output);
        self.expected.nanos = self.prompt.nanos.saturating_add(nanos);
        self.holds.raise(self.expected);
    }

    /// The answer has ended. What the attempt has cost; `None`: nobody knows.
    pub(crate) fn settle(&mut self, used: &Used) -> Option<Cost> {
        self.close(used)
    }

    /// The attempt has failed: what was refused cost nothing, what may have been worked on is owed. What it has cost; `None`: nobody knows.
    pub(crate) fn failed(&mut self, class: FailureClass, refused: bool) -> Option<Cost> {
        if refused || !may_have_worked(class) {
            self.open = false;
            let holds = std::mem::take(&mut self.holds);
            // A provider counts what it was asked, whatever it answered.
            if self.sent {
                holds.settle(Amounts::default());
            } else {
                holds.cancel();
            }
            Some(Cost::NOTHING)
        } else {
            self.close(&Used::default())
        }
    }

    fn close(&mut self, used: &Used) -> Option<Cost> {
        if !std::mem::replace(&mut self.open, false) {
            return None;
        }
        let holds = std::mem::take(&mut self.holds);
        if !self.sent {
            holds.cancel();
            return Some(Cost::NOTHING);
        }
        let charged = self.charged(used);
        match charged {
            Some((amounts, estimated)) => {
                self.bill.add(amounts.nanos, estimated);
                holds.settle(amounts);
                Some(Cost {
                    nanos: amounts.nanos,
                    estimated,
                })
            }
            None => {
                self.bill.unknown.store(true, Ordering::Relaxed);
                // Nothing is counted in money where nobody knows what it costs: no budget lets such a request pass.
                holds.settle(Amounts {
                    nanos: 0,
                    ..self.tokens(used)
                });
                None
            }
        }
    }

    /// What was used, and whether something of it is an estimate; `None`: it has no price.
    fn charged(&self, used: &Used) -> Option<(Amounts, bool)> {
        let price = self.tariff.price();
        let seen = self.seen(used);
        let told = used.told(seen);
        if used.whole
            && let (Some(learned), Some(parts)) = (&self.learned, &used.parts)
        {
            learned.settle(&estimate::Used {
                bytes: self.bytes,
                input_nanos: money::input_cost(parts, price),
                input_tokens: parts.whole_input(),
                output_tokens: parts.whole_output(),
                reasoning_tokens: parts.reasoning.unwrap_or(0),
                pieces: if used.in_pieces { used.seen } else { 0 },
            });
        }
        let (nanos, estimated) = if told.whole_input().is_some() {
            let cost = money::charge(Some(&told), price, 0, seen.said)?;
            (cost.nanos, cost.estimated || !used.whole)
        } else {
            // What is known of such prompts has their caches in it.
            let output = money::cut_cost(self.prompt_tokens(), seen.said, seen.thought, price)?;
            (self.prompt.nanos.saturating_add(output), !price.is_free())
        };
        let amounts = Amounts {
            nanos,
            ..self.tokens(used)
        };
        Some((amounts, estimated))
    }

    /// How many tokens were used, as far as is known.
    fn tokens(&self, used: &Used) -> Amounts {
        let seen = self.seen(used);
        let told = used.told(seen);
        Amounts {
            input: told.whole_input().map_or(self.prompt.input, count),
            output: count(
                told.whole_output()
                    .unwrap_or(seen.said.saturating_add(seen.thought)),
            ),
            ..Amounts::default()
        }
    }

    /// About how many tokens came by, and were thought unheard.
    fn seen(&self, used: &Used) -> Cut {
        match &self.learned {
            Some(learned) if used.in_pieces => learned.cut_after(used.seen),
            _ => Cut {
                said: used.seen,
                thought: 0,
            },
        }
    }

    fn prompt_tokens(&self) -> u64 {
        u64::try_from(self.prompt.input).unwrap_or(0)
    }
}

fn count(tokens: u64) -> i64 {
    i64::try_from(tokens).unwrap_or(i64::MAX)
}

/// Whether a provider may have worked on what failed so.
fn may_have_worked(class: FailureClass) -> bool {
    !matches!(
        class,
        FailureClass::Connect | FailureClass::Unavailable | FailureClass::BadCredential
    )
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.close(&Used::default());
    }
}
