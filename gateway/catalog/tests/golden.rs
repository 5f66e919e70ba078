//! Models that everybody knows. The prices of Anthropic and DeepSeek and the priority tier of OpenAI were compared with the vendors' own pages
//! (November 2026); the others are what the packages say.

#![expect(clippy::panic, reason = "helpers of tests fail by panicking")]

use fairlead_catalog::{Catalog, Effort, Feature, Kind, Mode, Model, Quirk, Support, Unit};

use Support::{No, Unknown, Yes};

fn find(vendor: &str, model: &str) -> &'static Model {
    Catalog::builtin()
        .find(vendor, model)
        .unwrap_or_else(|| panic!("{vendor} {model} is not known"))
}

/// A rate as the vendor's page writes it.
fn rate(model: &Model, mode: Mode, unit: Unit, prompt: u64) -> String {
    model
        .prices()
        .rate(mode, unit, prompt)
        .map_or("unknown".to_owned(), |rate| rate.to_string())
}

/// Vendor, model; input, output and cache read in dollars a million tokens; window, longest prompt and longest answer in tokens.
const KNOWN: &str = "
anthropic      claude-opus-4-1      15    75   1.5     200000   200000   32000
anthropic      claude-opus-5-5      4     20   0.2    1000000  1000000  128000
anthropic      claude-fable-5-2     8     40   0.2    1000000  1000000  128000
anthropic      claude-haiku-4-5     1      5   0.1     200000   200000   64000
openai         gpt-4o               2.5   10   1.25    128000   128000   16384
openai         gpt-5                1.25  10   0.125   400000   272000  128000
openai         o3                   2      8   0.5     200000   200000  100000
google         gemini-2.5-pro       1.25  10   0.125  1048576  1048576   65536
google-vertex  gemini-2.5-flash     0.3  2.5   0.03   1048576  1048576   65535
deepseek       deepseek-v4-flash    0.3  1.2   0.006  1000000  1000000  393216
groq           openai/gpt-oss-120b  0.15 0.6   0.075   131072   131072   65536
";

#[test]
fn standard_prices_and_limits_of_each_main_vendor() {
    for line in KNOWN.lines().filter(|line| !line.is_empty()) {
        let mut known = line.split_whitespace();
        let mut next = || known.next().unwrap_or_default();
        let found = find(next(), next());
        for unit in [Unit::Input, Unit::Output, Unit::CacheRead] {
            assert_eq!(rate(found, Mode::Standard, unit, 100), next(), "{line}");
        }
        let limits = found.limits();
        for limit in [limits.window(), limits.prompt(), limits.output()] {
            assert_eq!(limit, next().parse().ok(), "{line}");
        }
        assert_eq!(found.kind(), Kind::Chat);
    }
}

#[test]
fn cache_writes_by_lifetime_batches_and_long_prompts_have_their_own_rates() {
    let sonnet = find("anthropic", "claude-sonnet-4-5");
    assert_eq!(rate(sonnet, Mode::Standard, Unit::CacheWrite, 100), "3.75");
    assert_eq!(rate(sonnet, Mode::Standard, Unit::CacheWrite1h, 100), "6");
    assert_eq!(rate(sonnet, Mode::Batch, Unit::Output, 100), "7.5");
    assert_eq!(rate(sonnet, Mode::Standard, Unit::Input, 200_001), "6");
    let haiku = find("anthropic", "claude-haiku-5-5");
    assert_eq!(rate(haiku, Mode::Standard, Unit::Input, 100_000), "0.1");
    assert_eq!(rate(haiku, Mode::Standard, Unit::Input, 100_001), "0.5");
    assert_eq!(rate(haiku, Mode::Batch, Unit::CacheRead, 100_001), "0.025");
    let gpt = find("openai", "gpt-5");
    assert_eq!(rate(gpt, Mode::Priority, Unit::Input, 100), "2.5");
    assert_eq!(rate(gpt, Mode::Flex, Unit::Output, 100), "5");
    assert_eq!(rate(gpt, Mode::Fast, Unit::Output, 100), "unknown");
    let gemini = find("google", "gemini-2.5-flash");
    assert_eq!(rate(gemini, Mode::Standard, Unit::InputAudio, 100), "1");
}

#[test]
fn what_claude_takes_goes_by_its_generation() {
    for (model, sampling, budget, adaptive, prefill, middle, off) in [
        ("claude-3-5-haiku-20241022", Yes, No, No, Yes, No, Unknown),
        ("claude-opus-4-5", Yes, Yes, No, Yes, No, Yes),
        ("claude-sonnet-4-6", Yes, Yes, Yes, No, No, Yes),
        ("claude-opus-4-7", No, No, Yes, No, No, Unknown),
        ("claude-opus-4-8", No, No, Yes, No, Yes, Unknown),
        ("claude-sonnet-5", No, No, Yes, No, No, Unknown),
        ("claude-opus-5-5", No, No, Yes, No, Yes, No),
        ("claude-fable-5-2", No, No, Yes, No, Yes, No),
    ] {
        let found = find("anthropic", model);
        let said = [
            Feature::Sampling,
            Feature::BudgetThinking,
            Feature::AdaptiveThinking,
            Feature::Prefill,
            Feature::MidSystem,
            Feature::ThinkingOff,
        ]
        .map(|feature| found.supports(feature));
        assert_eq!(
            said,
            [sampling, budget, adaptive, prefill, middle, off],
            "{model}"
        );
        assert_eq!(
            found.limits().min_budget(),
            (budget == Yes).then_some(1024),
            "{model}"
        );
        assert_eq!(found.supports(Feature::Audio), No, "{model}");
        assert_eq!(found.supports(Feature::Images), Yes, "{model}");
        assert_eq!(found.supports(Feature::Tools), Yes, "{model}");
    }
    let fable = find("anthropic", "claude-fable-5");
    assert_eq!(fable.takes(Effort::Max), Yes);
    assert_eq!(fable.takes(Effort::Minimal), Unknown);
}

#[test]
fn quirks_of_openai_are_data() {
    for (model, renamed, sampling, stop, tools) in [
        ("gpt-4o", false, Yes, Unknown, false),
        ("o3", true, No, No, false),
        ("o4-mini", true, No, No, false),
        ("gpt-5", true, No, Unknown, false),
        ("gpt-5.4", true, Yes, Unknown, true),
    ] {
        let found = find("openai", model);
        assert_eq!(found.has(Quirk::MaxCompletionTokens), renamed, "{model}");
        assert_eq!(found.supports(Feature::Sampling), sampling, "{model}");
        assert_eq!(found.supports(Feature::Stop), stop, "{model}");
        assert_eq!(found.has(Quirk::ChatToolsNeedNoReasoning), tools, "{model}");
    }
    assert!(find("openai", "gpt-5.4").has(Quirk::SamplingNeedsNoReasoning));
    assert!(find("openai", "o1-pro").has(Quirk::ResponsesOnly));
    let efforts: Vec<_> = find("openai", "gpt-5").efforts().collect();
    assert_eq!(
        efforts,
        [Effort::Minimal, Effort::Low, Effort::Medium, Effort::High]
    );
    assert_eq!(find("openai", "gpt-5").takes(Effort::None), No);
    assert_eq!(find("openai", "gpt-5.1").takes(Effort::None), Yes);
}

#[test]
fn gemini_thinks_by_budget_until_two_and_by_level_from_three() {
    let (old, new) = (
        find("google", "gemini-2.5-pro"),
        find("google", "gemini-3.1-pro-preview"),
    );
    assert_eq!(
        [old, new].map(|model| model.supports(Feature::BudgetThinking)),
        [Yes, Unknown]
    );
    assert_eq!(
        [old, new].map(|model| model.supports(Feature::LevelThinking)),
        [No, Yes]
    );
    assert_eq!(
        [old, new].map(|model| model.supports(Feature::CallIds)),
        [No, Yes]
    );
    assert_eq!(
        [old, new].map(|model| model.supports(Feature::N)),
        [Yes, No]
    );
    assert_eq!(
        [old, new].map(|model| model.has(Quirk::NeedsSignatures)),
        [false, true]
    );
    assert_eq!(old.supports(Feature::ThinkingOff), No);
    assert_eq!(
        find("google", "gemini-2.5-flash").supports(Feature::ThinkingOff),
        Yes
    );
}

#[test]
fn what_other_hosts_refuse_is_known() {
    assert_eq!(find("groq", "openai/gpt-oss-120b").supports(Feature::N), No);
    assert_eq!(find("xai", "grok-4.7").supports(Feature::Stop), No);
    let deepseek = find("deepseek", "deepseek-v4-pro");
    assert!(
        deepseek.has(Quirk::ReplaysReasoningContent)
            && deepseek.has(Quirk::NoForcedToolWhileThinking)
    );
    assert_eq!(deepseek.takes(Effort::Medium), No);
    assert_eq!(deepseek.supports(Feature::Images), No);
}

#[test]
fn embeddings_have_a_price_and_no_abilities_of_chats() {
    let model = find("openai", "text-embedding-3-small");
    assert_eq!(model.kind(), Kind::Embedding);
    assert_eq!(rate(model, Mode::Standard, Unit::Input, 1), "0.02");
    assert_eq!(rate(model, Mode::Standard, Unit::Output, 1), "unknown");
    assert_eq!(model.supports(Feature::Tools), Unknown);
}

#[test]
fn the_day_a_model_retires_is_known() {
    let day = find("openai", "o3").retires().expect("a day");
    assert_eq!(day.to_string(), "2026-12-11");
    assert_eq!(find("openai", "gpt-6-sol").retires(), None);
}

#[test]
fn facts_name_the_package_or_the_page_that_they_are_from() {
    let catalog = Catalog::builtin();
    let model = find("anthropic", "claude-opus-5-5");
    let sources: Vec<_> = catalog
        .sources_of(model)
        .map(fairlead_catalog::Source::key)
        .collect();
    assert_eq!(sources, ["genai", "litellm", "anthropic"]);
    let source = catalog.price_source(model).expect("a source");
    assert!(source.what().starts_with("genai-prices ") && source.licence() == "MIT");
}
