//! The members of an event that are read.

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use crate::Text;
use crate::converse::block::words;

#[derive(Default)]
pub(super) struct Event<'a> {
    pub(super) index: Option<u64>,
    pub(super) start: Option<Raw<'a>>,
    pub(super) delta: Option<Raw<'a>>,
    pub(super) reason: Option<Text<'a>>,
    pub(super) usage: Option<Raw<'a>>,
    pub(super) tier: Option<Raw<'a>>,
    pub(super) performance: Option<Raw<'a>>,
}

impl<'a> Event<'a> {
    /// Reads a payload, which is an object.
    pub(super) fn scan(data: &'a [u8]) -> Result<Self, JsonError> {
        let mut event = Self::default();
        let mut scanner = Scanner::over(data, &Limits::default())?;
        scanner.object(|scanner, key| {
            let value = scanner.value()?;
            event.take(&key.name(), scanner.found(&value));
            Ok(())
        })?;
        scanner.end()?;
        Ok(event)
    }

    fn take(&mut self, name: &str, value: Raw<'a>) {
        if value.kind() == Kind::Null {
            return;
        }
        match name {
            "contentBlockIndex" => self.index = value.text().parse().ok(),
            "start" => self.start = Some(value),
            "delta" => self.delta = Some(value),
            "stopReason" => self.reason = words(value),
            "usage" => self.usage = Some(value),
            "serviceTier" => self.tier = Some(value),
            "performanceConfig" => self.performance = Some(value),
            _ => {}
        }
    }
}
