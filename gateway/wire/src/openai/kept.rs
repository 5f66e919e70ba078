//! What a request of Responses goes on from that a provider keeps.

use crate::json::{Kind, Object, Scanner};

/// The members that refer to an answer or a conversation that is kept, or have one kept to be fetched later.
const MEMBERS: [&str; 3] = ["previous_response_id", "conversation", "background"];

/// The member of a request that only the provider which keeps it can read: `previous_response_id`, `conversation`, `background`, or an
/// `item_reference` of its `input`. `None`: the request says all by itself.
#[must_use]
pub fn kept(object: &Object<'_>) -> Option<&'static str> {
    let given = |name: &&&str| {
        let member = object.get(name);
        member.is_some_and(|member| !matches!(member.kind, Kind::Null | Kind::Bool(false)))
    };
    if let Some(member) = MEMBERS.iter().find(given) {
        return Some(member);
    }
    let input = object.read("input").ok().flatten()?;
    let mut refers = false;
    let _ = input.scanner().array_or_skip(|scanner| {
        refers |= is_reference(scanner)?;
        Ok(())
    });
    refers.then_some("item_reference")
}

/// Whether an item is only referred to: a message has a role, and every other item a type.
fn is_reference(scanner: &mut Scanner<'_>) -> Result<bool, crate::json::JsonError> {
    let (mut refers, mut has_id, mut is_item) = (false, false, false);
    scanner.object_or_skip(|scanner, key| {
        match &*key.name() {
            "type" => {
                is_item = true;
                refers = scanner
                    .words()?
                    .is_some_and(|kind| kind == "item_reference");
            }
            "role" => {
                is_item = true;
                scanner.skip()?;
            }
            "id" => {
                has_id = true;
                scanner.skip()?;
            }
            _ => scanner.skip()?,
        }
        Ok(())
    })?;
    Ok(refers || has_id && !is_item)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Limits;

    #[test]
    fn what_goes_on_from_something_kept_is_known_by_its_member() {
        for (body, expected) in [
            (r#"{"input":"Hi."}"#, None),
            (
                r#"{"input":"Hi.","previous_response_id":null,"background":false,"store":true}"#,
                None,
            ),
            (
                r#"{"input":"Hi.","previous_response_id":"resp_1"}"#,
                Some("previous_response_id"),
            ),
            (
                r#"{"input":"Hi.","conversation":{"id":"conv_1"}}"#,
                Some("conversation"),
            ),
            (r#"{"input":"Hi.","background":true}"#, Some("background")),
            (
                r#"{"input":[{"role":"user","content":"x","id":"msg_1"},{"type":"function_call","id":"fc_1"}]}"#,
                None,
            ),
            (
                r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#,
                Some("item_reference"),
            ),
            (
                r#"{"input":[{"role":"user","content":"x"},{"id":"msg_1"}]}"#,
                Some("item_reference"),
            ),
            (
                r#"{"input":[{"role":"user","content":[{"type":"item_reference","id":"x"}]}]}"#,
                None,
            ),
        ] {
            let object = Object::parse(body.as_bytes(), &Limits::default()).unwrap();
            assert_eq!(kept(&object), expected, "{body}");
        }
    }
}
