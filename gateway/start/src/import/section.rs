//! A mapping of a file that is being read: whatever is carried over is taken out, and what is left is told.

use std::time::Duration;

use serde_json::{Map, Value};

use super::Note;

/// A mapping, and where it stands.
#[derive(Debug, Default)]
pub(super) struct Section {
    path: String,
    fields: Map<String, Value>,
}

/// What to say of fields that are left.
pub(super) type Reasons = &'static [(&'static str, &'static str)];

impl Section {
    /// The whole file; `None` if it is no mapping.
    pub(super) fn root(value: Value) -> Option<Self> {
        Self::of(String::new(), value)
    }

    fn of(path: String, value: Value) -> Option<Self> {
        let Value::Object(fields) = value else {
            return None;
        };
        Some(Self { path, fields })
    }

    pub(super) fn has_list(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(Value::is_array)
    }

    pub(super) fn has_map(&self, name: &str) -> bool {
        self.fields.get(name).is_some_and(Value::is_object)
    }

    /// Where a field of this mapping stands.
    pub(super) fn at(&self, name: &str) -> String {
        let plain = !name.is_empty()
            && name
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || "_-$".contains(letter));
        // Names may be anything, and a note is a line.
        let name = if plain {
            name.to_owned()
        } else {
            format!("{name:?}")
        };
        if self.path.is_empty() {
            name
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// Where this mapping stands.
    pub(super) fn path(&self) -> &str {
        &self.path
    }

    pub(super) fn note(&self, name: &str, reason: impl Into<String>) -> Note {
        Note {
            path: self.at(name),
            reason: reason.into(),
        }
    }

    /// The names of what is left.
    pub(super) fn names(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }

    /// Takes a field out; nothing and `null` are the same.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.remove(name).filter(|value| !value.is_null())
    }

    /// Takes a mapping out; anything else stays, to be told.
    pub(super) fn section(&mut self, name: &str) -> Option<Self> {
        let path = self.at(name);
        let value = self
            .fields
            .get_mut(name)
            .filter(|value| value.is_object())?;
        let taken = Self::of(path, value.take());
        self.fields.remove(name);
        taken
    }

    /// Takes a list out, each entry with its path; anything else stays.
    pub(super) fn list(&mut self, name: &str) -> Vec<(String, Value)> {
        let path = self.at(name);
        match self.fields.get_mut(name).map(Value::take) {
            Some(Value::Array(entries)) => {
                self.fields.remove(name);
                let entries = entries.into_iter().enumerate();
                entries
                    .map(|(at, value)| (format!("{path}[{at}]"), value))
                    .collect()
            }
            Some(other) => {
                self.fields.insert(name.to_owned(), other);
                Vec::new()
            }
            None => Vec::new(),
        }
    }

    /// Takes a list of mappings out; entries that are none are told.
    pub(super) fn sections(&mut self, name: &str, notes: &mut Vec<Note>) -> Vec<Self> {
        let mut sections = Vec::new();
        for (path, value) in self.list(name) {
            match Self::of(path.clone(), value) {
                Some(section) => sections.push(section),
                None => notes.push(Note {
                    path,
                    reason: "it is no mapping".to_owned(),
                }),
            }
        }
        sections
    }

    /// Takes a text out; a number is one, too, since YAML takes digits for it.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let text = match self.fields.get(name)? {
            Value::String(text) => text.trim().to_owned(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        self.fields.remove(name);
        Some(text)
    }

    /// Takes out what can be a parameter: a text, a number, a truth value, or a list of texts.
    pub(super) fn scalar(&mut self, name: &str) -> Option<Value> {
        let fits = |text: &String| text.len() <= 256;
        let good = match self.fields.get(name)? {
            Value::Bool(_) | Value::Number(_) => true,
            Value::String(text) => fits(text) && !text.starts_with("os.environ/"),
            Value::Array(entries) => {
                let text = |entry: &Value| matches!(entry, Value::String(text) if fits(text));
                (1..=4).contains(&entries.len()) && entries.iter().all(text)
            }
            Value::Null | Value::Object(_) => false,
        };
        if good { self.take(name) } else { None }
    }

    /// Takes a list of texts out.
    pub(super) fn texts(&mut self, name: &str) -> Option<Vec<String>> {
        let texts: Option<Vec<String>> = self
            .fields
            .get(name)?
            .as_array()?
            .iter()
            .map(|value| value.as_str().map(str::to_owned))
            .collect();
        if texts.is_some() {
            self.fields.remove(name);
        }
        texts
    }

    /// Takes a truth value out.
    pub(super) fn truth(&mut self, name: &str) -> Option<bool> {
        let truth = self.fields.get(name)?.as_bool()?;
        self.fields.remove(name);
        Some(truth)
    }

    /// Takes a number out that is not negative.
    pub(super) fn number(&mut self, name: &str) -> Option<f64> {
        let number = self.peek(name)?;
        self.fields.remove(name);
        Some(number)
    }

    fn peek(&self, name: &str) -> Option<f64> {
        let number = match self.fields.get(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }?;
        (number.is_finite() && number >= 0.0).then_some(number)
    }

    /// Takes a whole number out.
    pub(super) fn whole(&mut self, name: &str) -> Option<u64> {
        let number = match self.fields.get(name)? {
            Value::Number(number) => number.as_u64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        }?;
        self.fields.remove(name);
        Some(number)
    }

    /// Takes a length of time out that is given in seconds; none at all is no limit anybody means.
    pub(super) fn seconds(&mut self, name: &str) -> Option<Duration> {
        let length = Duration::try_from_secs_f64(self.peek(name)?).ok()?;
        let millis = u64::try_from(length.as_millis()).ok()?;
        let millis = Some(millis).filter(|millis| *millis > 0)?;
        self.fields.remove(name);
        Some(Duration::from_millis(millis))
    }

    /// Adds fields that are not there.
    pub(super) fn fill(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            if !self.fields.contains_key(name) {
                self.fields.insert(name.clone(), value.clone());
            }
        }
    }

    /// Passes over what says nothing that matters here.
    pub(super) fn pass_over(&mut self, names: &[&str]) {
        for name in names {
            self.fields.remove(*name);
        }
    }

    /// Tells everything that is left.
    pub(super) fn rest(self, reasons: Reasons, notes: &mut Vec<Note>) {
        for (name, value) in &self.fields {
            if says_nothing(value) {
                continue;
            }
            let reason = reasons
                .iter()
                .find(|(field, _)| *field == name.as_str())
                .map_or("nothing here corresponds to it", |(_, reason)| *reason);
            notes.push(self.note(name, reason));
        }
    }
}

/// Whether a field might as well be missing.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(entries) => entries.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_taken_is_told_with_its_path() {
        let mut root =
            Section::root(json!({"a": {"kept": 1, "lost": 2, "odd name": 3, "off": false}}))
                .unwrap();
        let mut notes = Vec::new();
        let mut a = root.section("a").unwrap();
        assert_eq!(a.whole("kept"), Some(1));
        a.rest(&[("lost", "it is lost")], &mut notes);
        root.rest(&[], &mut notes);
        let told: Vec<String> = notes.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "a.lost: it is lost",
                "a.\"odd name\": nothing here corresponds to it"
            ]
        );
    }

    #[test]
    fn what_has_another_type_stays_to_be_told() {
        let mut root =
            Section::root(json!({"a": [1], "b": "x", "c": -1, "d": {}, "e": 1e300})).unwrap();
        assert!(root.section("a").is_none() && root.list("b").is_empty());
        assert!(root.whole("b").is_none() && root.number("c").is_none());
        assert!(root.text("d").is_none() && root.texts("a").is_none());
        assert!(root.seconds("e").is_none());
        let mut notes = Vec::new();
        root.rest(&[], &mut notes);
        assert_eq!(notes.len(), 4, "{notes:?}");
    }
}
