//! Conditions asked of requests: a body as it stands, a few headers, one caller.

use std::borrow::Cow;
use std::cell::RefCell;

use fairlead_condition::{
    CallerFacts, Condition, EvaluationError, Facts, Level, Limit, Meter, Need, Request, Usage,
};
use fairlead_json::{Limits, Object, Raw, Unreadable};

/// A request that notes what it was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) object: Object<'a>,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) model: &'a str,
    /// What it would cost, in nano-USD.
    pub(crate) cost: Option<i64>,
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
            cost: Some(250_000_000),
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
        let cost = || {
            self.note("cost");
            self.cost
        };
        condition.holds(&Facts::new(self, caller).costing(&cost))
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

    fn operation(&self) -> &str {
        self.note("operation");
        "chat"
    }

    /// It needs tools, no sound, and of all else nobody can tell.
    fn needs(&self, need: Need) -> Option<bool> {
        self.note(&format!("needs {}", need.as_str()));
        match need {
            Need::Tools => Some(true),
            Need::Audio => Some(false),
            Need::Images | Need::Pdf | Need::Schema | Need::Reasoning => None,
        }
    }

    fn params(&self) -> usize {
        self.note("params");
        self.object.members().len()
    }

    /// The team has used 85 of 100 USD of its month and 2 of 10 USD of its day, and 10 of 60 requests; nobody else has limits.
    fn usage(&self, limit: &Limit) -> Option<Usage> {
        let name = limit.name.as_deref();
        self.note(&format!(
            "{:?} {:?} {}",
            limit.meter,
            limit.level,
            name.unwrap_or("*")
        ));
        let usage = |used_percent, remaining| Usage {
            used_percent,
            remaining,
        };
        match (limit.level, limit.meter, name) {
            (Level::Team, Meter::Budget, None) => Some(usage(85.0, 8_000_000_000)),
            (Level::Team, Meter::Budget, Some("month")) => Some(usage(85.0, 15_000_000_000)),
            (Level::Team, Meter::Budget, Some("day")) => Some(usage(20.0, 8_000_000_000)),
            (Level::Team, Meter::Rate, None | Some("requests")) => Some(usage(16.5, 50)),
            _ => None,
        }
    }

    fn input_tokens(&self) -> u64 {
        self.note("tokens");
        60_000
    }
}
