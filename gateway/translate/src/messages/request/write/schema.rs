//! Schemas of answers: the provider takes an object only if it says that it has no further members.

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

const CLOSED: &str = "\"additionalProperties\":false";

/// The schema, with every object in it closed that says nothing of it. Everything else stays as it is written.
pub(crate) fn closed(schema: &str) -> String {
    let mut out = String::with_capacity(schema.len() + 128);
    let written = Scanner::over(schema.as_bytes(), &Limits::default())
        .and_then(|mut scanner| write(&mut scanner, &mut out));
    match written {
        Ok(()) => out,
        Err(_) => schema.to_owned(),
    }
}

/// A schema, or what stands where one is expected.
fn write(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), JsonError> {
    if scanner.peek() != Some(b'{') {
        return copy(scanner, out);
    }
    let (mut is_object, mut says, mut first) = (false, false, true);
    out.push('{');
    scanner.object(|scanner, key| {
        let name = key.name();
        separate(out, &mut first);
        member(out, &name);
        match &*name {
            "properties" | "$defs" | "definitions" => {
                is_object |= name == "properties";
                return map(scanner, out);
            }
            "items" | "not" => return write(scanner, out),
            "anyOf" | "allOf" | "oneOf" | "prefixItems" => return list(scanner, out),
            "additionalProperties" => says = true,
            _ => {}
        }
        let value = scanner.value()?;
        let value = scanner.found(&value);
        is_object |= name == "type" && is_type_object(value);
        out.push_str(value.text());
        Ok(())
    })?;
    if is_object && !says {
        separate(out, &mut first);
        out.push_str(CLOSED);
    }
    out.push('}');
    Ok(())
}

/// Schemas by name.
fn map(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), JsonError> {
    if scanner.peek() != Some(b'{') {
        return copy(scanner, out);
    }
    let mut first = true;
    out.push('{');
    scanner.object(|scanner, key| {
        separate(out, &mut first);
        member(out, &key.name());
        write(scanner, out)
    })?;
    out.push('}');
    Ok(())
}

/// Schemas in a row.
fn list(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), JsonError> {
    if scanner.peek() != Some(b'[') {
        return copy(scanner, out);
    }
    let mut first = true;
    out.push('[');
    scanner.array(|scanner| {
        separate(out, &mut first);
        write(scanner, out)
    })?;
    out.push(']');
    Ok(())
}

fn is_type_object(value: Raw<'_>) -> bool {
    let mut found = value.text() == "\"object\"";
    if value.kind() == Kind::Array {
        value.each_element(|kind| found |= kind.text() == "\"object\"");
    }
    found
}

fn copy(scanner: &mut Scanner<'_>, out: &mut String) -> Result<(), JsonError> {
    let value = scanner.value()?;
    out.push_str(scanner.raw(&value));
    Ok(())
}

fn member(out: &mut String, name: &str) {
    out.push('"');
    out.push_str(crate::Text::plain(name).as_written());
    out.push_str("\":");
}

fn separate(out: &mut String, first: &mut bool) {
    if !*first {
        out.push(',');
    }
    *first = false;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_objects_and_touches_nothing_else() {
        let of = closed;
        assert_eq!(
            of(
                r#"{"type":"object","properties":{"type":{"type":"string"},"a\"b":{"anyOf":[{"type":["object","null"]},{"const":{"x": 1}}]}}}"#
            ),
            r#"{"type":"object","properties":{"type":{"type":"string"},"a\"b":{"anyOf":[{"type":["object","null"],"additionalProperties":false},{"const":{"x": 1}}]}},"additionalProperties":false}"#
        );
        let said = r#"{"type":"object","additionalProperties":true}"#;
        assert_eq!(of(said), said);
        assert_eq!(of("{}"), "{}");
    }
}
