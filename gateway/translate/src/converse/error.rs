//! Failures: the body of a refusal with its type beside it, and the exceptions of a stream.

use fairlead_json::{Kind, Limits, Raw, Scanner};
use fairlead_wire::openai::ErrorFacts;

use crate::Text;

/// How much of a message is kept, in characters.
const LONGEST_MESSAGE: usize = 2048;

/// What a refusal says: its body, and the value of its header `x-amzn-errortype`. `None`: neither says anything.
#[must_use]
pub fn read(body: &[u8], error_type: Option<&str>) -> Option<ErrorFacts> {
    let mut told = Told::of(body);
    let kind = error_type.and_then(plain_kind).or(told.kind.take());
    let facts = ErrorFacts {
        status: kind.as_deref().and_then(status_of),
        kind,
        message: told.message,
        further: told.original,
        ..ErrorFacts::default()
    };
    (facts != ErrorFacts::default()).then_some(facts)
}

/// What a frame of a stream says that is an exception of this name.
#[must_use]
pub fn exception(name: &str, payload: &[u8]) -> ErrorFacts {
    let told = Told::of(payload);
    let kind = capitalised(name);
    // What stands behind Bedrock has said: wait, or that it is down. Else the request might be at fault, and that is not known.
    let original = told
        .original_status
        .filter(|status| *status == 429 || (500..600).contains(status));
    ErrorFacts {
        status: original.or_else(|| status_of(&kind)),
        kind: Some(kind),
        message: told.message,
        further: told.original,
        ..ErrorFacts::default()
    }
}

/// Whether an event of that name is an exception.
pub(super) fn is_exception(name: &str) -> bool {
    name.ends_with("Exception")
}

#[derive(Default)]
struct Told {
    kind: Option<String>,
    message: Option<String>,
    original: Option<String>,
    original_status: Option<u16>,
}

impl Told {
    fn of(body: &[u8]) -> Self {
        let mut told = Self::default();
        let scanned = Scanner::over(body, &Limits::default()).and_then(|mut scanner| {
            scanner.object_or_skip(|scanner, key| {
                let value = scanner.value()?;
                told.take(&key.name(), scanner.found(&value));
                Ok(())
            })
        });
        // What is half of something says nothing.
        scanned.map_or_else(|_| Self::default(), |()| told)
    }

    fn take(&mut self, name: &str, value: Raw<'_>) {
        match name {
            // With a capital where it is not Bedrock itself that refuses, but what stands in front of it.
            "message" | "Message" => self.message = words(value).or(self.message.take()),
            "originalMessage" => self.original = words(value),
            "originalStatusCode" if value.kind() == Kind::Number => {
                self.original_status = value.text().parse().ok();
            }
            "__type" => {
                self.kind = words(value).as_deref().and_then(plain_kind);
            }
            _ => {}
        }
    }
}

fn words(value: Raw<'_>) -> Option<String> {
    let text = Text::of(value).filter(|text| !text.is_blank())?;
    Some(text.unescaped().chars().take(LONGEST_MESSAGE).collect())
}

/// The name alone: `com.amazon.coral.service#ThrottlingException:http://..` holds it.
fn plain_kind(kind: &str) -> Option<String> {
    let name = kind.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default().trim();
    (!name.is_empty()).then(|| name.to_owned())
}

/// The name of an exception in a stream is that of the same exception of a refusal but for its first letter.
fn capitalised(name: &str) -> String {
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(characters).collect()
}

/// The status that goes with a type, as the API's model has it; of those that every service of Amazon's has, as "Common errors" has it.
fn status_of(kind: &str) -> Option<u16> {
    Some(match kind {
        "ValidationException" | "ServiceQuotaExceededException" => 400,
        "AccessDeniedException"
        | "ExpiredTokenException"
        | "InvalidSignatureException"
        | "UnrecognizedClientException" => 403,
        "ResourceNotFoundException" => 404,
        "ModelTimeoutException" => 408,
        "ModelErrorException" | "ModelStreamErrorException" => 424,
        "ModelNotReadyException" | "ThrottlingException" => 429,
        "InternalServerException" => 500,
        "ServiceUnavailableException" => 503,
        _ => return None,
    })
}
