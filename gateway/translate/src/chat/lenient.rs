//! Readings of a provider's answer that forgive a value of another kind.

use fairlead_json::{Kind, Raw};

use crate::Text;

/// A string that says something.
pub(super) fn filled(raw: Raw<'_>) -> Option<Text<'_>> {
    Text::of(raw).filter(|text| !text.is_empty())
}

/// A whole number that is not negative.
pub(super) fn count(raw: Raw<'_>) -> Option<u64> {
    (raw.kind() == Kind::Number)
        .then(|| raw.text().parse().ok())
        .flatten()
}

/// The value, unless it is null.
pub(super) fn some(raw: Raw<'_>) -> Option<Raw<'_>> {
    (raw.kind() != Kind::Null).then_some(raw)
}

/// The inside of a string as it is written; of anything else, nothing.
pub(super) fn inside(raw: Raw<'_>) -> &str {
    if raw.kind() != Kind::String {
        return "";
    }
    raw.text()
        .strip_prefix('"')
        .and_then(|text| text.strip_suffix('"'))
        .unwrap_or_default()
}
