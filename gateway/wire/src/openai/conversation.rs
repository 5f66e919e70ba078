//! What stays the same from turn to turn of a conversation: its opening.

use crate::json::{Kind, Limits, Object, Scanner};

/// The text of a request's `messages` up to the end of the first one from the user, as it stands in the body: the later turns of a
/// conversation only add behind it. `None`: there is no message from the user, or `messages` is no list of messages.
#[must_use]
pub fn opening<'a>(object: &Object<'a>) -> Option<&'a str> {
    let messages = object
        .get("messages")
        .filter(|member| member.kind == Kind::Array)?;
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
