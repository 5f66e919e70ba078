//! Ids of calls and names of tools, where the target's grammar is narrower than what they were made for.
//!
//! What fits is kept. Anything else is mapped by itself alone, so that a call and its result, and one turn and the next, agree without
//! anybody remembering.

use crate::Text;

/// The longest id of a call and name of a tool, in characters.
const LONGEST: usize = 64;

/// A tool's name as this dialect can say it: letters, digits, `_` and `-`, at most 64. Whoever has the request's tools finds the caller's
/// name of a call in an answer by comparing.
#[must_use]
pub fn tool_name<'t>(name: &'t Text<'_>) -> Text<'t> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let written = name.as_written();
    if (1..=LONGEST).contains(&written.len()) && written.bytes().all(plain) {
        return name.borrowed();
    }
    let said = name.unescaped();
    let safe: String = said
        .chars()
        .map(|character| match u8::try_from(character) {
            Ok(byte) if plain(byte) => character,
            _ => '_',
        })
        .collect();
    Text::escaped(marked(&safe, &said, LONGEST))
}

/// An id of a call of at most 64 characters.
pub(super) fn call_id<'t>(id: &'t Text<'_>) -> Text<'t> {
    if id.as_written().len() <= LONGEST {
        return id.borrowed();
    }
    let said = id.unescaped();
    if said.chars().count() <= LONGEST {
        return id.borrowed();
    }
    Text::plain(&marked(&said, &said, LONGEST)).into_owned()
}

/// An id of a call of exactly nine letters and digits: Mistral's grammar.
pub(super) fn nine_character_id<'t>(id: &'t Text<'_>) -> Text<'t> {
    let written = id.as_written();
    if written.len() == 9 && written.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return id.borrowed();
    }
    let mut rest = hash(&id.unescaped());
    let characters = (0..9).map(|_| {
        let digit = rest % 36;
        rest /= 36;
        char::from_digit(u32::try_from(digit).unwrap_or_default(), 36).unwrap_or('0')
    });
    Text::escaped(characters.collect::<String>())
}

/// A text of at most `limit` characters that stands for a longer one, or for one that must not be shown.
pub(super) fn short<'t>(text: &'t Text<'_>, limit: usize) -> Text<'t> {
    if text.as_written().len() <= limit {
        return text.borrowed();
    }
    let said = text.unescaped();
    if said.chars().count() <= limit {
        return text.borrowed();
    }
    Text::plain(&marked(&said, &said, limit)).into_owned()
}

/// Stands for a text without showing any of it.
pub(super) fn pseudonym(text: &Text<'_>) -> Text<'static> {
    Text::escaped(format!("user_{:016x}", hash(&text.unescaped())))
}

/// As much of `shown` as there is room for, and the hash of `of`.
fn marked(shown: &str, of: &str, limit: usize) -> String {
    let mut marked: String = shown.chars().take(limit.saturating_sub(17)).collect();
    marked.push('_');
    marked.push_str(&format!("{:016x}", hash(of)));
    marked
}

/// FNV-1a of 64 bits: the same on every machine and for ever, which is all that is asked of it. The last step mixes the low bits, of which
/// short ids are made.
fn hash(text: &str) -> u64 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let mixed = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    mixed ^ (mixed >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_fits_is_kept_and_any_other_is_mapped_by_itself() {
        assert_eq!(tool_name(&Text::plain("find_1-a")), "find_1-a");
        for name in ["", "a.b", "a:b", "é", &"x".repeat(65), "a\"b"] {
            let text = Text::plain(name);
            let mapped = tool_name(&text).into_owned();
            assert!(mapped.as_written().len() <= 64, "{name}");
            assert_eq!(tool_name(&mapped), mapped, "{name}: it fits now");
            assert_eq!(tool_name(&text), mapped);
        }
        assert_ne!(
            tool_name(&Text::plain("a.b")),
            tool_name(&Text::plain("a:b"))
        );
    }

    #[test]
    fn an_id_that_fits_is_kept_and_a_long_one_keeps_its_beginning() {
        assert_eq!(call_id(&Text::plain("call|x y")), "call|x y");
        let (one, two) = (
            format!("{}1", "x".repeat(80)),
            format!("{}2", "x".repeat(80)),
        );
        let (one, two) = (Text::plain(&one), Text::plain(&two));
        let (one, two) = (call_id(&one), call_id(&two));
        assert_ne!(one, two);
        assert_eq!(one.as_written().len(), 64);
        assert!(one.as_written().starts_with("xxxx"));
        let escaped = Text::escaped(r"\u00e9".repeat(60));
        assert_eq!(call_id(&escaped), escaped, "60 characters, however written");
    }

    #[test]
    fn an_id_of_nine_characters_is_nine_characters() {
        assert_eq!(nine_character_id(&Text::plain("aB3456789")), "aB3456789");
        for id in ["", "call_1", "toolu_01A", "aB345678_"] {
            let text = Text::plain(id);
            let mapped = nine_character_id(&text);
            assert_eq!(mapped.as_written().len(), 9, "{id}");
            assert!(
                mapped
                    .as_written()
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric())
            );
            assert_eq!(nine_character_id(&text), mapped);
        }
        assert_ne!(
            nine_character_id(&Text::plain("call_1")),
            nine_character_id(&Text::plain("call_2"))
        );
    }
}
