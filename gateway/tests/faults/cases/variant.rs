//! Which cases a fault comes to: with another target and without, and what else makes a difference to it.

use fairlead_faults::{Dialect, Fault};

use super::case::{Case, Relay, is_repeated};
use super::surface::Surface;
use crate::expected::{self, Expected};

/// Every case of a dialect that is asked from a surface.
pub(super) fn all(dialect: Dialect, surface: Surface) -> Vec<Case> {
    // Who is answered early sends much, and to translate it all for nothing takes long; the provider is sent the same either way.
    let [own, _] = Surface::of(dialect);
    let faults = Fault::of(dialect)
        .filter(|fault| !expected::IN_ORDER.contains(&fault.name))
        .filter(|fault| !fault.early || surface == own);
    let forms = faults.flat_map(|fault| {
        let (whole, stream) = expected::of(dialect, fault);
        let whole = whole.map(|expected| (fault, false, expected));
        let stream = stream.map(|expected| (fault, true, expected));
        whole.into_iter().chain(stream)
    });
    forms
        .flat_map(|form| variants(dialect, surface, form))
        .collect()
}

fn variants(
    dialect: Dialect,
    surface: Surface,
    (fault, streamed, expected): (&'static Fault, bool, Expected),
) -> Vec<Case> {
    let passes = surface.is_of(dialect);
    let expected = if let Expected::Cut(class) = expected
        && !passes
    {
        // What is translated is held, however large.
        Expected::Fails(class, 502)
    } else {
        expected
    };
    let variant = |spare, retries, relay, expected| Case {
        dialect,
        surface,
        fault,
        streamed,
        spare,
        retries,
        relay,
        expected,
    };
    let plain = |spare, retries| variant(spare, retries, Relay::AsItComes, expected);
    let mut variants = vec![plain(true, 0), plain(false, 0)];
    // How often somebody is asked does not depend on who asks.
    let [own, _] = Surface::of(dialect);
    if surface == own && is_repeated(fault, expected) {
        variants.extend([plain(true, 2), plain(false, 2)]);
    }
    if let Expected::BreaksOff(class) = expected {
        let told = expected::before_content(dialect, fault, class);
        variants.extend([true, false].map(|spare| variant(spare, 0, Relay::Held, told)));
        // Only Chat Completions are gone on with by somebody else, and only at compatible providers.
        if passes && surface == Surface::Chat {
            variants.push(variant(true, 0, Relay::Continued, Expected::Continued));
            variants.push(variant(false, 0, Relay::Continued, expected));
        }
    }
    variants
}
