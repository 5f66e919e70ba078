//! The columns that an entry is found by.

use std::borrow::Cow;

use crate::outcome::Outcome;
use crate::rollup::signed;
use crate::{Entry, Name, Word, detail};

/// An entry as a row.
#[derive(Debug)]
pub(crate) struct Row<'a> {
    /// Microseconds since 1970.
    pub(crate) started: i64,
    pub(crate) id: i64,
    pub(crate) outcome: i16,
    pub(crate) status: i32,
    /// Microseconds.
    pub(crate) duration: i64,
    /// Nano-USD.
    pub(crate) cost: Option<i64>,
    pub(crate) texts: [Option<Cow<'a, str>>; TEXTS],
    pub(crate) detail: String,
}

/// How many columns are texts.
pub(crate) const TEXTS: usize = 7;

/// All columns, in the order of what a row holds.
pub(crate) const COLUMNS: &str = "started, id, outcome, status, duration, cost, \
     api_key, team, model, provider, upstream_model, rule, error, detail";

/// What is read of a row to make its entry: the columns of [`Kept`].
pub(crate) const READ: &str =
    "started, id, status, duration, api_key, team, model, rule, error, CAST(detail AS TEXT)";

impl<'a> Row<'a> {
    /// The row of an entry.
    pub(crate) fn of(entry: &'a Entry) -> Self {
        let last = entry.asked_last();
        let texts = [
            entry.key.as_deref(),
            entry.team.as_deref(),
            entry.model.as_deref(),
            last.and_then(|attempt| attempt.provider.as_deref()),
            last.map(|attempt| &*attempt.model),
            entry.rule.as_deref(),
            entry.error.as_deref(),
        ];
        Self {
            started: entry.started_unix_us,
            id: entry.id.cast_signed(),
            outcome: Outcome::of(entry).code(),
            status: entry.status.into(),
            duration: signed(entry.duration_us),
            cost: entry.cost.map(|cost| cost.nanos),
            texts: texts.map(|text| {
                text.map(|text| detail::without_zeros(text).map_or(Cow::Borrowed(text), Cow::Owned))
            }),
            detail: detail::of(entry),
        }
    }
}

/// What a store has read of a row.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) started: i64,
    pub(crate) id: i64,
    pub(crate) status: i32,
    pub(crate) duration: i64,
    pub(crate) key: Option<String>,
    pub(crate) team: Option<String>,
    pub(crate) model: Option<String>,
    pub(crate) rule: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) detail: String,
}

impl Kept {
    /// The entry that it was made of.
    ///
    /// # Errors
    /// Somebody else has written the row.
    pub(crate) fn entry(self) -> serde_json::Result<Entry> {
        let name = |text: Option<String>| text.map(Name::from);
        Ok(Entry {
            id: self.id.cast_unsigned(),
            started_unix_us: self.started,
            duration_us: self.duration.try_into().unwrap_or_default(),
            status: self.status.try_into().unwrap_or_default(),
            key: name(self.key),
            team: name(self.team),
            model: name(self.model),
            rule: name(self.rule),
            error: self.error.map(Word::from),
            ..detail::read(&self.detail)?
        })
    }
}
