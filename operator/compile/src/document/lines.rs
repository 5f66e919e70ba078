//! Which line of its file each field of an object stands on.

use std::sync::Arc;

/// Where an object was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The file; `None` for an object from the API server.
    pub file: Option<Arc<str>>,
    /// The lines of its fields.
    pub lines: Lines,
}

/// Field path -> line, from 1. Empty for objects from the API server.
///
/// Few are ever asked for a line, and there is one of these for each object: so all paths are one text, and their places are a list in the
/// order of the paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lines {
    paths: Box<str>,
    places: Box<[Place]>,
}

/// Where a path stands in the text, in bytes, and its line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    from: u32,
    to: u32,
    line: u32,
}

impl Place {
    fn path<'t>(&self, paths: &'t str) -> &'t str {
        let at = |end: u32| usize::try_from(end).unwrap_or(usize::MAX);
        paths.get(at(self.from)..at(self.to)).unwrap_or_default()
    }
}

impl Lines {
    /// The line of a field (`spec.targets[1].providerRef.name`); of the nearest field around it when it is not written itself.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<u32> {
        let mut path = path;
        loop {
            if let Some(line) = self.line(path) {
                return Some(line);
            }
            // A key in brackets may hold dots; the stumps in between are in no list, so they only cost a look-up.
            path = if path.is_empty() {
                return None;
            } else {
                &path[..path.rfind(['.', '[']).unwrap_or(0)]
            };
        }
    }

    fn line(&self, path: &str) -> Option<u32> {
        let at = |place: &Place| place.path(&self.paths).cmp(path);
        let found = self.places.binary_search_by(at).ok()?;
        self.places.get(found).map(|place| place.line)
    }
}

/// Lines that are being noted.
#[derive(Default)]
pub(super) struct Noted {
    paths: String,
    places: Vec<Place>,
}

impl Noted {
    /// Notes the line of a field. No field is noted twice.
    pub(super) fn insert(&mut self, path: &str, line: u32) {
        let end = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let from = end(&self.paths);
        self.paths.push_str(path);
        let to = end(&self.paths);
        self.places.push(Place { from, to, line });
    }

    /// All of them.
    pub(super) fn finish(self) -> Lines {
        let Self { paths, mut places } = self;
        places.sort_unstable_by(|one, other| one.path(&paths).cmp(other.path(&paths)));
        Lines {
            paths: paths.into(),
            places: places.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_field_is_looked_for_around_it() {
        let mut noted = Noted::default();
        noted.insert("", 1);
        noted.insert("spec.targets[1]", 9);
        noted.insert("metadata.labels", 4);
        let lines = noted.finish();
        assert_eq!(lines.of("spec.targets[1].providerRef.name"), Some(9));
        assert_eq!(lines.of("metadata.labels[a.b/c]"), Some(4));
        assert_eq!(lines.of("spec.match"), Some(1));
        assert_eq!(Lines::default().of("spec"), None);
    }
}
