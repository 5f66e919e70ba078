//! Medians of rounds, and how far they can be trusted.

/// The share of intervals that hold the true median.
const CONFIDENCE: f64 = 0.95;

/// A median with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Median {
    /// The middle one, of an even number the mean of both.
    pub(crate) middle: f64,
    /// The lower end of the interval.
    pub(crate) low: f64,
    /// The upper end of the interval.
    pub(crate) high: f64,
}

/// The median of some figures; none of none. The interval is that of order statistics, which assumes nothing of how figures are spread: between
/// the k-th smallest and the k-th largest of n lies the true median unless fewer than k of n fell to one side of it, which is as likely as with a
/// coin (David and Nagaraja, Order Statistics, 7.1). Of fewer than six figures there is no such interval at 95 %, and it is from the least to the most.
pub(crate) fn median(figures: &[f64]) -> Option<Median> {
    let mut sorted: Vec<f64> = figures
        .iter()
        .copied()
        .filter(|value| value.is_finite())
        .collect();
    sorted.sort_by(f64::total_cmp);
    let (count, half) = (sorted.len(), sorted.len() / 2);
    let upper = *sorted.get(half)?;
    let middle = if count.is_multiple_of(2) {
        f64::midpoint(sorted[half - 1], upper)
    } else {
        upper
    };
    let skip = skipped(count);
    Some(Median {
        middle,
        low: sorted[skip],
        high: sorted[count - 1 - skip],
    })
}

/// How many of so many figures lie outside the interval, on each side.
fn skipped(count: usize) -> usize {
    let trials = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    // The chance that exactly `outside` coins of all show heads, and that at most so many do.
    let mut exactly = 0.5_f64.powf(trials);
    let (mut at_most, mut outside, mut heads) = (exactly, 0, 0.0);
    while 2.0 * at_most <= 1.0 - CONFIDENCE && outside < count / 2 {
        outside += 1;
        exactly *= (trials - heads) / (heads + 1.0);
        heads += 1.0;
        at_most += exactly;
    }
    outside.saturating_sub(1)
}

/// So many hundredths of figures in ascending order are no larger.
pub(crate) fn percentile(sorted: &[f64], hundredths: usize) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get(last * hundredths / 100).copied()
}

/// A count as a float; those of requests stay far below the 32 bits that this holds.
pub(crate) fn precise(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(figures: impl IntoIterator<Item = u32>) -> Median {
        let figures: Vec<f64> = figures.into_iter().map(f64::from).collect();
        median(&figures).expect("figures")
    }

    #[test]
    fn the_interval_leaves_out_what_tables_of_order_statistics_leave_out() {
        // n and k, the rank of the lower end, for 95 % (Conover, Practical Nonparametric Statistics, table A3).
        for (count, rank) in [
            (6, 1),
            (8, 1),
            (9, 2),
            (10, 2),
            (12, 3),
            (15, 4),
            (20, 6),
            (25, 8),
        ] {
            let told = of(1..=count);
            assert_eq!(told.low, f64::from(rank), "of {count}");
            assert_eq!(told.high, f64::from(count + 1 - rank), "of {count}");
        }
    }

    #[test]
    fn of_few_figures_it_is_all_of_them() {
        let told = of([3, 1, 2]);
        assert_eq!((told.low, told.middle, told.high), (1.0, 2.0, 3.0));
        let told = of([7]);
        assert_eq!((told.low, told.middle, told.high), (7.0, 7.0, 7.0));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn the_median_of_an_even_number_is_between_both() {
        assert_eq!(of([1, 2, 3, 10]).middle, 2.5);
    }

    #[test]
    fn what_is_no_number_does_not_count() {
        assert_eq!(median(&[f64::NAN]), None);
    }

    #[test]
    fn percentiles_are_figures_that_were_seen() {
        let figures: Vec<f64> = (0..=100).map(f64::from).collect();
        assert_eq!(percentile(&figures, 99), Some(99.0));
        assert_eq!(percentile(&[], 50), None);
    }
}
