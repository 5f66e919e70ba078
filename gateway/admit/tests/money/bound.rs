use fairlead_admit::money::{Bound, LEAST_OUTPUT, Price, Request, Unbounded, cost};
use fairlead_catalog::Mode;
use fairlead_snapshot::ModelPrice;
use fairlead_wire::usage::{Parts, Served};
use proptest::prelude::*;

use crate::listed;

fn request(bytes: u64, max_output: u64) -> Request<'static> {
    Request {
        bytes,
        turns: 1,
        max_output: Some(max_output),
        ..Request::default()
    }
}

/// 1 nano-USD a token in, 10 a token out.
const OWN: ModelPrice = ModelPrice::Tokens {
    input: 1_000,
    cached_input: None,
    cache_write: Some(1_250),
    output: 10_000,
    reasoning: None,
};

#[test]
fn a_token_is_at_least_a_byte_and_templates_add_some() {
    let bound = Bound::of(&request(1_000, 100), Price::Own(&OWN)).expect("a bound");
    assert_eq!(bound.input, 1_000 + 64 + 16);
    assert_eq!(bound.nanos, 1_080 + 1_000);
    let with_tools = Request {
        tools: true,
        choices: 3,
        writes_cache: true,
        ..request(1_000, 100)
    };
    let bound = Bound::of(&with_tools, Price::Own(&OWN)).expect("a bound");
    assert_eq!(bound.nanos, (1_080 + 1_024) * 5 / 4 + 3 * 1_000);
}

#[test]
fn what_nobody_can_bound_is_said() {
    let sure = request(10, 10);
    let price = Price::Own(&OWN);
    let reason = |request, price| Bound::of(&request, price).expect_err("no bound");
    let no_limit = Request {
        max_output: None,
        ..sure
    };
    assert_eq!(reason(no_limit, price), Unbounded::Output);
    assert_eq!(
        reason(
            Request {
                media: true,
                ..sure
            },
            price
        ),
        Unbounded::Media
    );
    assert_eq!(
        reason(
            Request {
                server_tools: true,
                ..sure
            },
            price
        ),
        Unbounded::ServerTools
    );
    assert_eq!(
        reason(
            Request {
                refers: true,
                ..sure
            },
            price
        ),
        Unbounded::Kept
    );
    let fast = Request {
        modes: &[Mode::Standard, Mode::Fast],
        ..sure
    };
    assert_eq!(reason(fast, listed("OpenAI", "gpt-4o")), Unbounded::Price);
}

#[test]
fn what_is_free_has_a_bound_whatever_it_asks_for() {
    let wild = Request {
        media: true,
        server_tools: true,
        ..Request::default()
    };
    let bound = Bound::of(&wild, Price::Own(&ModelPrice::Free)).expect("a bound");
    assert_eq!(bound.nanos, 0);
    assert_eq!(bound.output_within(0), Some(u64::MAX));
}

#[test]
fn the_dearest_way_to_be_served_counts() {
    let price = listed("OpenAI", "gpt-5");
    let by = |modes| {
        let asked = Request {
            modes,
            ..request(1_000, 1_000)
        };
        Bound::of(&asked, price).expect("a bound").nanos
    };
    assert_eq!(by(&[]), by(&[Mode::Standard]));
    assert!(by(&[Mode::Standard, Mode::Priority]) > by(&[Mode::Standard]));
    assert!(by(&[Mode::Flex]) < by(&[Mode::Standard]));
}

#[test]
fn prices_of_long_prompts_count_from_where_a_prompt_can_be_that_long() {
    let price = listed("Google", "gemini-2.5-pro");
    let short = Bound::of(&request(100_000, 1_000), price).expect("a bound");
    let long = Bound::of(&request(300_000, 1_000), price).expect("a bound");
    assert_eq!(short.nanos, 100_080 * 1_250 + 1_000 * 10_000);
    assert_eq!(long.nanos, 300_080 * 2_500 + 1_000 * 15_000);
}

#[test]
fn an_answer_is_cut_to_what_is_left_and_not_below_sixteen_tokens() {
    let bound = Bound::of(&request(1_000, 4_000), Price::Own(&OWN)).expect("a bound");
    assert_eq!(bound.nanos, 1_080 + 40_000);
    assert_eq!(bound.output_within(1_080 + 10_009), Some(1_000));
    assert_eq!(bound.with_output(1_000), 1_080 + 10_000);
    assert_eq!(bound.output_within(1_080 + 160), Some(LEAST_OUTPUT));
    assert_eq!(bound.output_within(1_080 + 159), None);
    assert_eq!(bound.output_within(100), None);
    assert_eq!(bound.output_within(-1), None);
}

proptest! {
    #[test]
    fn nothing_that_keeps_to_its_request_costs_more_than_the_bound(
        bytes in 1_u64..400_000,
        max_output in 16_u64..100_000,
        split in prop::array::uniform4(0_u64..=100),
        model in prop::sample::select(vec![
            ("Google", "gemini-2.5-pro"), ("OpenAI", "gpt-5"), ("Anthropic", "claude-sonnet-4-5"),
        ]),
        (mode, served) in prop::sample::select(vec![
            (Mode::Standard, None), (Mode::Batch, Some(Served::Batch)),
        ]),
    ) {
        let price = listed(model.0, model.1);
        let asked = Request { writes_cache: true, modes: &[mode], ..request(bytes, max_output) };
        let bound = Bound::of(&asked, price).expect("a bound");
        let of = |whole: u64, percent: u64| whole * percent / 100;
        let input = of(bytes, split[0]);
        let cache_read = of(bytes - input, split[1]);
        let cache_write = of(bytes - input - cache_read, split[2]);
        let reasoning = of(max_output, split[3]);
        let parts = Parts {
            input: Some(input),
            cache_read: Some(cache_read),
            cache_write: Some(cache_write),
            cache_write_hour: Some(cache_write / 2),
            output: Some(max_output - reasoning),
            reasoning: Some(reasoning),
            served,
            ..Parts::default()
        };
        prop_assert!(cost(&parts, price).expect("a rate") <= bound.nanos);
    }
}
