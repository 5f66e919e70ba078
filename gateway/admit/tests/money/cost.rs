use fairlead_admit::money::{self, Cost, Price, charge, cost, input_cost};
use fairlead_catalog::{Catalog, Mode};
use fairlead_snapshot::ModelPrice;
use fairlead_wire::usage::{Media, Parts, Served};
use proptest::prelude::*;

use crate::listed;

const MILLION: u64 = 1_000_000;
const USD: i64 = 1_000_000_000;

fn used(input: u64, output: u64) -> Parts {
    Parts {
        input: Some(input),
        output: Some(output),
        ..Parts::default()
    }
}

fn own(input: u64, output: u64) -> ModelPrice {
    ModelPrice::Tokens {
        input,
        cached_input: None,
        cache_write: None,
        output,
        reasoning: None,
    }
}

#[test]
fn a_million_tokens_cost_what_the_list_says() {
    let claude = listed("Anthropic", "claude-3-5-haiku-20241022");
    let parts = Parts {
        input: Some(MILLION),
        cache_read: Some(MILLION),
        cache_write: Some(3 * MILLION),
        cache_write_hour: Some(MILLION),
        output: Some(MILLION),
        reasoning: Some(MILLION),
        ..Parts::default()
    };
    // 0.8 + 0.08 + 2 x 1 + 1.6 + 4, and reasoning as output: 4.
    assert_eq!(cost(&parts, claude), Some(12_480_000_000));
    assert_eq!(input_cost(&parts, claude), Some(4_480_000_000));
}

#[test]
fn tiny_calls_are_rounded_up_once_and_never_to_nothing() {
    let price = own(1, 1);
    let price = Price::Own(&price);
    assert_eq!(cost(&used(1, 0), price), Some(1), "a picodollar");
    assert_eq!(
        cost(&used(500, 500), price),
        Some(1),
        "not a nanodollar for each part"
    );
    assert_eq!(cost(&used(500, 501), price), Some(2));
    assert_eq!(cost(&used(0, 0), price), Some(0));
}

#[test]
fn what_a_price_of_ones_own_does_not_name_is_charged_as_the_whole() {
    let parts = Parts {
        input: Some(1_000),
        cache_read: Some(1_000),
        cache_write: Some(1_000),
        output: Some(1_000),
        reasoning: Some(1_000),
        media: Media {
            input_audio: 400,
            output_image: 300,
            ..Media::default()
        },
        served: Some(Served::Fast),
        ..Parts::default()
    };
    assert_eq!(cost(&parts, Price::Own(&own(1, 10))), Some(23));
    let named = ModelPrice::Tokens {
        input: 10,
        cached_input: Some(1),
        cache_write: Some(12),
        output: 100,
        reasoning: Some(0),
    };
    assert_eq!(
        cost(&parts, Price::Own(&named)),
        Some(123),
        "a rate of 0 is a rate"
    );
}

#[test]
fn free_is_what_is_said_to_be_and_needs_no_usage() {
    let free = Price::Own(&ModelPrice::Free);
    assert!(free.is_free());
    assert_eq!(cost(&used(MILLION, MILLION), free), Some(0));
    let nothing = Cost {
        nanos: 0,
        estimated: false,
    };
    assert_eq!(charge(None, free, 5, 5), Some(nothing));
    assert!(!Price::Own(&own(0, 0)).is_free());
}

#[test]
fn what_was_used_and_has_no_rate_has_no_cost() {
    let unknown = Price::Listed(
        Catalog::builtin()
            .find("OpenAI", "gpt-4o")
            .expect("known")
            .prices(),
    );
    let mut parts = used(10, 10);
    assert!(cost(&parts, unknown).is_some());
    parts.media.input_audio = 4;
    assert_eq!(cost(&parts, unknown), None, "sound has a price of its own");
    parts.media.input_audio = 0;
    parts.served = Some(Served::Fast);
    assert_eq!(
        cost(&parts, unknown),
        None,
        "and so has a way that nobody lists"
    );
    parts = used(0, 0);
    parts.served = Some(Served::Fast);
    assert_eq!(
        cost(&parts, unknown),
        Some(0),
        "what was not used needs none"
    );
}

#[test]
fn the_tier_that_the_answer_names_is_charged() {
    let model = Catalog::builtin().find("OpenAI", "gpt-5").expect("known");
    let price = Price::Listed(model.prices());
    let by = |served| {
        let parts = Parts {
            served,
            ..used(MILLION, MILLION)
        };
        cost(&parts, price).expect("a rate")
    };
    let standard = by(None);
    assert_eq!(standard, 1_250_000_000 + 10 * USD);
    assert_eq!(by(Some(Served::Standard)), standard);
    assert_eq!(by(Some(Served::Committed)), standard);
    assert!(by(Some(Served::Flex)) < standard);
    assert!(by(Some(Served::Batch)) < standard);
    assert!(by(Some(Served::Priority)) > standard);
}

#[test]
fn what_was_asked_for_counts_until_an_answer_says_otherwise() {
    let prices = Catalog::builtin()
        .find("OpenAI", "gpt-5")
        .expect("known")
        .prices();
    let asked = Price::Asked(prices, Mode::Priority);
    let usual = Price::Listed(prices);
    let used = used(MILLION, MILLION);
    assert_eq!(cost(&used, asked), Some(2_500_000_000 + 20 * USD));
    assert_eq!(money::output_cost(1, MILLION, asked), Some(20 * USD));
    let told = Parts {
        served: Some(Served::Standard),
        ..used
    };
    assert_eq!(cost(&told, asked), cost(&told, usual));
}

#[test]
fn a_long_prompt_is_charged_by_its_own_rates_and_its_cache_makes_it_long() {
    let gemini = listed("Google", "gemini-2.5-pro");
    let at = |input, cached| {
        let parts = Parts {
            cache_read: Some(cached),
            ..used(input, 1_000)
        };
        cost(&parts, gemini).expect("a rate")
    };
    assert_eq!(at(200_000, 0), 250_000_000 + 10_000_000);
    assert_eq!(at(200_001, 0), 500_002_500 + 15_000_000);
    // 1 x 2.50 and 200,000 x 0.25 in millionths, with the answer at 15.
    assert_eq!(at(1, 200_000), 2_500 + 50_000_000 + 15_000_000);
}

#[test]
fn what_is_not_told_is_charged_by_its_estimate_and_marked() {
    let price = own(1_000, 10_000);
    let price = Price::Own(&price);
    let charged = |parts: Parts| charge(Some(&parts), price, 100, 7).expect("a rate");
    let cost = |nanos, estimated| Cost { nanos, estimated };
    let hung_up = charge(None, price, 100, 7);
    assert_eq!(hung_up, Some(cost(170, true)), "before a word");
    assert_eq!(charged(used(3, 4)), cost(43, false));
    let half = Parts {
        output: Some(0),
        ..Parts::default()
    };
    assert_eq!(
        charged(half),
        cost(100, true),
        "a zero that was told stays one"
    );
    let searched = Parts {
        searches: 2,
        ..used(3, 4)
    };
    assert_eq!(
        charged(searched),
        cost(43, true),
        "searches have no price a token"
    );
}

#[test]
fn nothing_costs_more_than_the_largest_budget() {
    let price = own(u64::MAX, u64::MAX);
    let parts = used(u64::MAX, u64::MAX);
    assert_eq!(cost(&parts, Price::Own(&price)), Some(money::MOST));
    assert_eq!(
        money::output_cost(1, u64::MAX, Price::Own(&price)),
        Some(money::MOST)
    );
}

proptest! {
    #[test]
    fn parts_together_cost_what_they_cost_alone_but_for_the_rounding(
        input in 0_u64..MILLION, cached in 0_u64..MILLION, written in 0_u64..MILLION,
        output in 0_u64..MILLION, reasoning in 0_u64..MILLION,
        rates in prop::array::uniform5(0_u64..10_000_000_000),
    ) {
        let price = ModelPrice::Tokens {
            input: rates[0],
            cached_input: Some(rates[1]),
            cache_write: Some(rates[2]),
            output: rates[3],
            reasoning: Some(rates[4]),
        };
        let parts = Parts {
            input: Some(input),
            cache_read: Some(cached),
            cache_write: Some(written),
            output: Some(output),
            reasoning: Some(reasoning),
            ..Parts::default()
        };
        let counts = [input, cached, written, output, reasoning];
        let picos: u128 = rates.iter().zip(counts).map(|(rate, count)| u128::from(*rate) * u128::from(count)).sum();
        let nanos = cost(&parts, Price::Own(&price)).expect("a price");
        let exact = i64::try_from(picos.div_ceil(1_000)).expect("a sum");
        prop_assert_eq!(nanos, exact.min(money::MOST));
        let input = input_cost(&parts, Price::Own(&price)).expect("a price");
        prop_assert!(input <= nanos);
    }
}
