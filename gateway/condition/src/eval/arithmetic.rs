//! `+ - * / %`, unary minus and the conversions. Integers never wrap; an integer beside a double becomes one.

use std::borrow::Cow;

use super::{Evaluated, MAX_TEXT};
use crate::EvaluationError;
use crate::node::Arithmetic;
use crate::value::Value;

pub(super) fn compute<'a>(
    operation: Arithmetic,
    left: &Value<'a>,
    right: &Value<'a>,
) -> Evaluated<'a> {
    match (left, right) {
        (Value::Int(a), Value::Int(b)) => integers(operation, *a, *b).map(Value::Int),
        (Value::Text(a), Value::Text(b)) if operation == Arithmetic::Add => concatenate(a, b),
        _ => match (left.number(), right.number()) {
            (Some(a), Some(b)) => Ok(Value::Double(doubles(operation, a, b))),
            (None, _) => Err(EvaluationError::NotApplicable("arithmetic", left.kind())),
            (_, None) => Err(EvaluationError::NotApplicable("arithmetic", right.kind())),
        },
    }
}

fn integers(operation: Arithmetic, a: i64, b: i64) -> Result<i64, EvaluationError> {
    let result = match operation {
        Arithmetic::Add => a.checked_add(b),
        Arithmetic::Subtract => a.checked_sub(b),
        Arithmetic::Multiply => a.checked_mul(b),
        Arithmetic::Divide | Arithmetic::Remainder if b == 0 => {
            return Err(EvaluationError::DivisionByZero);
        }
        Arithmetic::Divide => a.checked_div(b),
        Arithmetic::Remainder => a.checked_rem(b),
    };
    result.ok_or(EvaluationError::OutOfRange)
}

fn doubles(operation: Arithmetic, a: f64, b: f64) -> f64 {
    match operation {
        Arithmetic::Add => a + b,
        Arithmetic::Subtract => a - b,
        Arithmetic::Multiply => a * b,
        Arithmetic::Divide => a / b,
        Arithmetic::Remainder => a % b,
    }
}

fn concatenate<'a>(a: &str, b: &str) -> Evaluated<'a> {
    if a.len() + b.len() > MAX_TEXT {
        return Err(EvaluationError::TooLong);
    }
    Ok(Value::Text(Cow::Owned([a, b].concat())))
}

pub(super) fn negate<'a>(value: &Value<'_>) -> Evaluated<'a> {
    if let Value::Int(number) = value {
        return number
            .checked_neg()
            .map(Value::Int)
            .ok_or(EvaluationError::OutOfRange);
    }
    let number = value
        .number()
        .ok_or(EvaluationError::NotApplicable("minus", value.kind()))?;
    Ok(Value::Double(-number))
}

/// `int()`: of a double, cut towards zero; of a text, in decimal.
pub(super) fn to_int<'a>(value: &Value<'_>) -> Evaluated<'a> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if let Value::Int(number) = value {
        return Ok(Value::Int(*number));
    }
    if let Value::Text(text) = value {
        return text
            .parse()
            .map(Value::Int)
            .map_err(|_| EvaluationError::OutOfRange);
    }
    let number = value
        .number()
        .ok_or(EvaluationError::NotApplicable("int()", value.kind()))?;
    if !(-LIMIT..LIMIT).contains(&number) {
        return Err(EvaluationError::OutOfRange);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked; the fraction is to be cut"
    )]
    Ok(Value::Int(number as i64))
}

pub(super) fn to_double<'a>(value: &Value<'_>) -> Evaluated<'a> {
    if let Value::Text(text) = value {
        return text
            .parse()
            .map(Value::Double)
            .map_err(|_| EvaluationError::OutOfRange);
    }
    value
        .number()
        .map(Value::Double)
        .ok_or(EvaluationError::NotApplicable("double()", value.kind()))
}

pub(super) fn to_text(value: Value<'_>) -> Evaluated<'_> {
    match value {
        Value::Text(text) => Ok(Value::Text(text)),
        Value::Int(number) => Ok(Value::Text(Cow::Owned(number.to_string()))),
        Value::Double(number) => Ok(Value::Text(Cow::Owned(number.to_string()))),
        Value::Bool(truth) => Ok(Value::text(if truth { "true" } else { "false" })),
        Value::Null
        | Value::List(_)
        | Value::Array(_)
        | Value::Object(_)
        | Value::Headers
        | Value::Params => Err(EvaluationError::NotApplicable("string()", value.kind())),
    }
}
