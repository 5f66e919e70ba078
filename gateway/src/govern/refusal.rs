//! Why a limit refuses: which one, whose, how much of it is used, and when there is more.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use fairlead_admit::money::Unbounded;
use fairlead_admit::window::Window;
use fairlead_record::Limit;
use fairlead_snapshot::Unit;
use fairlead_store::{Now, Refused, Standing};

use super::bound::{Bound, Level, Measure};
use super::instant::instant;
use super::usd::Usd;

/// A limit that refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Why.
    pub why: Why,
    /// Whose limit it is.
    pub level: Level,
    /// `namespace/name` of whose it is.
    pub holder: Arc<str>,
    /// Its name.
    pub limit: Arc<str>,
    /// What it counts.
    pub counted: Counted,
    /// How much is used, in the unit of the limit.
    pub used: i64,
    /// How much there is.
    pub most: i64,
    /// The window of a budget.
    pub window: Option<Window>,
    /// Why it cannot be said what the request costs at most, where that is why.
    pub unbounded: Option<Unbounded>,
    /// In how many seconds it is worth asking again; `None`: nobody knows.
    pub retry_after: Option<u64>,
}

/// Why a limit refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// It is used up.
    Exhausted,
    /// It would fit once what others have reserved is settled.
    Busy,
    /// Nobody can say how much is left.
    Unavailable,
    /// What the target costs is not known.
    Unpriced,
    /// What the request may cost at most cannot be told, and the budget is strict.
    Unbounded,
}

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    /// Nano-USD.
    Money,
    /// Requests within so many milliseconds.
    Requests(u64),
    /// Tokens within so many milliseconds.
    Tokens(u64, Unit),
    /// Requests at a time.
    Places,
}

impl Counted {
    /// What a limit counts.
    #[must_use]
    pub(crate) fn of(measure: &Measure) -> Self {
        match measure {
            Measure::Money(_) => Self::Money,
            Measure::Rate(rate) if rate.unit == Unit::Requests => Self::Requests(rate.per_ms),
            Measure::Rate(rate) => Self::Tokens(rate.per_ms, rate.unit),
            Measure::Places(_) => Self::Places,
        }
    }
}

impl Refusal {
    /// What a counter says of a limit.
    #[must_use]
    pub(crate) fn of(bound: &Bound, window: Option<Window>, refused: &Refused, now: Now) -> Self {
        let standing = |standing: &Standing| (standing.used, standing.limit);
        let (why, (used, most), retry_ms) = match refused {
            Refused::Exhausted {
                standing: s,
                retry_ms,
            } => (Why::Exhausted, standing(s), Some(*retry_ms)),
            Refused::Busy { standing: s } => (Why::Busy, standing(s), Some(1000)),
            Refused::Unavailable => (Why::Unavailable, (0, 0), None),
        };
        // The end of the window is what a budget waits for.
        let to_the_end = window.map(|window| u64::try_from(window.end - now.unix_ms).unwrap_or(0));
        let retry_ms = if why == Why::Exhausted {
            to_the_end.or(retry_ms)
        } else {
            retry_ms
        };
        Self {
            retry_after: retry_ms.map(|ms| ms.div_ceil(1000).max(1)),
            used,
            most,
            window,
            ..Self::because(bound, why)
        }
    }

    /// A limit that refuses without having been asked for so much.
    #[must_use]
    pub(crate) fn because(bound: &Bound, why: Why) -> Self {
        Self {
            why,
            level: bound.holder.level,
            holder: Arc::clone(&bound.holder.name),
            limit: Arc::clone(&bound.name),
            counted: Counted::of(&bound.measure),
            used: 0,
            most: 0,
            window: None,
            unbounded: None,
            retry_after: None,
        }
    }

    /// The limit, as it is told of a finished request.
    #[must_use]
    pub(crate) fn told(&self) -> Limit {
        let kind = match self.counted {
            Counted::Money => "budget",
            Counted::Requests(_) | Counted::Tokens(..) => "rate_limit",
            Counted::Places => "concurrency",
        };
        Limit {
            level: Cow::Borrowed(self.level.as_str()),
            kind: Cow::Borrowed(kind),
            name: Arc::clone(&self.limit),
            used_up: self.why == Why::Exhausted,
        }
    }

    /// Whether it is about money.
    #[must_use]
    pub(crate) fn is_money(&self) -> bool {
        self.counted == Counted::Money
    }

    fn kind(&self) -> &'static str {
        self.level.kind()
    }

    fn field(&self) -> &'static str {
        match self.counted {
            Counted::Money => "spec.budgets",
            Counted::Requests(_) | Counted::Tokens(..) => "spec.rateLimits",
            Counted::Places => "spec.concurrency",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What others have spent at a provider, and may spend, is not told to anybody who may ask it.
        if self.level == Level::Provider && matches!(self.why, Why::Exhausted | Why::Busy) {
            return write!(
                out,
                "the provider {} is asked no more for now, for a limit of its own is used up; try again later, or have {} of the LLMProvider raised",
                self.holder,
                self.field()
            );
        }
        let (kind, holder, limit, field) = (self.kind(), &self.holder, &self.limit, self.field());
        let what = match self.counted {
            Counted::Money => "budget",
            Counted::Requests(_) | Counted::Tokens(..) => "rate limit",
            Counted::Places => "limit",
        };
        match self.why {
            Why::Exhausted => {
                write!(
                    out,
                    "the {what} {limit} of the {kind} {holder} is used up: {}",
                    self.amounts()
                )?;
                if let Some(window) = self.window {
                    write!(
                        out,
                        "; it began at {} and is full again at {}",
                        instant(window.start),
                        instant(window.end)
                    )?;
                }
                write!(out, "; wait, or have {field} of the {kind} raised")
            }
            Why::Busy => write!(
                out,
                "what is left of the {what} {limit} of the {kind} {holder} is reserved for requests in flight ({}); try again in a moment",
                self.amounts()
            ),
            Why::Unavailable => write!(
                out,
                "nobody can say how much is left of the {what} {limit} of the {kind} {holder}, for the store of counters cannot be reached; try again in a moment, or have onStoreFailure: Allow set on it"
            ),
            Why::Unpriced => write!(
                out,
                "the {what} {limit} of the {kind} {holder} holds for this request, and what the model costs is not known; have a price set in spec.models or spec.price of the LLMProvider (free: true where it costs nothing)"
            ),
            Why::Unbounded => {
                write!(
                    out,
                    "the {what} {limit} of the {kind} {holder} is strict, and what this request costs at most cannot be told"
                )?;
                if let Some(reason) = self.unbounded {
                    write!(out, ": {reason}")?;
                }
                write!(
                    out,
                    "; leave that out, or have strict taken from the budget"
                )
            }
        }
    }
}

impl Refusal {
    fn amounts(&self) -> String {
        let Self { used, most, .. } = *self;
        match self.counted {
            Counted::Money => format!("{} of {} USD", Usd(used), Usd(most)),
            Counted::Requests(per) => format!("{used} of {most} requests in {}", seconds(per)),
            Counted::Tokens(per, unit) => {
                let tokens = match unit {
                    Unit::InputTokens => "input tokens",
                    Unit::OutputTokens => "output tokens",
                    Unit::Tokens | Unit::Requests => "tokens",
                };
                format!("{used} of {most} {tokens} in {}", seconds(per))
            }
            Counted::Places => format!("{used} of {most} requests at a time"),
        }
    }
}

fn seconds(ms: u64) -> String {
    if ms.is_multiple_of(1000) {
        format!("{} s", ms / 1000)
    } else {
        format!("{ms} ms")
    }
}
