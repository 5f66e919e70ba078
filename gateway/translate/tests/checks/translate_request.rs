//! Whatever bytes a caller sends: no reader and no writer panics, and what is written is well-formed.

#[path = "formats.rs"]
mod formats;

use fairlead_json::{Limits, well_formed};
use fairlead_translate::chat::request::{CallIds, Host};
use fairlead_translate::{Answered, Grammar, Names, chat, gemini, messages, responses};
use formats::ALL;

/// Deeper than what is read, for what is written stands in more around it.
const DEEP: Limits = Limits {
    depth: 512,
    members: usize::MAX,
};

/// Mistral and DeepSeek in one: all that is done to a history on its way.
const HOST: Host = Host {
    reasoning: Some("reasoning_content"),
    reasoning_always: true,
    refuses_thoughts: true,
    call_ids: CallIds::NineCharacters,
    ..Host::STRICT
};

/// Panics if it does not hold of these bytes.
pub(crate) fn check(data: &[u8]) {
    for asked in ALL {
        if let Ok(conversation) = asked.read(data) {
            for sent in ALL {
                let (body, _) = sent.write(&conversation);
                assert!(is_json(&body), "{asked:?} {sent:?}");
            }
            for grammar in [Grammar::OPENAI, Grammar::ANTHROPIC, Grammar::GEMINI] {
                let _ = Names::of(&conversation, &grammar).is_empty();
            }
        }
        if let Ok(Answered::Answer(answer)) = asked.answered(data) {
            for given in ALL {
                let body = given.answer(&answer);
                assert!(is_json(&body), "{asked:?} {given:?}");
            }
        }
    }
    let _ = responses::request::echo(data);
    let own = [
        chat::request::own(data, &HOST),
        messages::request::own(data),
        gemini::request::own(data, "gemini-3-pro"),
    ];
    if is_json(data) {
        for own in own.into_iter().flatten() {
            assert!(is_json(&own), "{}", String::from_utf8_lossy(&own));
        }
    }
}

fn is_json(text: &[u8]) -> bool {
    well_formed(text, &DEEP).is_ok()
}
