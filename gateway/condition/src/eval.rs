//! Evaluation. At most 128 nodes, each in time linear in what it looks at; texts are copied only by `+` and `string()`, up to 64 KiB.

mod arithmetic;

use std::cmp::Ordering;

use fairlead_json::{Kind, Raw};
use regex::Regex;

use crate::limit::{Limit, Member, Meter};
use crate::node::{Comparison, Conversion, Fact, Literal, Node, Search};
use crate::value::Value;
use crate::{EvaluationError, Facts};

/// Longest text, in bytes, that is copied or searched by pattern.
pub(crate) const MAX_TEXT: usize = 64 * 1024;

type Evaluated<'a> = Result<Value<'a>, EvaluationError>;

/// The value of a node that has to be true or false.
pub(crate) fn truth(node: &Node, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
    let value = value(node, facts)?;
    if let Value::Bool(truth) = value {
        Ok(truth)
    } else {
        Err(EvaluationError::NotBoolean(value.kind()))
    }
}

fn value<'a>(node: &'a Node, facts: &'a Facts<'_>) -> Evaluated<'a> {
    Ok(match node {
        Node::Literal(literal) => constant(literal),
        Node::Fact(fact) => of_fact(*fact, facts)?,
        Node::Usage(..) if !facts.request.is_read() => return Err(EvaluationError::NotRead),
        Node::Usage(limit, member) => usage(limit, *member, facts),
        Node::List(items) => Value::List(
            items
                .iter()
                .map(|item| value(item, facts))
                .collect::<Result<_, _>>()?,
        ),
        Node::Index(pair) => index(value(&pair[0], facts)?, &value(&pair[1], facts)?, facts)?,
        Node::Has(pair) => {
            let key = value(&pair[1], facts)?;
            Value::Bool(has(&value(&pair[0], facts)?, &key, facts)?)
        }
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
            facts,
        )?),
        Node::Compute(operation, pair) => arithmetic::compute(
            *operation,
            &value(&pair[0], facts)?,
            &value(&pair[1], facts)?,
        )?,
        Node::In(pair) => {
            let item = value(&pair[0], facts)?;
            Value::Bool(value(&pair[1], facts)?.holds(&item, facts)?)
        }
        Node::Matches(operand, pattern) => Value::Bool(matches(pattern, &value(operand, facts)?)?),
        Node::Search(search, pair) => Value::Bool(found(
            *search,
            &value(&pair[0], facts)?,
            &value(&pair[1], facts)?,
        )?),
        Node::Size(operand) => Value::Int(size(&value(operand, facts)?, facts)?),
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

fn of_fact<'a>(fact: Fact, facts: &'a Facts<'_>) -> Evaluated<'a> {
    if fact.is_of_the_body() && !facts.request.is_read() {
        return Err(EvaluationError::NotRead);
    }
    Ok(match fact {
        Fact::Headers => Value::Headers,
        Fact::Model => Value::text(facts.model()),
        Fact::Stream => Value::Bool(facts.request.stream()),
        Fact::Params => Value::Params,
        Fact::Operation => Value::text(facts.request.operation()),
        Fact::Needs(need) => {
            let needs = facts.request.needs(need);
            Value::Bool(needs.ok_or(EvaluationError::Untold(need.as_str()))?)
        }
        Fact::InputTokens => {
            Value::Int(i64::try_from(facts.request.input_tokens()).unwrap_or(i64::MAX))
        }
        Fact::Cost => facts.cost().map_or(Value::Null, usd),
        Fact::KeyName => Value::text(facts.caller.key_name),
        Fact::KeyNamespace => Value::text(facts.caller.key_namespace),
        Fact::TeamName => Value::text(facts.caller.team.unwrap_or_default()),
        Fact::OrganizationName => Value::text(facts.caller.organization.unwrap_or_default()),
    })
}

/// What a member of a limit says. Of what is not limited nothing is used, and no amount is left.
fn usage<'a>(limit: &Limit, member: Member, facts: &Facts<'_>) -> Value<'a> {
    let usage = facts.request.usage(limit);
    match (member, usage) {
        (Member::UsedPercent, usage) => {
            Value::Double(usage.map_or(0.0, |usage| usage.used_percent))
        }
        (Member::Remaining, None) => Value::Null,
        (Member::Remaining, Some(usage)) => match limit.meter {
            Meter::Budget => usd(usage.remaining),
            Meter::Rate => Value::Int(usage.remaining),
        },
    }
}

/// Nano-USD in USD.
#[expect(
    clippy::cast_precision_loss,
    reason = "amounts are below 2^53 nano-USD, and beyond they are compared only"
)]
fn usd<'a>(nanos: i64) -> Value<'a> {
    Value::Double(nanos as f64 / 1e9)
}

/// `&&` (`decisive` is false) and `||` (true). As in CEL a decisive side decides, even when the other one is an error.
fn either(pair: &[Node; 2], facts: &Facts<'_>, decisive: bool) -> Result<bool, EvaluationError> {
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
fn index<'a>(container: Value<'a>, key: &Value<'_>, facts: &'a Facts<'_>) -> Evaluated<'a> {
    let or_null =
        |found: Option<Raw<'a>>| found.map_or(Ok(Value::Null), |found| Value::json(found, facts));
    match (container, key) {
        (Value::Null, Value::Text(_)) => Ok(Value::Null),
        (Value::Params, Value::Text(name)) => or_null(facts.request.param(name)?),
        (Value::Object(raw), Value::Text(name)) => {
            facts.reads(raw.text())?;
            or_null(raw.member(name)?)
        }
        (Value::Headers, Value::Text(name)) => {
            Ok(Value::Text(facts.request.header(name)?.unwrap_or_default()))
        }
        (Value::List(mut items), Value::Int(at)) => {
            let at = usize::try_from(*at)
                .ok()
                .filter(|at| *at < items.len())
                .ok_or(EvaluationError::NoSuchIndex)?;
            Ok(items.swap_remove(at))
        }
        (Value::Array(raw), Value::Int(at)) => {
            facts.reads(raw.text())?;
            let item = usize::try_from(*at).ok().and_then(|at| raw.element(at));
            Value::json(item.ok_or(EvaluationError::NoSuchIndex)?, facts)
        }
        (other, _) => Err(EvaluationError::NotApplicable(
            "an index of that kind",
            other.kind(),
        )),
    }
}

/// `has(container[key])`: whether it is there and not null. What it says is not read.
fn has(container: &Value<'_>, key: &Value<'_>, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
    let is_given = |found: Option<Raw<'_>>| found.is_some_and(|raw| raw.kind() != Kind::Null);
    match (container, key) {
        (Value::Null, Value::Text(_)) => Ok(false),
        (Value::Params, Value::Text(name)) => Ok(is_given(facts.request.param(name)?)),
        (Value::Object(raw), Value::Text(name)) => {
            facts.reads(raw.text())?;
            Ok(is_given(raw.member(name)?))
        }
        (Value::Headers, Value::Text(name)) => Ok(facts.request.header(name)?.is_some()),
        (Value::List(_) | Value::Array(_), Value::Int(at)) => {
            let size = container.size(facts)?;
            Ok(usize::try_from(*at).is_ok_and(|at| at < size))
        }
        (other, _) => Err(EvaluationError::NotApplicable("has()", other.kind())),
    }
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

fn size(value: &Value<'_>, facts: &Facts<'_>) -> Result<i64, EvaluationError> {
    i64::try_from(value.size(facts)?).map_err(|_| EvaluationError::OutOfRange)
}

fn compare(
    comparison: Comparison,
    left: &Value<'_>,
    right: &Value<'_>,
    facts: &Facts<'_>,
) -> Result<bool, EvaluationError> {
    let ordered = |holds: fn(Ordering) -> bool| {
        left.order(right)
            .map(holds)
            .ok_or(EvaluationError::NoOrder(left.kind(), right.kind()))
    };
    match comparison {
        Comparison::Equal => left.equals(right, facts),
        Comparison::NotEqual => Ok(!left.equals(right, facts)?),
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
