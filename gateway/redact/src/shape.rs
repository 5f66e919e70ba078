//! Secrets that are known by their shape: prefixes that vendors give their keys, tokens, key blocks, addresses of e-mail.
//!
//! Sources: GitHub's list of secret scanning patterns, RFC 7519 (JWT), RFC 7468 (PEM), RFC 6750 (bearer tokens). One expression finds all of them; which
//! it was, its beginning tells. Every alternative takes all that it may take, so that what is found is never half of a secret.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::{Regex, RegexBuilder};

/// Where a word may begin: not after a letter or digit, but after an escape of JSON, whose last character is one.
const BEGINS: &str = r"(?:\b{start-half}|_|\\[bfnrt]|\\u[0-9A-Fa-f]{4})";

/// Keys that begin as their vendors have them begin.
const KEYS: &[&str] = &[
    // OpenAI, Anthropic, OpenRouter, DeepSeek and this gateway's own.
    r"sk-[A-Za-z0-9_-]{16,}",
    // Google: API keys and OAuth tokens.
    r"AIza[A-Za-z0-9_-]{20,}",
    r"ya29\.[A-Za-z0-9_.-]{20,}",
    // AWS: the id of a key, and of a temporary one.
    r"(?:AKIA|ASIA)[A-Z0-9]{12,}",
    // Groq, xAI, Hugging Face, Perplexity, Replicate, NVIDIA, Fireworks, Cerebras.
    r"(?:gsk_|xai-|hf_|pplx-|r8_|nvapi-|fw_|csk-)[A-Za-z0-9_-]{16,}",
    // GitHub, GitLab, npm, Stripe.
    r"gh[oprsu]_[A-Za-z0-9_]{16,}",
    r"github_pat_[A-Za-z0-9_]{16,}",
    r"glpat-[A-Za-z0-9_.-]{16,}",
    r"npm_[A-Za-z0-9]{16,}",
    r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}",
    // Slack.
    r"xox[a-z]-[A-Za-z0-9-]{8,}",
];

/// A token of three parts in base64; the first begins with `{"`. One may be cut off after the second.
const JWT: &str = r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{2,}(?:\.[A-Za-z0-9_-]*)*";

/// What stands behind `Bearer`, or in the header that carries it.
const BEARER: &str = r"(?i:bearer(?:[ \t]+|%20)[A-Za-z0-9._~+/=-]{20,}|authorization\\*[\x22']?[ \t]*[:=][ \t]*\\*[\x22']?(?:bearer|basic|token)[ \t]+[^ \t\r\n\x22'\\]{6,})";

/// The half of AWS's keys that has no prefix, behind its name.
const AWS_SECRET: &str =
    r"(?i:aws_?secret_?access_?key)\\*[\x22']?[ \t]*[:=][ \t]*\\*[\x22']?[A-Za-z0-9/+=]{40}";

/// A block, up to its end, or as far as it goes where it has none. Its lines may end as JSON has it.
const PEM: &str = r"-----BEGIN [A-Z0-9 ]{1,64}-----(?:(?:[A-Za-z0-9+/=,:.\s-]|\\+[nrt/]|\\+u[0-9A-Fa-f]{4})*?-----END [A-Z0-9 ]{1,64}-----|(?:[A-Za-z0-9+/=,:.\s-]|\\+[nrt/]|\\+u[0-9A-Fa-f]{4})*)";

/// The user and the password of a URL.
const URL: &str = r"://[^/\s:@\x22'\\<>]{1,128}:[^/\s@\x22'\\<>]{1,256}@";

/// An address of e-mail, international ones among them.
const EMAIL: &str = r"[A-Za-z0-9._%+'\x80-\xff-]+@[A-Za-z0-9\x80-\xff-]+(?:\.[A-Za-z0-9\x80-\xff-]+)*\.[A-Za-z\x80-\xff]{2,}";

/// `None` only if the expressions do not compile, which a test would tell.
static SHAPES: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let keys = KEYS.join("|");
    built(&format!(
        "(?s-u){PEM}|{URL}|{BEGINS}(?:{keys}|{JWT}|{BEARER}|{AWS_SECRET})"
    ))
});

/// Apart: before the `@` may stand whatever else has a shape.
static EMAILS: LazyLock<Option<Regex>> = LazyLock::new(|| built(&format!("(?-u){EMAIL}")));

fn built(expression: &str) -> Option<Regex> {
    // Repetitions of bytes are cheap; the automaton of all of them is some hundred KiB.
    RegexBuilder::new(expression)
        .size_limit(16 * 1024 * 1024)
        .dfa_size_limit(8 * 1024 * 1024)
        .build()
        .ok()
}

/// Every kind that is found here.
pub(crate) const KINDS: [&str; 7] = [
    "key",
    "virtual-key",
    "token",
    "bearer",
    "private-key",
    "password",
    "email",
];

/// Where in a text there are such, with their kinds.
pub(crate) fn find(text: &str, found: &mut Vec<(Range<usize>, &'static str)>) {
    let Some((shapes, emails)) = SHAPES.as_ref().zip(EMAILS.as_ref()) else {
        // Nothing may be kept by what finds nothing.
        found.push((0..text.len(), "key"));
        return;
    };
    let shapes = shapes.find_iter(text.as_bytes());
    found.extend(shapes.map(|one| (one.range(), kind(one.as_bytes()))));
    if memchr::memchr(b'@', text.as_bytes()).is_some() {
        let emails = emails.find_iter(text.as_bytes());
        found.extend(emails.map(|one| (one.range(), "email")));
    }
}

/// Which it is, by how it begins.
fn kind(found: &[u8]) -> &'static str {
    let has = |text: &[u8]| memchr::memmem::find(found, text).is_some();
    if found.starts_with(b"-----BEGIN") {
        "private-key"
    } else if found.starts_with(b"://") {
        "password"
    } else if has(b"sk-fairlead-") {
        "virtual-key"
    } else if found.to_ascii_lowercase().starts_with(b"aws") {
        "key"
    } else if has(b" ") || has(b"\t") || has(b"%20") {
        "bearer"
    } else if has(b"eyJ") && has(b".") {
        "token"
    } else {
        "key"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_expressions_compile() {
        assert!(SHAPES.is_some() && EMAILS.is_some());
    }

    #[test]
    fn a_kind_is_told_by_its_beginning() {
        for (text, told) in [
            ("sk-proj-abcdefghijklmnopqrst", "key"),
            ("sk-fairlead-abcdefghijklmnop", "virtual-key"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "token"),
            ("Bearer abcdefghijklmnopqrstuvwxyz", "bearer"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
                "private-key",
            ),
            ("postgresql://u:hunter2@db/x", "password"),
            ("jürgen.groß@müller.example", "email"),
        ] {
            let mut found = Vec::new();
            find(text, &mut found);
            let kinds: Vec<_> = found.iter().map(|(_, kind)| *kind).collect();
            assert!(kinds.contains(&told), "{text}: {kinds:?}");
        }
    }

    #[test]
    fn words_that_look_a_little_like_it_stay() {
        for text in [
            "a risk-assessment-of-something-rather-long is due",
            "the bearer responsibilities of the task",
            "ask-me-anything-about-the-weather-today",
            "at 12:00@noon we meet, see http://example.com:8080/path",
        ] {
            let mut found = Vec::new();
            find(text, &mut found);
            assert!(found.is_empty(), "{text}: {found:?}");
        }
    }
}
