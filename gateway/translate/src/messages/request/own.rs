//! A body that goes to a provider of this format as it came, but for what other providers have thought: it refuses signatures that are not its own.

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use crate::Text;
use crate::edits::{Edits, Pruning};
use crate::messages::signature::{Returned, returned};
use crate::{Origin, Signature};

/// What stands in front of every signature that is somebody else's.
const MARK: &[u8] = b"\"fairlead:";

/// Whether a body may hold such a block: a search for its mark.
#[must_use]
pub fn may_hold_foreign(body: &[u8]) -> bool {
    memchr::memmem::find(body, MARK).is_some()
}

/// The body without the blocks that other providers have signed, or nobody; a message of nothing else goes with them. `None`: there are none.
#[must_use]
pub fn own(body: &[u8]) -> Option<Vec<u8>> {
    if !may_hold_foreign(body) {
        return None;
    }
    foreign(body).ok()?.apply(body)
}

/// Where such blocks are.
fn foreign(body: &[u8]) -> Result<Edits, JsonError> {
    let mut edits = Edits::default();
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        if key.name() != "messages" {
            return scanner.skip();
        }
        let mut messages = Pruning::default();
        scanner.array_or_skip(|scanner| {
            scanner.peek();
            let start = scanner.at();
            let mut inside = Some(Edits::default());
            scanner.object_or_skip(|scanner, key| {
                if key.name() == "content" {
                    inside = content(scanner)?;
                    return Ok(());
                }
                scanner.skip()
            })?;
            let message = start..scanner.at();
            match inside {
                Some(inside) => messages.keep_with(&message, inside),
                None => messages.drop(message),
            }
            Ok(())
        })?;
        // No conversation is left if all of it goes: its provider may say so.
        edits = messages.finish().unwrap_or_default();
        Ok(())
    })?;
    Ok(edits)
}

/// Which blocks of a message go; `None`: all of them.
fn content(scanner: &mut Scanner<'_>) -> Result<Option<Edits>, JsonError> {
    let mut blocks = Pruning::default();
    scanner.array_or_skip(|scanner| {
        let value = scanner.value()?;
        if is_foreign(scanner.found(&value)) {
            blocks.drop(value.span);
        } else {
            blocks.keep(&value.span);
        }
        Ok(())
    })?;
    Ok(blocks.finish())
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
            (format!("{own},{text}"), None),
        ] {
            assert_eq!(without(&content), expected, "{content}");
        }
    }

    #[test]
    fn a_message_of_nothing_else_goes_with_what_it_held() {
        let foreign = r#"{"type":"thinking","thinking":"b","signature":"fairlead:openai:x"}"#;
        let message = format!(r#"{{"role":"assistant","content":[{foreign}, {foreign}]}}"#);
        let user = r#"{"role":"user","content":"a"}"#;
        for (messages, left) in [
            (
                format!("{user}, {message},{user}"),
                format!("{user}, {user}"),
            ),
            (format!("{message},{user}"), user.to_owned()),
            (format!("{user},{message}"), user.to_owned()),
        ] {
            let body = format!(r#"{{"messages":[{messages}],"max_tokens":9}}"#);
            let expected = format!(r#"{{"messages":[{left}],"max_tokens":9}}"#);
            let own = own(body.as_bytes()).map(|own| String::from_utf8(own).unwrap());
            assert_eq!(own, Some(expected));
        }
        let body = format!(r#"{{"messages":[{message}]}}"#);
        assert_eq!(own(body.as_bytes()), None, "something must be asked");
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
