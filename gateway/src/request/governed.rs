//! What limits look at in a request: whose it is, how long, and how long its answer may be.

use std::sync::Arc;

use fairlead_wire::json::{Limits, Object};
use fairlead_wire::openai::request::Request;
use http::HeaderMap;

use crate::govern::reservation::Bill;
use crate::govern::{Governed, user};
use crate::runtime::Admission;
use crate::surface::{Operation, Path};

/// The members that bound an answer, of any dialect: what has no limit of its own is passed on as it came, to whoever may go by one of them.
const ANY: [Path; 3] = [
    &["max_completion_tokens"],
    &["max_output_tokens"],
    &["max_tokens"],
];

/// What limits look at. Where nothing limits the caller, little is.
#[must_use]
pub(crate) fn governed(
    admitted: &Arc<Admission>,
    operation: Operation,
    request: &Request<'_>,
    headers: &HeaderMap,
    choices: u64,
    bill: &Arc<Bill>,
) -> Governed {
    let limited = !admitted.limited.chain.is_empty();
    Governed {
        caller: Arc::clone(&admitted.limited),
        model: (&*request.model).into(),
        user: limited.then(|| end_user(request, headers)).flatten(),
        bytes: u64::try_from(request.object.body().len()).unwrap_or(u64::MAX),
        ceiling: ceiling(operation, request),
        choices,
        bill: Arc::clone(bill),
    }
}

/// The end user that a request names, if it names one.
pub(crate) fn end_user(request: &Request<'_>, headers: &HeaderMap) -> Option<Arc<str>> {
    if let Some(user) = user::of_header(headers) {
        return Some(user.into());
    }
    let object = &request.object;
    let member = object
        .get("user")
        .or_else(|| object.get("safety_identifier"))?;
    let user = object.string(member)?;
    (!user.is_empty()).then(|| (&*user).into())
}

/// The most tokens that an answer may have, as far as the request says.
#[must_use]
pub(crate) fn ceiling(operation: Operation, request: &Request<'_>) -> Option<u64> {
    if operation.is_without_output() {
        return Some(0);
    }
    // Of another dialect's limit a provider may know nothing, and would write on.
    let own = operation.longest();
    let paths = if own.is_empty() { &ANY } else { own };
    // Which of several a provider goes by is its own affair.
    let said = paths
        .iter()
        .filter_map(|path| number(&request.object, path));
    said.max()
}

/// The number that stands at a place of an object.
fn number(object: &Object<'_>, path: &[&str]) -> Option<u64> {
    let (name, rest) = path.split_first()?;
    let text = object.text(object.get(name)?);
    if rest.is_empty() {
        return text.trim().parse().ok();
    }
    let inner = Object::parse(text.as_bytes(), &Limits::default()).ok()?;
    number(&inner, rest)
}

#[cfg(test)]
mod tests {
    use fairlead_wire::openai::request::parse;

    use super::*;

    #[test]
    fn the_longest_answer_is_read_in_every_dialect() {
        use Operation as O;
        for (operation, body, longest) in [
            (O::Chat, r#"{"model":"m","max_tokens":7}"#, Some(7)),
            (
                O::Chat,
                r#"{"model":"m","max_tokens":7,"max_completion_tokens":9}"#,
                Some(9),
            ),
            (
                O::Responses,
                r#"{"model":"m","max_output_tokens":8}"#,
                Some(8),
            ),
            (
                O::Generate,
                r#"{"model":"m","generationConfig":{"maxOutputTokens":5}}"#,
                Some(5),
            ),
            (O::Chat, r#"{"model":"m","max_tokens":null}"#, None),
            (O::Chat, r#"{"model":"m"}"#, None),
        ] {
            let request = parse(body.as_bytes()).unwrap();
            assert_eq!(ceiling(operation, &request), longest, "{body}");
        }
    }

    #[test]
    fn what_another_dialect_would_go_by_bounds_nothing_and_of_two_the_longest_counts() {
        use Operation as O;
        for (operation, body, longest) in [
            (O::Chat, r#"{"model":"m","max_output_tokens":1}"#, None),
            (
                O::Chat,
                r#"{"model":"m","max_completion_tokens":1,"max_tokens":64000}"#,
                Some(64_000),
            ),
            (
                O::Messages,
                r#"{"model":"m","max_completion_tokens":1,"max_tokens":64000}"#,
                Some(64_000),
            ),
            (
                O::Responses,
                r#"{"model":"m","max_tokens":1,"max_output_tokens":900}"#,
                Some(900),
            ),
            (O::Generate, r#"{"model":"m","max_tokens":1}"#, None),
            (O::Embeddings, r#"{"model":"m","input":"a"}"#, Some(0)),
        ] {
            let request = parse(body.as_bytes()).unwrap();
            assert_eq!(ceiling(operation, &request), longest, "{body}");
        }
    }

    #[test]
    fn an_end_user_is_named_by_a_header_or_the_body() {
        let body = br#"{"model":"m","user":"ada"}"#;
        let request = parse(body).unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(end_user(&request, &headers).as_deref(), Some("ada"));
        headers.insert(user::HEADER, http::HeaderValue::from_static(" eve "));
        assert_eq!(end_user(&request, &headers).as_deref(), Some("eve"));
    }
}
