//! What a provider takes as the name of a tool, and what it is told in place of one that is none.

use crate::Text;

/// The names that a provider takes: letters, digits and some marks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grammar {
    /// The most characters.
    longest: usize,
    /// What a name may have beside letters and digits; the first of them stands for what it may not have.
    marks: &'static [u8],
    /// Whether it begins with a letter or the first of the marks.
    begins_with_a_letter: bool,
}

impl Grammar {
    /// `^[a-zA-Z0-9_-]{1,64}$`: OpenAI's functions, in Chat Completions and Responses, and Bedrock's tools.
    pub const OPENAI: Self = Self {
        longest: 64,
        marks: b"_-",
        begins_with_a_letter: false,
    };
    /// `^[a-zA-Z0-9_-]{1,128}$`: Anthropic's tools.
    pub const ANTHROPIC: Self = Self {
        longest: 128,
        ..Self::OPENAI
    };
    /// Of `FunctionDeclaration.name`: dots and colons, too, and no digit at the beginning; at most 128.
    pub const GEMINI: Self = Self {
        longest: 128,
        marks: b"_.:-",
        begins_with_a_letter: true,
    };

    /// A name as the provider takes it: itself where it fits, else made from it, and always the same.
    #[must_use]
    pub fn name<'t>(&self, name: &'t Text<'_>) -> Text<'t> {
        let written = name.as_written();
        let fits = (1..=self.longest).contains(&written.len())
            && written.bytes().all(|byte| self.takes(byte))
            && self.may_begin(written.as_bytes());
        if fits {
            return name.borrowed();
        }
        let said = name.unescaped();
        let safe = said.chars().map(|character| {
            let byte = u8::try_from(character).ok();
            if byte.is_some_and(|byte| self.takes(byte)) {
                character
            } else {
                '_'
            }
        });
        let safe: String = safe.collect();
        let safe = if self.may_begin(safe.as_bytes()) {
            safe
        } else {
            format!("_{safe}")
        };
        Text::escaped(marked(&safe, &said, self.longest))
    }

    fn takes(&self, byte: u8) -> bool {
        byte.is_ascii_alphanumeric() || self.marks.contains(&byte)
    }

    fn may_begin(&self, name: &[u8]) -> bool {
        let first = name.first();
        !self.begins_with_a_letter
            || first.is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
    }
}

/// As much of `shown` as there is room for, and the hash of `of`.
pub(crate) fn marked(shown: &str, of: &str, limit: usize) -> String {
    let mut marked: String = shown.chars().take(limit.saturating_sub(17)).collect();
    marked.push('_');
    marked.push_str(&format!("{:016x}", hash(of)));
    marked
}

/// FNV-1a of 64 bits: the same on every machine and for ever, which is all that is asked of it. The last step mixes the low bits, of which
/// short ids are made.
pub(crate) fn hash(text: &str) -> u64 {
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
        for grammar in [Grammar::OPENAI, Grammar::ANTHROPIC, Grammar::GEMINI] {
            assert_eq!(grammar.name(&Text::plain("find_1-a")), "find_1-a");
            for name in ["", "a b", "a/b", "é", &"x".repeat(129), "a\"b", "1 a"] {
                let text = Text::plain(name);
                let mapped = grammar.name(&text).into_owned();
                assert!(mapped.as_written().len() <= grammar.longest, "{name}");
                assert_eq!(grammar.name(&mapped), mapped, "{name}: it fits now");
                assert_eq!(grammar.name(&text), mapped);
                assert_ne!(mapped, name);
            }
            let (one, two) = (Text::plain("a b"), Text::plain("a/b"));
            assert_ne!(grammar.name(&one), grammar.name(&two));
        }
    }

    #[test]
    fn each_provider_has_its_own_grammar() {
        let fits = |grammar: Grammar, name: &str| grammar.name(&Text::plain(name)) == name;
        let long = "x".repeat(100);
        for (name, openai, anthropic, gemini) in [
            ("a.b", false, false, true),
            ("a:b", false, false, true),
            ("1a", true, true, false),
            ("-a", true, true, false),
            (&*long, false, true, true),
        ] {
            assert_eq!(fits(Grammar::OPENAI, name), openai, "{name}");
            assert_eq!(fits(Grammar::ANTHROPIC, name), anthropic, "{name}");
            assert_eq!(fits(Grammar::GEMINI, name), gemini, "{name}");
        }
    }
}
