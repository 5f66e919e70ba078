//! A body that goes to a provider of this format as it came, but for what other providers have thought: it refuses signatures that are not its own.

use std::ops::Range;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use crate::Text;
use crate::messages::signature::{Returned, returned};
use crate::{Origin, Signature};

/// What stands in front of every signature that is somebody else's.
const MARK: &[u8] = b"\"fairlead:";

/// Whether a body may hold such a block: a search for its mark.
#[must_use]
pub fn may_hold_foreign(body: &[u8]) -> bool {
    memchr::memmem::find(body, MARK).is_some()
}

/// The body without the blocks that other providers have signed, or nobody; `None`: there are none.
#[must_use]
pub fn own(body: &[u8]) -> Option<Vec<u8>> {
    if !may_hold_foreign(body) {
        return None;
    }
    let foreign = foreign(body).ok()?;
    let mut out = Vec::with_capacity(body.len());
    let mut kept_to = 0;
    for block in &foreign {
        out.extend_from_slice(body.get(kept_to..block.start)?);
        kept_to = block.end;
    }
    out.extend_from_slice(body.get(kept_to..)?);
    (!foreign.is_empty()).then_some(out)
}

/// Where such blocks are, each with the comma behind it, or before it where it is the last.
fn foreign(body: &[u8]) -> Result<Vec<Range<usize>>, JsonError> {
    let mut found = Vec::new();
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        if key.name() != "messages" {
            return scanner.skip();
        }
        scanner.array_or_skip(|scanner| {
            scanner.object_or_skip(|scanner, key| {
                if key.name() == "content" {
                    return content(scanner, &mut found);
                }
                scanner.skip()
            })
        })
    })?;
    Ok(found)
}

fn content(scanner: &mut Scanner<'_>, found: &mut Vec<Range<usize>>) -> Result<(), JsonError> {
    // Where the last block that stays ends, and whether those after it go.
    let mut kept_to = None;
    let mut gone: Option<Range<usize>> = None;
    scanner.array_or_skip(|scanner| {
        let value = scanner.value()?;
        let block = scanner.found(&value);
        if !is_foreign(block) {
            if let Some(gone) = gone.take() {
                found.push(gone.start..value.span.start);
            }
            kept_to = Some(value.span.end);
            return Ok(());
        }
        let start = gone.as_ref().map_or(value.span.start, |gone| gone.start);
        gone = Some(start..value.span.end);
        Ok(())
    })?;
    if let Some(gone) = gone {
        found.push(kept_to.unwrap_or(gone.start)..gone.end);
    }
    Ok(())
}

fn is_foreign(block: Raw<'_>) -> bool {
    let (mut is_thought, mut signature) = (false, None);
    if block.kind() != Kind::Object {
        return false;
    }
    block.each_member(|name, value| match &*name {
        "type" => {
            let kind = value.string();
            is_thought = kind.is_ok_and(|kind| matches!(&*kind, "thinking" | "redacted_thinking"));
        }
        "signature" | "data" => signature = Text::of(value).or(signature.take()),
        _ => {}
    });
    let foreign = |signature: Text<'_>| {
        let own = Origin::Anthropic;
        !matches!(returned(&signature), Returned::Thought(Signature { origin, .. }) if origin == own)
    };
    is_thought && signature.is_some_and(foreign)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(content: &str) -> Option<String> {
        let body = format!(
            r#"{{"model":"m","messages":[{{"role":"user","content":"fairlead:"}},{{"role":"assistant", "content": [{content}]}}],"x":[1.50]}}"#
        );
        let own = own(body.as_bytes())?;
        let own = String::from_utf8(own).unwrap();
        let (_, rest) = own.split_once(r#""content": ["#).unwrap();
        let inside = rest.strip_suffix(r#"]}],"x":[1.50]}"#).unwrap();
        Some(inside.to_owned())
    }

    #[test]
    fn what_others_have_signed_goes_and_all_else_stays_as_it_is_written() {
        let own = r#"{"type":"thinking","thinking":"a","signature":"c2ln"}"#;
        let foreign = r#"{"type":"thinking","thinking":"b","signature":"fairlead:openai:x"}"#;
        let redacted = r#"{"type":"redacted_thinking","data":"fairlead:gemini:y"}"#;
        let unsigned = r#"{"type":"thinking","thinking":"c","signature":"fairlead:unknown:"}"#;
        let text = r#"{"type":"text","text":"\"fairlead:openai:x\""}"#;
        for (content, expected) in [
            (format!("{foreign} , {text}"), Some(text.to_owned())),
            (format!("{text} , {foreign}"), Some(text.to_owned())),
            (
                format!("{own},{foreign},{redacted} ,{text}"),
                Some(format!("{own},{text}")),
            ),
            (
                format!("{text},{unsigned},{own}"),
                Some(format!("{text},{own}")),
            ),
            (format!("{foreign},{unsigned}"), Some(String::new())),
            (format!("{own},{text}"), None),
        ] {
            assert_eq!(without(&content), expected, "{content}");
        }
    }

    #[test]
    fn what_is_no_request_is_left_alone() {
        for body in [
            &b"{\"fairlead:\":1}"[..],
            b"[\"fairlead:x\"]",
            b"{\"messages\":\"fairlead:\"}",
            b"{\"messages\":[{\"content\":[\"fairlead:",
        ] {
            assert_eq!(own(body), None);
        }
    }
}
