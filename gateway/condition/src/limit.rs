//! The limits that a condition names, `budget.team["month"].usedPercent`, and what it is told of them.

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meter {
    /// Money.
    Budget,
    /// Requests or tokens.
    Rate,
}

/// Whose limit it is. A provider's is none of these: rules decide which provider it will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The organization's.
    Organization,
    /// The team's.
    Team,
    /// The key's own.
    Key,
}

/// What a condition asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// What it counts.
    pub meter: Meter,
    /// Whose it is.
    pub level: Level,
    /// Its name; `None`: all of the level that the request counts towards, wherever it goes.
    pub name: Option<Box<str>>,
}

/// How a limit stands, or the tightest of several.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usage {
    /// How much of it is used, in percent; of several the highest. A finite number.
    pub used_percent: f64,
    /// How much is left, in nano-USD, requests or tokens; of several the lowest.
    pub remaining: i64,
}

/// What of it a condition reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    UsedPercent,
    Remaining,
}

impl Meter {
    /// The variable that holds the limits of the kind.
    pub(crate) fn named(root: &str) -> Option<Self> {
        match root {
            "budget" => Some(Self::Budget),
            "rate" => Some(Self::Rate),
            _ => None,
        }
    }

    /// What a limit of the kind is asked for.
    pub(crate) fn member(self, field: &str) -> Option<Member> {
        match (self, field) {
            (_, "usedPercent") => Some(Member::UsedPercent),
            (Self::Budget, "remainingUsd") | (Self::Rate, "remaining") => Some(Member::Remaining),
            _ => None,
        }
    }
}

impl Level {
    /// The level of that name.
    pub(crate) fn named(field: &str) -> Option<Self> {
        match field {
            "organization" => Some(Self::Organization),
            "team" => Some(Self::Team),
            "key" => Some(Self::Key),
            _ => None,
        }
    }
}

/// Whether a limit can have this name.
pub(crate) fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !name.is_empty()
        && name.len() <= 63
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
