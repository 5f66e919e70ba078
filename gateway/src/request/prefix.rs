//! What a server of a pool is chosen by: what the prompt begins with, so that the server whose cache holds it is asked again.
//!
//! Turns of a conversation only add behind its first message from the user, so all of them have one key: system prompt and messages up to there.
//! Conversations that share a system prompt spread over the servers, each of which soon knows it. A prompt without messages has its beginning for
//! a key. Nothing is looked at where no target is a pool that places by prefix.

use std::borrow::Cow;

use fairlead_route::Plan;
use fairlead_wire::json::Object;
use fairlead_wire::openai::opening;
use sha2::{Digest as _, Sha256};

use crate::runtime::Runtime;
use crate::surface::Operation;

/// Of a text that is longer than twice this, its two ends count: the beginning, and what is last and differs from conversation to conversation.
const END: usize = 8 * 1024;
/// So much of a prompt that has no messages: what comes behind may be another turn.
const BEGINNING: usize = 1024;
/// Where what goes before the messages stands, if it stands apart.
const BEFORE: [&str; 2] = ["system", "instructions"];

/// The key of a request, if a server is chosen by it.
pub(crate) fn key(
    plan: &Plan,
    runtime: &Runtime,
    object: &Object<'_>,
    operation: Operation,
) -> Option<u64> {
    let wanted = plan.steps.iter().any(|step| {
        let upstream = step.provider.and_then(|at| runtime.upstreams.get(at.0));
        let servers = upstream.and_then(|upstream| upstream.servers());
        step.conversation.is_none() && servers.is_some_and(|servers| servers.places_by_prefix())
    });
    wanted.then(|| of_prompt(object, operation)).flatten()
}

/// The key of a prompt, if the operation has one.
pub(crate) fn of_prompt(object: &Object<'_>, operation: Operation) -> Option<u64> {
    let has_prompt = matches!(
        operation,
        Operation::Chat | Operation::Completions | Operation::Responses | Operation::Messages
    );
    has_prompt.then(|| of(object)).flatten()
}

fn of(object: &Object<'_>) -> Option<u64> {
    let mut hash = Sha256::new();
    if let Some(messages) = opening(object) {
        update(&mut hash, messages);
    } else {
        let text = text(object, "prompt").or_else(|| text(object, "input"))?;
        let bytes = text.as_bytes();
        hash.update(bytes.get(..BEGINNING).unwrap_or(bytes));
    }
    for member in BEFORE.iter().filter_map(|name| object.get(name)) {
        update(&mut hash, object.text(member));
    }
    let digest = hash.finalize();
    digest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

fn update(hash: &mut Sha256, text: &str) {
    let bytes = text.as_bytes();
    if bytes.len() <= 2 * END {
        hash.update(bytes);
        return;
    }
    for end in [bytes.get(..END), bytes.get(bytes.len() - END..)] {
        hash.update(end.unwrap_or_default());
    }
}

fn text<'a>(object: &Object<'a>, name: &str) -> Option<Cow<'a, str>> {
    object.string(object.get(name)?)
}

#[cfg(test)]
mod tests {
    use fairlead_wire::json::Limits;
    use serde_json::{Value, json};

    use super::*;

    fn key(body: &Value) -> Option<u64> {
        let text = body.to_string();
        of(&Object::parse(text.as_bytes(), &Limits::default()).unwrap())
    }

    fn message(role: &str, text: &str) -> Value {
        json!({"role": role, "content": text})
    }

    #[test]
    fn all_turns_of_a_conversation_have_one_key_and_other_conversations_another() {
        let (system, hello) = (message("system", "Be kind."), message("user", "Hello."));
        let first = key(&json!({"messages": [system, hello]}));
        let second = key(
            &json!({"messages": [system, hello, message("assistant", "Hi."), message("user", "More.")]}),
        );
        assert!(first.is_some());
        assert_eq!(first, second);
        let other = key(&json!({"messages": [system, message("user", "Good evening.")]}));
        assert_ne!(first, other);
    }

    #[test]
    fn a_system_prompt_that_stands_apart_counts() {
        let of =
            |system: &str| key(&json!({"system": system, "messages": [message("user", "Hi.")]}));
        assert_ne!(of("a"), of("b"));
        let of = |system: &str| key(&json!({"instructions": system, "input": "Hi."}));
        assert_ne!(of("a"), of("b"));
    }

    #[test]
    fn what_a_user_asks_first_counts_behind_a_system_prompt_of_any_length() {
        let system = message("system", &"x".repeat(100_000));
        let of = |text: &str| key(&json!({"messages": [system, message("user", text)]}));
        assert_ne!(of("a"), of("b"));
        assert_eq!(of("a"), of("a"));
    }

    #[test]
    fn a_prompt_without_messages_is_known_by_its_beginning() {
        let of = |end: &str| {
            let prompt = ["x".repeat(BEGINNING).as_str(), end].concat();
            key(&json!({"prompt": prompt}))
        };
        assert_eq!(of("a"), of("b"));
        assert_ne!(of("a"), key(&json!({"prompt": "y"})));
        assert_eq!(key(&json!({"prompt": [1, 2, 3]})), None);
    }
}
