//! Chunks of a second answer that pass for chunks of the first.

use std::ops::Range;

use bytes::Bytes;

use crate::json::{JsonError, Limits, Scanner, write_string};
use crate::openai::Malformed;
use crate::splice::{Pieces, Splice};

/// What all chunks of one answer have in common, taken from the first that has it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The answer's id.
    pub id: Option<Box<str>>,
    /// When the answer claims to have been made, in seconds since 1970.
    pub created: Option<u64>,
}

impl Identity {
    /// Gives a chunk of another answer this one's id and time, and takes the role out of it, which a stream says once.
    ///
    /// # Errors
    /// The data is not a well-formed object of at most 128 levels.
    pub fn adopt(&self, data: &Bytes) -> Result<Pieces, Malformed> {
        let mut splice = Splice::new(data.clone());
        let mut scanner = Scanner::over(data, &Limits::default())?;
        scanner.object(|scanner, key| {
            match (&*key.name(), &self.id, self.created) {
                ("id", Some(id), _) => {
                    let mut text = Vec::with_capacity(id.len() + 2);
                    write_string(&mut text, id);
                    splice.replace(scanner.value()?.span, text.into());
                }
                ("created", _, Some(created)) => {
                    splice.replace(scanner.value()?.span, created.to_string().into());
                }
                ("choices", _, _) => scanner.array_or_skip(|scanner| {
                    scanner.object_or_skip(|scanner, key| {
                        if key.name() != "delta" {
                            return scanner.skip();
                        }
                        if let Some(role) = role(scanner)? {
                            splice.replace(role, Bytes::new());
                        }
                        Ok(())
                    })
                })?,
                _ => scanner.skip()?,
            }
            Ok(())
        })?;
        scanner.end()?;
        Ok(splice.finish())
    }
}

/// Where a delta's role is, with the comma that goes with it.
fn role(scanner: &mut Scanner<'_>) -> Result<Option<Range<usize>>, JsonError> {
    let mut before = None;
    let mut role: Option<Range<usize>> = None;
    let mut first = false;
    scanner.object_or_skip(|scanner, key| {
        // A role that came first takes the comma behind it along, any other the comma before.
        if let Some(found) = role.as_mut().filter(|_| std::mem::take(&mut first)) {
            found.end = key.start;
        }
        let end = scanner.value()?.span.end;
        if key.name() == "role" && role.is_none() {
            first = before.is_none();
            role = Some(before.unwrap_or(key.start)..end);
        }
        before = Some(end);
        Ok(())
    })?;
    Ok(role)
}
