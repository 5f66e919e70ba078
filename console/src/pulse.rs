//! How it has gone over the last quarter of an hour: sums of five seconds each. Made of finished requests, of each namespace apart, so that
//! whoever may see one is told nothing of another.

use std::collections::VecDeque;

use fairlead_record::{Entry, Outcome};
use serde::Serialize;

/// The length of a sum, in seconds.
const STEP: i64 = 5;
/// So many sums are kept: a quarter of an hour.
const STEPS: usize = 180;
/// Times to the first content, in steps of a factor of the square root of two from a millisecond on: to 46 s.
const TIMES: usize = 32;

/// Sums of the last quarter of an hour, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Pulse(VecDeque<Sum>);

#[derive(Debug, Clone)]
struct Sum {
    /// Its beginning, in seconds since 1970.
    start: i64,
    requests: u32,
    failed: u32,
    refused: u32,
    recovered: u32,
    cost_nanos: i64,
    first_content: [u32; TIMES],
}

impl Sum {
    /// Of a moment at which nothing has ended yet.
    fn empty(start: i64) -> Self {
        Self {
            start,
            requests: 0,
            failed: 0,
            refused: 0,
            recovered: 0,
            cost_nanos: 0,
            first_content: [0; TIMES],
        }
    }
}

/// The sums as they are shown: one value each for every moment of `startUnixS`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Series {
    /// How long each sum is, in seconds.
    pub step_s: i64,
    /// When each begins, in seconds since 1970.
    pub start_unix_s: Vec<i64>,
    /// Requests.
    pub requests: Vec<u32>,
    /// Of these, those that failed or broke off.
    pub failed: Vec<u32>,
    /// Of these, those that were refused before anything was sent.
    pub refused: Vec<u32>,
    /// Of these, those that were answered after an attempt had failed.
    pub recovered: Vec<u32>,
    /// What they cost, in nano-USD.
    pub cost_nanos: Vec<i64>,
    /// The 95th percentile of the time to the first content, in milliseconds.
    pub first_content_p95_ms: Vec<Option<u64>>,
    /// The same over all of it.
    pub first_content_p95_all_ms: Option<u64>,
}

impl Pulse {
    /// Counts a request that has ended.
    pub(crate) fn count(&mut self, entry: &Entry) {
        let took = i64::try_from(entry.duration_us).unwrap_or(i64::MAX);
        let ended = entry.started_unix_us.saturating_add(took) / 1_000_000;
        let start = ended - ended.rem_euclid(STEP);
        let Some(sum) = self.sum(start) else { return };
        sum.requests = sum.requests.saturating_add(1);
        let of_outcome = match Outcome::of(entry) {
            Outcome::Ok => None,
            Outcome::Recovered => Some(&mut sum.recovered),
            Outcome::Refused => Some(&mut sum.refused),
            Outcome::Failed | Outcome::Incomplete => Some(&mut sum.failed),
        };
        if let Some(count) = of_outcome {
            *count = count.saturating_add(1);
        }
        let cost = entry.cost.map_or(0, |cost| cost.nanos);
        sum.cost_nanos = sum.cost_nanos.saturating_add(cost);
        if let Some(count) = entry
            .first_content_us
            .and_then(|micros| sum.first_content.get_mut(place(micros / 1_000)))
        {
            *count = count.saturating_add(1);
        }
    }

    /// The sum that begins then; `None`: that is too long ago.
    fn sum(&mut self, start: i64) -> Option<&mut Sum> {
        let at = self.0.partition_point(|sum| sum.start < start);
        if self.0.get(at).is_none_or(|sum| sum.start != start) {
            if at == 0 && self.0.len() == STEPS {
                return None;
            }
            self.0.insert(at, Sum::empty(start));
            if self.0.len() > STEPS {
                self.0.pop_front();
                return self.0.get_mut(at.checked_sub(1)?);
            }
        }
        self.0.get_mut(at)
    }

    /// When it was counted last, in seconds since 1970.
    pub(crate) fn last(&self) -> i64 {
        self.0.back().map_or(0, |sum| sum.start)
    }
}

/// What several have counted, up to now, in seconds since 1970; where nothing was, zeros stand.
pub(crate) fn series<'a>(pulses: impl Iterator<Item = &'a Pulse>, now: i64) -> Series {
    let end = now - now.rem_euclid(STEP);
    let steps = i64::try_from(STEPS).unwrap_or(i64::MAX);
    let begin = end - (steps - 1) * STEP;
    let mut sums: Vec<Sum> = (0..steps).map(|at| Sum::empty(begin + at * STEP)).collect();
    for sum in pulses.flat_map(|pulse| &pulse.0) {
        let place = usize::try_from((sum.start - begin) / STEP);
        if let Some(all) = place.ok().and_then(|at| sums.get_mut(at))
            && sum.start >= begin
        {
            all.add(sum);
        }
    }
    let mut whole = [0; TIMES];
    for sum in &sums {
        add(&mut whole, &sum.first_content);
    }
    let of = |read: fn(&Sum) -> u32| sums.iter().map(read).collect();
    Series {
        step_s: STEP,
        start_unix_s: sums.iter().map(|sum| sum.start).collect(),
        requests: of(|sum| sum.requests),
        failed: of(|sum| sum.failed),
        refused: of(|sum| sum.refused),
        recovered: of(|sum| sum.recovered),
        cost_nanos: sums.iter().map(|sum| sum.cost_nanos).collect(),
        first_content_p95_ms: sums.iter().map(|sum| p95(&sum.first_content)).collect(),
        first_content_p95_all_ms: p95(&whole),
    }
}

impl Sum {
    fn add(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failed = self.failed.saturating_add(other.failed);
        self.refused = self.refused.saturating_add(other.refused);
        self.recovered = self.recovered.saturating_add(other.recovered);
        self.cost_nanos = self.cost_nanos.saturating_add(other.cost_nanos);
        add(&mut self.first_content, &other.first_content);
    }
}

fn add(all: &mut [u32; TIMES], more: &[u32; TIMES]) {
    for (count, more) in all.iter_mut().zip(more) {
        *count = count.saturating_add(*more);
    }
}

/// Where a time is counted: twice the logarithm, to the base of two, of its milliseconds.
fn place(millis: u64) -> usize {
    let square = u128::from(millis.max(1)).pow(2);
    let place = usize::try_from(square.ilog2()).unwrap_or(TIMES);
    place.min(TIMES - 1)
}

/// The time, in milliseconds, below which 95 of 100 are; `None`: there are none.
fn p95(counts: &[u32; TIMES]) -> Option<u64> {
    let all: u64 = counts.iter().map(|count| u64::from(*count)).sum();
    let wanted = (all * 95).div_ceil(100);
    let mut below = 0;
    let at = counts.iter().position(|count| {
        below += u64::from(*count);
        below >= wanted && all > 0
    })?;
    // The middle of its step, on the scale of logarithms.
    let exponent = u32::try_from(at).ok()?;
    let square = 1_u64.checked_shl(exponent)?;
    Some((square + square / 2).isqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(second: i64, status: u16, first_content_ms: u64) -> Entry {
        Entry {
            started_unix_us: second * 1_000_000,
            status,
            complete: true,
            first_content_us: Some(first_content_ms * 1_000),
            ..Entry::default()
        }
    }

    #[test]
    fn a_request_is_counted_where_it_ended_and_what_is_old_goes() {
        let mut pulse = Pulse::default();
        let now = 1_000_000;
        for second in [now, now + 4, now + 5, now - 100_000] {
            pulse.count(&entry(second, 200, 100));
        }
        pulse.count(&entry(now, 429, 100));
        let told = series(std::iter::once(&pulse), now + 5);
        assert_eq!(told.requests.len(), STEPS);
        assert_eq!(told.requests[STEPS - 2..], [3, 1]);
        assert_eq!(told.refused[STEPS - 2..], [1, 0]);
        assert_eq!(told.requests.iter().sum::<u32>(), 4);
        assert_eq!(told.start_unix_s[STEPS - 1], now + 5);
        // Nothing is kept of what is older than all that is kept, however much comes.
        for step in 0..2 * i64::try_from(STEPS).unwrap() {
            pulse.count(&entry(now + step * STEP, 200, 100));
        }
        pulse.count(&entry(now, 200, 100));
        assert_eq!(pulse.0.len(), STEPS);
        assert!(pulse.0.iter().all(|sum| sum.requests == 1));
    }

    #[test]
    fn a_percentile_is_near_the_time_that_it_stands_for() {
        for millis in [1, 20, 812, 3_000, 40_000] {
            let mut pulse = Pulse::default();
            for _ in 0..100 {
                pulse.count(&entry(50, 200, millis));
            }
            let told = series(std::iter::once(&pulse), 50).first_content_p95_all_ms;
            let told = told.unwrap();
            assert!(
                told * 10 >= millis * 8 && told * 10 <= millis * 13,
                "{millis}: {told}"
            );
        }
        assert_eq!(
            series(std::iter::empty(), 50).first_content_p95_all_ms,
            None
        );
    }
}
