//! The table of YAML (`crds/tests/table`) through the `check` subcommand: what is wrong is named by file, field and reason, and the exit
//! code says so.

use fairlead_crds::table::{Case, GATEWAY_NAMESPACE, Outcome, cases, world};
use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::harness::{Setup, results};

/// `check` runs at the same time.
const AT_ONCE: usize = 4;

#[tokio::test]
async fn check_says_of_every_case_what_the_table_says() {
    let (world, cases) = (world().unwrap(), cases().unwrap());
    let judged = futures_util::stream::iter(&cases).map(|case| judge(case, &world));
    let wrong: Vec<String> = judged
        .buffer_unordered(AT_ONCE)
        .filter_map(async |verdict| verdict.err())
        .collect()
        .await;
    results::at_least(
        "table of YAML through check: cases",
        results::count(cases.len()),
        "cases",
        80.0,
    );
    let all_right = results::at_most(
        "table of YAML through check: judged wrongly",
        results::count(wrong.len()),
        "cases",
        0.0,
    );
    assert!(
        all_right,
        "{} of {} cases\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
    assert!(cases.len() >= 80, "{} cases", cases.len());
}

async fn judge(case: &Case, world: &[Value]) -> Result<(), String> {
    let items = [world, &case.also].concat();
    let surroundings = json!({"kind": "List", "items": items});
    let setup = Setup::new()
        .file("world.json", &surroundings.to_string())
        .file("case.json", &case.object.to_string());
    let output = setup
        .run("check", &["--gateway-namespace", GATEWAY_NAMESPACE])
        .await;
    let text = String::from_utf8_lossy(&output.stdout);
    let about: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once("case.json:"))
        .map(|(_, rest)| rest)
        .collect();
    let good = output.status.success();
    let verdict = match &case.outcome {
        // What an update may not change, only an API server can tell.
        Outcome::Refused { .. } | Outcome::Condition { .. } if case.before.is_some() => Ok(()),
        Outcome::Refused { field, reason, .. } | Outcome::Condition { field, reason, .. }
            if about.iter().any(|line| names(line, field, reason)) && !good =>
        {
            Ok(())
        }
        Outcome::Accepted if good => Ok(()),
        // Other objects of the case may be at fault.
        Outcome::Accepted
            if !case.also.is_empty() && !about.iter().any(|line| is_finding(line)) =>
        {
            Ok(())
        }
        Outcome::Refused { .. } | Outcome::Condition { .. } | Outcome::Accepted => Err(()),
    };
    verdict.map_err(|()| {
        format!(
            "{}: {}: {:?}, but check says (exit {:?})\n{text}",
            case.file,
            case.name,
            case.outcome,
            output.status.code()
        )
    })
}

/// Whether a line is about the field, or something in it, and has the reason.
fn names(line: &str, field: &str, reason: &str) -> bool {
    let begins = |rest: &str| rest.starts_with([':', '.', '[']);
    let named = line
        .split(": ")
        .any(|part| part == field || part.strip_prefix(field).is_some_and(begins));
    named && line.ends_with(&format!(" [{reason}]"))
}

fn is_finding(line: &str) -> bool {
    line.ends_with(']') && !line.contains(": note: ")
}
