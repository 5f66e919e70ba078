//! Where a body names the model that its path has named already: `countTokens` and the embeddings have it inside their requests.
//!
//! Whoever reads it there would answer by another model than the one that the gateway has looked at, so it is always written anew.

use std::ops::Range;

use fairlead_json::{JsonError, Limits, Scanner, alike};

/// The members that hold a request, or a list of them.
const AROUND: [&str; 4] = [
    "requests",
    "generateContentRequest",
    "generate_content_request",
    "embedContentRequest",
];

/// The body with the provider's name of the model wherever it names one; `None`: it names none.
#[must_use]
pub fn renamed(body: &[u8], model: &str) -> Option<Vec<u8>> {
    let mut found = Vec::new();
    let mut scanner = Scanner::over(body, &Limits::default()).ok()?;
    request(&mut scanner, &mut found).ok()?;
    if found.is_empty() {
        return None;
    }
    let mut name = Vec::new();
    fairlead_json::write_string(&mut name, &format!("models/{model}"));
    let mut out = Vec::with_capacity(body.len() + found.len() * name.len());
    let mut kept_to = 0;
    for value in &found {
        out.extend_from_slice(body.get(kept_to..value.start)?);
        out.extend_from_slice(&name);
        kept_to = value.end;
    }
    out.extend_from_slice(body.get(kept_to..)?);
    Some(out)
}

/// Whether a body may name one: a search for the word.
#[must_use]
pub fn may_name_model(body: &[u8]) -> bool {
    memchr::memmem::find(body, b"odel").is_some() || memchr::memchr(b'\\', body).is_some()
}

fn request(scanner: &mut Scanner<'_>, found: &mut Vec<Range<usize>>) -> Result<(), JsonError> {
    scanner.object_or_skip(|scanner, key| {
        let key = key.name();
        if alike(&key, "model") {
            found.push(scanner.value()?.span);
            return Ok(());
        }
        if !AROUND.iter().any(|around| alike(&key, around)) {
            return scanner.skip();
        }
        if scanner.peek() == Some(b'[') {
            return scanner.array(|scanner| request(scanner, found));
        }
        request(scanner, found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wherever_a_body_names_a_model_it_is_the_one_that_is_asked() {
        for (body, expected) in [
            (r#"{"contents":[{"model":"x"}]}"#, None),
            (
                r#"{"model":"models/a","content":{}}"#,
                Some(r#"{"model":"models/up","content":{}}"#),
            ),
            (
                r#"{"requests":[{"model":"models/a","content":{}},{"mo\u0064el":"b"}]}"#,
                Some(
                    r#"{"requests":[{"model":"models/up","content":{}},{"mo\u0064el":"models/up"}]}"#,
                ),
            ),
            (
                r#"{"generateContentRequest":{"model":"models/a","contents":[{"model":"kept"}]}}"#,
                Some(
                    r#"{"generateContentRequest":{"model":"models/up","contents":[{"model":"kept"}]}}"#,
                ),
            ),
        ] {
            let renamed = renamed(body.as_bytes(), "up");
            let renamed = renamed.map(|body| String::from_utf8(body).unwrap());
            assert_eq!(renamed.as_deref(), expected, "{body}");
        }
    }
}
