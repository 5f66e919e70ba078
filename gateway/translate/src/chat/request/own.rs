//! A body that goes to a provider of this format as it came, but for what of its history the provider is known to refuse.
//!
//! A caller gives back what it was given, by whomever: what was thought in words and with proofs, ids in any grammar. What one provider made of
//! it another may not take, and its refusal would end the whole chain. Who wants to see in every turn with calls what was thought there gets it
//! empty where somebody else has made them.

use fairlead_json::{JsonError, Key, Limits, Raw, Scanner};

use super::{CallIds, Host};
use crate::Text;
use crate::chat::ids::nine_character_id;
use crate::edits::{Edits, Pruning};

/// What stands in front of every proof that is somebody else's.
const MARK: &[u8] = b"\"fairlead:";
/// The beginning of the members that hold what was thought.
const THOUGHT: &[u8] = b"\"reasoning";
/// The member that holds the proof of a call.
const EXTRA: &[u8] = b"\"extra_content\"";
/// The beginning of the members that hold ids of calls.
const CALL: &[u8] = b"\"tool_call";

/// Whether a body may hold what this provider does not take: a search for a few words.
#[must_use]
pub fn may_hold_foreign(body: &[u8], host: &Host) -> bool {
    let holds = |word| memchr::memmem::find(body, word).is_some();
    // A wish for an effort is no thought.
    let thinks = || {
        memchr::memmem::find_iter(body, THOUGHT).any(|at| {
            let rest = body.get(at + THOUGHT.len()..).unwrap_or_default();
            !rest.starts_with(b"_effort\"")
        })
    };
    let looks_at_calls = host.call_ids == CallIds::NineCharacters || host.reasoning_always;
    holds(MARK)
        || looks_at_calls && holds(CALL)
        || host.refuses_thoughts && (thinks() || holds(EXTRA))
}

/// The body without what this provider does not take, and with ids in its grammar; `None`: it is good as it is.
#[must_use]
pub fn own(body: &[u8], host: &Host) -> Option<Vec<u8>> {
    if !may_hold_foreign(body, host) {
        return None;
    }
    messages(body, host).ok()?.apply(body)
}

fn messages(body: &[u8], host: &Host) -> Result<Edits, JsonError> {
    let mut edits = Edits::default();
    let mut scanner = Scanner::over(body, &Limits::default())?;
    scanner.object(|scanner, key| {
        if key.name() != "messages" {
            return scanner.skip();
        }
        let mut messages = Pruning::default();
        scanner.array_or_skip(|scanner| message(scanner, host, &mut messages))?;
        edits = messages.finish().unwrap_or_default();
        Ok(())
    })?;
    Ok(edits)
}

fn message(
    scanner: &mut Scanner<'_>,
    host: &Host,
    messages: &mut Pruning,
) -> Result<(), JsonError> {
    let is_object = scanner.peek() == Some(b'{');
    let start = scanner.at();
    let (mut has_calls, mut has_thought) = (false, false);
    let inside = members(scanner, |scanner, name| {
        has_calls |= name == "tool_calls";
        has_thought |= host.reasoning == Some(name);
        match name {
            "reasoning_content" | "reasoning" | "reasoning_details" if host.refuses_thoughts => {
                gone(scanner)
            }
            "reasoning_details" => details(scanner),
            "tool_calls" => calls(scanner, host),
            "tool_call_id" => id(scanner, host),
            _ => stays(scanner),
        }
    })?;
    let mut edits = Edits::default();
    if let Some(name) = host.reasoning
        && host.reasoning_always
        && is_object
        && has_calls
        && !has_thought
    {
        edits.replace(start + 1..start + 1, format!("\"{name}\":\"\","));
    }
    let message = start..scanner.at();
    messages.keep_with(&message, edits.then(inside.unwrap_or_default()));
    Ok(())
}

/// Walks the members of an object, or steps over something else: what `member` says of each. `None`: all of them go.
fn members(
    scanner: &mut Scanner<'_>,
    mut member: impl FnMut(&mut Scanner<'_>, &str) -> Result<Option<Edits>, JsonError>,
) -> Result<Option<Edits>, JsonError> {
    let mut kept = Pruning::default();
    scanner.object_or_skip(|scanner, key: Key<'_>| {
        let inside = member(scanner, &key.name())?;
        let span = key.start..scanner.at();
        match inside {
            Some(inside) => kept.keep_with(&span, inside),
            None => kept.drop(span),
        }
        Ok(())
    })?;
    Ok(kept.finish())
}

/// A value that goes.
fn gone(scanner: &mut Scanner<'_>) -> Result<Option<Edits>, JsonError> {
    scanner.skip().map(|()| None)
}

/// A value that stays as it is.
fn stays(scanner: &mut Scanner<'_>) -> Result<Option<Edits>, JsonError> {
    scanner.skip().map(|()| Some(Edits::default()))
}

/// The details of what was thought, without those that are not this format's own.
fn details(scanner: &mut Scanner<'_>) -> Result<Option<Edits>, JsonError> {
    let mut kept = Pruning::default();
    scanner.array_or_skip(|scanner| {
        let value = scanner.value()?;
        if is_marked(scanner.found(&value)) {
            kept.drop(value.span);
        } else {
            kept.keep(&value.span);
        }
        Ok(())
    })?;
    Ok(kept.finish())
}

fn is_marked(value: Raw<'_>) -> bool {
    memchr::memmem::find(value.text().as_bytes(), MARK).is_some()
}

fn calls(scanner: &mut Scanner<'_>, host: &Host) -> Result<Option<Edits>, JsonError> {
    let mut calls = Pruning::default();
    scanner.array_or_skip(|scanner| {
        scanner.peek();
        let start = scanner.at();
        let inside = members(scanner, |scanner, name| match name {
            "id" => id(scanner, host),
            "extra_content" => {
                let value = scanner.value()?;
                let goes = host.refuses_thoughts || is_marked(scanner.found(&value));
                Ok((!goes).then(Edits::default))
            }
            _ => stays(scanner),
        })?;
        let call = start..scanner.at();
        calls.keep_with(&call, inside.unwrap_or_default());
        Ok(())
    })?;
    Ok(Some(calls.finish().unwrap_or_default()))
}

/// The id of a call in the provider's grammar: by itself alone, so that the call and its result agree.
fn id(scanner: &mut Scanner<'_>, host: &Host) -> Result<Option<Edits>, JsonError> {
    let value = scanner.value()?;
    let mut edits = Edits::default();
    if host.call_ids == CallIds::NineCharacters
        && let Some(id) = Text::of(scanner.found(&value))
    {
        let mapped = nine_character_id(&id);
        if mapped.as_written() != id.as_written() {
            edits.replace(value.span, format!("\"{}\"", mapped.as_written()));
        }
    }
    Ok(Some(edits))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISTRAL: Host = Host {
        refuses_thoughts: true,
        call_ids: CallIds::NineCharacters,
        ..Host::STRICT
    };

    fn own_for(host: &Host, messages: &str) -> Option<String> {
        let body = format!(
            r#"{{"model":"m", "reasoning_effort":"low","messages":[{messages}] ,"x":[1.50]}}"#
        );
        let own = String::from_utf8(own(body.as_bytes(), host)?).unwrap();
        let (_, rest) = own.split_once(r#""messages":["#).unwrap();
        let inside = rest.strip_suffix(r#"] ,"x":[1.50]}"#).unwrap();
        Some(inside.to_owned())
    }

    #[test]
    fn ids_made_elsewhere_fit_a_host_that_takes_nine_characters() {
        let history = |id: &str| {
            format!(
                r#"{{"role":"assistant","content":null,"tool_calls":[{{"id":"{id}", "type":"function","function":{{"name":"f","arguments":"{{}}"}}}}]}},{{"role":"tool","tool_call_id": "{id}","content":"id"}}"#
            )
        };
        for given in ["toolu_01A", "call_abcdefghijkl", "", "a\\u00e9"] {
            let mapped = nine_character_id(&Text::escaped(given)).into_owned();
            let expected = history(mapped.as_written());
            assert_eq!(own_for(&MISTRAL, &history(given)), Some(expected));
            assert_eq!(own_for(&Host::STRICT, &history(given)), None);
        }
        assert_eq!(own_for(&MISTRAL, &history("aB3456789")), None);
    }

    #[test]
    fn what_was_thought_does_not_go_to_a_host_that_refuses_it() {
        let details = r#""reasoning_details":[{"type":"reasoning.text","text":"a"}]"#;
        for (given, left) in [
            (
                r#"{"role":"assistant","reasoning_content":"a","content":"b"}"#.to_owned(),
                r#"{"role":"assistant","content":"b"}"#,
            ),
            (
                format!(r#"{{"role":"assistant","content":"b", "reasoning":"a",{details}}}"#),
                r#"{"role":"assistant","content":"b"}"#,
            ),
            (
                r#"{"tool_calls":[{"id":"aB3456789","extra_content":{"google":{"thought_signature":"c2ln"}}}]}"#.to_owned(),
                r#"{"tool_calls":[{"id":"aB3456789"}]}"#,
            ),
        ] {
            assert_eq!(own_for(&MISTRAL, &given), Some(left.to_owned()), "{given}");
            assert_eq!(own_for(&Host::default(), &given), None, "whoever may know it");
        }
        let text = r#"{"role":"user","content":"\"reasoning_content\""}"#;
        assert_eq!(own_for(&MISTRAL, text), None);
    }

    #[test]
    fn what_others_have_signed_goes_to_no_host_of_this_format() {
        let marked = r#"{"type":"reasoning.text","text":"a","signature":"fairlead:anthropic:x"}"#;
        let own = r#"{"type":"reasoning.text","text":"b","signature":"x"}"#;
        let call = |extra: &str| format!(r#"{{"tool_calls":[{{"id":"a"{extra}}}]}}"#);
        for (given, left) in [
            (
                format!(r#"{{"content":"","reasoning_details":[{marked},{own}]}}"#),
                format!(r#"{{"content":"","reasoning_details":[{own}]}}"#),
            ),
            (
                format!(r#"{{"content":"","reasoning_details":[{marked}]}}"#),
                r#"{"content":""}"#.to_owned(),
            ),
            (
                call(r#","extra_content":{"google":{"thought_signature":"fairlead:openai:x"}}"#),
                call(""),
            ),
        ] {
            for host in [Host::default(), Host::STRICT] {
                assert_eq!(own_for(&host, &given), Some(left.clone()), "{given}");
            }
        }
    }

    #[test]
    fn a_host_that_wants_what_was_thought_beside_calls_gets_it() {
        let deepseek = Host {
            reasoning: Some("reasoning_content"),
            reasoning_always: true,
            ..Host::STRICT
        };
        let own = r#"{"tool_calls":[],"reasoning_content":"a"},{"role":"assistant","content":"b"}"#;
        assert_eq!(own_for(&deepseek, own), None);
        assert_eq!(
            own_for(&deepseek, r#"{ "tool_calls":[]}"#).unwrap(),
            r#"{"reasoning_content":"", "tool_calls":[]}"#
        );
    }

    #[test]
    fn what_is_no_request_is_left_alone() {
        for body in [
            &b"{\"fairlead:\":1}"[..],
            b"[\"fairlead:x\"]",
            b"{\"messages\":\"fairlead:\"}",
            b"{\"messages\":[{\"tool_calls\":[\"fairlead:",
            b"{\"messages\":[1,{\"tool_calls\":{\"id\":1}},{\"tool_calls\":[1,{\"id\":2}]},{\"tool_call_id\":null}]}",
        ] {
            assert_eq!(own(body, &MISTRAL), None);
        }
    }
}
