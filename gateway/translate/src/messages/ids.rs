//! Ids in the grammar of this format: letters, digits, `_` and `-`.

use crate::{Head, Text};

/// How much of an id that does not fit is kept before its hash.
const KEPT: usize = 32;

/// The id of a call: itself where it fits, else made from it, and the same for the call and its result.
pub(super) fn call<'t>(id: &'t Text<'_>) -> Text<'t> {
    if fits(id.as_written()) {
        return id.borrowed();
    }
    let id = id.unescaped();
    let safe = |character: char| {
        if character.is_ascii_alphanumeric() || character == '-' {
            character
        } else {
            '_'
        }
    };
    let kept: String = id.chars().take(KEPT).map(safe).collect();
    Text::escaped(format!("{kept}_{:032x}", hash(&id)))
}

/// The id of the `nth` call of an answer whose provider may give none.
pub(super) fn answered_call<'t>(id: Option<&'t Text<'_>>, head: &str, nth: u64) -> Text<'t> {
    match id {
        Some(id) if !id.is_empty() => call(id),
        _ => call(&Text::escaped(format!("toolu_{head}_{nth}"))).into_owned(),
    }
}

/// The id of an answer.
pub(super) fn message<'t>(id: Option<&'t Text<'_>>, head: &Head<'_>) -> Text<'t> {
    match id {
        Some(id) if fits(id.as_written()) => id.borrowed(),
        _ => Text::plain(&format!("msg_{}", head.id)).into_owned(),
    }
}

/// FNV-1a of 128 bits: stable, and wide enough that no two ids of a caller's meet by accident.
pub(crate) fn hash(text: &str) -> u128 {
    const START: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(START, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(PRIME)
    })
}

pub(super) fn fits(id: &str) -> bool {
    let safe = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !id.is_empty() && id.bytes().all(safe)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_does_not_fit_is_mapped_always_alike_and_to_its_own() {
        let id = |text: &str| call(&Text::plain(text)).as_written().to_owned();
        assert_eq!(id("call_1-A"), "call_1-A");
        assert_eq!(id("a.b"), id("a.b"));
        assert_ne!(id("a.b"), id("a:b"));
        assert!(fits(&id("a.\"é")) && fits(&id("")));
        assert!(id(&"x.".repeat(1000)).len() <= KEPT + 33);
        assert_eq!(hash(""), 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d);
        assert_eq!(hash("a"), 0xd228_cb69_6f1a_8caf_7891_2b70_4e4a_8964);
    }
}
