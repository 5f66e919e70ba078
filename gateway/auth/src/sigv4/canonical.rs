//! A request in the one form that both sides sign.

use super::Parts;
use crate::encode::percent;

/// Proxies and libraries add, change or drop these, so that a signature over them would not hold. The list is botocore's, 1.44; what a
/// signature has of its own comes on top.
const NOT_SIGNED: [&str; 20] = [
    "authorization",
    "baggage",
    "connection",
    "date",
    "expect",
    "host",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-security-token",
    "x-amzn-trace-id",
];

/// A request to be signed.
pub(super) struct Canonical {
    /// All of it.
    pub(super) text: String,
    /// The headers in it, as the signature names them.
    pub(super) names: String,
}

/// Writes a request in its canonical form; `own` are the headers that come with the signature.
pub(super) fn request(parts: &Parts<'_>, own: &[(&str, &str)], payload: &str) -> Canonical {
    let headers = headers(parts.headers, own);
    let names: Vec<_> = headers.iter().map(|(name, _)| name.as_str()).collect();
    let names = names.join(";");
    let lines = headers
        .iter()
        .map(|(name, value)| format!("{name}:{value}\n"));
    let text = format!(
        "{}\n{}\n{}\n{}\n{names}\n{payload}",
        parts.method.to_ascii_uppercase(),
        percent(&path(parts.path), b"/"),
        query(parts.query),
        lines.collect::<String>(),
    );
    Canonical { text, names }
}

/// Sorted by name, in lower case; those of one name in one line, in the order they have.
fn headers(given: &[(&str, &str)], own: &[(&str, &str)]) -> Vec<(String, String)> {
    let mut headers: Vec<(String, String)> = Vec::with_capacity(given.len() + own.len());
    let given = given
        .iter()
        .map(|(name, value)| (name.to_ascii_lowercase(), *value))
        .filter(|(name, _)| !NOT_SIGNED.contains(&name.as_str()));
    let own = own.iter().map(|(name, value)| ((*name).to_owned(), *value));
    for (name, value) in given.chain(own) {
        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
        match headers.iter_mut().find(|(other, _)| *other == name) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => headers.push((name, value)),
        }
    }
    headers.sort();
    headers
}

/// Without `.`, `..` and empty segments (RFC 3986, section 5.2.4, and the empty ones for AWS).
fn path(path: &str) -> String {
    let mut segments = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    // The slash at the end stays a slash, but of a path that has nothing else there is only one.
    let end = if path.ends_with('/') && !segments.is_empty() {
        "/"
    } else {
        ""
    };
    format!("/{}{end}", segments.join("/"))
}

/// The pairs sorted, by name and then by value, as they are sent.
fn query(query: &str) -> String {
    if query.is_empty() {
        return String::new();
    }
    let pair = |pair| str::split_once(pair, '=').unwrap_or((pair, ""));
    let mut pairs: Vec<_> = query.split('&').map(pair).collect();
    pairs.sort_unstable();
    let pairs = pairs.iter().map(|(name, value)| format!("{name}={value}"));
    pairs.collect::<Vec<_>>().join("&")
}
