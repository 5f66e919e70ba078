//! A file of the table -> cases.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{Case, File, Outcome, TableError, edit};

/// The reason of a refusal, unless the case gives another.
const INVALID: &str = "Invalid";

/// A file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    base: Value,
    cases: Vec<Row>,
}

/// A case as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    name: String,
    #[serde(default)]
    also: Vec<Value>,
    #[serde(default)]
    unset: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    then: Option<Then>,
    outcome: Kind,
    condition: Option<String>,
    field: Option<String>,
    reason: Option<String>,
    says: Option<String>,
}

/// The second half of an update.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    #[serde(default)]
    unset: Vec<String>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
enum Kind {
    Refused,
    Condition,
    Accepted,
}

/// All documents of a file.
pub(super) fn objects((file, text): File) -> Result<Vec<Value>, TableError> {
    serde_saphyr::from_multiple(text).map_err(|error| TableError {
        file,
        message: error.to_string(),
    })
}

/// All cases of a file.
pub(super) fn cases((file, text): File) -> Result<Vec<Case>, TableError> {
    let table: Table = serde_saphyr::from_str(text).map_err(|error| TableError {
        file,
        message: error.to_string(),
    })?;
    let read = |row: Row| {
        let name = row.name.clone();
        case(file, &table.base, row).map_err(|message| TableError {
            file,
            message: format!("{name}: {message}"),
        })
    };
    table.cases.into_iter().map(read).collect()
}

fn case(file: &'static str, base: &Value, row: Row) -> Result<Case, String> {
    let first = edit::edited(base, &row.unset, &row.set)?;
    let (before, object) = match &row.then {
        Some(then) => (
            Some(first.clone()),
            edit::edited(&first, &then.unset, &then.set)?,
        ),
        None => (None, first),
    };
    let outcome = outcome(row.outcome, row.condition, row.field, row.reason, row.says)?;
    Ok(Case {
        file,
        name: row.name,
        also: row.also,
        before,
        object,
        outcome,
    })
}

fn outcome(
    kind: Kind,
    condition: Option<String>,
    field: Option<String>,
    reason: Option<String>,
    says: Option<String>,
) -> Result<Outcome, String> {
    match (kind, condition, field, says) {
        (Kind::Refused, None, Some(field), Some(says)) => Ok(Outcome::Refused {
            field,
            reason: reason.unwrap_or_else(|| INVALID.to_owned()),
            says,
        }),
        (Kind::Refused, ..) => {
            Err("Refused goes with field, says and, if it is not Invalid, reason".to_owned())
        }
        (Kind::Condition, Some(condition), Some(field), None) => {
            let reason = reason.ok_or("Condition goes with a reason")?;
            Ok(Outcome::Condition {
                condition,
                field,
                reason,
            })
        }
        (Kind::Condition, ..) => Err("Condition goes with condition, field and reason".to_owned()),
        (Kind::Accepted, None, None, None) if reason.is_none() => Ok(Outcome::Accepted),
        (Kind::Accepted, ..) => Err("Accepted stands alone".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "
base: {spec: {type: A, weight: 1}}
cases:
- {name: changes its type, set: {spec.type: B}, then: {unset: [spec.weight]}, outcome: Refused, field: spec.type, says: immutable}
- {name: is fine, outcome: Accepted}
";

    #[test]
    fn a_case_is_the_base_with_its_edits() {
        let cases = cases(("good.yaml", GOOD)).unwrap();
        assert_eq!(
            cases[0].before,
            Some(serde_json::json!({"spec": {"type": "B", "weight": 1}}))
        );
        assert_eq!(cases[0].object, serde_json::json!({"spec": {"type": "B"}}));
        assert_eq!(
            cases[0].outcome,
            Outcome::Refused {
                field: "spec.type".into(),
                reason: "Invalid".into(),
                says: "immutable".into()
            }
        );
        assert_eq!(cases[1].outcome, Outcome::Accepted);
    }

    #[test]
    fn rejects_a_refusal_that_names_no_field() {
        let error = cases((
            "bad.yaml",
            "base: {}\ncases: [{name: nobody knows why, outcome: Refused}]",
        ))
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "crds/tests/table/bad.yaml: nobody knows why: Refused goes with field, says and, if it is not Invalid, reason"
        );
    }

    #[test]
    fn rejects_an_edit_that_meets_nothing() {
        let error = cases((
            "bad.yaml",
            "base: {spec: {}}\ncases: [{name: a typo, unset: [spec.tpye], outcome: Accepted}]",
        ))
        .unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("a typo: spec.tpye is not there to be unset"),
            "{error}"
        );
    }

    #[test]
    fn every_file_of_the_table_is_read_and_no_two_cases_of_a_file_share_a_name() {
        let cases = super::super::cases().unwrap();
        assert!(cases.len() >= 80, "{} cases", cases.len());
        for (at, case) in cases.iter().enumerate() {
            let twin = cases[..at]
                .iter()
                .find(|earlier| (earlier.file, &earlier.name) == (case.file, &case.name));
            assert!(twin.is_none(), "{}: {} stands twice", case.file, case.name);
        }
        let found = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/table"))
            .unwrap()
            .filter(|entry| {
                entry
                    .as_ref()
                    .unwrap()
                    .path()
                    .extension()
                    .is_some_and(|ext| ext == "yaml")
            });
        assert_eq!(
            found.count(),
            super::super::FILES.len() + 1,
            "a file in crds/tests/table is missing in FILES"
        );
    }
}
