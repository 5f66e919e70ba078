//! A refusal as the answer to a request.

use http::{HeaderName, HeaderValue, StatusCode, header};

use super::Rejection;
use crate::answer::body::{Body, Response};
use crate::surface::Surface;

/// A client may wait for so many seconds by itself.
const BEARABLE: u64 = 60;
const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");

impl Rejection {
    /// Whether it is what a provider has answered.
    fn is_an_answer(&self) -> bool {
        matches!(
            self,
            Self::ProviderFailed { .. } | Self::ProviderRefused { .. } | Self::ProviderLimits(_)
        )
    }

    /// The error object.
    #[must_use]
    pub(crate) fn body(&self, surface: Surface) -> Vec<u8> {
        surface.error(
            surface.status(self.status()).as_u16(),
            self.code(),
            self.kind(),
            &self.to_string(),
            self.row().parameter,
        )
    }

    /// The answer that says so.
    #[must_use]
    pub(crate) fn response(&self, surface: Surface) -> Response {
        let mut response = Response::new(Body::whole(self.body(surface)));
        *response.status_mut() = surface.status(self.status());
        let headers = response.headers_mut();
        let mut set = |name, value| drop(headers.insert(name, HeaderValue::from_static(value)));
        set(header::CONTENT_TYPE, "application/json");
        // What a status has to be told with (RFC 9110, 15.5.2, 15.5.6, 15.5.16; RFC 6750, 3).
        if self.status() == StatusCode::UNAUTHORIZED {
            let known = if matches!(self, Self::MissingKey) {
                "Bearer"
            } else {
                "Bearer error=\"invalid_token\""
            };
            set(header::WWW_AUTHENTICATE, known);
        }
        if let Self::MethodNotAllowed(allowed) = self {
            set(header::ALLOW, allowed);
        }
        if matches!(self, Self::UnsupportedEncoding) {
            set(header::ACCEPT_ENCODING, "identity");
        }
        let retry_after = self.row().retry_after;
        // The gateway has been through its plan: a client that repeats the request repeats all of it. But where nothing was sent, and
        // something is known of when it can be.
        if self.is_an_answer() || (self.status().is_server_error() && retry_after.is_none()) {
            set(SHOULD_RETRY, "false");
        } else if let Some(seconds) = retry_after {
            // Clients wait for as long as they are told, and agents hang over it.
            let bearable = seconds <= BEARABLE || !matches!(self, Self::Limited(_));
            set(SHOULD_RETRY, if bearable { "true" } else { "false" });
        }
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
        response
    }
}
