//! One that knows the present: which targets are there, how likely each is to fail, how long its first token takes at its present load,
//! what one more request does to the others there, and what is left of its account. It does not know the future, nor the luck of a request.

use std::time::Duration;

use crate::strategy::{Ask, News, Strategy};

/// Targets that fail by so little more than the best count as equally good.
const ALIKE: f64 = 0.005;
/// What weight is worth: one of twice the weight may take 17 % longer. The power by which time counts in the strategies' own scores.
const POWER: f64 = 4.5;

/// The oracle.
#[derive(Debug, Default)]
pub struct Oracle;

impl Strategy for Oracle {
    fn pick(&mut self, ask: &mut Ask<'_>) -> Option<usize> {
        let open = ask.open();
        let failing = |ask: &Ask<'_>, at: usize| ask.world.nature(ask.scenario, at).failing;
        let has_left: Vec<usize> = open
            .iter()
            .copied()
            .filter(|at| ask.world.left(*at) > 0.0)
            .collect();
        let open = if has_left.is_empty() { open } else { has_left };
        let least = open
            .iter()
            .map(|at| failing(ask, *at))
            .min_by(f64::total_cmp)?;
        let well: Vec<usize> = open
            .into_iter()
            .filter(|at| failing(ask, *at) <= least + ALIKE)
            .collect();
        let rank = |ask: &mut Ask<'_>, at: usize| {
            let weight = f64::from(ask.scenario.targets[at].weight);
            let time = ask.world.marginal(ask.scenario, at) / weight.powf(1.0 / POWER);
            // Of those that are equally fast, the one with most left, and then the least busy.
            (time, 1.0 - ask.world.left(at), ask.world.in_flight[at])
        };
        let ranked: Vec<((f64, f64, u32), usize)> =
            well.into_iter().map(|at| (rank(ask, at), at)).collect();
        ranked
            .into_iter()
            .min_by(|(one, _), (two, _)| {
                one.0
                    .total_cmp(&two.0)
                    .then(one.1.total_cmp(&two.1))
                    .then(one.2.cmp(&two.2))
            })
            .map(|(_, at)| at)
    }

    fn tell(&mut self, _at: usize, _slot: usize, _now: Duration, _news: News) {}
}
