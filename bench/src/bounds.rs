//! What the figures must show, as data, and whether they do.

use serde::{Deserialize, Serialize};

use crate::book::{Book, Figure};

/// A figure above its bound is told. The run fails if even the favourable end of its interval is beyond so many times the bound: a machine that
/// does other things moves ratios, and is not a wrong gateway.
const FAILS_AT: f64 = 1.5;

/// Which side of a bound is good.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Limit {
    AtMost(f64),
    AtLeast(f64),
}

struct Bound {
    /// What it is about.
    says: &'static str,
    /// Scenario, who, what.
    figure: [&'static str; 3],
    limit: Limit,
    /// What is aimed at beyond that.
    aim: Option<f64>,
    unit: &'static str,
}

const fn bound(
    says: &'static str,
    figure: [&'static str; 3],
    limit: Limit,
    unit: &'static str,
) -> Bound {
    Bound {
        says,
        figure,
        limit,
        aim: None,
        unit,
    }
}

const fn aimed(mut bound: Bound, aim: f64) -> Bound {
    bound.aim = Some(aim);
    bound
}

use Limit::{AtLeast, AtMost};

#[rustfmt::skip]
const BOUNDS: [Bound; 25] = [
    aimed(bound("CPU per request, whole answer, 0.3 KB, against nginx", ["whole", "fairlead", "cpu_x"], AtMost(1.8), "x"), 1.5),
    bound("the same with a 100 KB prompt", ["prompt", "fairlead", "cpu_x"], AtMost(1.8), "x"),
    aimed(bound("CPU per stream of 64 chunks in a burst, against nginx", ["burst", "fairlead", "cpu_x"], AtMost(1.8), "x"), 1.4),
    aimed(bound("CPU per stream of 64 chunks, one each 10 ms, against nginx", ["paced", "fairlead", "cpu_x"], AtMost(2.5), "x"), 2.0),
    bound("whole answer, OpenAI by Anthropic, against our own pass-through", ["translated-whole", "by-anthropic", "cpu_x"], AtMost(1.5), "x"),
    bound("stream in a burst, OpenAI by Anthropic, against our own pass-through", ["translated-burst", "by-anthropic", "cpu_x"], AtMost(1.5), "x"),
    bound("TLS on both sides, against nginx with the same", ["tls", "fairlead", "cpu_x"], AtMost(1.5), "x"),
    bound("added p50 at 200 requests/s over nginx", ["latency-200", "fairlead", "p50_more"], AtMost(0.05), "ms"),
    bound("added p99 at 200 requests/s over nginx", ["latency-200", "fairlead", "p99_more"], AtMost(0.2), "ms"),
    bound("added p50 at 5,000 requests/s over nginx", ["latency-5000", "fairlead", "p50_more"], AtMost(0.1), "ms"),
    bound("10,000 rules against 10", ["rules", "10000", "cpu_x"], AtMost(1.05), "x"),
    bound("50,000 keys against 10", ["keys", "50000", "cpu_x"], AtMost(1.05), "x"),
    bound("p99 while the configuration changes every second, against not", ["swap", "swapped", "p99_x"], AtMost(1.2), "x"),
    bound("throughput at 16 connections against 256", ["throughput", "fairlead-16", "rate_x"], AtLeast(0.85), "x"),
    bound("resident memory, quick start idle", ["start", "quickstart", "resident"], AtMost(20.0), "MB"),
    bound("resident memory, 10,000 keys and 1,000 rules", ["start", "large", "resident"], AtMost(100.0), "MB"),
    aimed(bound("memory per open stream, plain, of 1,000", ["idle-1000", "fairlead", "per_stream"], AtMost(50.0), "KB"), 35.0),
    aimed(bound("memory per open stream, plain, of 10,000", ["idle-10000", "fairlead", "per_stream"], AtMost(50.0), "KB"), 35.0),
    bound("memory per open stream, TLS upstream, of 1,000", ["idle-1000", "fairlead-tls", "per_stream"], AtMost(90.0), "KB"),
    bound("memory per open stream, TLS upstream, of 10,000", ["idle-10000", "fairlead-tls", "per_stream"], AtMost(90.0), "KB"),
    bound("start to ready, quick start", ["start", "quickstart", "ready"], AtMost(0.1), "s"),
    bound("start to ready, 10,000 keys and 1,000 rules", ["start", "large", "ready"], AtMost(1.0), "s"),
    bound("release binary, stripped", ["binary", "fairlead", "size"], AtMost(25.0), "MB"),
    bound("errors of the gateway under one failing provider", ["failing", "failing", "errors"], AtMost(0.0), ""),
    bound("errors of the gateway in all rounds of everything else", [ERRORS, "fairlead", "errors"], AtMost(0.0), ""),
];

/// Where the sum of all errors is noted.
const ERRORS: &str = "all";

/// Whose errors are not the gateway's.
const NOT_OURS: [&str; 4] = ["nginx", "litellm", "smg", "portkey"];

/// Whether a bound was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    /// And so was what is aimed at, or nothing is.
    Held,
    /// But not what is aimed at.
    AimMissed,
    /// By less than a busy machine may account for.
    Passed,
    /// Clearly.
    Broken,
    /// There is no such figure.
    NotMeasured,
}

/// A bound and what was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    /// What it is about.
    pub(crate) says: String,
    /// The bound, with its unit and what is aimed at.
    pub(crate) bound: String,
    /// What was seen.
    pub(crate) figure: Option<Figure>,
    /// The figure's unit.
    pub(crate) unit: String,
    /// Whether it was kept.
    pub(crate) verdict: Verdict,
}

/// Adds up the errors of everything that was measured of the gateway.
pub(crate) fn add_errors(book: &mut Book) {
    let errors = |figure: &&Figure| {
        let is_other = NOT_OURS.iter().any(|other| figure.who.starts_with(other));
        figure.what == "errors" && figure.who != "failing" && !is_other
    };
    let counted: Vec<f64> = book
        .figures
        .iter()
        .filter(errors)
        .flat_map(|figure| figure.rounds.iter().copied())
        .collect();
    if !counted.is_empty() {
        book.note(ERRORS, "fairlead", "errors", counted.iter().sum());
    }
}

/// Every bound, and what was seen.
pub(crate) fn judge(figures: &[Figure]) -> Vec<Row> {
    BOUNDS.iter().map(|bound| bound.judge(figures)).collect()
}

/// Whether these figures are reason for a failure.
pub(crate) fn is_broken(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.verdict == Verdict::Broken)
}

impl Bound {
    fn judge(&self, figures: &[Figure]) -> Row {
        let [scenario, who, what] = self.figure;
        let figure = figures
            .iter()
            .find(|figure| figure.scenario == scenario && figure.who == who && figure.what == what);
        Row {
            says: self.says.to_owned(),
            bound: self.told(),
            unit: self.unit.to_owned(),
            verdict: figure.map_or(Verdict::NotMeasured, |figure| self.verdict(figure)),
            figure: figure.cloned(),
        }
    }

    fn verdict(&self, figure: &Figure) -> Verdict {
        // Errors are not spread about a median: one is one too many.
        let is_count = figure.what == "errors";
        let median = figure.median();
        let middle = if is_count {
            figure.rounds.iter().sum()
        } else {
            median.middle
        };
        let (is_kept, is_far, is_aimed) = match self.limit {
            AtMost(most) => (
                middle <= most,
                is_count || median.low > most * FAILS_AT,
                self.aim.is_none_or(|aim| middle <= aim),
            ),
            AtLeast(least) => (
                middle >= least,
                median.high < least / FAILS_AT,
                self.aim.is_none_or(|aim| middle >= aim),
            ),
        };
        match (is_kept, is_far, is_aimed) {
            (true, _, true) => Verdict::Held,
            (true, _, false) => Verdict::AimMissed,
            (false, false, _) => Verdict::Passed,
            (false, true, _) => Verdict::Broken,
        }
    }

    fn told(&self) -> String {
        let unit = match self.unit {
            "x" => "x".to_owned(),
            "" => String::new(),
            unit => format!(" {unit}"),
        };
        let aim = self.aim.map(|aim| format!(" (aim {aim}{unit})"));
        let aim = aim.unwrap_or_default();
        match self.limit {
            AtMost(most) => format!("at most {most}{unit}{aim}"),
            AtLeast(least) => format!("at least {least}{unit}{aim}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(figure: [&str; 3], rounds: &[f64]) -> Row {
        let [scenario, who, what] = figure;
        let mut book = Book::default();
        for value in rounds {
            book.note(scenario, who, what, *value);
        }
        let rows = judge(&book.figures);
        let row = rows.into_iter().find(|row| row.figure.is_some());
        row.expect("a bound on it")
    }

    const WHOLE: [&str; 3] = ["whole", "fairlead", "cpu_x"];
    const SIXTEEN: [&str; 3] = ["throughput", "fairlead-16", "rate_x"];

    #[test]
    fn every_bound_is_about_another_figure() {
        let mut names: Vec<_> = BOUNDS.iter().map(|bound| bound.figure).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), BOUNDS.len());
    }

    #[test]
    fn tells_a_bound_with_what_is_aimed_at() {
        let row = judged(WHOLE, &[1.6]);
        assert_eq!(row.bound, "at most 1.8x (aim 1.5x)");
        assert_eq!(row.verdict, Verdict::AimMissed);
        assert_eq!(judged(WHOLE, &[1.5]).verdict, Verdict::Held);
    }

    #[test]
    fn a_bound_is_broken_only_where_the_whole_interval_is_far_beyond() {
        assert_eq!(judged(WHOLE, &[1.9, 2.0, 2.1]).verdict, Verdict::Passed);
        assert_eq!(judged(WHOLE, &[2.6, 3.0, 3.1]).verdict, Verdict::Passed);
        let row = judged(WHOLE, &[2.8, 3.0, 3.1]);
        assert_eq!(row.verdict, Verdict::Broken);
        assert!(is_broken(&[row]));
    }

    #[test]
    fn a_bound_from_below_is_judged_from_below() {
        assert_eq!(judged(SIXTEEN, &[0.9]).verdict, Verdict::Held);
        assert_eq!(judged(SIXTEEN, &[0.8]).verdict, Verdict::Passed);
        assert_eq!(judged(SIXTEEN, &[0.5]).verdict, Verdict::Broken);
    }

    #[test]
    fn one_error_is_one_too_many() {
        let failing = ["failing", "failing", "errors"];
        assert_eq!(judged(failing, &[0.0, 0.0, 0.0]).verdict, Verdict::Held);
        assert_eq!(judged(failing, &[0.0, 1.0, 0.0]).verdict, Verdict::Broken);
    }

    #[test]
    fn errors_of_others_are_not_ours() {
        let mut book = Book::default();
        book.note("whole", "nginx", "errors", 3.0);
        book.note("whole", "fairlead", "errors", 0.0);
        book.note("throughput", "nginx-16", "errors", 3.0);
        add_errors(&mut book);
        assert_eq!(book.median("all", "fairlead", "errors"), Some(0.0));
    }

    #[test]
    fn what_was_not_measured_is_told() {
        let rows = judge(&[]);
        assert!(rows.iter().all(|row| row.verdict == Verdict::NotMeasured));
        assert!(!is_broken(&rows));
    }
}
