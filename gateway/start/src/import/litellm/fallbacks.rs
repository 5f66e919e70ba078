//! Fallbacks: lists of groups by the group that failed, for every failure or for one.

use serde_json::Value;

use super::Part;
use crate::import::Note;

/// A list of groups that stand in for one.
#[derive(Debug)]
pub(super) struct Entry {
    /// The group; `*`: any.
    pub(super) of: String,
    /// The groups that stand in, in this order.
    pub(super) to: Vec<String>,
    /// Where it stands.
    pub(super) path: String,
    /// The class of failure it is for.
    pub(super) class: Option<&'static str>,
}

/// Everything that is said of fallbacks.
#[derive(Debug, Default)]
pub(super) struct Fallbacks {
    /// Those for one class of failure first: it is the last chance to be that particular.
    entries: Vec<Entry>,
    /// For groups that have none of their own.
    default: Option<Entry>,
}

impl Fallbacks {
    /// Takes them out of the sections where they may stand; the first counts.
    pub(super) fn take(mut sections: [&mut Part; 2], notes: &mut Vec<Note>) -> Self {
        let mut found = Self::default();
        let fields = [
            ("context_window_fallbacks", Some("ContextTooLong")),
            ("content_policy_fallbacks", Some("ContentFiltered")),
            ("fallbacks", None),
        ];
        for (field, class) in fields {
            for section in &mut sections {
                let lists = section.take(|section| Some(section.list(field)));
                for (path, value) in lists.into_iter().flatten() {
                    found.add(path, value, class, notes);
                }
            }
        }
        for section in &mut sections {
            let path = section
                .0
                .as_ref()
                .map(|section| section.at("default_fallbacks"));
            let groups = section.take(|section| section.texts("default_fallbacks"));
            if let (Some(path), Some(to), None) = (path, groups, &found.default) {
                found.default = Some(Entry {
                    of: "*".to_owned(),
                    to,
                    path,
                    class: None,
                });
            }
        }
        found
    }

    fn add(
        &mut self,
        path: String,
        value: Value,
        class: Option<&'static str>,
        notes: &mut Vec<Note>,
    ) {
        let Value::Object(fields) = value else {
            notes.push(Note {
                path,
                reason: "it is no mapping of a group to others".to_owned(),
            });
            return;
        };
        for (of, groups) in fields {
            let mut to = Vec::new();
            for group in groups.as_array().into_iter().flatten() {
                match group.as_str() {
                    Some(group) => to.push(group.to_owned()),
                    None => notes.push(Note {
                        path: path.clone(),
                        reason: "only names of groups are carried over; parameters for a fallback are not"
                            .to_owned(),
                    }),
                }
            }
            self.entries.push(Entry {
                of,
                to,
                path: path.clone(),
                class,
            });
        }
    }

    /// What stands in for a group.
    pub(super) fn of<'f>(&'f self, group: &'f str) -> Vec<&'f Entry> {
        let mut found: Vec<&Entry> = self
            .entries
            .iter()
            .filter(|entry| entry.of == group)
            .collect();
        if found.iter().all(|entry| entry.class.is_some()) {
            let any = self
                .entries
                .iter()
                .find(|entry| entry.of == "*" && entry.class.is_none());
            found.extend(any.or(self.default.as_ref()));
        }
        found
    }

    /// Those of groups that are not there.
    pub(super) fn strays(&self, known: impl Fn(&str) -> bool) -> Vec<Note> {
        let entries = self.entries.iter().chain(&self.default);
        let stray = |entry: &Entry| {
            let names = std::iter::once(&entry.of).chain(&entry.to);
            let unknown: Vec<&str> = names
                .map(String::as_str)
                .filter(|name| *name != "*" && !known(name))
                .collect();
            (!unknown.is_empty()).then(|| Note {
                path: entry.path.clone(),
                reason: format!("there is no group {unknown:?} with a model of its own"),
            })
        };
        entries.filter_map(stray).collect()
    }
}
