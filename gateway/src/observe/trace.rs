//! Traces: where a request stands in one, and which are kept (source: W3C Trace Context 2; OpenTelemetry's consistent probability sampling for
//! `ot=th:` in `tracestate`).
//!
//! Where the caller has decided, that holds. Where the trace begins here, a share of all is kept by the randomness of the id; and, as nothing
//! is exported before the request is over, also what went wrong, went elsewhere or was slow.

use std::borrow::Cow;
use std::time::Duration;

use fairlead_record::{Entry, Trace};
use http::{HeaderMap, HeaderValue};

use crate::upstream::transport::TRACEPARENT;

/// The flag of `traceparent` that says that the trace is recorded.
const SAMPLED: u8 = 1;
/// The flag that says that the id is random.
const RANDOM: u8 = 2;
/// The least that the low 56 bits of an id never reach.
const RANGE: u64 = 1 << 56;

/// Which traces are kept.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Sampler {
    /// Whether what the caller has decided holds.
    pub parent: bool,
    /// What holds otherwise.
    pub root: Root,
    /// From what time to the first content on a request is kept for being slow.
    pub slow: Duration,
}

/// Which traces are kept that nobody has decided on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Root {
    /// All.
    Always,
    /// None.
    Never,
    /// Those whose randomness is not below this, and what is worth a look besides.
    From(u64),
}

impl Root {
    /// A share of all, from 0 to 1.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share within its bounds, of a range that a float holds exactly"
    )]
    pub(crate) fn share(ratio: f64) -> Self {
        Self::From(((1.0 - ratio.clamp(0.0, 1.0)) * RANGE as f64) as u64)
    }
}

/// How traces are kept, if they are exported at all.
#[derive(Debug, Default)]
pub(crate) struct Tracing {
    sampler: Option<Sampler>,
    /// What is said of those that a share was kept of.
    state: Option<HeaderValue>,
}

impl Tracing {
    /// Traces are exported, those that the sampler keeps.
    #[must_use]
    pub(crate) fn on(sampler: Sampler) -> Self {
        let state = match sampler.root {
            Root::From(threshold) if threshold < RANGE => {
                let digits = format!("{threshold:014x}");
                let digits = digits.trim_end_matches('0');
                let digits = if digits.is_empty() { "0" } else { digits };
                HeaderValue::from_str(&format!("ot=th:{digits}")).ok()
            }
            Root::From(_) | Root::Always | Root::Never => None,
        };
        Self {
            sampler: Some(sampler),
            state,
        }
    }

    /// Whether traces are exported.
    #[must_use]
    pub(crate) fn is_on(&self) -> bool {
        self.sampler.is_some()
    }

    /// Where a request with these headers stands; `None`: in no trace.
    #[must_use]
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Option<Trace> {
        let caller = parent(headers);
        let Some(sampler) = &self.sampler else {
            return caller;
        };
        let (id, parent, flag) = match caller {
            Some(caller) => (caller.id, caller.parent, Some(caller.sampled)),
            None => (fastrand::u128(1..).to_be_bytes(), None, None),
        };
        let (sampled, by) = sampler.decide(id, flag);
        Some(Trace {
            id,
            span: span(),
            parent,
            sampled,
            sampled_by: Some(Cow::Borrowed(by)).filter(|_| sampled),
        })
    }

    /// What is said of a trace that begins here to whoever goes on with it, where a share of all was kept and it is among them.
    #[must_use]
    pub(crate) fn state(&self, trace: &Trace) -> Option<HeaderValue> {
        let begun = trace.parent.is_none() && trace.sampled;
        self.state.as_ref().filter(|_| begun).cloned()
    }

    /// Decides anew on a request that is over.
    pub(crate) fn keep(&self, entry: &mut Entry) {
        let by = match (&self.sampler, &entry.trace) {
            (Some(sampler), Some(trace)) if !trace.sampled => sampler.keeps(entry, trace),
            _ => None,
        };
        if let (Some(by), Some(trace)) = (by, &mut entry.trace) {
            trace.sampled = true;
            trace.sampled_by = Some(Cow::Borrowed(by));
        }
    }
}

impl Sampler {
    /// Whether a trace is kept, as far as its beginning says, and why.
    fn decide(&self, id: [u8; 16], flag: Option<bool>) -> (bool, &'static str) {
        if let Some(flag) = flag.filter(|_| self.parent) {
            return (flag, "parent");
        }
        match self.root {
            Root::Always => (true, "always"),
            Root::Never => (false, "always"),
            Root::From(threshold) => (randomness(id) >= threshold, "ratio"),
        }
    }

    /// Why a request is kept that was not to be, if it is.
    fn keeps(&self, entry: &Entry, trace: &Trace) -> Option<&'static str> {
        let undecided = trace.parent.is_none() || !self.parent;
        if !undecided || !matches!(self.root, Root::From(_)) {
            return None;
        }
        let slow = u64::try_from(self.slow.as_micros()).unwrap_or(u64::MAX);
        let sent = || entry.attempts.iter().filter(|attempt| attempt.sent);
        let elsewhere = sent()
            .zip(sent().skip(1))
            .any(|(one, next)| one.target != next.target);
        let reasons = [
            (
                "error",
                entry.status >= 500 || (entry.error.is_some() && entry.status == 0),
            ),
            ("cut", entry.error.is_some() && entry.status < 400),
            ("hedge", entry.attempts.iter().any(|attempt| attempt.hedge)),
            ("fallback", elsewhere),
            (
                "slow",
                entry.first_content_us.unwrap_or(entry.duration_us) >= slow,
            ),
        ];
        reasons.into_iter().find(|(_, is)| *is).map(|(by, _)| by)
    }
}

/// The 56 bits of an id that are random.
fn randomness(id: [u8; 16]) -> u64 {
    let low = u64::from_be_bytes([0, id[9], id[10], id[11], id[12], id[13], id[14], id[15]]);
    low & (RANGE - 1)
}

/// An id of a span.
#[must_use]
pub(crate) fn span() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}

/// The header that names a span of a trace as the one that a request belongs to.
#[must_use]
pub(crate) fn traceparent(trace: &Trace, span: [u8; 8]) -> HeaderValue {
    let mut text = [b'-'; 55];
    text[..2].copy_from_slice(b"00");
    hex(&trace.id, &mut text[3..35]);
    hex(&span, &mut text[36..52]);
    // An id that the caller has made may be anything.
    let random = if trace.parent.is_none() { RANDOM } else { 0 };
    hex(&[random | u8::from(trace.sampled)], &mut text[53..]);
    // Digits and dashes are a value.
    HeaderValue::from_bytes(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Writes bytes as digits, two each.
fn hex(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

/// Where the caller says that the request stands; `None`: it does not say, or not in a way that can be understood.
fn parent(headers: &HeaderMap) -> Option<Trace> {
    let mut lines = headers.get_all(&TRACEPARENT).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return None;
    };
    let text = line.as_bytes();
    // version "-" trace-id "-" parent-id "-" flags, and of later versions perhaps more
    let whole = text.len() == 55 || (text.len() > 55 && text[55] == b'-' && &text[..2] != b"00");
    if !whole || [2, 35, 52].iter().any(|at| text[*at] != b'-') {
        return None;
    }
    let [version] = bytes(&text[..2])?;
    let id: [u8; 16] = bytes(&text[3..35])?;
    let span: [u8; 8] = bytes(&text[36..52])?;
    let [flags] = bytes(&text[53..55])?;
    (version != 0xff && id != [0; 16] && span != [0; 8]).then_some(Trace {
        id,
        span: [0; 8],
        parent: Some(span),
        sampled: flags & SAMPLED != 0,
        sampled_by: None,
    })
}

/// The bytes that digits stand for, two each; small letters only.
fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let value = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = value(pair[0])? * 16 + value(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
