//! A body that goes to Gemini as it came, but for what other providers have signed: Gemini refuses signatures that are not its own, and from
//! generation 3 on calls that it has not signed, unless they say that they are somebody else's.

use std::ops::Range;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use super::write::is_before_3;
use crate::Text;
use crate::edits::{Edits, Pruning};
use crate::gemini::members::camel;
use crate::gemini::signature::{self, PLACEHOLDER};

/// How a signature begins that is somebody else's.
const MARK: &[u8] = signature::TAG_ENCODED.as_bytes();
/// The member that holds a call, in either spelling.
const CALLS: [&[u8]; 2] = [b"\"functionCall\"", b"\"function_call\""];

/// Whether a body for a model may hold what Gemini refuses: a search for a few words.
#[must_use]
pub fn may_hold_foreign(body: &[u8], model: &str) -> bool {
    let holds = |word| memchr::memmem::find(body, word).is_some();
    holds(MARK) || demands_signatures(model) && CALLS.into_iter().any(holds)
}

/// The body for a model without what others have signed, and with Google's word beside the calls that others have made; `None`: it is good as
/// it is.
#[must_use]
pub fn own(body: &[u8], model: &str) -> Option<Vec<u8>> {
    if !may_hold_foreign(body, model) {
        return None;
    }
    contents(body, demands_signatures(model)).ok()?.apply(body)
}

/// Whether a model is known to refuse calls that are not signed. What it is called otherwise gets its bytes as they came.
fn demands_signatures(model: &str) -> bool {
    model.contains("gemini-") && !is_before_3(model)
}

fn contents(body: &[u8], signs_calls: bool) -> Result<Edits, JsonError> {
    let mut edits = Edits::default();
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        if key.name() != "contents" {
            return scanner.skip();
        }
        let mut contents = Pruning::default();
        scanner.array_or_skip(|scanner| {
            scanner.peek();
            let start = scanner.at();
            let mut inside = Some(Edits::default());
            scanner.object_or_skip(|scanner, key| {
                if key.name() != "parts" {
                    return scanner.skip();
                }
                inside = parts(scanner, signs_calls)?;
                Ok(())
            })?;
            let content = start..scanner.at();
            match inside {
                Some(inside) => contents.keep_with(&content, inside),
                None => contents.drop(content),
            }
            Ok(())
        })?;
        edits = contents.finish().unwrap_or_default();
        Ok(())
    })?;
    Ok(edits)
}

/// What a part has to do with signatures.
#[derive(Debug, Default)]
struct Part {
    /// All of it, but for its braces.
    inside: usize,
    /// Whether it is a call of the model's.
    is_call: bool,
    /// Whether it says anything beside its signature.
    says: bool,
    is_thought: bool,
    /// The value of its signature.
    signature: Option<Range<usize>>,
    is_foreign: bool,
}

/// Which parts of a content go, and what is changed in the others; `None`: all of them go.
fn parts(scanner: &mut Scanner<'_>, signs_calls: bool) -> Result<Option<Edits>, JsonError> {
    let mut all = Vec::new();
    scanner.array_or_skip(|scanner| {
        scanner.peek();
        let start = scanner.at();
        let (part, without) = part(scanner)?;
        all.push((start..scanner.at(), part, without));
        Ok(())
    })?;
    let is_own = |part: &Part| part.signature.is_some() && !part.is_foreign;
    let is_signed = all.iter().any(|(_, part, _)| is_own(part));
    // The first of parallel calls alone is signed.
    let first = all.iter().position(|(_, part, _)| part.is_call);
    let first = first.filter(|_| signs_calls && !is_signed);
    let mut kept = Pruning::default();
    for (at, (span, part, without)) in all.into_iter().enumerate() {
        let placeholder = format!("\"{PLACEHOLDER}\"");
        let mut edits = Edits::default();
        match part.signature {
            Some(_) if part.is_foreign && (part.is_thought || !part.says) => {
                kept.drop(span);
                continue;
            }
            Some(value) if part.is_foreign && first == Some(at) => {
                edits.replace(value, placeholder);
            }
            Some(_) if part.is_foreign => edits = without,
            None if first == Some(at) => {
                let member = format!("\"thoughtSignature\":{placeholder},");
                edits.replace(part.inside..part.inside, member);
            }
            Some(_) | None => {}
        }
        kept.keep_with(&span, edits);
    }
    Ok(kept.finish())
}

/// A part, and what it takes to be without its signature.
fn part(scanner: &mut Scanner<'_>) -> Result<(Part, Edits), JsonError> {
    let (mut part, mut without) = (Part::default(), Pruning::default());
    part.inside = scanner.at() + 1;
    scanner.object_or_skip(|scanner, key| {
        let value = scanner.value()?;
        let span = key.start..value.span.end;
        let found = scanner.found(&value);
        match &*camel(&key.name()) {
            "thoughtSignature" if found.kind() == Kind::String && found.text() != "\"\"" => {
                part.is_foreign = is_foreign(found);
                part.signature = Some(value.span);
                without.drop(span);
                return Ok(());
            }
            "thought" => part.is_thought = found.kind() == Kind::Bool(true),
            "functionCall" => {
                part.is_call = found.kind() == Kind::Object;
                part.says = true;
            }
            "text" => part.says |= found.text() != "\"\"",
            _ => part.says |= found.kind() != Kind::Null,
        }
        without.keep(&span);
        Ok(())
    })?;
    Ok((part, without.finish().unwrap_or_default()))
}

fn is_foreign(written: Raw<'_>) -> bool {
    Text::of(written).is_some_and(|written| signature::is_foreign(&written))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FOREIGN: &str = "ZmFpcmxlYWQ6YW50aHJvcGljOng=";
    const REDACTED: &str = "ZmFpcmxlYWQ6cmVkYWN0ZWQ6YW50aHJvcGljOng";

    fn own_for(model: &str, parts: &str) -> Option<String> {
        let body = format!(
            r#"{{"contents":[{{"role":"user","parts":[{{"text":"a"}}]}},{{"role":"model", "parts":[{parts}]}}],"x":[1.50]}}"#
        );
        let own = String::from_utf8(own(body.as_bytes(), model)?).unwrap();
        let (_, rest) = own.split_once(r#""model", "parts":["#).unwrap();
        Some(rest.strip_suffix(r#"]}],"x":[1.50]}"#).unwrap().to_owned())
    }

    fn call(signature: &str) -> String {
        if signature.is_empty() {
            return r#"{"functionCall":{"name":"f"}}"#.to_owned();
        }
        format!(r#"{{"functionCall":{{"name":"f"}},"thoughtSignature":"{signature}"}}"#)
    }

    #[test]
    fn what_others_have_signed_goes_and_all_else_stays_as_it_is_written() {
        let thought = format!(r#"{{"text":"b","thought":true,"thoughtSignature":"{FOREIGN}"}}"#);
        let alone = format!(r#"{{"text":"","thoughtSignature":"{REDACTED}"}}"#);
        let said = format!(r#"{{"thought_signature":"{FOREIGN}", "text":"c"}}"#);
        let own = r#"{"text":"d","thoughtSignature":"c2ln"}"#;
        for (parts, left) in [
            (format!("{thought} , {own}"), Some(own.to_owned())),
            (format!("{own},{alone}"), Some(own.to_owned())),
            (said, Some(r#"{"text":"c"}"#.to_owned())),
            (own.to_owned(), None),
            (r#"{"text":"ZmFpcmxlYWQ6"}"#.to_owned(), None),
        ] {
            for model in ["gemini-3-pro", "gemini-2.5-pro"] {
                assert_eq!(own_for(model, &parts), left, "{parts}");
            }
        }
    }

    #[test]
    fn a_content_of_nothing_else_goes_with_what_it_held() {
        let part = format!(r#"{{"text":"b","thought":true,"thoughtSignature":"{FOREIGN}"}}"#);
        let body =
            format!(r#"{{"contents":[{{"parts":[{{"text":"a"}}]}}, {{"parts":[{part}]}}]}}"#);
        let own = own(body.as_bytes(), "gemini-3-pro").unwrap();
        assert_eq!(own, br#"{"contents":[{"parts":[{"text":"a"}]}]}"#);
    }

    #[test]
    fn calls_that_others_have_made_say_so_to_who_wants_them_signed() {
        let placed =
            format!(r#"{{"thoughtSignature":"{PLACEHOLDER}","functionCall":{{"name":"f"}}}}"#);
        let (unsigned, own, foreign) = (call(""), call("c2ln"), call(FOREIGN));
        for (parts, new, old) in [
            (unsigned.clone(), Some(placed.clone()), None),
            (
                format!("{unsigned},{unsigned}"),
                Some(format!("{placed},{unsigned}")),
                None,
            ),
            (format!("{own},{unsigned}"), None, None),
            (
                foreign.clone(),
                Some(call(PLACEHOLDER)),
                Some(unsigned.clone()),
            ),
            (
                format!("{own},{foreign}"),
                Some(format!("{own},{unsigned}")),
                Some(format!("{own},{unsigned}")),
            ),
        ] {
            assert_eq!(own_for("gemini-3-pro", &parts), new, "{parts}");
            assert_eq!(own_for("gemini-2.5-pro", &parts), old, "{parts}");
        }
    }

    #[test]
    fn what_is_no_request_is_left_alone() {
        for body in [
            &b"[\"functionCall\"]"[..],
            b"{\"contents\":\"ZmFpcmxlYWQ6\"}",
            b"{\"contents\":[{\"parts\":[{\"functionCall\":{",
            b"{\"contents\":[1,{\"parts\":{\"functionCall\":{}}},{\"parts\":[1,{\"functionCall\":2,\"thoughtSignature\":null}]}]}",
        ] {
            assert_eq!(own(body, "gemini-3-pro"), None);
        }
    }
}
