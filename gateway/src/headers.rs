//! Which headers pass, in either direction: only those that are listed. And what must never pass.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// From the caller to the provider. Everything else - cookies, credentials, forwarding headers, hop-by-hop headers - stays here.
static TO_PROVIDER: [HeaderName; 4] = [
    header::USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("openai-beta"),
];

/// From the provider to the caller. Rate-limit headers speak of our account, not of the caller's limits, and stay here.
static TO_CALLER: [HeaderName; 6] = [
    header::CONTENT_TYPE,
    header::RETRY_AFTER,
    HeaderName::from_static("retry-after-ms"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
];

/// The headers of a request to a provider, apart from those the request itself needs.
#[must_use]
pub fn for_provider(caller: &HeaderMap) -> HeaderMap {
    pick(caller, &TO_PROVIDER)
}

/// The provider's headers that the caller sees.
#[must_use]
pub fn for_caller(provider: &HeaderMap) -> HeaderMap {
    pick(provider, &TO_CALLER)
}

fn pick(from: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut picked = HeaderMap::with_capacity(names.len() + 8);
    for name in names {
        if let Some(value) = from.get(name) {
            picked.insert(name, value.clone());
        }
    }
    picked
}

/// Whether the media type is `expected`, parameters apart.
#[must_use]
pub fn is(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(expected)
}

/// Replaces every occurrence of the credential in an Authorization header by `[redacted]`.
#[must_use]
pub fn redact(text: Bytes, authorization: Option<&HeaderValue>) -> Bytes {
    let secret = authorization
        .map(HeaderValue::as_bytes)
        .and_then(|value| value.strip_prefix(b"Bearer "))
        .unwrap_or_default();
    if secret.is_empty() || secret.len() > text.len() {
        return text;
    }
    let mut clean = Vec::with_capacity(text.len());
    let mut rest = &text[..];
    let mut found = false;
    while let Some(at) = rest
        .windows(secret.len())
        .position(|window| window == secret)
    {
        clean.extend_from_slice(&rest[..at]);
        clean.extend_from_slice(b"[redacted]");
        rest = &rest[at + secret.len()..];
        found = true;
    }
    if !found {
        return text;
    }
    clean.extend_from_slice(rest);
    clean.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn a_callers_key_never_reaches_the_provider() {
        let sent = for_provider(&map(&[
            ("authorization", "Bearer a"),
            ("x-api-key", "b"),
            ("api-key", "c"),
            ("cookie", "d"),
            ("user-agent", "sdk"),
        ]));
        assert_eq!(sent, map(&[("user-agent", "sdk")]));
    }

    #[test]
    fn the_providers_account_is_not_the_callers_business() {
        let shown = for_caller(&map(&[
            ("content-type", "application/json"),
            ("openai-organization", "acme"),
            ("x-ratelimit-remaining-requests", "7"),
            ("set-cookie", "a=b"),
        ]));
        assert_eq!(shown, map(&[("content-type", "application/json")]));
    }

    #[test]
    fn a_credential_that_is_repeated_is_cut_out() {
        let authorization = HeaderValue::from_static("Bearer sk-secret");
        let text = Bytes::from_static(b"wrong key sk-secret, sk-secret!");
        assert_eq!(
            redact(text, Some(&authorization)),
            "wrong key [redacted], [redacted]!"
        );
    }
}
