//! What limits look at in a request: whose it is, how long, and how long its answer may be.

use std::sync::Arc;

use fairlead_wire::openai::request::Request;
use http::HeaderMap;
use serde::Deserialize;

use crate::govern::reservation::Bill;
use crate::govern::{Governed, user};
use crate::runtime::Admission;

/// The members that bound an answer, in the order in which they are believed.
const CEILINGS: [&str; 3] = ["max_completion_tokens", "max_output_tokens", "max_tokens"];

/// Gemini has it deeper inside.
#[derive(Deserialize)]
struct GenerationConfig {
    #[serde(alias = "max_output_tokens", rename = "maxOutputTokens")]
    longest: Option<u64>,
}

/// What limits look at. Where nothing limits the caller, little is.
#[must_use]
pub(crate) fn governed(
    admitted: &Arc<Admission>,
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
        ceiling: ceiling(request),
        choices,
        bill: Arc::clone(bill),
    }
}

fn end_user(request: &Request<'_>, headers: &HeaderMap) -> Option<Arc<str>> {
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
pub(crate) fn ceiling(request: &Request<'_>) -> Option<u64> {
    let object = &request.object;
    let said = CEILINGS.iter().find_map(|name| object.get(name));
    if let Some(member) = said {
        return object.text(member).trim().parse().ok();
    }
    let config = object
        .get("generationConfig")
        .or_else(|| object.get("generation_config"))?;
    let config: GenerationConfig = serde_json::from_str(object.text(config)).ok()?;
    config.longest
}

#[cfg(test)]
mod tests {
    use fairlead_wire::openai::request::parse;

    use super::*;

    #[test]
    fn the_longest_answer_is_read_in_every_dialect() {
        for (body, longest) in [
            (r#"{"model":"m","max_tokens":7}"#, Some(7)),
            (
                r#"{"model":"m","max_tokens":7,"max_completion_tokens":9}"#,
                Some(9),
            ),
            (r#"{"model":"m","max_output_tokens":8}"#, Some(8)),
            (
                r#"{"model":"m","generationConfig":{"maxOutputTokens":5}}"#,
                Some(5),
            ),
            (r#"{"model":"m","max_tokens":null}"#, None),
            (r#"{"model":"m"}"#, None),
        ] {
            assert_eq!(ceiling(&parse(body.as_bytes()).unwrap()), longest, "{body}");
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
