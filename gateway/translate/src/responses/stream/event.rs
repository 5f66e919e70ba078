//! One event of a provider's stream, its members side by side.

use fairlead_json::{Kind, Limits, Raw};

use super::super::raw::{count, filled};
use crate::{Malformed, Text};

/// The members that events have; null is absent.
#[derive(Debug, Default)]
pub(super) struct Event<'a> {
    pub(super) kind: Option<Text<'a>>,
    pub(super) output_index: Option<u64>,
    pub(super) item_id: Option<Text<'a>>,
    /// Of a part of a message, or of a summary.
    pub(super) part_index: Option<u64>,
    pub(super) delta: Option<Text<'a>>,
    /// What a `.done` says: a text, a refusal, arguments, an input.
    pub(super) whole: Option<Text<'a>>,
    /// Arguments as an object, which some send.
    pub(super) object: Option<Raw<'a>>,
    pub(super) item: Option<Raw<'a>>,
    pub(super) part: Option<Raw<'a>>,
    pub(super) response: Option<Raw<'a>>,
    pub(super) error: bool,
}

impl<'a> Event<'a> {
    pub(super) fn read(data: &'a str) -> Result<Self, Malformed> {
        let raw = Raw::parse(data, &Limits::default())?;
        if raw.kind() != Kind::Object {
            return Err(Malformed::Shape("an event is not an object"));
        }
        let mut event = Self::default();
        raw.each_member(|name, value| match &*name {
            "type" => event.kind = filled(Some(value)),
            "output_index" => event.output_index = count(value),
            "item_id" => event.item_id = filled(Some(value)),
            "content_index" | "summary_index" => event.part_index = count(value),
            "delta" => event.delta = filled(Some(value)),
            "arguments" if value.kind() == Kind::Object => event.object = Some(value),
            "text" | "refusal" | "arguments" | "input" => {
                event.whole = filled(Some(value)).or(event.whole.take());
            }
            "item" => event.item = Some(value),
            "part" => event.part = Some(value),
            "response" => event.response = Some(value),
            "error" => event.error = value.kind() != Kind::Null,
            _ => {}
        });
        Ok(event)
    }
}
