//! Anthropic Messages: what callers such as Claude Code speak, and what Anthropic speaks, wherever it is hosted.
//!
//! Which host it is, and so the address, the version and the betas, is not said here: hosts differ in what stands around a body.
//! Signatures of other providers travel through this surface under a tag with their origin, since its callers give back what they were given.

pub mod answer;
mod block;
pub(crate) mod ids;
pub mod request;
mod signature;
mod stop;
pub mod stream;
mod usage;

use crate::Text;
use crate::write::Json;

pub(crate) use block::is_blank;

/// An error. Besides what its surface knows it has our, or the provider's, `code`, which readers pass over.
#[must_use]
pub fn error(status: u16, code: &str, message: &str) -> Vec<u8> {
    error_as(kind_of(status), Some((code, code)), &Text::plain(message))
}

/// The error for a request that wants its conversation kept by the provider (`thread`): libraries that are told so send all of it instead.
#[must_use]
pub fn unthreaded(status: u16, code: &str, message: &str) -> Vec<u8> {
    let codes = (code, "thread_unsupported_request");
    error_as(kind_of(status), Some(codes), &Text::plain(message))
}

/// The answer to the question how many tokens a prompt has.
pub mod count {
    use crate::write::Json;

    /// How many, if that is what a body says.
    #[must_use]
    pub fn read(body: &[u8]) -> Option<u64> {
        let object = fairlead_json::Object::parse(body, &fairlead_json::Limits::default()).ok()?;
        object.text(object.get("input_tokens")?).parse().ok()
    }

    /// So many.
    #[must_use]
    pub fn write(input_tokens: u64) -> Vec<u8> {
        let mut json = Json::with_capacity(40);
        json.object(|json| json.key("input_tokens").number(input_tokens));
        json.finish()
    }
}

fn error_as(kind: &str, codes: Option<(&str, &str)>, message: &Text<'_>) -> Vec<u8> {
    let mut json = Json::with_capacity(96 + message.as_written().len());
    json.object(|json| {
        json.key("type").str("error");
        json.key("error").object(|json| {
            json.key("type").str(kind);
            json.key("message").text(message);
            if let Some((code, error_code)) = codes {
                json.key("code").str(code);
                json.key("details").object(|json| {
                    json.key("error_code").str(error_code);
                });
            }
        });
    });
    json.finish()
}

/// What an error of that status is called.
fn kind_of(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        408 | 504 => "timeout_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 | 529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_named_by_its_status() {
        let text = |status| String::from_utf8(error(status, "no_target", "No \"one\".")).unwrap();
        assert_eq!(
            text(503),
            r#"{"type":"error","error":{"type":"overloaded_error","message":"No \"one\".","code":"no_target","details":{"error_code":"no_target"}}}"#
        );
        for (status, kind) in [
            (400, "invalid_request_error"),
            (422, "invalid_request_error"),
            (402, "billing_error"),
            (500, "api_error"),
            (504, "timeout_error"),
            (529, "overloaded_error"),
        ] {
            assert!(text(status).contains(kind), "{status}");
        }
        assert_eq!(count::write(12), br#"{"input_tokens":12}"#);
        assert_eq!(count::read(&count::write(12)), Some(12));
        assert_eq!(count::read(br#"{"input_tokens":"12"}"#), None);
    }
}
