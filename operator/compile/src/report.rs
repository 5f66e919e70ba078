//! Verdicts for people: what `check` prints.

use crate::finding::Finding;
use crate::verdict::{InForce, Verdict};

/// One line for each finding (`FILE:LINE: Kind namespace/name: field: message [Reason]`), one for each good object, and the counts last.
#[must_use]
pub fn report(verdicts: &[Verdict]) -> String {
    let mut lines: Vec<String> = verdicts.iter().flat_map(lines_of).collect();
    let good = verdicts.iter().filter(|verdict| verdict.is_good()).count();
    let findings: usize = verdicts
        .iter()
        .map(|verdict| verdict.faults.len() + verdict.unresolved.len())
        .sum();
    lines.push(format!(
        "{}: {good} ok, {} not ok, {}",
        counted(verdicts.len(), "object"),
        verdicts.len() - good,
        counted(findings, "finding")
    ));
    lines.join("\n") + "\n"
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn lines_of(verdict: &Verdict) -> Vec<String> {
    let mut lines: Vec<String> = verdict
        .faults
        .iter()
        .chain(&verdict.unresolved)
        .map(|finding| line(verdict, finding, ""))
        .collect();
    lines.extend(
        verdict
            .notes
            .iter()
            .map(|note| line(verdict, note, "note: ")),
    );
    match verdict.in_force {
        InForce::This if lines.is_empty() => {
            lines.push(format!("{}: ok", place(verdict, verdict.line)));
        }
        InForce::Previous => lines.push(format!(
            "{}: the last accepted version stays in force",
            place(verdict, verdict.line)
        )),
        InForce::This | InForce::Nothing => {}
    }
    lines
}

fn line(verdict: &Verdict, finding: &Finding, prefix: &str) -> String {
    format!(
        "{}: {prefix}{finding} [{}]",
        place(verdict, finding.line.or(verdict.line)),
        finding.reason
    )
}

/// `FILE:LINE: Kind namespace/name`, without what is not known.
fn place(verdict: &Verdict, line: Option<u32>) -> String {
    let mut place = String::new();
    if let Some(file) = &verdict.file {
        place.push_str(file);
        if let Some(line) = line {
            place.push_str(&format!(":{line}"));
        }
        place.push_str(": ");
    }
    place.push_str(if verdict.kind.is_empty() {
        "document"
    } else {
        &verdict.kind
    });
    if !verdict.name.name.is_empty() {
        place.push_str(&format!(" {}", verdict.name));
    }
    place
}
