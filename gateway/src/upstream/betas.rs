//! How callers of Anthropic's ask for what is not there for everybody: a query, and flags in a header.

use std::borrow::Cow;

use http::{HeaderName, HeaderValue, Uri};

/// The header of the flags.
pub(crate) const FLAGS: HeaderName = HeaderName::from_static("anthropic-beta");

/// The flag of the large window. Models that have the window without it refuse it (source: Anthropic, context windows).
const LARGE_WINDOW: &str = "context-1m-2025-08-07";

/// The flags that Vertex AI takes, each with what it is called there; any other is refused with the whole request. Facts of litellm's list by
/// provider (`anthropic_beta_headers_config.json`, November 2026).
const VERTEX: [(&str, &str); 14] = [
    (
        "advanced-tool-use-2025-11-20",
        "tool-search-tool-2025-10-19",
    ),
    ("compact-2026-01-12", "compact-2026-01-12"),
    ("compact-2026-09-04", "compact-2026-09-04"),
    ("computer-use-2025-01-24", "computer-use-2025-01-24"),
    ("computer-use-2025-11-24", "computer-use-2025-11-24"),
    (LARGE_WINDOW, LARGE_WINDOW),
    (
        "context-management-2025-06-27",
        "context-management-2025-06-27",
    ),
    (
        "dangerous-tool-use-2026-09-03",
        "dangerous-tool-use-2026-09-03",
    ),
    (
        "interleaved-thinking-2025-05-14",
        "interleaved-thinking-2025-05-14",
    ),
    ("per-turn-control-2026-07-01", "per-turn-control-2026-07-01"),
    (
        "thinking-binding-controls-2026-08-01",
        "thinking-binding-controls-2026-08-01",
    ),
    (
        "thinking-display-updates-2026-08-18",
        "thinking-display-updates-2026-08-18",
    ),
    ("tool-search-tool-2025-10-19", "tool-search-tool-2025-10-19"),
    ("web-search-2025-03-05", "web-search-2025-03-05"),
];

/// What becomes of them on the way to a provider.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Betas {
    /// Whether the query goes along.
    pub query: bool,
    /// Whether the model has the large window by itself, so that the flag of it stays here.
    pub large_window: bool,
    /// Whether it is Vertex AI, which takes some of them.
    pub vertex: bool,
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
        if !(self.large_window || self.vertex) || name != FLAGS {
            return as_it_is;
        }
        let Ok(flags) = value.to_str() else {
            return as_it_is;
        };
        let flags = || flags.split(',').map(str::trim);
        if flags().all(|flag| self.flag(flag) == Some(flag)) {
            return as_it_is;
        }
        let mut kept: Vec<&str> = Vec::new();
        for flag in flags().filter_map(|flag| self.flag(flag)) {
            if !flag.is_empty() && !kept.contains(&flag) {
                kept.push(flag);
            }
        }
        let kept = HeaderValue::try_from(kept.join(",")).ok();
        kept.filter(|kept| !kept.is_empty()).map(Cow::Owned)
    }

    /// What a flag is called there; `None`: it stays here.
    fn flag(self, flag: &str) -> Option<&str> {
        if self.large_window && flag == LARGE_WINDOW {
            return None;
        }
        if !self.vertex {
            return Some(flag);
        }
        let mut known = VERTEX.iter();
        known.find(|(own, _)| *own == flag).map(|(_, told)| *told)
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
            vertex: true,
        };
        let name = HeaderName::from_static("tracestate");
        assert_eq!(betas.kept(&name, &other).as_deref(), Some(&other));
    }

    #[test]
    fn vertex_ai_gets_the_flags_that_it_takes_by_the_names_that_it_knows() {
        let kept = |large_window, value: &'static str| {
            let betas = Betas {
                large_window,
                vertex: true,
                ..Betas::default()
            };
            let value = HeaderValue::from_static(value);
            let kept = betas.kept(&FLAGS, &value)?.into_owned();
            Some(kept.to_str().unwrap().to_owned())
        };
        for (large, value, expected) in [
            // What Claude Code sends.
            (
                false,
                "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,prompt-caching-scope-2026-01-05",
                Some("interleaved-thinking-2025-05-14,context-management-2025-06-27"),
            ),
            (
                false,
                "advanced-tool-use-2025-11-20, tool-search-tool-2025-10-19",
                Some("tool-search-tool-2025-10-19"),
            ),
            (false, "oauth-2025-04-20", None),
            (false, LARGE_WINDOW, Some(LARGE_WINDOW)),
            (true, LARGE_WINDOW, None),
        ] {
            assert_eq!(kept(large, value).as_deref(), expected, "{value}");
        }
    }
}
