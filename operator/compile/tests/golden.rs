//! Every folder of `tests/golden/`: `in.yaml` (after `before.yaml`, where there is one) -> verdicts, conditions and snapshot.
//!
//! `cargo insta review`, or `INSTA_UPDATE=always cargo test`, takes over what has changed; read the difference first.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fairlead_compile::{
    Compiled, Inputs, Settings, Verdict, compile, conditions, documents, report,
};
use fairlead_snapshot::Snapshot;

/// The gateway's namespace in every case.
const GATEWAY: &str = "fairlead-system";

#[test]
fn every_case_compiles_as_it_did() {
    let cases = cases();
    assert!(cases.len() >= 20, "cases are missing: {}", cases.len());
    for case in cases {
        let before = case.join("before.yaml");
        let live = before.exists().then(|| run(&before, None).1.snapshot);
        let (strays, compiled) = run(&case.join("in.yaml"), live.as_ref());
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({snapshot_path => &case, prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!("out", told(&strays, &compiled), &name);
        });
    }
}

#[test]
fn the_same_inputs_give_the_same_snapshot_in_any_order() {
    for case in cases() {
        let text = fs::read_to_string(case.join("in.yaml")).unwrap();
        let documents = documents("in.yaml", &text).unwrap();
        let reversed = documents.iter().rev().cloned().collect();
        let digest = |documents| {
            compile(
                None,
                &Inputs::from_documents(Settings::new(GATEWAY), documents).0,
            )
            .snapshot
            .digest()
        };
        assert_eq!(digest(documents), digest(reversed), "{}", case.display());
    }
}

fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    cases.sort();
    cases
}

fn run(file: &Path, previous: Option<&Snapshot>) -> (Vec<Verdict>, Compiled) {
    let name = file.file_name().unwrap().to_str().unwrap();
    let documents = documents(name, &fs::read_to_string(file).unwrap()).unwrap();
    let (inputs, strays) = Inputs::from_documents(Settings::new(GATEWAY), documents);
    let compiled = compile(previous, &inputs);
    (strays, compiled)
}

fn told(strays: &[Verdict], compiled: &Compiled) -> String {
    let all: Vec<Verdict> = strays.iter().chain(&compiled.verdicts).cloned().collect();
    let mut text = format!("{}\n", report(&all));
    for verdict in compiled
        .verdicts
        .iter()
        .filter(|verdict| !verdict.is_good())
    {
        for condition in conditions(verdict) {
            writeln!(
                text,
                "{} {}: {}={} {}: {}",
                verdict.kind,
                verdict.name,
                condition.kind,
                condition.status,
                condition.reason,
                condition.message
            )
            .unwrap();
        }
    }
    for wanted in &compiled.wanted {
        writeln!(text, "wanted: {wanted:?}").unwrap();
    }
    writeln!(
        text,
        "credentials: {}\n\n{}",
        compiled.credentials.len(),
        serde_json::to_string_pretty(&compiled.snapshot).unwrap()
    )
    .unwrap();
    text
}
