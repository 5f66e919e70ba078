//! Where a request that nobody translates goes: `/passthrough/NAMESPACE/PROVIDER/..`.
//!
//! A path is passed on as it is written, so whatever two readers may take for two paths is refused: dots that climb, slashes that are encoded,
//! anything that RFC 3986 does not allow in a path.

use std::borrow::Cow;

/// What is in front of every such path.
const DOOR: &str = "/passthrough/";
/// What stands in a path as it is (source: RFC 3986, 3.3), but for letters and digits.
const ALLOWED: &[u8] = b"-._~!$&'()*+,;=:@/%";
/// What encodes a character that separates, climbs or ends.
const HIDDEN: [&str; 5] = ["%2f", "%5c", "%2e", "%00", "%25"];
/// The parameters of a query in which callers put keys.
const KEYS: [&str; 3] = ["key", "api_key", "access_token"];

/// Whom a path names, and what is asked for there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    /// The namespace of the provider.
    pub(super) namespace: &'a str,
    /// Its name.
    pub(super) name: &'a str,
    /// The path below its base URL, from the slash on.
    pub(super) below: &'a str,
}

/// What is behind the door; `None`: the path leads elsewhere.
pub(in crate::serve) fn behind_the_door(path: &str) -> Option<&str> {
    path.strip_prefix(DOOR)
}

impl<'a> Place<'a> {
    /// `None`: it names no provider, or has more than one reading.
    pub(super) fn of(behind: &'a str) -> Option<Self> {
        let (namespace, rest) = behind.split_once('/')?;
        let slash = rest.find('/')?;
        let (name, below) = rest.split_at_checked(slash)?;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || ALLOWED.contains(&byte);
        let lower = below.to_ascii_lowercase();
        let fine = below.len() > 1
            && below.bytes().all(plain)
            && !HIDDEN.iter().any(|hidden| lower.contains(hidden))
            && !below.contains("//")
            && !below
                .split('/')
                .any(|segment| matches!(segment, "." | ".."));
        fine.then_some(Self {
            namespace,
            name,
            below,
        })
    }

    /// Whether the path is one of these, or below one.
    pub(super) fn is_within(&self, paths: &[String]) -> bool {
        paths.iter().any(|path| {
            let path = path.trim_end_matches('/');
            let rest = self.below.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The path with what is left of the query: no key of the caller's goes along.
    pub(super) fn with(&self, query: Option<&str>) -> Cow<'a, str> {
        let is_key = |member: &&str| {
            let name = member.split('=').next().unwrap_or_default();
            KEYS.iter().any(|key| name.eq_ignore_ascii_case(key))
        };
        let query = query.unwrap_or_default();
        let kept: Vec<&str> = query.split('&').filter(|member| !is_key(member)).collect();
        let kept = kept.join("&");
        if kept.is_empty() {
            return Cow::Borrowed(self.below);
        }
        Cow::Owned(format!("{}?{kept}", self.below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(behind: &str) -> Option<&str> {
        Place::of(behind).map(|place| place.below)
    }

    #[test]
    fn a_path_that_has_two_readings_leads_nowhere() {
        for (behind, expected) in [
            ("ns/a/files", Some("/files")),
            ("ns/a/files/file-1/content", Some("/files/file-1/content")),
            ("ns/a/files/a%20b", Some("/files/a%20b")),
            ("ns/a/files/..", None),
            ("ns/a/files/../chat/completions", None),
            ("ns/a/files/./x", None),
            ("ns/a/files/%2e%2e/chat", None),
            ("ns/a/files/%2E./chat", None),
            ("ns/a/files/x%2Fy", None),
            ("ns/a/files/x%5cy", None),
            ("ns/a/files/%252e", None),
            ("ns/a/files\\..\\chat", None),
            ("ns/a/files//chat", None),
            ("ns/a/fïles", None),
            ("ns/a/", None),
            ("ns/a", None),
            ("ns", None),
        ] {
            assert_eq!(below(behind), expected, "{behind}");
        }
        let place = Place::of("ns/a/files").unwrap();
        assert_eq!((place.namespace, place.name), ("ns", "a"));
    }

    #[test]
    fn a_path_is_allowed_by_whole_segments() {
        let place = |below: &'static str| Place {
            namespace: "ns",
            name: "a",
            below,
        };
        let paths = ["/files".to_owned(), "/batches/".to_owned()];
        for (below, within) in [
            ("/files", true),
            ("/files/file-1", true),
            ("/filesystem", false),
            ("/batches", true),
            ("/batches/b/cancel", true),
            ("/chat/completions", false),
            ("/Files", false),
        ] {
            assert_eq!(place(below).is_within(&paths), within, "{below}");
        }
        assert!(!place("/files").is_within(&[]), "off unless it is allowed");
    }

    #[test]
    fn no_key_of_the_callers_is_in_the_query() {
        let place = Place::of("ns/a/files").unwrap();
        for (query, expected) in [
            (None, "/files"),
            (Some("limit=2&after=x"), "/files?limit=2&after=x"),
            (Some("key=sk-1&limit=2"), "/files?limit=2"),
            (Some("Key=sk-1"), "/files"),
            (Some("api_key=sk-1&keys=2"), "/files?keys=2"),
        ] {
            assert_eq!(place.with(query), expected, "{query:?}");
        }
    }
}
