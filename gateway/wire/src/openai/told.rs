//! What an answer calls itself, and why it ended.

use std::borrow::Cow;
use std::sync::Arc;

use crate::json::{Limits, Scanner};

/// More than this of a name or a reason is not kept, in bytes: providers may say anything.
const LONGEST: usize = 128;

/// What an answer calls itself, and why it ended, as far as it says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Told {
    /// Its id.
    pub id: Option<Arc<str>>,
    /// The model it says has answered.
    pub model: Option<Arc<str>>,
    /// Why the first of its choices to end has ended.
    pub finish_reason: Option<Arc<str>>,
}

impl Told {
    /// What an event of a stream says of the answer.
    #[must_use]
    pub fn named(data: &[u8]) -> Self {
        let mut told = Self::default();
        let Ok(mut scanner) = Scanner::over(data, &Limits::default()) else {
            return told;
        };
        // What is not well-formed is found by whoever reads all of it.
        let _ = scanner.object(|scanner, key| {
            match &*key.name() {
                "id" => told.id = scanner.words()?.and_then(kept),
                "model" => told.model = scanner.words()?.and_then(kept),
                _ => scanner.skip()?,
            }
            Ok(())
        });
        told
    }

    /// What it is said to be, by words of which none is kept that is too long.
    #[must_use]
    pub fn of(id: Option<Cow<'_, str>>, model: Option<Cow<'_, str>>, reason: Option<&str>) -> Self {
        Self {
            id: id.and_then(kept),
            model: model.and_then(kept),
            finish_reason: reason.map(Into::into),
        }
    }

    /// Takes over what is said and was not known.
    pub fn learn(&mut self, more: Self) {
        let Self {
            id,
            model,
            finish_reason,
        } = more;
        self.id = self.id.take().or(id);
        self.model = self.model.take().or(model);
        self.finish_reason = self.finish_reason.take().or(finish_reason);
    }
}

/// A word as it is kept: none that is empty, none that is too long to be a name.
#[must_use]
pub(super) fn kept(word: Cow<'_, str>) -> Option<Arc<str>> {
    (!word.is_empty() && word.len() <= LONGEST).then(|| word.into())
}
