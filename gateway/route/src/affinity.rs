//! Which target keeps a conversation, and which credential there: weighted rendezvous hashing.
//!
//! Every target draws a number from the conversation and its own name, and they are tried from the best number down. So each conversation
//! has an order of its own, conversations spread by weight, and a target that joins or leaves moves only the conversations that it wins or
//! that were its own (Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998; weights after Schindelhauer and
//! Schomaker, "Weighted distributed hash tables", 2005). It holds on every replica alike, for nothing is remembered.

use crate::plan::{Plan, Step};
use crate::strategy::ChosenBy;

impl Plan {
    /// Puts the targets into the order of a conversation, given as a hash that is well spread; fallbacks stay behind them. The order stays
    /// under the strategy Priority, which has one target for everyone. Caches belong to accounts, so credentials are kept too.
    pub fn keep(&mut self, conversation: u64) {
        for step in &mut self.steps {
            step.conversation = Some(conversation);
        }
        let targets = self.steps.iter().take_while(|step| step.share > 0).count();
        if let Some(targets) = self.steps.get_mut(..targets) {
            let drawn = |step: &Step| draw(conversation, hash(&step.target), step.share);
            targets.sort_by(|one, two| drawn(two).total_cmp(&drawn(one)));
            // Whoever is first now is so for the conversation, and not for as much of its share as it may have.
            for step in targets.iter_mut() {
                step.drawn = false;
            }
            if targets.len() > 1 {
                self.chosen_by = ChosenBy::Conversation;
            }
        }
    }
}

/// The number that a name of this hash draws for a conversation: the larger its share, the closer to 0 from below.
pub(crate) fn draw(conversation: u64, name: u64, share: u32) -> f64 {
    let point = mixed(conversation ^ name);
    // 53 bits, as many as a float has, and never 0.
    let fraction = (exact(point >> 11) + 0.5) / exact(1 << 53);
    fraction.ln() / f64::from(share)
}

/// A whole number below 2^54 as a float: its halves, each exact.
fn exact(number: u64) -> f64 {
    let half = |bits: u64| f64::from(u32::try_from(bits & 0xFFFF_FFFF).unwrap_or(u32::MAX));
    half(number >> 32) * 4_294_967_296.0 + half(number)
}

/// FNV-1a. Names are short.
#[must_use]
pub fn hash(name: &str) -> u64 {
    name.bytes().fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    })
}

/// Spreads every bit over all others (the finalizer of SplitMix64: Steele, Lea and Flood, 2014).
pub(crate) fn mixed(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(targets: &[(&str, u32)]) -> Plan {
        let step = |(target, share): &(&str, u32)| Step {
            target: (*target).into(),
            provider: None,
            model: "m".into(),
            requested: "m".into(),
            configured: true,
            reasons: false,
            drawn: false,
            on: None,
            fallback: *share == 0,
            share: *share,
            conversation: None,
            amendments: None,
            problem: None,
        };
        Plan {
            rule: None,
            chosen_by: ChosenBy::Weighted,
            steps: targets.iter().map(step).collect(),
            configured: true,
            condition_errors: 0,
            constraints: Vec::new(),
            through: Vec::new(),
            copies: Vec::new(),
        }
    }

    fn order(targets: &[(&str, u32)], conversation: u64) -> Vec<String> {
        let mut plan = plan(targets);
        plan.keep(conversation);
        plan.steps
            .iter()
            .map(|step| step.target.to_string())
            .collect()
    }

    /// How many of 10,000 conversations each target has.
    fn spread(targets: &[(&str, u32)]) -> Vec<usize> {
        let firsts: Vec<String> = (0..10_000).map(|n| order(targets, n)[0].clone()).collect();
        let count = |name: &str| firsts.iter().filter(|first| *first == name).count();
        targets.iter().map(|(name, _)| count(name)).collect()
    }

    #[test]
    fn conversations_spread_by_weight() {
        for (targets, due) in [
            (vec![("a", 1), ("b", 1)], vec![5_000, 5_000]),
            (vec![("a", 7), ("b", 3)], vec![7_000, 3_000]),
            (
                vec![("a", 70), ("b", 20), ("c", 10)],
                vec![7_000, 2_000, 1_000],
            ),
        ] {
            for (had, due) in spread(&targets).iter().zip(due) {
                assert!(had.abs_diff(due) < 200, "{targets:?}: {had} for {due}");
            }
        }
    }

    #[test]
    fn a_conversation_stays_where_it_is() {
        for n in 0..1_000 {
            assert_eq!(
                order(&[("a", 1), ("b", 2), ("c", 3)], n),
                order(&[("c", 3), ("a", 1), ("b", 2)], n),
                "whatever the order of the list"
            );
        }
    }

    #[test]
    fn a_target_that_leaves_moves_only_its_own_conversations() {
        for n in 0..1_000 {
            let with = order(&[("a", 1), ("b", 2), ("c", 3)], n);
            let without = order(&[("a", 1), ("c", 3)], n);
            let left: Vec<String> = with.into_iter().filter(|name| name != "b").collect();
            assert_eq!(left, without);
        }
    }

    #[test]
    fn fallbacks_stay_behind() {
        for n in 0..100 {
            assert_eq!(
                order(&[("a", 1), ("b", 1), ("f", 0), ("g", 0)], n)[2..],
                ["f", "g"]
            );
        }
    }
}
