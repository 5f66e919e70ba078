use fairlead_admit::estimate::{COLD_OUTPUT, Cut, Estimates, Learned, Used};
use fairlead_admit::money::Price;
use fairlead_catalog::Catalog;
use fairlead_snapshot::ModelPrice;

const PRICE: ModelPrice = ModelPrice::Tokens {
    input: 1_000_000,
    cached_input: None,
    cache_write: None,
    output: 4_000_000,
    reasoning: Some(8_000_000),
};

fn answered(output: u64) -> Used {
    Used {
        bytes: 4_000,
        input_nanos: Some(200_000),
        input_tokens: Some(1_000),
        output_tokens: Some(output),
        reasoning_tokens: output / 10,
        pieces: output / 3,
    }
}

fn learn(learned: &Learned, outputs: impl IntoIterator<Item = u64>) {
    for output in outputs {
        learned.settle(&answered(output));
    }
}

#[test]
fn nine_of_ten_answers_are_no_longer_than_estimated() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    learn(&learned, (0..5_000).map(|nth| nth % 1_000));
    let output = learned.before(4_000, None).output_tokens;
    // Within a bucket of the root of 2, as if its answers were spread evenly.
    assert!((850..=950).contains(&output), "{output}");
}

#[test]
fn a_key_that_is_new_is_estimated_by_its_model_and_a_model_that_is_new_by_a_guess() {
    let estimates = Estimates::default();
    let (first, second) = (estimates.of(1, 7), estimates.of(2, 7));
    assert_eq!(second.before(400, None).output_tokens, COLD_OUTPUT);
    assert_eq!(second.before(400, None).input_tokens, 100);
    learn(&first, [100; 7]);
    assert_eq!(
        second.before(400, None).output_tokens,
        COLD_OUTPUT,
        "seven are too few"
    );
    learn(&first, [100; 1]);
    let by_model = second.before(400, None).output_tokens;
    assert!(by_model < 150, "{by_model}");
    learn(&second, [2_000; 8]);
    assert!(second.before(400, None).output_tokens > 1_500);
    assert_eq!(
        first.before(400, None).output_tokens,
        by_model,
        "its own stay its own"
    );
    let elsewhere = estimates.of(1, 8).before(400, None).output_tokens;
    assert_eq!(elsewhere, COLD_OUTPUT);
}

#[test]
fn the_limit_of_a_request_only_lowers_its_estimate() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    assert_eq!(learned.before(400, Some(32_000)).output_tokens, COLD_OUTPUT);
    assert_eq!(learned.before(400, Some(16)).output_tokens, 16);
    learn(&learned, [300; 50]);
    assert!(learned.before(400, Some(32_000)).output_tokens < 400);
    assert_eq!(learned.before(400, Some(0)).output_tokens, 1);
}

#[test]
fn tokenizer_and_cache_are_in_what_a_byte_costs() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    let price = Price::Own(&PRICE);
    // A quarter of a token a byte, at a micro-dollar each.
    assert_eq!(learned.input_cost_before(8_000, price), Some(2_000_000));
    learn(&learned, [100; 8]);
    // By the 50 nanodollars that a byte has cost with what came from the cache.
    let input = learned.input_cost_before(8_000, price).unwrap();
    assert!((400_000..=400_001).contains(&input), "{input}");
    let estimate = learned.before(8_000, None);
    assert!((2_000..=2_001).contains(&estimate.input_tokens));
    let dearer = i64::try_from(estimate.output_tokens * 8_000).unwrap();
    let whole = learned.cost_before(8_000, None, price);
    assert_eq!(whole, Some(input + dearer), "an answer may be reasoning");
}

#[test]
fn a_stream_that_passes_its_estimate_is_taken_to_be_as_long_as_those_that_did() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    assert_eq!(learned.beyond(5_000), 7_500, "nobody has seen any");
    learn(&learned, [300; 90].into_iter().chain([9_000; 10]));
    let beyond = learned.beyond(1_000);
    assert!((8_900..=9_100).contains(&beyond), "{beyond}");
    assert_eq!(learned.beyond(40_000), 60_000, "none was longer");
    for so_far in [0, 1, 299, 300, 301, 8_999, 9_000, 11_000, 200_000, u64::MAX] {
        assert!(learned.beyond(so_far) >= so_far, "{so_far}");
    }
}

#[test]
fn old_answers_are_forgotten() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    learn(&learned, [8_000; 3_000]);
    learn(&learned, [100; 3_000]);
    assert!(learned.before(4, None).output_tokens < 150);
}

#[test]
fn what_was_not_told_teaches_nothing() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    for _ in 0..100 {
        learned.settle(&Used {
            bytes: 0,
            ..Used::default()
        });
    }
    assert_eq!(learned.before(400, None).output_tokens, COLD_OUTPUT);
    assert_eq!(learned.before(400, None).input_tokens, 100);
}

#[test]
fn a_cut_stream_has_used_what_its_pieces_usually_are_and_what_was_thought_unheard() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    let cut = |said, thought| Cut { said, thought };
    assert_eq!(learned.cut_after(40), cut(40, 0));
    learn(&learned, [300; 8]);
    let after = learned.cut_after(40);
    assert_eq!(after.said, 108);
    // Rounded up from what is a little over or under 30.
    assert!((30..=31).contains(&after.thought), "{after:?}");
    assert_eq!(learned.cut_after(0), cut(0, 0));
    // Reasoning that is heard is in the pieces.
    let heard = estimates.of(1, 2);
    for _ in 0..8 {
        heard.settle(&Used {
            pieces: 300,
            ..answered(300)
        });
    }
    assert_eq!(heard.cut_after(40), cut(40, 0));
}

#[test]
fn absurd_numbers_stay_numbers() {
    let estimates = Estimates::default();
    let learned = estimates.of(1, 1);
    for _ in 0..20 {
        learned.settle(&Used {
            bytes: 0,
            input_nanos: Some(i64::MAX),
            input_tokens: Some(u64::MAX),
            output_tokens: Some(u64::MAX),
            reasoning_tokens: u64::MAX,
            pieces: 1,
        });
        learned.settle(&Used {
            bytes: u64::MAX,
            input_nanos: Some(i64::MIN),
            input_tokens: Some(0),
            output_tokens: Some(0),
            reasoning_tokens: u64::MAX,
            pieces: u64::MAX,
        });
    }
    let cost = learned.cost_before(u64::MAX, None, Price::Own(&PRICE));
    assert!(cost.is_some_and(|cost| (0..=fairlead_admit::money::MOST).contains(&cost)));
    assert!(learned.before(u64::MAX, None).output_tokens <= 200_000);
}

#[test]
fn without_a_price_there_is_no_estimate_and_what_is_free_costs_nothing() {
    let learned = Estimates::default().of(1, 1);
    let nobody = Catalog::builtin()
        .find("Anthropic", "claude-2")
        .unwrap()
        .prices();
    assert!(
        learned
            .cost_before(400, None, Price::Listed(nobody))
            .is_some()
    );
    let unknown = Catalog::builtin()
        .find("Ollama", "codegeex4")
        .unwrap()
        .prices();
    assert_eq!(learned.cost_before(400, None, Price::Listed(unknown)), None);
    assert_eq!(
        learned.cost_before(400, None, Price::Own(&ModelPrice::Free)),
        Some(0)
    );
}

#[test]
fn what_was_not_asked_for_longest_is_forgotten_first() {
    let estimates = Estimates::with_room(64);
    let kept = estimates.of(0, 0);
    learn(&kept, [100; 20]);
    drop(kept);
    for key in 1..10_000 {
        let _ = estimates.of(key, key % 100);
        // Asked for all the time.
        let _ = estimates.of(0, 0);
    }
    assert!(estimates.len() <= 64, "{}", estimates.len());
    assert!(!estimates.is_empty());
    assert!(estimates.of(0, 0).before(4, None).output_tokens < 150);
    let forgotten = estimates.of(1, 1).before(4, None).output_tokens;
    assert_eq!(forgotten, COLD_OUTPUT);
}
