//! How long each part of a request to a provider may take, and how that is written.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::millis;
use crate::OLDEST;

/// What format 1 wrote where nobody had said how long the first token may take. Its readers go on getting that.
const UNSAID_IN_FORMAT_1: Duration = Duration::from_secs(120);
/// What is written where somebody has said the same: a millisecond more, which no reader minds and which tells the two apart. Otherwise it would take a
/// format that the version before cannot read after a rollback, and what many write who copy a default is not worth that.
const SAID_IN_FORMAT_1: Duration = Duration::from_millis(120_001);

/// How long each part of a request may take.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Timeouts {
    /// To open a connection, TLS included.
    pub connect: Duration,
    /// To the first content of a stream.
    pub first_token: Duration,
    /// The same for models that reason before they answer.
    pub first_token_reasoning: Duration,
    /// Whether nobody has said how long that may take, so that what the target is known to take counts too, where somebody else can be asked.
    pub first_token_learned: bool,
    /// To the first byte of the body of an answer that is not streamed.
    pub first_byte: Duration,
    /// Between two pieces of an answer; on streams, between two events with content.
    pub idle: Duration,
    /// Over all attempts.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(5),
            first_token: Duration::from_secs(30),
            first_token_reasoning: Duration::from_secs(300),
            first_token_learned: true,
            first_byte: Duration::from_secs(300),
            idle: Duration::from_secs(60),
            total: Duration::from_secs(600),
        }
    }
}

impl Timeouts {
    /// The lowest format in which all of it can be said.
    pub(crate) fn format(&self) -> u32 {
        match self.first_token_in_format_1() {
            Some(_) => OLDEST,
            None => 2,
        }
    }

    /// The same for readers of format 1, who know one length for all models: rather too patient than too hasty.
    pub(crate) fn in_format_1(&self) -> Self {
        let longest = self.first_token.max(self.first_token_reasoning);
        Self {
            first_token: longest,
            first_token_reasoning: longest,
            first_token_learned: false,
            ..*self
        }
    }

    fn of_first_token(&self) -> (Duration, Duration, bool) {
        (
            self.first_token,
            self.first_token_reasoning,
            self.first_token_learned,
        )
    }

    /// What says all of it in format 1, if anything does: what nobody has said, or one length for all models.
    fn first_token_in_format_1(&self) -> Option<Duration> {
        if self.of_first_token() == Self::default().of_first_token() {
            return Some(UNSAID_IN_FORMAT_1);
        }
        let one = !self.first_token_learned && self.first_token == self.first_token_reasoning;
        one.then_some(if self.first_token == UNSAID_IN_FORMAT_1 {
            SAID_IN_FORMAT_1
        } else {
            self.first_token
        })
    }
}

/// The timeouts as they are written. In format 1 there are no members for models that reason.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Written {
    #[serde(with = "millis")]
    connect: Duration,
    #[serde(with = "millis")]
    first_token: Duration,
    #[serde(
        default,
        with = "millis::optional",
        skip_serializing_if = "Option::is_none"
    )]
    first_token_reasoning: Option<Duration>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_token_learned: Option<bool>,
    #[serde(with = "millis")]
    first_byte: Duration,
    #[serde(with = "millis")]
    idle: Duration,
    #[serde(with = "millis")]
    total: Duration,
}

impl From<Written> for Timeouts {
    fn from(written: Written) -> Self {
        let said = if written.first_token == SAID_IN_FORMAT_1 {
            UNSAID_IN_FORMAT_1
        } else {
            written.first_token
        };
        let (first_token, first_token_reasoning, first_token_learned) =
            match (written.first_token_reasoning, written.first_token_learned) {
                (None, None) if written.first_token == UNSAID_IN_FORMAT_1 => {
                    Self::default().of_first_token()
                }
                (None, None) => (said, said, false),
                (reasoning, learned) => (
                    written.first_token,
                    reasoning.unwrap_or(written.first_token),
                    learned.unwrap_or(false),
                ),
            };
        Self {
            connect: written.connect,
            first_token,
            first_token_reasoning,
            first_token_learned,
            first_byte: written.first_byte,
            idle: written.idle,
            total: written.total,
        }
    }
}

impl From<Timeouts> for Written {
    fn from(timeouts: Timeouts) -> Self {
        let in_format_1 = timeouts.first_token_in_format_1();
        let more = in_format_1.is_none();
        Self {
            connect: timeouts.connect,
            first_token: in_format_1.unwrap_or(timeouts.first_token),
            first_token_reasoning: more.then_some(timeouts.first_token_reasoning),
            first_token_learned: more.then_some(timeouts.first_token_learned),
            first_byte: timeouts.first_byte,
            idle: timeouts.idle,
            total: timeouts.total,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(first_token: u64, reasoning: u64, learned: bool) -> Timeouts {
        Timeouts {
            first_token: Duration::from_secs(first_token),
            first_token_reasoning: Duration::from_secs(reasoning),
            first_token_learned: learned,
            ..Timeouts::default()
        }
    }

    fn written(timeouts: Timeouts) -> serde_json::Value {
        serde_json::to_value(timeouts).unwrap()
    }

    #[test]
    fn whatever_is_written_is_read_again() {
        for first_token in [30, 45, 120, 300] {
            for reasoning in [30, 45, 120, 300] {
                for learned in [false, true] {
                    let timeouts = of(first_token, reasoning, learned);
                    let read: Timeouts = serde_json::from_value(written(timeouts)).unwrap();
                    assert_eq!(read, timeouts);
                    let reduced = timeouts.in_format_1();
                    assert_eq!(reduced.format(), 1, "{timeouts:?}");
                    let read: Timeouts = serde_json::from_value(written(reduced)).unwrap();
                    assert_eq!(read, reduced);
                }
            }
        }
    }

    #[test]
    fn whatever_can_be_said_of_a_provider_needs_no_newer_format() {
        assert_eq!(Timeouts::default().format(), 1);
        for said in [1, 30, 119, 120, 121, 300] {
            assert_eq!(of(said, said, false).format(), 1, "{said}");
        }
    }

    #[test]
    fn readers_of_format_1_are_not_hastier_than_those_who_know_which_models_reason() {
        let first_token = |timeouts: Timeouts| written(timeouts)["firstToken"].clone();
        assert_eq!(first_token(Timeouts::default()), 120_000, "as before");
        assert_eq!(first_token(of(45, 45, false)), 45_000);
        assert_eq!(
            first_token(of(120, 120, false)),
            120_001,
            "said, not unsaid"
        );
        assert_eq!(first_token(of(45, 200, true).in_format_1()), 200_000);
    }
}
