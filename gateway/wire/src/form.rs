//! Forms: `multipart/form-data` (RFC 7578), as the callers of images and audio send them.
//!
//! A form is read where it lies: the parts are found, and of them the values of fields that hold a text. Files are never looked into. Whoever
//! reads the form next must find the same parts, so whatever two readers may take for two things is refused: text around the parts, names in
//! other forms, a coding of a part, a delimiter that goes on.

mod head;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem::Finder;

use crate::json::write_string;

pub use head::boundary;

/// The most parts that a form may have.
const MOST_PARTS: usize = 256;
/// The longest value that is repeated as a parameter, in bytes.
const LONGEST: usize = 16 * 1024;

/// A form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form<'a> {
    /// Its parts, in order.
    pub fields: Vec<Field<'a>>,
    body: &'a [u8],
}

/// A part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field<'a> {
    /// The name of the field.
    pub name: Cow<'a, str>,
    /// Where the value is.
    pub value: Range<usize>,
    /// Whether it is a file.
    pub file: bool,
}

/// Why a body is no form that two readers read alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// The media type names no boundary, or one that RFC 2046 does not allow.
    #[error(
        "the Content-Type multipart/form-data has no boundary that can be used; leave the header to the library that writes the form"
    )]
    Boundary,
    /// Something before the first delimiter or after the last, or none.
    #[error(
        "the form is not well-formed at byte offset {0}; send the parts with nothing around them, and CRLF at the ends of lines"
    )]
    Framing(usize),
    /// The head of a part is not of the usual form.
    #[error(
        "the head of the part at byte offset {0} cannot be read; it needs Content-Disposition: form-data with a name, and no Content-Transfer-Encoding"
    )]
    Head(usize),
    /// More parts than are read.
    #[error("the form has more than {MOST_PARTS} parts; send fewer")]
    TooManyParts,
}

/// Finds the parts of a form.
///
/// # Errors
/// It is not well-formed, or could be read in two ways.
pub fn parse<'a>(body: &'a [u8], boundary: &[u8]) -> Result<Form<'a>, FormError> {
    let delimiter = [b"\r\n--", boundary].concat();
    let finder = Finder::new(&delimiter);
    // The first delimiter is at the start, where its line break may be missing.
    let opening = delimiter.get(2..).unwrap_or_default();
    let mut at = if body.starts_with(opening) {
        opening.len()
    } else if body.starts_with(&delimiter) {
        delimiter.len()
    } else {
        return Err(FormError::Framing(0));
    };
    let mut fields = Vec::new();
    loop {
        let rest = body.get(at..).unwrap_or_default();
        if let Some(after) = rest.strip_prefix(b"--") {
            if after.iter().all(u8::is_ascii_whitespace) {
                return Ok(Form { fields, body });
            }
            return Err(FormError::Framing(at));
        }
        if !rest.starts_with(b"\r\n") {
            return Err(FormError::Framing(at));
        }
        if fields.len() >= MOST_PARTS {
            return Err(FormError::TooManyParts);
        }
        let length = finder.find(rest).ok_or(FormError::Framing(body.len()))?;
        // The line break of the delimiter before it is the first of the part, so that a part without headers is found, too.
        let part = rest.get(..length).unwrap_or_default();
        fields.push(field(part, at)?);
        at += length + delimiter.len();
    }
}

/// A part that stands at an offset of the body, its first line break included.
fn field(part: &[u8], at: usize) -> Result<Field<'_>, FormError> {
    let end = memchr::memmem::find(part, b"\r\n\r\n").ok_or(FormError::Head(at))?;
    let head = part.get(2..end).ok_or(FormError::Head(at))?;
    let (name, file) = head::read(head).ok_or(FormError::Head(at))?;
    Ok(Field {
        name,
        value: at + end + 4..at + part.len(),
        file,
    })
}

impl<'a> Form<'a> {
    /// The text of a field that is no file.
    #[must_use]
    pub fn text(&self, field: &Field<'_>) -> Option<&'a str> {
        if field.file {
            return None;
        }
        std::str::from_utf8(self.body.get(field.value.clone())?).ok()
    }

    /// The fields that hold a text of moderate length as a JSON object, for whoever reads parameters: each a string, or a list of them where
    /// the name stands there several times.
    #[must_use]
    pub fn parameters(&self) -> String {
        let mut all: Vec<(&str, Vec<&str>)> = Vec::new();
        for field in &self.fields {
            let Some(text) = self.text(field).filter(|text| text.len() <= LONGEST) else {
                continue;
            };
            match all.iter_mut().find(|(name, _)| *name == field.name) {
                Some((_, values)) => values.push(text),
                None => all.push((&field.name, vec![text])),
            }
        }
        let mut out = Vec::new();
        for (name, values) in &all {
            out.push(if out.is_empty() { b'{' } else { b',' });
            write_string(&mut out, name);
            out.push(b':');
            match values.as_slice() {
                [only] => write_string(&mut out, only),
                several => {
                    for (at, value) in several.iter().enumerate() {
                        out.push(if at == 0 { b'[' } else { b',' });
                        write_string(&mut out, value);
                    }
                    out.push(b']');
                }
            }
        }
        if out.is_empty() {
            out.push(b'{');
        }
        out.push(b'}');
        String::from_utf8(out).unwrap_or_default()
    }
}
