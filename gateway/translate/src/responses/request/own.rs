//! A body that goes to OpenAI as it came, but for what other providers have thought: it refuses encrypted content that is not its own.

use std::ops::Range;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use super::super::raw::words;
use crate::Text;

/// What stands in front of every signature that is somebody else's.
const MARK: &[u8] = b"\"fairlead:";

/// Whether a body may hold such an item: a search for its mark.
#[must_use]
pub fn may_hold_foreign(body: &[u8]) -> bool {
    memchr::memmem::find(body, MARK).is_some()
}

/// The body without the reasoning that other providers have signed; `None`: there is none.
#[must_use]
pub fn own(body: &[u8]) -> Option<Vec<u8>> {
    if !may_hold_foreign(body) {
        return None;
    }
    let foreign = foreign(body).ok()?;
    let mut out = Vec::with_capacity(body.len());
    let mut kept_to = 0;
    for item in &foreign {
        out.extend_from_slice(body.get(kept_to..item.start)?);
        kept_to = item.end;
    }
    out.extend_from_slice(body.get(kept_to..)?);
    (!foreign.is_empty()).then_some(out)
}

/// Where such items are, each with the comma behind it, or before it where it is the last.
fn foreign(body: &[u8]) -> Result<Vec<Range<usize>>, JsonError> {
    let mut found = Vec::new();
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        if key.name() != "input" {
            return scanner.skip();
        }
        // Where the last item that stays ends, and those after it that go.
        let mut kept_to = None;
        let mut gone: Option<Range<usize>> = None;
        scanner.array_or_skip(|scanner| {
            let value = scanner.value()?;
            if is_foreign(scanner.found(&value)) {
                let start = gone.as_ref().map_or(value.span.start, |gone| gone.start);
                gone = Some(start..value.span.end);
                return Ok(());
            }
            if let Some(gone) = gone.take() {
                found.push(gone.start..value.span.start);
            }
            kept_to = Some(value.span.end);
            Ok(())
        })?;
        if let Some(gone) = gone {
            found.push(kept_to.unwrap_or(gone.start)..gone.end);
        }
        Ok(())
    })?;
    Ok(found)
}

fn is_foreign(item: Raw<'_>) -> bool {
    if item.kind() != Kind::Object {
        return false;
    }
    let (mut kind, mut encrypted) = (None, None);
    item.each_member(|name, value| match &*name {
        "type" => kind = Some(value),
        "encrypted_content" => encrypted = Text::of(value),
        _ => {}
    });
    let is_tagged = |text: Text<'_>| text.unescaped().starts_with("fairlead:");
    words(kind) == "reasoning" && encrypted.is_some_and(is_tagged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn without(input: &str) -> Option<String> {
        let body = format!(r#"{{"model":"m","input":[{input}],"x":[1.50]}}"#);
        let own = String::from_utf8(own(body.as_bytes())?).unwrap();
        let inside = own
            .strip_prefix(r#"{"model":"m","input":["#)
            .and_then(|rest| rest.strip_suffix(r#"],"x":[1.50]}"#));
        Some(inside.unwrap().to_owned())
    }

    #[test]
    fn what_others_have_signed_goes_and_all_else_stays_as_it_is_written() {
        let own = r#"{"type":"reasoning","summary":[],"encrypted_content":"gAAAA"}"#;
        let foreign =
            r#"{"type":"reasoning","summary":[],"encrypted_content":"fairlead:anthropic:x"}"#;
        let text = r#"{"role":"user","content":"\"fairlead:openai:x\""}"#;
        for (input, expected) in [
            (format!("{foreign} , {text}"), Some(text.to_owned())),
            (format!("{text} , {foreign}"), Some(text.to_owned())),
            (
                format!("{own},{foreign},{foreign} ,{text}"),
                Some(format!("{own},{text}")),
            ),
            (foreign.to_owned(), Some(String::new())),
            (format!("{own},{text}"), None),
        ] {
            assert_eq!(without(&input), expected, "{input}");
        }
    }
}
