//! Which web pages may read answers: none, unless the command line says so (source: the Fetch standard, "CORS protocol").

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method};

/// What pages may ask for.
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST");
/// What pages may read of an answer beside its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "retry-after, retry-after-ms, x-request-id, x-should-retry, x-fairlead-request-id, x-fairlead-provider, x-fairlead-model, x-fairlead-rule, x-fairlead-attempts",
);
/// How long a browser remembers what it was told, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origins whose pages may call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cors(Vec<HeaderValue>);

impl Cors {
    /// Of origins as browsers send them, or `*` for every one.
    #[must_use]
    pub(crate) fn new(origins: &[HeaderValue]) -> Self {
        Self(origins.to_vec())
    }

    /// The origin of a request, if its page may read the answer.
    #[must_use]
    pub(crate) fn admitted(&self, request: &HeaderMap) -> Option<HeaderValue> {
        if self.0.is_empty() {
            return None;
        }
        let origin = request.get(ORIGIN)?;
        if self.0.iter().any(|known| known == "*") {
            return Some(HeaderValue::from_static("*"));
        }
        self.0.contains(origin).then(|| origin.clone())
    }

    /// Whether answers differ by who asks, which caches have to know.
    #[must_use]
    pub(crate) fn varies(&self) -> bool {
        !self.0.is_empty() && !self.0.iter().any(|known| known == "*")
    }
}

/// Whether a browser asks on behalf of a page what the page may ask.
#[must_use]
pub(crate) fn is_preflight(method: &Method, request: &HeaderMap) -> bool {
    method == Method::OPTIONS && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// What a preflight is told: everything that the API has, and the headers that the page wants to send.
#[must_use]
pub(crate) fn preflight(request: &HeaderMap) -> HeaderMap {
    let mut answer = HeaderMap::new();
    answer.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if let Some(wanted) = request.get(ACCESS_CONTROL_REQUEST_HEADERS) {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    answer
}

/// Lets the page read an answer.
pub(crate) fn open(answer: &mut HeaderMap, origin: Option<HeaderValue>, varies: bool) {
    if varies {
        answer.append(VARY, HeaderValue::from_static("origin"));
    }
    if let Some(origin) = origin {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(origin: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))])
    }

    #[test]
    fn no_page_may_read_answers_unless_its_origin_is_listed() {
        let page = from("https://app.example");
        assert_eq!(Cors::default().admitted(&page), None);
        let cors = Cors::new(&[HeaderValue::from_static("https://app.example")]);
        assert_eq!(cors.admitted(&page).unwrap(), "https://app.example");
        assert_eq!(cors.admitted(&from("https://evil.example")), None);
        assert_eq!(cors.admitted(&HeaderMap::new()), None);
    }

    #[test]
    fn a_star_admits_every_page() {
        let cors = Cors::new(&[HeaderValue::from_static("*")]);
        assert_eq!(cors.admitted(&from("https://a.example")).unwrap(), "*");
    }
}
