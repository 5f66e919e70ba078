//! Thought signatures, and how those of other formats ride where Gemini's would stand.
//!
//! The member is of proto's `bytes`: SDKs decode it and encode it again, in whichever alphabet. So what rides in it is base64
//! of `fairlead:<origin>:<value>`, and of `fairlead:redacted:<origin>:<value>` for thinking that has no words.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::{GeneralPurposeConfig, STANDARD};

use crate::{Origin, Signature, Text};

/// Google's word for a call that was not made by Gemini, or whose signature is lost.
pub(super) const PLACEHOLDER: &str = "skip_thought_signature_validator";

const TAG: &str = "fairlead:";
/// The same in base64: nine bytes are twelve letters, whatever follows.
pub(super) const TAG_ENCODED: &str = "ZmFpcmxlYWQ6";
const REDACTED: &str = "redacted:";

const ANY_PADDING: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What stands in a `thoughtSignature`.
pub(super) enum Proof<'a> {
    /// Of words, or of a call.
    Signed(Signature<'a>),
    /// Thinking that only its provider can read.
    Redacted(Signature<'a>),
}

/// Whose a signature is: without a tag it is Gemini's.
pub(super) fn read(written: Text<'_>) -> Proof<'_> {
    untag(&written).unwrap_or(Proof::Signed(Signature {
        origin: Origin::Gemini,
        value: written,
    }))
}

fn untag(written: &Text<'_>) -> Option<Proof<'static>> {
    if !written.as_written().starts_with(TAG_ENCODED) {
        return None;
    }
    let standard = super::media::standard(written.borrowed());
    let bytes = ANY_PADDING.decode(standard.as_written()).ok()?;
    let tagged = String::from_utf8(bytes).ok()?;
    let tagged = tagged.strip_prefix(TAG)?;
    let (is_redacted, tagged) = match tagged.strip_prefix(REDACTED) {
        Some(rest) => (true, rest),
        None => (false, tagged),
    };
    let (origin, value) = tagged.split_once(':')?;
    let signature = Signature {
        origin: origin_of(origin),
        value: Text::plain(value).into_owned(),
    };
    Some(if is_redacted {
        Proof::Redacted(signature)
    } else {
        Proof::Signed(signature)
    })
}

/// Whether it has a tag, that is, whether it is not Gemini's own.
pub(super) fn is_foreign(written: &Text<'_>) -> bool {
    untag(written).is_some()
}

fn origin_of(word: &str) -> Origin {
    [
        Origin::Anthropic,
        Origin::OpenAi,
        Origin::Gemini,
        Origin::Bedrock,
    ]
    .into_iter()
    .find(|origin| origin.as_str() == word)
    .unwrap_or(Origin::Unknown)
}

/// How a signature is written for a caller.
pub(super) fn written<'s>(signature: &'s Signature<'_>) -> Text<'s> {
    if signature.origin == Origin::Gemini {
        return signature.value.borrowed();
    }
    tagged(signature, "")
}

/// How thinking that only its provider can read is written for a caller.
pub(super) fn written_redacted(data: &Signature<'_>) -> Text<'static> {
    tagged(data, REDACTED)
}

fn tagged(signature: &Signature<'_>, mark: &str) -> Text<'static> {
    let value = signature.value.unescaped();
    let origin = signature.origin.as_str();
    Text::escaped(STANDARD.encode(format!("{TAG}{mark}{origin}:{value}")))
}

/// The value, if it may go back to Gemini.
pub(super) fn own<'s, 'a>(signature: Option<&'s Signature<'a>>) -> Option<&'s Text<'a>> {
    signature
        .filter(|signature| signature.origin == Origin::Gemini && !signature.value.is_empty())
        .map(|signature| &signature.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_of_another_format_comes_back_as_it_was() {
        for value in ["sig+/=", "a:b", "ErU>>>???", ""] {
            let signature = Signature {
                origin: Origin::Anthropic,
                value: Text::plain(value),
            };
            let there = written(&signature);
            let url_safe = there.as_written().replace('+', "-").replace('/', "_");
            for carried in [
                there.as_written(),
                &url_safe,
                url_safe.trim_end_matches('='),
            ] {
                match read(Text::plain(carried)) {
                    Proof::Signed(back) => assert_eq!(back, signature),
                    Proof::Redacted(_) => panic!("it has words"),
                }
            }
            match read(written_redacted(&signature)) {
                Proof::Redacted(back) => assert_eq!(back, signature),
                Proof::Signed(_) => panic!("it is redacted"),
            }
        }
        let own = Signature {
            origin: Origin::Gemini,
            value: Text::plain("c2ln"),
        };
        assert_eq!(written(&own).as_written(), "c2ln");
    }
}
