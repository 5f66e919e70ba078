//! How a candidate stands, for people, in one word of memory: whoever asks at a request takes no lock.

use crate::adaptive::condition::State;
use crate::adaptive::reason::Reason;

/// Thousandths fit into this many bits.
const PART_BITS: u32 = 10;
const STATE_BITS: u32 = 2;
const REASON_BITS: u32 = 4;

/// How a candidate stands, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// Its share of the requests, in thousandths.
    pub share: u32,
    /// How it does beside the best, whose score is 1000.
    pub score: u32,
    /// Its state.
    pub state: State,
    /// What decides its share.
    pub reason: Reason,
}

impl Standing {
    pub(crate) fn packed(&self) -> u64 {
        let (code, number) = self.reason.packed();
        let state = State::ALL.iter().position(|state| *state == self.state);
        let mut word = u64::from(number);
        for (part, bits) in [
            (u64::from(code), REASON_BITS),
            (
                state.and_then(|at| u64::try_from(at).ok()).unwrap_or(0),
                STATE_BITS,
            ),
            (u64::from(self.score.min(1000)), PART_BITS),
            (u64::from(self.share.min(1000)), PART_BITS),
        ] {
            word = word << bits | part;
        }
        word
    }

    pub(crate) fn unpacked(mut word: u64) -> Self {
        let mut part = |bits: u32| {
            let part = u32::try_from(word & ((1 << bits) - 1)).unwrap_or(0);
            word >>= bits;
            part
        };
        let (share, score) = (part(PART_BITS), part(PART_BITS));
        let state = usize::try_from(part(STATE_BITS)).ok();
        let code = u8::try_from(part(REASON_BITS)).unwrap_or(0);
        Self {
            share,
            score,
            state: state
                .and_then(|at| State::ALL.get(at).copied())
                .unwrap_or_default(),
            reason: Reason::unpacked(code, part(32)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_says_it_all() {
        let reasons = [
            Reason::Unknown,
            Reason::Good,
            Reason::Failing(7),
            Reason::SlowFirstToken(u32::MAX),
            Reason::SlowAnswers(250),
            Reason::SlowTokens(101),
            Reason::Busy(96),
            Reason::Failed,
            Reason::ComingBack,
        ];
        for (reason, state) in reasons.into_iter().zip(State::ALL.into_iter().cycle()) {
            for (share, score) in [(0, 1000), (333, 7), (1000, 0)] {
                let standing = Standing {
                    share,
                    score,
                    state,
                    reason,
                };
                assert_eq!(Standing::unpacked(standing.packed()), standing);
            }
        }
    }
}
