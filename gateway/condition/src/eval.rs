//! Evaluation. At most 128 nodes, each in time linear in what it looks at; texts are copied only by `+` and `string()`, up to 64 KiB.

mod arithmetic;

use std::cmp::Ordering;

use regex::Regex;

use crate::node::{Comparison, Conversion, Fact, Literal, Node, Search};
use crate::value::{Value, header};
use crate::{EvaluationError, Facts};

/// Longest text, in bytes, that is copied or searched by pattern.
pub(crate) const MAX_TEXT: usize = 64 * 1024;

type Evaluated<'a> = Result<Value<'a>, EvaluationError>;

/// The value of a node that has to be true or false.
pub(crate) fn truth(node: &Node, facts: &Facts) -> Result<bool, EvaluationError> {
    let value = value(node, facts)?;
    if let Value::Bool(truth) = value {
        Ok(truth)
    } else {
        Err(EvaluationError::NotBoolean(value.kind()))
    }
}

fn value<'a>(node: &'a Node, facts: &'a Facts) -> Evaluated<'a> {
    Ok(match node {
        Node::Literal(literal) => constant(literal),
        Node::Fact(fact) => of_fact(*fact, facts),
        Node::List(items) => Value::List(
            items
                .iter()
                .map(|item| value(item, facts))
                .collect::<Result<_, _>>()?,
        ),
        Node::Index(pair) => index(value(&pair[0], facts)?, &value(&pair[1], facts)?)?,
        Node::Has(pair) => Value::Bool(has(&value(&pair[0], facts)?, &value(&pair[1], facts)?)?),
        Node::Not(operand) => Value::Bool(!truth(operand, facts)?),
        Node::Negate(operand) => arithmetic::negate(&value(operand, facts)?)?,
        Node::And(pair) => Value::Bool(either(pair, facts, false)?),
        Node::Or(pair) => Value::Bool(either(pair, facts, true)?),
        Node::Choose(parts) => value(
            if truth(&parts[0], facts)? {
                &parts[1]
            } else {
                &parts[2]
            },
            facts,
        )?,
        Node::Compare(comparison, pair) => Value::Bool(compare(
            *comparison,
            &value(&pair[0], facts)?,
            &value(&pair[1], facts)?,
        )?),
        Node::Compute(operation, pair) => arithmetic::compute(
            *operation,
            &value(&pair[0], facts)?,
            &value(&pair[1], facts)?,
        )?,
        Node::In(pair) => Value::Bool(holds(&value(&pair[1], facts)?, &value(&pair[0], facts)?)?),
        Node::Matches(operand, pattern) => Value::Bool(matches(pattern, &value(operand, facts)?)?),
        Node::Search(search, pair) => Value::Bool(found(
            *search,
            &value(&pair[0], facts)?,
            &value(&pair[1], facts)?,
        )?),
        Node::Size(operand) => Value::Int(size(&value(operand, facts)?)?),
        Node::Convert(Conversion::Int, operand) => arithmetic::to_int(&value(operand, facts)?)?,
        Node::Convert(Conversion::Double, operand) => {
            arithmetic::to_double(&value(operand, facts)?)?
        }
        Node::Convert(Conversion::Text, operand) => arithmetic::to_text(value(operand, facts)?)?,
    })
}

fn constant(literal: &Literal) -> Value<'_> {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(value) => Value::Int(*value),
        Literal::Double(value) => Value::Double(*value),
        Literal::Text(text) => Value::text(text),
    }
}

fn of_fact(fact: Fact, facts: &Facts) -> Value<'_> {
    match fact {
        Fact::Headers => Value::Headers(&facts.request.headers),
        Fact::Model => Value::text(&facts.request.model),
        Fact::Stream => Value::Bool(facts.request.stream),
        Fact::Params => Value::Object(&facts.request.params),
        Fact::KeyName => Value::text(&facts.caller.key_name),
        Fact::KeyNamespace => Value::text(&facts.caller.key_namespace),
        Fact::TeamName => Value::text(facts.caller.team.as_deref().unwrap_or_default()),
        Fact::OrganizationName => {
            Value::text(facts.caller.organization.as_deref().unwrap_or_default())
        }
    }
}

/// `&&` (`decisive` is false) and `||` (true). As in CEL a decisive side decides, even when the other one is an error.
fn either(pair: &[Node; 2], facts: &Facts, decisive: bool) -> Result<bool, EvaluationError> {
    let left = truth(&pair[0], facts);
    if left == Ok(decisive) {
        return Ok(decisive);
    }
    match (left, truth(&pair[1], facts)) {
        (Ok(_), right) => right,
        (Err(_), Ok(right)) if right == decisive => Ok(decisive),
        (Err(error), _) => Err(error),
    }
}

/// `container[key]`. What is missing reads as null, a missing header as the empty text.
fn index<'a>(container: Value<'a>, key: &Value<'a>) -> Evaluated<'a> {
    match (container, key) {
        (Value::Null, Value::Text(_)) => Ok(Value::Null),
        (Value::Object(members), Value::Text(name)) => {
            Ok(members.get(name.as_ref()).map_or(Value::Null, Value::json))
        }
        (Value::Headers(headers), Value::Text(name)) => {
            Ok(Value::text(header(headers, name).unwrap_or_default()))
        }
        (Value::List(mut items), Value::Int(at)) => {
            let at = usize::try_from(*at)
                .ok()
                .filter(|at| *at < items.len())
                .ok_or(EvaluationError::NoSuchIndex)?;
            Ok(items.swap_remove(at))
        }
        (Value::Array(items), Value::Int(at)) => {
            let item = usize::try_from(*at).ok().and_then(|at| items.get(at));
            item.map(Value::json).ok_or(EvaluationError::NoSuchIndex)
        }
        (other, _) => Err(EvaluationError::NotApplicable(
            "an index of that kind",
            other.kind(),
        )),
    }
}

/// `has(container[key])`: whether it is there and not null.
fn has(container: &Value<'_>, key: &Value<'_>) -> Result<bool, EvaluationError> {
    match (container, key) {
        (Value::Null, Value::Text(_)) => Ok(false),
        (Value::Object(members), Value::Text(name)) => Ok(members
            .get(name.as_ref())
            .is_some_and(|member| !member.is_null())),
        (Value::Headers(headers), Value::Text(name)) => Ok(header(headers, name).is_some()),
        (Value::List(_) | Value::Array(_), Value::Int(at)) => Ok(usize::try_from(*at)
            .ok()
            .zip(container.size())
            .is_some_and(|(at, size)| at < size)),
        (other, _) => Err(EvaluationError::NotApplicable("has()", other.kind())),
    }
}

fn holds(container: &Value<'_>, item: &Value<'_>) -> Result<bool, EvaluationError> {
    container
        .holds(item)
        .ok_or(EvaluationError::NotApplicable("in", container.kind()))
}

fn matches(pattern: &Regex, value: &Value<'_>) -> Result<bool, EvaluationError> {
    let Value::Text(text) = value else {
        return Err(EvaluationError::NotApplicable("matches()", value.kind()));
    };
    if text.len() > MAX_TEXT {
        Err(EvaluationError::TooLong)
    } else {
        Ok(pattern.is_match(text))
    }
}

fn size(value: &Value<'_>) -> Result<i64, EvaluationError> {
    let size = value
        .size()
        .ok_or(EvaluationError::NotApplicable("size()", value.kind()))?;
    i64::try_from(size).map_err(|_| EvaluationError::OutOfRange)
}

fn compare(
    comparison: Comparison,
    left: &Value<'_>,
    right: &Value<'_>,
) -> Result<bool, EvaluationError> {
    let ordered = |holds: fn(Ordering) -> bool| {
        left.order(right)
            .map(holds)
            .ok_or(EvaluationError::NoOrder(left.kind(), right.kind()))
    };
    match comparison {
        Comparison::Equal => Ok(left.equals(right)),
        Comparison::NotEqual => Ok(!left.equals(right)),
        Comparison::Less => ordered(Ordering::is_lt),
        Comparison::LessOrEqual => ordered(Ordering::is_le),
        Comparison::Greater => ordered(Ordering::is_gt),
        Comparison::GreaterOrEqual => ordered(Ordering::is_ge),
    }
}

fn found(search: Search, text: &Value<'_>, part: &Value<'_>) -> Result<bool, EvaluationError> {
    let name = match search {
        Search::Contains => "contains()",
        Search::StartsWith => "startsWith()",
        Search::EndsWith => "endsWith()",
    };
    match (text, part) {
        (Value::Text(text), Value::Text(part)) => Ok(match search {
            Search::Contains => text.contains(part.as_ref()),
            Search::StartsWith => text.starts_with(part.as_ref()),
            Search::EndsWith => text.ends_with(part.as_ref()),
        }),
        (Value::Text(_), other) | (other, _) => {
            Err(EvaluationError::NotApplicable(name, other.kind()))
        }
    }
}
