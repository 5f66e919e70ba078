//! Strict budgets: an attempt reserves what it can cost at most, and its answer is cut short rather than the budget passed.
//!
//! The bound of the answer goes into the request. Where what is settled leaves no room for it, it is made as small as fits, which the caller is
//! told; where only what others have reserved leaves none, the request is refused as busy, for most of that comes back.

use fairlead_admit::money::{Bound as Most, Request};
use fairlead_catalog::Mode;
use fairlead_store::Refused;
use memchr::memmem;

use super::bound::Bound;
use super::refusal::{Refusal, Why};
use super::{Governed, Governor, Target};

/// What an answer may have in tokens where neither the request nor anything known of the model says.
const USUAL_MOST: u64 = 4_096;

/// Members and values that stand in every request with something that is no text. A text that has them has its quotes escaped.
const MEDIA: [&str; 12] = [
    "\"image_url\"",
    "\"input_image\"",
    "\"image\"",
    "\"input_audio\"",
    "\"audio\"",
    "\"document\"",
    "\"file\"",
    "\"input_file\"",
    "\"inlineData\"",
    "\"inline_data\"",
    "\"fileData\"",
    "\"file_data\"",
];
/// The same of tools that the provider runs.
const SERVER_TOOLS: [&str; 11] = [
    "\"web_search",
    "\"web_fetch",
    "\"code_execution",
    "\"codeExecution",
    "\"code_interpreter",
    "\"googleSearch",
    "\"google_search",
    "\"file_search",
    "\"url_context",
    "\"urlContext",
    "\"mcp",
];
/// The same of what the provider keeps.
const KEPT: [&str; 5] = [
    "\"previous_response_id\"",
    "\"cachedContent\"",
    "\"cached_content\"",
    "\"file_id\"",
    "\"container\"",
];

/// What an attempt at a target is bounded by.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Strict {
    most: Most,
    /// The most tokens that each answer may have: it goes into the request.
    pub ceiling: u64,
    /// Whether that is less than was asked for.
    pub clamped: bool,
}

impl Strict {
    /// What the attempt costs at most, in nano-USD.
    #[must_use]
    pub(crate) fn nanos(&self) -> i64 {
        self.most.with_output(self.ceiling)
    }
}

impl Governor {
    /// What bounds an attempt; `None`: no strict budget counts it.
    ///
    /// # Errors
    /// It cannot be bounded, or not even the shortest answer fits.
    pub(crate) fn strict(
        &self,
        asked: &Governed,
        target: &Target<'_>,
        body: &[u8],
    ) -> Result<Option<Strict>, Refusal> {
        let bounds = || {
            asked
                .caller
                .chain
                .iter()
                .chain(target.limits)
                .filter(|bound| {
                    bound.money().is_some_and(super::bound::Money::is_strict)
                        && bound.counts_model(&asked.model)
                        && bound.counts_provider(target.provider)
                })
        };
        let Some(first) = bounds().next() else {
            return Ok(None);
        };
        let wanted = asked.ceiling.into_iter().chain(target.max_output).min();
        let wanted = wanted.unwrap_or(USUAL_MOST);
        let request = Request {
            max_output: Some(wanted),
            ..looked_through(body, asked.choices)
        };
        let most = Most::of(&request, target.tariff.price()).map_err(|reason| Refusal {
            unbounded: Some(reason),
            ..Refusal::because(first, Why::Unbounded)
        })?;
        let now = self.now();
        let mut ceiling = wanted;
        for bound in bounds() {
            let terms = bound.terms(now);
            let standing = bound.standing(&self.counters, None, now);
            let left = terms.limit.saturating_sub(standing.used);
            if most.with_output(ceiling) <= left {
                continue;
            }
            ceiling = most
                .output_within(left)
                .map(|fits| fits.min(ceiling))
                .ok_or_else(|| {
                    let refused = Refused::Exhausted {
                        standing,
                        retry_ms: 0,
                    };
                    Refusal::of(bound, terms.window, &refused, now)
                })?;
        }
        Ok(Some(Strict {
            most,
            ceiling,
            clamped: ceiling < wanted,
        }))
    }
}

impl Bound {
    /// Whether it is a budget that is never passed.
    #[must_use]
    pub(crate) fn is_strict(&self) -> bool {
        self.money().is_some_and(super::bound::Money::is_strict)
    }
}

/// Whether a member or value stands in a body: within a text its quotes are escaped.
fn stands(body: &[u8], word: &str) -> bool {
    let mut places = memmem::find_iter(body, word.as_bytes());
    places.any(|at| at == 0 || body.get(at - 1) != Some(&b'\\'))
}

/// What of a request its bound rests on. What may be something that cannot be bounded is taken for it.
fn looked_through(body: &[u8], choices: u64) -> Request<'static> {
    let has = |words: &[&str]| words.iter().any(|word| stands(body, word));
    let turns = memmem::find_iter(body, b"\"role\"").count();
    let modes: &[Mode] = if has(&["\"service_tier\"", "\"serviceTier\"", "\"speed\""]) {
        &[Mode::Standard, Mode::Flex, Mode::Priority, Mode::Fast]
    } else {
        &[]
    };
    Request {
        bytes: u64::try_from(body.len()).unwrap_or(u64::MAX),
        turns: u64::try_from(turns).unwrap_or(u64::MAX).saturating_add(1),
        tools: has(&["\"tools\"", "\"functions\""]),
        choices,
        max_output: None,
        writes_cache: has(&["\"cache_control\"", "\"cachePoint\""]),
        media: has(&MEDIA),
        server_tools: has(&SERVER_TOOLS),
        refers: has(&KEPT),
        modes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_within_a_text_are_no_members() {
        let plain = serde_json::json!({"messages": [{"role": "user", "content": "an \"image\" by \"web_search\""}]});
        let looked = looked_through(plain.to_string().as_bytes(), 1);
        assert!(!looked.media && !looked.server_tools && !looked.tools);
        assert_eq!(looked.turns, 2);
        for (body, what) in [
            (
                r#"{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}"#,
                "media",
            ),
            (
                r#"{"tools":[{"type":"web_search_20250305"}]}"#,
                "server tools",
            ),
            (r#"{"previous_response_id":"r"}"#, "kept"),
        ] {
            let looked = looked_through(body.as_bytes(), 1);
            let found = [
                (looked.media, "media"),
                (looked.server_tools, "server tools"),
                (looked.refers, "kept"),
            ];
            assert!(found.contains(&(true, what)), "{body}");
        }
    }
}
