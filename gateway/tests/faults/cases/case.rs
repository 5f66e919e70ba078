//! One case: a fault in a dialect, a surface, a form of answer, with or without another target; what is asked, and what is to come of it.

use std::time::Duration;

use fairlead_faults::{Dialect, Fault, TEXT};

use super::stage::SPARE;
use super::surface::Surface;
use crate::expected::Expected;

/// A silent provider is given up after this time.
pub(super) const IMPATIENCE: Duration = Duration::from_millis(600);
/// Time that a busy machine may add to any case.
const GRACE: Duration = Duration::from_secs(6);
/// Time that a gateway which is not optimised may take for megabytes beside others that do the same.
const MEGABYTES: Duration = Duration::from_secs(10);
/// The time in which the body of a refusal must come, as `attempt.rs` has it.
const ERROR_BODY: Duration = Duration::from_secs(2);

/// A case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) dialect: Dialect,
    pub(super) surface: Surface,
    pub(super) fault: &'static Fault,
    pub(super) streamed: bool,
    /// Whether there is another target that answers.
    pub(super) spare: bool,
    /// How often the same provider may be asked again.
    pub(super) retries: usize,
    /// How the rule has streams relayed.
    pub(super) relay: Relay,
    pub(super) expected: Expected,
}

/// How a rule has streams relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relay {
    /// As the default is.
    AsItComes,
    /// Held until they are whole.
    Held,
    /// Gone on with by another target where they break.
    Continued,
}

impl Relay {
    /// What a rule says for it.
    pub(super) fn in_rule(self) -> &'static str {
        match self {
            Self::AsItComes => "",
            Self::Held => ", stream: {commit: Complete}",
            Self::Continued => ", stream: {recovery: Continue}",
        }
    }
}

/// Whether the same provider is asked again after this: it broke, or it said itself how soon it may be.
pub(super) fn is_repeated(fault: &Fault, expected: Expected) -> bool {
    match expected {
        Expected::Fails("reset" | "server_error", _) => true,
        Expected::Fails("rate_limited", _) => fault.soon,
        Expected::Fails(..)
        | Expected::Fine
        | Expected::Refused(..)
        | Expected::BreaksOff(_)
        | Expected::Continued
        | Expected::Cut(_) => false,
    }
}

impl Case {
    /// A name for objects, paths and results.
    pub(super) fn name(&self) -> String {
        let form = if self.streamed { "stream" } else { "whole" };
        let spare = if self.spare { "spare" } else { "alone" };
        let relay = match self.relay {
            Relay::AsItComes => "",
            Relay::Held => "-held",
            Relay::Continued => "-continued",
        };
        let Self { fault, retries, .. } = self;
        format!("{}-{form}-{spare}-{retries}{relay}", fault.name)
    }

    /// Whether the fault is that nothing comes.
    pub(super) fn waits(&self) -> bool {
        let name = self.fault.name;
        ["hang-", "line-endless"]
            .iter()
            .any(|silent| name.starts_with(silent))
            || [
                "comments-only",
                "comments-after-opening",
                "comments-after-content",
            ]
            .contains(&name)
    }

    /// What a caller says; much where the provider does not wait for the end of it.
    pub(super) fn words(&self) -> String {
        if self.fault.early {
            "x".repeat(4 * 1024 * 1024)
        } else {
            "Hi.".to_owned()
        }
    }

    pub(super) fn falls_back(&self) -> bool {
        self.spare && matches!(self.expected, Expected::Fails(..) | Expected::Continued)
    }

    /// How often the failing provider is asked.
    pub(super) fn attempts(&self) -> usize {
        match self.expected {
            expected if is_repeated(self.fault, expected) => 1 + self.retries,
            Expected::Fails(..)
            | Expected::Fine
            | Expected::Refused(..)
            | Expected::BreaksOff(_)
            | Expected::Continued
            | Expected::Cut(_) => 1,
        }
    }

    pub(super) fn at_most(&self) -> Duration {
        let tries = u32::try_from(self.attempts()).unwrap();
        let waiting = if self.waits() {
            IMPATIENCE * 2
        } else {
            Duration::ZERO
        };
        let body = if self.fault.name.starts_with("error-body") {
            ERROR_BODY
        } else {
            Duration::ZERO
        };
        let large = ["body-6m", "event-2m", "event-17m"];
        let is_large = |name: &&str| self.fault.name.starts_with(*name);
        let megabytes = if self.fault.early || large.iter().any(is_large) {
            MEGABYTES
        } else {
            Duration::ZERO
        };
        (waiting + body + megabytes) * tries + GRACE
    }

    pub(super) fn status(&self) -> u16 {
        self.surface.status(match self.expected {
            Expected::Fails(_, status) if !self.spare => status,
            Expected::Refused(_, status) => status,
            Expected::Fails(..)
            | Expected::Fine
            | Expected::BreaksOff(_)
            | Expected::Continued
            | Expected::Cut(_) => 200,
        })
    }

    /// What `x-fairlead-attempts` says; of an answer that has begun, only that it has.
    pub(super) fn listed_attempts(&self) -> String {
        let class = match self.expected {
            Expected::Fails(class, _) | Expected::Refused(class, _) => class,
            Expected::Fine | Expected::BreaksOff(_) | Expected::Continued | Expected::Cut(_) => {
                return "a=ok".to_owned();
            }
        };
        let failed = vec![format!("a={class}"); self.attempts()].join(", ");
        if self.falls_back() {
            failed + ", spare=ok"
        } else {
            failed
        }
    }

    /// Whether these are all the words that the caller is to hear.
    pub(super) fn is_whole_text(&self, content: &str) -> bool {
        match self.fault.name {
            _ if self.expected == Expected::Continued => {
                let beginning = content.strip_suffix(SPARE);
                beginning.is_some_and(|beginning| TEXT.starts_with(beginning))
            }
            _ if self.falls_back() => content == SPARE,
            "answer-empty" => content.is_empty(),
            "body-6m" => content.len() == 6 * 1024 * 1024,
            "event-1m" => content.len() > 1024 * 1024 - 300 && content.ends_with("twenty."),
            _ => content == TEXT,
        }
    }
}
