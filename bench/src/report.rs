//! The figures: medians and spreads, as tables for people and as JSON for machines.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use serde::Serialize;

use crate::answer::Kind;
use crate::exchange::Exchange;
use crate::load::Outcome;

/// The most a whole answer may cost, as a multiple of nginx in the same run.
const WHOLE_BOUND: f64 = 2.5;

/// The most a translated answer may cost, as a multiple of one that is passed through in the same run.
const TRANSLATED_BOUND: f64 = 1.5;

/// One process under load for a while.
#[derive(Clone, Debug)]
pub(crate) struct Turn {
    pub(crate) outcome: Outcome,
    /// User and system time that the process spent meanwhile.
    pub(crate) cpu: Duration,
}

impl Turn {
    /// Microseconds of CPU per request.
    fn cost(&self) -> f64 {
        // A count of requests is far below 2^53.
        self.cpu.as_secs_f64() * 1e6 / precise(self.outcome.requests)
    }

    fn rate(&self) -> f64 {
        precise(self.outcome.requests) / self.outcome.seconds
    }
}

/// All turns of one process with one kind of answer.
#[derive(Debug)]
struct Series {
    kind: Kind,
    name: &'static str,
    turns: Vec<Turn>,
}

/// A figure as machines read it.
#[derive(Debug, Serialize)]
struct Figure {
    name: String,
    figure: f64,
    unit: &'static str,
    bound: Option<f64>,
    ok: bool,
}

/// Everything measured in a run. The first process of a kind is the floor.
#[derive(Debug, Default)]
pub(crate) struct Report {
    series: Vec<Series>,
    translated: Vec<(Exchange, Vec<Turn>)>,
}

impl Report {
    /// Adds a turn to its series.
    pub(crate) fn add(&mut self, kind: Kind, name: &'static str, turn: Turn) {
        match self
            .series
            .iter_mut()
            .find(|series| series.kind == kind && series.name == name)
        {
            Some(series) => series.turns.push(turn),
            None => self.series.push(Series {
                kind,
                name,
                turns: vec![turn],
            }),
        }
    }

    /// Adds a turn of the gateway alone.
    pub(crate) fn add_translated(&mut self, exchange: Exchange, turn: Turn) {
        match self
            .translated
            .iter_mut()
            .find(|(known, _)| *known == exchange)
        {
            Some((_, turns)) => turns.push(turn),
            None => self.translated.push((exchange, vec![turn])),
        }
    }

    /// Whether no figure is above its bound.
    pub(crate) fn kept_its_bounds(&self) -> bool {
        self.figures().iter().all(|figure| figure.ok)
    }

    /// A table for each kind of answer: medians over the turns, and the range of the cost.
    pub(crate) fn print(&self, out: &mut impl Write) -> Result<()> {
        for (kind, title) in [
            (Kind::Whole, "Whole answers of 800 bytes"),
            (Kind::Stream, "Streams of 64 chunks"),
        ] {
            writeln!(
                out,
                "\n{title} (CPU: user + system of the process; medians of the turns)\n"
            )?;
            writeln!(
                out,
                "{:<10} {:>10} {:>15} {:>9} {:>13} {:>9} {:>9}",
                "", "us/request", "least-most", "x nginx", "requests/s", "p50 us", "p99 us"
            )?;
            for series in self.series.iter().filter(|series| series.kind == kind) {
                let costs = series.each(Turn::cost);
                let range = format!("{:.1}-{:.1}", costs[0], costs[costs.len() - 1]);
                writeln!(
                    out,
                    "{:<10} {:>10.1} {:>15} {:>9.2} {:>13.0} {:>9.0} {:>9.0}",
                    series.name,
                    median(&costs),
                    range,
                    self.ratio(series),
                    median(&series.each(Turn::rate)),
                    median(&series.each(|turn| turn.outcome.p50)),
                    median(&series.each(|turn| turn.outcome.p99)),
                )?;
            }
        }
        self.print_translated(out)?;
        for figure in self.figures().iter().filter(|figure| !figure.ok) {
            writeln!(
                out,
                "\n{} is {:.2}, above its bound of {:.2}",
                figure.name,
                figure.figure,
                figure.bound.unwrap_or_default()
            )?;
        }
        Ok(())
    }

    fn print_translated(&self, out: &mut impl Write) -> Result<()> {
        if !self.translated.is_empty() {
            let title = "Surface-dialect, the gateway alone (x: of openai-openai, passed through)";
            writeln!(out, "\n{title}\n")?;
            writeln!(out, "{:<28} {:>10} {:>6}", "", "us/request", "x")?;
        }
        for (exchange, turns) in &self.translated {
            let name = format!("{:?} {}", exchange.kind, exchange.name());
            let costs = ascending(turns.iter().map(Turn::cost));
            let ratio = self.translated_ratio(*exchange);
            writeln!(out, "{name:<28} {:>10.1} {ratio:>6.2}", median(&costs))?;
        }
        Ok(())
    }

    /// The median cost over that of OpenAI's dialect passed through, turn by turn.
    fn translated_ratio(&self, exchange: Exchange) -> f64 {
        let turns = |of: Exchange| {
            let found = self.translated.iter().find(|(known, _)| *known == of);
            found.map(|(_, turns)| turns.as_slice()).unwrap_or_default()
        };
        let floor = turns(Exchange::plain(exchange.kind));
        let pairs = turns(exchange).iter().zip(floor);
        median(&ascending(
            pairs.map(|(own, floor)| own.cost() / floor.cost()),
        ))
    }

    fn translated_figures(&self) -> impl Iterator<Item = Figure> {
        self.translated.iter().flat_map(|(exchange, turns)| {
            let name = format!("{:?}.{}", exchange.kind, exchange.name()).to_lowercase();
            let bound = exchange.is_translated().then_some(TRANSLATED_BOUND);
            let ratio = self.translated_ratio(*exchange);
            [
                Figure {
                    name: format!("{name}.cpu"),
                    figure: median(&ascending(turns.iter().map(Turn::cost))),
                    unit: "us/request",
                    bound: None,
                    ok: true,
                },
                Figure {
                    name: format!("{name}.cpu_x_passed_through"),
                    figure: ratio,
                    unit: "x",
                    bound,
                    ok: bound.is_none_or(|bound| ratio <= bound),
                },
            ]
        })
    }

    /// Writes the figures as a JSON list.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, serde_json::to_vec_pretty(&self.figures())?)?;
        Ok(())
    }

    fn figures(&self) -> Vec<Figure> {
        self.series
            .iter()
            .flat_map(|series| self.figures_of(series))
            .chain(self.translated_figures())
            .collect()
    }

    fn figures_of(&self, series: &Series) -> Vec<Figure> {
        let (kind, bound) = match series.kind {
            Kind::Whole => ("whole", Some(WHOLE_BOUND)),
            Kind::Stream => ("stream", None),
        };
        let figure = |what: &str, figure: f64, unit: &'static str, bound: Option<f64>| Figure {
            name: format!("{kind}.{}.{what}", series.name),
            figure,
            unit,
            bound,
            ok: bound.is_none_or(|bound| figure <= bound),
        };
        vec![
            figure("cpu", median(&series.each(Turn::cost)), "us/request", None),
            figure("cpu_x_nginx", self.ratio(series), "x", bound),
            figure("rate", median(&series.each(Turn::rate)), "requests/s", None),
            figure(
                "latency_p50",
                median(&series.each(|turn| turn.outcome.p50)),
                "us",
                None,
            ),
            figure(
                "latency_p99",
                median(&series.each(|turn| turn.outcome.p99)),
                "us",
                None,
            ),
        ]
    }

    /// The median of this series' cost over the floor's, turn by turn: neighbours in time had the same machine.
    fn ratio(&self, series: &Series) -> f64 {
        let floor = self
            .series
            .iter()
            .find(|other| other.kind == series.kind)
            .unwrap_or(series);
        let pairs = series.turns.iter().zip(&floor.turns);
        median(&ascending(
            pairs.map(|(own, floor)| own.cost() / floor.cost()),
        ))
    }
}

impl Series {
    /// A figure of each turn, in ascending order.
    fn each(&self, figure: impl Fn(&Turn) -> f64) -> Vec<f64> {
        ascending(self.turns.iter().map(figure))
    }
}

fn ascending(figures: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut figures: Vec<_> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures
}

/// The median of figures in ascending order; of an even number the upper one.
fn median(sorted: &[f64]) -> f64 {
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A count as a float; counts of requests stay far below the 32 bits that this holds.
fn precise(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(nginx: [u64; 3], fairlead: [u64; 3]) -> Report {
        let mut report = Report::default();
        for (name, costs) in [("nginx", nginx), ("fairlead", fairlead)] {
            for micros in costs {
                let outcome = Outcome {
                    requests: 1000,
                    seconds: 1.0,
                    p50: 1.0,
                    p99: 2.0,
                };
                report.add(
                    Kind::Whole,
                    name,
                    Turn {
                        outcome,
                        cpu: Duration::from_millis(micros),
                    },
                );
            }
        }
        report
    }

    #[test]
    fn compares_turns_that_were_neighbours() {
        // The machine slowed down by half for both in the second round: the ratio does not see it.
        let report = report([20, 40, 20], [40, 80, 40]);
        assert!((report.ratio(&report.series[1]) - 2.0).abs() < 1e-9);
        assert!(report.kept_its_bounds());
    }

    #[test]
    fn fails_above_the_bound() {
        let report = report([20, 20, 20], [51, 51, 51]);
        assert!(!report.kept_its_bounds());
        let mut out = Vec::new();
        report.print(&mut out).expect("a table");
        let text = String::from_utf8(out).expect("text");
        assert!(
            text.contains("whole.fairlead.cpu_x_nginx is 2.55, above its bound of 2.50"),
            "{text}"
        );
    }
}
