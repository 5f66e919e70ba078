//! What is asked for, and what that needs of a model.

use crate::asked::Asked;
use fairlead_condition::{Condition, ConditionError, EvaluationError, Need};

fn is(text: &str) -> Result<bool, EvaluationError> {
    Asked::of("{}").is(&Condition::parse(text).expect(text))
}

#[test]
fn the_operation_and_the_needs_of_a_request_are_seen() {
    for text in [
        "request.operation == 'chat'",
        "request.operation in ['chat', 'embeddings']",
        "has(request.operation)",
        "request.needs.tools",
        "!request.needs.audio",
        "request.needs.tools && !request.needs.audio",
        "has(request.needs.images)",
    ] {
        assert_eq!(is(text), Ok(true), "{text}");
    }
}

#[test]
fn what_cannot_be_told_is_an_error_and_not_false() {
    for need in ["images", "pdf", "schema", "reasoning"] {
        let untold = Err(EvaluationError::Untold(Need::named(need).unwrap().as_str()));
        assert_eq!(is(&format!("request.needs.{need}")), untold);
        assert_eq!(is(&format!("!request.needs.{need}")), untold);
    }
    assert_eq!(is("request.needs.images || request.needs.tools"), Ok(true));
    assert_eq!(is("request.needs.images && request.needs.audio"), Ok(false));
}

#[test]
fn a_need_that_there_is_not_is_the_authors_mistake() {
    for text in [
        "request.needs.video",
        "request.needs.image",
        "request.needs",
        "request.needs == null",
    ] {
        let error = Condition::parse(text).unwrap_err();
        assert!(
            matches!(error, ConditionError::UnknownMember(_)),
            "{text}: {error}"
        );
    }
    assert!(Condition::parse("request.operation").is_err());
    assert!(Condition::parse("request.needs['images']").is_err());
}

#[test]
fn nothing_is_looked_for_that_no_condition_names() {
    for (text, expected) in [
        ("request.needs.tools", vec!["needs tools"]),
        (
            "request.operation == 'x' && request.needs.tools",
            vec!["operation"],
        ),
        ("has(request.needs.images)", vec![]),
    ] {
        let asked = Asked::of("{}");
        let _ = asked.is(&Condition::parse(text).unwrap());
        assert_eq!(asked.asked.into_inner(), expected, "{text}");
    }
}
