//! How callers of Anthropic's ask for what is not there for everybody: a query, and flags in a header.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Uri};

/// The header of the flags.
pub(crate) const FLAGS: HeaderName = HeaderName::from_static("anthropic-beta");

/// The flag of the large window. Models that have the window without it refuse it (source: Anthropic, context windows).
const LARGE_WINDOW: &str = "context-1m-2025-08-07";

/// What becomes of them on the way to a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Betas {
    /// Whether the query goes along.
    pub query: bool,
    /// Whether the model has the large window by itself, so that the flag of it stays here.
    pub large_window: bool,
}

/// Whether a caller's query asks for them: `?beta=true`. Nothing else of a query is meant for a provider.
#[must_use]
pub(crate) fn are_asked(uri: &Uri) -> bool {
    let mut members = uri.query().unwrap_or_default().split('&');
    members.any(|member| member == "beta=true")
}

impl Betas {
    /// What goes to the provider of a header's value; `None`: nothing is left of it.
    #[must_use]
    pub(super) fn kept<'a>(
        self,
        name: &HeaderName,
        value: &'a HeaderValue,
    ) -> Option<Cow<'a, HeaderValue>> {
        let as_it_is = Some(Cow::Borrowed(value));
        if !self.large_window || name != FLAGS {
            return as_it_is;
        }
        let Ok(flags) = value.to_str() else {
            return as_it_is;
        };
        let is_old = |flag: &&str| flag.trim() == LARGE_WINDOW;
        if !flags.split(',').any(|flag| is_old(&flag)) {
            return as_it_is;
        }
        let kept = flags.split(',').filter(|flag| !is_old(flag));
        let kept: Vec<&str> = kept
            .map(str::trim)
            .filter(|flag| !flag.is_empty())
            .collect();
        let kept = HeaderValue::try_from(kept.join(",")).ok();
        kept.filter(|kept| !kept.is_empty()).map(Cow::Owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_query_only_this_is_passed_on() {
        for (path, asked) in [
            ("/v1/messages?beta=true", true),
            ("/v1/messages?key=sk-1&beta=true", true),
            ("/v1/messages?beta=false", false),
            ("/v1/messages?beta=true%26key=a", false),
            ("/v1/messages?xbeta=true", false),
            ("/v1/messages", false),
        ] {
            assert_eq!(are_asked(&path.parse().unwrap()), asked, "{path}");
        }
    }

    #[test]
    fn the_old_flag_stays_here_where_the_model_has_the_window_and_all_others_go() {
        let kept = |large_window, value: &'static str| {
            let betas = Betas {
                large_window,
                ..Betas::default()
            };
            let value = HeaderValue::from_static(value);
            let kept = betas.kept(&FLAGS, &value)?.into_owned();
            Some(kept.to_str().unwrap().to_owned())
        };
        let both = "tools-2026, context-1m-2025-08-07,files-1";
        for (large, value, expected) in [
            (true, both, Some("tools-2026,files-1")),
            (false, both, Some(both)),
            (true, "context-1m-2025-08-07", None),
            (true, "context-1m-2026-01-01", Some("context-1m-2026-01-01")),
            (true, "a, b", Some("a, b")),
        ] {
            assert_eq!(kept(large, value).as_deref(), expected, "{value}");
        }
        let other = HeaderValue::from_static("context-1m-2025-08-07");
        let betas = Betas {
            query: true,
            large_window: true,
        };
        let name = HeaderName::from_static("tracestate");
        assert_eq!(betas.kept(&name, &other).as_deref(), Some(&other));
    }
}
