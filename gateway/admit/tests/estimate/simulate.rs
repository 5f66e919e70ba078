//! What a budget that is not strict is worth to 64 callers with answers of skewed lengths: how much of it can be used, how far it is passed, and
//! how many are refused who would have fitted.

use crate::world::{AGENT, CHAT, Demand, Outcome, Rule, USD, mean, run};

const WARM: usize = 1_000;

fn tell(what: &str, demand: Demand, rule: Rule, limit: i64, warm: usize, seeds: u64) -> Outcome {
    let outcome = mean(seeds, |seed| run(demand, rule, limit, warm, seed));
    let Outcome {
        usable,
        over,
        refused_wrongly,
    } = outcome;
    let percent = [usable, over, refused_wrongly].map(|share| share * 100.0);
    println!(
        "{what}: {:.2} % usable, {:.2} % over, {:.2} % refused wrongly",
        percent[0], percent[1], percent[2]
    );
    outcome
}

#[test]
fn chats_that_name_no_limit_use_all_of_a_small_budget_and_hardly_pass_it() {
    let outcome = tell("chat, 1 USD", CHAT, Rule::Learned, USD, WARM, 40);
    assert!(outcome.usable >= 0.99);
    assert!(outcome.over <= 0.12);
    assert!(outcome.refused_wrongly <= 0.12);
}

#[test]
fn chats_use_all_of_a_budget_and_pass_it_by_next_to_nothing() {
    let outcome = tell("chat, 100 USD", CHAT, Rule::Learned, 100 * USD, WARM, 3);
    assert!(outcome.usable >= 0.99);
    assert!(outcome.over <= 0.005);
    assert!(outcome.refused_wrongly <= 0.01);
}

#[test]
fn agents_that_allow_themselves_much_do_not_fill_a_budget_that_nobody_spent() {
    let small = tell("agent, 1 USD", AGENT, Rule::Learned, USD, WARM, 20);
    assert!(small.usable >= 0.99);
    assert!(small.over <= 0.12);
    assert!(small.refused_wrongly <= 0.4);
    let large = tell("agent, 100 USD", AGENT, Rule::Learned, 100 * USD, WARM, 3);
    assert!(large.usable >= 0.99);
    assert!(large.over <= 0.015);
    assert!(large.refused_wrongly <= 0.08);
    let whole = tell(
        "agent, 1 USD, max_tokens reserved",
        AGENT,
        Rule::Whole,
        USD,
        WARM,
        20,
    );
    assert!(whole.refused_wrongly > 0.9, "what it is better than");
}

#[test]
fn nothing_reserved_is_far_over_and_a_key_that_is_new_is_not() {
    let nothing = tell(
        "chat, 1 USD, charged afterwards",
        CHAT,
        Rule::Nothing,
        USD,
        WARM,
        20,
    );
    assert!(nothing.over > 0.5, "what it is better than");
    let cold = tell(
        "chat, 1 USD, nothing learned",
        CHAT,
        Rule::Learned,
        USD,
        0,
        20,
    );
    assert!(cold.usable >= 0.97);
    assert!(cold.over <= 0.25);
}
