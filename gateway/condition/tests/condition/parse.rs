//! What is a condition, and what is not: refused with the reason its author needs.

use fairlead_condition::{Condition, ConditionError};

fn error(text: &str) -> ConditionError {
    Condition::parse(text)
        .map(|condition| condition.source().to_owned())
        .expect_err(text)
}

#[test]
fn accepts_everything_the_documentation_shows() {
    for text in [
        "true",
        r#"request.headers["x-tier"] == "gold""#,
        r#"request.headers.accept != """#,
        r#""x-tier" in request.headers"#,
        r#"has(request.headers["x-tier"]) && has(request.params.user)"#,
        "request.stream && !request.params.echo",
        "request.params.temperature > 0.5 || request.params.max_tokens >= 1000",
        "request.params.response_format.type == 'json_schema'",
        "request.params.stop[0] == '\\n'",
        r#"request.model.startsWith("gpt-") && request.model.matches("^gpt-4(o|\\.1)$")"#,
        r#"matches(request.model, r"\d+b$")"#,
        r#"key.namespace in ["search", "checkout"] ? team.name == "core" : organization.name == "acme""#,
        "size(request.params.tools) > 3 && request.params.tools.size() < 10",
        "int(request.headers['x-budget']) * 2 - 1 <= 10 % 3",
        "double('1.5') > 1 && string(1u) == '1'",
        "budget.team.usedPercent >= 80 && budget.key.remainingUsd < 0.5",
        r#"budget.organization["month"].usedPercent < 100.0 || rate.team['tokens'].remaining == 0"#,
        "request.estimate.inputTokens > 50000 && has(request.estimate.costUsd)",
        "request.estimate.costUsd < budget.team.remainingUsd / 10",
        "// why: the cheap tier\nrequest.params.user == null",
    ] {
        assert_eq!(Condition::parse(text).expect(text).source(), text);
    }
}

#[test]
fn accepts_1024_bytes_and_refuses_1025() {
    let padded = |length: usize| format!("true{}", " ".repeat(length - 4));
    assert!(Condition::parse(&padded(1024)).is_ok());
    assert_eq!(error(&padded(1025)), ConditionError::TooLong);
}

#[test]
fn refuses_what_is_not_cel_and_says_where() {
    for text in [
        "",
        " ",
        "1 +",
        "request.model ==",
        "a b",
        "'open",
        "request..model",
        "has(",
        ")",
        "request.model = 'x'",
        "\u{0}",
        "99999999999999999999 > 1",
    ] {
        assert!(
            matches!(error(text), ConditionError::Syntax(_)),
            "{text:?}: {:?}",
            error(text)
        );
    }
    let message = error("request.stream &&\n  request.model ==").to_string();
    assert!(message.contains("line 2, column 19"), "{message}");
    assert!(
        error("has(1 +)").to_string().contains("column 8"),
        "{}",
        error("has(1 +)")
    );
}

#[test]
fn refuses_comprehensions() {
    for text in [
        "request.params.tools.all(t, t.type == 'function')",
        "[1].exists(x, x == 1)",
        "[1].exists_one(x, x == 1)",
        "[1].existsOne(x, x == 1)",
        "[1].map(x, x) == [1]",
        "[1].map(x, x > 0, x) == [1]",
        "[1].filter(x, true) == [1]",
        "[1].all(x)",
        "all(1, 2)",
    ] {
        assert_eq!(error(text), ConditionError::Comprehension, "{text}");
    }
}

#[test]
fn refuses_names_that_do_not_exist_and_lists_those_that_do() {
    for (text, name) in [
        ("request.header['x'] == ''", "request.header"),
        ("request.body.user == ''", "request.body"),
        ("user == 'x'", "user"),
        ("request == request", "request"),
        ("request['model'] == 'x'", "request"),
        ("key.team == ''", "key.team"),
        ("team.namespace == ''", "team.namespace"),
        ("has(organization.id)", "organization.id"),
        (".request.model == ''", ".request.model"),
        ("request.model.lower() == ''", "lower()"),
        ("now() > 1", "now()"),
        ("Has(request.model)", "Has()"),
        ("type(1) == int", "type()"),
    ] {
        assert_eq!(
            error(text),
            ConditionError::UnknownName(name.to_owned()),
            "{text}"
        );
    }
    assert!(
        error("request.header.x == ''")
            .to_string()
            .contains("request.headers")
    );
}

#[test]
fn refuses_patterns_that_are_computed_broken_or_too_large() {
    assert_eq!(
        error("request.model.matches(request.params.pattern)"),
        ConditionError::PatternNotLiteral
    );
    assert_eq!(
        error("request.model.matches('a' + 'b')"),
        ConditionError::PatternNotLiteral
    );
    for pattern in [
        "(",
        "[a",
        "a{1000000000}",
        "(?P<n",
        r"\\w{200}",
        "(((a{50}){50}){50})",
        &format!("{}a{}", "(".repeat(100), ")".repeat(100)),
    ] {
        let text = format!("request.model.matches('{pattern}')");
        assert!(
            matches!(error(&text), ConditionError::BadPattern(_)),
            "{pattern}: {:?}",
            error(&text)
        );
    }
}

#[test]
fn refuses_what_can_never_be_true_or_false() {
    for text in [
        "request.model",
        "'gold'",
        "1",
        "null",
        "request.headers",
        "[true]",
        "size(request.params.tools)",
        "1 + 1",
        "!request.model",
        "request.stream && request.model",
        "true || 1",
        "request.model ? true : false",
        "request.stream ? 1 : true",
        "string(true)",
    ] {
        assert!(
            matches!(error(text), ConditionError::NotBoolean(_)),
            "{text}: {:?}",
            error(text)
        );
    }
}

#[test]
fn refuses_the_parts_of_cel_that_conditions_leave_out() {
    for text in [
        "{'a': 1}.a == 1",
        "b'x' == b'x'",
        "request.model == Thing{a: 1}",
    ] {
        assert!(
            matches!(error(text), ConditionError::Unsupported(_)),
            "{text}: {:?}",
            error(text)
        );
    }
}

#[test]
fn refuses_functions_with_the_wrong_number_of_arguments() {
    for text in [
        "size() == 1",
        "size(1, 2) == 1",
        "request.model.contains()",
        "contains('a', 'b')",
        "has()",
        "has(1, 2)",
        "has(request.model == '')",
        "int(1, 2) == 1",
    ] {
        assert!(
            matches!(error(text), ConditionError::Syntax(_)),
            "{text}: {:?}",
            error(text)
        );
    }
}

#[test]
fn accepts_depth_16_and_128_parts_and_refuses_one_more() {
    // `a.b.c...` is as deep as it has names.
    let deep = |members: usize| format!("request.params{} == 1", ".a".repeat(members));
    assert!(Condition::parse(&deep(14)).is_ok());
    assert_eq!(error(&deep(15)), ConditionError::TooDeep);
    // `true == [..]` has three parts and the elements.
    let large = |elements: usize| format!("true in [{}]", vec!["1"; elements].join(","));
    assert!(Condition::parse(&large(125)).is_ok());
    assert_eq!(error(&large(126)), ConditionError::TooLarge);
}
