//! Which cases a row of the table comes to: with another target and without, and what else makes a difference to it.

use fairlead_faults::Fault;

use super::case::{Case, Relay, is_repeated};
use crate::expected::{Expected, TABLE};

/// Every case.
pub(super) fn all() -> Vec<Case> {
    let forms = TABLE.iter().flat_map(|(name, whole, stream)| {
        let fault = Fault::named(name).expect("a row without a fault");
        let whole = whole.map(|expected| (fault, false, expected));
        let stream = stream.map(|expected| (fault, true, expected));
        whole.into_iter().chain(stream)
    });
    forms.flat_map(variants).collect()
}

fn variants((fault, streamed, expected): (&'static Fault, bool, Expected)) -> Vec<Case> {
    let variant = |spare, retries, relay, expected| Case {
        fault,
        streamed,
        spare,
        retries,
        relay,
        expected,
    };
    let plain = |spare, retries| variant(spare, retries, Relay::AsItComes, expected);
    let mut variants = vec![plain(true, 0), plain(false, 0)];
    if is_repeated(fault, expected) {
        variants.extend([plain(true, 2), plain(false, 2)]);
    }
    if let Expected::BreaksOff(class) = expected {
        let status = if class == "idle_timeout" { 504 } else { 502 };
        let told = Expected::Fails(class, status);
        variants.extend([true, false].map(|spare| variant(spare, 0, Relay::Held, told)));
        variants.push(variant(true, 0, Relay::Continued, Expected::Continued));
        variants.push(variant(false, 0, Relay::Continued, expected));
    }
    variants
}
