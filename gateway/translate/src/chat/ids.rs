//! Ids of calls and names of tools, where the target's grammar is narrower than what they were made for.
//!
//! What fits is kept. Anything else is mapped by itself alone, so that a call and its result, and one turn and the next, agree without
//! anybody remembering.

use crate::Text;
use crate::names::{Grammar, hash, marked};

/// The longest id of a call, in characters.
const LONGEST: usize = 64;

/// A tool's name as this dialect can say it: letters, digits, `_` and `-`, at most 64. [`Names`](crate::Names) find the caller's name of a call in an
/// answer.
#[must_use]
pub fn tool_name<'t>(name: &'t Text<'_>) -> Text<'t> {
    Grammar::OPENAI.name(name)
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

#[cfg(test)]
mod tests {
    use super::*;

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
