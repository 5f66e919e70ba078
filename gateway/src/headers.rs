//! Which headers pass, in either direction: only those that are listed. And what must never pass.

use fairlead_wire::redact::Redactor;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::surface::Surface;

/// From the caller to the provider. Everything else - cookies, credentials, forwarding headers, hop-by-hop headers - stays here.
static TO_PROVIDER: [HeaderName; 6] = [
    header::USER_AGENT,
    HeaderName::from_static("traceparent"),
    HeaderName::from_static("tracestate"),
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
];

/// From the provider to the caller. Rate-limit headers speak of our account, not of the caller's limits, and stay here.
static TO_CALLER: [HeaderName; 7] = [
    header::CONTENT_TYPE,
    header::RETRY_AFTER,
    HeaderName::from_static("retry-after-ms"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("request-id"),
    HeaderName::from_static("openai-processing-ms"),
    HeaderName::from_static("openai-version"),
];

/// About how many headers are added to those that are picked.
const OTHERS: usize = 15;

/// The headers of a request to a provider, apart from those the request itself needs.
#[must_use]
pub(crate) fn for_provider(caller: &HeaderMap) -> HeaderMap {
    pick(caller, &TO_PROVIDER)
}

/// Whether a header of the caller's means anything to a provider that speaks like this surface.
#[must_use]
pub(crate) fn is_of(name: &HeaderName, surface: Surface) -> bool {
    let name = name.as_str();
    match surface {
        Surface::OpenAi => !name.starts_with("anthropic-"),
        Surface::Anthropic => !name.starts_with("openai-"),
        Surface::Gemini => !name.starts_with("openai-") && !name.starts_with("anthropic-"),
    }
}

/// The provider's headers that the caller sees: none that repeats our credential.
#[must_use]
pub(crate) fn for_caller(provider: &HeaderMap, redactor: Option<&Redactor>) -> HeaderMap {
    let mut picked = pick(provider, &TO_CALLER);
    if let Some(redactor) = redactor {
        let repeats = |value: &HeaderValue| redactor.is_in(value.as_bytes());
        while let Some((name, _)) = picked.iter().find(|(_, value)| repeats(value)) {
            let name = name.clone();
            picked.remove(name);
        }
    }
    picked
}

fn pick(from: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let mut picked = HeaderMap::with_capacity(names.len() + OTHERS);
    // There are few of either, and comparing names is quicker than looking them up.
    for (name, value) in from.iter().filter(|(name, _)| names.contains(name)) {
        picked.append(name, value.clone());
    }
    // What its sender names there is for this connection only (RFC 9110, 7.6.1).
    for named in listed(from, &header::CONNECTION) {
        while picked.remove(named).is_some() {}
    }
    picked
}

/// The members of a header that is a list, in all of its lines (RFC 9110, 5.6.1).
pub(crate) fn listed<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .filter(|member| !member.is_empty())
}

/// Whether the media type is `expected`, parameters apart.
#[must_use]
pub(crate) fn is(headers: &HeaderMap, expected: &str) -> bool {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case(expected)
}

/// Whether the body is coded. `identity` is no coding, and some servers say `none`, or nothing, so that no proxy makes one.
#[must_use]
pub(crate) fn is_coded(headers: &HeaderMap) -> bool {
    let codings = headers
        .get_all(header::CONTENT_ENCODING)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    codings.map(<[u8]>::trim_ascii).any(|coding| {
        ["", "identity", "none"]
            .iter()
            .all(|no| !coding.eq_ignore_ascii_case(no.as_bytes()))
    })
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
    fn every_line_of_a_header_passes() {
        let mut headers = map(&[("tracestate", "a=1"), ("openai-beta", "x")]);
        headers.append("tracestate", HeaderValue::from_static("b=2"));
        headers.append("openai-beta", HeaderValue::from_static("y"));
        let sent = for_provider(&headers);
        let lines = |name| sent.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(lines("tracestate"), ["a=1", "b=2"]);
        assert_eq!(lines("openai-beta"), ["x", "y"]);
    }

    #[test]
    fn a_header_that_is_for_the_connection_only_stays_here() {
        let named = [
            ("user-agent", "sdk"),
            ("traceparent", "t"),
            ("connection", "keep-alive, User-Agent"),
        ];
        assert_eq!(for_provider(&map(&named)), map(&[("traceparent", "t")]));
        let named = [
            ("content-type", "application/json"),
            ("x-request-id", "r"),
            ("connection", "X-Request-Id"),
        ];
        assert_eq!(
            for_caller(&map(&named), None),
            map(&[("content-type", "application/json")])
        );
    }

    #[test]
    fn the_providers_account_is_not_the_callers_business() {
        let provider = map(&[
            ("content-type", "application/json"),
            ("openai-organization", "acme"),
            ("x-ratelimit-remaining-requests", "7"),
            ("set-cookie", "a=b"),
        ]);
        let shown = for_caller(&provider, None);
        assert_eq!(shown, map(&[("content-type", "application/json")]));
    }

    #[test]
    fn no_coding_has_several_names() {
        for none in [
            "",
            "none",
            "None",
            "identity",
            "Identity",
            "IDENTITY",
            " none ",
            "identity, none",
        ] {
            assert!(!is_coded(&map(&[("content-encoding", none)])), "{none:?}");
        }
        assert!(!is_coded(&map(&[])));
        for some in ["gzip", "br", "identity, gzip", "nothing", "zstd,none"] {
            assert!(is_coded(&map(&[("content-encoding", some)])), "{some:?}");
        }
    }

    #[test]
    fn a_header_that_repeats_the_credential_does_not_pass() {
        let redactor = Redactor::new(b"sk-se/cret");
        let shown = for_caller(
            &map(&[
                ("content-type", "application/json; key=sk-se%2Fcret"),
                ("x-request-id", "sk-se/cret-7"),
                ("openai-version", "2020-10-01"),
            ]),
            redactor.as_ref(),
        );
        assert_eq!(shown, map(&[("openai-version", "2020-10-01")]));
    }
}
