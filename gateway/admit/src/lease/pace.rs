//! How much is used in a second, of late: up at once, down by half with each second.

/// Shorter stretches say too little.
const LEAST_MS: u64 = 250;

#[derive(Debug, Default)]
pub(super) struct Pace {
    from_ms: u64,
    taken: i64,
    per_second: i64,
}

impl Pace {
    pub(super) fn new(now_ms: u64) -> Self {
        Self {
            from_ms: now_ms,
            ..Self::default()
        }
    }

    /// The pace, `taken` being all that was ever taken.
    pub(super) fn at(&mut self, now_ms: u64, taken: i64) -> i64 {
        let passed = now_ms.saturating_sub(self.from_ms);
        let since = taken.saturating_sub(self.taken).max(0);
        let span = i64::try_from(passed.max(1_000)).unwrap_or(i64::MAX);
        let now = per_second(since, span);
        if passed >= LEAST_MS {
            let seconds = u32::try_from(passed / 1_000).unwrap_or(62).min(62);
            let before = self.per_second >> seconds;
            self.per_second = now.max(now.midpoint(before));
            self.from_ms = now_ms;
            self.taken = taken;
        }
        self.per_second.max(now)
    }
}

fn per_second(amount: i64, span_ms: i64) -> i64 {
    let exact = i128::from(amount) * 1_000 / i128::from(span_ms);
    i64::try_from(exact).unwrap_or(i64::MAX)
}
