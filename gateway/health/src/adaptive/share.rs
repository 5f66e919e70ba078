//! From what is believed of candidates to how the requests are split among them.

use crate::adaptive::Weights;
use crate::adaptive::reason::Reason;

/// One part of a hundred that fails more than elsewhere halves a share.
const PER_FAILURE: f64 = 100.0 * std::f64::consts::LN_2;
/// A first token that takes twice the time makes a share a 23rd, and so on with this power: what is clearly slower is worth little more than
/// the exploring of it, and what is hardly slower keeps most.
const FIRST_TOKEN: f64 = 4.5;
/// The same of the tokens after it.
const PER_TOKEN: f64 = 4.5;
/// Beyond this part of what an account or its places allow, a share falls.
const BUSY: f64 = 0.7;
/// Nobody is busier than this.
const BUSIEST: f64 = 0.97;

/// What is believed of a candidate, each as the least bad that it may be and the most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Belief {
    /// The share of answers that fail.
    pub(crate) failing: (f64, f64),
    /// The time to the first token, in microseconds, of answers that come whole and of streams; `None`: not known. Infinite at most where it is
    /// only known how long was waited in vain.
    pub(crate) first: [Option<(f64, f64)>; 2],
    /// The time of each further token.
    pub(crate) token: Option<(f64, f64)>,
    /// Which part of what it may be sent it is sent.
    pub(crate) busy: f64,
    /// Whether others are measured by it.
    pub(crate) is_up: bool,
}

/// The best that others are measured by.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Best {
    failing: f64,
    first: [Option<f64>; 2],
    token: Option<f64>,
}

impl Best {
    pub(crate) fn of(beliefs: &[Belief]) -> Self {
        let up = || beliefs.iter().filter(|belief| belief.is_up);
        let first = |kind: usize| {
            up().filter_map(|belief| Some((*belief.first.get(kind)?)?.1))
                .filter(|most| most.is_finite())
                .min_by(f64::total_cmp)
        };
        Self {
            failing: up()
                .map(|belief| belief.failing.1)
                .min_by(f64::total_cmp)
                .unwrap_or(1.0),
            first: [first(0), first(1)],
            token: up()
                .filter_map(|belief| Some(belief.token?.1))
                .min_by(f64::total_cmp),
        }
    }
}

/// What speaks against a candidate: its score, 1 for the best, is `e` to the minus sum of this. Whatever may be chance counts nothing: the
/// least bad that it may be is held against the most that the best may be.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Penalty {
    pub(crate) failures: f64,
    answer: f64,
    first: f64,
    token: f64,
    busy: f64,
    /// How many parts of a hundred fail more than elsewhere, and how many times the time of the best its tokens take.
    excess: f64,
    answer_times: f64,
    first_times: f64,
    token_times: f64,
    load: f64,
}

impl Penalty {
    pub(crate) fn of(belief: &Belief, best: &Best, weights: &Weights) -> Self {
        let excess = (belief.failing.0 - best.failing).max(0.0);
        let times = |least: Option<(f64, f64)>, best: Option<f64>| match (least, best) {
            (Some((least, _)), Some(best)) if best > 0.0 => (least / best).max(1.0),
            _ => 1.0,
        };
        let ([whole, streamed], [best_whole, best_streamed]) = (belief.first, best.first);
        let (answer, first) = (times(whole, best_whole), times(streamed, best_streamed));
        let token = times(belief.token, best.token);
        let load = belief.busy.min(BUSIEST);
        let percent = |weight: u32| f64::from(weight) / 100.0;
        Self {
            failures: percent(weights.errors) * PER_FAILURE * excess,
            answer: percent(weights.of_time(false)) * FIRST_TOKEN * answer.ln(),
            first: percent(weights.of_time(true)) * FIRST_TOKEN * first.ln(),
            token: percent(weights.per_token) * PER_TOKEN * token.ln(),
            busy: percent(weights.utilization) * ((1.0 - BUSY) / (1.0 - load.max(BUSY))).ln(),
            excess: excess * 100.0,
            answer_times: answer,
            first_times: first,
            token_times: token,
            load,
        }
    }

    /// What speaks against it because it is slow or busy.
    pub(crate) fn slow(&self) -> f64 {
        // One that is slow shows it in both kinds of answers: that counts once.
        self.answer.max(self.first + self.token) + self.busy
    }

    /// Whether it changes a share by less than a twentieth.
    pub(crate) fn is_slight(&self) -> bool {
        let slow = self.answer.max(self.first).max(self.token);
        self.failures.max(slow).max(self.busy) < 0.05
    }

    /// What speaks against it most.
    pub(crate) fn reason(&self) -> Reason {
        let slow = self.answer.max(self.first).max(self.token);
        let worst = self.failures.max(slow).max(self.busy);
        if self.is_slight() {
            Reason::Good
        } else if worst <= self.failures {
            Reason::failing(self.excess)
        } else if worst <= self.first {
            Reason::slow_first_token(self.first_times)
        } else if worst <= self.token {
            Reason::slow_tokens(self.token_times)
        } else if worst <= self.answer {
            Reason::slow_answers(self.answer_times)
        } else {
            Reason::busy(self.load)
        }
    }
}

/// A part of the requests, before and after bounds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Part {
    /// What it is due, in any unit.
    pub(crate) due: f64,
    /// At least this share of all, where it is due anything.
    pub(crate) least: f64,
    /// At most this share of all.
    pub(crate) most: f64,
}

/// Splits 1 by what each is due, within the bounds of each: what one may not have goes to the others in proportion. Where all together may have
/// less than 1, each has its most, in proportion.
pub(crate) fn split(parts: &[Part]) -> Vec<f64> {
    let mut shares = fill(parts);
    // Those that would have less than their least have it, and the others pay for it in proportion.
    let raised: f64 = parts
        .iter()
        .zip(&shares)
        .filter(|(part, share)| is_low(part, **share))
        .map(|(part, _)| part.least)
        .sum();
    let others: f64 = parts
        .iter()
        .zip(&shares)
        .filter(|(part, share)| !is_low(part, **share))
        .map(|(_, share)| *share)
        .sum();
    if raised > 0.0 && others > 0.0 {
        let factor = ((1.0 - raised) / others).clamp(0.0, 1.0);
        for (part, share) in parts.iter().zip(&mut shares) {
            *share = if is_low(part, *share) {
                part.least
            } else {
                *share * factor
            };
        }
    }
    let total: f64 = shares.iter().sum();
    if total > 0.0 {
        shares.iter_mut().for_each(|share| *share /= total);
    }
    shares
}

fn is_low(part: &Part, share: f64) -> bool {
    part.due > 0.0 && share < part.least
}

/// Pours 1 into the parts in proportion to what they are due; what is full at its most takes no more.
fn fill(parts: &[Part]) -> Vec<f64> {
    let mut shares = vec![0.0; parts.len()];
    let mut is_full = vec![false; parts.len()];
    let mut left = 1.0_f64;
    for _ in 0..parts.len() {
        let open = || parts.iter().zip(&is_full).filter(|(_, full)| !**full);
        let due: f64 = open().map(|(part, _)| part.due).sum();
        if due <= 0.0 || left <= 0.0 {
            break;
        }
        let (mut filled, mut any) = (0.0, false);
        for ((part, share), full) in parts.iter().zip(&mut shares).zip(&mut is_full) {
            if !*full && left * part.due / due >= part.most {
                *share = part.most;
                (*full, any) = (true, true);
                filled += part.most;
            }
        }
        if !any {
            for ((part, share), full) in parts.iter().zip(&mut shares).zip(&is_full) {
                if !*full {
                    *share = left * part.due / due;
                }
            }
            break;
        }
        left -= filled;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Belief = Belief {
        failing: (0.0, 0.01),
        first: [None, Some((390.0, 410.0))],
        token: Some((19.0, 21.0)),
        busy: 0.0,
        is_up: true,
    };

    fn scores(beliefs: &[Belief], weights: &Weights) -> Vec<u32> {
        let best = Best::of(beliefs);
        let score = |belief| {
            let penalty = Penalty::of(belief, &best, weights);
            (-penalty.failures - penalty.slow()).exp()
        };
        beliefs
            .iter()
            .map(|belief| crate::adaptive::parts(score(belief), 1000))
            .collect()
    }

    #[test]
    fn what_may_be_chance_counts_nothing() {
        let unsure = Belief {
            failing: (0.009, 0.2),
            first: [None, Some((400.0, 900.0))],
            token: None,
            ..GOOD
        };
        assert_eq!(scores(&[GOOD, unsure], &Weights::default()), [1000, 1000]);
    }

    #[test]
    fn each_thing_that_speaks_against_it_counts_by_its_weight() {
        let failing = Belief {
            failing: (0.02, 0.04),
            ..GOOD
        };
        let slow = Belief {
            first: [None, Some((820.0, 900.0))],
            ..GOOD
        };
        let crawling = Belief {
            token: Some((42.0, 50.0)),
            ..GOOD
        };
        let busy = Belief { busy: 0.85, ..GOOD };
        let all = [GOOD, failing, slow, crawling, busy];
        let full = scores(&all, &Weights::default());
        assert_eq!(full, [1000, 500, 44, 210, 500]);
        let none = Weights {
            errors: 0,
            first_token: 0,
            per_token: 0,
            utilization: 0,
        };
        assert_eq!(scores(&all, &none), [1000; 5]);
    }

    #[test]
    fn what_is_down_is_nobodys_measure() {
        let down = Belief {
            first: [None, Some((1.0, 2.0))],
            is_up: false,
            ..GOOD
        };
        assert_eq!(scores(&[GOOD, down], &Weights::default())[0], 1000);
    }

    fn part(due: f64, least: f64, most: f64) -> Part {
        Part { due, least, most }
    }

    fn thousandths(parts: &[Part]) -> Vec<u32> {
        split(parts)
            .into_iter()
            .map(|share| crate::adaptive::parts(share, 1000))
            .collect()
    }

    #[test]
    fn what_one_may_not_have_goes_to_the_others_in_proportion() {
        let free = f64::INFINITY;
        let table: [(&[Part], &[u32]); 7] = [
            (&[part(3.0, 0.0, free), part(1.0, 0.0, free)], &[750, 250]),
            (
                &[
                    part(2.0, 0.0, 0.1),
                    part(1.0, 0.0, free),
                    part(1.0, 0.0, free),
                ],
                &[100, 450, 450],
            ),
            // One more is full after the first.
            (
                &[
                    part(2.0, 0.0, 0.2),
                    part(1.0, 0.0, 0.3),
                    part(1.0, 0.0, free),
                ],
                &[200, 300, 500],
            ),
            // One may have nothing.
            (
                &[
                    part(4.0, 0.0, 0.0),
                    part(3.0, 0.0, 0.6),
                    part(1.0, 0.0, free),
                ],
                &[0, 600, 400],
            ),
            // Together they may have half.
            (&[part(9.0, 0.0, 0.1), part(1.0, 0.0, 0.4)], &[200, 800]),
            (
                &[part(1.0, 0.01, free), part(0.0001, 0.01, free)],
                &[990, 10],
            ),
            // Who is due nothing has nothing to explore.
            (&[part(1.0, 0.01, free), part(0.0, 0.01, free)], &[1000, 0]),
        ];
        for (parts, expected) in table {
            assert_eq!(thousandths(parts), expected, "{parts:?}");
        }
    }
}
