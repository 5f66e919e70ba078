//! What is asked for.

mod items;
mod media;
mod own;
mod parameters;
mod parts;
mod read;
mod tools;
mod turns;
mod write;
mod written;
mod written_parts;

use fairlead_json::{Kind, Limits, Object};
use items::Item;

pub use own::{may_hold_foreign, own};
pub use read::read;
pub use write::write;

use super::names::Echo;
use super::raw;

/// The parameters that an answer repeats.
const REPEATED: [&str; 17] = [
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "parallel_tool_calls",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "user",
];

/// What an answer has to know of a body: nothing, if the body is none.
#[must_use]
pub fn echo(body: &[u8]) -> Echo {
    let mut names = Echo::default();
    let Ok(object) = Object::parse(body, &Limits::default()) else {
        return names;
    };
    for name in REPEATED {
        if let Ok(Some(value)) = object.read(name)
            && value.kind() != Kind::Null
        {
            names.repeat(name, value);
        }
    }
    if !mentions(body) {
        return names;
    }
    if let Ok(Some(tools)) = object.read("tools") {
        names.note(tools, None);
    }
    if let Ok(Some(input)) = object.read("input") {
        raw::each_object(input, Item::note, |_, item: Option<Item<'_>>| {
            if let Some(tools) = item.and_then(|item| item.additional_tools()) {
                names.note(tools, None);
            }
        });
    }
    names
}

/// Whether a body can have tools other than functions at all; most have none, and need no second look.
fn mentions(body: &[u8]) -> bool {
    ["custom", "namespace", "\\u00"]
        .iter()
        .any(|word| memchr::memmem::find(body, word.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Notes;

    #[test]
    fn an_answer_repeats_what_its_request_said() {
        let body = br#"{"model":"m","input":"Hi.","temperature":0.50,"instructions":"Be brief.","metadata":null,"tools":[{"type":"function",
            "name":"f"}]}"#;
        let echo = echo(body);
        assert_eq!(echo.repeated("temperature"), Some("0.50"));
        assert_eq!(echo.repeated("instructions"), Some(r#""Be brief.""#));
        assert_eq!(echo.repeated("metadata"), None);
        assert_eq!(echo.repeated("model"), None);
        let head = crate::Head {
            id: "1",
            model: "m",
            created: 7,
            include_usage: false,
        };
        let answer = crate::responses::answer::with_tools(&crate::Answer::default(), &head, &echo);
        let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["temperature"], 0.5);
        assert_eq!(answer["tools"][0]["name"], "f");
        assert_eq!(answer["tool_choice"], "auto");
        assert_eq!(answer["metadata"], serde_json::json!({}));
        assert!(answer["reasoning"].is_null());
        // No line of an event may end in the middle of it.
        assert!(!echo.repeated("tools").unwrap().contains('\n'));
    }

    #[test]
    fn a_search_that_reaches_nothing_outside_is_not_missed() {
        for (access, missed) in [("false", false), ("true", true), ("null", true)] {
            let body = format!(
                r#"{{"model":"m","input":"Hi.","tools":[{{"type":"web_search","external_web_access":{access}}}]}}"#
            );
            let conversation = read(body.as_bytes()).unwrap();
            let mut notes = Notes::default();
            let target = crate::Target {
                model: "m",
                default_max_output: 1,
            };
            crate::chat::request::write(&conversation, &target, &mut notes);
            assert_eq!(notes.essential().count() > 0, missed, "{access}");
            assert_eq!(notes.all().len(), 1, "{access}");
        }
    }
}
