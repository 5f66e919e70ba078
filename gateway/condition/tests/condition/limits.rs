//! What conditions read of limits and of the request's estimate.

use crate::asked::Asked;
use fairlead_condition::{Condition, ConditionError, EvaluationError};

fn holds(text: &str) -> Result<bool, EvaluationError> {
    Asked::of("{}").is(&Condition::parse(text).expect(text))
}

fn error(text: &str) -> ConditionError {
    Condition::parse(text)
        .map(|condition| condition.source().to_owned())
        .expect_err(text)
}

#[test]
fn a_limit_is_read_by_its_level_and_by_its_name() {
    for text in [
        "budget.team.usedPercent == 85",
        "budget.team.usedPercent >= 80.5",
        "budget.team.remainingUsd == 8.0",
        r#"budget.team["month"].remainingUsd == 15"#,
        "budget.team['day'].usedPercent < 50",
        "rate.team.usedPercent > 16 && rate.team.remaining == 50",
        "rate.team['requests'].remaining - 1 == 49",
        "rate.team['requests'].remaining % 7 == 1",
        "has(budget.team.remainingUsd) && has(rate.team['requests'].remaining)",
        "string(rate.team.remaining) == '50'",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
}

#[test]
fn of_what_is_not_limited_nothing_is_used_and_nothing_is_said_to_be_left() {
    for text in [
        "budget.organization.usedPercent == 0 && budget.organization.remainingUsd == null",
        "budget.team['year'].usedPercent == 0 && budget.team['year'].remainingUsd == null",
        "rate.key.usedPercent < 0.1 && rate.key.remaining == null",
        "!has(rate.key.remaining) && has(rate.key.usedPercent)",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
    assert_eq!(
        holds("budget.key.remainingUsd < 1"),
        Err(EvaluationError::NoOrder("null", "number"))
    );
}

#[test]
fn the_estimate_is_read_and_a_cost_that_nobody_knows_is_null() {
    for text in [
        "request.estimate.inputTokens == 60000",
        "request.estimate.costUsd == 0.25 && has(request.estimate.costUsd)",
        "request.estimate.costUsd * 20 < budget.team.remainingUsd",
        "has(request.estimate.inputTokens)",
    ] {
        assert_eq!(holds(text), Ok(true), "{text}");
    }
    let unpriced = Asked {
        cost: None,
        ..Asked::of("{}")
    };
    let is = |text| unpriced.is(&Condition::parse(text).unwrap());
    assert_eq!(is("request.estimate.costUsd == null"), Ok(true));
    assert_eq!(is("has(request.estimate.costUsd)"), Ok(false));
    assert_eq!(
        is("request.estimate.costUsd < 1"),
        Err(EvaluationError::NoOrder("null", "number"))
    );
}

#[test]
fn only_the_limits_that_a_condition_names_are_asked_for() {
    for (text, asked) in [
        ("request.stream", vec![]),
        ("false && budget.team.usedPercent > 1", vec![]),
        (
            "has(rate.key.usedPercent) && has(request.estimate.inputTokens)",
            vec![],
        ),
        ("budget.team.usedPercent > 1", vec!["Budget Team *"]),
        (
            "rate.key['rpm'].remaining == null && budget.organization.remainingUsd == null",
            vec!["Rate Key rpm", "Budget Organization *"],
        ),
        ("request.estimate.inputTokens > 1", vec!["tokens"]),
        ("has(request.estimate.costUsd)", vec!["cost"]),
    ] {
        let request = Asked::of("{}");
        assert!(
            request.is(&Condition::parse(text).unwrap()).is_ok(),
            "{text}"
        );
        assert_eq!(*request.asked.borrow(), asked, "{text}");
    }
}

#[test]
fn a_level_that_there_is_not_is_refused() {
    for (text, level) in [
        ("budget.provider.usedPercent > 1", "budget.provider"),
        ("rate.user.remaining > 1", "rate.user"),
        ("budget.Team['month'].usedPercent > 1", "budget.Team"),
    ] {
        let found = error(text);
        assert_eq!(found, ConditionError::UnknownLevel(level.to_owned()));
        assert!(found.to_string().contains("organization, team and key"));
    }
}

#[test]
fn what_limits_and_estimates_do_not_have_is_refused() {
    for (text, name) in [
        ("budget.team.used > 1", "budget.team.used"),
        ("budget.team.remaining > 1", "budget.team.remaining"),
        ("rate.team.remainingUsd > 1", "rate.team.remainingUsd"),
        ("rate.key['rpm'].limit > 1", "rate.key.limit"),
        ("budget.team.month.usedPercent > 1", "budget.team.month"),
        ("budget.team == 1", "budget.team"),
        ("has(budget.team['month'])", "budget.team"),
        ("request.estimate.tokens > 1", "request.estimate.tokens"),
        ("request.estimate == null", "request.estimate"),
    ] {
        assert_eq!(
            error(text),
            ConditionError::UnknownMember(name.to_owned()),
            "{text}"
        );
    }
    for text in ["budget > 1", "budget['team'].usedPercent > 1"] {
        assert_eq!(
            error(text),
            ConditionError::UnknownName("budget".to_owned())
        );
    }
}

#[test]
fn a_name_that_no_limit_can_have_is_refused() {
    let long = format!("budget.team['{}'].usedPercent > 1", "m".repeat(64));
    for text in [
        "budget.team['Month'].usedPercent > 1",
        "budget.team[''].usedPercent > 1",
        "budget.team['-a'].usedPercent > 1",
        "budget.team['a' + 'b'].usedPercent > 1",
        "budget.team[request.model].usedPercent > 1",
        "budget.team[0].usedPercent > 1",
        &long,
    ] {
        assert_eq!(error(text), ConditionError::LimitName, "{text}");
    }
}

#[test]
fn a_limit_is_a_number_and_neither_true_nor_false() {
    for text in [
        "budget.team.usedPercent",
        "!rate.key.remaining",
        "request.estimate.costUsd && true",
    ] {
        assert!(
            matches!(error(text), ConditionError::NotBoolean("a number")),
            "{text}"
        );
    }
}
