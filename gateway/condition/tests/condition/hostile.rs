//! Texts meant to cost time or memory, and texts meant to break the parser.
//!
//! A bound that failed would show as seconds, or as an overflowing stack; the limits below leave room for a slow and busy machine.

use std::time::Duration;

use crate::asked::Asked;
use fairlead_condition::Condition;
use proptest::prelude::*;

const LIMIT: Duration = Duration::from_secs(2);

fn parses_in_time(text: &str) -> Result<Condition, String> {
    // The clock of the tests, not of the crate, which has none.
    let started = std::time::SystemTime::now();
    let outcome = Condition::parse(text).map_err(|error| error.to_string());
    let taken = started.elapsed().unwrap_or_default();
    assert!(taken < LIMIT, "{taken:?} for {text:?}");
    outcome
}

/// `text` over and over, as often as it fits.
fn fill(text: &str) -> String {
    text.repeat(Condition::MAX_BYTES / text.len())
}

#[test]
fn a_kilobyte_of_anything_is_refused_in_no_time() {
    let pieces = [
        "(",
        "[",
        "{",
        "((",
        "[[",
        "([{",
        "!",
        "-",
        "!-",
        "- ",
        "?",
        "a?",
        "a?b:",
        "true?true:",
        "a.",
        ".",
        "..",
        "a[",
        "a[0",
        "a(",
        "a(1,",
        "has(",
        "size(",
        "f(f,",
        "1+",
        "1-",
        "1*",
        "a&&",
        "true||",
        "a==",
        "a<",
        "1 in ",
        "in ",
        "\"",
        "'",
        "'''",
        "\\",
        "r'",
        "'\\",
        "'\\x",
        "'\\u",
        "{a:",
        "{'a':",
        "[1,",
        ",",
        ";",
        "`",
        "`a",
        "//",
        "/*",
        "0x",
        "1e",
        "1.",
        ".1",
        "1u",
        "e",
        "\u{0}",
        "\u{feff}",
        "\u{202e}",
        "é",
        "🦀",
        "\r",
        "\n",
        "@",
        "#",
        "$",
        "a.all(x,",
        "[1].map(x,",
        "[[1].map(x,x)].map(x,",
        "a{",
        "a{b:",
        "a.b{c:",
        "?.",
        "[?",
        "a[?0]",
        "(a)(",
        "()",
        "[]",
        "{}",
        ")",
        "]",
        "}",
        "a ",
        "null ",
        "((true)||",
        "(((a)))&&",
        "!(",
        "-(",
        "true?(",
        "a ? b ? c : d : e ",
    ];
    for piece in pieces {
        assert!(
            parses_in_time(&fill(piece)).is_err(),
            "{piece:?} repeated is accepted"
        );
    }
}

#[test]
fn balanced_texts_within_the_bounds_are_cheap_too() {
    for text in [
        format!("{}true{}", "(".repeat(16), ")".repeat(16)),
        format!("{}true{}", "[".repeat(16), "]".repeat(16)),
        format!("true{}", " && true".repeat(60)),
        format!("true{}", " ? true : true".repeat(60)),
        format!("1{} == 1", "+1".repeat(120)),
        format!("{}true{}", "!(".repeat(15), ")".repeat(15)),
        format!("'a' in [{}'a']", "'a',".repeat(120)),
        format!("request.model == '{}'", "a".repeat(1000)),
        format!("{}1{} == 1", "(1+".repeat(15), ")".repeat(15)),
        format!("{}true{}", "true?(".repeat(15), "):true".repeat(15)),
    ] {
        let _ = parses_in_time(&text);
    }
}

#[test]
fn patterns_that_explode_elsewhere_stay_linear_here() {
    let model = "a".repeat(60_000);
    let asked = Asked {
        model: &model,
        ..Asked::of("{}")
    };
    for pattern in [
        "(a+)+$b",
        "(a|a)*b",
        "(a|aa)+$b",
        "(.*)(.*)(.*)(.*)b",
        "(a*)*b",
        "^(([a-z])+.)+[A-Z]([a-z])+$",
    ] {
        let condition =
            parses_in_time(&format!("request.model.matches('{pattern}')")).expect(pattern);
        let started = std::time::SystemTime::now();
        assert_eq!(asked.is(&condition), Ok(false), "{pattern}");
        assert!(started.elapsed().unwrap_or_default() < LIMIT, "{pattern}");
    }
}

/// Texts made of the language's own words, which go further into the parser than random characters do.
fn almost_cel() -> impl Strategy<Value = String> {
    let words = prop::sample::select(vec![
        "request", ".", "headers", "[", "]", "\"x\"", "'y'", "(", ")", "has", "size", "==", "!=",
        "&&", "||", "!", "-", "1", "2.5", "?", ":", ",", "in", "{", "}", "true", "null", "model",
        "params", "matches", "all", "map", "x", " ", "\n", "//", "'''", "r'\\'", "b'", "0x1", "1u",
        "1e9", "\\", "`a`",
    ]);
    prop::collection::vec(words, 0..120).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn parsing_any_text_ends_in_time_and_without_panic(text in any::<String>()) {
        let _ = parses_in_time(&text);
    }

    #[test]
    fn parsing_what_is_almost_cel_ends_in_time_and_evaluation_with_it(text in almost_cel()) {
        if let Ok(condition) = parses_in_time(&text) {
            let _ = Asked::of("{}").is(&condition);
        }
    }
}
