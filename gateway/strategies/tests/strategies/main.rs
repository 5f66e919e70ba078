//! Adaptive beside the oracle and beside its rivals, in twelve scenarios.
//!
//! Figures go to `strategies/results.json` in the target folder. A plain `cargo test` runs two seeds; `FAIRLEAD_STRATEGIES=full`, which
//! `make strategies` sets, runs twenty, and is what docs/routing.md speaks of. `FAIRLEAD_SEED` is the first of them, if it is not 1.

#![cfg(test)]

mod figures;
mod speed;

#[path = "../../../tests/path/harness/results.rs"]
#[expect(
    dead_code,
    reason = "this suite stands on a part of what the other ones need"
)]
mod results;

use std::sync::OnceLock;

use fairlead_strategies::scenarios::OUTAGE;
use figures::{RIVALS, Table, Who};

/// How much longer the first token may take in the mean than with an oracle.
const FIRST: f64 = 1.15;
/// How much more often an answer may meet a fault than with an oracle, and what is allowed beyond, in parts of a hundred: an oracle that knows who
/// fails meets next to none, and to find it out takes a few.
const FAULTS: f64 = 1.3;
const FAULTS_BEYOND: f64 = 0.5;
/// What one strategy may do worse than another in one scenario without being called worse: what exploring costs, and chance.
const NOISE: f64 = 1.05;
/// How much worse replicas that share nothing may do than one.
const REPLICAS: f64 = 1.1;
/// What is worse than so many times an oracle counts no more where losses are added up: it would hide all else.
const WORST: f64 = 3.0;

/// Whether everything is done at its full length.
fn full() -> bool {
    std::env::var("FAIRLEAD_STRATEGIES").is_ok_and(|how| how == "full")
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let first = std::env::var("FAIRLEAD_SEED").map_or(1, |seed| seed.parse().unwrap());
        let count = if full() { 20 } else { 2 };
        let table = Table::run(first..first + count, !full());
        table.print();
        table
    })
}

/// Fails, once all figures were recorded, with those that are not as they have to be.
#[derive(Default)]
struct Claims(Vec<String>);

impl Claims {
    fn at_most(&mut self, name: &str, figure: f64, unit: &str, most: f64) {
        if !results::at_most(name, figure, unit, most) {
            self.0
                .push(format!("{name}: {figure} {unit}, at most {most}"));
        }
    }

    fn at_least(&mut self, name: &str, figure: f64, unit: &str, least: f64) {
        if !results::at_least(name, figure, unit, least) {
            self.0
                .push(format!("{name}: {figure} {unit}, at least {least}"));
        }
    }

    fn hold(self) {
        assert!(self.0.is_empty(), "{:#?}", self.0);
    }
}

#[test]
fn first_tokens_come_about_as_soon_as_with_an_oracle() {
    let mut claims = Claims::default();
    for (at, scenario) in table().scenarios.iter().enumerate() {
        let (ours, oracle) = (table().of(at, Who::Adaptive), table().of(at, Who::Oracle));
        let times = ours.first() / oracle.first();
        let name = format!("{}: time to the first token", scenario.name);
        claims.at_most(&name, times, "times the oracle's", FIRST);
    }
    claims.hold();
}

#[test]
fn answers_meet_faults_hardly_more_often_than_with_an_oracle() {
    let mut claims = Claims::default();
    for (at, scenario) in table().scenarios.iter().enumerate() {
        let (ours, oracle) = (table().of(at, Who::Adaptive), table().of(at, Who::Oracle));
        let beyond = 100.0 * (ours.faulted() - FAULTS * oracle.faulted());
        let name = format!("{}: answers that met a fault", scenario.name);
        let unit = "% beyond 1.3 times the oracle's";
        claims.at_most(&name, beyond, unit, FAULTS_BEYOND);
    }
    claims.hold();
}

#[test]
fn a_failed_target_is_left_within_two_ticks_and_has_its_share_back_thirty_seconds_after_it_is_well()
{
    let mut claims = Claims::default();
    let at = table().position("recovery");
    let share = |from: f64, to: f64| {
        let runs = table().of(at, Who::Adaptive).runs.iter();
        runs.map(move |run| run.share(2, from, to))
    };
    let left = share(OUTAGE.0 + 10.0, OUTAGE.1).fold(0.0, f64::max);
    let name = "recovery: share of a failed target two ticks after, probes included";
    claims.at_most(name, 100.0 * left, "%", 2.0);
    let back = share(OUTAGE.1 + 30.0, OUTAGE.1 + 90.0).fold(1.0, f64::min);
    let name = "recovery: share of a target 30 s after it is well";
    claims.at_least(name, 300.0 * back, "% of its due", 90.0);
    claims.hold();
}

#[test]
fn shares_stand_still_where_nothing_changes() {
    let mut claims = Claims::default();
    for (at, scenario) in table().scenarios.iter().enumerate() {
        let settled = scenario
            .settled
            .filter(|settled| *settled < scenario.length);
        let Some(settled) = settled else { continue };
        let runs = &table().of(at, Who::Adaptive).runs;
        let deviation = runs
            .iter()
            .map(|run| run.unrest(settled))
            .fold(0.0, f64::max);
        let name = format!("{}: standard deviation of a share", scenario.name);
        claims.at_most(&name, deviation, "points", 5.0);
    }
    claims.hold();
}

#[test]
fn no_rival_does_better() {
    let mut claims = Claims::default();
    let all = 0..table().scenarios.len();
    for rival in RIVALS {
        for at in all.clone() {
            let beside = table().loss(at, Who::Adaptive) / table().loss(at, rival);
            let name = format!(
                "{}: loss beside {}",
                table().scenarios[at].name,
                rival.name()
            );
            claims.at_most(&name, beside, "times", NOISE);
        }
        let sum = |who| -> f64 {
            let losses = all.clone().map(|at| table().loss(at, who).min(WORST));
            losses.sum()
        };
        let name = format!("all scenarios: loss beside {}", rival.name());
        claims.at_most(&name, sum(Who::Adaptive) / sum(rival), "times", 0.99);
    }
    claims.hold();
}

#[test]
fn four_replicas_that_share_nothing_do_as_well_as_one() {
    let mut claims = Claims::default();
    for (at, scenario) in table().scenarios.iter().enumerate() {
        let beside = table().loss(at, Who::Replicas) / table().loss(at, Who::Adaptive);
        let name = format!("{}: loss of four replicas", scenario.name);
        claims.at_most(&name, beside, "times that of one", REPLICAS);
    }
    claims.hold();
}

/// Of a program that is not optimised its speed says nothing.
#[test]
fn a_choice_among_sixteen_takes_half_a_microsecond_at_most() {
    let nanos = speed::nanos_a_pick();
    println!("{nanos} ns a choice");
    if full() {
        let mut claims = Claims::default();
        claims.at_most("a choice among 16 targets", nanos, "ns", 500.0);
        claims.hold();
    }
}
