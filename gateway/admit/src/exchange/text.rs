//! An exchange as the store's script takes and gives it: decimal strings in a fixed order.

use std::fmt::Write as _;

use super::{Account, Ask, Outcome, Reply, RunId, Shape, Totals};

/// The store's side as a script, to be loaded once. It is called with [`Account::keys`] and [`Ask::arguments`].
pub const SCRIPT: &str = include_str!("../exchange.lua");

impl Account {
    /// The keys of one call: the account's own, and the sums of its counter. One hash tag, so one node of a cluster has both.
    #[must_use]
    pub fn keys(&self, prefix: &str) -> [String; 2] {
        let counter = format!("{prefix}{{{}}}", self.counter);
        let own = self.window.map_or_else(
            || format!("{counter}:now"),
            |window| format!("{counter}:{}-{}", window.start, window.end),
        );
        [own, format!("{counter}:sums")]
    }

    fn arguments(&self) -> [String; 4] {
        let (shape, per_ms) = match self.shape {
            Shape::Budget => ("budget", 0),
            Shape::Rate { per_ms } => ("rate", per_ms),
            Shape::Slots => ("slots", 0),
        };
        let (start, end) = self
            .window
            .map_or((0, 0), |window| (window.start, window.end));
        [
            shape.to_owned(),
            per_ms.to_string(),
            start.to_string(),
            end.to_string(),
        ]
    }

    /// The arguments that only read: the answer is for [`Totals::read`].
    #[must_use]
    pub fn look(&self) -> Vec<String> {
        self.arguments().into()
    }
}

impl Ask {
    /// The script's arguments.
    #[must_use]
    pub fn arguments(&self, account: &Account) -> Vec<String> {
        let mut aged = String::new();
        for one in &self.aged {
            // Writing to a string cannot fail.
            let _ = write!(aged, "{}:{}:{};", one.bucket, one.age_ms, one.spent.max(0));
        }
        let flag = |set: bool| String::from(if set { "1" } else { "0" });
        let mut all = account.look();
        all.extend([
            self.incarnation.to_string(),
            self.run
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            self.seq.to_string(),
            flag(self.known),
            self.spent.max(0).to_string(),
            aged,
            self.held.max(0).to_string(),
            self.need.max(0).to_string(),
            self.want.max(0).to_string(),
            self.pace.max(0).to_string(),
            self.generation.to_string(),
            self.limit.max(0).to_string(),
            flag(self.strict),
            self.met_ms.to_string(),
        ]);
        all
    }
}

impl Reply {
    /// Reads the script's answer; `None` if it is not one.
    #[must_use]
    pub fn read<S: AsRef<str>>(answer: &[S]) -> Option<Self> {
        let [
            outcome,
            amount,
            used,
            lost,
            elsewhere,
            limit,
            tail,
            replicas,
            run,
        ] = answer
        else {
            return None;
        };
        let amount = amount.as_ref();
        let outcome = match outcome.as_ref() {
            "granted" => Outcome::Granted(amount.parse().ok()?),
            "exhausted" => Outcome::Exhausted {
                retry_ms: amount.parse().ok()?,
            },
            "busy" => Outcome::Busy,
            "unready" => Outcome::Unready,
            "other" => Outcome::OtherRun,
            "gone" => Outcome::Gone,
            "old" => Outcome::Old,
            _ => return None,
        };
        Some(Self {
            run: RunId::from(run.as_ref()),
            outcome,
            used: used.as_ref().parse().ok()?,
            lost: lost.as_ref().parse().ok()?,
            leased_elsewhere: elsewhere.as_ref().parse().ok()?,
            limit: limit.as_ref().parse().ok()?,
            tail: tail.as_ref() == "1",
            replicas: replicas.as_ref().parse().ok()?,
        })
    }
}

impl Totals {
    /// Reads the script's answer to [`Account::look`]; `None` if it is not one.
    #[must_use]
    pub fn read<S: AsRef<str>>(answer: &[S]) -> Option<Self> {
        let [used, lost, leased] = answer else {
            return None;
        };
        Some(Self {
            used: used.as_ref().parse().ok()?,
            lost: lost.as_ref().parse().ok()?,
            leased: leased.as_ref().parse().ok()?,
        })
    }
}
