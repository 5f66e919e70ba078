//! Plain scalars -> JSON values, by the core schema of YAML 1.2 (source: <https://yaml.org/spec/1.2.2/#103-core-schema>).

use serde_json::{Number, Value};

/// Why a scalar has no JSON value.
pub(super) const NOT_A_NUMBER: &str =
    "infinity and not-a-number cannot be used; write a number or quote the text";

/// The value of an untagged plain scalar.
pub(super) fn plain(text: &str) -> Result<Value, &'static str> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => match number(text)? {
            Some(number) => Value::Number(number),
            None => Value::String(text.to_owned()),
        },
    })
}

/// The value of a plain scalar with a core tag (`!!str` and so on); `None` when the text does not fit the tag.
pub(super) fn tagged(text: &str, tag: &str) -> Option<Value> {
    let value = plain(text).ok()?;
    match tag {
        "str" => Some(Value::String(text.to_owned())),
        "null" => value.is_null().then_some(value),
        "bool" => value.is_boolean().then_some(value),
        "int" => (value.is_i64() || value.is_u64()).then_some(value),
        "float" => value.is_number().then_some(value),
        _ => None,
    }
}

fn number(text: &str) -> Result<Option<Number>, &'static str> {
    if let Some(digits) = text.strip_prefix("0x") {
        return Ok(u64::from_str_radix(digits, 16)
            .ok()
            .filter(|_| unsigned(digits))
            .map(Number::from));
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return Ok(u64::from_str_radix(digits, 8)
            .ok()
            .filter(|_| unsigned(digits))
            .map(Number::from));
    }
    let magnitude = text.strip_prefix(['+', '-']).unwrap_or(text);
    if matches!(magnitude, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return Err(NOT_A_NUMBER);
    }
    let decimal = magnitude.bytes().any(|b| b.is_ascii_digit())
        && magnitude
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if !decimal {
        return Ok(None);
    }
    let signless = text.strip_prefix('+').unwrap_or(text);
    if let Ok(whole) = signless.parse::<i64>() {
        return Ok(Some(whole.into()));
    }
    if let Ok(whole) = signless.parse::<u64>() {
        return Ok(Some(whole.into()));
    }
    match signless.parse::<f64>() {
        Ok(float) if float.is_finite() => Ok(Some(whole_or_float(float))),
        Ok(_) => Err(NOT_A_NUMBER),
        Err(_) => Ok(None),
    }
}

/// `1.0` and `1e3` are whole numbers in JSON as the API server reads it; so are they here.
fn whole_or_float(float: f64) -> Number {
    let exact = float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0;
    let whole = if exact {
        format!("{float:.0}").parse::<i64>().ok()
    } else {
        None
    };
    whole
        .map(Number::from)
        .or_else(|| Number::from_f64(float))
        .unwrap_or_else(|| Number::from(0))
}

fn unsigned(digits: &str) -> bool {
    !digits.starts_with(['+', '-'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn follows_the_core_schema() {
        let cases = [
            ("", json!(null)),
            ("~", json!(null)),
            ("true", json!(true)),
            ("False", json!(false)),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("010", json!(10)),
            ("0x1F", json!(31)),
            ("0o17", json!(15)),
            ("-7", json!(-7)),
            ("+7", json!(7)),
            ("1.0", json!(1)),
            ("1e3", json!(1000)),
            ("0.5", json!(0.5)),
            ("2s", json!("2s")),
            ("1.2.3", json!("1.2.3")),
            ("2027-01-01", json!("2027-01-01")),
            ("0x-1", json!("0x-1")),
            (
                "18446744073709551615",
                json!(18_446_744_073_709_551_615_u64),
            ),
            ("inf", json!("inf")),
            ("e", json!("e")),
        ];
        for (text, value) in cases {
            assert_eq!(plain(text), Ok(value), "{text:?}");
        }
    }

    #[test]
    fn rejects_what_json_cannot_hold() {
        for text in [".inf", "-.inf", ".nan", "1e999"] {
            assert_eq!(plain(text), Err(NOT_A_NUMBER), "{text}");
        }
    }

    #[test]
    fn a_tag_must_fit_its_text() {
        assert_eq!(tagged("12", "str"), Some(json!("12")));
        assert_eq!(tagged("12", "int"), Some(json!(12)));
        assert_eq!(tagged("twelve", "int"), None);
        assert_eq!(tagged("12", "binary"), None);
    }
}
