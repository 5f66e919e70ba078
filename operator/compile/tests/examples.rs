//! Every folder below `examples/` is what a reader will apply: each of its objects is accepted, and everything it names is there.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use std::fs;
use std::path::{Path, PathBuf};

use fairlead_compile::{Inputs, Settings, Verdict, compile, documents, report};

#[test]
fn every_example_compiles_without_a_finding() {
    let folders = folders();
    assert!(!folders.is_empty(), "there is no example");
    for folder in folders {
        let files = manifests(&folder);
        assert!(!files.is_empty(), "{} holds no YAML", folder.display());
        let found = files
            .iter()
            .flat_map(|file| {
                documents(
                    &file.display().to_string(),
                    &fs::read_to_string(file).unwrap(),
                )
                .unwrap()
            })
            .collect();
        let (inputs, strays) =
            Inputs::from_documents(Settings::new(gateway_namespace(&folder)), found);
        let verdicts: Vec<Verdict> = strays
            .into_iter()
            .chain(compile(None, &inputs).verdicts)
            .collect();
        assert!(
            !verdicts.is_empty() && verdicts.iter().all(Verdict::is_good),
            "{}\n{}",
            folder.display(),
            report(&verdicts)
        );
    }
}

/// Examples for a cluster put the platform's objects into `fairlead-system`; those for a laptop name no namespace.
fn gateway_namespace(folder: &Path) -> &'static str {
    let clustered = manifests(folder).iter().any(|file| {
        fs::read_to_string(file)
            .unwrap()
            .contains("fairlead-system")
    });
    if clustered {
        "fairlead-system"
    } else {
        "default"
    }
}

fn folders() -> Vec<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut folders: Vec<PathBuf> = fs::read_dir(examples)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

fn manifests(folder: &Path) -> Vec<PathBuf> {
    let is_manifest = |path: &PathBuf| {
        path.extension().is_some_and(|extension| {
            extension == "yaml" || extension == "yml" || extension == "json"
        })
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(is_manifest)
        .collect();
    files.sort();
    files
}
