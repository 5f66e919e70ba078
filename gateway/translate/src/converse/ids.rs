//! Ids and names in the grammar of this format: at most 64 letters, digits, `_` and `-`, in ids also `.` and `:`.

use crate::messages::ids::hash;
use crate::{Grammar, Text};

/// The longest id.
const LONGEST: usize = 64;
/// How much of one that does not fit is kept before its hash.
const KEPT: usize = LONGEST - 33;

/// The id of a call: itself where it fits, else made from it, and the same for the call and its result.
pub(super) fn call<'t>(id: &'t Text<'_>) -> Text<'t> {
    fitted(id, |byte| is_name_byte(byte) || matches!(byte, b'.' | b':'))
}

/// The name of a tool, as [`crate::Names`] finds it again.
pub(super) fn name<'t>(name: &'t Text<'_>) -> Text<'t> {
    Grammar::OPENAI.name(name)
}

fn fitted<'t>(text: &'t Text<'_>, is_safe: impl Fn(u8) -> bool) -> Text<'t> {
    if fits(text.as_written(), &is_safe) {
        return text.borrowed();
    }
    let text = text.unescaped();
    let safe = |character: char| match u8::try_from(character) {
        Ok(byte) if is_safe(byte) => character,
        Ok(_) | Err(_) => '_',
    };
    let kept: String = text.chars().take(KEPT).map(safe).collect();
    Text::escaped(format!("{kept}_{:032x}", hash(&text)))
}

fn fits(text: &str, is_safe: impl Fn(u8) -> bool) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_safe)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_mapped_always_alike_and_to_its_own() {
        let id = |text: &str| call(&Text::plain(text)).as_written().to_owned();
        assert_eq!(id("tooluse_1.a:b-C"), "tooluse_1.a:b-C");
        assert_eq!(id("a|b"), id("a|b"));
        assert_ne!(id("a|b"), id("a/b"));
        let long = "x".repeat(65);
        for odd in ["", "a\"é", "call\n", &long, &"é".repeat(100)] {
            let id = id(odd);
            assert!((1..=64).contains(&id.len()), "{odd}");
            assert!(id.bytes().all(is_name_byte), "{odd}");
        }
    }
}
