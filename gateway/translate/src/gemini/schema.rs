//! Schemas: Gemini's own words for them, which are OpenAPI's, and those of JSON Schema.

use fairlead_json::{JsonError, Kind, Raw, Scanner, write_string};

use super::members::camel;
use crate::Value;
use crate::write::Json;

/// A `parameters` or `responseSchema` in the words of JSON Schema: types in lower case, null as a type, counts as numbers.
pub(super) fn as_json_schema(raw: Raw<'_>) -> Value<'_> {
    let mut out = Vec::with_capacity(raw.text().len() + 16);
    let converted = schema(&mut raw.scanner(), &mut out);
    match (converted, String::from_utf8(out)) {
        (Ok(()), Ok(json)) => Value::made(json),
        _ => Value::from(raw),
    }
}

/// What has to be known of a schema before all of it can be written.
#[derive(Default)]
struct Late<'a> {
    kind: Option<&'a str>,
    choices: Option<&'a str>,
    nullable: bool,
    /// Where the list of `anyOf` ends in the output.
    any_of_end: Option<usize>,
}

fn schema(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    if scanner.peek() != Some(b'{') {
        return verbatim(scanner, out);
    }
    let mut late = Late::default();
    out.push(b'{');
    scanner.object(|scanner, key| member(scanner, &key.name(), &mut late, out))?;
    finish(&late, out);
    out.push(b'}');
    Ok(())
}

fn member<'a>(
    scanner: &mut Scanner<'a>,
    key: &str,
    late: &mut Late<'a>,
    out: &mut Vec<u8>,
) -> Result<(), JsonError> {
    let name = camel(key);
    if scanner.peek() == Some(b'n') {
        return scanner.skip();
    }
    match &*name {
        "type" | "enum" | "nullable" => {
            let value = scanner.value()?;
            match &*name {
                "nullable" => late.nullable = value.kind == Kind::Bool(true),
                "type" => late.kind = Some(scanner.raw(&value)),
                _ => late.choices = Some(scanner.raw(&value)),
            }
            Ok(())
        }
        "propertyOrdering" | "example" => scanner.skip(),
        "format" => {
            let value = scanner.value()?;
            // Gemini's word for a string with choices, which those say already.
            if scanner.raw(&value) != "\"enum\"" {
                write_key("format", out);
                out.extend_from_slice(scanner.raw(&value).as_bytes());
            }
            Ok(())
        }
        "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties" | "maxProperties" => {
            write_key(&name, out);
            let value = scanner.value()?;
            out.extend_from_slice(scanner.raw(&value).trim_matches('"').as_bytes());
            Ok(())
        }
        "properties" | "defs" | "$defs" | "definitions" => {
            write_key(if name == "defs" { "$defs" } else { &name }, out);
            schemas_by_name(scanner, out)
        }
        "items" | "additionalProperties" => {
            write_key(&name, out);
            schema(scanner, out)
        }
        "anyOf" | "prefixItems" | "allOf" | "oneOf" => {
            write_key(&name, out);
            list(scanner, out)?;
            if name == "anyOf" && out.ends_with(b"]") {
                late.any_of_end = Some(out.len() - 1);
            }
            Ok(())
        }
        "ref" => {
            write_key("$ref", out);
            verbatim(scanner, out)
        }
        _ => {
            write_key(&name, out);
            verbatim(scanner, out)
        }
    }
}

fn schemas_by_name(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    if scanner.peek() != Some(b'{') {
        return verbatim(scanner, out);
    }
    out.push(b'{');
    scanner.object(|scanner, key| {
        write_key(&key.name(), out);
        schema(scanner, out)
    })?;
    out.push(b'}');
    Ok(())
}

fn list(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    if scanner.peek() != Some(b'[') {
        return verbatim(scanner, out);
    }
    out.push(b'[');
    scanner.array(|scanner| {
        separate(out);
        schema(scanner, out)
    })?;
    out.push(b']');
    Ok(())
}

fn verbatim(scanner: &mut Scanner<'_>, out: &mut Vec<u8>) -> Result<(), JsonError> {
    let value = scanner.value()?;
    out.extend_from_slice(scanner.raw(&value).as_bytes());
    Ok(())
}

fn finish(late: &Late<'_>, out: &mut Vec<u8>) {
    if late.nullable
        && late.kind.is_none()
        && let Some(end) = late.any_of_end
    {
        let rest = out.split_off(end);
        separate(out);
        out.extend_from_slice(b"{\"type\":\"null\"}");
        out.extend_from_slice(&rest);
    }
    if let Some(kind) = late.kind.filter(|kind| *kind != "\"TYPE_UNSPECIFIED\"") {
        write_key("type", out);
        let lower = kind.to_ascii_lowercase();
        if late.nullable && kind.starts_with('"') && lower != "\"null\"" {
            out.extend_from_slice(format!("[{lower},\"null\"]").as_bytes());
        } else {
            out.extend_from_slice(lower.as_bytes());
        }
    }
    if let Some(choices) = late.choices {
        write_key("enum", out);
        match choices.strip_suffix(']').filter(|_| late.nullable) {
            Some(open) => {
                out.extend_from_slice(open.as_bytes());
                separate(out);
                out.extend_from_slice(b"null]");
            }
            None => out.extend_from_slice(choices.as_bytes()),
        }
    }
}

fn write_key(name: &str, out: &mut Vec<u8>) {
    separate(out);
    write_string(out, name);
    out.push(b':');
}

fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[')) {
        out.push(b',');
    }
}

/// Writes a JSON schema as Gemini takes it: without the name of its draft, and as an object where it must be one.
pub(super) fn write(schema: &Value<'_>, must_be_object: bool, json: &mut Json) {
    if is_taken(schema.text()) {
        return json.value(schema);
    }
    let Some(raw) = schema.raw().filter(|raw| raw.kind() == Kind::Object) else {
        return json.verbatim("{\"type\":\"object\"}");
    };
    let (mut has_draft, mut has_type) = (false, false);
    raw.each_member(|key, _| {
        has_draft |= key == "$schema";
        has_type |= key == "type";
    });
    if !has_draft && (has_type || !must_be_object) {
        return json.value(schema);
    }
    json.object(|json| {
        if must_be_object && !has_type {
            json.key("type").str("object");
        }
        raw.each_member(|key, value| {
            if key != "$schema" {
                json.key(&key).raw(value);
            }
        });
    });
}

/// Whether a schema is taken as it is, as most are: it begins with the type of an object, and names no draft. Seen without walking it.
fn is_taken(schema: &str) -> bool {
    let has = |word: &str| memchr::memmem::find(schema.as_bytes(), word.as_bytes()).is_some();
    schema.starts_with(r#"{"type":"object","#) && !has("$schema") && !has("\\u")
}

/// Whether data has what Gemini takes for a part of a schema, and refuses: it has to go as a text.
pub(super) fn looks_like_schema(object: &str) -> bool {
    ["\"$ref\"", "\"$defs\""]
        .iter()
        .any(|word| memchr::memmem::find(object.as_bytes(), word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use fairlead_json::Limits;

    use super::*;

    fn converted(schema: &str) -> String {
        let raw = Raw::parse(schema, &Limits::default()).unwrap();
        let value = as_json_schema(raw);
        assert!(value.raw().is_some(), "{}", value.text());
        value.text().to_owned()
    }

    #[test]
    fn openapi_becomes_json_schema() {
        assert_eq!(
            converted(
                r#"{"type":"OBJECT","properties":{"type":{"type":"STRING","nullable":true},"n":{"nullable":true,"type":"INTEGER","minimum":1.0}},"required":["n"],"propertyOrdering":["n"]}"#
            ),
            r#"{"properties":{"type":{"type":["string","null"]},"n":{"minimum":1.0,"type":["integer","null"]}},"required":["n"],"type":"object"}"#
        );
        assert_eq!(
            converted(
                r#"{"type":"ARRAY","min_items":"1","items":{"type":"STRING","format":"enum","enum":["A","B"],"nullable":true}}"#
            ),
            r#"{"minItems":1,"items":{"type":["string","null"],"enum":["A","B",null]},"type":"array"}"#
        );
    }

    #[test]
    fn a_schema_is_written_without_its_draft_and_with_its_type() {
        for (schema, written) in [
            (r#"{"type":"object","properties":{}}"#, None),
            (
                r#"{"properties":{}}"#,
                Some(r#"{"type":"object","properties":{}}"#),
            ),
            (
                r#"{"type":"object","$schema":"x"}"#,
                Some(r#"{"type":"object"}"#),
            ),
            (
                r#"{"type":"object","\u0024schema":"x"}"#,
                Some(r#"{"type":"object"}"#),
            ),
            (r#"{"type":"object","description":"\u00e9"}"#, None),
        ] {
            let mut json = Json::default();
            let raw = Raw::parse(schema, &Limits::default()).unwrap();
            write(&Value::from(raw), true, &mut json);
            let json = String::from_utf8(json.finish()).unwrap();
            assert_eq!(json, written.unwrap_or(schema));
        }
    }

    #[test]
    fn null_goes_among_several_forms() {
        assert_eq!(
            converted(
                r#"{"nullable":true,"any_of":[{"type":"STRING"},{"type":"NUMBER"}],"title":"t"}"#
            ),
            r#"{"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}],"title":"t"}"#
        );
    }

    #[test]
    fn json_schema_stays_as_it_is_in_meaning() {
        assert_eq!(
            converted(r#"{"type":["string","null"],"description":"TYPE","default":"OBJECT"}"#),
            r#"{"description":"TYPE","default":"OBJECT","type":["string","null"]}"#
        );
        assert_eq!(converted("{}"), "{}");
        assert_eq!(converted("true"), "true");
        assert_eq!(
            converted(r#"{"properties":7,"items":[],"anyOf":{},"enum":"x","nullable":true}"#),
            r#"{"properties":7,"items":[],"anyOf":{},"enum":"x"}"#
        );
    }
}
