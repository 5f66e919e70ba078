//! Signatures of other providers on their way through this surface and back.
//!
//! A caller of this surface sends back what it was given, thinking and signature, but of a call only what it knows. So a foreign signature is
//! the signature of a thinking block, or the data of a redacted one, behind a tag: `fairlead:<origin>:<original>`. The signature of
//! a call stands as `fairlead:call.<origin>:<original>` in a redacted block before it. Thinking that nobody signed has the tag alone: so it is
//! known for what it is, wherever it turns up. What has no tag is this format's own.

use crate::{Origin, Signature, Text};

const TAG: &str = "fairlead:";
const OF_A_CALL: &str = "call.";

/// What a caller gives back as a signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Returned<'a> {
    /// Of what was thought.
    Thought(Signature<'a>),
    /// Of the call that follows.
    Call(Signature<'a>),
    /// Of nobody.
    Unsigned,
}

/// Reads a signature that a caller gives back.
pub(super) fn returned<'a>(value: &Text<'a>) -> Returned<'a> {
    let written = value.as_written();
    if written.is_empty() {
        return Returned::Unsigned;
    }
    let Some((origin, original)) = written
        .strip_prefix(TAG)
        .and_then(|tagged| tagged.split_once(':'))
    else {
        return Returned::Thought(Signature {
            origin: Origin::Anthropic,
            value: value.clone(),
        });
    };
    if original.is_empty() {
        return Returned::Unsigned;
    }
    let value = value.part(written.len() - original.len(), written.len());
    match origin.strip_prefix(OF_A_CALL) {
        Some(origin) => Returned::Call(Signature {
            origin: origin_of(origin),
            value,
        }),
        None => Returned::Thought(Signature {
            origin: origin_of(origin),
            value,
        }),
    }
}

/// A signature of what was thought, as a caller is given it.
pub(super) fn given<'t>(signature: Option<&'t Signature<'_>>) -> Text<'t> {
    match signature {
        Some(signature) if signature.origin == Origin::Anthropic => signature.value.borrowed(),
        Some(signature) => tagged("", signature),
        None => Text::escaped(format!("{TAG}{}:", Origin::Unknown.as_str())),
    }
}

/// The signature of a call, as a caller is given it.
pub(super) fn of_a_call(signature: &Signature<'_>) -> Text<'static> {
    tagged(OF_A_CALL, signature)
}

fn tagged(of: &str, signature: &Signature<'_>) -> Text<'static> {
    let (origin, value) = (signature.origin.as_str(), signature.value.as_written());
    Text::escaped(format!("{TAG}{of}{origin}:{value}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn signature(origin: Origin) -> Signature<'static> {
        Signature {
            origin,
            value: Text::escaped(r"a:b\/c=="),
        }
    }

    #[test]
    fn a_signature_comes_back_as_whose_it_was() {
        for origin in [
            Origin::Anthropic,
            Origin::OpenAi,
            Origin::Gemini,
            Origin::Bedrock,
            Origin::Unknown,
        ] {
            let signature = signature(origin);
            let there = given(Some(&signature)).into_owned();
            assert_eq!(returned(&there), Returned::Thought(signature.clone()));
            assert_eq!(returned(&of_a_call(&signature)), Returned::Call(signature));
        }
    }

    #[test]
    fn what_nobody_signed_comes_back_unsigned() {
        assert_eq!(returned(&given(None)), Returned::Unsigned);
        assert_eq!(returned(&Text::plain("")), Returned::Unsigned);
    }

    #[test]
    fn its_own_signature_is_given_as_it_is() {
        let own = signature(Origin::Anthropic);
        assert_eq!(given(Some(&own)), own.value);
    }
}
