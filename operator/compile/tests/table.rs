//! The table of YAML (`crds/tests/table/`) through the compiler: what the API server refuses is `Accepted=False` here, and what only the
//! compiler can see is a condition with the field and the reason that the table names.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use fairlead_compile::{
    Compiled, Document, Finding, Inputs, Settings, Verdict, compile, conditions, documents, report,
};
use fairlead_crds::table::{Case, GATEWAY_NAMESPACE, Outcome, cases, world};
use fairlead_snapshot::Snapshot;
use serde_json::Value;

#[test]
fn the_world_of_the_table_is_good() {
    let (strays, compiled) = run(&world().unwrap(), None);
    let verdicts: Vec<Verdict> = strays.into_iter().chain(compiled.verdicts).collect();
    assert!(
        verdicts.len() >= 8 && verdicts.iter().all(Verdict::is_good),
        "{}",
        report(&verdicts)
    );
}

#[test]
fn every_case_of_the_table_comes_out_as_it_says() {
    let world = world().unwrap();
    let cases = cases().unwrap();
    assert!(cases.len() >= 80, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            judge(case, &world)
                .err()
                .map(|why| format!("{}: {}: {why}", case.file, case.name))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// Whether the compiler says of a case what the table says.
fn judge(case: &Case, world: &[Value]) -> Result<(), String> {
    let with = |object: &Value| [world, &case.also, std::slice::from_ref(object)].concat();
    let before = case
        .before
        .as_ref()
        .map(|object| run(&with(object), None).1.snapshot);
    let (strays, compiled) = run(&with(&case.object), before.as_ref());
    // The case is the last document; an object of another gateway has no verdict at all.
    let verdict = strays
        .iter()
        .chain(&compiled.verdicts)
        .max_by_key(|verdict| verdict.line);
    let verdict = verdict.filter(|verdict| {
        verdict.kind == case.object["kind"].as_str().unwrap_or_default()
            && is_last(verdict, world.len() + case.also.len())
    });
    match (&case.outcome, verdict) {
        // What an update may not change, only the API server can tell: the compiler sees one object at a time.
        (Outcome::Refused { .. }, _) if case.before.is_some() => Ok(()),
        (_, None) => Err("there is no verdict".to_owned()),
        (Outcome::Refused { field, reason, .. }, Some(verdict)) => {
            named(&verdict.faults, field, reason)
        }
        (
            Outcome::Condition {
                condition,
                field,
                reason,
            },
            Some(verdict),
        ) => {
            let is_false = conditions(verdict)
                .iter()
                .any(|value| value.kind == condition && value.status == "False");
            if !is_false {
                return Err(format!(
                    "{condition} is not False: {}",
                    report(std::slice::from_ref(verdict))
                ));
            }
            named(
                if condition == "Accepted" {
                    &verdict.faults
                } else {
                    &verdict.unresolved
                },
                field,
                reason,
            )
        }
        (Outcome::Accepted, Some(verdict)) if verdict.is_good() => Ok(()),
        (Outcome::Accepted, Some(verdict)) => Err(report(std::slice::from_ref(verdict))),
    }
}

/// Whether a verdict is about the document at this place.
fn is_last(verdict: &Verdict, place: usize) -> bool {
    verdict.line == u32::try_from(place + 1).ok()
}

/// Whether one of the findings is about the field, or something in it, and has the reason.
fn named(findings: &[Finding], field: &str, reason: &str) -> Result<(), String> {
    let within = |path: &str| {
        path == field
            || path
                .strip_prefix(field)
                .is_some_and(|rest| rest.starts_with(['.', '[']))
    };
    let found = findings
        .iter()
        .any(|finding| within(&finding.path) && finding.reason.as_str() == reason);
    let told: Vec<String> = findings
        .iter()
        .map(|finding| format!("{finding} [{}]", finding.reason))
        .collect();
    if found {
        Ok(())
    } else {
        Err(format!("{field} [{reason}] is not among {told:?}"))
    }
}

/// Each object stands on a line of its own, so a verdict's line says which one it is about.
fn run(objects: &[Value], previous: Option<&Snapshot>) -> (Vec<Verdict>, Compiled) {
    let items: Vec<String> = objects.iter().map(ToString::to_string).collect();
    let text = items
        .iter()
        .enumerate()
        .fold(String::new(), |text, (at, item)| {
            text + if at == 0 { "[" } else { ",\n" } + item
        });
    let list = format!("{{\"kind\": \"List\", \"items\": {text}]}}");
    let found: Vec<Document> = documents("table", &list).unwrap();
    let (inputs, strays) = Inputs::from_documents(Settings::new(GATEWAY_NAMESPACE), found);
    let compiled = compile(previous, &inputs);
    (strays, compiled)
}
