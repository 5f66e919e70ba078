//! JSON where it lies: one pass that checks the whole text and notes where the members are.
//!
//! First thing that happens to a body, and to every event of a stream. No tree is built and nothing is
//! copied but a string with escapes that someone asks for. The grammar is RFC 8259's, to the letter: no
//! byte order mark, no leading zeros, no bare control characters, valid UTF-8.
//!
//! Escaped lone surrogates (`"\ud800"`) and numbers beyond every type (`1e999`) are well-formed by that
//! grammar and pass through untouched, but nothing can be read of them: [`Raw`] says so with an
//! [`Unreadable`], never with a value that is merely missing. In a name a lone surrogate reads as U+FFFD.

mod names;
mod object;
mod raw;
mod scan;
mod special;
mod text;
mod writer;

pub use names::{alike, is_plain};
pub use object::{Member, Object};
pub use raw::{Number, Raw, Unreadable};
pub use scan::{Key, Scanner, Value};
pub use text::{unescape_lossy, write_string};
pub use writer::{ObjectWriter, write_number, write_text};

/// How much structure is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Nested objects and arrays, the outermost included. Over 512 counts as 512, which the stack of a
    /// thread bears.
    pub depth: usize,
    /// Members of the outermost object: each takes a note several times its own size.
    pub members: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            members: 1024,
        }
    }
}

/// Why a text is not the JSON that is asked for. Offsets are in bytes, from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// The text is not UTF-8.
    #[error("not valid JSON: the bytes at offset {at} are not UTF-8; send the body UTF-8 encoded")]
    NotUtf8 {
        /// Where the first bad sequence begins.
        at: usize,
    },
    /// The grammar is broken.
    #[error("not valid JSON: expected {expected} at byte offset {at}")]
    Syntax {
        /// Where.
        at: usize,
        /// What would have been right there.
        expected: &'static str,
    },
    /// Too many nested objects and arrays.
    #[error("nested too deeply: at most {limit} levels of objects and arrays are accepted")]
    TooDeep {
        /// The most that is accepted.
        limit: usize,
    },
    /// Two members of one object have the same name, so readers may disagree on what it says.
    #[error("the member {key:?} is given twice; send it once")]
    DuplicateKey {
        /// The name, shortened if it is long.
        key: String,
    },
    /// Too many members in the outermost object.
    #[error("too many members: at most {limit} are accepted at the top level")]
    TooManyMembers {
        /// The most that is accepted.
        limit: usize,
    },
    /// Something follows the document.
    #[error("not valid JSON: unexpected bytes after the end of the document, at byte offset {at}")]
    TrailingBytes {
        /// Where the first of it is.
        at: usize,
    },
    /// Well-formed, but a list, a string or the like.
    #[error("the JSON text is not an object; send one, in braces")]
    NotAnObject,
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A string.
    String,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool(bool),
    /// `null`.
    Null,
    /// An array.
    Array,
    /// An object.
    Object,
}

/// Checks that `text` is one well-formed value of any kind, and nothing else.
///
/// # Errors
/// Whatever is wrong first; never [`JsonError::NotAnObject`] nor [`JsonError::DuplicateKey`].
pub fn well_formed(text: &[u8], limits: &Limits) -> Result<(), JsonError> {
    let mut scanner = Scanner::over(text, limits)?;
    scanner.value()?;
    scanner.end()
}
