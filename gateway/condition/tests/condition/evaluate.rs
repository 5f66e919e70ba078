//! What conditions mean.

use crate::asked::Asked;
use fairlead_condition::{Condition, EvaluationError};
use serde_json::{Value, json};

fn holds(text: &str, params: &Value) -> Result<bool, EvaluationError> {
    let condition = Condition::parse(text).expect(text);
    Asked::of(&params.to_string()).is(&condition)
}

fn all_hold(texts: &[&str], params: &Value) {
    for text in texts {
        assert_eq!(holds(text, params), Ok(true), "{text}");
    }
}

#[test]
fn a_missing_header_reads_as_the_empty_text() {
    all_hold(
        &[
            r#"request.headers["x-tier"] == "gold""#,
            r#"request.headers["x-nothing"] == """#,
            r#"request.headers["x-nothing"] != "gold""#,
            r#"!has(request.headers["x-nothing"]) && has(request.headers["x-empty"]) && has(request.headers.accept)"#,
            r#"!("x-nothing" in request.headers) && "x-tier" in request.headers"#,
            r#"request.headers["x-nothing"].startsWith("")"#,
            r#"size(request.headers) == 3"#,
        ],
        &json!({}),
    );
}

#[test]
fn header_names_are_compared_without_regard_to_case() {
    all_hold(
        &[
            r#"request.headers["X-Tier"] == "gold""#,
            r#""X-TIER" in request.headers"#,
            r#"has(request.headers["Accept"])"#,
        ],
        &json!({}),
    );
}

#[test]
fn a_missing_parameter_reads_as_null_at_any_depth() {
    all_hold(
        &[
            "request.params.user == null",
            "request.params.user != 'bob'",
            "request.params['user'] == null",
            "request.params.metadata.plan.name == null",
            "request.params.given.other != 'x'",
            "!has(request.params.user) && !has(request.params.metadata.plan)",
            "has(request.params.given) && has(request.params.given.plan) && has(request.params['given'])",
            "!has(request.params.nothing)",
            "!('beta' in request.params.tags)",
            "'plan' in request.params.given && !('other' in request.params.given)",
        ],
        &json!({"given": {"plan": "pro"}, "nothing": null}),
    );
}

#[test]
fn a_key_without_a_team_reads_as_the_empty_text() {
    all_hold(
        &[
            "organization.name == ''",
            "organization.name != 'acme'",
            "!has(organization.name)",
            "has(team.name)",
            "team.name == 'core'",
        ],
        &json!({}),
    );
}

#[test]
fn sees_the_caller_and_the_request() {
    all_hold(
        &[
            "key.name == 'checkout' && key.namespace == 'search'",
            "request.model == 'gpt-4o'",
            "request.stream",
            "has(request.model) && has(key.name)",
        ],
        &json!({}),
    );
}

#[test]
fn ordering_null_is_an_error_that_has_avoids() {
    assert_eq!(
        holds("request.params.temperature > 0.5", &json!({})),
        Err(EvaluationError::NoOrder("null", "number"))
    );
    assert_eq!(
        holds(
            "has(request.params.temperature) && request.params.temperature > 0.5",
            &json!({})
        ),
        Ok(false)
    );
    assert_eq!(
        holds("request.params.user.startsWith('a')", &json!({})),
        Err(EvaluationError::NotApplicable("startsWith()", "null"))
    );
}

#[test]
fn integers_and_doubles_are_compared_as_numbers() {
    all_hold(
        &[
            "request.params.temperature > 0.5 && request.params.temperature >= 1 && request.params.temperature == 1.0",
            "request.params.top_p > 0 && request.params.top_p < 1 && request.params.top_p == 0.25",
            "1 == 1.0 && 1u == 1 && 1 < 1.5 && 2.5 > 2 && !(1 == 2.0)",
            "1.0 in [1, 2] && [1, 2] == [1.0, 2.0]",
            "request.params.huge > 9223372036854775807.0",
            "request.params.seed == 9007199254740993 && request.params.seed != 9007199254740992",
        ],
        &json!({"temperature": 1, "top_p": 0.25, "huge": u64::MAX, "seed": 9_007_199_254_740_993_i64}),
    );
}

#[test]
fn arithmetic_mixes_numbers_and_never_wraps() {
    all_hold(
        &[
            "1 + 2 * 3 - 4 / 2 == 5 && 7 % 4 == 3",
            "request.params.n * 2 > 0.5",
            "-request.params.n == -0.5 && 1 / 2 == 0 && 1 / 2.0 == 0.5",
        ],
        &json!({"n": 0.5}),
    );
    for text in [
        "9223372036854775807 + 1 > 0",
        "-9223372036854775808 / -1 > 0",
        "-9223372036854775808 - 1 < 0",
        "4611686018427387904 * 2 > 0",
    ] {
        assert_eq!(
            holds(text, &json!({})),
            Err(EvaluationError::OutOfRange),
            "{text}"
        );
    }
    assert_eq!(
        holds("1 / 0 == 1", &json!({})),
        Err(EvaluationError::DivisionByZero)
    );
    assert_eq!(
        holds("1 % 0 == 1", &json!({})),
        Err(EvaluationError::DivisionByZero)
    );
    assert_eq!(
        holds("1 + 'a' == 'a'", &json!({})),
        Err(EvaluationError::NotApplicable("arithmetic", "text"))
    );
}

#[test]
fn converts_where_asked() {
    all_hold(
        &[
            "int('12') == 12 && int(1.9) == 1 && int(-1.9) == -1",
            "double('0.5') == 0.5 && double(1) == 1.0",
            "string(1) == '1' && string(true) == 'true' && string(0.5) == '0.5'",
        ],
        &json!({}),
    );
    for text in [
        "int('x') == 1",
        "int(1e300) == 1",
        "int(9223372036854775808.0) == 1",
        "double('x') == 1.0",
        "int(request.headers.nothing) == 0",
    ] {
        assert_eq!(
            holds(text, &json!({})),
            Err(EvaluationError::OutOfRange),
            "{text}"
        );
    }
}

#[test]
fn looks_into_texts_and_lists() {
    all_hold(
        &[
            "request.model.startsWith('gpt-') && request.model.endsWith('4o') && request.model.contains('t-4')",
            r"request.model.matches('^gpt-\\d') && !request.model.matches('^claude') && matches(request.model, 'o$')",
            "'a' + 'b' == 'ab' && 'a' < 'b' && false < true",
            "'b' in request.params.tags && request.params.tags[0] == 'a' && request.params.tags == ['a', 'b'] && ['x', 'y'][1] == 'y'",
            "size(request.params.tags) == 2 && 'grün'.size() == 4 && size([1, 2, 3]) == 3 && size(request.params) == 1",
            "has(request.params.tags[1]) && !has(request.params.tags[2])",
        ],
        &json!({"tags": ["a", "b"]}),
    );
    assert_eq!(
        holds("request.params.tags[2] == 'c'", &json!({"tags": ["a"]})),
        Err(EvaluationError::NoSuchIndex)
    );
    assert_eq!(
        holds("request.params.tags[-1] == 'c'", &json!({"tags": ["a"]})),
        Err(EvaluationError::NoSuchIndex)
    );
}

#[test]
fn values_of_different_kinds_are_not_equal() {
    all_hold(
        &[
            "request.params.n != '1' && request.params.n != null && request.params.n != true && request.params.o != request.params.n",
            "request.params.o == request.params.o",
        ],
        &json!({"n": 1, "o": {"a": [1]}}),
    );
}

#[test]
fn a_decisive_side_decides_even_beside_an_error() {
    all_hold(
        &[
            "true || 1 / 0 == 1",
            "1 / 0 == 1 || true",
            "!(false && 1 / 0 == 1)",
            "!(1 / 0 == 1 && false)",
            "request.stream ? true : 1 / 0 == 1",
        ],
        &json!({}),
    );
    for text in [
        "false || 1 / 0 == 1",
        "1 / 0 == 1 && true",
        "1 / 0 == 1 || false",
    ] {
        assert_eq!(
            holds(text, &json!({})),
            Err(EvaluationError::DivisionByZero),
            "{text}"
        );
    }
}

#[test]
fn a_result_that_is_no_boolean_is_an_error() {
    assert_eq!(
        holds("request.params.user", &json!({"user": "x"})),
        Err(EvaluationError::NotBoolean("text"))
    );
    assert_eq!(
        holds("request.params.echo", &json!({})),
        Err(EvaluationError::NotBoolean("null"))
    );
    assert_eq!(
        holds("request.params.echo && true", &json!({"echo": 1})),
        Err(EvaluationError::NotBoolean("number"))
    );
    assert_eq!(
        holds("request.params.echo", &json!({"echo": true})),
        Ok(true)
    );
}

#[test]
fn long_texts_are_neither_copied_nor_searched_by_pattern() {
    let long = json!({"input": "x".repeat(65_537)});
    assert_eq!(
        holds("(request.params.input + 'x').contains('y')", &long),
        Err(EvaluationError::TooLong)
    );
    assert_eq!(
        holds("request.params.input.matches('y')", &long),
        Err(EvaluationError::TooLong)
    );
    assert_eq!(
        holds("request.params.input.contains('y')", &long),
        Ok(false)
    );
    let limit = json!({"input": "x".repeat(65_536)});
    assert_eq!(
        holds("request.params.input.matches('^x+$')", &limit),
        Ok(true)
    );
}

#[test]
fn an_error_never_quotes_what_the_caller_sent() {
    for text in [
        "request.params.secret > 1",
        "request.params.secret[0] == 1",
        "-request.params.secret == 1",
        "request.params.secret",
        "1 in request.params.secret",
        "int(request.params.secret) == 1",
    ] {
        let error = holds(text, &json!({"secret": "hunter2"}))
            .expect_err(text)
            .to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
