//! What stays the same from turn to turn of a conversation: its opening.

use crate::json::{Kind, Limits, Object, Scanner};

/// Where conversations stand: Responses calls its own `input`.
const MESSAGES: [&str; 2] = ["messages", "input"];

/// The text of a request's `messages` up to the end of the first one from the user, as it stands in the body: the later turns of a
/// conversation only add behind it. `None`: there is no message from the user, or `messages` is no list of messages.
#[must_use]
pub fn opening<'a>(object: &Object<'a>) -> Option<&'a str> {
    let messages = MESSAGES
        .iter()
        .filter_map(|name| object.get(name))
        .find(|member| member.kind == Kind::Array)?;
    let text = object.text(messages);
    let mut end = None;
    let mut scanner = Scanner::over(text.as_bytes(), &Limits::default()).ok()?;
    let walked = scanner.array(|scanner| {
        let mut of_user = false;
        scanner.object_or_skip(|scanner, key| {
            if key.name() == "role" {
                of_user = scanner.words()?.is_some_and(|role| role == "user");
                return Ok(());
            }
            scanner.skip()
        })?;
        if of_user && end.is_none() {
            end = Some(scanner.at());
        }
        Ok(())
    });
    walked.ok()?;
    text.get(..end?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_of_responses_has_an_opening_too() {
        let of = |body: &str| {
            let object = Object::parse(body.as_bytes(), &Limits::default()).unwrap();
            opening(&object).map(str::to_owned)
        };
        let first = r#"[{"role":"developer","content":"x"},{"role":"user","content":"Hi."}"#;
        for (body, expected) in [
            (
                format!(r#"{{"input":{first},{{"type":"reasoning"}}]}}"#),
                Some(first),
            ),
            (
                format!(r#"{{"input":"x","messages":{first}]}}"#),
                Some(first),
            ),
            (r#"{"input":["a","b"]}"#.to_owned(), None),
            (r#"{"input":"Hi."}"#.to_owned(), None),
        ] {
            assert_eq!(of(&body).as_deref(), expected, "{body}");
        }
    }
}
