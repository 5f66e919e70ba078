//! The figures of a run: as JSON for machines, as a page for people.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::book::{Book, Figure};
use crate::bounds::{Row, Verdict, judge};
use crate::plan::Plan;
use crate::sections::{CHART, SECTIONS, Section};

/// Everything a run has to tell.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// Where and with what it ran: a name and what it is.
    pub(crate) about: Vec<(String, String)>,
    /// What must be shown, and whether it was.
    pub(crate) bounds: Vec<Row>,
    /// What could not be measured.
    pub(crate) problems: Vec<String>,
    /// Everything that was measured.
    pub(crate) figures: Vec<Figure>,
    /// What took part, and its configuration.
    pub(crate) configurations: Vec<(String, String)>,
}

/// Between these lines a page is renewed; everything else of it is written by hand.
const BEGIN: &str = "<!-- figures: begin -->\n";
const END: &str = "<!-- figures: end -->\n";

impl Report {
    /// Of what was measured.
    pub(crate) fn of(book: Book, plan: &Plan) -> Self {
        Self {
            about: about(plan),
            bounds: judge(&book.figures),
            problems: book.problems,
            figures: book.figures,
            configurations: book.configurations,
        }
    }

    /// Reads one that was saved.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read(path).with_context(|| format!("{}", path.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes all of it as JSON.
    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    /// Renews the tables of a page.
    pub(crate) fn renew(&self, path: &Path) -> Result<()> {
        let page = fs::read_to_string(path).with_context(|| format!("{}", path.display()))?;
        let renewed = replaced(&page, &self.markdown());
        fs::write(
            path,
            renewed.context("no lines in the page between which figures stand")?,
        )?;
        Ok(())
    }

    /// The tables.
    pub(crate) fn markdown(&self) -> String {
        let mut text = String::new();
        for (name, what) in &self.about {
            line(&mut text, &format!("- {name}: {what}"));
        }
        line(&mut text, "\n## What it must show\n");
        line(&mut text, "| | bound | seen | |\n|---|---|---|---|");
        for row in &self.bounds {
            line(&mut text, &bound_row(row));
        }
        for problem in &self.problems {
            line(
                &mut text,
                &format!("\nNot measured: {}", problem.replace('\n', " ")),
            );
        }
        text += &self.chart();
        for section in SECTIONS {
            text += &self.table(section);
        }
        if !self.configurations.is_empty() {
            line(&mut text, "\n## Configurations");
        }
        for (name, configuration) in &self.configurations {
            line(
                &mut text,
                &format!("\n{name}:\n\n```\n{}\n```", configuration.trim_end()),
            );
        }
        text
    }

    /// CPU as a multiple of nginx's.
    fn chart(&self) -> String {
        let bars: Vec<_> = CHART
            .iter()
            .filter_map(|(scenario, name)| {
                let figure = self.figure(scenario, "fairlead", "cpu_x")?;
                Some((name, figure.figure))
            })
            .collect();
        if bars.is_empty() {
            return String::new();
        }
        let top = bars
            .iter()
            .map(|(_, value)| value.ceil())
            .fold(2.0, f64::max);
        let names: Vec<_> = bars.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let values: Vec<_> = bars
            .iter()
            .map(|(_, value)| format!("{value:.2}"))
            .collect();
        format!(
            "\n```mermaid\nxychart-beta\n  title \"CPU per request, times nginx\"\n  x-axis [{}]\n  y-axis \"times nginx\" 0 --> {top}\n  bar [{}]\n```\n",
            names.join(", "),
            values.join(", ")
        )
    }

    fn table(&self, section: &Section) -> String {
        let mut whose: Vec<&str> = Vec::new();
        for figure in self
            .figures
            .iter()
            .filter(|figure| figure.scenario == section.scenario)
        {
            if !whose.contains(&figure.who.as_str()) {
                whose.push(&figure.who);
            }
        }
        let columns: Vec<_> = section
            .columns
            .iter()
            .filter(|(what, _)| {
                let has = |who: &&str| self.figure(section.scenario, who, what).is_some();
                whose.iter().any(has)
            })
            .collect();
        if columns.is_empty() {
            return String::new();
        }
        let names: Vec<_> = columns.iter().map(|(_, name)| *name).collect();
        let mut text = format!(
            "\n## {}\n\n| | {} |\n|---|",
            section.title,
            names.join(" | ")
        );
        line(&mut text, &"---|".repeat(columns.len()));
        for who in whose {
            let cell = |(what, _): &&(&str, &str)| {
                let figure = self.figure(section.scenario, who, what);
                figure.map(told).unwrap_or_default()
            };
            let cells: Vec<_> = columns.iter().map(cell).collect();
            line(&mut text, &format!("| {who} | {} |", cells.join(" | ")));
        }
        text
    }

    fn figure(&self, scenario: &str, who: &str, what: &str) -> Option<&Figure> {
        self.figures
            .iter()
            .find(|figure| figure.scenario == scenario && figure.who == who && figure.what == what)
    }
}

fn line(text: &mut String, line: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{line}");
}

fn replaced(page: &str, tables: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{tables}\n{END}{after}"))
}

fn bound_row(row: &Row) -> String {
    let verdict = match row.verdict {
        Verdict::Held => "held",
        Verdict::AimMissed => "held, the aim is not reached",
        Verdict::Passed => "**not held**",
        Verdict::Broken => "**not held**, by far",
        Verdict::NotMeasured => "not measured",
    };
    let seen = row.figure.as_ref().map(told).unwrap_or_default();
    format!("| {} | {} | {seen} | {verdict} |", row.says, row.bound)
}

/// The median; where there were rounds, its interval. Of errors their sum.
fn told(figure: &Figure) -> String {
    if figure.what == "errors" {
        return number(0.0 + figure.rounds.iter().sum::<f64>());
    }
    let middle = number(figure.figure);
    if figure.rounds.len() < 2 {
        return middle;
    }
    format!(
        "{middle} ({} to {})",
        number(figure.low),
        number(figure.high)
    )
}

/// Three figures that mean something.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// What the machine is and which versions took part. What cannot be told is left out.
fn about(plan: &Plan) -> Vec<(String, String)> {
    let said = |program: &str, argument: &str| {
        let output = Command::new(program).arg(argument).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        text.lines().next().map(|line| line.trim().to_owned())
    };
    let processor = fs::read_to_string("/proc/cpuinfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("model name"))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    });
    let cores = std::thread::available_parallelism().map(std::num::NonZero::get);
    let gateway = plan
        .gateway
        .as_ref()
        .and_then(|path| said(&path.display().to_string(), "--version"));
    let rounds = if plan.short {
        "each turn once, for a second: **no figure of this run means anything**".to_owned()
    } else {
        format!("{} rounds of {} s", plan.rounds, plan.seconds)
    };
    let all = [
        ("Processor", processor),
        ("Cores", cores.ok().map(|cores| cores.to_string())),
        ("Kernel", said("uname", "-r")),
        ("Gateway", gateway),
        ("Request log", Some(format!("{:?}", plan.request_log))),
        ("Floor", said("nginx", "-v")),
        ("Load", said(&plan.oha.display().to_string(), "--version")),
        ("Length", Some(rounds)),
    ];
    let known = |(name, what): (&str, Option<String>)| Some((name.to_owned(), what?));
    all.into_iter().filter_map(known).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let mut book = Book::default();
        for (nginx, fairlead) in [(12.0, 18.0), (13.0, 22.75), (12.5, 20.0)] {
            for (who, cpu) in [("nginx", nginx), ("fairlead", fairlead)] {
                book.note("whole", who, "cpu", cpu);
                book.note("whole", who, "cpu_x", cpu / nginx);
                book.note("whole", who, "errors", 0.0);
            }
        }
        book.configured("nginx", "daemon off;\n");
        Report {
            about: vec![("Cores".to_owned(), "2".to_owned())],
            bounds: judge(&book.figures),
            problems: vec!["tls: no nginx".to_owned()],
            figures: book.figures,
            configurations: book.configurations,
        }
    }

    #[test]
    fn the_page_has_bounds_and_tables() {
        let text = report().markdown();
        let bound = "| CPU per request, whole answer, 0.3 KB, against nginx | at most 1.8x (aim 1.5x) | 1.60 (1.50 to 1.75) | held, the aim is not reached |";
        for part in [
            "- Cores: 2\n",
            bound,
            "| 10,000 rules against 10 | at most 1.05x |  | not measured |",
            "Not measured: tls: no nginx\n",
            "## Whole answers, a prompt of 0.3 KB\n\n| | CPU, us | x the first | errors |\n|---|---|---|---|\n",
            "| nginx | 12.5 (12.0 to 13.0) | 1.00 (1.00 to 1.00) | 0 |\n",
            "| fairlead | 20.0 (18.0 to 22.8) | 1.60 (1.50 to 1.75) | 0 |\n",
            "bar [1.60]",
            "nginx:\n\n```\ndaemon off;\n```\n",
        ] {
            assert!(text.contains(part), "{part}\n\nis not in\n\n{text}");
        }
    }

    #[test]
    fn only_what_is_between_the_lines_is_renewed() {
        let page = format!("# Title\n\n{BEGIN}old\n{END}\nThe end.\n");
        let renewed = replaced(&page, "new").expect("the lines");
        assert_eq!(
            renewed,
            format!("# Title\n\n{BEGIN}\nnew\n{END}\nThe end.\n")
        );
        assert_eq!(replaced(&renewed, "new").as_ref(), Some(&renewed));
        assert_eq!(replaced("# Title\n", "new"), None);
    }

    #[test]
    fn what_is_saved_can_be_read() {
        let home = tempfile::TempDir::new().expect("a folder");
        let path = home.path().join("below").join("results.json");
        let report = report();
        report.save(&path).expect("saved");
        let read = Report::read(&path).expect("read");
        assert_eq!(read.markdown(), report.markdown());
    }

    #[test]
    fn numbers_have_three_figures() {
        let told: Vec<_> = [1234.5, 100.0, 23.45, 1.0, 0.0478, 0.0, -0.02]
            .map(number)
            .into();
        assert_eq!(
            told,
            ["1234", "100", "23.4", "1.00", "0.048", "0", "-0.020"]
        );
    }
}
