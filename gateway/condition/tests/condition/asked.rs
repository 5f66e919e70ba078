//! Conditions asked of requests: a body as it stands, a few headers, one caller.

use std::borrow::Cow;
use std::cell::RefCell;

use fairlead_condition::{CallerFacts, Condition, EvaluationError, Facts, Request};
use fairlead_json::{Limits, Object, Raw, Unreadable};

/// A request that notes what it was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) object: Object<'a>,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) model: &'a str,
    pub(crate) asked: RefCell<Vec<String>>,
}

const HEADERS: [(&str, &str); 3] = [
    ("x-tier", "gold"),
    ("accept", "application/json, text/plain"),
    ("x-empty", ""),
];

impl<'a> Asked<'a> {
    pub(crate) fn of(body: &'a str) -> Self {
        Self {
            object: Object::parse(body.as_bytes(), &Limits::default()).unwrap(),
            headers: &HEADERS,
            model: "gpt-4o",
            asked: RefCell::default(),
        }
    }

    pub(crate) fn is(&self, condition: &Condition) -> Result<bool, EvaluationError> {
        let caller = CallerFacts {
            key_name: "checkout",
            key_namespace: "search",
            team: Some("core"),
            organization: None,
        };
        condition.holds(&Facts::new(self, caller))
    }

    fn note(&self, what: &str) {
        self.asked.borrow_mut().push(what.to_owned());
    }
}

impl Request for Asked<'_> {
    fn header(&self, name: &str) -> Result<Option<Cow<'_, str>>, Unreadable> {
        self.note(&format!("header {name}"));
        let found = self
            .headers
            .iter()
            .find(|(each, _)| each.eq_ignore_ascii_case(name));
        Ok(found.map(|(_, value)| Cow::Borrowed(*value)))
    }

    fn headers(&self) -> usize {
        self.note("headers");
        self.headers.len()
    }

    fn model(&self) -> &str {
        self.model
    }

    fn stream(&self) -> bool {
        true
    }

    fn param(&self, name: &str) -> Result<Option<Raw<'_>>, Unreadable> {
        self.note(&format!("param {name}"));
        self.object.read(name)
    }

    fn params(&self) -> usize {
        self.note("params");
        self.object.members().len()
    }
}
