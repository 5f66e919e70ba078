//! What is simulated: targets whose nature changes with time, and requests.

use std::time::Duration;

/// How a target is at a time.
#[derive(Debug, Clone, Copy)]
pub struct Nature {
    /// The median time to the first token, unloaded, in milliseconds.
    pub first: f64,
    /// The time of each further token, in milliseconds.
    pub token: f64,
    /// Which share of the answers takes `tail_times` as long to begin.
    pub tail: f64,
    /// How many times as long.
    pub tail_times: f64,
    /// Which share of the requests fails.
    pub failing: f64,
    /// How many requests at a time make it twice as slow. The time to the first token grows with the square of them, that of the others as they do.
    pub capacity: f64,
}

/// An account: so many requests a minute.
#[derive(Debug, Clone, Copy)]
pub struct Account {
    /// Requests a minute.
    pub a_minute: f64,
    /// Whether it is filled again little by little, and not all at once with each minute.
    pub is_bucket: bool,
}

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its configured weight.
    pub weight: u32,
    /// What a request costs there.
    pub price: f64,
    /// From when it is there.
    pub from: Duration,
    /// Its account, if it is limited.
    pub account: Option<Account>,
    /// How it is so many seconds after the start.
    pub nature: fn(f64) -> Nature,
}

/// What is simulated.
#[derive(Clone)]
pub struct Scenario {
    /// In a few words.
    pub name: &'static str,
    /// How long.
    pub length: Duration,
    /// Requests a second, so many seconds after the start.
    pub rate: fn(f64) -> f64,
    /// Output tokens of an answer, in the mean.
    pub tokens: f64,
    /// The targets.
    pub targets: Vec<Target>,
    /// From when on shares should not move any more; `None`: they have to.
    pub settled: Option<Duration>,
}

/// A target that is well and has room.
pub const GOOD: Nature = Nature {
    first: 400.0,
    token: 20.0,
    tail: 0.0,
    tail_times: 1.0,
    failing: 0.002,
    capacity: f64::INFINITY,
};

impl Target {
    /// One of weight 1 that is there from the start.
    #[must_use]
    pub fn of(nature: fn(f64) -> Nature) -> Self {
        Self {
            weight: 1,
            price: 1.0,
            from: Duration::ZERO,
            account: None,
            nature,
        }
    }
}
