//! Equality and order.

use std::cmp::Ordering;

use fairlead_json::{Kind, Raw};

use super::Value;
use crate::{EvaluationError, Facts};

/// The longest list that is compared element by element.
const MOST_ITEMS: usize = 1000;

impl<'a> Value<'a> {
    /// Equality; values of different kinds are not equal.
    pub(crate) fn equals(
        &self,
        other: &Value<'_>,
        facts: &Facts<'_>,
    ) -> Result<bool, EvaluationError> {
        Ok(match (self, other) {
            (Self::Null, Value::Null) => true,
            (Self::Bool(a), Value::Bool(b)) => a == b,
            (Self::Text(a), Value::Text(b)) => a == b,
            (Self::Object(a), Value::Object(b)) => same_members(*a, *b, facts)?,
            (Self::Headers, Value::Headers) | (Self::Params, Value::Params) => true,
            (Self::Params, Value::Object(_)) | (Self::Object(_), Value::Params) => {
                return Err(EvaluationError::NotApplicable("==", Value::Params.kind()));
            }
            (Self::List(_) | Self::Array(_), Value::List(_) | Value::Array(_)) => {
                let (a, b) = (self.elements(facts)?, other.elements(facts)?);
                let mut same = a.len() == b.len();
                for (a, b) in a.iter().zip(&b) {
                    same = same && a.equals(b, facts)?;
                }
                same
            }
            _ => numbers(self, other) == Some(Ordering::Equal),
        })
    }

    /// The order of two numbers, texts or booleans; anything else, and NaN, has none.
    pub(crate) fn order(&self, other: &Value<'_>) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Value::Text(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Value::Bool(b)) => Some(a.cmp(b)),
            _ => numbers(self, other),
        }
    }

    /// The elements of a list.
    fn elements(&self, facts: &Facts<'_>) -> Result<Vec<Value<'_>>, EvaluationError> {
        let Self::Array(raw) = self else {
            let Self::List(items) = self else {
                return Ok(Vec::new());
            };
            return Ok(items.clone());
        };
        facts.reads(raw.text())?;
        let mut found = Vec::new();
        raw.each_element(|element| {
            if found.len() <= MOST_ITEMS {
                found.push(element);
            }
        });
        if found.len() > MOST_ITEMS {
            return Err(EvaluationError::TooMuch);
        }
        found
            .into_iter()
            .map(|element| Value::json(element, facts))
            .collect()
    }
}

/// Numbers are compared as what they are, not as what they round to.
fn numbers(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        (Value::Double(a), Value::Double(b)) => a.partial_cmp(b),
        (Value::Int(a), Value::Double(b)) => beside(*a, *b),
        (Value::Double(a), Value::Int(b)) => beside(*b, *a).map(Ordering::reverse),
        _ => None,
    }
}

/// The order of an integer and a double.
fn beside(whole: i64, double: f64) -> Option<Ordering> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if double.is_nan() {
        return None;
    }
    if double >= LIMIT {
        return Some(Ordering::Less);
    }
    if double < -LIMIT {
        return Some(Ordering::Greater);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the range is checked; the fraction is compared next"
    )]
    let cut = double.trunc() as i64;
    Some(whole.cmp(&cut).then(0.0_f64.partial_cmp(&double.fract())?))
}

/// Whether two objects have equal members, in whatever order.
fn same_members(a: Raw<'_>, b: Raw<'_>, facts: &Facts<'_>) -> Result<bool, EvaluationError> {
    facts.reads(a.text())?;
    facts.reads(b.text())?;
    let mut same = Ok(a.count() == b.count());
    a.each_member(|name, value| {
        if same == Ok(true) {
            same = same_member(&name, value, a, b, facts);
        }
    });
    same
}

/// Whether `b` has the member `name` of `a` with the same value, and both have it once.
fn same_member(
    name: &str,
    value: Raw<'_>,
    a: Raw<'_>,
    b: Raw<'_>,
    facts: &Facts<'_>,
) -> Result<bool, EvaluationError> {
    facts.reads(a.text())?;
    facts.reads(b.text())?;
    a.member(name)?;
    let Some(other) = b.member(name)? else {
        return Ok(false);
    };
    // A cheap no for most pairs that differ.
    if value.kind() == Kind::Null || other.kind() == Kind::Null {
        return Ok(value.kind() == other.kind());
    }
    Value::json(value, facts)?.equals(&Value::json(other, facts)?, facts)
}
