//! Member names that readers confuse.
//!
//! Go's `encoding/json` takes `Model` and `ſtream` for `model` and `stream`, .NET and Java have settings that do the same, and readers in C end
//! a name at its first NUL. Whoever decides by one spelling and passes the other on has been bypassed.

/// Whether some reader takes the two names for one: they are the same but for case (any that Unicode knows, multi-letter ones
/// such as `ﬆ` included), for what follows a NUL, and for what is no character.
#[must_use]
pub fn alike(a: &str, b: &str) -> bool {
    a == b || folded(a).eq(folded(b))
}

/// Whether a name has neither upper case, nor NUL, nor anything outside ASCII: two such names are alike only if they are the
/// same.
#[must_use]
pub fn is_plain(name: &str) -> bool {
    name.bytes()
        .all(|byte| matches!(byte, 1..=0x40 | 0x5b..=0x7f))
}

/// Upper case first, then lower: `ſ`, `ı` and `K` become letters of ASCII only on the way through both. Of `İ` the mapping of Turkic languages
/// is taken, as Java's `equalsIgnoreCase` does.
fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars()
        .take_while(|character| *character != '\0')
        .filter(|character| *character != char::REPLACEMENT_CHARACTER)
        .map(|character| if character == 'İ' { 'i' } else { character })
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}
