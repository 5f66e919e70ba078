//! Headers whose values are noted with a request, where the installation lists them.

use fairlead_record::Tag;
use http::{HeaderMap, HeaderName};

/// No more than these are noted.
pub(crate) const MOST: usize = 8;
/// So much of a value is kept, in bytes.
const LONGEST: usize = 128;

/// The listed headers.
#[derive(Debug, Default)]
pub(crate) struct Tags(Vec<HeaderName>);

impl Tags {
    /// These headers; the first eight of them.
    #[must_use]
    pub(crate) fn listed(names: &[HeaderName]) -> Self {
        Self(names.iter().take(MOST).cloned().collect())
    }

    /// What a request says in them.
    #[must_use]
    pub(crate) fn of(&self, headers: &HeaderMap) -> Vec<Tag> {
        let said = self.0.iter().filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some(Tag {
                name: name.as_str().into(),
                value: value.get(..value.len().min(LONGEST))?.into(),
            })
        });
        said.collect()
    }
}
